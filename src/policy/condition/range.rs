//! Bounds of numbers.

use crate::api::value::Value;
use crate::format::{Format, HostPort, Port};
use crate::policy::slot::Effective;

/// A range of whole numbers, both ends included.
///
/// Without a least value the range begins at 0: the Engine often takes a
/// negative number for no limit at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// The least.
    pub(crate) min: Option<i128>,
    /// The greatest.
    pub(crate) max: Option<i128>,
}

impl Range {
    /// Whether the range holds no number at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.max.is_some_and(|max| max < self.min.unwrap_or(0))
    }

    /// Whether everything that the value may come to is within the range.
    pub(super) fn admits(&self, effective: Effective<'_, '_>, format: Option<Format>) -> bool {
        let numbers = match effective {
            Effective::Value(value) => numbers(value, format),
            Effective::Unset => Some((0, 0)),
            // The Engine takes any port for the port 0.
            Effective::Default("0") if format == Some(Format::HostPort) => None,
            Effective::Default(word) => word.parse().ok().map(|number| (number, number)),
            Effective::Unlimited | Effective::Unknown(_) | Effective::Unchanged => None,
        };
        match numbers {
            Some((first, last)) => {
                first >= self.min.unwrap_or(0) && self.max.is_none_or(|max| last <= max)
            }
            // No limit is more than any.
            None => self.max.is_none() && matches!(effective, Effective::Unlimited),
        }
    }
}

/// The least and the greatest number that a value stands for.
fn numbers(value: &Value<'_>, format: Option<Format>) -> Option<(i128, i128)> {
    let single = |number: i128| Some((number, number));
    match (value, format) {
        (Value::Int(value), _) => single((*value).into()),
        (Value::Uint(value), _) => single((*value).into()),
        (Value::Text(text), Some(Format::HostPort)) => HostPort::parse(text)
            .ok()
            .filter(|port| port.last != 0)
            .map(|port| (port.first.into(), port.last.into())),
        (Value::Text(text), Some(Format::Port)) => Port::parse(text)
            .ok()
            .map(|port| (port.first.into(), port.last.into())),
        (Value::Text(text), _) => single(text.parse().ok()?),
        _ => None,
    }
}

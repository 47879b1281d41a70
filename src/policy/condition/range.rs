//! Bounds of numbers.

use crate::api::value::Value;
use crate::format::{Format, HostPort, Port, device_numbers};
use crate::policy::slot::Effective;
use crate::policy::verdict::Verdict;

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

    /// Whether every number of the other range is in this one.
    pub(crate) fn covers(self, other: Self) -> bool {
        let most = match (self.max, other.max) {
            (None, _) => true,
            (Some(own), Some(other)) => own >= other,
            (Some(_), None) => false,
        };
        most && self.min.unwrap_or(0) <= other.min.unwrap_or(0)
    }

    /// Whether no number is in both.
    pub(crate) fn disjoint(self, other: Self) -> bool {
        let below = |a: Self, b: Self| a.max.is_some_and(|max| max < b.min.unwrap_or(0));
        below(self, other) || below(other, self)
    }

    /// Whether what the value may come to is within the range, all of it or in part.
    pub(super) fn admits(&self, effective: Effective<'_, '_>, format: Option<Format>) -> Verdict {
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
                let min = self.min.unwrap_or(0);
                if first >= min && self.max.is_none_or(|max| last <= max) {
                    Verdict::Yes
                } else if last >= min && self.max.is_none_or(|max| first <= max) {
                    Verdict::Partly
                } else {
                    Verdict::No
                }
            }
            // No limit is more than any.
            None => Verdict::of(self.max.is_none() && matches!(effective, Effective::Unlimited)),
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
        (Value::Text(text), Some(Format::DeviceNumber)) => device_numbers(text)
            .ok()
            .map(|(first, last)| (first.into(), last.into())),
        (Value::Text(text), _) => single(text.parse().ok()?),
        _ => None,
    }
}

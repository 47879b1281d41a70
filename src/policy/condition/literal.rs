//! A value that a rule names, and whether another is the same to the Engine.

use crate::api::definition::{Effect, Schema};
use crate::api::value::Value;
use crate::format::{
    Bind, Capability, DeviceRule, Format, FormatError, HostPort, SecurityOpt, Signal, User,
    ip_address,
};
use crate::policy::slot::{Effective, Slot};
use crate::policy::verdict::Verdict;

/// A value as a rule names it, in its canonical spelling.
#[derive(Clone, Debug)]
pub(crate) struct Literal {
    value: Value<'static>,
    /// As it is written, for messages.
    written: String,
}

impl Literal {
    /// A literal that was checked against its schema.
    pub(crate) fn new(value: Value<'static>, written: String) -> Self {
        Self { value, written }
    }

    /// As it is written in the policy.
    pub(crate) fn written(&self) -> &str {
        &self.written
    }

    /// What the Engine would make of it at this place.
    fn effective(&self, slot: Slot<'_, '_>) -> Effective<'_, 'static> {
        Slot {
            schema: slot.schema,
            absent: slot.absent,
            zero: slot.zero,
            value: &self.value,
        }
        .effective()
    }

    /// Whether a value has the same effect as this one.
    pub(super) fn equals(&self, other: Effective<'_, '_>, slot: Slot<'_, '_>) -> Verdict {
        let same = match (self.effective(slot), other) {
            (Effective::Unset, Effective::Unset) | (Effective::Unlimited, Effective::Unlimited) => {
                true
            }
            (Effective::Default(a), Effective::Default(b)) => a == b,
            (Effective::Value(mine), Effective::Default(word)) => {
                return same_as_word(slot.schema, mine, word);
            }
            (Effective::Default(word), Effective::Value(value)) => {
                return same_as_word(slot.schema, value, word);
            }
            (Effective::Value(mine), Effective::Value(value)) => {
                return same(slot.schema, mine, value);
            }
            _ => false,
        };
        Verdict::of(same)
    }

    /// Whether the value stands for nothing that a rule can be sure of: the
    /// image's own, or what is there already.
    pub(crate) fn is_nothing(&self, zero: Effect) -> bool {
        super::super::slot::is_zero(&self.value)
            && (matches!(zero, Effect::Image | Effect::Unchanged)
                || matches!(zero, Effect::Default(words) if words.contains(' ')))
    }
}

/// Whether a value is what the definition calls a default.
fn same_as_word(schema: &Schema, value: &Value<'_>, word: &str) -> Verdict {
    match (value, schema.format) {
        (Value::Text(text), Some(format)) => same_text(format, text, word),
        (Value::Text(text), None) => Verdict::of(text == word),
        (Value::Bool(value), _) => Verdict::of(word == if *value { "true" } else { "false" }),
        (Value::Int(value), _) => Verdict::of(word.parse() == Ok(*value)),
        _ => Verdict::No,
    }
}

fn same(schema: &Schema, mine: &Value<'_>, value: &Value<'_>) -> Verdict {
    match (mine, value, schema.format) {
        (Value::Text(mine), Value::Text(value), Some(format)) => same_text(format, mine, value),
        (Value::List(mine), Value::List(value), _) => Verdict::of(mine == value),
        // Texts without a format, numbers and booleans.
        _ => Verdict::of(mine == value),
    }
}

fn same_text(format: Format, mine: &str, value: &str) -> Verdict {
    if mine == value {
        return Verdict::Yes;
    }
    match format {
        Format::User => same_user(mine, value),
        Format::ImageReference => super::image::same(mine, value),
        Format::Capability => same_parsed(mine, value, Capability::parse),
        Format::Signal => same_parsed(mine, value, Signal::parse),
        Format::SecurityOpt => same_parsed(mine, value, SecurityOpt::parse),
        Format::IpAddress => same_parsed(mine, value, |text| {
            // An IPv4 address can be written as an IPv6 one.
            ip_address(text).map(|address| address.to_canonical())
        }),
        Format::HostPort => same_parsed(mine, value, HostPort::parse),
        Format::Bind => same_parsed(mine, value, Bind::parse),
        Format::DeviceCgroupRule => same_parsed(mine, value, DeviceRule::parse),
        _ => Verdict::of(format.identity(mine) == format.identity(value)),
    }
}

/// Whether two texts are the same once they are taken apart.
fn same_parsed<'t, T: PartialEq>(
    mine: &'t str,
    value: &'t str,
    parse: impl Fn(&'t str) -> Result<T, FormatError>,
) -> Verdict {
    Verdict::of(parse(mine).is_ok_and(|mine| parse(value).is_ok_and(|value| mine == value)))
}

/// The same user with another group, or with the one that the image gives it,
/// is the same in part.
fn same_user(mine: &str, value: &str) -> Verdict {
    let (Ok(mine), Ok(value)) = (User::parse(mine), User::parse(value)) else {
        return Verdict::No;
    };
    let same_uid = mine.uid == value.uid || (mine.is_root() && value.is_root());
    match (same_uid, mine.gid, value.gid) {
        (false, _, _) => Verdict::No,
        (true, mine, value) if mine == value => Verdict::Yes,
        _ => Verdict::Partly,
    }
}

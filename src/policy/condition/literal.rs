//! A value that a rule names, and whether another is the same to the Engine.

use crate::api::definition::{Effect, Kind, Schema};
use crate::api::value::Value;
use crate::format::{
    Account, Bind, Capability, DeviceKind, DeviceRule, Format, FormatError, HostPort, Port,
    SeccompProfile, SecurityOpt, Signal, User, ip_address, is_under,
};
use crate::policy::parts;
use crate::policy::slot::{Effective, Slot};
use crate::policy::verdict::Verdict;

/// A value as a rule names it, in its canonical spelling.
#[derive(Clone, Debug, PartialEq)]
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

    /// The value.
    pub(crate) fn value(&self) -> &Value<'static> {
        &self.value
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
    pub(crate) fn equals(&self, other: Effective<'_, '_>, slot: Slot<'_, '_>) -> Verdict {
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
        self.value.is_zero()
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
        (Value::Text(mine), Value::Text(value), _) if let Kind::Enum(words) = schema.kind => {
            if mine != value && words.wide == Some(value.as_ref()) {
                return Verdict::Partly;
            }
            Verdict::of(mine == value)
        }
        (Value::Text(mine), Value::Text(value), Some(format)) => same_text(format, mine, value),
        (Value::List(mine), Value::List(value), _) => Verdict::of(mine == value),
        // Texts without a format, numbers and booleans.
        _ => Verdict::of(mine == value),
    }
}

pub(super) fn same_text(format: Format, mine: &str, value: &str) -> Verdict {
    if mine == value {
        return Verdict::Yes;
    }
    match format {
        Format::User => same_user(mine, value),
        Format::ImageReference => super::image::same(mine, value),
        Format::Capability => same_parsed(mine, value, Capability::parse),
        Format::Signal => same_parsed(mine, value, Signal::parse),
        Format::SecurityOpt => same_option(mine, value),
        // What a profile says is not read, so it may be none as good as any.
        Format::SecurityOptValue => may(mine == "unconfined" && is_inline(value)),
        Format::DeviceNumber => may(value == "*"),
        Format::Port => same_port(Port::parse(mine), Port::parse(value), |port| {
            (port.protocol.name(), port.first, port.last)
        }),
        Format::IpAddress => same_address(mine, value),
        Format::HostPort => same_port(HostPort::parse(mine), HostPort::parse(value), |port| {
            ("", port.first, port.last)
        }),
        Format::Bind => same_parsed(mine, value, Bind::parse),
        Format::DeviceCgroupRule => same_rule(mine, value),
        Format::HostPath | Format::MountSource => {
            let same = format.identity(mine) == format.identity(value);
            let around = value.starts_with('/') && is_under(mine, value);
            match (same, around) {
                (true, _) => Verdict::Yes,
                // Who has the folder has what is in it.
                (false, around) => may(around),
            }
        }
        // What another container has may be this.
        _ if parts::is_of_container(format, value) => Verdict::Partly,
        _ => Verdict::of(format.identity(mine) == format.identity(value)),
    }
}

/// In part, or not at all.
fn may(part: bool) -> Verdict {
    if part { Verdict::Partly } else { Verdict::No }
}

/// A range has the ports of another one in part, if they have one in common.
fn same_port<T>(
    mine: Result<T, FormatError>,
    value: Result<T, FormatError>,
    numbers: impl Fn(T) -> (&'static str, u16, u16),
) -> Verdict {
    let (Ok(mine), Ok(value)) = (mine, value) else {
        return Verdict::No;
    };
    let (mine, value) = (numbers(mine), numbers(value));
    if mine == value {
        return Verdict::Yes;
    }
    may(mine.0 == value.0 && mine.1 <= value.2 && value.1 <= mine.2)
}

/// A profile that a client writes itself may confine nothing.
fn same_option(mine: &str, value: &str) -> Verdict {
    let (Ok(mine), Ok(value)) = (SecurityOpt::parse(mine), SecurityOpt::parse(value)) else {
        return Verdict::No;
    };
    let unconfined = mine == SecurityOpt::Seccomp(SeccompProfile::Unconfined);
    let inline = matches!(value, SecurityOpt::Seccomp(SeccompProfile::Inline(_)));
    if mine == value {
        Verdict::Yes
    } else {
        may(unconfined && inline)
    }
}

/// Whether a text that stands for more than it says may stand for one that fits.
pub(super) fn may_fit(format: Format, text: &str, fits: impl Fn(&str) -> bool) -> bool {
    match format {
        Format::SecurityOptValue => is_inline(text) && fits("unconfined"),
        Format::SecurityOpt => {
            let inline = matches!(
                SecurityOpt::parse(text),
                Ok(SecurityOpt::Seccomp(SeccompProfile::Inline(_)))
            );
            inline && fits("seccomp=unconfined")
        }
        Format::DeviceNumber => text == "*",
        Format::DeviceCgroupRule => DeviceRule::parse(text).is_ok_and(|rule| {
            rule.kind == DeviceKind::All || rule.major.is_none() || rule.minor.is_none()
        }),
        Format::Port => Port::parse(text).is_ok_and(|port| port.first != port.last),
        Format::HostPort => HostPort::parse(text).is_ok_and(|port| port.first != port.last),
        _ => parts::is_of_container(format, text),
    }
}

/// Whether the value of a security option is a profile that a client wrote. Space
/// before it is as good as none to the Engine.
fn is_inline(value: &str) -> bool {
    value
        .trim_start_matches([' ', '\t', '\n', '\r'])
        .starts_with('{')
}

/// A rule on more devices, or with more access, has another one in part.
fn same_rule(mine: &str, value: &str) -> Verdict {
    let (Ok(mine), Ok(value)) = (DeviceRule::parse(mine), DeviceRule::parse(value)) else {
        return Verdict::No;
    };
    if mine == value {
        return Verdict::Yes;
    }
    may(mine.meets(value))
}

/// Whether two texts are the same once they are taken apart.
fn same_parsed<'t, T: PartialEq>(
    mine: &'t str,
    value: &'t str,
    parse: impl Fn(&'t str) -> Result<T, FormatError>,
) -> Verdict {
    Verdict::of(parse(mine).is_ok_and(|mine| parse(value).is_ok_and(|value| mine == value)))
}

/// An IPv4 address can be written as an IPv6 one. All addresses of one family are a
/// part of all addresses.
fn same_address(mine: &str, value: &str) -> Verdict {
    let (Ok(mine), Ok(value)) = (ip_address(mine), ip_address(value)) else {
        return Verdict::No;
    };
    if mine.to_canonical() == value.to_canonical() {
        Verdict::Yes
    } else if mine.is_unspecified() && value.is_unspecified() {
        Verdict::Partly
    } else {
        Verdict::No
    }
}

/// The same user with another group, or with the one that the image gives it,
/// is the same in part.
fn same_user(mine: &str, value: &str) -> Verdict {
    let (Ok(mine), Ok(value)) = (User::parse(mine), User::parse(value)) else {
        return Verdict::No;
    };
    let same_uid = mine.uid == value.uid || (mine.is_root() && value.is_root());
    let number = |user: &User<'_>| matches!(user.uid, Some(Account::Number(_))) || user.is_root();
    if !same_uid && number(&mine) && !number(&value) {
        // What number a name has only the image knows.
        return Verdict::Unknown;
    }
    match (same_uid, mine.gid, value.gid) {
        (false, _, _) => Verdict::No,
        (true, mine, value) if mine == value => Verdict::Yes,
        _ => Verdict::Partly,
    }
}

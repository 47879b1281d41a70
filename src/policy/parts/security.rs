//! The parts of a security option: what it sets, and to what.

use super::{guarded_as, part, word};
use crate::api::definition::{Benign, Kind, ObjectDef, RiskClass, Schema, Vocabulary};
use crate::api::value::{Object, Value};
use crate::format::{Format, SeccompProfile, SecurityOpt};

static NAMES: Vocabulary = Vocabulary {
    words: &[
        "apparmor",
        "label",
        "no-new-privileges",
        "seccomp",
        "writable-cgroups",
    ],
    any_case: false,
    wide: None,
};

const CLASSES: &[RiskClass] = &[RiskClass::HostEscape, RiskClass::Privilege];

/// The parts, in the order in which [`of`] fills them. Asking for no new privileges
/// is harmless; what sets anything else is named with the value that it may have.
pub(super) static DEFINITION: ObjectDef = ObjectDef {
    fields: &[
        part(
            "name",
            Schema::plain(Kind::Enum(&NAMES)),
            guarded_as(
                CLASSES,
                &[Benign::Absent, Benign::Text("no-new-privileges")],
            ),
        ),
        part(
            "value",
            // A profile is no text to show.
            {
                let mut schema = Schema::plain(Kind::Text);
                schema.format = Some(Format::SecurityOptValue);
                schema
            },
            guarded_as(
                CLASSES,
                &[Benign::Absent, Benign::Text(""), Benign::Text("true")],
            ),
        ),
    ],
    lookup: &[],
    drop_unknown: false,
};

pub(super) fn of(text: &str) -> Option<Object<'_>> {
    let option = SecurityOpt::parse(text).ok()?;
    let name = match option {
        SecurityOpt::NoNewPrivileges(_) => "no-new-privileges",
        SecurityOpt::WritableCgroups(_) => "writable-cgroups",
        SecurityOpt::Label(_) => "label",
        SecurityOpt::AppArmor(_) => "apparmor",
        SecurityOpt::Seccomp(_) => "seccomp",
    };
    let value = match option {
        SecurityOpt::AppArmor(profile) | SecurityOpt::Seccomp(SeccompProfile::Inline(profile)) => {
            Value::Text(profile.into())
        }
        _ => {
            let written = option.to_string();
            let (_, value) = written.split_once('=')?;
            Value::Text(value.to_owned().into())
        }
    };
    Some(Object::with(&DEFINITION, [word(Some(name)), value]))
}

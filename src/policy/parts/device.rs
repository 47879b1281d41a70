//! The parts of a rule of the device control group: which devices, and the access.

use super::{HOST, guarded, part, text, word};
use crate::api::definition::{Kind, ObjectDef, Schema, Vocabulary};
use crate::api::value::{Object, Value};
use crate::format::{DeviceKind, DeviceRule, Format};

static TYPES: Vocabulary = Vocabulary {
    words: &["a", "b", "c"],
    any_case: false,
    wide: Some("a"),
};

static ACCESSES: Vocabulary = Vocabulary {
    words: &["r", "w", "m"],
    any_case: false,
    wide: None,
};

static ACCESS: Schema = Schema::plain(Kind::Enum(&ACCESSES));

/// The parts, in the order in which [`of`] fills them.
pub(super) static DEFINITION: ObjectDef = ObjectDef {
    fields: &[
        part("type", Schema::plain(Kind::Enum(&TYPES)), guarded(HOST)),
        part("major", text(Some(Format::DeviceNumber)), guarded(HOST)),
        part("minor", text(Some(Format::DeviceNumber)), guarded(HOST)),
        part("access", Schema::plain(Kind::List(&ACCESS)), guarded(HOST)),
    ],
    lookup: &[],
    drop_unknown: false,
};

pub(super) fn of(text: &str) -> Option<Object<'_>> {
    let rule = DeviceRule::parse(text).ok()?;
    // Runtimes take a rule on both types for one on everything, whatever else it says.
    let all = rule.kind == DeviceKind::All;
    let kind = match rule.kind {
        DeviceKind::All => "a",
        DeviceKind::Block => "b",
        DeviceKind::Character => "c",
    };
    let number = |number: Option<u32>| match number {
        Some(number) if !all => Value::Text(number.to_string().into()),
        _ => Value::Text("*".into()),
    };
    let access = [("r", rule.read), ("w", rule.write), ("m", rule.mknod)];
    let access = access.into_iter().filter(|(_, given)| *given || all);
    let access = access.map(|(letter, _)| word(Some(letter))).collect();
    let (major, minor) = (number(rule.major), number(rule.minor));
    let parts = [word(Some(kind)), major, minor, Value::List(access)];
    Some(Object::with(&DEFINITION, parts))
}

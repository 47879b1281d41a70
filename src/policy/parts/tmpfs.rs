//! The parts of the options of a tmpfs: what they lift, and how large it may be.

use super::{OPEN, guarded_as, part};
use crate::api::definition::{Benign, Effect, FieldDef, Kind, ObjectDef, RiskClass, Schema};
use crate::api::value::{Object, Value};
use crate::format::{Format, TmpfsOptions};

/// A flag that lifts what the Engine mounts a tmpfs with.
const fn lifts(name: &'static str, classes: &'static [RiskClass]) -> FieldDef {
    let benign = &[Benign::Absent, Benign::Bool(false)];
    part(name, Schema::plain(Kind::Bool), guarded_as(classes, benign))
}

/// How large it may be; as it is by default, half of the memory.
const SIZE: FieldDef = {
    let mut schema = Schema::plain(Kind::INT64);
    schema.format = Some(Format::Bytes);
    let mut size = part("size", schema, OPEN);
    size.absent = Effect::Unlimited;
    size.zero = Effect::Unlimited;
    size
};

const PRIVILEGE: &[RiskClass] = &[RiskClass::Privilege];

/// The parts, in the order in which [`of`] fills them.
pub(super) static DEFINITION: ObjectDef = ObjectDef {
    fields: &[
        SIZE,
        part("read_only", Schema::plain(Kind::Bool), OPEN),
        lifts("exec", PRIVILEGE),
        lifts("suid", PRIVILEGE),
        lifts("dev", PRIVILEGE),
        lifts("propagates", &[RiskClass::HostEscape]),
    ],
    lookup: &[],
    drop_unknown: false,
};

pub(super) fn of(text: &str) -> Option<Object<'_>> {
    let options = TmpfsOptions::parse(text).ok()?;
    let size = options.bytes().map_or(Value::Absent, Value::Int);
    let flags = [
        options.read_only,
        options.exec,
        options.suid,
        options.dev,
        options.propagates,
    ];
    let parts = std::iter::once(size).chain(flags.map(Value::Bool));
    Some(Object::with(&DEFINITION, parts))
}

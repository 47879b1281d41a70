//! The parts of a container's port: the number, or a range, and the protocol.

use super::{OPEN, part, text, word};
use crate::api::definition::{Kind, ObjectDef, Schema, Vocabulary};
use crate::api::value::{Object, Value};
use crate::format::{Format, Port};

static PROTOCOLS: Vocabulary = Vocabulary {
    words: &["tcp", "udp", "sctp"],
    any_case: true,
    wide: None,
};

/// The parts, in the order in which [`of`] fills them.
pub(super) static DEFINITION: ObjectDef = ObjectDef {
    fields: &[
        part("port", text(Some(Format::HostPort)), OPEN),
        part("protocol", Schema::plain(Kind::Enum(&PROTOCOLS)), OPEN),
    ],
    lookup: &[],
    drop_unknown: false,
};

pub(super) fn of(text: &str) -> Option<Object<'_>> {
    let port = Port::parse(text).ok()?;
    let numbers = text.split('/').next()?;
    let parts = [
        Value::Text(numbers.into()),
        word(Some(port.protocol.name())),
    ];
    Some(Object::with(&DEFINITION, parts))
}

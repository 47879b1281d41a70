//! The parts of namespace modes: which of the modes one is, where one can also name
//! a container or a network.

use super::{OPEN, part, word};
use crate::api::definition::{Effect, FieldDef, Kind, ObjectDef, Schema, Vocabulary};
use crate::api::value::Object;
use crate::format::{Format, FormatError, NamespaceMode};

/// Words for modes. What another container has may be any of them.
const fn words(words: &'static [&'static str]) -> Vocabulary {
    Vocabulary {
        words,
        any_case: false,
        wide: Some("container"),
    }
}

/// The mode, which names neither the container nor the network. It is as open as
/// the text: who says which modes there may be has said all.
const fn mode(words: &'static Vocabulary) -> [FieldDef; 1] {
    let mut mode = part("mode", Schema::plain(Kind::Enum(words)), OPEN);
    mode.absent = Effect::Default("default");
    mode.zero = Effect::Default("default");
    [mode]
}

const fn object(fields: &'static [FieldDef]) -> ObjectDef {
    ObjectDef {
        fields,
        lookup: &[],
        drop_unknown: false,
    }
}

type Parse<'t> = fn(&'t str) -> Result<NamespaceMode<'t>, FormatError>;

static NETWORK_WORDS: Vocabulary =
    words(&["default", "bridge", "none", "host", "network", "container"]);
static PID_WORDS: Vocabulary = words(&["default", "host", "container"]);
static IPC_WORDS: Vocabulary = words(&[
    "default",
    "none",
    "private",
    "shareable",
    "host",
    "container",
]);

static NETWORK: ObjectDef = object(const { &mode(&NETWORK_WORDS) });
static PID: ObjectDef = object(const { &mode(&PID_WORDS) });
static IPC: ObjectDef = object(const { &mode(&IPC_WORDS) });

/// How a namespace mode is read, and what it is made of.
fn table<'t>(format: Format) -> Option<(Parse<'t>, &'static ObjectDef)> {
    Some(match format {
        Format::NetworkMode => (NamespaceMode::network, &NETWORK),
        Format::PidMode => (NamespaceMode::pid, &PID),
        Format::IpcMode => (NamespaceMode::ipc, &IPC),
        _ => return None,
    })
}

pub(super) fn definition(format: Format) -> Option<&'static ObjectDef> {
    table(format).map(|(_, definition)| definition)
}

pub(super) fn of(format: Format, text: &str) -> Option<Object<'_>> {
    let (parse, definition) = table(format)?;
    let kind = parse(text).ok()?.kind();
    Some(Object::with(definition, [word(Some(kind))]))
}

/// Whether a mode is what another container has, which may be any of the modes: its
/// namespace can be the host's own, or on any network.
pub(in crate::policy) fn is_of_container(format: Format, text: &str) -> bool {
    let parsed = table(format).and_then(|(parse, _)| parse(text).ok());
    matches!(parsed, Some(NamespaceMode::Container(_)))
}

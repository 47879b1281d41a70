//! `mounts`: binds, mounts and volumes of other containers as one list.

use super::{borrowed, list, object};
use crate::api::definition::{Kind, ObjectDef, Schema, Vocabulary};
use crate::api::value::{Object, Value};
use crate::format::{Bind, Format, Propagation, Source, VolumesFrom};
use crate::policy::parts::{
    GUARDED_FLAG, HOST, OPEN, OTHERS, PROPAGATION, guarded, part, text, word,
};
use crate::request::Decoded;

static TYPES: Vocabulary = Vocabulary {
    words: &[
        "bind",
        "volume",
        "tmpfs",
        "image",
        "cluster",
        "npipe",
        "volumes-from",
    ],
    any_case: false,
    wide: None,
};

/// A mount, in the order in which [`mount`] fills it.
static MOUNT: ObjectDef = ObjectDef {
    fields: &[
        part("type", Schema::plain(Kind::Enum(&TYPES)), OPEN),
        part("source", text(Some(Format::HostPath)), guarded(HOST)),
        part("volume", text(Some(Format::VolumeName)), guarded(OTHERS)),
        part("image", text(Some(Format::ImageReference)), guarded(OTHERS)),
        part(
            "container",
            text(Some(Format::ContainerReference)),
            guarded(OTHERS),
        ),
        part("target", text(Some(Format::ContainerPath)), OPEN),
        part("read_only", Schema::plain(Kind::Bool), OPEN),
        PROPAGATION,
        part("relabel", Schema::plain(Kind::Bool), GUARDED_FLAG),
    ],
    lookup: &[],
    drop_unknown: false,
};

static ELEMENT: Schema = Schema::plain(Kind::Object(&MOUNT));

/// A list of mounts.
pub(super) static SCHEMA: Schema = Schema::plain(Kind::List(&ELEMENT));

/// What is mounted.
#[derive(Default)]
struct Mount<'r> {
    kind: &'static str,
    source: Value<'r>,
    volume: Value<'r>,
    image: Value<'r>,
    container: Value<'r>,
    target: Value<'r>,
    read_only: bool,
    propagation: Value<'r>,
    relabel: bool,
}

impl<'r> Mount<'r> {
    fn value(self) -> Value<'r> {
        Value::Object(Object::with(
            &MOUNT,
            [
                word(Some(self.kind)),
                self.source,
                self.volume,
                self.image,
                self.container,
                self.target,
                Value::Bool(self.read_only),
                self.propagation,
                Value::Bool(self.relabel),
            ],
        ))
    }
}

/// All mounts of a request.
pub(super) fn value<'r>(request: &'r Decoded<'_>) -> Value<'r> {
    let Some(host_config) = object(request, &["HostConfig"]) else {
        return Value::List(Vec::new());
    };
    let binds = list(host_config.get("Binds"));
    let mounts = list(host_config.get("Mounts"));
    let others = list(host_config.get("VolumesFrom"));
    let binds = binds.iter().filter_map(Value::as_text).map(bind);
    let mounts = mounts.iter().filter_map(Value::as_object).map(mount);
    let others = others.iter().filter_map(Value::as_text).map(volumes_from);
    Value::List(
        binds
            .chain(mounts)
            .chain(others)
            .map(Mount::value)
            .collect(),
    )
}

/// A text that does not parse was refused when it was decoded; should one get
/// here, it is a mount of which nothing but the guard can say anything.
fn unreadable(text: &str) -> Mount<'_> {
    Mount {
        kind: "bind",
        source: Value::Text(text.into()),
        ..Mount::default()
    }
}

fn bind(text: &str) -> Mount<'_> {
    let Ok(bind) = Bind::parse(text) else {
        return unreadable(text);
    };
    let mut mount = Mount {
        kind: "volume",
        target: Value::Text(bind.target),
        read_only: bind.options.read_only,
        propagation: word(bind.options.propagation.map(Propagation::name)),
        relabel: bind.options.label.is_some(),
        ..Mount::default()
    };
    match bind.source {
        Source::Host(path) => {
            mount.kind = "bind";
            mount.source = Value::Text(path);
        }
        Source::Volume(name) => mount.volume = Value::Text(name.into()),
        Source::Anonymous => {}
    }
    mount
}

fn mount<'r>(object: &'r Object<'_>) -> Mount<'r> {
    let source = borrowed(object.get("Source"));
    let options = object.get("BindOptions").and_then(Value::as_object);
    let mut mount = Mount {
        target: borrowed(object.get("Target")),
        read_only: object.get("ReadOnly").and_then(Value::as_bool) == Some(true),
        propagation: borrowed(options.and_then(|options| options.get("Propagation"))),
        ..Mount::default()
    };
    match object.get("Type").and_then(Value::as_text) {
        Some("volume") => {
            mount.kind = "volume";
            mount.volume = source;
        }
        Some("cluster") => {
            mount.kind = "cluster";
            mount.volume = source;
        }
        Some("image") => {
            mount.kind = "image";
            mount.image = source;
        }
        Some("tmpfs") => mount.kind = "tmpfs",
        Some("npipe") => {
            mount.kind = "npipe";
            mount.source = source;
        }
        // Where the type is missing the Engine takes a bind, or refuses.
        _ => {
            mount.kind = "bind";
            mount.source = match source {
                // A bind without a source is not nothing.
                Value::Absent => Value::Text("?".into()),
                source => source,
            };
        }
    }
    mount
}

fn volumes_from(text: &str) -> Mount<'_> {
    let Ok(parsed) = VolumesFrom::parse(text) else {
        return unreadable(text);
    };
    Mount {
        kind: "volumes-from",
        container: Value::Text(parsed.container.name().into()),
        read_only: parsed.mode.read_only,
        relabel: parsed.mode.label.is_some(),
        ..Mount::default()
    }
}

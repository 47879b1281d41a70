//! Texts with parts: a text whose format has parts as an object with fields.
//!
//! A bind is a source or a volume, a target and options; policies name these
//! parts as they name fields, and the guard judges them as fields. The object's
//! definition stands here, because the Engine's description knows only the text.

use std::borrow::Cow;

use crate::api::OLDEST;
use crate::api::definition::{
    Benign, Effect, FieldDef, Guard, Kind, ObjectDef, Risk, RiskClass, Schema, Span, Vocabulary,
};
use crate::api::value::{Object, Value};
use crate::format::{Bind, Format, Source};

/// A text's parts, if its format has any and the text has the format.
pub(crate) fn of(format: Format, text: &str) -> Option<Object<'_>> {
    match format {
        Format::Bind => bind(text),
        _ => None,
    }
}

/// The definition of the parts of a format.
pub(crate) fn definition(format: Format) -> Option<&'static ObjectDef> {
    match format {
        Format::Bind => Some(&BIND),
        _ => None,
    }
}

/// A part that needs no rule.
pub(super) const OPEN: Risk = Risk {
    guard: Guard::Open,
    classes: &[],
    benign: &[],
};

/// A part that must not be there unless a rule names it.
pub(super) const fn guarded(classes: &'static [RiskClass]) -> Risk {
    Risk {
        guard: Guard::Guarded,
        classes,
        benign: &[Benign::Absent, Benign::Text("")],
    }
}

/// A flag that must not be set unless a rule names it.
pub(super) const GUARDED_FLAG: Risk = Risk {
    guard: Guard::Guarded,
    classes: &[RiskClass::HostEscape],
    benign: &[Benign::Absent, Benign::Bool(false)],
};

pub(super) const HOST: &[RiskClass] = &[
    RiskClass::HostEscape,
    RiskClass::Exfiltration,
    RiskClass::Persistence,
];
pub(super) const OTHERS: &[RiskClass] = &[RiskClass::CrossContainer, RiskClass::Exfiltration];

/// A field of an object that is made here.
pub(super) const fn part(name: &'static str, schema: Schema, risk: Risk) -> FieldDef {
    FieldDef {
        name,
        schema,
        risk,
        span: Span {
            since: OLDEST,
            until: None,
        },
        any_version: false,
        required: false,
        absent: Effect::Nothing,
        zero: Effect::Nothing,
    }
}

/// Text of this format, which may be shown.
pub(super) const fn text(format: Option<Format>) -> Schema {
    let mut schema = Schema::plain(Kind::Text);
    schema.format = format;
    schema.printable = true;
    schema
}

static PROPAGATIONS: Vocabulary = Vocabulary {
    words: &[
        "private", "rprivate", "shared", "rshared", "slave", "rslave",
    ],
    any_case: false,
};

/// How mounts travel between the host and the container.
pub(super) const PROPAGATION: FieldDef = {
    let mut part = part(
        "propagation",
        Schema::plain(Kind::Enum(&PROPAGATIONS)),
        Risk {
            guard: Guard::Guarded,
            classes: &[RiskClass::HostEscape],
            benign: &[
                Benign::Absent,
                Benign::Text(""),
                Benign::Text("rprivate"),
                Benign::Text("private"),
            ],
        },
    );
    part.absent = Effect::Default("rprivate");
    part.zero = Effect::Default("rprivate");
    part
};

static OPTION: Schema = Schema::plain(Kind::Text);

/// The parts of a bind, in the order in which [`bind`] fills them.
static BIND: ObjectDef = ObjectDef {
    fields: &[
        part("source", text(Some(Format::HostPath)), guarded(HOST)),
        part("volume", text(Some(Format::VolumeName)), guarded(OTHERS)),
        part("target", text(Some(Format::ContainerPath)), OPEN),
        part("read_only", Schema::plain(Kind::Bool), OPEN),
        PROPAGATION,
        // Relabelling changes the files of the host.
        part("relabel", Schema::plain(Kind::Bool), GUARDED_FLAG),
        part("options", Schema::plain(Kind::List(&OPTION)), OPEN),
    ],
    lookup: &[],
    drop_unknown: false,
};

fn bind(text: &str) -> Option<Object<'_>> {
    let bind = Bind::parse(text).ok()?;
    let (source, volume) = match bind.source {
        Source::Host(path) => (Value::Text(path), Value::Absent),
        Source::Volume(name) => (Value::Absent, Value::Text(name.into())),
        Source::Anonymous => (Value::Absent, Value::Absent),
    };
    let options = text.splitn(3, ':').nth(2).unwrap_or_default();
    let options = options.split(',').filter(|option| !option.is_empty());
    Some(Object::with(
        &BIND,
        [
            source,
            volume,
            Value::Text(bind.target),
            Value::Bool(bind.options.read_only),
            word(
                bind.options
                    .propagation
                    .map(crate::format::Propagation::name),
            ),
            Value::Bool(bind.options.label.is_some()),
            Value::List(options.map(|option| Value::Text(option.into())).collect()),
        ],
    ))
}

/// A word of a vocabulary, or nothing.
pub(super) fn word<'a>(word: Option<&'static str>) -> Value<'a> {
    word.map_or(Value::Absent, |word| Value::Text(Cow::Borrowed(word)))
}

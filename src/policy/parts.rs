//! Texts with parts: a text whose format has parts as an object with fields.
//!
//! A bind is a source or a volume, a target and options, a variable a name and a
//! value; policies name these
//! parts as they name fields, and the guard judges them as fields. The object's
//! definition stands here, because the Engine's description knows only the text.

mod device;
mod namespace;
mod port;
mod security;
mod tmpfs;

use std::borrow::Cow;

use crate::api::OLDEST;
use crate::api::definition::{
    Benign, Effect, FieldDef, Guard, Kind, ObjectDef, Risk, RiskClass, Schema, Span, Vocabulary,
};
use crate::api::value::{Object, Value};
pub(super) use namespace::is_of_container;

use crate::format::{Account, Bind, EnvVar, ExtraHost, Format, Source, User};

/// A text's parts, if its format has any and the text has the format.
pub(crate) fn of(format: Format, text: &str) -> Option<Object<'_>> {
    match format {
        Format::Bind => bind(text),
        Format::Env => environment(text),
        Format::User => user(text),
        Format::ExtraHost => extra_host(text),
        Format::SecurityOpt => security::of(text),
        Format::DeviceCgroupRule => device::of(text),
        Format::Port => port::of(text),
        Format::TmpfsOptions => tmpfs::of(text),
        _ => namespace::of(format, text),
    }
}

/// The definition of the parts of a format.
pub(crate) fn definition(format: Format) -> Option<&'static ObjectDef> {
    match format {
        Format::Bind => Some(&BIND),
        Format::Env => Some(&ENVIRONMENT),
        Format::User => Some(&USER),
        Format::ExtraHost => Some(&EXTRA_HOST),
        Format::SecurityOpt => Some(&security::DEFINITION),
        Format::DeviceCgroupRule => Some(&device::DEFINITION),
        Format::Port => Some(&port::DEFINITION),
        Format::TmpfsOptions => Some(&tmpfs::DEFINITION),
        _ => namespace::definition(format),
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
    guarded_as(classes, &[Benign::Absent, Benign::Text("")])
}

/// A part that must be one of these unless a rule names it.
const fn guarded_as(classes: &'static [RiskClass], benign: &'static [Benign]) -> Risk {
    Risk {
        guard: Guard::Guarded,
        classes,
        benign,
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
    wide: None,
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

/// The parts of a variable of the environment. Both are secret: what has no value
/// may be one that lost its name.
static ENVIRONMENT: ObjectDef = ObjectDef {
    fields: &[
        part("name", Schema::plain(Kind::Text), OPEN),
        part("value", Schema::plain(Kind::Text), OPEN),
    ],
    lookup: &[],
    drop_unknown: false,
};

fn environment(text: &str) -> Option<Object<'_>> {
    let variable = EnvVar::parse(text).ok()?;
    let value = variable
        .value
        .map_or(Value::Absent, |value| Value::Text(value.into()));
    let parts = [Value::Text(variable.name.into()), value];
    Some(Object::with(&ENVIRONMENT, parts))
}

/// A number that only the image knows where a name is given, or nothing.
const fn account(name: &'static str) -> FieldDef {
    let mut part = part(name, Schema::plain(Kind::UINT32), OPEN);
    part.absent = Effect::Image;
    part.zero = Effect::Value;
    part
}

/// The parts of a user: numbers, which a name leaves to the image.
static USER: ObjectDef = ObjectDef {
    fields: &[account("uid"), account("gid")],
    lookup: &[],
    drop_unknown: false,
};

fn user(text: &str) -> Option<Object<'_>> {
    let user = User::parse(text).ok()?;
    let number = |account: Option<Account<'_>>| match account {
        Some(Account::Number(number)) => Value::Int(number.into()),
        Some(Account::Name("root")) => Value::Int(0),
        Some(Account::Name(_)) | None => Value::Absent,
    };
    Some(Object::with(&USER, [number(user.uid), number(user.gid)]))
}

/// The parts of a line of the hosts file.
static EXTRA_HOST: ObjectDef = ObjectDef {
    fields: &[
        part("host", text(None), OPEN),
        part(
            "address",
            text(Some(Format::IpAddress)),
            guarded(&[RiskClass::Network]),
        ),
    ],
    lookup: &[],
    drop_unknown: false,
};

fn extra_host(text: &str) -> Option<Object<'_>> {
    let line = ExtraHost::parse(text).ok()?;
    let (_, address) = text.split_once(':')?;
    let parts = [line.host, address].map(|part| Value::Text(part.into()));
    Some(Object::with(&EXTRA_HOST, parts))
}

/// A word of a vocabulary, or nothing.
pub(super) fn word<'a>(word: Option<&'static str>) -> Value<'a> {
    word.map_or(Value::Absent, |word| Value::Text(Cow::Borrowed(word)))
}

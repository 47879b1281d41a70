//! What an editor shows beside a name.

use std::fmt::Write as _;

use crate::api::OLDEST;
use crate::api::definition::{
    Effect, FieldDef, Guard, Kind, OperationDef, ParameterDef, Risk, RiskClass, Schema, Span,
};
use crate::format::Format;
use crate::policy::derived::Derived;

/// What `fields: listed` says.
pub(super) const LISTED: &str = "Only what the rule names may be set to anything but zero.";

/// A field or part.
pub(super) fn field(field: &FieldDef) -> String {
    place(&field.schema, &field.risk, field.span, field.absent)
}

/// A parameter.
pub(super) fn parameter(parameter: &'static ParameterDef) -> String {
    let schema = parameter.decoded();
    place(schema, &parameter.risk, parameter.span, parameter.absent)
}

fn place(schema: &Schema, risk: &Risk, span: Span, absent: Effect) -> String {
    let mut text = capital(&kind(schema));
    text.push('.');
    let by_fields = is_by_fields(schema);
    match risk.guard {
        // What has fields is as open as they are.
        _ if by_fields && risk.guard != Guard::Guarded => {}
        Guard::Open => text.push_str(" Open."),
        Guard::Guarded => {
            text.push_str(" Guarded");
            if !risk.classes.is_empty() {
                let _ = write!(text, " ({})", classes(risk.classes));
            }
            text.push('.');
        }
        Guard::Unclassified => text.push_str(" Guarded, as nobody has classified it."),
    }
    match absent {
        Effect::Unlimited => text.push_str(" No limit if it is absent."),
        Effect::Image => text.push_str(" The image's own if it is absent."),
        Effect::Default(words) => {
            let _ = write!(text, " If it is absent: {words}.");
        }
        Effect::Nothing | Effect::Unchanged | Effect::Value => {}
    }
    text.push_str(&versions(span));
    text
}

/// Whether it is an object with fields, or holds some.
fn is_by_fields(schema: &Schema) -> bool {
    match schema.kind {
        Kind::List(inner) | Kind::Map(inner) => is_by_fields(inner),
        Kind::Object(object) => !object.fields.is_empty(),
        _ => false,
    }
}

/// An operation.
pub(super) fn operation(operation: &OperationDef) -> String {
    let mut text = format!("{} {}.", operation.method, operation.path);
    if !operation.risk.is_empty() {
        let _ = write!(text, " Risk: {}.", classes(operation.risk));
    }
    text.push_str(&versions(operation.span));
    text
}

fn versions(span: Span) -> String {
    let mut text = String::new();
    if span.since > OLDEST {
        let _ = write!(text, " Since API {}.", span.since);
    }
    if let Some(until) = span.until {
        let _ = write!(text, " Until API {until}.");
    }
    text
}

fn classes(classes: &[RiskClass]) -> String {
    let names: Vec<&str> = classes.iter().map(|class| class.name()).collect();
    names.join(", ")
}

/// What a value is, with its units.
pub(super) fn kind(schema: &Schema) -> String {
    let units = match schema.format {
        Some(Format::Bytes) => "a number of bytes, such as `512MiB` or `2g`",
        Some(Format::Duration) => "a duration, such as `30s` or `1h30m`",
        Some(Format::Seconds) => "a number of seconds, such as `90` or `5m`",
        _ => "",
    };
    match schema.kind {
        Kind::Int { .. } if !units.is_empty() => units.to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Int { .. } => "an integer".to_owned(),
        Kind::Float => "a number".to_owned(),
        Kind::Text => match schema.format {
            Some(format) => format!("text ({})", format.name()),
            None => "text".to_owned(),
        },
        Kind::Enum(vocabulary) => format!("one of {}", vocabulary.words.join(", ")),
        Kind::Bytes => "base64 text".to_owned(),
        Kind::List(inner) => format!("a list; each: {}", kind(inner)),
        Kind::Map(inner) => format!("a map; each value: {}", kind(inner)),
        Kind::Object(_) => "an object".to_owned(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// What a matcher says.
pub(super) fn matcher(word: &str) -> &'static str {
    match word {
        "any" => "It may be anything.",
        "absent" => "It is not set, or zero.",
        "required" => "It is set and not zero.",
        "equal" => "It is this, or one of these; of a list: its elements fit these, one by one.",
        "starts_with" => "Its first elements fit these, one by one.",
        "cidr" => "It is within one of these networks, such as `10.0.0.0/8`.",
        "not" => "It does not fit this.",
        "all_of" => "All of these hold.",
        "any_of" => "One of these holds.",
        "min" => "It is at least this.",
        "max" => "It is at most this; without `min`, it is not below 0 either.",
        "glob" => "It has one of these forms: `*` without a slash, `**` with, `?` one letter.",
        "under" => "It is one of these paths or below one.",
        "image" => "It is an image like one of these.",
        "each" => "Every element fits.",
        "contains" => "One element fits; of a map: it has these keys, and their values fit.",
        "subset" => "Every element is one of these.",
        "max_items" => "It has at most so many elements.",
        "keys" => "Every key fits.",
        "values" => "Every value fits.",
        "list" => "It is one of a list under `lists`.",
        _ => "",
    }
}

/// What a rewrite does.
pub(super) fn rewrite(word: &str) -> &'static str {
    match word {
        "set" => "It becomes this, whatever the client sent; of a map, these keys do.",
        "replace" => "It becomes this; of a map, the whole map does.",
        "default" => "It becomes this where the client leaves it out.",
        "remove" => "It is taken away, or these elements or keys of it are.",
        "append" => "These elements are added.",
        "map" => "A source at or below a path becomes the same at or below another.",
        _ => "",
    }
}

/// What a derived field stands for.
pub(super) fn derived(derived: Derived) -> &'static str {
    match derived {
        Derived::Mounts => "Binds, mounts and volumes of other containers together.",
        Derived::Networks => "The network mode and all endpoints together.",
        Derived::Cpus | Derived::CpusUpdate => {
            "How many CPUs there are to use: `NanoCpus`, `CpuQuota` and `CpuPeriod` together."
        }
        Derived::Reference => "The image that the request is about, with its tag or digest.",
    }
}

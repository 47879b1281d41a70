//! Values of a schema, and which of them are benign: a reading of its own of
//! what the definitions say.

use opgate::api::definition::{Benign, Guard, Kind, Reading, Risk, Schema};
use opgate::format::Format;
use serde_json::{Value, json};

use crate::places::Place;
use crate::samples::formatted;

/// Texts of a format beside the sample: those that do something else.
fn more(format: Format) -> &'static [&'static str] {
    match format {
        Format::NetworkMode => &["host", "container:other", "other"],
        Format::IpcMode => &["host", "shareable", "container:other"],
        Format::PidMode => &["container:other"],
        Format::CgroupnsMode => &["host"],
        Format::SecurityOpt => &[
            "seccomp=unconfined",
            "apparmor=unconfined",
            "label=disable",
            "no-new-privileges=false",
        ],
        Format::LogDriver => &["syslog", "fluentd"],
        Format::IpAddress => &["10.0.0.1", "0.0.0.0", "::"],
        Format::Bind => &["/:/h", "/var/run/docker.sock:/s", "v1:/data:rw"],
        Format::Capability => &["ALL", "SYS_ADMIN"],
        Format::User => &["root", "0:0"],
        _ => &[],
    }
}

/// A key of a map of this schema.
pub(crate) fn key(schema: &Schema) -> String {
    schema
        .format
        .map_or("key", |format| formatted(Some(format)))
        .to_owned()
}

/// Values that a schema admits: some of each kind that there is.
pub(crate) fn valid(schema: &Schema) -> Vec<Value> {
    match &schema.kind {
        Kind::Bool => vec![json!(true), json!(false)],
        Kind::Int { .. } => vec![json!(7), json!(0)],
        Kind::Float => vec![json!(0.25)],
        Kind::Text => std::iter::once(formatted(schema.format))
            .chain(schema.format.map_or(&[][..], more).iter().copied())
            .map(Value::from)
            .collect(),
        Kind::Enum(vocabulary) => vocabulary.words.iter().map(|word| json!(word)).collect(),
        Kind::Bytes => vec![json!("aGVsbG8=")],
        Kind::List(element) => {
            let count = schema.items.map_or(1, |(_, most)| most);
            let mut lists: Vec<Value> = valid(element)
                .into_iter()
                .map(|value| Value::Array(vec![value; count]))
                .collect();
            if schema.items.is_none() {
                lists.push(json!([]));
            }
            lists
        }
        Kind::Map(value) => {
            let key = key(schema);
            let mut maps: Vec<Value> = valid(value)
                .into_iter()
                .map(|value| json!({ key.as_str(): value }))
                .collect();
            maps.push(json!({}));
            maps
        }
        Kind::Object(object) => {
            let full = object.fields.iter().map(|field| {
                let first = valid(&field.schema).into_iter().next();
                (field.name.to_owned(), first.unwrap_or_default())
            });
            let full = Value::Object(full.collect());
            if object.fields.is_empty() {
                vec![full]
            } else {
                vec![full, json!({})]
            }
        }
    }
}

/// Values that a place admits.
pub(crate) fn valid_at(place: &Place) -> Vec<Value> {
    let reading = place.parameter.map(|parameter| parameter.reading);
    match reading {
        // Their schemas are those of a single text.
        Some(Reading::Filters) => vec![json!({ "other": ["a"] }), json!({ "other": [] })],
        Some(Reading::Prefix) => vec![json!({ "Name": "some text" })],
        _ => valid(place.schema),
    }
}

/// Values that are not benign at a place. Without one there is nothing to guard.
pub(crate) fn dangerous(place: &Place) -> Vec<Value> {
    let mut values = valid_at(place);
    values.retain(|value| !is_benign(place.risk, value) && says_something(place, value));
    values
}

/// Whether a text of a parameter can hold the value.
fn says_something(place: &Place, value: &Value) -> bool {
    let empty = match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    place.parameter.is_none() || place.steps.len() > 1 || !empty
}

/// The values that are called benign, but for absence.
pub(crate) fn harmless(place: &Place) -> Vec<Value> {
    let benign = place.risk.benign.iter();
    let mut values: Vec<Value> = benign
        .filter(|benign| **benign != Benign::Absent)
        .flat_map(|benign| match (benign, &place.schema.kind) {
            (Benign::Empty, Kind::List(_)) => vec![json!([])],
            (Benign::Empty, _) => vec![json!({})],
            (Benign::Each(words), Kind::List(element)) => words
                .iter()
                .map(|word| match element.kind {
                    Kind::List(_) => json!([[word]]),
                    _ => json!([word]),
                })
                .collect(),
            (Benign::Keys(keys), Kind::Text) => vec![json!({ keys[0]: ["a"] })],
            (Benign::Keys(keys), Kind::Map(value)) => {
                let value = valid(value).into_iter().last().unwrap_or_default();
                let map = keys.iter().map(|key| ((*key).to_owned(), value.clone()));
                vec![Value::Object(map.collect())]
            }
            (benign, _) => vec![self::benign(benign)],
        })
        .collect();
    values.retain(|value| says_something(place, value));
    values
}

/// A scalar that is called benign.
pub(crate) fn benign(benign: &Benign) -> Value {
    match benign {
        Benign::Bool(value) => json!(value),
        Benign::Int(value) => json!(value),
        Benign::Text(text) => json!(text),
        _ => Value::Null,
    }
}

fn is_benign(risk: &Risk, value: &Value) -> bool {
    if risk.guard != Guard::Guarded {
        return false;
    }
    risk.benign.iter().any(|benign| match benign {
        Benign::Empty => *value == json!([]) || *value == json!({}),
        Benign::Each(words) => all_words(words, value),
        Benign::Keys(keys) => value
            .as_object()
            .is_some_and(|map| map.keys().all(|key| keys.contains(&key.as_str()))),
        scalar => *value == self::benign(scalar),
    })
}

fn all_words(words: &[&str], value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().all(|value| match value {
            Value::Array(_) => all_words(words, value),
            value => value.as_str().is_some_and(|text| words.contains(&text)),
        }),
        _ => false,
    }
}

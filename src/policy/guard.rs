//! Guarded fields: they keep a benign value unless a rule names them.
//!
//! Walks the decoded values of a request beside their definitions and finds the
//! first that is guarded (or that nobody has classified yet) and not benign.
//! Objects with fields are judged by their fields; lists and maps by
//! themselves and, element by element, by what they hold.

use std::fmt;

use crate::api::definition::{Benign, Effect, Guard, Kind, Risk, RiskClass, Schema};
use crate::api::value::{Object, Value};
use crate::request::{Body, Decoded};

/// A guarded field with a value that is not benign.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Its path: `body.HostConfig.Privileged`, `query.force`.
    pub path: String,
    /// Its value, where it may be shown.
    pub shown: Option<String>,
    /// What it can do; nothing when it is unclassified.
    pub classes: &'static [RiskClass],
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let Some(shown) = &self.shown {
            write!(f, "={shown}")?;
        }
        f.write_str(" is guarded")?;
        if self.classes.is_empty() {
            return f.write_str(" (unclassified)");
        }
        for (index, class) in self.classes.iter().enumerate() {
            f.write_str(if index == 0 { " (" } else { ", " })?;
            f.write_str(class.name())?;
        }
        f.write_str(")")
    }
}

/// The first guarded field of a request that is not benign.
pub fn first(request: &Decoded<'_>) -> Option<Finding> {
    let places = [
        ("path", request.path()),
        ("query", request.query()),
        ("header", request.headers()),
    ];
    for (place, parameters) in places {
        for (definition, value) in parameters.iter() {
            let path = || format!("{place}.{}", definition.name);
            let found = field(
                &definition.schema,
                &definition.risk,
                &definition.absent,
                value,
            );
            if let Some(found) = found {
                return Some(found.at(path()));
            }
        }
    }
    match request.body() {
        Body::Json(Value::Object(body)) => object(body).map(|found| found.at("body".to_owned())),
        // A body that is a list has no field of its own to carry a class; such
        // lists are the privileges and settings of plugins.
        Body::Json(value) => self::value_of_body(value, request),
        Body::None | Body::Stream(_) => None,
    }
}

/// A body that is not an object is unclassified as long as it holds anything.
fn value_of_body(value: &Value<'_>, request: &Decoded<'_>) -> Option<Finding> {
    match value {
        Value::List(list) if list.is_empty() => None,
        Value::Map(map) if map.is_empty() => None,
        _ => Some(Finding {
            path: "body".to_owned(),
            shown: None,
            classes: request.definition().risk,
        }),
    }
}

impl Finding {
    /// The same finding with what leads to it in front of its path.
    fn at(mut self, outer: String) -> Self {
        let mut path = outer;
        if !self.path.is_empty() && !self.path.starts_with(['[', '{']) {
            path.push('.');
        }
        path.push_str(&self.path);
        self.path = path;
        self
    }
}

fn object(object: &Object<'_>) -> Option<Finding> {
    object.fields().find_map(|(definition, value)| {
        let found = match &definition.schema.kind {
            // An object with fields is judged by them; if it is not there, so
            // are they, and what their absence means goes with it.
            // Some are guarded as such: to be there at all does something.
            Kind::Object(inner) if !inner.fields.is_empty() => match value.as_object() {
                Some(_) if definition.risk.guard == Guard::Guarded => field(
                    &definition.schema,
                    &definition.risk,
                    &definition.absent,
                    value,
                ),
                inner => inner.and_then(self::object),
            },
            _ => field(
                &definition.schema,
                &definition.risk,
                &definition.absent,
                value,
            ),
        };
        found.map(|found| found.at(definition.name.to_owned()))
    })
}

fn field(schema: &Schema, risk: &Risk, absent: &Effect, value: &Value<'_>) -> Option<Finding> {
    let harmless = match risk.guard {
        Guard::Open => true,
        Guard::Unclassified => is_zero(value),
        Guard::Guarded => {
            risk.benign.iter().any(|benign| is(benign, value))
                || defaults_to_benign(risk, absent, value)
        }
    };
    if !harmless {
        return Some(Finding {
            path: String::new(),
            shown: shown(schema, value),
            classes: risk.classes,
        });
    }
    inside(schema, value)
}

/// What lists, maps and objects hold.
fn inside(schema: &Schema, value: &Value<'_>) -> Option<Finding> {
    match (schema.kind, value) {
        (Kind::List(element), Value::List(values)) => values
            .iter()
            .find_map(|value| inside(element, value))
            .map(|found| found.at("[]".to_owned())),
        (Kind::Map(element), Value::Map(entries)) => entries
            .iter()
            .find_map(|(_, value)| inside(element, value))
            .map(|found| found.at("{}".to_owned())),
        (Kind::Object(_), Value::Object(value)) => object(value),
        _ => None,
    }
}

/// Whether an absent value stands for a default that is itself benign.
fn defaults_to_benign(risk: &Risk, absent: &Effect, value: &Value<'_>) -> bool {
    let Effect::Default(word) = absent else {
        return false;
    };
    value.is_absent()
        && risk
            .benign
            .iter()
            .any(|benign| matches!(benign, Benign::Text(text) if text == word))
}

fn is_zero(value: &Value<'_>) -> bool {
    match value {
        Value::Absent | Value::Null => true,
        Value::Bool(value) => !value,
        Value::Int(value) => *value == 0,
        Value::Uint(value) => *value == 0,
        Value::Float(value) => *value == 0.0,
        Value::Text(text) => text.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        // An object that is there says something, even if it is empty.
        Value::Object(_) => false,
    }
}

fn is(benign: &Benign, value: &Value<'_>) -> bool {
    match (benign, value) {
        (Benign::Absent, value) => value.is_absent(),
        (Benign::Bool(benign), Value::Bool(value)) => benign == value,
        (Benign::Int(benign), Value::Int(value)) => benign == value,
        (Benign::Text(benign), Value::Text(text)) => benign == text,
        (Benign::Empty, Value::List(list)) => list.is_empty(),
        (Benign::Empty, Value::Map(map)) => map.is_empty(),
        (Benign::Empty, Value::Object(object)) => {
            object.fields().all(|(_, value)| value.is_absent())
        }
        (Benign::Each(words), Value::List(list)) => list.iter().all(|value| match value {
            Value::Text(text) => words.contains(&text.as_ref()),
            Value::List(_) => is(benign, value),
            _ => false,
        }),
        (Benign::Keys(words), Value::Map(entries)) => {
            entries.iter().all(|(key, _)| words.contains(&key.as_ref()))
        }
        _ => false,
    }
}

/// A value for a message: booleans, numbers, words of a vocabulary, and texts
/// that the definition calls printable. Everything else is secret.
fn shown(schema: &Schema, value: &Value<'_>) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Uint(value) => Some(value.to_string()),
        Value::Text(text) if matches!(schema.kind, Kind::Enum(_)) || schema.printable => {
            Some(text.escape_debug().take(128).collect())
        }
        _ => None,
    }
}

//! What of a request may be shown: in messages, logs and explanations.
//!
//! Paths of fields, booleans, numbers, words of vocabularies and texts that the
//! definitions call printable. Everything else is secret, and shown as what it
//! is: text, a list of so many elements.

use super::decode::Parameters;
use super::definition::{Kind, Schema};
use super::value::{Object, Value};
use crate::format::Format;

/// The longest text that is shown.
const LONGEST: usize = 128;

/// The most lines that a request is shown in.
const LINES: usize = 200;

/// A value, if it may be shown.
pub fn value(schema: &Schema, value: &Value<'_>) -> Option<String> {
    match value {
        Value::Int(number) if schema.format == Some(Format::Cpus) => cpus((*number).into()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Uint(value) => Some(value.to_string()),
        Value::Float(value) => Some(value.to_string()),
        Value::Text(text) if matches!(schema.kind, Kind::Enum(_)) || schema.printable => {
            let mut shown: String = text
                .chars()
                .take(LONGEST)
                .flat_map(char::escape_debug)
                .collect();
            if text.chars().nth(LONGEST).is_some() {
                shown.push('…');
            }
            Some(shown)
        }
        _ => None,
    }
}

/// A number of CPUs, in plain decimal; none if it is less than nothing.
pub(crate) fn cpus(billionths: i128) -> Option<String> {
    let number = u128::try_from(billionths).ok()?;
    let (whole, part) = (number / 1_000_000_000, number % 1_000_000_000);
    let written = format!("{whole}.{part:09}");
    Some(
        written
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
    )
}

/// Lines such as `query.all=true`, one for each parameter that is given.
pub fn parameters(place: &str, parameters: &Parameters<'_>, lines: &mut Vec<String>) {
    for (definition, value) in parameters.iter() {
        let path = format!("{place}.{}", definition.name);
        self::lines(definition.decoded(), value, &path, lines);
    }
}

/// Lines such as `body.HostConfig.Memory=0`, one for each leaf that is there.
pub fn lines(schema: &Schema, value: &Value<'_>, path: &str, lines: &mut Vec<String>) {
    if lines.len() >= LINES {
        if lines.len() == LINES {
            lines.push("…".to_owned());
        }
        return;
    }
    match (schema.kind, value) {
        (_, Value::Absent | Value::Null) => {}
        (Kind::Object(_), Value::Object(object)) => object_lines(object, path, lines),
        (Kind::List(element), Value::List(values)) => {
            if values.is_empty() {
                lines.push(format!("{path}=[]"));
            }
            for value in values {
                self::lines(element, value, &format!("{path}[]"), lines);
            }
        }
        (Kind::Map(inner), Value::Map(entries)) => {
            if entries.is_empty() {
                lines.push(format!("{path}={{}}"));
            }
            for (_, value) in entries {
                self::lines(inner, value, &format!("{path}{{}}"), lines);
            }
        }
        (_, value) => lines.push(match self::value(schema, value) {
            Some(shown) => format!("{path}={shown}"),
            None => format!("{path} (text)"),
        }),
    }
}

fn object_lines(object: &Object<'_>, path: &str, lines: &mut Vec<String>) {
    let before = lines.len();
    for (field, value) in object.fields() {
        self::lines(
            &field.schema,
            value,
            &format!("{path}.{}", field.name),
            lines,
        );
    }
    if lines.len() == before {
        lines.push(format!("{path}={{}}"));
    }
}

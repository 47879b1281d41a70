//! Encoding: from typed values to the one spelling that the Engine is sent.
//!
//! Everything is written anew: keys as the definitions spell them, in their
//! order, booleans of queries as `1` and `0`, filters in the form that the
//! Engine tries first, credentials in the alphabet it reads. What was absent or
//! null is not written.

use std::borrow::Cow;

use base64::Engine as _;

use super::decode::Parameters;
use super::definition::{ParameterDef, Reading, Segment};
use super::value::Value;

/// Writes a value as JSON. An absent value writes nothing.
pub fn json(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Absent => {}
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(value) => scalar(value, out),
        Value::Uint(value) => scalar(value, out),
        Value::Float(value) => scalar(value, out),
        Value::Text(text) => scalar(text, out),
        Value::List(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                json(value, out);
            }
            out.push(b']');
        }
        Value::Map(entries) => {
            out.push(b'{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                scalar(key, out);
                out.push(b':');
                json(value, out);
            }
            out.push(b'}');
        }
        Value::Object(object) => {
            out.push(b'{');
            let mut first = true;
            for (field, value) in object.fields() {
                if value.is_absent() {
                    continue;
                }
                if !first {
                    out.push(b',');
                }
                first = false;
                // Field names are plain letters, digits and dots.
                out.push(b'"');
                out.extend_from_slice(field.name.as_bytes());
                out.extend_from_slice(b"\":");
                json(value, out);
            }
            out.push(b'}');
        }
    }
}

/// Writes a scalar. Writing to memory cannot fail, and every scalar has a JSON
/// form: floats come from JSON and are finite.
fn scalar<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, value);
}

/// Writes a path without its version: the template with its parameters put in.
pub fn path(segments: &[Segment], parameters: &Parameters<'_>, out: &mut String) {
    for segment in segments {
        out.push('/');
        match segment {
            Segment::Literal(text) => out.push_str(text),
            Segment::One(name) | Segment::Many(name) => {
                if let Some(Value::Text(text)) = parameters.get(name) {
                    escape(text, |byte| matches!(byte, b':' | b'@' | b'/'), out);
                }
            }
        }
    }
}

/// Writes a query, with its question mark if there is anything to say.
pub fn query(parameters: &Parameters<'_>, out: &mut String) {
    let mut mark = '?';
    let mut pair = |name: &str, text: &str| {
        out.push(mark);
        mark = '&';
        escape(name, |_| false, out);
        out.push('=');
        escape(text, |byte| matches!(byte, b':' | b'@' | b'/' | b','), out);
    };
    for (definition, value) in parameters.iter().filter(|(_, value)| !value.is_absent()) {
        match value {
            Value::List(values) if definition.repeated => {
                for value in values {
                    pair(definition.name, &parameter(definition, value));
                }
            }
            value => pair(definition.name, &parameter(definition, value)),
        }
    }
}

/// Header names and values.
pub fn headers(parameters: &Parameters<'_>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (definition, value) in parameters.iter().filter(|(_, value)| !value.is_absent()) {
        match (definition.reading, value) {
            (Reading::Prefix, Value::Map(entries)) => {
                for (name, value) in entries {
                    if let Some(text) = value.as_text() {
                        headers.push((name.to_string(), text.to_owned()));
                    }
                }
            }
            (_, Value::List(values)) if definition.repeated => {
                for value in values {
                    let text = parameter(definition, value).into_owned();
                    headers.push((definition.name.to_owned(), text));
                }
            }
            _ => headers.push((
                definition.name.to_owned(),
                parameter(definition, value).into_owned(),
            )),
        }
    }
    headers
}

/// The text of one parameter.
fn parameter<'v>(definition: &ParameterDef, value: &'v Value<'_>) -> Cow<'v, str> {
    match (definition.reading, value) {
        (Reading::Filters, Value::Map(entries)) => filters(entries).into(),
        (Reading::Json, value) => {
            let mut bytes = Vec::new();
            json(value, &mut bytes);
            String::from_utf8(bytes).unwrap_or_default().into()
        }
        (Reading::Base64Json, value) => {
            let mut bytes = Vec::new();
            json(value, &mut bytes);
            base64::engine::general_purpose::URL_SAFE
                .encode(bytes)
                .into()
        }
        (_, Value::Bool(true)) => "1".into(),
        (_, Value::Bool(false)) => "0".into(),
        (_, Value::Int(value)) => value.to_string().into(),
        (_, Value::Uint(value)) => value.to_string().into(),
        (_, Value::Text(text)) => text.as_ref().into(),
        _ => "".into(),
    }
}

/// Filters as an object of objects to true.
fn filters(entries: &[(Cow<'_, str>, Value<'_>)]) -> String {
    let mut out = vec![b'{'];
    for (index, (name, terms)) in entries.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        scalar(name, &mut out);
        out.extend_from_slice(b":{");
        if let Value::List(terms) = terms {
            for (index, term) in terms.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                json(term, &mut out);
                out.extend_from_slice(b":true");
            }
        }
        out.push(b'}');
    }
    out.push(b'}');
    String::from_utf8(out).unwrap_or_default()
}

/// Percent-encodes everything but unreserved characters and those that `keep`
/// names.
pub(crate) fn escape(text: &str, keep: impl Fn(u8) -> bool, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| HEX.get(usize::from(value)).copied().map_or('0', char::from);
    for byte in text.bytes() {
        let unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if unreserved || keep(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(digit(byte >> 4));
            out.push(digit(byte & 15));
        }
    }
}

//! The headers that an operation reads.

use std::borrow::Cow;

use base64::Engine as _;

use super::super::definition::{ParameterDef, Reading};
use super::super::value::Value;
use super::query::{Parameters, owned, parameter_text};
use super::{DecodeError, drop_name, json};

/// Decodes the headers that the definitions declare; the others are not looked
/// at. Names of what was dropped are added to `dropped` as `header.NAME`.
pub fn headers<'a>(
    definitions: &'static [ParameterDef],
    headers: &[(&'a str, &'a [u8])],
    dropped: &mut Vec<String>,
) -> Result<Parameters<'a>, DecodeError> {
    let mut parameters = Parameters::new(definitions);
    if definitions.is_empty() {
        return Ok(parameters);
    }
    for (name, bytes) in headers {
        let Some((definition, slot)) = parameters.slot(|definition| names(definition, name)) else {
            continue;
        };
        let place = || format!("header.{}", definition.name);
        let text = std::str::from_utf8(bytes)
            .map_err(|_| DecodeError::new(place(), "is not UTF-8"))?
            .trim_matches([' ', '\t']);
        if text.chars().any(char::is_control) {
            return Err(DecodeError::new(place(), "has a control character"));
        }
        if matches!(definition.reading, Reading::Prefix) {
            let entry = (
                Cow::Owned(name.to_ascii_lowercase()),
                Value::Text(Cow::Borrowed(text)),
            );
            match slot {
                Value::Map(entries) if entries.iter().any(|(known, _)| *known == entry.0) => {
                    return Err(DecodeError::new(place(), "a header is given twice"));
                }
                Value::Map(entries) => entries.push(entry),
                slot => *slot = Value::Map(vec![entry]),
            }
            continue;
        }
        if definition.repeated {
            let value = super::query::one(definition, Cow::Borrowed(text))
                .map_err(|error| DecodeError::new(place(), error.reason))?;
            match slot {
                Value::List(values) => values.push(value),
                slot => *slot = Value::List(vec![value]),
            }
            continue;
        }
        if !matches!(slot, Value::Absent) {
            return Err(DecodeError::new(place(), "is given twice"));
        }
        let value = match definition.reading {
            Reading::Base64Json => credentials(definition, text, dropped)?,
            _ => parameter_text(definition, Cow::Borrowed(text), dropped)
                .map_err(|error| DecodeError::new(place(), error.reason))?,
        };
        *slot = if value.is_absent() {
            Value::Null
        } else {
            value
        };
    }
    Ok(parameters)
}

/// Whether a header is the parameter's.
fn names(definition: &ParameterDef, header: &str) -> bool {
    match definition.reading {
        Reading::Prefix => header
            .get(..definition.name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(definition.name)),
        _ => header.eq_ignore_ascii_case(definition.name),
    }
}

/// Registry credentials: base64 (URL alphabet, padded) of JSON. What cannot be
/// decoded the Engine ignores, so it is dropped here.
fn credentials<'a>(
    definition: &'static ParameterDef,
    text: &str,
    dropped: &mut Vec<String>,
) -> Result<Value<'a>, DecodeError> {
    if text.is_empty() {
        return Ok(Value::Absent);
    }
    let place = format!("header.{}", definition.name);
    let decoded = base64::engine::general_purpose::URL_SAFE.decode(text.as_bytes());
    let Ok(bytes) = decoded else {
        drop_name(dropped, place);
        return Ok(Value::Absent);
    };
    let blank = bytes.iter().all(u8::is_ascii_whitespace);
    if blank || serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_err() {
        drop_name(dropped, place);
        return Ok(Value::Absent);
    }
    if bytes.trim_ascii() == b"null" {
        return Ok(Value::Absent);
    }
    // Clients put whole objects there: what was left out is said without names,
    // which may be secrets.
    let mut inside = Vec::new();
    let value = json(&definition.schema, &bytes, &place, &[], &mut inside).map(owned)?;
    if !inside.is_empty() {
        drop_name(dropped, format!("{place} (in part)"));
    }
    Ok(value)
}

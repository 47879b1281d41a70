//! Decoding: from the bytes of a request to typed values, or a refusal.
//!
//! The rule is to understand everything the way the Engine would, and to accept
//! only what has one meaning: keys fold as in Go, two keys that fold alike are
//! refused, integers are integers in range, closed vocabularies know their
//! ASCII spellings only. Names that the definitions do not know never get
//! further: they are dropped (and reported) when they are empty or known client
//! noise, and refused otherwise. What they know but the version of the request
//! does not have is dropped, too, by [`Versions`].
//!
//! Errors name the place and what was expected there, never a value: values are
//! secret.

mod body;
mod header;
mod query;
mod versions;

use std::borrow::Cow;
use std::fmt;

pub use body::{body, depth, json};
pub use header::headers;
pub(crate) use query::hex;
pub use query::{Parameters, query};
pub use versions::Versions;

use super::definition::{Kind, Schema};
use super::value::Value;

/// Why a request cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Where: `body.HostConfig.Memory`, `query.all`, `header.X-Registry-Auth`.
    pub place: String,
    /// What is wrong there.
    pub reason: Cow<'static, str>,
}

impl DecodeError {
    /// An error at a place.
    pub fn new(place: impl Into<String>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            place: place.into(),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

impl std::error::Error for DecodeError {}

/// The longest part of an unknown name that a message shows.
const SHOWN: usize = 64;

/// The most names that a record of what was dropped holds.
const DROPPED: usize = 64;

/// Notes a name that was dropped; beyond a bound just that there were more.
fn drop_name(dropped: &mut Vec<String>, name: String) {
    match dropped.len() {
        0..DROPPED => dropped.push(name),
        DROPPED => dropped.push("more".to_owned()),
        _ => {}
    }
}

/// A name out of a request, made fit for a message.
fn shown(name: &str) -> String {
    let mut text: String = name
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if name.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text
}

/// Checks a text against its schema and gives the canonical spelling.
pub(crate) fn text<'a>(
    schema: &Schema,
    text: Cow<'a, str>,
) -> Result<Value<'a>, Cow<'static, str>> {
    match schema.kind {
        // The empty text is what Go's zero value is: nothing was said.
        Kind::Enum(_) if text.is_empty() => Ok(Value::Text(text)),
        Kind::Enum(vocabulary) => {
            let known = vocabulary.words.iter().find(|word| {
                **word == text || (vocabulary.any_case && word.eq_ignore_ascii_case(&text))
            });
            match known {
                Some(word) => Ok(Value::Text(Cow::Borrowed(word))),
                None => Err(format!("is not one of {}", vocabulary.words.join(", ")).into()),
            }
        }
        Kind::Bytes => base64_text(text).map(Value::Text),
        Kind::Text => match schema.format {
            None => Ok(Value::Text(text)),
            Some(format) => match canonical(format, text) {
                Ok(text) => Ok(Value::Text(text)),
                Err(reason) => Err(format!("is not a valid {}: {reason}", format.name()).into()),
            },
        },
        _ => Err(format!("expected {}, found text", expected(schema)).into()),
    }
}

/// The canonical spelling under a format, borrowed where it is the same.
fn canonical(
    format: crate::format::Format,
    text: Cow<'_, str>,
) -> Result<Cow<'_, str>, &'static str> {
    let changed = match format.canonical(&text) {
        Ok(Cow::Borrowed(same)) if same.len() == text.len() => None,
        Ok(changed) => Some(changed.into_owned()),
        Err(error) => return Err(error.reason),
    };
    Ok(changed.map_or(text, Cow::Owned))
}

/// Standard base64 with padding. The Engine skips line breaks inside.
fn base64_text(text: Cow<'_, str>) -> Result<Cow<'_, str>, Cow<'static, str>> {
    use base64::Engine as _;
    let text = if text.contains(['\r', '\n']) {
        Cow::Owned(text.replace(['\r', '\n'], ""))
    } else {
        text
    };
    if base64::engine::general_purpose::STANDARD
        .decode(text.as_bytes())
        .is_err()
    {
        return Err("is not base64 in the standard alphabet with padding".into());
    }
    Ok(text)
}

/// What a schema expects, for messages.
fn expected(schema: &Schema) -> &'static str {
    match schema.kind {
        Kind::Bool => "true or false",
        Kind::Int { .. } => "an integer",
        Kind::Float => "a number",
        Kind::Text | Kind::Enum(_) => "text",
        Kind::Bytes => "base64 text",
        Kind::List(_) if schema.text_or_list => "a list or text",
        Kind::List(_) => "a list",
        Kind::Map(_) | Kind::Object(_) => "an object",
    }
}

//! Lowers a description with the overlay applied to what the generator means.
//!
//! References are followed, `allOf` is flattened, annotations are read. What is
//! not understood is an error: an unknown type, an unknown annotation, a
//! reference that leads nowhere or around in a circle. Nothing is decided here
//! about Rust; names and tokens are [`emit`](crate::emit)'s.

mod annotations;
mod operations;
mod parameters;
mod schemas;

pub use annotations::FORMATS;
use serde_json::{Map, Value};

use crate::error::{Error, Errors};
use crate::ir::{Api, Span};

/// Lowers one description.
///
/// `minor` is its version, `file` its name for messages.
pub fn lower(document: &Value, minor: u16, file: &str) -> Result<Api, Errors> {
    let mut lowering = Lowering {
        document,
        file,
        span: Span {
            since: minor,
            until: None,
        },
        errors: Errors::default(),
    };
    let api = lowering.api();
    lowering.errors.or(api)
}

/// The state of lowering one description.
struct Lowering<'a> {
    document: &'a Value,
    file: &'a str,
    span: Span,
    errors: Errors,
}

impl Lowering<'_> {
    fn complain(&mut self, place: &str, message: impl Into<String>) {
        self.complain_help(place, message, "correct it with an overlay action");
    }

    fn complain_help(&mut self, place: &str, message: impl Into<String>, help: &str) {
        self.errors
            .push(Error::new(self.file, place, message).help(help));
    }
}

/// The entries of an object, or none for anything else.
pub(crate) fn entries(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}

fn flag(map: &Map<String, Value>, key: &str) -> bool {
    map.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn texts(value: Option<&Value>) -> Vec<String> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

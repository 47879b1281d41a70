//! Descriptions as documents: read from `YAML`, and checked to be `OpenAPI` still
//! when the overlay has been applied.
//!
//! A key that is there twice is refused, in descriptions and in the overlay: the
//! last one would win, and what the first one said be lost without a word. What
//! the `openapiv3` types refuse is told with its place, as far as operations and
//! components are places; everything finer is [`lower`](crate::lower)'s to say.

use openapiv3::{OpenAPI, ReferenceOr, Schema};
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Errors};
use crate::lower::entries;

/// Reads `YAML` in which no key is there twice.
pub(crate) fn read<'a, T: Deserialize<'a>>(text: &'a str, file: &str) -> Result<T, Error> {
    serde_yaml::from_str::<serde_yaml::Value>(text)
        .and_then(|_| serde_yaml::from_str(text))
        .map_err(|error| {
            // Most messages name line and column.
            let message = error.to_string();
            let place = if message.contains(" at line ") {
                ""
            } else {
                "the whole file"
            };
            Error::new(file, place, message).help("correct the file where it says")
        })
}

/// Whatever the overlay made of a description must still be `OpenAPI`.
pub(crate) fn check(document: &Value, file: &str) -> Result<(), Errors> {
    let Err(error) = OpenAPI::deserialize(document) else {
        return Ok(());
    };
    let mut errors = Errors::default();
    let mut wrong = |place: String, error: serde_json::Error| {
        errors.push(
            Error::new(
                file,
                place,
                format!("not OpenAPI 3.0 with the overlay applied: {error}"),
            )
            .help("correct the overlay actions that touch this place"),
        );
    };
    // The parts, one by one, tell where it is.
    for (path, item) in entries(document.get("paths")) {
        for (method, operation) in entries(Some(item)) {
            if let Err(error) = openapiv3::Operation::deserialize(operation) {
                wrong(format!("paths.{path}.{method}"), error);
            }
        }
    }
    for (name, schema) in entries(document.pointer("/components/schemas")) {
        if let Err(error) = ReferenceOr::<Schema>::deserialize(schema) {
            wrong(format!("components.schemas.{name}"), error);
        }
    }
    if errors.0.is_empty() {
        errors.push(
            Error::new(file, "openapi", format!("not OpenAPI 3.0: {error}"))
                .help("correct the overlay actions that touch the top of the document"),
        );
    }
    errors.or(())
}

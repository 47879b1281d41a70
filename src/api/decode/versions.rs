//! Values that the version of the request does not have.
//!
//! The Engine passes over a field that is newer than the version in the path, or
//! older than what the version still has. What it would pass over must neither
//! satisfy a rule nor be forwarded: it is taken out, and named among what was
//! dropped. Some fields the Engine reads (or refuses) whatever the version in the
//! path is; those are taken out only for an Engine that does not have them at all.
//!
//! A path parameter is in every version that has its operation.

use super::super::definition::{ApiVersion, FieldDef, Span};
use super::super::value::{Object, Value};
use super::query::{Parameters, join};
use super::{DecodeError, drop_name};

/// What decides which fields a request can have.
#[derive(Clone, Copy, Debug)]
pub struct Versions {
    /// The version of the request.
    pub asked: ApiVersion,
    /// The newest that the Engine serves.
    pub engine: ApiVersion,
    /// Whether the client asks for an older version, which has what was taken away
    /// since. To leave that out is not what it asks for, and so it is an error.
    pub pinned: bool,
}

impl Versions {
    /// Takes out the parameters that the version does not have.
    pub fn of_parameters(
        self,
        place: &str,
        parameters: &mut Parameters<'_>,
        dropped: &mut Vec<String>,
    ) -> Result<(), DecodeError> {
        for (definition, value) in parameters.iter_mut() {
            let path = || format!("{place}.{}", definition.name);
            self.at(value, definition.span, false, dropped, &path)?;
        }
        Ok(())
    }

    /// Takes out the fields that the version does not have.
    pub(crate) fn of_fields(
        self,
        place: &str,
        value: &mut Value<'_>,
        dropped: &mut Vec<String>,
    ) -> Result<(), DecodeError> {
        self.inside(value, dropped, &|| place.to_owned())
    }

    /// Whether a field of these versions is there.
    pub(super) fn have(self, span: Span, any_version: bool) -> bool {
        span.contains(self.decides(any_version))
    }

    fn decides(self, any_version: bool) -> ApiVersion {
        if any_version { self.engine } else { self.asked }
    }

    fn at(
        self,
        value: &mut Value<'_>,
        span: Span,
        any_version: bool,
        dropped: &mut Vec<String>,
        path: &dyn Fn() -> String,
    ) -> Result<(), DecodeError> {
        if value.is_absent() {
            return Ok(());
        }
        if self.have(span, any_version) {
            return self.inside(value, dropped, path);
        }
        let value = std::mem::replace(value, Value::Absent);
        let decides = self.decides(any_version);
        let when = match span.until {
            Some(until) if until < decides => {
                if self.pinned && !value.is_zero() {
                    let reason = format!("API version {decides} has it no more");
                    return Err(DecodeError::new(path(), reason));
                }
                format!("until {until}")
            }
            _ => format!("since {}", span.since),
        };
        let but = if any_version {
            "the Engine has"
        } else {
            "asked for"
        };
        drop_name(dropped, format!("{} ({when}, {but} {decides})", path()));
        Ok(())
    }

    fn inside(
        self,
        value: &mut Value<'_>,
        dropped: &mut Vec<String>,
        path: &dyn Fn() -> String,
    ) -> Result<(), DecodeError> {
        match value {
            Value::Object(object) => return self.of_object(object, dropped, path),
            Value::List(values) => {
                let path = || format!("{}[]", path());
                for value in values {
                    self.inside(value, dropped, &path)?;
                }
            }
            Value::Map(entries) => {
                let path = || format!("{}{{}}", path());
                for (_, value) in entries {
                    self.inside(value, dropped, &path)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn of_object(
        self,
        object: &mut Object<'_>,
        dropped: &mut Vec<String>,
        outer: &dyn Fn() -> String,
    ) -> Result<(), DecodeError> {
        for (definition, value) in object.fields_mut() {
            let FieldDef {
                name,
                span,
                any_version,
                ..
            } = definition;
            let path = || join(&outer(), name);
            self.at(value, *span, *any_version, dropped, &path)?;
        }
        Ok(())
    }
}

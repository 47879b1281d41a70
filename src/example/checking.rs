//! Whether an example means what it says: a request of the operation that it
//! names, which the Engine would understand.
//!
//! Without this, a test with a misspelt field would be refused for the spelling,
//! and pass as if the policy had refused it.

use super::Example;
use crate::api::Operation;
use crate::api::definition::{BodyDef, Kind, ObjectDef, OperationDef, Schema};
use crate::diagnostic::nearest;
use crate::request::{EngineVersion, Older, RequestError};
use crate::route::RouteError;

/// What is wrong with an example, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The keys that lead to it.
    pub(crate) at: Vec<String>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Mistake {
    fn new(at: &[&str], message: impl Into<String>) -> Self {
        Self {
            at: at.iter().map(|key| (*key).to_owned()).collect(),
            message: message.into(),
            help: None,
        }
    }

    fn help(mut self, help: String) -> Self {
        self.help = Some(help);
        self
    }
}

impl Example {
    /// Whether the request is one of the operation that the example names, and
    /// means something to the Engine. One by method and target may be anything: it
    /// may be there to be refused. `older` is as for the client that sends it.
    pub(crate) fn check(&self, older: Older) -> Result<(), Mistake> {
        let Some(operation) = self.operation() else {
            return Ok(());
        };
        let definition = operation.definition();
        if !definition.variants.is_empty() {
            let variants: Vec<&str> = definition.variants().map(|one| one.name).collect();
            let message = format!("a request of {operation} is one of {}", variants.join(", "));
            return Err(Mistake::new(&["operation"], message).help("name that one".to_owned()));
        }
        if self.body.is_some() {
            let message = match definition.body {
                BodyDef::Json { .. } => None,
                BodyDef::None => Some(format!("{operation} has no body")),
                BodyDef::Stream { .. } => Some(format!(
                    "the body of {operation} is bytes that no rule looks at"
                )),
            };
            if let Some(message) = message {
                return Err(Mistake::new(&["body"], message).help("leave it out".to_owned()));
            }
        }
        match self.decoded(older) {
            Ok((found, _)) if found == operation => Ok(()),
            Ok((found, _)) => {
                let message = format!("this is a request of {found}, not of {operation}");
                Err(Mistake::new(&[], message))
            }
            Err(error) => Err(misunderstood(definition, &error)),
        }
    }

    /// The operation that the request is one of, and what is dropped from it, if it
    /// is understood. Where the example names no operation, this is the one that its
    /// method and target lead to.
    pub(crate) fn decoded(&self, older: Older) -> Result<(Operation, Vec<String>), RequestError> {
        // What cannot become a request was no example.
        let request = self.request().map_err(|_| RouteError::NotFound)?;
        request.decode(EngineVersion::EVERY, older, |decoded| {
            (decoded.operation(), decoded.dropped().to_vec())
        })
    }
}

/// Why the Engine, and the gate, would not understand a request.
fn misunderstood(definition: &OperationDef, error: &RequestError) -> Mistake {
    match error {
        RequestError::Decode { error, .. } => {
            let at = pieces(&error.place);
            let colon = if error.reason.starts_with("expected") {
                ":"
            } else {
                ""
            };
            let message = format!("`{}`{colon} {}", error.place, error.reason);
            let help = unknown(definition, &at);
            Mistake { at, message, help }
        }
        RequestError::Route(RouteError::NotFound) => {
            let until = definition.span.until;
            let until = until.map_or_else(String::new, |until| format!(" to {until}"));
            let span = format!("{}{until}", definition.span.since);
            let message = format!("{} is not an operation of that version", definition.name);
            Mistake::new(&["version"], message).help(format!("it is one from {span}"))
        }
        RequestError::Version(error) => Mistake::new(&["version"], error.to_string()),
        RequestError::Route(error) => Mistake::new(&["path"], error.to_string()),
    }
}

/// The names in a path such as `body.HostConfig.Binds[]`.
fn pieces(place: &str) -> Vec<String> {
    let pieces = place.split('.');
    let names = pieces.map(|piece| piece.trim_end_matches(['[', ']', '{', '}']).to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

/// The name of a field that was probably meant.
fn unknown(definition: &OperationDef, at: &[String]) -> Option<String> {
    let (last, way) = at.split_last()?;
    let (first, way) = way.split_first()?;
    let BodyDef::Json { schema, .. } = definition.body else {
        return None;
    };
    if first != "body" {
        return None;
    }
    let mut here = object(schema)?;
    for name in way {
        let field = here.fields.get(here.find(name)?)?;
        here = object(&field.schema)?;
    }
    if here.find(last).is_some() {
        return None;
    }
    let names = here.fields.iter().map(|field| field.name);
    nearest(last, names)
}

/// The object that a schema is or holds.
fn object(mut schema: &Schema) -> Option<&'static ObjectDef> {
    loop {
        match schema.kind {
            Kind::Object(object) => return Some(object),
            Kind::List(inner) | Kind::Map(inner) => schema = inner,
            _ => return None,
        }
    }
}

//! Requests as people write them: an operation with its parameters and body, or a
//! method and a target.
//!
//! The tests of a policy file, `opgate explain --request` and the witnesses of
//! risks share this form. In the form with an operation, parameters are JSON values
//! by name, and become text as the operation's definition reads them; which request
//! that is to the gate, decoding says as for any other.

use std::fmt::Write as _;

use base64::Engine as _;
use serde_json::{Map, Value, json};

use crate::api::Operation;
use crate::api::definition::{OperationDef, ParameterDef, Reading, Segment, Variant};
use crate::api::encode::escape;
use crate::diagnostic::nearest;

mod checking;
#[cfg(test)]
mod tests;
mod understood;

/// What a parameter is that must be there and is not given.
const PLACEHOLDER: &str = "example";

/// Headers that every operation may have.
const COMMON: [&str; 2] = ["Content-Type", "User-Agent"];

/// A request as people write it.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    what: What,
    header: Map<String, Value>,
    body: Option<Value>,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Operation {
        operation: Operation,
        version: Option<String>,
        path: Map<String, Value>,
        query: Map<String, Value>,
    },
    Target {
        method: String,
        target: String,
    },
}

/// A request as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRequest {
    /// The method.
    pub method: String,
    /// The target.
    pub target: String,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl OwnedRequest {
    /// The headers as the gate takes them.
    pub fn header_bytes(&self) -> Vec<(&str, &[u8])> {
        self.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect()
    }
}

impl Example {
    /// The bare request of an operation.
    pub fn of(operation: Operation) -> Self {
        Self {
            what: What::Operation {
                operation,
                version: None,
                path: Map::new(),
                query: Map::new(),
            },
            header: Map::new(),
            body: None,
        }
    }

    /// Reads a request. The error says what is wrong with it.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let Value::Object(object) = value else {
            return Err("a request is a map".to_owned());
        };
        let text = |name: &str| match object.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("`{name}` must be text")),
        };
        let map = |name: &str| match object.get(name) {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map.clone()),
            Some(_) => Err(format!("`{name}` must be a map")),
        };
        let (what, keys): (_, &[&str]) = match (text("operation")?, text("method")?) {
            (Some(name), None) => {
                let operation = Operation::from_name(&name).ok_or_else(|| {
                    let names = Operation::ALL.iter().map(|operation| operation.name());
                    unknown(&format!("operation `{name}`"), nearest(&name, names))
                })?;
                let what = What::Operation {
                    operation,
                    version: text("version")?,
                    path: map("path")?,
                    query: map("query")?,
                };
                let keys = &["operation", "version", "path", "query", "header", "body"];
                (what, keys)
            }
            (None, Some(method)) => {
                let target = text("target")?.ok_or("`method` needs a `target`")?;
                (
                    What::Target { method, target },
                    &["method", "target", "header", "body"],
                )
            }
            _ => {
                return Err("a request has an `operation`, or a `method` and a `target`".to_owned());
            }
        };
        if let Some(unknown) = object.keys().find(|key| !keys.contains(&key.as_str())) {
            return Err(format!(
                "`{unknown}` is not a part of a request; there can be {}",
                keys.join(", ")
            ));
        }
        let example = Self {
            what,
            header: map("header")?,
            body: object.get("body").cloned(),
        };
        // What cannot become a request is wrong from the start.
        example.request().map(|_| example)
    }

    /// The request in the form that [`from_json`](Self::from_json) reads.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        match &self.what {
            What::Operation {
                operation,
                version,
                path,
                query,
            } => {
                object.insert("operation".to_owned(), json!(operation.name()));
                if let Some(version) = version {
                    object.insert("version".to_owned(), json!(version));
                }
                for (name, map) in [("path", path), ("query", query)] {
                    if !map.is_empty() {
                        object.insert(name.to_owned(), Value::Object(map.clone()));
                    }
                }
            }
            What::Target { method, target } => {
                object.insert("method".to_owned(), json!(method));
                object.insert("target".to_owned(), json!(target));
            }
        }
        if !self.header.is_empty() {
            object.insert("header".to_owned(), Value::Object(self.header.clone()));
        }
        if let Some(body) = &self.body {
            object.insert("body".to_owned(), body.clone());
        }
        Value::Object(object)
    }

    /// The operation that it names, if it names one.
    pub fn operation(&self) -> Option<Operation> {
        match &self.what {
            What::Operation { operation, .. } => Some(*operation),
            What::Target { .. } => None,
        }
    }

    /// The request as it is sent.
    pub fn request(&self) -> Result<OwnedRequest, String> {
        let (method, target, mut headers) = match &self.what {
            What::Target { method, target } => {
                let mut headers = Vec::new();
                for (name, value) in &self.header {
                    headers.push((name.clone(), scalar(value, "header", name)?));
                }
                (method.clone(), target.clone(), headers)
            }
            What::Operation {
                operation,
                version,
                path,
                query,
            } => {
                let definition = operation.definition();
                let target = target(definition, version.as_deref(), path, query)?;
                let headers = headers(definition, &self.header)?;
                (definition.method.to_owned(), target, headers)
            }
        };
        let mut body = Vec::new();
        if let Some(value) = &self.body {
            body = value.to_string().into_bytes();
            let typed = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
            if !headers.iter().any(typed) {
                headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
            }
        }
        Ok(OwnedRequest {
            method,
            target,
            headers,
            body,
        })
    }
}

/// The target of an operation with these parameters.
fn target(
    definition: &'static OperationDef,
    version: Option<&str>,
    path: &Map<String, Value>,
    query: &Map<String, Value>,
) -> Result<String, String> {
    let mut target = String::new();
    if let Some(version) = version {
        // It is decoding that says which versions there are.
        let _ = write!(target, "/v{version}");
    }
    known("path", path, definition.path_parameters)?;
    for segment in definition.segments {
        target.push('/');
        match segment {
            Segment::Literal(text) => target.push_str(text),
            Segment::One(name) | Segment::Many(name) => {
                let text = match path.get(*name) {
                    Some(value) => scalar(value, "path", name)?,
                    None => PLACEHOLDER.to_owned(),
                };
                let many = matches!(segment, Segment::Many(_));
                escape(
                    &text,
                    |byte| byte == b':' || (many && byte == b'/'),
                    &mut target,
                );
            }
        }
    }
    known("query", query, definition.query)?;
    let mut mark = '?';
    let mut pair = |name: &str, text: &str| {
        target.push(mark);
        mark = '&';
        escape(name, |_| false, &mut target);
        target.push('=');
        escape(text, |_| false, &mut target);
    };
    if let Some((_, Variant::QueryGiven(name))) = definition.variant_of
        && !query.contains_key(name)
    {
        pair(name, PLACEHOLDER);
    }
    for parameter in definition.query {
        let Some(value) = query.get(parameter.name) else {
            continue;
        };
        match value {
            Value::Array(values) if parameter.repeated => {
                for value in values {
                    pair(parameter.name, &text(parameter, value, "query")?);
                }
            }
            value => pair(parameter.name, &text(parameter, value, "query")?),
        }
    }
    Ok(target)
}

fn headers(
    definition: &'static OperationDef,
    given: &Map<String, Value>,
) -> Result<Vec<(String, String)>, String> {
    let mut headers = Vec::new();
    for (name, value) in given {
        let same = |parameter: &&ParameterDef| parameter.name.eq_ignore_ascii_case(name);
        match (definition.headers.iter().find(same), value) {
            (Some(parameter), Value::Object(map))
                if matches!(parameter.reading, Reading::Prefix) =>
            {
                for (name, value) in map {
                    headers.push((name.clone(), scalar(value, "header", name)?));
                }
            }
            (Some(parameter), Value::Array(values)) if parameter.repeated => {
                for value in values {
                    headers.push((name.clone(), text(parameter, value, "header")?));
                }
            }
            (Some(parameter), value) => {
                headers.push((name.clone(), text(parameter, value, "header")?));
            }
            (None, value) => {
                let plain = COMMON
                    .iter()
                    .any(|common| common.eq_ignore_ascii_case(name));
                let prefixed = definition.headers.iter().any(|parameter| {
                    matches!(parameter.reading, Reading::Prefix)
                        && (name.get(..parameter.name.len()))
                            .is_some_and(|start| start.eq_ignore_ascii_case(parameter.name))
                });
                if !plain && !prefixed {
                    let names = definition.headers.iter().map(|parameter| parameter.name);
                    let help = nearest(name, names);
                    return Err(unknown(&format!("`header.{name}`"), help));
                }
                headers.push((name.clone(), scalar(value, "header", name)?));
            }
        }
    }
    Ok(headers)
}

/// Whether all names are those of parameters.
fn known(
    place: &str,
    given: &Map<String, Value>,
    parameters: &'static [ParameterDef],
) -> Result<(), String> {
    for name in given.keys() {
        if !parameters.iter().any(|parameter| parameter.name == name) {
            let names = parameters.iter().map(|parameter| parameter.name);
            return Err(unknown(&format!("`{place}.{name}`"), nearest(name, names)));
        }
    }
    Ok(())
}

fn unknown(what: &str, help: Option<String>) -> String {
    let help = help.map_or_else(String::new, |help| format!(": {help}"));
    format!("there is no {what}{help}")
}

/// The text of a parameter.
fn text(parameter: &ParameterDef, value: &Value, place: &str) -> Result<String, String> {
    match (parameter.reading, value) {
        // Texts are as they are, so that wrong ones can be written, too.
        (_, Value::String(text)) => Ok(text.clone()),
        (Reading::Json | Reading::Filters, value) => Ok(value.to_string()),
        (Reading::Base64Json, value) => {
            let bytes = value.to_string();
            Ok(base64::engine::general_purpose::URL_SAFE.encode(bytes))
        }
        (_, value) => scalar(value, place, parameter.name),
    }
}

fn scalar(value: &Value, place: &str, name: &str) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        // How a number with a fraction was written is lost: `1.50` is not `1.5`.
        Value::Number(number) if number.is_f64() => Err(format!(
            "`{place}.{name}` must be text: put it in quotation marks"
        )),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(format!(
            "`{place}.{name}` must be text, a number, true or false"
        )),
    }
}

//! An Engine's reading of a request, written from the facts about the Engine and from nothing of opgate's: its route
//! table, the way its handlers read each query parameter and header, the Go types that it decodes bodies into.
//!
//! Two requests mean the same to the Engine if their readings are equal. A reading is an error where the Engine refuses
//! the request before it looks at its state. What the Engine ignores is in no reading: unknown names, bodies of
//! operations that have none, headers such as `Accept: */*`, `traceparent` and `Origin`.

mod go;
mod json;
mod query;
mod routes;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use json::Json;

/// How the Engine reads the parameters and headers of an operation: `KIND` or `KIND; from 1.NN`.
static QUERIES: LazyLock<BTreeMap<String, BTreeMap<String, String>>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("queries.json")).expect("queries.json holds readings")
});

/// The version that a request without one is served in: the newest of the corpus's Engine.
const NEWEST: u32 = 51;

/// What the Engine makes of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    /// The API version in the path, as the minor of 1.NN.
    pub(crate) version: Option<u32>,
    /// Operation, path parameters, query, headers and body.
    pub(crate) value: Value,
}

impl Reading {
    /// The operation's name.
    pub(crate) fn operation(&self) -> &str {
        self.value
            .get("operation")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// What tells this reading from that of the request which was forwarded for it: a line for each place.
    pub(crate) fn differences(&self, forwarded: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        // Without a version any that the Engine serves is right; with one only this.
        if self.version.is_some() && self.version != forwarded.version
            || forwarded.version.is_none()
        {
            differences.push(format!(
                "version: {:?} became {:?}",
                self.version, forwarded.version
            ));
        }
        differ(
            "",
            Some(&self.value),
            Some(&forwarded.value),
            &mut differences,
        );
        differences
    }
}

fn differ(path: &str, left: Option<&Value>, right: Option<&Value>, differences: &mut Vec<String>) {
    match (left, right) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            let only_right = right.keys().filter(|key| !left.contains_key(*key));
            for key in left.keys().chain(only_right) {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                differ(&path, left.get(key), right.get(key), differences);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) if left.len() == right.len() => {
            for (left, right) in left.iter().zip(right) {
                differ(&format!("{path}[]"), Some(left), Some(right), differences);
            }
        }
        _ if left == right => {}
        _ => {
            let show = |value: Option<&Value>| {
                value.map_or_else(|| "nothing".to_owned(), Value::to_string)
            };
            differences.push(format!("{path}: {} became {}", show(left), show(right)));
        }
    }
}

/// Reads a request.
pub(crate) fn read(
    method: &str,
    target: &str,
    headers: &[(String, Vec<u8>)],
    body: &[u8],
) -> Result<Reading, String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = query::unescape(without_authority(path)?)?;
    let routes::Routed {
        operation,
        path,
        version,
    } = routes::route(method, &path)?;
    let served = version.unwrap_or(NEWEST);
    let headers = Headers(headers);

    let mut value = Map::new();
    value.insert("operation".to_owned(), json!(operation));
    value.insert("path".to_owned(), path);
    let (query, read_headers) = parameters(operation, served, &query::parse(query)?, &headers)?;
    let stream = streams(operation, &query);
    value.insert("query".to_owned(), Value::Object(query));
    value.insert("headers".to_owned(), Value::Object(read_headers));
    if operation == "ContainerStart" && body.len() > 7 {
        return Err("starting a container takes no body".to_owned());
    }
    if go::has(operation) {
        let body = json_body(operation, &headers, body, served)?;
        value.insert("body".to_owned(), body.unwrap_or(Value::Null));
    } else if stream {
        if headers.media_type() == Some("application/x-www-form-urlencoded".to_owned()) {
            return Err("a form is read as parameters, not as the stream".to_owned());
        }
        value.insert("stream".to_owned(), json!(BASE64_STANDARD.encode(body)));
    }
    Ok(Reading {
        version,
        value: Value::Object(value),
    })
}

/// The path of a target in either form.
fn without_authority(path: &str) -> Result<&str, String> {
    if path.starts_with('/') {
        return Ok(path);
    }
    let rest = path
        .split_once("://")
        .map(|(_, rest)| rest)
        .ok_or("no path")?;
    Ok(rest
        .find('/')
        .and_then(|slash| rest.get(slash..))
        .unwrap_or("/"))
}

/// Whether the Engine reads the body as a stream.
fn streams(operation: &str, query: &Map<String, Value>) -> bool {
    match operation {
        "ImageBuild" | "ImageLoad" | "PluginCreate" | "PutContainerArchive" => true,
        "ImageCreate" => query.get("fromSrc") == Some(&json!("-")),
        _ => false,
    }
}

type Read = Map<String, Value>;

fn parameters(
    operation: &str,
    version: u32,
    pairs: &[(String, String)],
    headers: &Headers<'_>,
) -> Result<(Read, Read), String> {
    let (mut query, mut read_headers) = (Read::new(), Read::new());
    if let Some(agent) = headers
        .all("User-Agent")
        .first()
        .filter(|agent| !agent.is_empty())
    {
        read_headers.insert("User-Agent".to_owned(), json!(agent));
    }
    for (name, kind) in QUERIES.get(operation).into_iter().flatten() {
        let (kind, since) = kind.split_once("; from 1.").unwrap_or((kind, "0"));
        if since.parse().is_ok_and(|since: u32| version < since) {
            continue;
        }
        if let Some(name) = name.strip_prefix("header ") {
            let value = match name.strip_suffix('*') {
                Some(prefix) => headers.starting_with(prefix),
                None => query::header(kind, &headers.all(name)),
            };
            read_headers.extend(value.map(|value| (name.to_owned(), value)));
        } else {
            let values: Vec<_> = pairs
                .iter()
                .filter(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
                .collect();
            let value = query::parameter(kind, &values)
                .map_err(|error| format!("query parameter {name}: {error}"))?;
            query.extend(value.map(|value| (name.clone(), value)));
        }
    }
    if operation == "ImageCreate" {
        // A pull and an import read different parameters.
        let pull = query.contains_key("fromImage");
        let ignored: &[&str] = if pull {
            &["fromSrc", "repo", "message", "changes"]
        } else {
            &["X-Registry-Auth", "X-Meta-*"]
        };
        query.retain(|name, _| !ignored.contains(&name.as_str()));
        read_headers.retain(|name, _| !ignored.contains(&name.as_str()));
    }
    Ok((query, read_headers))
}

fn json_body(
    operation: &str,
    headers: &Headers<'_>,
    body: &[u8],
    version: u32,
) -> Result<Option<Value>, String> {
    // Only /auth takes JSON under any type.
    if operation != "SystemAuth" {
        match headers.media_type().as_deref() {
            Some("application/json") => {}
            None if body.is_empty() => {}
            _ => return Err("unsupported Content-Type header".to_owned()),
        }
    }
    let required = matches!(operation, "ContainerCreate" | "SystemAuth");
    if body.is_empty() {
        return if required {
            Err("no body".to_owned())
        } else {
            Ok(None)
        };
    }
    let value = Json::first(body).map_err(|error| format!("invalid JSON: {error}"))?;
    if operation == "ContainerCreate" && matches!(value, Json::Null) {
        return Err("config cannot be empty".to_owned());
    }
    go::read(operation, &value, version)
}

/// The headers of a request, one entry a line.
struct Headers<'a>(&'a [(String, Vec<u8>)]);

impl<'a> Headers<'a> {
    fn all(&self, name: &str) -> Vec<&'a str> {
        let named = self
            .0
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named
            .filter_map(|(_, value)| std::str::from_utf8(value).ok())
            .map(str::trim)
            .collect()
    }

    fn starting_with(&self, prefix: &str) -> Option<Value> {
        let mut found = BTreeMap::new();
        for (name, _) in self.0 {
            if name
                .get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            {
                found.insert(name.to_ascii_lowercase(), self.all(name));
            }
        }
        (!found.is_empty()).then(|| json!(found))
    }

    /// The media type of the first `Content-Type`, without its parameters.
    fn media_type(&self) -> Option<String> {
        let value = self.all("Content-Type").first().copied()?;
        let media_type = value.split(';').next().unwrap_or_default();
        Some(media_type.trim().to_ascii_lowercase())
    }
}

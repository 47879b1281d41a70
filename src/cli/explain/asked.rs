//! What the command line says of a request → the request.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use opgate::example::{Example, OwnedRequest};
use serde_json::{Map, Value, json};

use super::Arguments;
use crate::cli::Failure;

/// The largest body, request or line that is read.
const LIMIT: u64 = 4 << 20;

/// The request that is asked about.
pub(super) fn request(arguments: &Arguments) -> Result<OwnedRequest, Failure> {
    if let Some(file) = &arguments.request
        && !of_an_operation(arguments)
    {
        return of_file(file);
    }
    let mut request = match &arguments.operation {
        Some(operation) => by_operation(operation, arguments)?,
        None if of_an_operation(arguments) => {
            let message = "--path, --query and --api-version go with --operation";
            return Err(Failure::Usage(message.to_owned()));
        }
        None => by_target(arguments)?,
    };
    request.body = body(arguments.body.as_deref())?;
    let mut headers = request.headers.iter();
    let typed = headers.any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if !request.body.is_empty() && !typed {
        let header = ("Content-Type".to_owned(), "application/json".to_owned());
        request.headers.push(header);
    }
    Ok(request)
}

/// Whether there are parts of an operation.
fn of_an_operation(arguments: &Arguments) -> bool {
    let parts = [&arguments.path, &arguments.query];
    arguments.api_version.is_some() || parts.iter().any(|part| !part.is_empty())
}

fn of_file(file: &Path) -> Result<OwnedRequest, Failure> {
    let shown = file.display();
    let wrong = |error: &dyn std::fmt::Display| Failure::Usage(format!("`{shown}`: {error}"));
    let bytes = read(file)?;
    let json: Value = serde_json::from_slice(&bytes).map_err(|error| wrong(&error))?;
    let example = Example::from_json(&json).map_err(|error| wrong(&error))?;
    example.request().map_err(|error| wrong(&error))
}

fn by_target(arguments: &Arguments) -> Result<OwnedRequest, Failure> {
    let mut headers = Vec::new();
    for header in &arguments.headers {
        let (name, value) = split(header, ':', "Name: value")?;
        headers.push((name.to_owned(), value.to_owned()));
    }
    Ok(OwnedRequest {
        method: arguments.method.clone().unwrap_or_default(),
        target: arguments.target.clone().unwrap_or_default(),
        headers,
        body: Vec::new(),
    })
}

fn by_operation(operation: &str, arguments: &Arguments) -> Result<OwnedRequest, Failure> {
    let mut written = Map::new();
    written.insert("operation".to_owned(), operation.into());
    if let Some(version) = &arguments.api_version {
        written.insert("version".to_owned(), version.as_str().into());
    }
    let parts = [
        ("path", &arguments.path, '=', "name=value"),
        ("query", &arguments.query, '=', "name=value"),
        ("header", &arguments.headers, ':', "Name: value"),
    ];
    for (part, pairs, sign, form) in parts {
        let mut values = Map::new();
        for pair in pairs {
            let (name, text) = split(pair, sign, form)?;
            let value = typed(text);
            match values.get_mut(name) {
                None => {
                    values.insert(name.to_owned(), value);
                }
                Some(Value::Array(several)) => several.push(value),
                Some(first) => *first = json!([first.take(), value]),
            }
        }
        if !values.is_empty() {
            written.insert(part.to_owned(), Value::Object(values));
        }
    }
    let example = Example::from_json(&Value::Object(written));
    let request = example.and_then(|example| example.request());
    request.map_err(Failure::Usage)
}

/// A value as it is written. Only objects are more than their text: credentials
/// are encoded, filters are as they stand.
fn typed(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(object @ Value::Object(_)) => object,
        _ => text.into(),
    }
}

fn split<'t>(pair: &'t str, sign: char, form: &str) -> Result<(&'t str, &'t str), Failure> {
    let (name, value) = pair
        .split_once(sign)
        .ok_or_else(|| Failure::Usage(format!("`{pair}` is not `{form}`")))?;
    Ok((name.trim(), value.trim()))
}

fn body(given: Option<&str>) -> Result<Vec<u8>, Failure> {
    match given {
        None => Ok(Vec::new()),
        Some(text) => match text.strip_prefix('@') {
            None => Ok(text.as_bytes().to_vec()),
            Some(path) => read(Path::new(path)),
        },
    }
}

/// Reads a file, or standard input for `-`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let unreadable = |error: io::Error| Failure::Usage(format!("cannot read `{shown}`: {error}"));
    let mut bytes = Vec::new();
    let limit = LIMIT.saturating_add(1);
    let count = if matches!(path.to_str(), Some("-" | "@-")) {
        io::stdin().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    let count = count.map_err(unreadable)?;
    if u64::try_from(count).is_ok_and(|count| count <= LIMIT) {
        return Ok(bytes);
    }
    let message = format!("`{shown}` is larger than {LIMIT} bytes");
    Err(Failure::Usage(message))
}

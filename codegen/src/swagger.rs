//! Swagger 2.0, as Docker publishes its API, into `OpenAPI` 3.0.3 reduced to facts.
//!
//! Kept are paths, methods, names, types, formats, enums, limits, defaults and
//! what is required, in the order in which they were published. Left out is the
//! prose (descriptions, summaries, titles, examples) and every vendor extension
//! except `x-nullable`, which `OpenAPI` has a word for. Everything else that this
//! module does not understand is an error with its line and JSON pointer, and
//! all errors are collected. Same input, same bytes. Nothing panics on an input.
//!
//! Reads and writes no file: see `import` for that. Read next: `schemas`.

mod lines;
mod operations;
mod reader;
mod schemas;
#[cfg(test)]
mod tests;

use crate::error::{Error, Errors};
use reader::{At, Reader};
use serde_json::{Map, Value, json};

/// Where the references of a Swagger description point to.
const DEFINITIONS: &str = "#/definitions/";
/// Where those of an `OpenAPI` document point to.
const COMPONENTS: &str = "#/components/schemas/";

/// Converts a Swagger 2.0 description, given with the name of its file, into an
/// `OpenAPI` 3.0.3 document that the `openapiv3` types accept.
pub fn convert(text: &str, file: &str) -> Result<Value, Errors> {
    let description = reader::parse(text, file)?;
    let mut reader = Reader::new(text, file, &description);
    let document = reader.document(&description);
    let document = reader.finish(document)?;
    // A conversion that OpenAPI's own types refuse is a mistake of this module,
    // found here and not by whoever reads the document next.
    match serde_json::from_value::<openapiv3::OpenAPI>(document.clone()) {
        Ok(_) => Ok(document),
        Err(error) => {
            Err(Error::new(file, "", format!("does not convert to OpenAPI: {error}")).into())
        }
    }
}

/// The minor version of the API that a converted document describes.
pub fn minor_version(document: &Value) -> Option<u16> {
    document
        .get("info")?
        .get("version")?
        .as_str()
        .and_then(parse_minor)
}

/// The `NN` of a version `1.NN`, written canonically.
pub(crate) fn parse_minor(version: &str) -> Option<u16> {
    let digits = version.strip_prefix("1.")?;
    let minor = digits.parse::<u16>().ok()?;
    (minor.to_string() == digits).then_some(minor)
}

/// The document's text, as YAML.
pub fn render(document: &Value) -> Result<String, Error> {
    let version = document
        .pointer("/info/version")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let failed = |why: String| Error::new(version, "", why);
    let yaml = serde_yaml::to_string(document)
        .map(|yaml| quoted(&yaml))
        .map_err(|error| failed(format!("cannot be written as YAML: {error}")))?;
    // What is written must say what was converted.
    match serde_yaml::from_str::<Value>(&yaml) {
        Ok(again) if again == *document => Ok(yaml),
        _ => Err(failed("does not read as what was written".to_owned())),
    }
}

/// Quotes the texts that readers of YAML 1.1 take for booleans, such as the
/// restart policy `no`.
fn quoted(yaml: &str) -> String {
    let mut text = String::with_capacity(yaml.len());
    for line in yaml.lines() {
        let value = line.rsplit_once(' ').map_or("", |(_, value)| value);
        let head = line.strip_suffix(value).unwrap_or_default();
        let word = value.to_ascii_lowercase();
        let boolean = matches!(word.as_str(), "y" | "n" | "yes" | "no" | "on" | "off");
        if boolean && (head.ends_with("- ") || head.ends_with(": ")) {
            text.push_str(head);
            text.push('\'');
            text.push_str(value);
            text.push('\'');
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}

impl Reader<'_> {
    /// The description as a whole.
    fn document(&mut self, description: &Value) -> Value {
        let root = At::ROOT;
        let Some(map) = self.object(description, &root) else {
            return Value::Null;
        };
        let mut version = None;
        let mut tags = Value::Null;
        let mut paths = Value::Object(Map::new());
        let mut schemas = Value::Object(Map::new());
        for (key, value) in map {
            let at = root.key(key);
            match key.as_str() {
                "swagger" => self.expect(value, "2.0", &at),
                "info" => version = self.info(value, &at),
                "tags" => tags = self.tags(value, &at),
                "paths" => paths = self.paths(value, &at),
                "definitions" => schemas = self.definitions(value, &at),
                // The first three are read where they apply: the version prefix,
                // and the types of operations that name none. Where an engine
                // listens is no fact about its API.
                "basePath" | "consumes" | "produces" | "schemes" | "host" | "externalDocs" => {}
                other => self.unknown(other, &at),
            }
        }
        for required in ["swagger", "info", "basePath", "paths"] {
            if !map.contains_key(required) {
                self.error(&root, format!("has no `{required}`"));
            }
        }
        if let (Some(version), Some(base)) = (&version, map.get("basePath")) {
            self.expect(base, &format!("/v{version}"), &root.key("basePath"));
        }
        let mut document = Map::new();
        document.insert("openapi".to_owned(), json!("3.0.3"));
        document.insert(
            "info".to_owned(),
            json!({ "title": "Docker Engine API", "version": version }),
        );
        if !tags.is_null() {
            document.insert("tags".to_owned(), tags);
        }
        document.insert("paths".to_owned(), paths);
        document.insert("components".to_owned(), json!({ "schemas": schemas }));
        Value::Object(document)
    }

    /// `info`: nothing of it is kept but the version.
    fn info(&mut self, value: &Value, at: &At<'_>) -> Option<String> {
        let info = self.object(value, at)?;
        for key in info.keys() {
            match key.as_str() {
                "version" | "title" | "description" | "termsOfService" | "contact" | "license" => {}
                other => self.unknown(other, &at.key(other)),
            }
        }
        let at = at.key("version");
        let Some(version) = info.get("version") else {
            self.error(&at, "is missing");
            return None;
        };
        let version = self.text(version, &at)?;
        if parse_minor(version).is_none() {
            self.error(
                &at,
                format!("expected a version such as `1.51`, found `{version}`"),
            );
            return None;
        }
        Some(version.to_owned())
    }

    /// `tags`: their names, which operations refer to.
    fn tags(&mut self, value: &Value, at: &At<'_>) -> Value {
        let mut tags = Vec::new();
        for (index, tag) in self.list(value, at).iter().enumerate() {
            let at = at.index(index);
            let Some(tag) = self.object(tag, &at) else {
                continue;
            };
            for (key, value) in tag {
                let at = at.key(key);
                match key.as_str() {
                    "name" => {
                        if let Some(name) = self.text(value, &at) {
                            tags.push(json!({ "name": name }));
                        }
                    }
                    "description" | "externalDocs" => {}
                    other => self.unknown(other, &at),
                }
            }
        }
        Value::Array(tags)
    }

    /// `definitions`: the schemas that references point to.
    fn definitions(&mut self, value: &Value, at: &At<'_>) -> Value {
        let mut schemas = Map::new();
        let Some(definitions) = self.object(value, at) else {
            return Value::Null;
        };
        for (name, schema) in definitions {
            let at = at.key(name);
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            if name.is_empty() || !name.chars().all(plain) {
                self.error(&at, "is not a name that OpenAPI accepts for a component");
            }
            schemas.insert(name.clone(), self.schema(schema, &at));
        }
        Value::Object(schemas)
    }
}

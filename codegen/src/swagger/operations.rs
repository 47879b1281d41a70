//! Paths and what can be asked for on them: operations, their parameters, bodies
//! and responses. `OpenAPI` moves the body out of the parameters, the types of the
//! parameters into schemas, and media types from the operation to each body.

use super::reader::{At, Reader};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const JSON: &str = "application/json";
const BINARY: &str = "application/octet-stream";

/// The keys of a parameter or header that describe its value: a schema's.
const VALUE_KEYS: [&str; 16] = [
    "type",
    "format",
    "items",
    "default",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
];

/// What an operation's parameters come to.
#[derive(Default)]
struct Inputs {
    parameters: Vec<Value>,
    body: Option<Value>,
}

impl Reader<'_> {
    /// All paths.
    pub(super) fn paths(&mut self, value: &Value, at: &At<'_>) -> Value {
        let mut paths = Map::new();
        let mut names = BTreeSet::new();
        let Some(map) = self.object(value, at) else {
            return Value::Null;
        };
        for (path, item) in map {
            let at = at.key(path);
            if path.starts_with("x-") {
                continue;
            }
            if !path.starts_with('/') {
                self.error(&at, "is a path that does not begin with `/`");
            }
            paths.insert(path.clone(), self.path(path, item, &at, &mut names));
        }
        Value::Object(paths)
    }

    /// The operations of one path.
    fn path(
        &mut self,
        path: &str,
        value: &Value,
        at: &At<'_>,
        names: &mut BTreeSet<String>,
    ) -> Value {
        let mut item = Map::new();
        let Some(map) = self.object(value, at) else {
            return Value::Null;
        };
        for (method, value) in map {
            let at = at.key(method);
            match method.as_str() {
                "get" | "put" | "post" | "delete" | "options" | "head" | "patch" => {
                    let operation = self.operation(path, value, &at);
                    if let Some(Value::String(name)) = operation.get("operationId") {
                        if !names.insert(name.clone()) {
                            self.error(&at, format!("a second operation is called `{name}`"));
                        }
                    } else {
                        self.error(&at, "has no `operationId`");
                    }
                    item.insert(method.clone(), operation);
                }
                other => self.unknown(other, &at),
            }
        }
        Value::Object(item)
    }

    /// One operation.
    fn operation(&mut self, path: &str, value: &Value, at: &At<'_>) -> Value {
        let Some(map) = self.object(value, at) else {
            return Value::Null;
        };
        let mut operation = Map::new();
        let mut inputs = Inputs::default();
        let mut responses = Value::Object(Map::new());
        for (key, value) in map {
            let at = at.key(key);
            match key.as_str() {
                "summary" | "description" | "externalDocs" => {}
                "operationId" => {
                    if let Some(name) = self.text(value, &at) {
                        operation.insert(key.clone(), json!(name));
                    }
                }
                "tags" => {
                    operation.insert(key.clone(), json!(self.texts(value, &at)));
                }
                "deprecated" => {
                    operation.insert(key.clone(), json!(self.boolean(value, &at)));
                }
                // Read with the bodies that they are of.
                "consumes" | "produces" => {
                    self.texts(value, &at);
                }
                "parameters" => inputs = self.parameters(value, map, &at),
                "responses" => responses = self.responses(value, map, &at),
                other => self.unknown(other, &at),
            }
        }
        if !map.contains_key("responses") {
            self.error(at, "has no `responses`");
        }
        self.same_placeholders(path, &inputs.parameters, at);
        if !inputs.parameters.is_empty() {
            operation.insert("parameters".to_owned(), Value::Array(inputs.parameters));
        }
        if let Some(body) = inputs.body {
            operation.insert("requestBody".to_owned(), body);
        }
        operation.insert("responses".to_owned(), responses);
        Value::Object(operation)
    }

    /// A path's placeholders and its path parameters must be the same.
    fn same_placeholders(&mut self, path: &str, parameters: &[Value], at: &At<'_>) {
        let placeholders: BTreeSet<&str> = path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let declared: BTreeSet<&str> = parameters
            .iter()
            .filter(|parameter| parameter.get("in").is_some_and(|place| place == "path"))
            .filter_map(|parameter| parameter.get("name")?.as_str())
            .collect();
        for name in placeholders.difference(&declared) {
            self.error(at, format!("`{{{name}}}` of the path is not declared"));
        }
        for name in declared.difference(&placeholders) {
            self.error(at, format!("path parameter `{name}` is not in the path"));
        }
    }

    /// An operation's parameters, and its body among them.
    fn parameters(&mut self, value: &Value, operation: &Map<String, Value>, at: &At<'_>) -> Inputs {
        let mut inputs = Inputs::default();
        let mut seen = BTreeSet::new();
        for (index, parameter) in self.list(value, at).iter().enumerate() {
            let at = at.index(index);
            let Some(map) = self.object(parameter, &at) else {
                continue;
            };
            let mut word = |key: &str| {
                let value = map.get(key).unwrap_or(&Value::Null);
                self.text(value, &at.key(key))
                    .unwrap_or_default()
                    .to_owned()
            };
            let (name, place) = (word("name"), word("in"));
            if !seen.insert((place.clone(), name.clone())) {
                self.error(&at, format!("{place} parameter `{name}` is declared twice"));
            }
            match place.as_str() {
                "body" if inputs.body.is_some() => self.error(&at, "is a second body"),
                "body" => inputs.body = self.body(map, operation, &at),
                "query" | "header" | "path" => {
                    inputs
                        .parameters
                        .push(self.parameter(&name, &place, map, &at));
                }
                "" => {}
                other => self.error(
                    &at.key("in"),
                    format!("`{other}` parameters are not understood"),
                ),
            }
        }
        inputs
    }

    /// A parameter that is not the body.
    fn parameter(
        &mut self,
        name: &str,
        place: &str,
        map: &Map<String, Value>,
        at: &At<'_>,
    ) -> Value {
        let mut parameter = Map::new();
        parameter.insert("name".to_owned(), json!(name));
        parameter.insert("in".to_owned(), json!(place));
        let mut collection = "csv";
        for (key, value) in map {
            let at = at.key(key);
            match key.as_str() {
                "name" | "in" | "description" => {}
                "required" => {
                    if self.boolean(value, &at) {
                        parameter.insert(key.clone(), json!(true));
                    }
                }
                "allowEmptyValue" if place == "query" => {
                    parameter.insert(key.clone(), json!(self.boolean(value, &at)));
                }
                "collectionFormat" => collection = self.text(value, &at).unwrap_or(collection),
                key if VALUE_KEYS.contains(&key) || key == "x-nullable" => {}
                other => self.unknown(other, &at),
            }
        }
        if place == "path" && !parameter.contains_key("required") {
            self.error(at, "is a path parameter that is not `required`");
        }
        if map.get("type").is_some_and(|name| name == "array") {
            match style(place, collection) {
                Some((style, explode)) => {
                    parameter.insert("style".to_owned(), json!(style));
                    parameter.insert("explode".to_owned(), json!(explode));
                }
                None => self.error(
                    at,
                    format!(
                        "collection format `{collection}` is not understood in a {place} parameter"
                    ),
                ),
            }
        } else if map.contains_key("collectionFormat") {
            self.error(at, "has a `collectionFormat`, but is not an array");
        }
        parameter.insert("schema".to_owned(), self.value_schema(map, at));
        Value::Object(parameter)
    }

    /// The schema of a parameter's or header's value, out of its keys.
    fn value_schema(&mut self, map: &Map<String, Value>, at: &At<'_>) -> Value {
        if !map.contains_key("type") {
            self.error(at, "has no `type`");
        }
        if map.get("type").is_some_and(|name| name == "object") {
            self.error(at, "cannot be an object");
        }
        let own: Map<String, Value> = map
            .iter()
            .filter(|(key, _)| VALUE_KEYS.contains(&key.as_str()) || *key == "x-nullable")
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        self.schema(&Value::Object(own), at)
    }

    /// The body parameter as a request body.
    fn body(
        &mut self,
        map: &Map<String, Value>,
        operation: &Map<String, Value>,
        at: &At<'_>,
    ) -> Option<Value> {
        let mut required = false;
        let mut schema = None;
        for (key, value) in map {
            let at = at.key(key);
            match key.as_str() {
                "name" | "in" | "description" => {}
                "required" => required = self.boolean(value, &at),
                "schema" => schema = Some(self.schema(value, &at)),
                other => self.unknown(other, &at),
            }
        }
        let Some(schema) = schema else {
            self.error(at, "is a body without `schema`");
            return None;
        };
        let types = self.body_types(&schema, operation);
        if types.is_empty() {
            self.error(at, "is a body of no media type");
        }
        let mut body = Map::new();
        if required {
            body.insert("required".to_owned(), json!(true));
        }
        body.insert("content".to_owned(), content(&types, Some(&schema)));
        Some(Value::Object(body))
    }

    /// The media types of a body: JSON for what has structure, whatever the
    /// operation consumes for the rest.
    fn body_types(&self, schema: &Value, operation: &Map<String, Value>) -> Vec<String> {
        if structured(schema) {
            return vec![JSON.to_owned()];
        }
        if let Some(types) = operation.get("consumes") {
            return words(types);
        }
        if schema
            .get("format")
            .is_some_and(|format| format == "binary")
        {
            return vec![BINARY.to_owned()];
        }
        self.description()
            .get("consumes")
            .map(words)
            .unwrap_or_default()
    }

    /// All responses of an operation.
    fn responses(&mut self, value: &Value, operation: &Map<String, Value>, at: &At<'_>) -> Value {
        let mut responses = Map::new();
        let Some(map) = self.object(value, at) else {
            return Value::Null;
        };
        for (status, response) in map {
            let at = at.key(status);
            if status.starts_with("x-") {
                continue;
            }
            let code = status.parse().ok().filter(|code| (100..600).contains(code));
            if code.is_none() && status != "default" {
                self.error(&at, format!("`{status}` is not a status code"));
            }
            responses.insert(
                status.clone(),
                self.response(code, response, operation, &at),
            );
        }
        Value::Object(responses)
    }

    /// One response.
    fn response(
        &mut self,
        code: Option<u16>,
        value: &Value,
        operation: &Map<String, Value>,
        at: &At<'_>,
    ) -> Value {
        // OpenAPI wants a description; the published prose stays where it is.
        let mut response = Map::new();
        response.insert("description".to_owned(), json!(""));
        let Some(map) = self.object(value, at) else {
            return Value::Null;
        };
        let mut schema = None;
        for (key, value) in map {
            let at = at.key(key);
            match key.as_str() {
                "description" | "examples" => {}
                "schema" => schema = Some(self.schema(value, &at)),
                "headers" => {
                    let headers = self.headers(value, &at);
                    response.insert(key.clone(), headers);
                }
                other => self.unknown(other, &at),
            }
        }
        let types = self.response_types(code, schema.as_ref(), operation);
        if !types.is_empty() {
            response.insert("content".to_owned(), content(&types, schema.as_ref()));
        }
        Value::Object(response)
    }

    /// The media types of a response: what the operation says it produces. Where
    /// it says nothing, the description's default, and JSON alone for what has
    /// structure. A successful answer without a schema keeps what the operation
    /// says of itself: that is how the published descriptions tell of streams.
    fn response_types(
        &self,
        code: Option<u16>,
        schema: Option<&Value>,
        operation: &Map<String, Value>,
    ) -> Vec<String> {
        match (schema, operation.get("produces")) {
            (Some(_), Some(types)) => words(types),
            (Some(schema), None) if structured(schema) => vec![JSON.to_owned()],
            (Some(_), None) => self
                .description()
                .get("produces")
                .map(words)
                .unwrap_or_default(),
            (None, Some(types)) if matches!(code, Some(200..=203)) => words(types),
            (None, _) => Vec::new(),
        }
    }

    /// The headers of a response.
    fn headers(&mut self, value: &Value, at: &At<'_>) -> Value {
        let mut headers = Map::new();
        let Some(map) = self.object(value, at) else {
            return Value::Null;
        };
        for (name, header) in map {
            let at = at.key(name);
            let Some(header) = self.object(header, &at) else {
                continue;
            };
            for key in header.keys() {
                match key.as_str() {
                    "description" => {}
                    key if VALUE_KEYS.contains(&key) => {}
                    other => self.unknown(other, &at.key(other)),
                }
            }
            let schema = self.value_schema(header, &at);
            headers.insert(name.clone(), json!({ "schema": schema }));
        }
        Value::Object(headers)
    }
}

/// How a list is written in a parameter: `OpenAPI`'s `style` and `explode`.
fn style(place: &str, collection: &str) -> Option<(&'static str, bool)> {
    match (place, collection) {
        ("query", "csv") => Some(("form", false)),
        ("query", "multi") => Some(("form", true)),
        ("query", "ssv") => Some(("spaceDelimited", false)),
        ("query", "pipes") => Some(("pipeDelimited", false)),
        ("header" | "path", "csv") => Some(("simple", false)),
        _ => None,
    }
}

/// Whether a converted schema is of objects or lists, not of texts and bytes.
fn structured(schema: &Value) -> bool {
    let is = |name| schema.get("type").is_some_and(|value| value == name);
    schema.get("$ref").is_some() || schema.get("allOf").is_some() || is("object") || is("array")
}

/// The same schema under each media type.
fn content(types: &[String], schema: Option<&Value>) -> Value {
    types
        .iter()
        .map(|media_type| {
            let media = schema.map_or_else(|| json!({}), |schema| json!({ "schema": schema }));
            (media_type.clone(), media)
        })
        .collect()
}

/// The texts of a list; what is no text was reported where the list was read.
fn words(value: &Value) -> Vec<String> {
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    list.iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

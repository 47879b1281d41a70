//! A document as a flat list: every operation with its parameters and the fields
//! of its body, each by the name that policies use for it and in a few words of
//! what the document says about it. References are followed and `allOf` merged,
//! so that two versions compare by what they mean and not by how it is spread
//! over components. Bounded: a document of absurd size is an error.

use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// How many places a document may have; the Engine's have some three thousand.
const MOST_PLACES: usize = 50_000;
/// How many schemas may be read: references can make few lines many schemas.
const MOST_SCHEMAS: usize = 5_000_000;
/// How deep references and members may be nested.
const MOST_DEPTH: usize = 64;

/// The operations of a document, by name.
pub(super) type Outline = BTreeMap<String, Operation>;

/// One operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Operation {
    /// Method and path.
    pub(super) route: String,
    /// Where it stands in the document.
    pub(super) position: usize,
    /// `query:x`, `header:x`, `path:x`, `body`, `body.HostConfig.Binds[]`, with
    /// what the document says of each.
    pub(super) places: Vec<(String, String)>,
}

/// Reads a document.
pub(super) fn outline(document: &Value) -> Result<Outline, String> {
    let mut reading = Reading {
        document,
        places: Vec::new(),
        total: 0,
        schemas: Cell::new(0),
    };
    let mut operations = Outline::new();
    for (path, item) in entries(document.get("paths")) {
        for (method, operation) in entries(Some(item)) {
            let Some(name) = operation.get("operationId").and_then(Value::as_str) else {
                continue;
            };
            reading.operation(operation)?;
            let operation = Operation {
                route: format!("{} {path}", method.to_uppercase()),
                position: operations.len(),
                places: std::mem::take(&mut reading.places),
            };
            operations.insert(name.to_owned(), operation);
        }
    }
    Ok(operations)
}

struct Reading<'a> {
    document: &'a Value,
    places: Vec<(String, String)>,
    total: usize,
    schemas: Cell<usize>,
}

/// A schema with its references followed and its members merged.
#[derive(Default)]
struct Merged<'a> {
    facts: BTreeMap<&'a str, &'a Value>,
    /// With the order in which they were met.
    properties: BTreeMap<&'a str, (usize, &'a Value)>,
    required: BTreeSet<&'a str>,
    count: usize,
    items: Option<&'a Value>,
    values: Option<&'a Value>,
}

impl<'a> Reading<'a> {
    fn operation(&mut self, operation: &'a Value) -> Result<(), String> {
        let parameters = operation.get("parameters").and_then(Value::as_array);
        for parameter in parameters.into_iter().flatten() {
            let word = |key| {
                parameter
                    .get(key)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            let mut said = match parameter.get("schema") {
                Some(schema) => self.merged(schema)?.describe(self)?,
                None => String::new(),
            };
            if parameter
                .get("explode")
                .is_some_and(|explode| *explode == true)
            {
                said.push_str(" repeated");
            }
            if parameter.get("required").is_some() && word("in") != "path" {
                said.push_str(" required");
            }
            self.place(format!("{}:{}", word("in"), word("name")), said)?;
        }
        let Some(body) = operation.get("requestBody") else {
            return Ok(());
        };
        let mut first = None;
        let mut said = String::new();
        for (media_type, media) in entries(body.get("content")) {
            let separator = if said.is_empty() { "" } else { " or " };
            let _ = write!(said, "{separator}{media_type}");
            first = first.or_else(|| media.get("schema"));
        }
        if body
            .get("required")
            .is_some_and(|required| *required == true)
        {
            said.push_str(" required");
        }
        match first {
            Some(schema) => self.walk("body", schema, &said, &mut Vec::new()),
            None => self.place("body".to_owned(), said),
        }
    }

    /// A place and everything below it.
    fn walk(
        &mut self,
        path: &str,
        schema: &'a Value,
        more: &str,
        above: &mut Vec<&'a Value>,
    ) -> Result<(), String> {
        let merged = self.merged(schema)?;
        let mut said = merged.describe(self)?;
        for word in [" ", more].into_iter().filter(|_| !more.is_empty()) {
            said.push_str(word);
        }
        self.place(path.to_owned(), said)?;
        // What contains itself is listed once.
        if above.iter().any(|above| std::ptr::eq(*above, schema)) {
            return Ok(());
        }
        if above.len() > MOST_DEPTH {
            return Err(format!("`{path}` is nested too deeply"));
        }
        above.push(schema);
        let mut properties: Vec<_> = merged.properties.iter().collect();
        properties.sort_by_key(|(_, (position, _))| *position);
        for (name, (_, property)) in properties {
            let more = if merged.required.contains(name) {
                "required"
            } else {
                ""
            };
            self.walk(&format!("{path}.{name}"), property, more, above)?;
        }
        if let Some(items) = merged.items {
            self.walk(&format!("{path}[]"), items, "", above)?;
        }
        if let Some(values) = merged.values {
            self.walk(&format!("{path}{{}}"), values, "", above)?;
        }
        above.pop();
        Ok(())
    }

    fn place(&mut self, place: String, said: String) -> Result<(), String> {
        self.total += 1;
        if self.total > MOST_PLACES {
            return Err(format!("has more than {MOST_PLACES} parameters and fields"));
        }
        self.places.push((place, said));
        Ok(())
    }

    fn merged(&self, schema: &'a Value) -> Result<Merged<'a>, String> {
        let mut merged = Merged::default();
        self.merge(schema, &mut merged, 0)?;
        Ok(merged)
    }

    /// What a schema says, and its members before it.
    fn merge(
        &self,
        schema: &'a Value,
        merged: &mut Merged<'a>,
        depth: usize,
    ) -> Result<(), String> {
        self.schemas.set(self.schemas.get() + 1);
        if depth > MOST_DEPTH || self.schemas.get() > MOST_SCHEMAS {
            return Err("has references without end".to_owned());
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = reference
                .strip_prefix('#')
                .and_then(|pointer| self.document.pointer(pointer))
                .ok_or_else(|| format!("`{reference}` leads nowhere"))?;
            return self.merge(target, merged, depth + 1);
        }
        let members = schema.get("allOf").and_then(Value::as_array);
        for member in members.into_iter().flatten() {
            self.merge(member, merged, depth + 1)?;
        }
        for (key, value) in entries(Some(schema)) {
            match key.as_str() {
                "allOf" => {}
                "properties" => {
                    for (name, property) in entries(Some(value)) {
                        merged.count += 1;
                        merged.properties.insert(name, (merged.count, property));
                    }
                }
                "required" => {
                    let names = value.as_array().into_iter().flatten();
                    merged.required.extend(names.filter_map(Value::as_str));
                }
                "items" => merged.items = Some(value),
                "additionalProperties" if value.is_object() => merged.values = Some(value),
                key => {
                    merged.facts.insert(key, value);
                }
            }
        }
        Ok(())
    }
}

impl<'a> Merged<'a> {
    /// In a few words: `array of string`, `integer format=int64 minimum=0`.
    fn describe(&self, reading: &Reading<'a>) -> Result<String, String> {
        let mut said = self.type_name().to_owned();
        // In the order in which they are most telling.
        let mut facts = self.facts.clone();
        facts.remove("type");
        for key in ["format", "nullable", "enum", "minimum", "maximum"] {
            if let Some(value) = facts.remove(key) {
                let _ = write!(said, " {key}={}", word(value));
            }
        }
        if let Some(items) = self.items {
            let _ = write!(said, " of {}", reading.merged(items)?.type_name());
        }
        if let Some(values) = self.values {
            let _ = write!(said, " map<{}>", reading.merged(values)?.type_name());
        }
        for (key, value) in facts {
            let _ = write!(said, " {key}={}", word(value));
        }
        Ok(said)
    }

    fn type_name(&self) -> &'a str {
        let name = self.facts.get("type").and_then(|name| name.as_str());
        match name {
            Some(name) => name,
            None if self.properties.is_empty() => "anything",
            None => "object",
        }
    }
}

/// A value on one line.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(word).collect::<Vec<_>>().join("|"),
        other => other.to_string(),
    }
}

/// The entries of an object, or none for anything else.
fn entries(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    let map: Option<&Map<String, Value>> = value.and_then(Value::as_object);
    map.into_iter().flatten()
}

//! Reading a description piece by piece: each piece is asked for by the kind it
//! must have, and one of another kind becomes an error at its place. The places
//! are kept as a list on the stack, so that they cost nothing until needed.
//!
//! Parsing refuses what YAML offers beyond JSON and what a description has no
//! use for: tags, keys that are no texts, numbers that are none.

use super::lines;
use crate::error::{Error, Errors};
use serde_json::{Map, Value};
use std::fmt;

/// A place in a description: printed as a JSON pointer.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> At<'a> {
    /// The description as a whole.
    pub(super) const ROOT: At<'static> = At {
        parent: None,
        step: Step::Root,
    };

    /// The place of a key below this one.
    pub(super) fn key(&'a self, key: &'a str) -> At<'a> {
        At {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    /// The place of an element below this one.
    pub(super) fn index(&'a self, index: usize) -> At<'a> {
        At {
            parent: Some(self),
            step: Step::Index(index),
        }
    }

    /// The keys and indices from the root on.
    pub(super) fn steps(&self) -> Vec<String> {
        let mut steps = Vec::new();
        let mut at = Some(self);
        while let Some(place) = at {
            match place.step {
                Step::Root => {}
                Step::Key(key) => steps.push(key.to_owned()),
                Step::Index(index) => steps.push(index.to_string()),
            }
            at = place.parent;
        }
        steps.reverse();
        steps
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in self.steps() {
            write!(f, "/{}", step.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

/// A description that is being read, and what was found wrong with it so far.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    file: &'a str,
    description: &'a Value,
    errors: Errors,
    more_errors: usize,
}

/// How many errors are told singly: nobody reads more, and each costs a search
/// for its line.
const MOST_ERRORS: usize = 100;

impl<'a> Reader<'a> {
    /// Starts reading.
    pub(super) fn new(text: &'a str, file: &'a str, description: &'a Value) -> Self {
        Self {
            text,
            file,
            description,
            errors: Errors::default(),
            more_errors: 0,
        }
    }

    /// The value when nothing was wrong.
    pub(super) fn finish<T>(mut self, value: T) -> Result<T, Errors> {
        if self.more_errors > 0 {
            let message = format!("and {} more errors", self.more_errors);
            self.errors.push(Error::new(self.file, "", message));
        }
        self.errors.or(value)
    }

    /// The description as a whole.
    pub(super) fn description(&self) -> &'a Value {
        self.description
    }

    /// Notes what is wrong at a place.
    pub(super) fn error(&mut self, at: &At<'_>, message: impl Into<String>) {
        if self.errors.0.len() >= MOST_ERRORS {
            self.more_errors += 1;
            return;
        }
        let file = match lines::find(self.text, &at.steps()) {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.to_owned(),
        };
        self.errors.push(Error::new(file, at.to_string(), message));
    }

    /// Notes a key that is not understood; vendor extensions are passed over.
    pub(super) fn unknown(&mut self, key: &str, at: &At<'_>) {
        if !key.starts_with("x-") {
            self.error(at, format!("`{key}` is not understood here"));
        }
    }

    /// Notes a value of another kind than the expected.
    fn wrong(&mut self, at: &At<'_>, expected: &str, found: &Value) {
        self.error(at, format!("expected {expected}, found {}", kind(found)));
    }

    /// An object.
    pub(super) fn object<'v>(
        &mut self,
        value: &'v Value,
        at: &At<'_>,
    ) -> Option<&'v Map<String, Value>> {
        if value.as_object().is_none() {
            self.wrong(at, "an object", value);
        }
        value.as_object()
    }

    /// A list; empty when it is none.
    pub(super) fn list<'v>(&mut self, value: &'v Value, at: &At<'_>) -> &'v [Value] {
        if value.as_array().is_none() {
            self.wrong(at, "a list", value);
        }
        value.as_array().map_or(&[], Vec::as_slice)
    }

    /// A text.
    pub(super) fn text<'v>(&mut self, value: &'v Value, at: &At<'_>) -> Option<&'v str> {
        if value.as_str().is_none() {
            self.wrong(at, "a text", value);
        }
        value.as_str()
    }

    /// A list of texts.
    pub(super) fn texts<'v>(&mut self, value: &'v Value, at: &At<'_>) -> Vec<&'v str> {
        let mut texts = Vec::new();
        for (index, text) in self.list(value, at).iter().enumerate() {
            texts.extend(self.text(text, &at.index(index)));
        }
        texts
    }

    /// True or false.
    pub(super) fn boolean(&mut self, value: &Value, at: &At<'_>) -> bool {
        if value.as_bool().is_none() {
            self.wrong(at, "`true` or `false`", value);
        }
        value.as_bool().unwrap_or_default()
    }

    /// A number.
    pub(super) fn number(&mut self, value: &Value, at: &At<'_>) {
        if !value.is_number() {
            self.wrong(at, "a number", value);
        }
    }

    /// A whole number that is not negative.
    pub(super) fn count(&mut self, value: &Value, at: &At<'_>) {
        if !value.is_u64() {
            self.wrong(at, "a whole number that is not negative", value);
        }
    }

    /// Exactly this text.
    pub(super) fn expect(&mut self, value: &Value, expected: &str, at: &At<'_>) {
        if value.as_str() != Some(expected) {
            let found = match value {
                Value::String(text) => format!("`{text}`"),
                other => kind(other).to_owned(),
            };
            self.error(at, format!("expected `{expected}`, found {found}"));
        }
    }
}

/// What a value is, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The text as JSON values. Repeated keys, tags and keys that are neither texts
/// nor whole numbers are errors.
pub(super) fn parse(text: &str, file: &str) -> Result<Value, Errors> {
    // Through YAML's own values: they refuse repeated keys, where JSON's keep
    // the last and lose the others silently.
    let yaml: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| {
        let file = match error.location() {
            Some(location) => format!("{file}:{}", location.line()),
            None => file.to_owned(),
        };
        Error::new(file, "", error.to_string())
    })?;
    let nothing = Value::Null;
    let mut reader = Reader::new(text, file, &nothing);
    let value = reader.json(yaml, &At::ROOT);
    reader.finish(value)
}

impl Reader<'_> {
    /// A YAML value as JSON.
    fn json(&mut self, yaml: serde_yaml::Value, at: &At<'_>) -> Value {
        match yaml {
            serde_yaml::Value::Null => Value::Null,
            serde_yaml::Value::Bool(value) => Value::Bool(value),
            serde_yaml::Value::String(value) => Value::String(value),
            serde_yaml::Value::Number(number) => self.json_number(&number, at),
            serde_yaml::Value::Sequence(list) => list
                .into_iter()
                .enumerate()
                .map(|(index, value)| self.json(value, &at.index(index)))
                .collect(),
            serde_yaml::Value::Mapping(mapping) => self.json_object(mapping, at),
            serde_yaml::Value::Tagged(_) => {
                self.error(at, "a description holds no YAML tags");
                Value::Null
            }
        }
    }

    fn json_number(&mut self, number: &serde_yaml::Number, at: &At<'_>) -> Value {
        let value = number
            .as_u64()
            .map(Value::from)
            .or_else(|| number.as_i64().map(Value::from))
            .or_else(|| {
                number
                    .as_f64()
                    .and_then(serde_json::Number::from_f64)
                    .map(Value::Number)
            });
        value.unwrap_or_else(|| {
            self.error(at, format!("`{number}` is not a number that JSON has"));
            Value::Null
        })
    }

    fn json_object(&mut self, mapping: serde_yaml::Mapping, at: &At<'_>) -> Value {
        let mut map = Map::new();
        for (key, value) in mapping {
            let key = match key {
                serde_yaml::Value::String(key) => key,
                // Status codes are written without quotes.
                serde_yaml::Value::Number(number) if number.is_u64() => number.to_string(),
                _ => {
                    self.error(at, "has a key that is not a text");
                    continue;
                }
            };
            let value = self.json(value, &at.key(&key));
            if map.insert(key.clone(), value).is_some() {
                self.error(&at.key(&key), "is given twice");
            }
        }
        Value::Object(map)
    }
}

//! The definitions of a schema, each kept once under a name of its own.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// What a definition calls itself until it has a name.
const SELF: &str = "#self";

/// Definitions by name. Two that say the same are one.
#[derive(Default)]
pub(super) struct Store {
    definitions: Map<String, Value>,
    /// The names by what is said, for what refers to itself before it has one.
    names: HashMap<String, String>,
}

impl Store {
    /// A reference to the definition that is being made.
    pub(super) fn this() -> Value {
        json!({ "$ref": SELF })
    }

    /// A reference to a definition, which is called `hint` if nothing else is.
    pub(super) fn define(&mut self, hint: &str, mut definition: Value) -> Value {
        let text = definition.to_string();
        if let Some(name) = self.names.get(&text) {
            return reference(name);
        }
        let mut name = hint.to_owned();
        let mut number = 1_usize;
        while self.definitions.contains_key(&name) {
            number = number.saturating_add(1);
            name = format!("{hint}-{number}");
        }
        let own = reference(&name);
        name_itself(&mut definition, &own);
        self.definitions.insert(name.clone(), definition);
        self.names.insert(text, name);
        own
    }

    /// All of them, in the order of their names.
    pub(super) fn finish(&mut self) -> Value {
        let mut definitions = std::mem::take(&mut self.definitions);
        definitions.sort_keys();
        Value::Object(definitions)
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn name_itself(value: &mut Value, own: &Value) {
    match value {
        Value::Object(map) => {
            let is_own = map.get("$ref").is_some_and(|target| target == SELF);
            if let (true, Some(name)) = (is_own, own.get("$ref")) {
                map.insert("$ref".to_owned(), name.clone());
            }
            for inner in map.values_mut() {
                name_itself(inner, own);
            }
        }
        Value::Array(list) => {
            for inner in list {
                name_itself(inner, own);
            }
        }
        _ => {}
    }
}

//! Schemas. The words of Swagger 2.0 and `OpenAPI` 3.0 differ in two: `x-nullable`
//! is `nullable`, and what stands beside a reference counts only inside an
//! `allOf`. What stands beside an `allOf` and constrains (`properties`, above
//! all) becomes one more of its members, because readers of `OpenAPI` tend to
//! overlook it there.

use super::reader::{At, Reader};
use super::{COMPONENTS, DEFINITIONS};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What an `allOf` takes from beside it: what constrains nothing.
const BESIDE_ALL_OF: [&str; 4] = ["nullable", "default", "readOnly", "discriminator"];

impl Reader<'_> {
    /// A schema.
    pub(super) fn schema(&mut self, value: &Value, at: &At<'_>) -> Value {
        let Some(map) = self.object(value, at) else {
            return Value::Null;
        };
        let mut own = Map::new();
        let mut members = Vec::new();
        for (key, value) in map {
            let at = at.key(key);
            match key.as_str() {
                "description" | "title" | "example" | "externalDocs" => {}
                "$ref" => members.extend(self.reference(value, &at)),
                "allOf" => {
                    for (index, member) in self.list(value, &at).iter().enumerate() {
                        members.push(self.schema(member, &at.index(index)));
                    }
                }
                "x-nullable" => {
                    own.insert("nullable".to_owned(), json!(self.boolean(value, &at)));
                }
                key => {
                    if let Some(fact) = self.fact(key, value, &at) {
                        own.insert(key.to_owned(), fact);
                    }
                }
            }
        }
        self.complete(&own, at);
        if map.contains_key("$ref") && own.is_empty() && members.len() == 1 {
            return members.pop().unwrap_or_default();
        }
        if !members.is_empty() {
            self.beside_members(&mut own, members);
        }
        Value::Object(own)
    }

    /// A key of a schema that both languages have; `None` for what is not kept.
    fn fact(&mut self, key: &str, value: &Value, at: &At<'_>) -> Option<Value> {
        match key {
            "type" => self.type_name(value, at),
            "format" | "pattern" => {
                self.text(value, at)?;
            }
            "default" => {}
            "enum" => {
                self.list(value, at);
                if value.as_array().is_some_and(Vec::is_empty) {
                    self.error(at, "lists nothing");
                }
            }
            "minimum" | "maximum" | "multipleOf" => self.number(value, at),
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties"
            | "maxProperties" => self.count(value, at),
            "exclusiveMinimum" | "exclusiveMaximum" | "uniqueItems" | "readOnly" => {
                self.boolean(value, at);
            }
            "required" => {
                self.texts(value, at);
            }
            "properties" => return Some(self.properties(value, at)),
            "additionalProperties" if value.is_boolean() => {}
            "items" | "additionalProperties" => return Some(self.schema(value, at)),
            "discriminator" => return Some(json!({ "propertyName": self.text(value, at)? })),
            other => {
                self.unknown(other, at);
                return None;
            }
        }
        Some(value.clone())
    }

    fn type_name(&mut self, value: &Value, at: &At<'_>) {
        let Some(name) = self.text(value, at) else {
            return;
        };
        if !matches!(
            name,
            "string" | "integer" | "number" | "boolean" | "array" | "object"
        ) {
            self.error(at, format!("`{name}` is not a type"));
        }
    }

    fn properties(&mut self, value: &Value, at: &At<'_>) -> Value {
        let Some(map) = self.object(value, at) else {
            return Value::Null;
        };
        map.iter()
            .map(|(name, schema)| (name.clone(), self.schema(schema, &at.key(name))))
            .collect()
    }

    /// A reference, rewritten to where `OpenAPI` keeps schemas.
    fn reference(&mut self, value: &Value, at: &At<'_>) -> Option<Value> {
        let target = self.text(value, at)?;
        let Some(name) = target.strip_prefix(DEFINITIONS) else {
            self.error(
                at,
                format!("expected a reference into `{DEFINITIONS}`, found `{target}`"),
            );
            return None;
        };
        if self.definition(name).is_none() {
            self.error(at, format!("there is no definition `{name}`"));
            return None;
        }
        Some(json!({ "$ref": format!("{COMPONENTS}{name}") }))
    }

    fn definition(&self, name: &str) -> Option<&Value> {
        self.description().get("definitions")?.get(name)
    }

    /// Checks what only the whole of a schema shows.
    fn complete(&mut self, own: &Map<String, Value>, at: &At<'_>) {
        let is = |name| own.get("type").is_some_and(|value| value == name);
        if is("array") && !own.contains_key("items") {
            self.error(at, "is an array, but says nothing of its `items`");
        }
        for (key, type_name) in [("items", "array"), ("properties", "object")] {
            if own.contains_key(key) && own.contains_key("type") && !is(type_name) {
                self.error(at, format!("has `{key}`, but is not of type `{type_name}`"));
            }
        }
    }

    /// Moves what stands beside members and constrains into one more member.
    fn beside_members(&self, own: &mut Map<String, Value>, mut members: Vec<Value>) {
        let mut last = Map::new();
        let mut beside = Map::new();
        for (key, value) in std::mem::take(own) {
            if BESIDE_ALL_OF.contains(&key.as_str()) {
                beside.insert(key, value);
            } else {
                last.insert(key, value);
            }
        }
        // A member says already what `type` would say once more.
        let only_type = last.get("type").filter(|_| last.len() == 1);
        let said = only_type.is_some_and(|name| {
            let mut seen = BTreeSet::new();
            members
                .iter()
                .any(|member| self.has_type(member, name, &mut seen))
        });
        if !last.is_empty() && !said {
            members.push(Value::Object(last));
        }
        beside.insert("allOf".to_owned(), Value::Array(members));
        *own = beside;
    }

    /// Whether a converted schema says that it is of a type, by itself or through
    /// what it refers to.
    fn has_type<'v>(
        &'v self,
        schema: &'v Value,
        type_name: &Value,
        seen: &mut BTreeSet<&'v str>,
    ) -> bool {
        if schema.get("type") == Some(type_name) {
            return true;
        }
        let reference = schema.get("$ref").and_then(Value::as_str);
        // Definitions are looked up as published: there are no others yet.
        let name = reference.and_then(|reference| {
            let published = reference.strip_prefix(DEFINITIONS);
            published.or_else(|| reference.strip_prefix(COMPONENTS))
        });
        let target = name
            .filter(|name| seen.insert(name))
            .and_then(|name| self.definition(name));
        let members = schema.get("allOf").and_then(Value::as_array);
        target
            .into_iter()
            .chain(members.into_iter().flatten())
            .any(|schema| self.has_type(schema, type_name, seen))
    }
}

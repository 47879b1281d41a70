//! Schemas: references, `allOf`, types and formats to [`Schema`].

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Lowering, flag, texts};
use crate::ir::{Field, Integer, Kind, Object, Schema};

/// Keys of a schema that are understood, besides annotations, or known to bound
/// values in a way that is the Engine's to check.
const KEYS: &[&str] = &[
    "$ref",
    "additionalProperties",
    "allOf",
    "default",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "maxLength",
    "maxProperties",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "nullable",
    "pattern",
    "properties",
    "required",
    "type",
    "uniqueItems",
];

/// Where lowering is inside a body, and what the operation overrides there.
pub(super) struct Within<'o> {
    /// Names of the components that are being lowered, outermost first.
    pub(super) references: Vec<String>,
    /// The path of the field, as policies write it.
    pub(super) path: String,
    /// `x-opgate-fields` of the operation, and which of them were used.
    pub(super) overrides: &'o mut BTreeMap<String, (Value, bool)>,
}

/// One level of a schema: references followed, `allOf` merged.
pub(super) struct Flat {
    pub(super) map: Map<String, Value>,
    /// The components that were followed to get here.
    references: Vec<String>,
}

impl Lowering<'_> {
    /// Flattens one level of a schema.
    pub(super) fn flatten(&mut self, schema: &Value, place: &str) -> Option<Flat> {
        let mut flat = Flat {
            map: Map::new(),
            references: Vec::new(),
        };
        self.flatten_into(schema, place, &mut flat)?;
        Some(flat)
    }

    fn flatten_into(&mut self, schema: &Value, place: &str, flat: &mut Flat) -> Option<()> {
        let Value::Object(map) = schema else {
            self.complain(place, "expected a schema, which is an object");
            return None;
        };
        self.check_keys(map, KEYS, super::annotations::KNOWN, "a schema", place);
        if let Some(reference) = map.get("$ref") {
            let name = reference
                .as_str()
                .and_then(|text| text.strip_prefix("#/components/schemas/"));
            let Some(name) = name else {
                self.complain(place, "a `$ref` must name a component schema");
                return None;
            };
            if flat.references.iter().any(|other| other == name) {
                self.complain(place, format!("component `{name}` refers to itself"));
                return None;
            }
            let document = self.document;
            let Some(target) = document
                .get("components")
                .and_then(|components| components.get("schemas"))
                .and_then(|schemas| schemas.get(name))
            else {
                self.complain(place, format!("there is no component schema `{name}`"));
                return None;
            };
            flat.references.push(name.to_owned());
            self.flatten_into(target, &format!("components.schemas.{name}"), flat)?;
        }
        if let Some(all_of) = map.get("allOf") {
            let Some(members) = all_of.as_array() else {
                self.complain(place, "`allOf` must be a list");
                return None;
            };
            for (number, member) in members.iter().enumerate() {
                self.flatten_into(member, &format!("{place}.allOf[{number}]"), flat)?;
            }
        }
        for (key, value) in map {
            match (key.as_str(), flat.map.get_mut(key), value) {
                ("$ref" | "allOf", _, _) => {}
                ("properties", Some(Value::Object(old)), Value::Object(new)) => {
                    for (name, property) in new {
                        old.insert(name.clone(), property.clone());
                    }
                }
                ("required", Some(Value::Array(old)), Value::Array(new)) => {
                    old.extend(new.iter().cloned());
                }
                _ => {
                    flat.map.insert(key.clone(), value.clone());
                }
            }
        }
        Some(())
    }

    /// Lowers a schema. The flattened map comes back too: what is said of the
    /// place rather than of the value (risk, effects) is read from it.
    pub(super) fn schema(
        &mut self,
        schema: &Value,
        place: &str,
        within: &mut Within<'_>,
    ) -> Option<(Schema, Map<String, Value>)> {
        let mut flat = self.flatten(schema, place)?;
        if let Some((change, used)) = within.overrides.get_mut(&within.path) {
            *used = true;
            if let Value::Object(change) = change {
                for (key, value) in change.iter() {
                    // Null takes back what the shared schema says.
                    if value.is_null() {
                        flat.map.shift_remove(key);
                    } else {
                        flat.map.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        for name in &flat.references {
            if within.references.contains(name) {
                self.complain_help(
                    place,
                    format!("component `{name}` contains itself"),
                    "request bodies must be finite; cut the circle with an overlay action",
                );
                return None;
            }
        }
        let followed = flat.references.len();
        within.references.append(&mut flat.references);
        let lowered = self.kind(&flat.map, place, within);
        let outer = within.references.len().saturating_sub(followed);
        within.references.truncate(outer);
        let mut lowered = Schema::plain(lowered?);
        self.annotate_schema(&mut lowered, &flat.map, place);
        Some((lowered, flat.map))
    }

    fn kind(
        &mut self,
        map: &Map<String, Value>,
        place: &str,
        within: &mut Within<'_>,
    ) -> Option<Kind> {
        let declared = map.get("type").and_then(Value::as_str);
        let format = map.get("format").and_then(Value::as_str);
        let implied = match declared {
            Some(declared) => declared,
            None if map.contains_key("properties") || map.contains_key("additionalProperties") => {
                "object"
            }
            None => {
                self.complain_help(
                    place,
                    "a schema without a type",
                    "give it one with an overlay action",
                );
                return None;
            }
        };
        match implied {
            "boolean" => Some(Kind::Bool),
            "integer" => self.integer(format, place),
            "number" => Some(Kind::Float),
            "string" => Some(string(map, format)),
            "array" => {
                let Some(items) = map.get("items") else {
                    self.complain(place, "an array without `items`");
                    return None;
                };
                let (element, _) = self.element(items, &format!("{place}.items"), "[]", within)?;
                Some(Kind::List(Box::new(element)))
            }
            "object" => match map.get("additionalProperties") {
                Some(values @ Value::Object(inner)) if !inner.is_empty() => {
                    let place = format!("{place}.additionalProperties");
                    let (value, _) = self.element(values, &place, "{}", within)?;
                    Some(Kind::Map(Box::new(value)))
                }
                _ => self.object(map, place, within).map(Kind::Object),
            },
            other => {
                self.complain(place, format!("type `{other}` is not understood"));
                None
            }
        }
    }

    fn element(
        &mut self,
        schema: &Value,
        place: &str,
        mark: &str,
        within: &mut Within<'_>,
    ) -> Option<(Schema, Map<String, Value>)> {
        let outer = within.path.len();
        within.path.push_str(mark);
        let lowered = self.schema(schema, place, within);
        within.path.truncate(outer);
        if let Some((_, said)) = &lowered {
            self.no_field(said, place);
        }
        lowered
    }

    fn integer(&mut self, format: Option<&str>, place: &str) -> Option<Kind> {
        let integer = match format {
            // Go's `int` is 64 bits wide wherever the Engine runs.
            None | Some("int64" | "dateTime") => Integer::Int64,
            Some("int32") => Integer::Int32,
            Some("uint16") => Integer::Uint16,
            Some("uint32") => Integer::Uint32,
            Some("uint64") => Integer::Uint64,
            Some(other) => {
                self.complain(place, format!("integer format `{other}` is not understood"));
                return None;
            }
        };
        Some(Kind::Int(integer))
    }

    fn object(
        &mut self,
        map: &Map<String, Value>,
        place: &str,
        within: &mut Within<'_>,
    ) -> Option<Object> {
        let required = texts(map.get("required"));
        let mut fields = Vec::new();
        let mut whole = true;
        let outer = within.path.len();
        for (name, property) in super::entries(map.get("properties")) {
            if !within.path.is_empty() {
                within.path.push('.');
            }
            within.path.push_str(name);
            let place = format!("{place}.properties.{name}");
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
                self.complain_help(
                    &place,
                    "a field's name is not ASCII",
                    "how the Engine folds other letters is not known here; rename it or leave it out",
                );
            }
            match self.schema(property, &place, within) {
                Some((_, said)) if flag(&said, "x-opgate-ignored") => {}
                Some((schema, said)) => {
                    let risk = self.risk(&said, &schema.kind, &place);
                    let absent = self.effect(&said, "x-opgate-absent", &place);
                    let zero = self.effect(&said, "x-opgate-zero", &place);
                    let absent = absent.unwrap_or(crate::ir::Effect::Nothing);
                    fields.push(Field {
                        name: name.clone(),
                        schema,
                        risk,
                        span: self.span,
                        any_version: flag(&said, "x-opgate-any-version"),
                        required: required.contains(name),
                        zero: zero.unwrap_or_else(|| absent.clone()),
                        absent,
                    });
                }
                None => whole = false,
            }
            within.path.truncate(outer);
        }
        whole.then_some(Object {
            fields,
            drop_unknown: flag(map, "x-opgate-drop-unknown"),
        })
    }
}

fn string(map: &Map<String, Value>, format: Option<&str>) -> Kind {
    if format == Some("byte") {
        return Kind::Bytes;
    }
    let words: Vec<String> = texts(map.get("enum"))
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() || flag(map, "x-opgate-open-vocabulary") {
        Kind::Text
    } else {
        Kind::Enum {
            words,
            any_case: flag(map, "x-opgate-any-case"),
        }
    }
}

//! Values that a rule writes down: one to compare with, or one to rewrite to.

use serde_json::{Map, Value, json};

use super::{Key, Maker, matchers, shape};
use crate::api::definition::{Kind, Schema, Vocabulary};
use crate::format::Format;
use crate::policy::resolve::is_scalar;

/// A number with units, however it is put together.
const AMOUNT: &str = "^[^!-/:-~]*[0-9][^!-/:-@\\[-`{-~]*$";

impl Maker {
    /// A value that a place of this type can have, as [`resolve`](super::super::resolve())
    /// reads one.
    pub(super) fn value(&mut self, schema: &'static Schema, hint: &str) -> Value {
        let key = Key::Value(shape(schema));
        if let Some(made) = self.made.get(&key) {
            return made.clone();
        }
        let value = self.new_value(schema, hint);
        self.made.insert(key, value.clone());
        value
    }

    fn new_value(&mut self, schema: &'static Schema, hint: &str) -> Value {
        let definition = match schema.kind {
            Kind::List(element) => {
                let value = self.value(element, &format!("{hint}.item"));
                // How long it is depends on the lists that it names.
                self.listed(&value, is_scalar(element))
            }
            Kind::Map(inner) => {
                let values = self.value(inner, &format!("{hint}.value"));
                json!({ "type": "object", "additionalProperties": values })
            }
            Kind::Object(object) => {
                let mut fields = Map::new();
                for field in object.fields {
                    let hint = format!("{hint}.{}", field.name);
                    fields.insert(field.name.into(), self.value(&field.schema, &hint));
                }
                json!({ "type": "object", "additionalProperties": false, "properties": fields })
            }
            _ => scalar(schema),
        };
        let name = matchers::name(schema, hint);
        self.store.define(&format!("value-{name}"), definition)
    }

    /// A list of values. It can be named; of plain values, parts of it can, too.
    pub(super) fn listed(&mut self, value: &Value, plain: bool) -> Value {
        let items = if plain {
            self.element(value)
        } else {
            value.clone()
        };
        let name = self.list_name();
        json!({ "anyOf": [{ "type": "array", "items": items }, name] })
    }

    /// A value, a list of some, or a list by its name.
    pub(super) fn one_or_several(&mut self, value: &Value) -> Value {
        let (items, name) = (self.element(value), self.list_name());
        json!({ "anyOf": [value, { "type": "array", "minItems": 1, "items": items }, name] })
    }

    /// An element of a list of plain values: one, or a list that stands for its own.
    pub(super) fn element(&mut self, value: &Value) -> Value {
        json!({ "anyOf": [value, self.list_name()] })
    }

    /// The name of a list of the file.
    pub(super) fn list_name(&mut self) -> Value {
        let definition = json!({
            "description": "The values of a list under `lists`.",
            "type": "object",
            "additionalProperties": false,
            "required": ["list"],
            "properties": { "list": { "type": "string" } },
        });
        self.store.define("list-name", definition)
    }

    /// A bound of a range.
    pub(super) fn bound(&mut self, schema: &Schema) -> Value {
        if schema.format == Some(Format::Cpus) {
            json!({ "type": "number" })
        } else if has_units(schema) {
            let definition = json!({ "type": ["integer", "string"], "pattern": AMOUNT });
            self.store.define("amount", definition)
        } else {
            json!({ "type": "integer" })
        }
    }
}

/// Whether numbers can have units.
pub(super) fn has_units(schema: &Schema) -> bool {
    matches!(
        schema.format,
        Some(Format::Bytes | Format::Duration | Format::Seconds)
    )
}

/// A plain value.
fn scalar(schema: &Schema) -> Value {
    match schema.kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int { .. } if schema.format == Some(Format::Cpus) => json!({ "type": "number" }),
        Kind::Int { min, max } => {
            let mut number = Map::new();
            number.insert("type".into(), "integer".into());
            if has_units(schema) {
                number.insert("type".into(), json!(["integer", "string"]));
                number.insert("pattern".into(), AMOUNT.into());
            }
            // What is beyond every number that a program can have says nothing.
            if min > i64::MIN {
                number.insert("minimum".into(), min.into());
            }
            if max < i64::MAX.unsigned_abs() {
                number.insert("maximum".into(), max.into());
            }
            Value::Object(number)
        }
        Kind::Float => json!({ "type": "number" }),
        Kind::Enum(vocabulary) => words(vocabulary),
        // A number or a word such as `true` is text where text is expected.
        _ => json!({ "type": ["string", "number", "boolean"] }),
    }
}

/// A word of a vocabulary, or the empty text. YAML takes some words for numbers.
fn words(vocabulary: &Vocabulary) -> Value {
    let mut words: Vec<Value> = vocabulary.words.iter().map(|word| json!(word)).collect();
    let numbers = vocabulary.words.iter().filter_map(|word| word.parse().ok());
    words.extend(numbers.map(|number: i64| json!(number)));
    let mut forms = vec![
        json!({ "enum": words }),
        json!({ "type": "string", "maxLength": 0 }),
    ];
    if vocabulary.any_case {
        let words: Vec<String> = vocabulary
            .words
            .iter()
            .map(|word| in_any_case(word))
            .collect();
        let words = format!("^({})$", words.join("|"));
        forms.push(json!({ "type": "string", "pattern": words }));
    }
    json!({ "anyOf": forms })
}

/// A pattern of a word in any case.
pub(super) fn in_any_case(word: &str) -> String {
    let letters = word.chars().map(|letter| {
        let (upper, lower) = (letter.to_ascii_uppercase(), letter.to_ascii_lowercase());
        if upper == lower {
            letter.to_string()
        } else {
            format!("[{upper}{lower}]")
        }
    });
    letters.collect()
}

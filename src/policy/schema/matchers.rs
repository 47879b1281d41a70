//! Conditions: what a rule can say of a place of each type.
//!
//! A definition for each type and mode, shared by every place that has it. Which
//! matchers and rewrites there are, and which fit, is the resolver's to say; what
//! each of them takes stands here.

use serde_json::{Map, Value, json};

use super::store::Store;
use super::{Key, Maker, shape, values, words};
use crate::api::definition::{Effect, Kind, Schema};
use crate::format::Format;
use crate::policy::condition::key_schema;
use crate::policy::resolve::{
    KEYWORDS, REWRITES, fields, fits, is_numeric, is_scalar, rewrite_fits,
};

/// What a rule may do at a place besides matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mode {
    /// Nothing.
    Match,
    /// It may be rewritten as a whole.
    Whole,
    /// It and the fields in it may be rewritten.
    Fields,
    /// Sources may be mapped: `mounts`.
    Mounts,
}

impl Mode {
    /// What definitions of this mode are called by.
    fn prefix(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Whole | Self::Fields => "rewrite",
            Self::Mounts => "map",
        }
    }

    /// The mode of a field, where this is the mode of its object.
    fn inside(self, schema: &Schema) -> Self {
        match (self, schema.kind) {
            (Self::Fields, Kind::Object(_)) => Self::Fields,
            _ => Self::Match,
        }
    }
}

/// A place in a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    schema: &'static Schema,
    /// Whether it has a least and a greatest.
    numeric: bool,
    mode: Mode,
}

impl At {
    pub(super) fn new(schema: &'static Schema, absent: Effect, mode: Mode) -> Self {
        Self {
            schema,
            numeric: is_numeric(schema, absent),
            mode,
        }
    }

    /// An element, key or value.
    fn inner(schema: &'static Schema) -> Self {
        Self::new(schema, Effect::Nothing, Mode::Match)
    }
}

impl Maker {
    /// What can be said of a place.
    pub(super) fn condition(&mut self, at: At, hint: &str) -> Value {
        let key = Key::Condition(shape(at.schema), at.numeric, at.mode);
        if let Some(made) = self.made.get(&key) {
            return made.clone();
        }
        let condition = self.new_condition(at, hint);
        self.made.insert(key, condition.clone());
        condition
    }

    fn new_condition(&mut self, at: At, hint: &str) -> Value {
        let mut forms = vec![self.flags()];
        if is_scalar(at.schema) {
            let value = self.value(at.schema, hint);
            forms.push(value.clone());
            let items = self.element(&value);
            forms.push(json!({ "type": "array", "minItems": 1, "items": items }));
        }
        let mut keys = Map::new();
        // A field that is called like a matcher is the field.
        if let Some(object) = fields(at.schema) {
            for field in object.fields {
                let hint = format!("{hint}.{}", field.name);
                let inside = At::new(&field.schema, field.absent, at.mode.inside(at.schema));
                let condition = self.condition(inside, &hint);
                let described = described(condition, &words::field(field));
                keys.insert(field.name.to_owned(), described);
            }
        }
        for word in KEYWORDS {
            if keys.contains_key(*word) || !matcher_fits(word, at) {
                continue;
            }
            let takes = self.matcher(word, at, hint);
            keys.insert((*word).to_owned(), described(takes, words::matcher(word)));
        }
        for word in REWRITES {
            let fits = match at.mode {
                Mode::Match => false,
                mode => rewrite_fits(word, at.schema, mode == Mode::Mounts),
            };
            if fits && !keys.contains_key(*word) {
                let takes = self.rewrite(word, at.schema, hint);
                keys.insert((*word).to_owned(), described(takes, words::rewrite(word)));
            }
        }
        forms.push(json!({
            "type": "object",
            "minProperties": 1,
            "additionalProperties": false,
            "properties": keys,
        }));
        let name = match (at.schema.kind, at.numeric) {
            (Kind::Text, true) => format!("{}-or-number", name(at.schema, hint)),
            _ => name(at.schema, hint),
        };
        let name = format!("{}-{name}", at.mode.prefix());
        self.store.define(&name, json!({ "anyOf": forms }))
    }

    /// The matchers that are single words.
    fn flags(&mut self) -> Value {
        let words = ["any", "absent", "required"];
        let told: Vec<&str> = words.iter().map(|word| words::matcher(word)).collect();
        let flags = json!({ "enum": words, "enumDescriptions": told });
        self.store.define("word", flags)
    }

    /// What a matcher takes.
    fn matcher(&mut self, word: &str, at: At, hint: &str) -> Value {
        // Nothing is rewritten under a matcher.
        let same = |maker: &mut Self| match at.mode {
            Mode::Match => Store::this(),
            _ => maker.condition(
                At {
                    mode: Mode::Match,
                    ..at
                },
                hint,
            ),
        };
        match (word, at.schema.kind) {
            ("any", _) => json!({ "const": true }),
            ("absent" | "required", _) => json!({ "type": "boolean" }),
            ("equal" | "starts_with", Kind::List(element)) => {
                let element = self.condition(At::inner(element), &format!("{hint}.item"));
                let least = usize::from(word == "starts_with");
                let array = json!({ "type": "array", "minItems": least, "items": element });
                json!({ "anyOf": [array, self.list_name()] })
            }
            ("equal", _) => {
                let value = self.value(at.schema, hint);
                self.one_or_several(&value)
            }
            ("not", _) => same(self),
            ("all_of" | "any_of", _) => {
                json!({ "type": "array", "minItems": 1, "items": same(self) })
            }
            ("list", _) => json!({ "type": "string" }),
            ("min" | "max", _) => self.bound(at.schema),
            ("glob" | "cidr", _) => self.one_or_several(&json!({ "type": "string" })),
            ("under", _) => {
                let path = json!({ "type": "string", "pattern": "^/[^*?]*$" });
                self.one_or_several(&path)
            }
            ("image", _) => self.image(),
            ("each" | "contains", Kind::List(element)) => {
                self.condition(At::inner(element), &format!("{hint}.item"))
            }
            ("subset", Kind::List(element)) => {
                let value = self.value(element, &format!("{hint}.item"));
                self.one_or_several(&value)
            }
            ("contains", Kind::Map(inner)) => {
                let value = self.condition(At::inner(inner), &format!("{hint}.value"));
                json!({ "type": "object", "minProperties": 1, "additionalProperties": value })
            }
            ("max_items", _) => json!({ "type": "integer", "minimum": 0 }),
            ("keys", _) => self.condition(
                At::inner(key_schema(at.schema.format)),
                &format!("{hint}.key"),
            ),
            ("values", Kind::Map(inner)) => {
                self.condition(At::inner(inner), &format!("{hint}.value"))
            }
            // One that is not known here takes anything.
            _ => json!(true),
        }
    }

    /// What a rewrite takes.
    fn rewrite(&mut self, word: &str, schema: &'static Schema, hint: &str) -> Value {
        match (word, schema.kind) {
            ("remove", Kind::Map(_)) => {
                let keys = self.listed(&json!({ "type": "string" }), true);
                json!({ "anyOf": [{ "const": true }, keys] })
            }
            ("remove", Kind::List(element)) if is_scalar(element) => {
                let value = self.value(element, &format!("{hint}.item"));
                let elements = self.listed(&value, true);
                json!({ "anyOf": [{ "const": true }, elements] })
            }
            ("remove", _) => json!({ "const": true }),
            ("map", _) => {
                let path = json!({ "type": "string", "pattern": "^/" });
                json!({
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": { "pattern": "^/" },
                    "additionalProperties": path,
                })
            }
            _ => self.value(schema, hint),
        }
    }

    /// Which images.
    fn image(&mut self) -> Value {
        let texts = self.one_or_several(&json!({ "type": "string" }));
        let parts = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "name": described(texts.clone(), "Forms of names without tag and digest."),
                "tag": described(texts.clone(), "Forms of tags."),
                "digest": { "const": "required", "description": "Only with a digest." },
                "id": { "const": "any", "description": "Also by an id, which says nothing of a name." },
                "all_tags": { "const": "any", "description": "Also without a tag: all of them." },
            },
            "anyOf": [
                { "required": ["name"] },
                { "required": ["tag"] },
                { "required": ["digest"] },
            ],
        });
        let forms = json!({ "anyOf": [texts, parts] });
        self.store.define("images", forms)
    }
}

/// Whether a matcher fits a place.
fn matcher_fits(word: &str, at: At) -> bool {
    match (word, at.schema.kind) {
        ("min" | "max", _) => at.numeric,
        ("equal", Kind::List(_)) => true,
        ("equal" | "list", _) => is_scalar(at.schema),
        ("subset", Kind::List(element)) => is_scalar(element),
        _ => fits(word, at.schema),
    }
}

/// A schema with what an editor shows beside it.
pub(super) fn described(mut schema: Value, description: &str) -> Value {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), description.into());
    }
    schema
}

/// What a type is called, in names of definitions.
pub(super) fn name(schema: &Schema, hint: &str) -> String {
    let last = hint
        .rsplit('.')
        .find(|part| *part != "item")
        .unwrap_or(hint);
    let plain = match schema.kind {
        Kind::List(element) => return format!("list-of-{}", name(element, hint)),
        Kind::Map(inner) => {
            let keys = schema
                .format
                .map(|format| format!("from-{}-", format.name()));
            return format!("map-{}of-{}", keys.unwrap_or_default(), name(inner, hint));
        }
        Kind::Object(_) => return hint.to_owned(),
        Kind::Enum(_) => return last.to_owned(),
        Kind::Bool => "boolean",
        Kind::Int { .. } if schema.format == Some(Format::Cpus) => "cpus",
        Kind::Int { .. } if values::has_units(schema) => return "amount".to_owned(),
        Kind::Int { .. } => "integer",
        Kind::Float => "number",
        Kind::Bytes => "base64",
        // Most formats are one type here: text that is no path.
        Kind::Text if fits("under", schema) => "text",
        Kind::Text if fields(schema).is_none() && !fits("image", schema) => "formatted-text",
        Kind::Text => schema.format.map_or("text", Format::name),
    };
    plain.to_owned()
}

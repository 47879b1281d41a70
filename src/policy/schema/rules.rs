//! Rules: operations and groups by name, with the places that a rule speaks of.

use serde_json::{Map, Value, json};

use super::matchers::{At, Mode, described};
use super::values::in_any_case;
use super::{Maker, words};
use crate::api::Operation;
use crate::api::definition::{AccessClass, BodyDef, Effect, OperationDef, ParameterDef};
use crate::policy::derived::Derived;
use crate::policy::resolve::OPAQUE;

/// A rule allows or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Allow,
    Deny,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }

    /// Only an allow rewrites.
    fn mode(self, mode: Mode) -> Mode {
        match self {
            Self::Allow => mode,
            Self::Deny => Mode::Match,
        }
    }
}

impl Maker {
    /// A list of rules.
    pub(super) fn rules(&mut self, side: Side) -> Value {
        let mut operations = Map::new();
        let mut names = Vec::new();
        let mut told = Vec::new();
        for operation in Operation::ALL {
            let definition = operation.definition();
            let description = words::operation(definition);
            let conditions = self.operation(definition, side);
            operations.insert(
                definition.name.to_owned(),
                described(conditions, &description),
            );
            // What is opaque is allowed with `opaque: true` only.
            if side == Side::Deny || !definition.opaque {
                names.push(definition.name.to_owned());
                told.push(description);
            }
        }
        let listed = described(json!({ "const": "listed" }), words::LISTED);
        let mut no_conditions = Map::new();
        for group in groups() {
            let description = format!("All operations of {group}; `opgate ops` lists them.");
            // All that can be said of a group is how much of each request is looked at.
            if side == Side::Allow {
                let conditions = json!({
                    "type": ["object", "null"],
                    "minProperties": 1,
                    "additionalProperties": false,
                    "properties": { "fields": listed },
                });
                let conditions = self.store.define("allow-group", conditions);
                operations.insert(group.clone(), described(conditions, &description));
            } else {
                let name = format!("^{}$", group.replace('.', "\\."));
                no_conditions.insert(name, json!({ "type": "null" }));
            }
            told.push(description);
            names.push(group);
        }
        let rule = json!({
            "anyOf": [
                { "enum": names, "enumDescriptions": told },
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": false,
                    "properties": operations,
                    "patternProperties": no_conditions,
                },
            ],
        });
        let rule = self.store.define(&format!("{}-rule", side.name()), rule);
        json!({ "type": ["array", "null"], "items": rule })
    }

    /// What a rule can say of an operation.
    fn operation(&mut self, operation: &'static OperationDef, side: Side) -> Value {
        let hint = format!("{}-{}", side.name(), operation.name);
        // One with variants stands for all of them, and what it says must fit each.
        let variants: Vec<Value> = (operation.variants())
            .map(|variant| self.operation(variant, side))
            .collect();
        if !variants.is_empty() {
            return self.store.define(&hint, json!({ "allOf": variants }));
        }
        let mut places = self.places(operation, side);
        let mut patterns = Map::new();
        // A place that has nothing in it can be named without saying anything.
        let empty: Vec<&str> = ["path", "query", "header"]
            .into_iter()
            .filter(|place| !places.contains_key(*place))
            .collect();
        if !empty.is_empty() {
            let nothing = json!({ "type": ["object", "null"], "maxProperties": 0 });
            patterns.insert(format!("^({})$", empty.join("|")), nothing);
        }
        if side == Side::Deny {
            let one = Value::Object(places.clone());
            let one = json!({
                "type": "object",
                "minProperties": 1,
                "additionalProperties": false,
                "properties": one,
                "patternProperties": patterns.clone(),
            });
            let one = self.store.define(&format!("{hint}.part"), one);
            let several = json!({ "type": "array", "minItems": 1, "items": one });
            for word in ["all_of", "any_of"] {
                let several = described(several.clone(), words::matcher(word));
                places.insert(word.to_owned(), several);
            }
            let definition = json!({
                "type": ["object", "null"],
                "minProperties": 1,
                "additionalProperties": false,
                "properties": places,
                "patternProperties": patterns,
                "dependentSchemas": {
                    "all_of": { "maxProperties": 1 },
                    "any_of": { "maxProperties": 1 },
                },
            });
            return self.store.define(&hint, definition);
        }
        let listed = described(json!({ "const": "listed" }), words::LISTED);
        places.insert("fields".into(), listed);
        let description = "Whether a session may be opened in which no field rule holds.";
        let mut opaque = |schema| places.insert("opaque".into(), described(schema, description));
        if operation.opaque {
            opaque(json!({ "const": true }));
        } else if OPAQUE.iter().any(|(own, _)| own.name() == operation.name) {
            opaque(json!({ "type": "boolean" }));
        } else {
            patterns.insert("^opaque$".into(), json!({ "const": false }));
        }
        let required: &[&str] = if operation.opaque { &["opaque"] } else { &[] };
        let types: &[&str] = if operation.opaque {
            &["object"]
        } else {
            &["object", "null"]
        };
        let definition = json!({
            "type": types,
            "additionalProperties": false,
            "required": required,
            "properties": places,
            "patternProperties": patterns,
        });
        self.store.define(&hint, definition)
    }

    /// The places of a request that have something in them.
    fn places(&mut self, operation: &'static OperationDef, side: Side) -> Map<String, Value> {
        let mut places = Map::new();
        let parameters = [
            ("path", operation.path_parameters, Mode::Match),
            ("query", operation.query, side.mode(Mode::Whole)),
            ("header", operation.headers, side.mode(Mode::Whole)),
        ];
        for (place, definitions, mode) in parameters {
            if !definitions.is_empty() {
                let hint = format!("{}.{place}", operation.name);
                let definition = self.parameters(definitions, mode, &hint);
                places.insert(place.to_owned(), definition);
            }
        }
        if let BodyDef::Json { schema, .. } = operation.body {
            let at = At::new(schema, Effect::Nothing, side.mode(Mode::Fields));
            let condition = self.condition(at, &format!("{}.body", operation.name));
            places.insert("body".into(), described(condition, "Fields of the body."));
        }
        for name in operation.derived {
            let Some(derived) = Derived::of(operation, name) else {
                continue;
            };
            let mode = match derived {
                Derived::Mounts => side.mode(Mode::Mounts),
                _ => Mode::Match,
            };
            let at = At::new(derived.schema(), derived.absent(), mode);
            let condition = self.condition(at, name);
            places.insert(
                (*name).to_owned(),
                described(condition, words::derived(derived)),
            );
        }
        places
    }

    fn parameters(&mut self, all: &'static [ParameterDef], mode: Mode, hint: &str) -> Value {
        let mut names = Map::new();
        let mut patterns = Map::new();
        for parameter in all {
            let at = At::new(parameter.decoded(), parameter.absent, mode);
            let condition = self.condition(at, &format!("{hint}.{}", parameter.name));
            let condition = described(condition, &words::parameter(parameter));
            // Names of headers are the same in any case.
            if hint.ends_with(".header") {
                let name = format!("^{}$", in_any_case(parameter.name));
                patterns.insert(name, condition.clone());
            }
            names.insert(parameter.name.to_owned(), condition);
        }
        json!({
            "type": ["object", "null"],
            "additionalProperties": false,
            "properties": names,
            "patternProperties": patterns,
        })
    }
}

/// The groups that have an operation, by name.
fn groups() -> Vec<String> {
    let mut names: Vec<String> = Operation::ALL
        .iter()
        .map(|operation| operation.definition())
        .filter(|definition| definition.access != AccessClass::Single && !definition.opaque)
        .map(|definition| format!("{}.{}", definition.tag, definition.access.name()))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

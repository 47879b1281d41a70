//! The schema by itself: a schema at all, small, complete, and of one mind with the
//! resolver about every word at every type of place.

mod sweep;

use std::collections::BTreeSet;

use serde_json::Value;

use super::{schema, words};
use crate::api::Operation;
use crate::api::definition::{BodyDef, Kind, Schema};
use crate::policy::resolve::{KEYWORDS, REWRITES, fields};

/// What a reference refers to.
fn target<'s>(whole: &'s Value, schema: &'s Value) -> &'s Value {
    let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
        return schema;
    };
    let pointer = reference.strip_prefix('#').unwrap();
    target(whole, whole.pointer(pointer).unwrap())
}

/// The properties of a schema: its own, or those of its form that is a map.
fn properties<'s>(whole: &'s Value, schema: &'s Value) -> &'s serde_json::Map<String, Value> {
    let schema = target(whole, schema);
    let forms = schema.get("anyOf").and_then(Value::as_array);
    let mut all = std::iter::once(schema).chain(forms.into_iter().flatten());
    let found = all.find_map(|form| form.get("properties"));
    found.and_then(Value::as_object).unwrap()
}

#[test]
fn every_word_is_described() {
    for word in KEYWORDS {
        assert!(words::matcher(word).ends_with('.'), "{word}");
    }
    for word in REWRITES {
        assert!(words::rewrite(word).ends_with('.'), "{word}");
    }
}

/// The conditions of an operation in an allow or a deny.
fn operation<'s>(whole: &'s Value, side: &str, name: &str) -> &'s Value {
    let rule = &whole["$defs"][format!("{side}-rule")];
    target(whole, &properties(whole, rule)[name])
}

/// How many fields are there and below, all of them as the definition has them.
fn count(whole: &Value, schema: &Value, definition: &'static Schema, path: &str) -> usize {
    let inner = |word: &str, element| {
        let inner = properties(whole, schema).get(word).unwrap();
        count(whole, inner, element, path)
    };
    match definition.kind {
        Kind::List(element) => inner("each", element),
        Kind::Map(element) => inner("values", element),
        _ => {
            let Some(object) = fields(definition) else {
                return 0;
            };
            let all = object.fields.iter().map(|field| {
                let path = format!("{path}.{}", field.name);
                let found = properties(whole, schema).get(field.name);
                let found = found.unwrap_or_else(|| panic!("{path} is missing"));
                assert!(
                    found["description"].as_str().unwrap().ends_with('.'),
                    "{path}"
                );
                1 + count(whole, found, &field.schema, &path)
            });
            all.sum()
        }
    }
}

#[test]
fn it_is_a_schema_and_small() {
    let schema = schema();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    let pretty = serde_json::to_string_pretty(&schema).unwrap().len();
    assert!(pretty < 2 << 20, "{pretty} bytes");
    // Nothing is defined that is not used, and nothing used that is not defined.
    let text = schema.to_string();
    let definitions = schema["$defs"].as_object().unwrap();
    for name in definitions.keys() {
        assert!(
            text.contains(&format!("\"#/$defs/{name}\"")),
            "{name} is not used"
        );
    }
    let used: BTreeSet<&str> = text
        .split("\"$ref\":\"#/$defs/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(used.len(), definitions.len());
    assert!(!text.contains("#self"));
    println!("{pretty} bytes, {} definitions", definitions.len());
}

#[test]
fn it_knows_every_operation_parameter_and_field() {
    let whole = schema();
    let mut found = 0;
    for side in ["allow", "deny"] {
        let rule = target(&whole, &whole["$defs"][format!("{side}-rule")]);
        let words = rule.pointer("/anyOf/0/enum").unwrap().as_array().unwrap();
        let told = rule.pointer("/anyOf/0/enumDescriptions").unwrap();
        assert_eq!(words.len(), told.as_array().unwrap().len());
        for one in Operation::ALL {
            let definition = one.definition();
            assert!(properties(&whole, rule).contains_key(definition.name));
            // What opens sessions cannot be allowed by its name alone.
            let alone = words.iter().any(|word| word == definition.name);
            assert_eq!(
                alone,
                side == "deny" || !definition.opaque,
                "{}",
                definition.name
            );
            if !definition.variants.is_empty() {
                continue;
            }
            let places = properties(&whole, operation(&whole, side, definition.name));
            for (place, parameters) in [
                ("path", definition.path_parameters),
                ("query", definition.query),
                ("header", definition.headers),
            ] {
                assert_eq!(places.contains_key(place), !parameters.is_empty());
                for parameter in parameters {
                    let path = format!("{}.{place}.{}", definition.name, parameter.name);
                    let schema = properties(&whole, &places[place]).get(parameter.name);
                    let schema = schema.unwrap_or_else(|| panic!("{path} is missing"));
                    found += 1 + count(&whole, schema, parameter.decoded(), &path);
                }
            }
            if let BodyDef::Json { schema, .. } = definition.body {
                found += count(&whole, &places["body"], schema, definition.name);
            }
            for name in definition.derived {
                assert!(places.contains_key(*name), "{name} of {}", definition.name);
            }
        }
    }
    assert!(found > 2500, "{found}");
    println!("{found} parameters and fields");
}

#[test]
fn only_an_allow_rewrites_and_nothing_under_a_matcher() {
    let whole = schema();
    let memory = |side: &str| {
        let body = &properties(&whole, operation(&whole, side, "ContainerCreate"))["body"];
        let host = &properties(&whole, body)["HostConfig"];
        properties(&whole, &properties(&whole, host)["Memory"])
    };
    assert!(memory("allow").contains_key("set"));
    assert!(!memory("deny").contains_key("set"));
    let under = properties(&whole, &memory("allow")["not"]);
    assert!(under.contains_key("max") && !under.contains_key("set"));
    let mounts = |side: &str| {
        let places = properties(&whole, operation(&whole, side, "ContainerCreate"));
        properties(&whole, &places["mounts"])
    };
    assert!(mounts("allow").contains_key("map") && !mounts("allow").contains_key("set"));
    assert!(!mounts("deny").contains_key("map"));
}

/// A definition with all that it refers to.
fn closure(whole: &Value, name: &str, found: &mut serde_json::Map<String, Value>) {
    if found.contains_key(name) {
        return;
    }
    let definition = whole["$defs"][name].clone();
    let text = definition.to_string();
    found.insert(name.to_owned(), definition);
    for rest in text.split("\"#/$defs/").skip(1) {
        closure(whole, rest.split('"').next().unwrap(), found);
    }
}

#[test]
fn one_operation_looks_as_it_was_reviewed() {
    let mut found = serde_json::Map::new();
    let whole = schema();
    let rule = properties(&whole, &whole["$defs"]["allow-rule"]);
    let reference = rule["ContainerKill"]["$ref"].as_str().unwrap();
    let name = reference.rsplit('/').next().unwrap();
    closure(&whole, name, &mut found);
    let shown = serde_json::to_string_pretty(&found).unwrap() + "\n";
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/policy/schema/tests/container-kill.json");
    if std::env::var_os("OPGATE_UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &shown).unwrap();
    }
    assert_eq!(shown, std::fs::read_to_string(&golden).unwrap_or_default());
}

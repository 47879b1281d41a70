//! Every word, with many things beside it, at a place of every type: what the
//! resolver takes the schema takes, and both refuse what has the wrong shape.

use std::collections::{BTreeMap, HashSet};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::api::Operation;
use crate::api::definition::{BodyDef, Effect, Kind, Schema};
use crate::diagnostic::{Code, Diagnostic};
use crate::policy::derived::Derived;
use crate::policy::resolve::{KEYWORDS, REWRITES, fields};
use crate::policy::schema::{schema, shape};

/// A rule that says something of one place, with a hole for it.
struct At {
    operation: &'static str,
    /// From the operation's place down: keys, and matchers on what lists hold.
    path: Vec<String>,
    schema: &'static Schema,
}

impl At {
    fn rule(&self, says: &Value) -> Value {
        let mut says = says.clone();
        for key in self.path.iter().rev() {
            says = json!({ key: says });
        }
        json!({ self.operation: says })
    }
}

/// One place of each type.
fn places() -> Vec<At> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for operation in Operation::ALL {
        let definition = operation.definition();
        if definition.opaque || !definition.variants.is_empty() {
            continue;
        }
        let mut add = |path: Vec<String>, schema, absent| {
            below(definition.name, path, schema, absent, &mut seen, &mut found);
        };
        for (place, parameters) in [
            ("path", definition.path_parameters),
            ("query", definition.query),
            ("header", definition.headers),
        ] {
            for parameter in parameters {
                let path = vec![place.to_owned(), parameter.name.to_owned()];
                add(path, parameter.decoded(), parameter.absent);
            }
        }
        if let BodyDef::Json { schema, .. } = definition.body {
            add(vec!["body".to_owned()], schema, Effect::Nothing);
        }
        for name in definition.derived {
            let derived = Derived::of(definition, name).unwrap();
            add(vec![(*name).to_owned()], derived.schema(), Effect::Nothing);
        }
    }
    found
}

fn below(
    operation: &'static str,
    path: Vec<String>,
    schema: &'static Schema,
    absent: Effect,
    seen: &mut HashSet<String>,
    found: &mut Vec<At>,
) {
    let what = format!("{} {absent:?} {}", path[0], shape(schema));
    if !seen.insert(what) {
        return;
    }
    let inside = |key: &str| [path.clone(), vec![key.to_owned()]].concat();
    match schema.kind {
        Kind::List(element) => {
            below(
                operation,
                inside("each"),
                element,
                Effect::Nothing,
                seen,
                found,
            );
        }
        Kind::Map(element) => {
            below(
                operation,
                inside("values"),
                element,
                Effect::Nothing,
                seen,
                found,
            );
        }
        _ => {
            for field in fields(schema).map_or(&[][..], |object| object.fields) {
                below(
                    operation,
                    inside(field.name),
                    &field.schema,
                    field.absent,
                    seen,
                    found,
                );
            }
        }
    }
    found.push(At {
        operation,
        path,
        schema,
    });
}

/// What may stand beside a word, or alone.
fn arguments(at: &At) -> Vec<Value> {
    let mut all = vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(70_000),
        json!(2.5),
        json!(""),
        json!("any"),
        json!("absent"),
        json!("word"),
        json!("words"),
        json!("alpine"),
        json!("/srv"),
        json!("/srv:/x"),
        json!("5m"),
        json!("10.0.0.0/8"),
        json!([]),
        json!(["word"]),
        json!(["/srv", "80/tcp"]),
        json!(["alpine", 1]),
        json!([1, 2]),
        json!([[1]]),
        json!([{ "Target": "/x" }]),
        json!(["any", { "not": "absent" }]),
        json!({}),
        json!({ "list": "words" }),
        json!(["word", { "list": "words" }]),
        json!({ "list": ["words"] }),
        json!({ "nothing": "word" }),
        json!({ "/srv": "/x" }),
        json!({ "80/tcp": ["any"] }),
        json!({ "label": ["a=b"] }),
        json!({ "name": "alpine", "digest": "required" }),
        json!({ "tag": ["3.*"], "id": "all" }),
        json!({ "required": true }),
        json!({ "set": "word" }),
        json!({ "not": { "min": 5, "max": "7k" } }),
        json!({ "each": { "glob": "a*" } }),
    ];
    if let Kind::Enum(words) = at.schema.kind {
        all.extend(words.words.iter().map(|word| json!(word)));
        all.extend(words.words.iter().map(|word| json!([word.to_uppercase()])));
    }
    if let Some(object) = fields(at.schema) {
        all.extend(
            object
                .fields
                .iter()
                .take(2)
                .map(|field| json!({ field.name: 1 })),
        );
        all.extend(
            object
                .fields
                .iter()
                .take(3)
                .map(|field| json!({ field.name: "any" })),
        );
    }
    all
}

/// What is taken beside a word where the word fits.
fn fitting(word: &str) -> Value {
    match word {
        "image" => json!("alpine"),
        "under" => json!("/srv"),
        "map" => json!({ "/srv": "/x" }),
        "append" => json!({ "label": ["a=b"] }),
        "cidr" => json!("10.0.0.0/8"),
        "starts_with" => json!(["word", { "list": "words" }]),
        "max_items" | "min" | "max" => json!(0),
        "absent" | "required" | "remove" => json!(true),
        "all_of" | "any_of" => json!(["any", { "not": "absent" }]),
        "list" => json!("words"),
        "equal" | "subset" | "set" | "replace" | "default" => json!(["word"]),
        _ => json!("any"),
    }
}

fn file(allow: &[Value], deny: &[Value]) -> Value {
    json!({
        "api": crate::api::NEWEST.to_string(),
        "listen": [{ "unix": "/run/a.sock", "client": "me" }],
        "upstream": "unix:///run/engine.sock",
        "lists": { "words": ["any", "word"] },
        "clients": { "me": { "policies": ["p"] } },
        "policies": { "p": { "allow": allow, "deny": deny } },
    })
}

/// Whether a schema can see the mistake.
fn is_of_shape(found: &Diagnostic) -> bool {
    match found.code {
        // What a list may hold depends on who uses it.
        _ if found.note.is_some() => false,
        Code::UnknownKey
        | Code::UnknownField
        | Code::UnknownMatcher
        | Code::WrongType
        | Code::GroupConditions => true,
        // Forms that can be passed by are a matter of meaning.
        Code::WrongMatcher => !found.message.contains("in another form"),
        _ => false,
    }
}

#[test]
fn the_resolver_and_the_schema_agree_on_every_word_at_every_type() {
    let validator: Validator = jsonschema::validator_for(&schema()).unwrap();
    let places = places();
    assert!(places.len() > 150, "{}", places.len());
    let words: Vec<&str> = KEYWORDS.iter().chain(REWRITES).copied().collect();
    // How often each word was taken, and refused by both.
    let mut number = 0_u32;
    let mut seen: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for at in &places {
        for argument in arguments(at) {
            let alone = std::iter::once(("", argument.clone()));
            let named = words.iter().map(|word| (*word, json!({ *word: argument })));
            for (word, says) in alone.chain(named) {
                // A file is slow to read and judge, and one of many shows as much.
                number += 1;
                if !number.is_multiple_of(101) && argument != fitting(word) {
                    continue;
                }
                for deny in [false, true] {
                    let rule = [at.rule(&says)];
                    let file = if deny {
                        file(&[], &rule)
                    } else {
                        file(&rule, &[])
                    };
                    let resolved = crate::policy::resolve("test", &file.to_string());
                    let valid = validator.is_valid(&file);
                    let counts = seen.entry(word).or_default();
                    match resolved {
                        Ok(_) => {
                            counts.0 += 1;
                            assert!(valid, "the schema refuses {}", rule[0]);
                        }
                        Err(found) => {
                            counts.1 += u32::from(!valid);
                            let shape = found.found().iter().any(is_of_shape);
                            assert!(
                                !(shape && valid),
                                "the schema accepts {} in spite of {found}",
                                rule[0]
                            );
                        }
                    }
                }
            }
        }
    }
    for word in words {
        let counts = seen[word];
        assert!(counts.0 > 0 && counts.1 > 0, "`{word}`: {counts:?}");
    }
    println!("{} places: {seen:?}", places.len());
}

//! Both readings, and what they must agree on.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::documents::{NEWEST, Places, read};

/// A definition at a place: its span, and what is said of its risk.
struct Defined {
    span: (u16, u16),
    risk: Value,
}

fn ops() -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_opgate"))
        .args(["ops", "--output", "json"])
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn minor(value: &Value) -> Option<u16> {
    value.as_str()?.strip_prefix("1.")?.parse().ok()
}

fn span(value: &Value) -> (u16, u16) {
    (
        minor(&value["since"]).unwrap(),
        minor(&value["until"]).unwrap_or(NEWEST),
    )
}

fn defined() -> BTreeMap<(String, String), Defined> {
    let mut found = BTreeMap::new();
    for operation in ops()["operations"].as_array().unwrap() {
        let name = operation["name"].as_str().unwrap();
        let mut put = |place: String, value: &Value| {
            let defined = Defined {
                span: span(value),
                risk: value["risk"].clone(),
            };
            assert!(
                found
                    .insert((name.to_owned(), place.clone()), defined)
                    .is_none(),
                "{name} {place} is there twice"
            );
        };
        put(String::new(), operation);
        for kind in ["path", "query", "header"] {
            for parameter in operation["parameters"][kind].as_array().unwrap() {
                put(
                    format!("{kind}:{}", parameter["name"].as_str().unwrap()),
                    parameter,
                );
            }
        }
        fields(&operation["body"]["schema"], "body", &mut put);
    }
    found
}

fn fields(schema: &Value, path: &str, put: &mut impl FnMut(String, &Value)) {
    for field in schema["fields"].as_array().into_iter().flatten() {
        let path = format!("{path}.{}", field["name"].as_str().unwrap());
        put(path.clone(), field);
        fields(&field["schema"], &path, put);
    }
    if !schema["items"].is_null() {
        fields(&schema["items"], &format!("{path}[]"), put);
    }
    if !schema["values"].is_null() {
        fields(&schema["values"], &format!("{path}{{}}"), put);
    }
}

/// Lines of a list beside the test: `operation place`, with a reason behind `#`.
fn list(text: &str) -> BTreeSet<(String, String)> {
    text.lines()
        .filter_map(|line| line.split('#').next())
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let mut words = line.split_whitespace();
            let operation = words.next().unwrap().to_owned();
            (operation, words.next().unwrap_or_default().to_owned())
        })
        .collect()
}

#[test]
fn the_definitions_hold_what_the_documents_hold() {
    let documents: Places = read();
    let definitions = defined();
    let operations = |places: &mut dyn Iterator<Item = &(String, String)>| {
        places.filter(|(_, place)| place.is_empty()).count()
    };
    println!(
        "documents: {} operations, {} parameters and body fields; definitions: {} and {}",
        operations(&mut documents.keys()),
        documents.len() - operations(&mut documents.keys()),
        operations(&mut definitions.keys()),
        definitions.len() - operations(&mut definitions.keys()),
    );
    let newest = documents
        .iter()
        .filter(|((_, place), span)| place.is_empty() && span.1 == NEWEST);
    assert_eq!(newest.count(), 108);
    for name in ["ImagePull", "ImageImport", "Grpc"] {
        let key = (name.to_owned(), String::new());
        assert!(definitions.contains_key(&key), "{name}");
    }

    let moved = list(include_str!("moved.txt"));
    let versions = list(include_str!("versions.txt"));
    let mut wrong = Vec::new();
    for (key, span) in &documents {
        let line = format!("{} {} {span:?}", key.0, key.1);
        match definitions.get(key) {
            None if moved.contains(key) => {}
            None => wrong.push(format!("lacking: {line}")),
            Some(_) if moved.contains(key) => wrong.push(format!("not moved: {line}")),
            Some(defined) if defined.span == *span => {}
            Some(_) if versions.contains(key) => {}
            Some(defined) => wrong.push(format!("versions: {line} but {:?}", defined.span)),
        }
    }
    let added = list(include_str!("added.txt"));
    let variants = ["ImagePull", "ImageImport"];
    for key in definitions
        .keys()
        .filter(|key| !documents.contains_key(*key))
    {
        if !added.contains(key) && !variants.contains(&key.0.as_str()) {
            wrong.push(format!("added: {} {}", key.0, key.1));
        }
    }
    for key in &added {
        if !definitions.contains_key(key) || documents.contains_key(key) {
            wrong.push(format!("listed as added: {} {}", key.0, key.1));
        }
    }
    for key in moved.iter().chain(&versions) {
        if !documents.contains_key(key) {
            wrong.push(format!("listed for nothing: {} {}", key.0, key.1));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_unclassified() {
    for operation in ops()["operations"].as_array().unwrap() {
        assert!(
            !operation["risk"].as_array().unwrap().is_empty()
                || operation["name"] == "SystemPing"
                || operation["name"] == "SystemPingHead",
            "{}",
            operation["name"]
        );
    }
    let mut guards: BTreeMap<String, usize> = BTreeMap::new();
    for ((operation, place), defined) in defined() {
        if let Some(guard) = defined.risk["guard"].as_str() {
            assert_ne!(guard, "unclassified", "{operation} {place}");
            *guards.entry(guard.to_owned()).or_default() += 1;
        }
    }
    println!("{guards:?}");
    assert!(guards["open"] > 300 && guards["guarded"] > 300);
}

/// The definition that an entry of the list of risks is about.
fn place(entry: &str) -> String {
    let place = entry.trim_end_matches("[]").trim_end_matches("{}");
    let place = place.trim_end_matches("[]");
    match place {
        "header:X-Meta-*" => "header:X-Meta-".to_owned(),
        other => other.to_owned(),
    }
}

#[test]
fn every_known_risk_is_classified_as_such() {
    let definitions = defined();
    let exceptions = list(include_str!("risks-elsewhere.txt"));
    let (mut entries, mut wrong) = (0_usize, Vec::new());
    for line in include_str!("risks.tsv").lines() {
        if line.starts_with('#') {
            continue;
        }
        let mut columns = line.split('\t');
        let operation = columns.next().unwrap();
        let entry = columns.next().unwrap();
        let classes: BTreeSet<&str> = columns.next().unwrap().split(',').collect();
        entries += 1;
        let key = (operation.to_owned(), entry.replace(' ', "-"));
        if exceptions.contains(&key) || classes.contains("none") {
            continue;
        }
        // Entries of an operation with variants are about the variants, too.
        let wanted = match entry {
            "-" => String::new(),
            entry => place(entry),
        };
        let Some(found) = definitions.get(&(operation.to_owned(), wanted.clone())) else {
            wrong.push(format!("{operation} {entry}: no definition `{wanted}`"));
            continue;
        };
        let said = match &found.risk {
            Value::Array(classes) => classes.clone(),
            risk => risk["classes"].as_array().cloned().unwrap_or_default(),
        };
        let mut said: BTreeSet<&str> = said
            .iter()
            .filter_map(Value::as_str)
            .map(|class| classes.get(class).copied().unwrap_or(""))
            .collect();
        // An object with fields is judged by them: their classes together.
        if found.risk.is_null() {
            let below = format!("{wanted}.");
            for ((name, place), inner) in &definitions {
                if name == operation && place.starts_with(&below) {
                    let inner = inner.risk["classes"]
                        .as_array()
                        .cloned()
                        .unwrap_or_default();
                    said.extend(
                        inner
                            .iter()
                            .filter_map(Value::as_str)
                            .filter_map(|class| classes.get(class).copied()),
                    );
                }
            }
        }
        let missing: Vec<&&str> = classes.difference(&said).collect();
        if !missing.is_empty() {
            wrong.push(format!("{operation} {entry}: lacks {missing:?}"));
        }
    }
    println!(
        "{entries} known risks, {} of them elsewhere",
        exceptions.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_generator_knows_the_formats_that_there_are() {
    let known: BTreeSet<&str> = opgate_codegen::lower::FORMATS.iter().copied().collect();
    let there: BTreeSet<&str> = opgate::format::Format::ALL
        .iter()
        .map(|format| format.name())
        .collect();
    assert_eq!(known, there);
}

#[test]
fn every_field_is_found_by_its_name_in_any_case() {
    use opgate::api::Operation;
    use opgate::api::definition::{BodyDef, Kind, Schema};
    fn walk(schema: &Schema, count: &mut usize) {
        match &schema.kind {
            Kind::List(inner) | Kind::Map(inner) => walk(inner, count),
            Kind::Object(object) => {
                for (index, field) in object.fields.iter().enumerate() {
                    assert_eq!(object.find(field.name), Some(index));
                    assert_eq!(object.find(&field.name.to_ascii_uppercase()), Some(index));
                    assert_eq!(object.find(&field.name.to_ascii_lowercase()), Some(index));
                    assert_eq!(object.find(&format!("{}x", field.name)), None);
                    *count += 1;
                    walk(&field.schema, count);
                }
            }
            _ => {}
        }
    }
    let mut count = 0;
    for operation in Operation::ALL {
        if let BodyDef::Json { schema, .. } = operation.definition().body {
            walk(schema, &mut count);
        }
    }
    println!("{count} fields found");
    assert!(count > 800);
}

/// What is on unless it is switched off: off is a value of its own, not the default.
#[test]
fn false_is_no_default() {
    fn walk(value: &Value, place: &str, found: &mut usize) {
        match value {
            Value::Object(object) => {
                let place = format!("{place} {}", object.get("name").unwrap_or(&Value::Null));
                if value["schema"]["type"] == "boolean" && value["absent"]["default"] == "true" {
                    assert_eq!(value["zero"], "value", "{place}");
                    *found += 1;
                }
                object.values().for_each(|value| walk(value, &place, found));
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, place, found)),
            _ => {}
        }
    }
    let mut found = 0;
    walk(&ops(), "", &mut found);
    assert!(found > 3, "only {found}");
}

//! The golden index of the Engine's API, beside what `opgate ops` lists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Operations, parameters and fields, with the versions that have them.
type Places = BTreeMap<(String, String), (String, Option<String>)>;

#[test]
fn the_index_holds_what_is_listed_and_nothing_else() {
    let (listed, refused) = listed();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/engine.index.txt");
    let index = fs::read_to_string(path).unwrap();
    let mut seen = BTreeSet::new();
    let mut refused_here = 0;
    for line in index.lines() {
        assert!(!line.contains("UNCLASSIFIED"), "{line}");
        let (operation, rest) = line.split_once(' ').unwrap();
        if operation == "refused:" {
            refused_here += 1;
            continue;
        }
        let place = if let Some(name) = operation.strip_suffix(':') {
            (name.to_owned(), String::new())
        } else {
            let place = rest.split(' ').next().unwrap();
            if ["body", "drops"].contains(&place) {
                continue; // said of the operation
            }
            (operation.to_owned(), place.to_owned())
        };
        let Some((since, until)) = listed.get(&place) else {
            panic!("only the index has `{line}`");
        };
        if let Some((first, last)) = versions(line) {
            assert_eq!((since.as_str(), until.as_deref()), (first, last), "{line}");
        }
        assert!(seen.insert(place), "`{line}` is there twice");
    }
    let missing: Vec<_> = listed
        .keys()
        .filter(|place| !seen.contains(*place))
        .collect();
    assert!(missing.is_empty(), "the index lacks {missing:?}");
    assert_eq!(refused_here, refused);
}

/// The versions at the end of a line: `1.42-` or `1.42-1.51`.
fn versions(line: &str) -> Option<(&str, Option<&str>)> {
    let (first, last) = line.rsplit_once(' ')?.1.split_once('-')?;
    let digits = first.strip_prefix("1.")?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some((first, Some(last).filter(|last| !last.is_empty())))
}

/// What `opgate ops` lists, and how many routes are refused.
fn listed() -> (Places, usize) {
    let output = Command::new(env!("CARGO_BIN_EXE_opgate"))
        .args(["ops", "--output", "json"])
        .output()
        .unwrap();
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut places = Places::new();
    for operation in value["operations"].as_array().unwrap() {
        let name = operation["name"].as_str().unwrap();
        let mut add = |place: &str, said: &Value| {
            let text = |key: &str| said[key].as_str().map(str::to_owned);
            let versions = (text("since").unwrap(), text("until"));
            let known = places.insert((name.to_owned(), place.to_owned()), versions);
            assert!(known.is_none(), "{name} {place} is listed twice");
        };
        add("", operation);
        for (kind, parameters) in operation["parameters"].as_object().unwrap() {
            for parameter in parameters.as_array().unwrap() {
                let place = format!("{kind}:{}", parameter["name"].as_str().unwrap());
                add(&place, parameter);
                below(&place, &parameter["schema"], &mut add);
            }
        }
        if let Some(schema) = operation["body"].get("schema") {
            below("body", schema, &mut add);
        }
    }
    let refused = value["refused_routes"].as_array().unwrap().len();
    (places, refused)
}

fn below(place: &str, schema: &Value, add: &mut impl FnMut(&str, &Value)) {
    match schema["type"].as_str() {
        Some("object") => {
            for field in schema["fields"].as_array().unwrap() {
                let place = format!("{place}.{}", field["name"].as_str().unwrap());
                add(&place, field);
                below(&place, &field["schema"], add);
            }
        }
        Some("array") => below(&format!("{place}[]"), &schema["items"], add),
        Some("map") => below(&format!("{place}{{}}"), &schema["values"], add),
        _ => {}
    }
}

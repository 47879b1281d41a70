//! No description and no overlay makes the generator panic.
//!
//! Documents are changed at random places, always in the same way from run to
//! run, and go the whole way: overlay, lowering, union, index, code. Whether
//! something is wrong with them is not asked here, only that it is said.

use std::panic::{AssertUnwindSafe, catch_unwind};

use opgate_codegen::overlay::Overlay;
use opgate_codegen::{Errors, Root, Source, emit, index, ir, lower, union};
use serde_json::{Map, Value, json};

use crate::cases::{cases, spec};

/// A generator of numbers (splitmix64): fast, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let place = self.below(list.len());
        list.get(place).unwrap()
    }
}

/// Changes a document at one place, or at a few.
fn mutate(document: &mut Value, random: &mut Random) {
    let mut pointers = Vec::new();
    collect(document, &mut String::new(), &mut pointers);
    for _ in 0..=random.below(3) {
        let pointer = random.pick(&pointers).clone();
        let other = random.pick(&pointers).clone();
        let replacement = match random.below(5) {
            0 => document.pointer(&other).cloned(),
            1 => Some(odd(random)),
            2 => Some(json!({"$ref": reference(document, random)})),
            3 => document
                .pointer(&pointer)
                .map(|old| json!({"allOf": [old, odd(random)]})),
            _ => None,
        };
        match replacement {
            Some(value) => {
                if let Some(place) = document.pointer_mut(&pointer) {
                    *place = value;
                }
            }
            None => rename_or_remove(document, &pointer, random),
        }
    }
}

/// The pointers to all nodes but the document itself.
fn collect(value: &Value, at: &mut String, pointers: &mut Vec<String>) {
    let length = at.len();
    let mut inside = |key: &str, value: &Value| {
        at.push('/');
        at.push_str(&key.replace('~', "~0").replace('/', "~1"));
        pointers.push(at.clone());
        collect(value, at, pointers);
        at.truncate(length);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| inside(key, value)),
        Value::Array(list) => {
            for (number, value) in list.iter().enumerate() {
                inside(&number.to_string(), value);
            }
        }
        _ => {}
    }
}

/// A value that hardly belongs anywhere.
fn odd(random: &mut Random) -> Value {
    let values = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(u64::MAX),
        json!(1.5),
        json!(""),
        json!("fn"),
        json!("a b"),
        json!("Größe"),
        json!("\u{0}\"\n"),
        json!("{{}}"),
        json!("1.99"),
        json!("x".repeat(5000)),
        json!([]),
        json!([[[[]]]]),
        json!({}),
        json!({"type": "array"}),
        json!({"type": "object", "additionalProperties": {"type": "string"}}),
        json!({"type": "string", "enum": ["", "a b", "\u{7f}"]}),
        json!({"x-opgate-risk": {"guard": "guarded", "classes": []}}),
    ];
    random.pick(&values).clone()
}

/// A reference to some component, or to none.
fn reference(document: &Value, random: &mut Random) -> String {
    let schemas = document.pointer("/components/schemas");
    let mut names: Vec<&str> = schemas
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
        .collect();
    names.push("Missing");
    format!("#/components/schemas/{}", random.pick(&names))
}

fn rename_or_remove(document: &mut Value, pointer: &str, random: &mut Random) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            let Some(value) = map.remove(&key) else {
                return;
            };
            let names = [
                "",
                "a b",
                "Self",
                "9",
                "Größe",
                "{a}{b}",
                "/{x}/{x}",
                "//",
                "x-opgate-fields",
                "$ref",
                "properties",
            ];
            if random.below(3) == 0 {
                map.insert((*random.pick(&names)).to_owned(), value);
            }
        }
        Some(Value::Array(list)) => {
            if let Ok(place) = key.parse::<usize>()
                && place < list.len()
            {
                list.remove(place);
            }
        }
        _ => {}
    }
}

/// From lowered versions to the index and the code.
fn finish(versions: Vec<(u16, ir::Api)>) -> Result<(), Errors> {
    let api = unite(versions)?;
    emit::emit(&api, &[], Root::Crate).map(drop)
}

/// From lowered versions to the index.
fn unite(versions: Vec<(u16, ir::Api)>) -> Result<ir::Api, Errors> {
    let api = union::unite(versions)?;
    assert!(!index::index(&api).is_empty() || api.operations.is_empty());
    Ok(api)
}

/// Runs something that must not panic, and counts what it accepted.
fn run(what: &str, accepted: &mut usize, run: impl FnOnce() -> Result<(), Errors>) {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => *accepted += 1,
        Ok(Err(errors)) => assert!(!errors.0.is_empty(), "{what}: refused without a word"),
        Err(panic) => panic!("{what} made the generator panic: {panic:?}"),
    }
}

#[test]
fn no_change_to_the_engines_description_makes_the_generator_panic() {
    let files = spec();
    let text = |name: &str| &files.iter().find(|(file, _)| file == name).unwrap().1;
    let overlay = Overlay::parse(text("overlay.yaml"), "overlay.yaml").unwrap();
    let (minor, plain) = opgate_codegen::parse(Source {
        file: "engine-v1.55.yaml",
        text: text("engine-v1.55.yaml"),
    })
    .unwrap();
    let mut corrected = plain.clone();
    overlay.apply(&mut corrected, minor).unwrap();
    let before = lower::lower(&corrected, minor - 1, "before").unwrap();

    let mut random = Random(0x0690_6a7e);
    let mut accepted = 0;
    for number in 0..300 {
        let mut document = corrected.clone();
        mutate(&mut document, &mut random);
        run(&format!("change {number}"), &mut accepted, || {
            let api = lower::lower(&document, minor, "changed")?;
            let api = unite(vec![(minor - 1, before.clone()), (minor, api)])?;
            // Printing all of it takes by far the longest.
            if number % 10 == 0 {
                emit::emit(&api, &[], Root::Crate)?;
            }
            Ok(())
        });
    }
    // Responses are no part of what is generated, so some changes pass.
    assert!((10..290).contains(&accepted), "{accepted} changes passed");

    // And before the overlay comes.
    let mut accepted = 0;
    for number in 0..30 {
        let mut document = plain.clone();
        mutate(&mut document, &mut random);
        run(&format!("early change {number}"), &mut accepted, || {
            overlay.apply(&mut document, minor)?;
            unite(vec![(minor, lower::lower(&document, minor, "changed")?)]).map(drop)
        });
    }
    assert!((1..30).contains(&accepted), "{accepted} changes passed");
}

#[test]
fn no_change_to_a_small_description_or_its_overlay_makes_the_generator_panic() {
    let mut random = Random(0x005e_ed00);
    let mut accepted = 0;
    let mut tried = 0;
    for case in cases("golden") {
        let (overlay, descriptions) = case.sources();
        for number in 0..60 {
            // One of the files is changed.
            let files = descriptions.len() + usize::from(overlay.is_some());
            let changed = random.below(files);
            let texts: Vec<(&str, String)> = descriptions
                .iter()
                .chain(&overlay)
                .enumerate()
                .map(|(place, source)| {
                    if place != changed {
                        return (source.file, source.text.to_owned());
                    }
                    let mut document: Value = serde_yaml::from_str(source.text).unwrap();
                    mutate(&mut document, &mut random);
                    (source.file, serde_yaml::to_string(&document).unwrap())
                })
                .collect();
            let sources: Vec<Source<'_>> = texts
                .iter()
                .map(|(file, text)| Source { file, text })
                .collect();
            let (descriptions, overlay) = sources.split_at(descriptions.len());
            tried += 1;
            run(&format!("{} {number}", case.name), &mut accepted, || {
                let api = opgate_codegen::build(descriptions, overlay.first().copied())?;
                finish(vec![(api.newest, api)])
            });
        }
    }
    assert!(
        accepted > tried / 20 && accepted < tried,
        "{accepted} of {tried} passed"
    );
}

#[test]
fn no_text_makes_the_generator_panic() {
    let mut random = Random(0x7e47);
    let mut accepted = 0;
    for case in cases("golden") {
        let (overlay, descriptions) = case.sources();
        for number in 0..40 {
            let source = descriptions[0];
            let mut bytes = source.text.as_bytes().to_vec();
            for _ in 0..=random.below(4) {
                let place = random.below(bytes.len());
                let length = random.below(20).min(bytes.len() - place);
                let put = random.pick(&["", "\t", "- ", "&a *a", "{", "\u{0}", ": ", "!!binary "]);
                bytes.splice(place..place + length, put.bytes());
            }
            let text = String::from_utf8_lossy(&bytes);
            run(&format!("{} {number}", case.name), &mut accepted, || {
                let source = Source {
                    text: &text,
                    ..source
                };
                opgate_codegen::build(&[source], overlay).map(drop)
            });
        }
    }
    assert!(accepted > 0, "nothing passed");
}

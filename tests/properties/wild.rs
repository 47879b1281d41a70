//! Random requests: mutations of valid ones, and noise.

use std::time::{Duration, Instant};

use opgate::api::definition::OperationDef;
use proptest::prelude::*;

use crate::samples::{body, json, newest, operations, target};
use crate::translate::{Forwarded, translate_up_to};

const JSON: &[(&str, &[u8])] = &[("Content-Type", b"application/json")];

fn send(method: &str, target: &str, body: &[u8]) -> Result<Forwarded, String> {
    translate_up_to(opgate::api::NEWEST, method, target, JSON, body)
}

fn settled(method: &str, forwarded: &Forwarded) -> Result<(), TestCaseError> {
    let again = send(method, &forwarded.target, forwarded.body.as_bytes())
        .map_err(|error| TestCaseError::fail(format!("{forwarded:?}: {error}")))?;
    prop_assert_eq!(again.operation, forwarded.operation);
    prop_assert_eq!(&again.target, &forwarded.target);
    prop_assert_eq!(&again.body, &forwarded.body);
    Ok(())
}

fn any_operation() -> impl Strategy<Value = &'static OperationDef> {
    let all: Vec<&'static OperationDef> = operations().collect();
    proptest::sample::select(all)
}

fn at(definition: &OperationDef) -> String {
    target(definition, newest(definition.span))
}

/// One change of some bytes.
#[derive(Clone, Debug)]
enum Change {
    Flip(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Repeat(usize, usize),
    SwapCase(usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let spice = proptest::sample::select(
        b"{}[]\",:0123456789.-eEnulltruefals\\/ %&=;#\0\n\xff\xc5\xbf".to_vec(),
    );
    let change = prop_oneof![
        (any::<usize>(), spice.clone()).prop_map(|(at, byte)| Change::Flip(at, byte)),
        (any::<usize>(), spice).prop_map(|(at, byte)| Change::Insert(at, byte)),
        any::<usize>().prop_map(Change::Remove),
        (any::<usize>(), 1_usize..40).prop_map(|(at, length)| Change::Repeat(at, length)),
        any::<usize>().prop_map(Change::SwapCase),
    ];
    proptest::collection::vec(change, 1..6)
}

fn apply(bytes: &mut Vec<u8>, changes: &[Change]) {
    for change in changes {
        let length = bytes.len().max(1);
        match *change {
            Change::Flip(at, byte) => {
                if let Some(place) = bytes.get_mut(at % length) {
                    *place = byte;
                }
            }
            Change::Insert(at, byte) => bytes.insert(at % (bytes.len() + 1), byte),
            Change::Remove(at) => {
                if !bytes.is_empty() {
                    bytes.remove(at % length);
                }
            }
            Change::Repeat(at, count) => {
                let start = at % length;
                let end = (start + count).min(bytes.len());
                let piece = bytes[start.min(end)..end].to_vec();
                bytes.splice(end..end, piece);
            }
            Change::SwapCase(at) => {
                if let Some(place) = bytes.get_mut(at % length) {
                    *place ^= if place.is_ascii_alphabetic() { 0x20 } else { 0 };
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn mutated_bodies_are_refused_or_settled(definition in any_operation(), changes in changes()) {
        if let Some(schema) = body(definition) {
            let mut bytes = json(schema, newest(definition.span)).into_bytes();
            apply(&mut bytes, &changes);
            if let Ok(forwarded) = send(definition.method, &at(definition), &bytes) {
                settled(definition.method, &forwarded)?;
                let value: serde_json::Value = serde_json::from_str(&forwarded.body)
                    .unwrap_or(serde_json::Value::Null);
                prop_assert!(value.is_object() || value.is_array() || value.is_null());
            }
        }
    }

    #[test]
    fn mutated_targets_are_refused_or_settled(definition in any_operation(), changes in changes()) {
        let mut bytes = format!("{}all=1&filters=%7B%22a%22:[%22b%22]%7D&t=a", at(definition)).into_bytes();
        apply(&mut bytes, &changes);
        if let Ok(text) = String::from_utf8(bytes)
            && let Ok(forwarded) = send(definition.method, &text, b"")
        {
            settled(definition.method, &forwarded)?;
        }
    }

    #[test]
    fn noise_is_never_a_panic(method in "[A-Z]{1,7}", target in "\\PC{0,80}", body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = send(&method, &target, &body);
        let _ = send("POST", "/containers/create", &body);
        let _ = send("GET", &format!("/containers/json?{target}"), &[]);
    }
}

#[test]
fn large_hostile_bodies_are_decoded_in_bounded_time() {
    const SIZE: usize = 4 << 20;
    let bodies = [
        (
            "labels",
            format!(
                "{{\"Labels\":{{{}}}}}",
                (0..SIZE / 16)
                    .map(|n| format!("\"k{n}\":\"v\""))
                    .collect::<Vec<_>>()
                    .join(",")
            ),
        ),
        (
            "doubled labels",
            format!(
                "{{\"Labels\":{{{}}}}}",
                vec!["\"k\":\"v\""; SIZE / 8].join(",")
            ),
        ),
        (
            "elements",
            format!("{{\"Env\":[{}]}}", vec!["\"A=b\""; SIZE / 6].join(",")),
        ),
        (
            "unknown",
            format!(
                "{{{}}}",
                (0..SIZE / 12)
                    .map(|n| format!("\"x{n}\":0"))
                    .collect::<Vec<_>>()
                    .join(",")
            ),
        ),
        ("brackets", format!("{{\"Bogus\":{}", "[".repeat(SIZE))),
        (
            "one text",
            format!("{{\"Image\":\"{}\"}}", "a".repeat(SIZE)),
        ),
        (
            "digits",
            format!("{{\"HostConfig\":{{\"Memory\":{}}}}}", "9".repeat(SIZE)),
        ),
        ("spaces", " ".repeat(SIZE)),
    ];
    for (what, body) in &bodies {
        let started = Instant::now();
        let _ = send("POST", "/containers/create", body.as_bytes());
        let elapsed = started.elapsed();
        assert!(elapsed < Duration::from_secs(10), "{what}: {elapsed:?}");
    }
    let started = Instant::now();
    let _ = send(
        "GET",
        &format!("/containers/json?{}", "x=&".repeat(300_000)),
        b"",
    );
    let _ = send(
        "GET",
        &format!("/images/get?{}", "names=a&".repeat(120_000)),
        b"",
    );
    let _ = send("GET", &format!("/{}", "a/".repeat(400_000)), b"");
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
}

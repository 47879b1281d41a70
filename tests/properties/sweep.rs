//! Every place of every operation, one by one: with a valid value, and with
//! values that do not belong there.

use std::time::Instant;

use opgate::api::definition::{Kind, OperationDef, Reading};

use crate::samples::{escape, newest, null_kept, operations, parameter, places, target};
use crate::translate::{Forwarded, translate_up_to};

const JSON: &[(&str, &[u8])] = &[("Content-Type", b"application/json")];

fn send(definition: &OperationDef, target: &str, body: &str) -> Result<Forwarded, String> {
    translate_up_to(
        opgate::api::NEWEST,
        definition.method,
        target,
        JSON,
        body.as_bytes(),
    )
}

/// What was accepted, translated again, must be the same.
fn settled(definition: &OperationDef, forwarded: &Forwarded, what: &str) {
    let again = send(definition, &forwarded.target, &forwarded.body);
    let again = again.unwrap_or_else(|error| panic!("{} {what}: {error}", definition.name));
    assert_eq!(again.operation, forwarded.operation, "{what}");
    assert_eq!(again.target, forwarded.target, "{what}");
    assert_eq!(again.body, forwarded.body, "{what}");
    assert!(again.dropped.is_empty(), "{what}: {:?}", again.dropped);
}

#[test]
fn every_body_field_takes_a_valid_value_and_keeps_its_spelling() {
    let mut count = 0_usize;
    for definition in operations() {
        for place in places(definition) {
            let target = target(definition, place.version());
            let sample = place.sample();
            let forwarded = send(definition, &target, &sample)
                .unwrap_or_else(|error| panic!("{} {sample}: {error}", definition.name));
            assert!(
                forwarded.dropped.is_empty(),
                "{sample}: {:?}",
                forwarded.dropped
            );
            // The value arrives: the same tree, keys in the definition's order.
            let before: serde_json::Value = serde_json::from_str(&sample).unwrap();
            let after: serde_json::Value = serde_json::from_str(&forwarded.body).unwrap();
            assert_eq!(after, before, "{} {}", definition.name, place.path);
            settled(definition, &forwarded, &place.path);
            count += 1;
        }
    }
    println!("{count} places of bodies took a valid value");
    assert!(count > 1000, "{count}");
}

#[test]
fn every_parameter_takes_a_valid_value_and_keeps_its_spelling() {
    let mut count = 0_usize;
    for definition in operations() {
        for query in definition.query {
            let target = target(definition, newest(query.span));
            // The one that tells the variant is there already, or must not be.
            if target.contains(&format!("?{}=", query.name)) {
                continue;
            }
            let pair = format!("{}={}", query.name, escape(&parameter(query)));
            let target = format!("{target}&{pair}").replace("?&", "?");
            let forwarded = send(definition, &target, "")
                .unwrap_or_else(|error| panic!("{} {target}: {error}", definition.name));
            assert_eq!(forwarded.operation, definition.name, "{target}");
            assert!(
                forwarded.target.contains(&format!("{}=", query.name)),
                "{target} became {}",
                forwarded.target
            );
            settled(definition, &forwarded, &target);
            count += 1;
        }
        for header in definition.headers {
            let name = match header.reading {
                Reading::Prefix => format!("{}Name", header.name),
                _ => header.name.to_owned(),
            };
            let value = parameter(header);
            let headers: &[(&str, &[u8])] = &[(&name, value.as_bytes())];
            let forwarded = translate_up_to(
                opgate::api::NEWEST,
                definition.method,
                &target(definition, newest(header.span)),
                headers,
                b"",
            )
            .unwrap_or_else(|error| panic!("{} {name}: {error}", definition.name));
            let found = forwarded
                .headers
                .iter()
                .find(|(found, _)| found.eq_ignore_ascii_case(&name));
            assert!(found.is_some(), "{} {name}", definition.name);
            count += 1;
        }
    }
    println!("{count} parameters took a valid value");
    assert!(count > 200, "{count}");
}

/// Values that belong to some places and not to others.
const HOSTILE: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1.5",
    "1e3",
    "1e999",
    "65536",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    r#""""#,
    r#""\u0000""#,
    r#""\ud800""#,
    r#""../..""#,
    r#""-""#,
    r#"" ""#,
    "\"\u{17f}\"",
    "[]",
    "[[]]",
    "[null]",
    r#"[""]"#,
    "[0,0]",
    "[{}]",
    "{}",
    r#"{"":""}"#,
    r#"{"a":null}"#,
    r#"{"a":{"a":{"a":1}}}"#,
    r#"{"key":1,"key":2}"#,
    "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
    "",
    "{",
    "nul",
    "\u{feff}",
];

#[test]
fn no_place_of_a_body_panics_and_what_is_accepted_stays_the_same() {
    let started = Instant::now();
    let (mut accepted, mut refused) = (0_usize, 0_usize);
    for definition in operations() {
        for place in places(definition) {
            let target = target(definition, place.version());
            for value in HOSTILE {
                match send(definition, &target, &place.holding(value)) {
                    Ok(forwarded) => {
                        if !forwarded.body.is_empty() {
                            settled(definition, &forwarded, &place.holding(value));
                        }
                        accepted += 1;
                    }
                    Err(error) => {
                        assert!(error.starts_with(definition.name), "{error}");
                        refused += 1;
                    }
                }
            }
        }
    }
    println!(
        "{accepted} accepted, {refused} refused in {:?}",
        started.elapsed()
    );
    assert!(accepted > 1000 && refused > 10_000);
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_with_its_path() {
    for definition in operations() {
        for place in places(definition) {
            let target = target(definition, place.version());
            let wrong = match &place.schema.kind {
                Kind::Bool | Kind::Float => r#""x""#,
                Kind::Int { .. } => "1.5",
                Kind::Text | Kind::Enum(_) | Kind::Bytes => "7",
                Kind::List(_) => "{}",
                Kind::Map(_) | Kind::Object(_) => "[]",
            };
            let error = send(definition, &target, &place.holding(wrong)).unwrap_err();
            let expected = format!("{}: {}: ", definition.name, place.path);
            assert!(error.starts_with(&expected), "{} {error}", place.path);
            // A null among elements is refused unless it has a meaning there.
            if place.path.ends_with(']') && !null_kept(place.schema) {
                let error = send(definition, &target, &place.holding("null"));
                assert!(error.is_err(), "{} {}", definition.name, place.path);
            }
        }
    }
}

#[test]
fn no_value_of_a_request_is_in_a_message() {
    // A canary in every text there is, in a place where it does not fit.
    let canary = "canary-7f3a";
    let mut count = 0_usize;
    for definition in operations() {
        for place in places(definition) {
            let target = target(definition, place.version());
            for value in [
                format!("{canary:?}"),
                format!("[{canary:?},{canary:?}]"),
                format!("{{\"a\":{canary:?},\"b\":[{canary:?}]}}"),
                format!("\"{canary}\\u0000\""),
            ] {
                if let Err(error) = send(definition, &target, &place.holding(&value)) {
                    assert!(!error.contains(canary), "{error}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 1000, "{count}");
}

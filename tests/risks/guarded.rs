//! Every guarded place, one by one: shut under the bare rule, open under the
//! rule that names it, and under no other.

use std::collections::{BTreeMap, BTreeSet};

use opgate::gate::{EncodedBody, Gate};
use serde_json::{Value, json};

use crate::gate::{ask, bare_rule, body, gate, try_gate};
use crate::list;
use crate::places::{Part, Place, Request, always, bare_in, guarded, places};
use crate::values::{dangerous, harmless, valid_at};

/// The rule of a place's operation with what it says of the place.
pub(crate) fn rule_of(place: &Place, says: &Value) -> Value {
    json!({ place.operation.name: says })
}

/// A gate that allows the operation and, as far as it must, opens nothing.
fn bare_gate(place: &Place) -> Gate {
    let mut says = serde_json::Map::new();
    for parameter in always(place.operation) {
        // Whoever may not name it may do nothing with the operation.
        if !place.path.ends_with(&format!(".{}", parameter.name)) {
            says.insert("query".to_owned(), json!({ parameter.name: "any" }));
        }
    }
    gate(&[if says.is_empty() {
        bare_rule(place.operation)
    } else {
        rule_of(place, &says.into())
    }])
}

/// Asserts that a request is refused for one of these paths; gives which.
#[track_caller]
fn refused_for(gate: &Gate, request: &Request, place: &Place, paths: &[String]) -> String {
    let (status, message) = match ask(gate, request) {
        Ok(permit) => panic!("{} was open: {request:?}: {permit:?}", place.name()),
        Err(refused) => refused,
    };
    assert_eq!(status, 403, "{} {message} {request:?}", place.name());
    let begins = format!("opgate: {} refused for client me: ", place.operation.name);
    let reason = message.strip_prefix(&begins).unwrap_or_default();
    let named = paths.iter().find(|path| {
        reason
            .strip_prefix(path.as_str())
            .is_some_and(|rest| rest.starts_with(['=', ' ']))
    });
    let Some(named) = named else {
        panic!("{} {message}: {paths:?} {request:?}", place.name());
    };
    assert!(
        message.contains(" and no rule opens it (policy:2)"),
        "{message}"
    );
    named.clone()
}

/// The paths that a refusal may name: of the place, or of what it is in.
fn paths(place: &Place) -> Vec<String> {
    let around = place.around().into_iter().map(|around| around.path);
    around.chain([place.path.clone()]).collect()
}

/// Asserts that a place is shut under the bare rule, and named; and, where it is
/// inside of something that is guarded itself, shut when that is open.
pub(crate) fn is_shut(place: &Place) {
    let bare = bare_gate(place);
    let around = place
        .rule_around()
        .map(|says| gate(&[rule_of(place, &says)]));
    for value in dangerous(place) {
        let request = place.request(&value);
        refused_for(&bare, &request, place, &paths(place));
        if let Some(around) = &around {
            refused_for(around, &request, place, std::slice::from_ref(&place.path));
        }
    }
}

/// Asserts that a rule that names a place opens it, and that the value arrives.
pub(crate) fn opens(place: &Place) {
    let named = gate(&[rule_of(place, &place.rule())]);
    for value in dangerous(place) {
        let request = place.request(&value);
        let permit = ask(&named, &request)
            .unwrap_or_else(|(_, error)| panic!("{} {request:?}: {error}", place.name()));
        let sent = permit.request();
        assert_eq!(sent.operation().name(), place.operation.name);
        match place.part {
            Part::Body => {
                let before: Value = serde_json::from_str(&request.body).unwrap();
                assert_eq!(body(&permit), before, "{}", place.name());
                assert!(matches!(sent.body(), EncodedBody::Json(_)));
            }
            // In the Engine's spelling: the gate reads it as the same request.
            Part::Path | Part::Query | Part::Header => {
                let again = Request {
                    target: sent.target().to_owned(),
                    headers: sent.headers().to_vec(),
                    ..request.clone()
                };
                let again = ask(&named, &again).unwrap();
                assert_eq!(again.request().target(), sent.target());
                assert_eq!(again.request().headers(), sent.headers());
                let bare = bare_in(place.operation, place.version());
                let bare = ask(&named, &bare).map(|permit| {
                    let request = permit.request();
                    (request.target().to_owned(), request.headers().to_vec())
                });
                let says = (sent.target().to_owned(), sent.headers().to_vec());
                assert_ne!(bare, Ok(says), "{}: nothing arrived", place.name());
            }
        }
    }
}

#[test]
fn every_guarded_field_is_shut_under_the_bare_rule() {
    let (mut count, mut values, mut nothing) = (0_usize, 0_usize, BTreeSet::new());
    for place in guarded() {
        let dangerous = dangerous(&place).len();
        if dangerous == 0 {
            nothing.insert(place.name());
            continue;
        }
        is_shut(&place);
        count += 1;
        values += dangerous;
    }
    println!("{count} guarded parameters and fields are shut, tried with {values} values");
    assert!(
        nothing.is_empty(),
        "nothing is dangerous there: {nothing:#?}"
    );
    assert!(count > 450, "{count}");
}

#[test]
fn every_guarded_field_is_open_under_the_rule_that_names_it() {
    let places = guarded();
    places.iter().for_each(opens);
    println!(
        "{} guarded parameters and fields are opened by name",
        places.len()
    );
}

#[test]
fn every_benign_value_passes_under_the_bare_rule() {
    let mut count = 0_usize;
    for place in guarded() {
        // Inside of what is guarded itself nothing is benign as a whole.
        if !place.around().is_empty() {
            continue;
        }
        let bare = bare_gate(&place);
        for value in harmless(&place) {
            let request = place.request(&value);
            if let Err((_, error)) = ask(&bare, &request) {
                panic!("{} {request:?}: {error}", place.name());
            }
            count += 1;
        }
    }
    println!("{count} benign values pass");
    assert!(count > 300, "{count}");
}

#[test]
fn these_fields_must_be_named_by_every_rule_of_their_operation() {
    let found = crate::samples::operations()
        .flat_map(|operation| {
            always(operation)
                .map(|parameter| format!("{} query.{}", operation.name, parameter.name))
        })
        .collect();
    list::names(include_str!("inseparable.txt"), &found);
}

/// The dangerous value that says the least.
fn smallest(place: &Place) -> Value {
    let values = dangerous(place).into_iter();
    values.min_by_key(|value| value.to_string().len()).unwrap()
}

/// What rules that name a derived field open by it.
const DERIVED: [(&str, &str, &[&str]); 2] = [
    (
        "mounts",
        r#"{ "each": { "source": "any", "volume": "any", "image": "any", "container": "any",
             "propagation": "any", "relabel": "any" } }"#,
        &[
            "body.HostConfig.Binds",
            "body.HostConfig.VolumesFrom",
            "body.HostConfig.Mounts[].Type",
            "body.HostConfig.Mounts[].Source",
            "body.HostConfig.Mounts[].BindOptions.Propagation",
        ],
    ),
    (
        "networks",
        r#""any""#,
        &[
            "body.HostConfig.NetworkMode",
            "body.NetworkingConfig.EndpointsConfig",
        ],
    ),
];

#[test]
fn a_rule_that_names_another_field_opens_none_besides() {
    let mut by_operation: BTreeMap<&str, Vec<Place>> = BTreeMap::new();
    for place in guarded() {
        by_operation
            .entry(place.operation.name)
            .or_default()
            .push(place);
    }
    let (mut count, mut together) = (0_usize, BTreeSet::new());
    for places in by_operation.values() {
        let requests: Vec<(Request, Vec<String>)> = places
            .iter()
            .map(|place| (place.request(&smallest(place)), paths(place)))
            .collect();
        for other in places {
            let named = gate(&[rule_of(other, &other.rule())]);
            for (place, (request, paths)) in places.iter().zip(&requests) {
                let always = always(place.operation)
                    .any(|parameter| place.path == format!("query.{}", parameter.name));
                if place.overlaps(other) || always {
                    continue;
                }
                if ask(&named, request).is_ok() {
                    together.insert(format!("{} opens {}", other.name(), place.path));
                } else {
                    refused_for(&named, request, place, paths);
                }
                count += 1;
            }
        }
        for (derived, says, covers) in DERIVED {
            let operation = places[0].operation;
            if !operation.derived.contains(&derived) {
                continue;
            }
            let says: Value = serde_json::from_str(says).unwrap();
            let named = gate(&[rule_of(&places[0], &json!({ derived: says }))]);
            for (place, (request, paths)) in places.iter().zip(&requests) {
                if covers.contains(&place.path.as_str()) {
                    assert!(ask(&named, request).is_ok(), "{derived}: {}", place.path);
                } else {
                    refused_for(&named, request, place, paths);
                }
                count += 1;
            }
        }
    }
    println!("{count} pairs of fields: one is named, the other stays shut");
    list::names(include_str!("together.txt"), &together);
    assert!(count > 15_000, "{count}");
}

#[test]
fn what_is_newer_than_the_policy_is_shut_whatever_it_names() {
    let oldest = opgate::api::OLDEST;
    let (mut count, mut inner) = (0_usize, 0_usize);
    for place in places() {
        if place.span.since <= oldest || place.operation.span.since > oldest {
            continue;
        }
        let mut rules = vec![bare_rule(place.operation)];
        if let Some(around) = place.around().pop() {
            rules.push(rule_of(&around, &around.rule()));
        }
        for rule in rules {
            let Ok(gate) = try_gate(&oldest.to_string(), std::slice::from_ref(&rule)) else {
                // What is around it is newer, too.
                inner += 1;
                continue;
            };
            let value = valid_at(&place).remove(0);
            let request = place.request(&value);
            let Err((status, message)) = ask(&gate, &request) else {
                panic!("{} was open under {rule}", place.name());
            };
            assert_eq!(status, 403, "{} {message}", place.name());
            let names = paths(&place);
            assert!(
                names.iter().any(|path| message.contains(path.as_str()))
                    || message.contains(" is new in API "),
                "{} {message}",
                place.name()
            );
            count += 1;
        }
    }
    println!(
        "{count} requests with what API {oldest} does not have, refused ({inner} inside of newer)"
    );
    assert!(count > 50, "{count}");
}

//! Two evaluators, one verdict.

use std::cell::Cell;

use opgate::api::definition::ApiVersion;
use opgate::gate::{EngineVersion, Gate, ListenerId, RequestHead};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::naive::{Cond, Field, Truth, Unnamed, accepts, body, masked, truth};
use crate::random::{self, Choices};
use crate::schema::Editor;

const ENGINE: EngineVersion = EngineVersion {
    min: ApiVersion(41),
    max: ApiVersion(51),
};

/// A rule for creating containers.
pub(crate) fn rule(body: &Value, unnamed: Unnamed) -> Value {
    match unnamed {
        Unnamed::Open => json!({ "ContainerCreate": { "body": body } }),
        // Every body has an image.
        Unnamed::None => json!({ "ContainerCreate": {
            "fields": "listed",
            "body": { "all_of": [{ "Image": "any" }, body] },
        } }),
    }
}

/// A policy file with these rules.
pub(crate) fn policy(allow: &[Value], deny: &[Value]) -> String {
    json!({
        "api": "1.51",
        "listen": [{ "unix": "/nowhere/gate.sock", "client": "me" }],
        "upstream": "unix:///nowhere/engine.sock",
        "clients": { "me": { "policies": ["p"] } },
        "policies": { "p": { "allow": allow, "deny": deny } },
    })
    .to_string()
}

/// Whether a gate lets a body through.
pub(crate) fn passes(gate: &Gate, body: &Value) -> Result<bool, String> {
    let headers: &[(&str, &[u8])] = &[("Content-Type", b"application/json")];
    let head = RequestHead {
        method: "POST",
        target: "/v1.51/containers/create",
        headers,
    };
    let body = body.to_string();
    let judged = gate
        .head(&head, ListenerId(0))
        .and_then(|matched| gate.judge(matched, body.as_bytes(), ENGINE));
    match judged {
        Ok(_) => Ok(true),
        Err(refusal) if refusal.status() == 403 => Ok(false),
        Err(refusal) => Err(refusal.to_string()),
    }
}

/// How often there was something to compare.
#[derive(Default)]
struct Seen {
    loaded: Cell<u32>,
    /// Refused for fields that are not listed, and for nothing else.
    unlisted: Cell<u32>,
    allowed: Cell<u32>,
    denied: Cell<u32>,
    editor: Editor,
}

fn count(cell: &Cell<u32>) {
    cell.set(cell.get() + 1);
}

/// Rules and bodies out of numbers, judged twice.
fn compare(field: &Field, numbers: &[u16], seen: &Seen) -> Result<(), TestCaseError> {
    let mut choices = Choices::new(numbers);
    let rules: Vec<(Cond, Unnamed)> = (0..=choices.below(2))
        .map(|_| {
            let unnamed = [Unnamed::Open, Unnamed::Open, Unnamed::None][choices.below(3)];
            (random::cond(field, &mut choices, 2), unnamed)
        })
        .collect();
    let deny = (choices.below(3) == 2).then(|| random::cond(field, &mut choices, 1));
    let allow: Vec<Value> = rules
        .iter()
        .map(|(cond, unnamed)| rule(&cond.written(), *unnamed))
        .collect();
    let looser: Vec<Value> = rules
        .iter()
        .map(|(cond, _)| rule(&cond.written(), Unnamed::Open))
        .collect();
    let denies: Vec<Value> = deny
        .iter()
        .map(|cond| rule(&cond.written(), Unnamed::Open))
        .collect();
    let text = policy(&allow, &denies);
    seen.editor.disagrees(&text)?;
    let Ok(configuration) = opgate::policy::resolve("policy", &text) else {
        return Ok(());
    };
    count(&seen.loaded);
    let gate = Gate::new(configuration.policies);
    let looser = opgate::policy::resolve("policy", &policy(&looser, &denies))
        .map_err(|found| TestCaseError::fail(found.to_string()))?;
    let looser = Gate::new(looser.policies);
    for _ in 0..12 {
        let mut body = random::value(field, &mut choices);
        let fires = deny
            .iter()
            .any(|deny| matches!(truth(field, &body, deny), Truth::Yes | Truth::Partly));
        let expected = !fires
            && rules
                .iter()
                .any(|(cond, unnamed)| accepts(field, &body, std::slice::from_ref(cond), *unnamed));
        body["Image"] = json!("alpine");
        let found = passes(&gate, &body).map_err(TestCaseError::fail)?;
        count(if found { &seen.allowed } else { &seen.denied });
        prop_assert_eq!(found, expected, "{} by {}", body, text);
        let loosely = passes(&looser, &body).map_err(TestCaseError::fail)?;
        prop_assert!(
            !found || loosely,
            "{} by {}, but not without a list",
            body,
            text
        );
        if loosely && !found {
            count(&seen.unlisted);
        }
    }
    Ok(())
}

fn run(field: &Field, cases: u32) -> Seen {
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    };
    let seen = Seen::default();
    let numbers = vec(any::<u16>(), 300);
    TestRunner::new(config)
        .run(&numbers, |numbers| compare(field, &numbers, &seen))
        .unwrap();
    seen
}

#[test]
fn two_evaluators_agree_on_random_policies_and_bodies() {
    let seen = run(&body(), 2000);
    // Neither of both says the same of everything.
    let (accepted, refused) = seen.editor.counts();
    println!("an editor accepts {accepted} of them and refuses {refused}");
    assert!(accepted > seen.loaded.get(), "{accepted}");
    let counts = (seen.loaded.get(), seen.allowed.get(), seen.denied.get());
    assert!(
        counts.0 > 500 && counts.1 > 1000 && counts.2 > 1000,
        "{counts:?}"
    );
    assert!(seen.unlisted.get() > 200, "{}", seen.unlisted.get());
}

#[test]
fn two_evaluators_agree_where_empty_is_not_absent() {
    let seen = run(&masked(), 1000);
    let counts = (seen.loaded.get(), seen.allowed.get(), seen.denied.get());
    assert!(
        counts.0 > 200 && counts.1 > 500 && counts.2 > 500,
        "{counts:?}"
    );
}

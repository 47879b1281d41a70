//! What is said of rules that make each other moot, contradict themselves or rewrite
//! differently holds for random rules and bodies.

use std::cell::Cell;

use opgate::diagnostic::{Code, Diagnostic};
use opgate::gate::Gate;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::differential::{passes, policy, rule};
use crate::naive::{Cond, Field, Unnamed, accepts, body, masked};
use crate::random::{self, Choices};

/// How often something was said.
#[derive(Debug, Default)]
struct Said {
    shadowed: Cell<u32>,
    never: Cell<u32>,
    conflicts: Cell<u32>,
    apart: Cell<u32>,
    /// Bodies that a rule alone allowed.
    allowed: Cell<u32>,
}

fn count(cell: &Cell<u32>) {
    cell.set(cell.get() + 1);
}

/// A rule, and one that has to do with it.
fn pair(field: &Field, choices: &mut Choices<'_>) -> [(Cond, Unnamed); 2] {
    let unnamed = [Unnamed::Open, Unnamed::Open, Unnamed::None];
    let (a, c) = (
        random::cond(field, choices, 1),
        random::cond(field, choices, 1),
    );
    let b = match choices.below(4) {
        0 => Cond::AllOf(vec![a.clone(), c]),
        1 => Cond::AnyOf(vec![a.clone(), c]),
        2 => a.clone(),
        _ => c,
    };
    let mut own = || unnamed[choices.below(3)];
    let (first, second) = (own(), own());
    [(a, first), (b, second)]
}

fn found(text: &str) -> (Option<Gate>, Vec<Diagnostic>) {
    match opgate::policy::resolve("policy", text) {
        Ok(configuration) => {
            let found = configuration.warnings.found().to_vec();
            (Some(Gate::new(configuration.policies)), found)
        }
        Err(found) => (None, found.found().to_vec()),
    }
}

fn judge(field: &Field, numbers: &[u16], said: &Said) -> Result<(), TestCaseError> {
    let mut choices = Choices::new(numbers);
    let rules = pair(field, &mut choices);
    let written = rules
        .each_ref()
        .map(|(cond, unnamed)| rule(&cond.written(), *unnamed));
    let mut bodies: Vec<Value> = (0..16)
        .map(|_| random::value(field, &mut choices))
        .collect();
    // A rule that contradicts itself accepts nothing.
    let mut alone = Vec::new();
    for ((cond, unnamed), rule) in rules.iter().zip(&written) {
        let (gate, found) = found(&policy(std::slice::from_ref(rule), &[]));
        if gate.is_none() && found.iter().all(|one| one.code == Code::NeverMatches) {
            count(&said.never);
            for body in &bodies {
                let accepted = accepts(field, body, std::slice::from_ref(cond), *unnamed);
                prop_assert!(!accepted, "{} is accepted by {}", body, rule);
            }
        }
        alone.extend(gate);
    }
    let [first, second] = alone.as_slice() else {
        return Ok(());
    };
    for body in &mut bodies {
        body["Image"] = json!("alpine");
    }
    let verdicts = |gate: &Gate| -> Result<Vec<bool>, TestCaseError> {
        let bodies = bodies.iter();
        let verdicts = bodies.map(|body| passes(gate, body).map_err(TestCaseError::fail));
        verdicts.collect()
    };
    let allowed = [verdicts(first)?, verdicts(second)?];
    for _ in allowed.iter().flatten().filter(|allowed| **allowed) {
        count(&said.allowed);
    }
    // What another rule makes moot the other allows.
    let lines = policy(&written, &[]).replace("{\"ContainerCreate", "\n{\"ContainerCreate");
    let (_, warnings) = found(&lines);
    let first_line = lines
        .lines()
        .position(|line| line.starts_with("{\"ContainerCreate"));
    for (moot, other) in [(0, 1), (1, 0)] {
        let line = u64::try_from(first_line.unwrap() + 1 + moot).unwrap();
        let mut warnings = warnings.iter();
        if !warnings.any(|one| one.code == Code::Shadowed && one.span.line == line) {
            continue;
        }
        count(&said.shadowed);
        for ((body, moot), other) in bodies.iter().zip(&allowed[moot]).zip(&allowed[other]) {
            prop_assert!(!moot || *other, "{} by {}", body, lines);
        }
    }
    // Rules that rewrite differently never accept the same.
    let rewriting: Vec<Value> = rules
        .iter()
        .zip(["x", "y"])
        .map(|((cond, unnamed), name)| {
            let own = json!({ "Hostname": { "set": name } });
            let mut rule = rule(&cond.written(), *unnamed);
            let body = rule["ContainerCreate"]["body"].take();
            rule["ContainerCreate"]["body"] = own;
            for (name, said) in body.as_object().unwrap() {
                rule["ContainerCreate"]["body"][name] = said.clone();
            }
            rule
        })
        .collect();
    let (gate, errors) = found(&policy(&rewriting, &[]));
    if errors.iter().any(|one| one.code == Code::Conflict) {
        count(&said.conflicts);
    } else if gate.is_some() {
        count(&said.apart);
        for ((body, first), second) in bodies.iter().zip(&allowed[0]).zip(&allowed[1]) {
            prop_assert!(!(*first && *second), "{} by {:?}", body, rewriting);
        }
    }
    Ok(())
}

fn run(field: &Field, cases: u32) -> Said {
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    };
    let said = Said::default();
    TestRunner::new(config)
        .run(&vec(any::<u16>(), 300), |numbers| {
            judge(field, &numbers, &said)
        })
        .unwrap();
    said
}

#[test]
fn what_is_said_of_rules_is_so() {
    let said = run(&body(), 1500);
    let counts = [&said.shadowed, &said.never, &said.conflicts, &said.apart];
    assert!(counts.iter().all(|count| count.get() > 20), "{said:?}");
    assert!(said.allowed.get() > 1000, "{said:?}");
}

#[test]
fn what_is_said_of_rules_is_so_where_nobody_knows_what_absence_is() {
    let said = run(&masked(), 1000);
    assert!(
        said.shadowed.get() > 50 && said.allowed.get() > 500,
        "{said:?}"
    );
}

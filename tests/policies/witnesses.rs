//! Random policies: what is shown of them is real, and what becomes tighter never
//! allows more.

use std::cell::Cell;

use opgate::gate::{EngineVersion, Gate, RequestHead};
use opgate::policy::{self, Change, Difference, Policies};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseError, TestRunner};
use serde_json::Value;

use crate::differential::{policy as written, rule};
use crate::naive::{Unnamed, body};
use crate::random::{self, Choices};

/// The policies of a file, if it is one.
fn policies(allow: &[Value], deny: &[Value]) -> Option<Policies> {
    let resolved = policy::resolve("policy", &written(allow, deny));
    resolved.ok().map(|configuration| configuration.policies)
}

/// Whether a gate lets a request through.
fn passes(gate: &Gate, example: &opgate::example::Example) -> bool {
    let request = example.request().unwrap();
    let headers = request.header_bytes();
    let head = RequestHead {
        method: &request.method,
        target: &request.target,
        headers: &headers,
    };
    let client = gate.policies().client_named("me").unwrap();
    gate.head_of(&head, client)
        .and_then(|matched| gate.judge(matched, &request.body, EngineVersion::EVERY))
        .is_ok()
}

/// Asserts that differences are real.
fn real(found: &[Difference], old: &Gate, new: &Gate) -> Result<(), TestCaseError> {
    for one in found {
        let (was, is) = (passes(old, &one.witness), passes(new, &one.witness));
        let expected = match one.change {
            Change::Allows => (false, true),
            Change::Refuses => (true, false),
            Change::Forwards => (true, true),
        };
        prop_assert_eq!((was, is), expected, "{:?}", one);
    }
    Ok(())
}

#[derive(Default)]
struct Seen {
    loaded: Cell<usize>,
    openings: Cell<usize>,
    denied: Cell<usize>,
    removed: Cell<usize>,
}

fn add(cell: &Cell<usize>, count: usize) {
    cell.set(cell.get() + count);
}

fn compare(numbers: &[u16], seen: &Seen) -> Result<(), TestCaseError> {
    let field = body();
    let mut choices = Choices::new(numbers);
    let mut some = |depth| {
        rule(
            &random::cond(&field, &mut choices, depth).written(),
            Unnamed::Open,
        )
    };
    let (first, second, deny) = (some(2), some(2), some(1));
    let allow = [first, second];
    let Some(whole) = policies(&allow, &[]) else {
        return Ok(());
    };
    add(&seen.loaded, 1);
    let risks = whole.risks();
    let nothing = policy::compare(&whole, &whole).differences;
    prop_assert!(nothing.is_empty(), "{:?}", nothing);
    let whole = Gate::new(whole);
    for opening in risks.iter().flat_map(|risks| &risks.openings) {
        prop_assert!(passes(&whole, &opening.witness), "{:?}", opening);
        add(&seen.openings, 1);
    }
    let tighter = [
        (policies(&allow, &[deny]), &seen.denied),
        (policies(&allow[..1], &[]), &seen.removed),
    ];
    for (tighter, count) in tighter {
        let Some(tighter) = tighter else {
            continue;
        };
        let found = policy::compare(whole.policies(), &tighter).differences;
        let tighter = Gate::new(tighter);
        real(&found, &whole, &tighter)?;
        let more = found.iter().find(|one| one.change != Change::Refuses);
        prop_assert!(more.is_none(), "{:?}", more);
        add(count, found.len());
        let back = policy::compare(tighter.policies(), whole.policies()).differences;
        real(&back, &tighter, &whole)?;
        let less = back.iter().find(|one| one.change != Change::Allows);
        prop_assert!(less.is_none(), "{:?}", less);
    }
    Ok(())
}

#[test]
fn a_deny_more_and_an_allow_less_never_allow_more() {
    let config = ProptestConfig {
        cases: 250,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    };
    let seen = Seen::default();
    TestRunner::new(config)
        .run(&vec(any::<u16>(), 120), |numbers| compare(&numbers, &seen))
        .unwrap();
    let counts = [&seen.loaded, &seen.openings, &seen.denied, &seen.removed].map(Cell::get);
    println!("policies, openings, refused by a deny, refused without an allow: {counts:?}");
    assert!(counts.iter().all(|count| *count > 15), "{counts:?}");
}

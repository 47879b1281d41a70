//! `check --risks` finds what is open, and nothing else: for every guarded place,
//! a rule that opens it is found out, with a request that passes the gate.

use std::collections::BTreeSet;

use opgate::api::definition::RiskClass;
use opgate::example::Example;
use opgate::gate::Gate;
use opgate::policy::Opening;

use crate::gate::{ENGINE, bare_rule, gate};
use crate::guarded::rule_of;
use crate::list;
use crate::places::{Place, always, guarded};
use crate::samples::operations;

/// What a gate's policies open.
fn openings(gate: &Gate) -> Vec<Opening> {
    let mut risks = gate.policies().risks();
    assert_eq!(risks.len(), 1);
    risks.remove(0).openings
}

/// Asserts that the gate lets a witness through, read from its JSON as people would.
fn passes(gate: &Gate, opening: &Opening) {
    let example = Example::from_json(&opening.witness.to_json()).unwrap();
    let request = example.request().unwrap();
    let headers = request.header_bytes();
    let head = opgate::gate::RequestHead {
        method: &request.method,
        target: &request.target,
        headers: &headers,
    };
    let client = gate.policies().client_named("me").unwrap();
    let permit = gate
        .head_of(&head, client)
        .and_then(|matched| gate.judge(matched, &request.body, ENGINE))
        .unwrap_or_else(|refusal| panic!("{opening:?}: {refusal}"));
    assert_eq!(permit.request().operation(), opening.operation);
    assert_eq!(permit.rule(), &opening.rule);
}

/// Whether something was found open through a place.
fn is_found(place: &Place, opening: &Opening) -> bool {
    let Some(field) = &opening.field else {
        return false;
    };
    field == &place.path
        // Binds, mounts and volumes of others are judged as one list.
        || (field.starts_with("mounts[]") && place.path.starts_with("body.HostConfig."))
}

#[test]
fn every_guarded_place_that_a_rule_opens_is_found_with_a_request() {
    let (mut count, mut missed) = (0_usize, BTreeSet::new());
    for place in guarded() {
        let named = gate(&[rule_of(&place, &place.rule())]);
        let found = openings(&named);
        let own: Vec<&Opening> = (found.iter())
            .filter(|opening| is_found(&place, opening))
            .collect();
        if own.is_empty() {
            missed.insert(place.name());
        }
        for opening in own {
            passes(&named, opening);
            count += 1;
        }
    }
    println!("{count} openings, each with a request that passes");
    list::names(include_str!("unfound.txt"), &missed);
    assert!(count > 450, "{count}");
}

#[test]
fn a_bare_rule_opens_nothing_but_the_operation() {
    let (mut closed, mut open) = (0_usize, 0_usize);
    for operation in operations() {
        let bare = gate(&[bare_rule(operation)]);
        for opening in openings(&bare) {
            assert_eq!(opening.field, None, "{opening:?}");
            assert!(operation.risk.contains(&opening.class), "{opening:?}");
            passes(&bare, &opening);
            open += 1;
        }
        let risks = bare.policies().risks();
        let mut unproven = risks.iter().flat_map(|risks| &risks.unproven);
        // Where a parameter must be given and is guarded, a bare rule allows nothing.
        let shut = always(operation).next().is_some();
        assert!(unproven.all(|it| shut && it.field.is_none()), "{risks:?}");
        let own = risks.iter().flat_map(|risks| &risks.openings);
        let escapes = own.filter(|it| it.class == RiskClass::HostEscape).count();
        closed += usize::from(escapes == 0);
    }
    println!("{open} classes are open through operations by themselves");
    assert!(open > 60 && closed > 80, "{open} {closed}");
}

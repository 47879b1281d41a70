//! Two policy files → what one allows and the other does not, each with a request
//! that shows it.
//!
//! Both are asked about every request that the rules of either suggest, so what is
//! found is real; that nothing is found proves nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::exposure;
use super::rule::Allow;
use super::{Client, Policies, RuleName, Rules, witness};
use crate::api::Operation;
use crate::api::definition::ApiVersion;
use crate::example::Example;

/// What is different in two policy files.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What was found.
    pub differences: Vec<Difference>,
    /// The clients and operations with more rules than could be searched whole.
    pub searched_in_part: Vec<(Arc<str>, Operation)>,
}

/// A difference between two policy files.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The name of the client.
    pub client: Arc<str>,
    /// The operation.
    pub operation: Operation,
    /// What is different.
    pub change: Change,
    /// The parameter or field that makes the difference; none if it is the whole
    /// operation.
    pub field: Option<String>,
    /// The rule that allows the witness, of the new file where both do.
    pub rule: Arc<RuleName>,
    /// A request for which the files differ.
    pub witness: Example,
}

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// The new file allows what the old one refuses.
    Allows,
    /// The new file refuses what the old one allows.
    Refuses,
    /// Both allow it, and forward different requests.
    Forwards,
}

/// What a file makes of a request.
enum Outcome {
    Allowed {
        rule: Arc<RuleName>,
        forwarded: Box<Example>,
        exposed: Vec<String>,
    },
    Refused {
        field: Option<String>,
    },
}

/// What the new policies allow, refuse and forward otherwise than the old ones.
pub fn compare(old: &Policies, new: &Policies) -> Comparison {
    let mut names: Vec<&str> = old.client_names().collect();
    names.extend(
        new.client_names()
            .filter(|name| old.client_named(name).is_none()),
    );
    let (mut all, mut searched_in_part) = (Vec::new(), Vec::new());
    for name in names {
        let (before, after) = (old.client_named(name), new.client_named(name));
        let first = all.len();
        for operation in Operation::ALL {
            let (found, cut) = of_operation((old, before), (new, after), operation);
            if cut {
                searched_in_part.push((Arc::from(name), operation));
            }
            all.extend(
                found
                    .into_iter()
                    .map(|((change, field), (rule, witness))| Difference {
                        client: name.into(),
                        operation,
                        change,
                        field,
                        rule,
                        witness,
                    }),
            );
        }
        if let Some(own) = all.get_mut(first..) {
            own.sort_by_key(|one: &Difference| one.change);
        }
    }
    Comparison {
        differences: all,
        searched_in_part,
    }
}

/// The differences for one operation: for each field the shortest request.
type Found = BTreeMap<(Change, Option<String>), (Arc<RuleName>, Example)>;

fn of_operation<'p>(
    (old, before): (&'p Policies, Option<Client>),
    (new, after): (&'p Policies, Option<Client>),
    operation: Operation,
) -> (Found, bool) {
    let none = Rules::default();
    let rules = |policies: &'p Policies, client: Option<Client>| {
        client.and_then(|client| policies.rules(client, operation))
    };
    let own = rules(old, before).unwrap_or(&none);
    let other = rules(new, after).unwrap_or(&none);
    let mut found = Found::new();
    if own.allow.is_empty() && other.allow.is_empty() {
        return (found, false);
    }
    let definition = operation.definition();
    let allowed = |policies: &Policies, client: Option<Client>, example: &Example| {
        client.is_some_and(|client| policies.allows(client, example))
    };
    // Rules that speak of what they do not name, or of another level.
    let levels: BTreeSet<ApiVersion> = (own.allow.iter().chain(&other.allow))
        .map(|rule| rule.level)
        .collect();
    let listed = |rule: &Arc<Allow>| rule.conditions.listed;
    let each = levels.len() > 1 || own.allow.iter().chain(&other.allow).any(listed);
    let first = witness::examples(definition, own, &other.deny, each, |it| {
        allowed(old, before, it)
    });
    let second = witness::examples(definition, other, &own.deny, each, |it| {
        allowed(new, after, it)
    });
    let cut = first.cut || second.cut;
    for example in first.examples.into_iter().chain(second.examples) {
        let (Some(was), Some(is)) = (
            outcome(old, before, &example),
            outcome(new, after, &example),
        ) else {
            continue;
        };
        let (change, fields, rule) = match (was, is) {
            (Outcome::Refused { field }, Outcome::Allowed { rule, exposed, .. }) => {
                (Change::Allows, fields(field, exposed), rule)
            }
            (Outcome::Allowed { rule, exposed, .. }, Outcome::Refused { field }) => {
                (Change::Refuses, fields(field, exposed), rule)
            }
            (
                Outcome::Allowed {
                    forwarded: before, ..
                },
                Outcome::Allowed {
                    forwarded, rule, ..
                },
            ) if before != forwarded => (
                Change::Forwards,
                vec![before.first_difference(&forwarded)],
                rule,
            ),
            _ => continue,
        };
        for field in fields {
            let shown = found.entry((change, field));
            let length = |example: &Example| example.to_json().to_string().len();
            shown
                .and_modify(|shown| {
                    if length(&example) < length(&shown.1) {
                        *shown = (Arc::clone(&rule), example.clone());
                    }
                })
                .or_insert_with(|| (Arc::clone(&rule), example.clone()));
        }
    }
    (found, cut)
}

/// The field that one side refuses. Where it refuses the operation as such, what is
/// guarded in the request is a difference of its own.
fn fields(refused: Option<String>, exposed: Vec<String>) -> Vec<Option<String>> {
    match refused {
        Some(field) => vec![Some(field)],
        None => std::iter::once(None)
            .chain(exposed.into_iter().map(Some))
            .collect(),
    }
}

/// What policies make of a request, if it is one of the operation that it names. A
/// client that is not there may do nothing.
fn outcome(policies: &Policies, client: Option<Client>, example: &Example) -> Option<Outcome> {
    let Some(client) = client else {
        return Some(Outcome::Refused { field: None });
    };
    policies.judged(client, example, |judged| match judged {
        Ok((rule, forwarded)) => {
            let exposed = exposure::of(forwarded).into_iter();
            Outcome::Allowed {
                rule: Arc::clone(rule),
                forwarded: Box::new(Example::understood(forwarded)),
                exposed: exposed.map(|it| it.path).collect(),
            }
        }
        Err(denial) => Outcome::Refused {
            field: denial.field().map(str::to_owned),
        },
    })
}

//! The list of known risks: each entry of a guarded field is refused under the
//! bare rule, with a message that names it, and forwarded when a rule names it.

use std::collections::BTreeSet;

use opgate::api::Operation;

use crate::gate::{ask, bare_rule, gate};
use crate::guarded::{is_shut, opens};
use crate::list;
use crate::places::{self, Place};

/// Classes of fields that must be guarded, unless they leave what is made within
/// its default confinement.
const GUARDED: [&str; 4] = ["host-escape", "privilege", "cross-container", "network"];

/// An entry: operation, place and classes.
struct Entry {
    operation: &'static str,
    place: String,
    classes: Vec<&'static str>,
}

fn entries() -> Vec<Entry> {
    include_str!("../definitions/risks.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut columns = line.split('\t');
            Entry {
                operation: columns.next().unwrap(),
                place: path(columns.next().unwrap()),
                classes: columns.next().unwrap().split(',').collect(),
            }
        })
        .collect()
}

/// The path of an entry, as messages write it: `query:all` is `query.all`, and
/// what a list or map as such may do is its field's.
fn path(place: &str) -> String {
    let place = place.replace(':', ".").replace("X-Meta-*", "X-Meta-");
    let whole = place.trim_end_matches("[]").trim_end_matches("{}");
    whole.trim_end_matches("[]").to_owned()
}

/// Entries that are about something else than a place of their own.
fn elsewhere() -> BTreeSet<(String, String)> {
    include_str!("../definitions/risks-elsewhere.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" #"))
        .filter_map(|(entry, _)| entry.split_once(' '))
        .map(|(operation, place)| (operation.to_owned(), path(place)))
        .collect()
}

#[test]
fn every_entry_of_the_known_risks_is_shut_until_a_rule_names_it() {
    let all = places::places();
    let elsewhere = elsewhere();
    let mut open = BTreeSet::new();
    let (mut shut, mut fields, mut other) = (0_usize, 0_usize, 0_usize);
    for entry in entries() {
        let Entry {
            operation,
            place,
            classes,
        } = entry;
        let key = (operation.to_owned(), place.replace(' ', "-"));
        if place == "-" || (elsewhere.contains(&key) && place != "body") {
            continue;
        }
        // An entry about an object is about its fields.
        let inside = |found: &&Place| {
            found.path.strip_prefix(&place).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('.') || rest.starts_with("[].")
            })
        };
        let found: Vec<&Place> = all
            .iter()
            .filter(|found| {
                let variant_of = found.operation.variant_of;
                let base = variant_of.map(|(base, _)| Operation::ALL[usize::from(base)].name());
                found.operation.name == operation || base == Some(operation)
            })
            .filter(inside)
            .collect();
        assert!(
            !found.is_empty(),
            "{operation} {place}: there is no such place"
        );
        let guarded: Vec<&&Place> = found.iter().filter(|place| place.is_guarded()).collect();
        if guarded.is_empty() {
            if classes.iter().any(|class| GUARDED.contains(class)) {
                open.insert(format!("{operation} {place}"));
            } else {
                other += 1;
            }
            continue;
        }
        for place in guarded {
            is_shut(place);
            opens(place);
            fields += 1;
        }
        shut += 1;
    }
    println!(
        "{shut} entries are shut until they are named ({fields} parameters and fields), \
         {} are open within the default confinement, {other} of other classes are open",
        open.len()
    );
    list::names(include_str!("open.txt"), &open);
    assert!(shut > 150, "{shut}");
}

#[test]
fn every_operation_is_shut_until_a_rule_names_it() {
    let mut count = 0_usize;
    let all: Vec<_> = crate::samples::operations().collect();
    for operation in &all {
        let others = all.iter().filter(|other| other.name != operation.name);
        let others: Vec<_> = others.map(|other| bare_rule(other)).collect();
        let request = places::bare(operation);
        let refused = ask(&gate(&others), &request).map(|_| ()).unwrap_err();
        assert_eq!(
            refused,
            (
                403,
                format!(
                    "opgate: {} refused for client me: no rule allows this operation",
                    operation.name
                )
            )
        );
        let always = places::always(operation).next().is_some();
        if !always {
            ask(&gate(&[bare_rule(operation)]), &request)
                .unwrap_or_else(|error| panic!("{}: {error:?}", operation.name));
        }
        count += 1;
    }
    println!("{count} operations are shut until a rule names them");
    assert!(count > 100, "{count}");
}

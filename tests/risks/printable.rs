//! Which texts may be shown: a list that somebody has read.

use std::collections::BTreeSet;

use crate::canaries::{Canary, everywhere};
use crate::list;
use crate::places::Place;

/// Names of fields that hold what is nobody's business: a path with one of them
/// in it is not on the list, whatever the reason.
const SECRET: [&str; 27] = [
    "Annotations",
    "Args",
    "CACert",
    "Cmd",
    "Command",
    "Config",
    "Data",
    "DriverOpts",
    "Entrypoint",
    "Env",
    "Healthcheck",
    "JoinToken",
    "Labels",
    "Options",
    "SigningCAKey",
    "UnlockKey",
    "X-Meta-",
    "X-Registry-Auth",
    "X-Registry-Config",
    "auth",
    "buildargs",
    "changes",
    "email",
    "env",
    "fromSrc",
    "password",
    "remote",
];

fn printable() -> Vec<Place> {
    let canaries = everywhere().into_iter();
    canaries
        .filter(|(_, Canary { printable, .. })| *printable)
        .map(|(place, _)| place)
        .collect()
}

#[test]
fn what_may_be_shown_is_on_the_list_with_its_reason() {
    let found: BTreeSet<String> = printable().iter().map(Place::name).collect();
    println!("{} texts may be shown", found.len());
    list::names(include_str!("printable.txt"), &found);
}

#[test]
fn nothing_that_holds_secrets_may_be_shown() {
    for place in printable() {
        let names = place.path.split(['.', '[', '{']);
        let secret = names.clone().find(|name| SECRET.contains(name));
        // Of a plugin, an image by name.
        let plugin = place.path.ends_with(".remote") && place.name().contains("Plugin");
        assert!(secret.is_none() || plugin, "{}", place.name());
    }
}

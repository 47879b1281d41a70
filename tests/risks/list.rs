//! Lists beside the tests: a line for each thing, with a reason behind `#`.

use std::collections::BTreeSet;

/// The lines of a list. Each must have a reason.
pub(crate) fn reasoned(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (thing, reason) = line.split_once('#').unwrap_or((line, ""));
            assert!(!reason.trim().is_empty(), "`{line}` has no reason");
            thing.trim().to_owned()
        })
        .collect()
}

/// Asserts that a list names what was found: nothing more, nothing less.
#[track_caller]
pub(crate) fn names(text: &str, found: &BTreeSet<String>) {
    let listed = reasoned(text);
    let missing: Vec<&String> = found.difference(&listed).collect();
    let stale: Vec<&String> = listed.difference(found).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "found and not listed: {missing:#?}\nlisted and not found: {stale:#?}"
    );
}

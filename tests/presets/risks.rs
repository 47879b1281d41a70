//! What the policies open of the gravest classes, as a list that somebody has read.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use opgate::api::definition::RiskClass;
use opgate::policy;

use crate::support::{Asker, presets};

#[test]
fn what_the_policies_open_is_known_and_each_witness_passes() {
    let mut lines = BTreeSet::new();
    let mut witnesses = 0_usize;
    for (name, text) in presets() {
        let policies = policy::resolve(&name, &text).unwrap().policies;
        for risks in policies.risks() {
            assert_eq!(risks.unproven, [], "{name}");
            let asker = Asker::new(&name, &text, &risks.client);
            for opening in risks.openings {
                let request = opening.witness.request().unwrap();
                let refused = asker
                    .ask(
                        &request.method,
                        &request.target,
                        &request.header_bytes(),
                        &request.body,
                    )
                    .err();
                assert!(refused.is_none(), "{name} {opening:?}: {refused:?}");
                witnesses += 1;
                if matches!(opening.class, RiskClass::HostEscape | RiskClass::Privilege) {
                    let field = opening.field.as_deref().unwrap_or("by itself");
                    let (class, operation) = (opening.class.name(), opening.operation);
                    lines.insert(format!("{name} {class} {operation} {field}"));
                }
            }
        }
    }
    println!("{witnesses} witnesses of {} lines", lines.len());
    assert!(witnesses > 300, "{witnesses}");
    let mut text = Vec::from_iter(lines).join("\n");
    text.push('\n');
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/presets/opened.txt");
    if std::env::var_os("OPGATE_UPDATE_GOLDEN").is_some() && std::env::var_os("CI").is_none() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(path).unwrap());
}

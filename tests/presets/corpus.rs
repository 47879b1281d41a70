//! Recorded requests of the clients that there is a policy for: all of them are
//! allowed, but for those of the list.
//!
//! `refused.tsv` is the list, reviewed by hand: what a recording tried out and the
//! policy keeps shut on purpose. A line more or less is a failure; the test writes the
//! list as it would be to `target/tmp/`.

use std::path::Path;

use crate::recorded::Recorded;
use crate::support::{Asker, opened, presets};

/// The policy, whether with the rules that it has as comments, and the client whose
/// requests were recorded.
const RECORDED: [(&str, bool, &str); 7] = [
    ("compose", false, "docker-compose-2.40.3"),
    ("compose", true, "buildx-0.29.1"),
    ("prometheus", true, "prometheus-2.42"),
    ("read-only", true, "oxker-0.13.4"),
    ("read-only", false, "zabbix-agent2-6.0.14"),
    ("testcontainers", true, "testcontainers-node-11.14.0"),
    ("testcontainers", false, "testcontainers-python-4.15.0"),
];

#[test]
fn what_was_recorded_is_allowed_or_listed() {
    let presets = presets();
    let recorded = Recorded::all();
    let mut refused = Vec::new();
    for (preset, all, client) in RECORDED {
        let text = if all {
            opened(&presets[preset])
        } else {
            presets[preset].clone()
        };
        let asker = Asker::new(preset, &text, preset);
        let (mut requests, mut allowed) = (0, 0);
        for request in recorded.iter().filter(|request| request.client == client) {
            requests += 1;
            let headers = request.headers();
            let lines: Vec<(&str, &[u8])> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_slice()))
                .collect();
            match asker.ask(&request.method, &request.target, &lines, request.body()) {
                Ok(()) => allowed += 1,
                Err(refusal) => {
                    let operation = refusal.operation().map_or("", |operation| operation.name());
                    let field = refusal.field().unwrap_or("the operation");
                    let n = request.n;
                    refused.push(format!("{preset}\t{client}\t{n}\t{operation}\t{field}\n"));
                }
            }
        }
        assert!(
            allowed * 2 > requests && requests > 2,
            "{preset}: {allowed} of {requests} of {client}"
        );
    }
    let refused = refused.concat();
    let expected = include_str!("refused.tsv");
    if refused != expected {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("refused-by-presets.tsv");
        std::fs::write(&path, &refused).unwrap();
        let new = refused.lines().filter(|line| !expected.contains(line));
        panic!(
            "{} is not tests/presets/refused.tsv; new in it:\n{}",
            path.display(),
            new.collect::<Vec<_>>().join("\n")
        );
    }
}

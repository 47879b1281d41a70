//! Every kind of listener × every kind of identity: who is which client, and who is
//! none, by the real gate and its log; and callers who would like to be another.
#![cfg(test)]

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use opgate::diagnostic::{Code, Severity};
use opgate::policy;

#[path = "support/certs.rs"]
#[expect(dead_code, reason = "other tests look at certificates themselves")]
mod certs;
#[path = "support/containers.rs"]
#[expect(dead_code, reason = "other tests count questions")]
mod containers;
#[path = "support/groups.rs"]
mod groups;
#[path = "support/handed.rs"]
mod handed;
#[path = "support/logged.rs"]
#[expect(dead_code, reason = "other tests reload")]
mod logged;
#[path = "support/peer.rs"]
#[expect(dead_code, reason = "other tests look at descriptors and memory")]
mod peer;
#[path = "support/start.rs"]
mod start;

#[path = "matrix/callers.rs"]
mod callers;
#[path = "matrix/cells.rs"]
mod cells;
#[path = "matrix/gate.rs"]
mod gate;
#[path = "matrix/identities.rs"]
mod identities;
#[path = "matrix/kinds.rs"]
mod kinds;
#[path = "matrix/process.rs"]
mod process;

use callers::World;
use identities::Identity;
use kinds::{Kind, Shows, Way};

/// Says loudly that something is not looked at.
fn skipped(what: &str, why: &str) {
    // Not `eprintln!`, which the test harness would capture and then drop.
    let line = format!("\n=== {what} SKIPPED: {why} ===\n");
    drop(std::io::stderr().write_all(line.as_bytes()));
}

#[test]
fn every_cell_is_as_the_table_says() {
    let world = World::new();
    if let Some(why) = world.no_users {
        skipped("OTHER USERS", why);
    }
    let identities: Vec<Identity> = Identity::all().collect();
    let next = AtomicUsize::new(0);
    let cells = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(identity) = identities.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = cells::run(&world, *identity);
                    cells.fetch_add(done, Ordering::Relaxed);
                }
            });
        }
    });
    // 8 kinds of listeners, 4 of them by two versions of TLS, and 28 of identities.
    assert_eq!(cells.into_inner(), 12 * 28);
    assert_eq!(Way::all().count() * Identity::all().count(), 12 * 28);
}

/// What the loader says of a file with one kind of listener only.
#[test]
fn the_loader_knows_what_a_listener_can_tell() {
    let world = World::new();
    let mut cells = 0;
    for identity in Identity::all() {
        for kind in Kind::all() {
            let place = |twin: bool| match kind {
                _ if kind.is_handed_over() => format!("systemd: {}", gate::name(kind, twin)),
                Kind::Unix => format!("unix: /run/{}.sock", gate::name(kind, twin)),
                _ => format!("tcp: '127.0.0.1:{}'", 2375 + u16::from(twin)),
            };
            let mut listen = vec![gate::listener(identity, kind, false, &place(false))];
            if identity.has_twins() {
                listen.push(gate::listener(identity, kind, true, &place(true)));
            }
            let clients = identity.clients(&[kind], &world.it);
            let default = (identity == Identity::Default).then_some("it");
            let text = gate::file(&listen, Path::new("/run/engine.sock"), default, &clients);
            let found = match policy::resolve("opgate.yaml", &text) {
                Ok(configuration) => configuration.warnings,
                Err(found) => found,
            };
            let at = format!("{identity:?} at {kind:?}: {found:?}\n{text}");
            let error = found.found().iter().find(|one| one.severity == Severity::Error);
            match identity.at(kind) {
                Shows::Yes | Shows::Never => assert!(error.is_none(), "{at}"),
                Shows::Refused(help) => {
                    let error = error.unwrap_or_else(|| panic!("{at}"));
                    assert_eq!(error.code, Code::When, "{at}");
                    let said = "no listener has callers that fit these conditions";
                    assert_eq!(error.message, said, "{at}");
                    assert_eq!(error.help.as_deref(), Some(help), "{at}");
                }
            }
            let warned = found.found().iter().any(|one| one.code == Code::EveryCaller);
            if !matches!(identity.at(kind), Shows::Refused(_)) {
                assert_eq!(warned, cells::is_warned_of(identity, kind), "{at}");
            }
            cells += 1;
        }
    }
    assert_eq!(cells, 8 * 28);
}

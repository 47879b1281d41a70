//! Every kind of listener × every kind of identity: who is which client, and who is
//! none, by the real gate and its log; and callers who would like to be another.
#![cfg(test)]

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

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
#[path = "support/source.rs"]
mod source;
#[path = "support/start.rs"]
mod start;

#[path = "matrix/callers.rs"]
mod callers;
#[path = "matrix/cells.rs"]
mod cells;
#[path = "matrix/docker.rs"]
mod docker;
#[path = "matrix/gate.rs"]
mod gate;
#[path = "matrix/identities.rs"]
mod identities;
#[path = "matrix/kinds.rs"]
mod kinds;
#[path = "matrix/loader.rs"]
mod loader;
#[path = "matrix/process.rs"]
mod process;
#[path = "matrix/reuse.rs"]
mod reuse;
#[path = "matrix/spoofing.rs"]
mod spoofing;
#[path = "matrix/wire.rs"]
mod wire;
#[path = "matrix/world.rs"]
mod world;

use identities::Identity;
use kinds::Way;
use world::World;

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

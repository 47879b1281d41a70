//! A gate under long strain by TLS: certificates and policies change while it serves,
//! clients are slow, many, or leave in the middle. Nobody else notices, and nothing of
//! it stays.
#![cfg(test)]

#[path = "support/certs.rs"]
#[expect(dead_code, reason = "other tests look at more of certificates")]
mod certs;
#[path = "wear/gate.rs"]
mod gate;
#[path = "support/letters.rs"]
mod letters;
#[path = "wear/many.rs"]
mod many;
#[path = "support/peer.rs"]
mod peer;
#[path = "wear/rotation.rs"]
mod rotation;
#[path = "wear/slow.rs"]
mod slow;
#[path = "support/start.rs"]
mod start;
#[path = "wear/storm.rs"]
mod storm;
#[path = "wear/writes.rs"]
mod writes;

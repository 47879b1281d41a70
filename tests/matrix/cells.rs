//! Cells of the table: a kind of listener, by a version of TLS, and a kind of identity.

use std::collections::HashSet;

use serde_json::Value;

use super::callers::{Change, Shown};
use super::gate::Gate;
use super::identities::{Fact, Identity};
use super::kinds::{Kind, Shows, Way};
use super::skipped;
use super::world::World;

pub(crate) const INFO: &str = "GET /info HTTP/1.1\r\nHost: docker\r\n\r\n";
const VOLUMES: &str = "GET /volumes HTTP/1.1\r\nHost: docker\r\n\r\n";

/// All cells of an identity; how many were looked at, or left out loudly.
pub(crate) fn run(world: &World, identity: Identity) -> usize {
    let mut looked_at = HashSet::new();
    for default in [None, Some("guests")] {
        let kinds = kinds(world, identity, default);
        // Where the unix sockets are left out there may be none that can tell it.
        if (kinds.iter()).all(|kind| matches!(identity.at(*kind), Shows::Refused(_))) {
            continue;
        }
        let default = default.filter(|_| identity != Identity::Default);
        let by_default = (identity == Identity::Default).then_some("it");
        let gate = Gate::start(world, identity, &kinds, default.or(by_default));
        for way in Way::all().filter(|way| kinds.contains(&way.kind)) {
            let cell = Cell {
                world,
                gate: &gate,
                identity,
                way,
                default,
            };
            cell.look();
            looked_at.insert(way);
        }
    }
    // What cannot be looked at here was said to be skipped.
    let is_skipped = identity.goes_by_containers() && world.no_groups.is_some();
    let skipped = Way::all().filter(|way| is_skipped && !looked_at.contains(way));
    looked_at.len() + skipped.count()
}

/// The kinds that a gate of this identity can have.
fn kinds(world: &World, identity: Identity, default: Option<&str>) -> Vec<Kind> {
    let no_groups = world
        .no_groups
        .as_ref()
        .filter(|_| identity.goes_by_containers());
    if let Some(why) = no_groups {
        skipped(&format!("{identity:?} on unix sockets"), why);
    }
    Kind::all()
        // With a default there is somebody to serve at each.
        .filter(|kind| default.is_some() || !matches!(identity.at(*kind), Shows::Refused(_)))
        // One that is handed over may be one.
        .filter(|kind| no_groups.is_none() || !(kind.is_unix() || kind.is_handed_over()))
        .collect()
}

struct Cell<'c> {
    world: &'c World,
    gate: &'c Gate,
    identity: Identity,
    way: Way,
    /// Whether whoever fits none is a guest.
    default: Option<&'static str>,
}

impl Cell<'_> {
    fn look(&self) {
        self.expect(Change::None);
        for change in Change::at(self.way.kind).filter(|change| self.matters(*change)) {
            self.expect(change);
        }
    }

    /// Whether it is worth looking at.
    fn matters(&self, change: Change) -> bool {
        match change {
            Change::None => false,
            Change::Listener => self.identity.has_twins(),
            Change::User(_) if self.world.no_users.is_some() => false,
            // What the identity does not ask for is looked at once.
            _ => {
                let asked = self.identity.asks(self.way.kind);
                let is_asked = change.facts().iter().any(|fact| asked.contains(fact));
                is_asked || (self.default.is_none() && !self.way.old)
            }
        }
    }

    /// The client that whoever differs so has to be.
    fn client(&self, change: Change) -> &'static str {
        let asked = self.identity.asks(self.way.kind);
        let differs = change.facts().iter().any(|fact| asked.contains(fact));
        match self.identity.at(self.way.kind) {
            _ if change == Change::Listener => match self.identity {
                // A listener of somebody else, but with a client of its own.
                _ if self.identity.has_twins() => "beside",
                _ => unreachable!("there is no other listener"),
            },
            Shows::Yes if !differs => "it",
            Shows::Yes if self.identity == Identity::Default => "beside",
            Shows::Yes if self.identity.is_named() => "-",
            Shows::Yes | Shows::Never | Shows::Refused(_) => self.default.unwrap_or("-"),
        }
    }

    fn expect(&self, change: Change) {
        let Self { identity, way, .. } = *self;
        let at = format!(
            "{identity:?} at {way:?}, default {:?}: {change:?}",
            self.default
        );
        let caller = change.caller();
        let connected = caller.connect(self.world, self.gate, way);
        if change == Change::Shown(Shown::Forged) {
            // With TLS 1.3 the client has done its part before it is refused.
            let answer = connected.and_then(|mut wire| wire.ask(INFO));
            assert!(answer.is_err(), "{at}: {answer:?}");
            // There is no record: the next one is the next request's.
            return;
        }
        let mut wire = connected.unwrap_or_else(|error| panic!("{at}: {error}"));
        let expected = self.client(change);
        let (status, body) = wire.ask(INFO).unwrap();
        let record = self.gate.record();
        let shown = format!("{at}: {status} {body} {record}");
        assert_eq!(record["client"], expected, "{shown}");
        assert_eq!(record["status"], status, "{shown}");
        if expected == "it" {
            assert_eq!(status, 200, "{shown}");
            assert!(body.contains("stand-in"), "{shown}");
            assert_eq!(record["decision"], "allow", "{shown}");
            assert_eq!(record["operation"], "SystemInfo", "{shown}");
            let (status, body) = wire.ask(VOLUMES).unwrap();
            let record = self.gate.record();
            let shown = format!("{at}: {status} {body} {record}");
            assert_eq!(status, 403, "{shown}");
            assert!(body.contains("VolumeList refused for client it"), "{shown}");
            assert_eq!(record["client"], "it", "{shown}");
            assert_eq!(record["decision"], "refuse", "{shown}");
            assert_eq!(record["operation"], "VolumeList", "{shown}");
            return;
        }
        assert_eq!(status, 403, "{shown}");
        assert_eq!(record["decision"], "refuse", "{shown}");
        if expected == "-" {
            let told = r#"{"message":"opgate: no client fits this connection"}"#;
            assert_eq!(body.trim_end(), told, "{shown}");
            assert_eq!(record["operation"], Value::Null, "{shown}");
            let message = record["message"].as_str().unwrap();
            for seen in caller.seen(self.world, way) {
                assert!(message.contains(&seen), "{shown}: {seen}");
            }
        } else {
            let told = format!("SystemInfo refused for client {expected}");
            assert!(body.contains(&told), "{shown}");
        }
    }
}

/// Whether an identity goes by something that others can feign on TCP.
pub(crate) fn is_warned_of(identity: Identity, kind: Kind) -> bool {
    use Fact::{Cn, Dns, Gid, Id, Image, Ip, Key, Labels, Name, Uid, Uri};
    let asked = identity.asks(kind);
    let has = |facts: &[Fact]| facts.iter().any(|fact| asked.contains(fact));
    kind.may_be_tcp() && has(&[Name, Id, Image, Labels]) && !has(&[Uid, Gid, Cn, Dns, Ip, Uri, Key])
}

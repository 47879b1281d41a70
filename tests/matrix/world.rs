//! What callers are made of: certificates, processes, containers.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use rcgen::{PublicKeyData as _, SanType};
use serde_json::{Value, json};

use super::callers::{Place, Shown, User};
use super::certs::{Authority, Issued, Wanted, dns, uri};
use super::containers::Engine;
use super::groups::{Group, Main};
use super::process::Process;

/// Who `it` is, as far as that is not the same everywhere.
pub(crate) struct It {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) other_uid: u32,
    /// The SHA-256 of its key.
    pub(crate) key: String,
}

/// All that callers are made of, the same for all gates.
pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) it: It,
    /// Why nobody can be another user.
    pub(crate) no_users: Option<&'static str>,
    /// Why no process can be in a container.
    pub(crate) no_groups: Option<String>,
    certificates: BTreeMap<Shown, Issued>,
    // Ends before the groups are removed.
    processes: Mutex<HashMap<(User, Place), Arc<Process>>>,
    mains: Vec<(Place, Main)>,
    groups: Option<Group>,
}

impl World {
    pub(crate) fn new() -> Self {
        let authority = Authority::new("own");
        let forger = Authority::new("own");
        let certificates: BTreeMap<Shown, Issued> = [
            (Shown::Its, &authority),
            (Shown::OtherCn, &authority),
            (Shown::OtherDns, &authority),
            (Shown::OtherIp, &authority),
            (Shown::OtherUri, &authority),
            (Shown::OtherKey, &authority),
            (Shown::Forged, &forger),
        ]
        .into_iter()
        .map(|(shown, authority)| (shown, authority.issue(certificate(shown))))
        .collect();
        let root = rustix::process::geteuid().is_root();
        let (uid, gid) = if root {
            (60001, 60010)
        } else {
            let gid = rustix::process::getegid().as_raw();
            (rustix::process::geteuid().as_raw(), gid)
        };
        let it = It {
            uid,
            gid,
            other_uid: 60002,
            key: key(&certificates[&Shown::Its]),
        };
        let mut world = Self {
            authority,
            it,
            no_users: (!root).then_some("only root can be somebody else"),
            no_groups: opgate::identity::process::available().err(),
            certificates,
            processes: Mutex::default(),
            mains: Vec::new(),
            groups: None,
        };
        if world.no_groups.is_none() && root {
            world.groups = Group::make();
        }
        let Some(groups) = &world.groups else {
            let why = "no control groups can be made here".to_owned();
            world.no_groups.get_or_insert(why);
            return world;
        };
        for place in Place::CONTAINERS {
            let (id, _) = place.container().unwrap();
            let main = Main::start(&groups.below(&format!("docker/{id}/init")));
            world.mains.push((place, main));
        }
        world
    }

    /// Tells an Engine of the containers, and what else it is asked.
    pub(crate) fn tell(&self, engine: &Engine) {
        for place in Place::CONTAINERS {
            let (id, name) = place.container().unwrap();
            // One whose process is not there is no trouble for callers by TCP.
            let main = self.mains.iter().find(|(at, _)| *at == place);
            let main = main.map_or(1, |(_, main)| main.0.id());
            engine.has(&id, name, main, place.address());
            let target = format!("/containers/{id}/json");
            let mut said = engine.said(&target);
            said["Config"] = match place {
                Place::OtherImage => config("ghcr.io/acme/web:2", "front"),
                Place::OtherLabels => config("ghcr.io/acme/web:1", "back"),
                Place::Its | Place::OtherName | Place::Elsewhere => {
                    config("ghcr.io/acme/web:1", "front")
                }
            };
            engine.says(&target, said);
        }
        engine.says("/info", json!({ "Name": "stand-in" }));
        engine.says("/_ping", json!("OK"));
    }

    /// A process that stays for as long as anybody may need it.
    pub(crate) fn process(&self, user: User, place: Place) -> Arc<Process> {
        let mut processes = self.processes.lock().unwrap();
        let process = processes
            .entry((user, place))
            .or_insert_with(|| Arc::new(self.new_process(user, place)));
        Arc::clone(process)
    }

    /// A process of its own, which nobody else uses.
    pub(crate) fn new_process(&self, user: User, place: Place) -> Process {
        let ids = match user {
            User::Its => (self.it.uid, self.it.gid),
            User::Other => (self.it.other_uid, self.it.gid),
            User::InOtherGroup => (self.it.uid, 60011),
        };
        let group = self.groups.as_ref().and_then(|groups| {
            let (id, _) = place.container()?;
            Some(groups.below(&format!("docker/{id}")))
        });
        Process::start(ids, group.as_deref())
    }

    pub(crate) fn certificate(&self, shown: Shown) -> Option<&Issued> {
        self.certificates.get(&shown)
    }
}

fn config(image: &str, tier: &str) -> Value {
    json!({ "Image": image, "Labels": { "role": "web", "tier": tier, "more": "1" } })
}

fn certificate(shown: Shown) -> Wanted<'static> {
    let other = |is: Shown, its: &'static str, other: &'static str| {
        if shown == is { other } else { its }
    };
    let ip: [u8; 4] = if shown == Shown::OtherIp {
        [192, 0, 2, 10]
    } else {
        [192, 0, 2, 1]
    };
    Wanted {
        names: vec![other(Shown::OtherCn, "ci", "ci2")],
        others: vec![
            dns(other(Shown::OtherDns, "ci.example.net", "ci.example.ne")),
            SanType::IpAddress(ip.into()),
            uri(other(
                Shown::OtherUri,
                "spiffe://example.net/ci",
                "spiffe://example.net/ci/",
            )),
        ],
        ..Wanted::default()
    }
}

/// The SHA-256 of a public key.
fn key(issued: &Issued) -> String {
    let spki = issued.key.subject_public_key_info();
    let digest = ring::digest::digest(&ring::digest::SHA256, &spki);
    let mut hex = String::new();
    for byte in digest.as_ref() {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}

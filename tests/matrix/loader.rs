//! What can be seen in a policy file alone, and whether the table has all that one can say.

use std::collections::BTreeSet;
use std::path::Path;

use opgate::diagnostic::{Code, Severity};
use opgate::policy;
use serde_json::Value;

use super::cells::is_warned_of;
use super::gate::{file, listener, name};
use super::identities::{Identity, written};
use super::kinds::{Kind, Shows, kinds_of};
use super::world::World;

/// A file with listeners of these kinds.
fn text(world: &World, identity: Identity, kinds: &[Kind]) -> String {
    let twins: &[bool] = if identity.has_twins() {
        &[false, true]
    } else {
        &[false]
    };
    let mut listen = Vec::new();
    for kind in kinds {
        for twin in twins {
            let name = name(*kind, *twin);
            let place = match kind {
                _ if kind.is_handed_over() => format!("systemd: {name}"),
                Kind::Unix => format!("unix: /run/{name}.sock"),
                _ => format!("tcp: '127.0.0.1:{}'", 2375 + listen.len()),
            };
            listen.push(listener(identity, *kind, *twin, &place));
        }
    }
    let clients = identity.clients(kinds, &world.it);
    let default = (identity == Identity::Default).then_some("it");
    file(&listen, Path::new("/run/engine.sock"), default, &clients)
}

/// What the loader says of a file with one kind of listener only.
#[test]
fn the_loader_knows_what_a_listener_can_tell() {
    let world = World::new();
    let mut cells = 0;
    for identity in Identity::all() {
        for kind in Kind::all() {
            let text = text(&world, identity, &[kind]);
            let found = match policy::resolve("opgate.yaml", &text) {
                Ok(configuration) => configuration.warnings,
                Err(found) => found,
            };
            let at = format!("{identity:?} at {kind:?}: {found:?}\n{text}");
            let error = found.found().iter().find(|one| one.code == Code::When);
            match identity.at(kind) {
                Shows::Yes | Shows::Never => {
                    let wrong = found
                        .found()
                        .iter()
                        .any(|one| one.severity == Severity::Error);
                    assert!(!wrong, "{at}");
                }
                Shows::Refused(help) => {
                    let error = error.unwrap_or_else(|| panic!("{at}"));
                    assert_eq!(error.severity, Severity::Error, "{at}");
                    let said = "no listener has callers that fit these conditions";
                    assert_eq!(error.message, said, "{at}");
                    assert_eq!(error.help.as_deref(), Some(help), "{at}");
                }
            }
            let warned = found
                .found()
                .iter()
                .any(|one| one.code == Code::EveryCaller);
            if !matches!(identity.at(kind), Shows::Refused(_)) {
                assert_eq!(warned, is_warned_of(identity, kind), "{at}");
            }
            cells += 1;
        }
    }
    assert_eq!(cells, 8 * 28);
}

/// A kind of address, a key of a listener or a condition that is new has to be decided here.
#[test]
fn nothing_that_a_file_can_say_is_left_out() {
    let world = World::new();
    let kinds: Vec<Kind> = Kind::all().collect();
    let text = text(&world, Identity::Client, &kinds);
    let found = policy::resolve("opgate.yaml", &text).unwrap();
    for (kind, listener) in kinds.iter().zip(found.listeners.iter().step_by(2)) {
        assert!(kinds_of(&listener.address).contains(kind), "{kind:?}");
    }

    let schema = policy::schema();
    let when = "/properties/clients/additionalProperties/properties/when/anyOf/0/properties";
    let mut conditions = BTreeSet::new();
    for (section, what) in schema.pointer(when).unwrap().as_object().unwrap() {
        match what.get("properties").and_then(Value::as_object) {
            Some(keys) => conditions.extend(keys.keys().map(|key| format!("{section}.{key}"))),
            None => drop(conditions.insert(section.clone())),
        }
    }
    let asked = Identity::all().flat_map(|identity| {
        Kind::all()
            .flat_map(move |kind| identity.asks(kind).iter().filter_map(|fact| written(*fact)))
    });
    assert_eq!(
        asked.map(str::to_owned).collect::<BTreeSet<_>>(),
        conditions
    );

    let keys = |at: &str| {
        let keys = schema.pointer(at).unwrap().as_object().unwrap().keys();
        keys.cloned().collect::<BTreeSet<_>>()
    };
    let known = [
        "client", "group", "insecure", "limits", "mode", "name", "owner", "systemd", "tcp", "tls",
        "unix",
    ];
    assert_eq!(
        keys("/properties/listen/items/properties"),
        known.map(str::to_owned).into()
    );
    let known = [
        "cert",
        "client_ca",
        "client_certs",
        "crl",
        "key",
        "min_version",
    ];
    assert_eq!(
        keys("/properties/listen/items/properties/tls/properties"),
        known.map(str::to_owned).into()
    );
    let certs =
        schema.pointer("/properties/listen/items/properties/tls/properties/client_certs/enum");
    assert_eq!(certs.unwrap(), &serde_json::json!(["required", "optional"]));
}

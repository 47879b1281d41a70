//! What passes from one to another: addresses, numbers of processes, connections.

use std::fmt::Debug;
use std::time::Instant;

use serde_json::{Value, json};

use super::callers::{Change, Place, User};
use super::cells::INFO;
use super::gate::{At, Gate};
use super::identities::Identity;
use super::kinds::{Kind, Way};
use super::peer::PATIENCE;
use super::skipped;
use super::wire::Wire;
use super::world::World;

/// Asks; gives the client of the record, and what was told.
fn client(gate: &Gate, wire: &mut Wire) -> (String, String) {
    let (status, body) = wire.ask(INFO).unwrap();
    let record = gate.record();
    let client = record["client"].as_str().unwrap().to_owned();
    assert_eq!(record["status"], status, "{record}");
    assert_eq!(status == 200, client == "it", "{record}");
    (client, body)
}

/// Asks until the caller is no longer who it was; gives who it is, and what it was told.
/// That must be so in time since it `begun` to be somebody else.
fn no_longer(
    was: &str,
    gate: &Gate,
    wire: &mut Wire,
    begun: Instant,
    at: &impl Debug,
) -> (String, String) {
    loop {
        let (now, told) = client(gate, wire);
        if now != was {
            return (now, told);
        }
        assert!(begun.elapsed() < PATIENCE, "{at:?}");
    }
}

/// A place's container, as the Engine is asked for it.
fn target(place: Place) -> String {
    format!("/containers/{}/json", place.container().unwrap().0)
}

/// The addresses of containers become these.
fn move_to(gate: &Gate, addresses: &[(Place, &str)]) {
    let mut listed = Vec::new();
    for (place, address) in addresses {
        let networks = json!({ "Networks": { "bridge": { "IPAddress": address } } });
        let mut said = gate.engine.said(&target(*place));
        said["NetworkSettings"] = networks.clone();
        let id = said["Id"].clone();
        gate.engine.says(&target(*place), said);
        listed.push(json!({ "Id": id, "NetworkSettings": networks }));
    }
    gate.engine.says("/containers/json", Value::Array(listed));
}

const CLIENTS: &str = "clients:\n  it: { policies: [info], when: { container: { name: web } } }\n  \
                       other: { policies: [ping], when: { container: { name: web2 } } }\n";

const DOUBT: &str = "the container of this connection cannot be told for certain";

#[test]
fn an_address_that_goes_to_another_takes_no_client_with_it() {
    let world = World::new();
    let kinds: Vec<Kind> = Kind::all().filter(|kind| !kind.is_unix()).collect();
    let ways: Vec<Way> = Way::all().filter(|way| !way.kind.is_unix()).collect();
    // What is handed over may be a unix socket, of which processes would have to be told.
    let no_groups = world.no_groups.is_some();
    let kept = |kind: Kind| !(no_groups && kind.is_handed_over());
    let kinds: Vec<Kind> = kinds.into_iter().filter(|kind| kept(*kind)).collect();
    let ways = ways.into_iter().filter(|way| kept(way.kind));
    let gate = Gate::with(&world, Identity::ContainerName, &kinds, None, CLIENTS);
    let its = Place::Its.address();
    let connect = |way: Way| Change::None.caller().connect(&world, &gate, way).unwrap();
    let mut all: Vec<(Way, Wire)> = ways.map(|way| (way, connect(way))).collect();
    for (way, wire) in &mut all {
        assert_eq!(client(&gate, wire).0, "it", "{way:?}");
    }
    // The container is gone, and the next one has its address.
    move_to(&gate, &[(Place::OtherName, its)]);
    let begun = Instant::now();
    for (way, wire) in &mut all {
        let now = no_longer("it", &gate, wire, begun, way).0;
        // Nobody else in between.
        assert_eq!(now, "other", "{way:?}");
        assert_eq!(client(&gate, &mut connect(*way)).0, "other", "{way:?}");
    }
    // They change places.
    move_to(&gate, &[(Place::OtherName, "127.0.0.3"), (Place::Its, its)]);
    for (way, wire) in &mut all {
        let now = no_longer("other", &gate, wire, begun, way).0;
        assert_eq!(now, "it", "{way:?}");
    }
    // Both have it, in two networks: who asked as one of them is neither any more.
    move_to(&gate, &[(Place::OtherName, its), (Place::Its, its)]);
    for (way, wire) in &mut all {
        let (now, told) = no_longer("it", &gate, wire, begun, way);
        assert_eq!(now, "-", "{way:?}");
        assert!(told.contains(DOUBT), "{way:?}: {told}");
        let told = client(&gate, &mut connect(*way)).1;
        assert!(told.contains(DOUBT), "{way:?}: {told}");
    }
}

/// What the Engine may say of a container that was just in its list, or whose name is in
/// a control group.
fn changed(said: &Value, by_process: bool) -> Vec<(&'static str, Option<Value>)> {
    let with = |pointer: &str, value: Value| {
        let mut said = said.clone();
        *said.pointer_mut(pointer).unwrap() = value;
        Some(said)
    };
    let mut all = vec![
        ("gone", None),
        ("stopped", with("/State/Running", json!(false))),
        ("no process", with("/State/Pid", json!(0))),
        ("another", with("/Id", json!("b".repeat(64)))),
    ];
    if by_process {
        let here = std::process::id();
        all.extend([
            ("a process elsewhere", with("/State/Pid", json!(here))),
            ("no such process", with("/State/Pid", json!(i32::MAX))),
        ]);
    } else {
        let address = "/NetworkSettings/Networks/bridge/IPAddress";
        all.extend([
            ("moved", with(address, json!("127.0.0.8"))),
            ("left", with("/NetworkSettings/Networks", json!({}))),
            ("no address", with(address, json!(""))),
        ]);
    }
    all
}

#[test]
fn an_engine_that_says_two_things_makes_nobody_of_anybody() {
    let world = World::new();
    let kinds: Vec<Kind> = match &world.no_groups {
        None => Kind::all().collect(),
        Some(why) => {
            skipped("CONTAINERS ON UNIX SOCKETS", why);
            vec![Kind::Tcp, Kind::TlsServer]
        }
    };
    let clients = format!("{CLIENTS}  guests: {{ policies: [ping] }}\n");
    // A doubt is no guest either.
    let gate = Gate::with(
        &world,
        Identity::ContainerName,
        &kinds,
        Some("guests"),
        &clients,
    );
    let target = target(Place::Its);
    let said = gate.engine.said(&target);
    for way in Way::all().filter(|way| kinds.contains(&way.kind)) {
        for (what, now) in changed(&said, way.kind.is_unix()) {
            match now {
                Some(now) => gate.engine.says(&target, now),
                None => gate.engine.forgets(&target),
            }
            let mut wire = Change::None.caller().connect(&world, &gate, way).unwrap();
            let (now, told) = client(&gate, &mut wire);
            assert_eq!(now, "-", "{way:?} {what}");
            assert!(told.contains(DOUBT), "{way:?} {what}: {told}");
            // It is asked again, and then told.
            gate.engine.says(&target, said.clone());
            assert_eq!(client(&gate, &mut wire).0, "it", "{way:?} {what}");
        }
        // It is called so now.
        let mut renamed = said.clone();
        renamed["Name"] = json!("/web2");
        gate.engine.says(&target, renamed);
        let mut wire = Change::None.caller().connect(&world, &gate, way).unwrap();
        assert_eq!(client(&gate, &mut wire).0, "other", "{way:?}");
        gate.engine.says(&target, said.clone());
    }
}

#[test]
fn a_process_that_has_ended_is_in_no_container() {
    let world = World::new();
    if let Some(why) = &world.no_groups {
        skipped("PROCESSES THAT HAVE ENDED", why);
        return;
    }
    let kinds = [Kind::Unix, Kind::SystemdUnix];
    let clients = format!("{CLIENTS}  guests: {{ policies: [ping] }}\n");
    let gate = Gate::with(
        &world,
        Identity::ContainerName,
        &kinds,
        Some("guests"),
        &clients,
    );
    for kind in kinds {
        let At::Unix(path) = gate.at(kind, false) else {
            unreachable!("it is a unix socket");
        };
        // Whoever asks is in no container: each connection is another's, who has given it
        // away, or left it to a child.
        for reaped in [false, true] {
            let mut process = world.new_process(User::Its, Place::Its);
            let mut told = Wire::over(process.connect(path));
            let mut untold = Wire::over(process.connect(path));
            assert_eq!(client(&gate, &mut told).0, "it", "{kind:?}");
            process.end();
            if reaped {
                process.reap();
            }
            for _ in 0..2 {
                let (now, why) = client(&gate, &mut untold);
                assert_eq!(now, "-", "{kind:?} {reaped}");
                assert!(why.contains(DOUBT), "{kind:?} {reaped}: {why}");
            }
            // What was told before is asked for anew within a second.
            let begun = Instant::now();
            let (now, why) = no_longer("it", &gate, &mut told, begun, &(kind, reaped));
            assert_eq!(now, "-", "{kind:?} {reaped}");
            assert!(why.contains(DOUBT), "{kind:?} {reaped}: {why}");
        }
        // Who is in a container gets nothing by a connection of somebody who is in none.
        let outside = world.new_process(User::Its, Place::Elsewhere);
        let mut wire = Wire::over(outside.connect(path));
        assert_eq!(client(&gate, &mut wire).0, "guests", "{kind:?}");
    }
}

#[test]
fn a_container_that_gets_another_name_is_no_longer_who_it_was() {
    let world = World::new();
    if let Some(why) = &world.no_groups {
        skipped("CONTAINERS ON UNIX SOCKETS", why);
        return;
    }
    let kinds = [Kind::Unix, Kind::SystemdUnix, Kind::Tcp];
    let gate = Gate::with(&world, Identity::ContainerName, &kinds, None, CLIENTS);
    let target = target(Place::Its);
    let mut said = gate.engine.said(&target);
    let mut kept = kinds.map(|kind| {
        let way = Way { kind, old: false };
        let mut wire = Change::None.caller().connect(&world, &gate, way).unwrap();
        assert_eq!(client(&gate, &mut wire).0, "it", "{kind:?}");
        wire
    });
    said["Name"] = json!("/web2");
    gate.engine.says(&target, said);
    let begun = Instant::now();
    for wire in &mut kept {
        let now = no_longer("it", &gate, wire, begun, &"renamed").0;
        assert_eq!(now, "other");
    }
}

/// The user is the one who connected, whatever became of the process.
#[test]
fn a_process_that_has_ended_was_its_users() {
    let world = World::new();
    if let Some(why) = world.no_users {
        skipped("PROCESSES OF OTHER USERS", why);
        return;
    }
    let kinds = [Kind::Unix, Kind::SystemdUnix];
    let gate = Gate::start(&world, Identity::Peer, &kinds, None);
    for kind in kinds {
        let At::Unix(path) = gate.at(kind, false) else {
            unreachable!("it is a unix socket");
        };
        for (user, expected) in [
            (User::Its, "it"),
            (User::Other, "-"),
            (User::InOtherGroup, "-"),
        ] {
            let mut process = world.new_process(user, Place::Elsewhere);
            let mut wire = Wire::over(process.connect(path));
            process.end();
            process.reap();
            assert_eq!(client(&gate, &mut wire).0, expected, "{kind:?} {user:?}");
        }
    }
}

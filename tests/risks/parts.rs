//! What is named part by part: binds and mounts, and the networks of a container.
//! Every choice of parts against every request.

use opgate::gate::Gate;
use serde_json::{Map, Value, json};

use crate::gate::{ask, gate};
use crate::places::Request;

fn create(body: &Value) -> Request {
    Request {
        method: "POST",
        target: "/containers/create".to_owned(),
        headers: Vec::new(),
        body: body.to_string(),
    }
}

/// Every choice of some of these parts.
fn choices<'p>(parts: &[&'p str]) -> Vec<Vec<&'p str>> {
    (0..1_usize << parts.len())
        .map(|bits| {
            let chosen = parts.iter().enumerate();
            let chosen = chosen.filter(|(at, _)| bits >> at & 1 == 1);
            chosen.map(|(_, part)| *part).collect()
        })
        .collect()
}

/// Each of a list with these parts, whatever they are. The target is open
/// anyway.
fn each(parts: &[&str]) -> Value {
    let parts: Vec<&str> = parts.iter().copied().chain(["target"]).collect();
    each_of(&parts)
}

fn each_of(parts: &[&str]) -> Value {
    let parts = parts.iter().map(|part| (*part).to_owned());
    let parts: Map<String, Value> = parts.map(|part| (part, json!("any"))).collect();
    json!({ "each": parts })
}

/// Asserts that a request passes if and only if all the parts that it uses are
/// named; gives whether it passed.
#[track_caller]
fn held(gate: &Gate, request: &Request, named: &[&str], used: &[&str], list: &str) -> bool {
    let missing: Vec<String> = used
        .iter()
        .filter(|part| !named.contains(part))
        .map(|part| format!(" {list}[].{part}"))
        .collect();
    match ask(gate, request) {
        Ok(_) => {
            assert!(missing.is_empty(), "{named:?} let through {request:?}");
            true
        }
        Err((403, message)) => {
            let told = missing.iter().any(|path| message.contains(path.as_str()));
            assert!(told, "{named:?} {request:?} {message}");
            false
        }
        Err(other) => panic!("{request:?}: {other:?}"),
    }
}

#[test]
fn of_a_bind_each_part_is_opened_by_its_name_alone() {
    let parts = ["source", "volume", "propagation", "relabel"];
    let binds: [(&str, &[&str]); 9] = [
        ("/srv:/d", &["source"]),
        ("/srv:/d:ro", &["source"]),
        ("/srv:/d:rshared", &["source", "propagation"]),
        ("/srv:/d:rprivate", &["source"]),
        ("/srv:/d:ro,Z", &["source", "relabel"]),
        ("v1:/d", &["volume"]),
        ("v1:/d:nocopy", &["volume"]),
        ("v1:/d:z", &["volume", "relabel"]),
        ("/d", &[]),
    ];
    let (mut passed, mut refused) = (0_usize, 0_usize);
    for named in choices(&parts) {
        let says = json!({ "body": { "HostConfig": { "Binds": each(&named) } } });
        let gate = gate(&[json!({ "ContainerCreate": says })]);
        for (bind, used) in &binds {
            let request = create(&json!({ "HostConfig": { "Binds": [bind] } }));
            if held(&gate, &request, &named, used, "body.HostConfig.Binds") {
                passed += 1;
            } else {
                refused += 1;
            }
        }
    }
    println!("binds: {passed} pass, {refused} are refused");
}

#[test]
fn of_options_and_device_rules_each_part_is_opened_by_its_name_alone() {
    let options: [(&str, &[&str]); 6] = [
        ("seccomp=unconfined", &["name", "value"]),
        ("disable", &["name", "value"]),
        ("apparmor:", &["name"]),
        ("writable-cgroups", &["name"]),
        ("no-new-privileges=false", &["value"]),
        ("no-new-privileges", &[]),
    ];
    let rules: [(&str, &[&str]); 2] = [
        ("c 1:3 r", &["type", "major", "minor", "access"]),
        ("a *:* rwm", &["type", "major", "minor", "access"]),
    ];
    for (field, parts, texts) in [
        ("SecurityOpt", &["name", "value"][..], &options[..]),
        (
            "DeviceCgroupRules",
            &["type", "major", "minor", "access"],
            &rules,
        ),
    ] {
        let list = format!("body.HostConfig.{field}");
        let (mut passed, mut refused) = (0_usize, 0_usize);
        for named in choices(parts).iter().filter(|named| !named.is_empty()) {
            let says = json!({ "body": { "HostConfig": { field: each_of(named) } } });
            let gate = gate(&[json!({ "ContainerCreate": says })]);
            for (text, used) in texts {
                let request = create(&json!({ "HostConfig": { field: [text] } }));
                if held(&gate, &request, named, used, &list) {
                    passed += 1;
                } else {
                    refused += 1;
                }
            }
        }
        println!("{field}: {passed} pass, {refused} are refused");
        assert!(passed > 0 && refused > 0, "{field}");
    }
}

#[test]
fn of_mounts_each_part_is_opened_by_its_name_alone() {
    let parts = [
        "source",
        "volume",
        "image",
        "container",
        "propagation",
        "relabel",
    ];
    let mount = |mount: Value| json!({ "Mounts": [mount] });
    let host_configs: Vec<(Value, &[&str])> = vec![
        (json!({ "Binds": ["/srv:/d"] }), &["source"]),
        (
            json!({ "Binds": ["/srv:/d:rshared"] }),
            &["source", "propagation"],
        ),
        (json!({ "Binds": ["v1:/d:z"] }), &["volume", "relabel"]),
        (json!({ "Binds": ["/d"] }), &[]),
        (json!({ "VolumesFrom": ["other"] }), &["container"]),
        (
            json!({ "VolumesFrom": ["other:ro,z"] }),
            &["container", "relabel"],
        ),
        (
            mount(json!({ "Type": "bind", "Source": "/srv", "Target": "/d" })),
            &["source"],
        ),
        (
            mount(json!({ "Type": "bind", "Target": "/d" })),
            &["source"],
        ),
        (
            mount(json!({ "Source": "/srv", "Target": "/d" })),
            &["source"],
        ),
        (
            mount(json!({
                "Type": "bind", "Source": "/srv", "Target": "/d",
                "BindOptions": { "Propagation": "shared" },
            })),
            &["source", "propagation"],
        ),
        (
            mount(json!({ "Type": "npipe", "Source": "/srv", "Target": "/d" })),
            &["source"],
        ),
        (
            mount(json!({ "Type": "volume", "Source": "v1", "Target": "/d" })),
            &["volume"],
        ),
        (
            mount(json!({ "Type": "cluster", "Source": "v1", "Target": "/d" })),
            &["volume"],
        ),
        (
            mount(json!({ "Type": "image", "Source": "alpine", "Target": "/d" })),
            &["image"],
        ),
        (mount(json!({ "Type": "tmpfs", "Target": "/d" })), &[]),
        (
            json!({ "Binds": ["v1:/d"], "VolumesFrom": ["other"] }),
            &["volume", "container"],
        ),
    ];
    let (mut passed, mut refused) = (0_usize, 0_usize);
    for named in choices(&parts) {
        let gate = gate(&[json!({ "ContainerCreate": { "mounts": each(&named) } })]);
        for (host_config, used) in &host_configs {
            let request = create(&json!({ "HostConfig": host_config }));
            if held(&gate, &request, &named, used, "mounts") {
                passed += 1;
            } else {
                refused += 1;
            }
        }
    }
    println!("mounts: {passed} pass, {refused} are refused");
}

#[test]
fn a_container_joins_only_the_networks_that_are_named() {
    let names = [
        "default",
        "bridge",
        "none",
        "host",
        "ci",
        "other",
        "container:x",
    ];
    let endpoints = [&[][..], &["ci"], &["other"], &["bridge"], &["ci", "other"]];
    for rule in [
        json!({ "networks": { "subset": ["default", "ci"] } }),
        json!({ "body": { "HostConfig": { "NetworkMode": ["default", "ci"] } } }),
    ] {
        let gate = gate(&[json!({ "ContainerCreate": rule })]);
        for mode in names {
            for endpoints in endpoints {
                let joined: Map<String, Value> = endpoints
                    .iter()
                    .map(|name| ((*name).to_owned(), json!({})))
                    .collect();
                let request = create(&json!({
                    "HostConfig": { "NetworkMode": mode },
                    "NetworkingConfig": { "EndpointsConfig": joined },
                }));
                let mut all = endpoints.iter().chain([&mode]);
                let allowed = all.all(|name| ["default", "ci"].contains(name));
                assert_eq!(ask(&gate, &request).is_ok(), allowed, "{rule} {request:?}");
            }
        }
    }
}

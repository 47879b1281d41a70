//! What gives the machine, or what is secret, away: no policy lets it through, as it
//! is written or with all its rules opened.

use opgate::example::Example;
use serde_json::{Value, json};

use crate::support::{Asker, opened, presets};

/// Names and images that rules ask for, so that a refusal is for something else.
const NAMES: [&str; 4] = ["x", "wp_x", "jupyter-x", "testcontainers-ryuk-x"];
const IMAGES: [&str; 2] = ["alpine", "testcontainers/ryuk:0.8.1"];

/// What a container must not be, besides what it is allowed to be.
fn hosts() -> Vec<Value> {
    vec![
        json!({ "Privileged": true }),
        json!({ "Binds": ["/:/host"] }),
        json!({ "Binds": ["/etc:/etc:ro"] }),
        json!({ "Binds": ["/var/run/docker.sock:/x", "/:/host"] }),
        json!({ "Binds": ["/var/run/../run/docker.sock.d/../..:/x"] }),
        json!({ "Binds": ["/run/docker.sock:/x"] }),
        json!({ "Binds": ["/run/opgate:/x"] }),
        json!({ "Binds": ["/var/lib/docker:/x"] }),
        json!({ "Binds": ["/srv/../etc:/x"] }),
        json!({ "Binds": ["/srv/projects/x:/x:shared"] }),
        json!({ "Mounts": [{ "Type": "bind", "Source": "/", "Target": "/host" }] }),
        json!({ "Mounts": [{ "Type": "volume", "Target": "/x", "VolumeOptions":
            { "DriverConfig": { "Name": "local", "Options": { "type": "none", "o": "bind", "device": "/" } } } }] }),
        json!({ "Devices": [{ "PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda", "CgroupPermissions": "rwm" }] }),
        json!({ "DeviceCgroupRules": ["a *:* rwm"] }),
        json!({ "DeviceRequests": [{ "Count": -1, "Capabilities": [["gpu"]] }] }),
        json!({ "CapAdd": ["ALL"] }),
        json!({ "CapAdd": ["SYS_ADMIN"] }),
        json!({ "NetworkMode": "host" }),
        json!({ "PidMode": "host" }),
        json!({ "PidMode": "container:x" }),
        json!({ "IpcMode": "host" }),
        json!({ "UTSMode": "host" }),
        json!({ "UsernsMode": "host" }),
        json!({ "CgroupnsMode": "host" }),
        json!({ "CgroupParent": "/" }),
        json!({ "VolumesFrom": ["x"] }),
        json!({ "Runtime": "other" }),
        json!({ "Sysctls": { "net.ipv4.ip_forward": "1" } }),
        json!({ "GroupAdd": ["0"] }),
        json!({ "LogConfig": { "Type": "syslog", "Config": { "syslog-address": "tcp://192.0.2.1:514" } } }),
        json!({ "VolumeDriver": "other" }),
        json!({ "OomScoreAdj": -1000 }),
        json!({ "Annotations": { "a": "b" } }),
    ]
}

/// Other requests that no client here has business with.
fn others() -> Vec<Value> {
    let plain = [
        "SecretList",
        "SecretInspect",
        "SecretDelete",
        "ConfigList",
        "ConfigInspect",
        "SwarmInspect",
        "SwarmUnlockkey",
        "SwarmLeave",
        "NodeDelete",
        "ServiceDelete",
        "ServiceLogs",
        "TaskLogs",
        "PluginEnable",
        "PluginDelete",
        "PluginPush",
        "GetPluginPrivileges",
        "ContainerExport",
        "ImageGet",
        "BuildPrune",
    ];
    let mut requests: Vec<Value> = plain.map(|name| json!({ "operation": name })).to_vec();
    requests.extend([
        json!({ "operation": "ContainerExec", "body": { "Cmd": ["id"], "Privileged": true } }),
        json!({ "operation": "SecretCreate", "body": { "Name": "x", "Data": "eA==" } }),
        json!({ "operation": "SwarmInit", "body": { "ListenAddr": "0.0.0.0" } }),
        json!({ "operation": "SwarmJoin", "body": { "RemoteAddrs": ["192.0.2.1"], "JoinToken": "x" } }),
        json!({ "operation": "ServiceCreate", "body": { "Name": "x", "TaskTemplate": { "ContainerSpec": { "Image": "a" } } } }),
        json!({ "operation": "PluginPull", "query": { "remote": "x" } }),
        json!({ "operation": "PluginSet", "body": ["a=b"] }),
        json!({ "operation": "VolumeCreate", "body": { "Name": "wp_x", "DriverOpts": { "type": "none", "o": "bind", "device": "/" } } }),
        json!({ "operation": "VolumeCreate", "body": { "Name": "wp_x", "Driver": "other" } }),
        json!({ "operation": "NetworkCreate", "body": { "Name": "wp_x", "Driver": "macvlan", "Options": { "parent": "eth0" } } }),
        json!({ "operation": "NetworkCreate", "body": { "Name": "wp_x", "Options": { "com.docker.network.bridge.name": "br0" } } }),
        json!({ "operation": "ImageImport", "query": { "fromSrc": "http://192.0.2.1/x.tar" } }),
        json!({ "operation": "ImageBuild", "query": { "networkmode": "host" } }),
        json!({ "operation": "ImageBuild", "query": { "remote": "http://192.0.2.1/x.git" } }),
        json!({ "operation": "ContainerStart", "query": { "checkpoint": "x", "checkpoint-dir": "/tmp" } }),
        json!({ "operation": "ContainerUpdate", "body": { "Devices": [{ "PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda", "CgroupPermissions": "rwm" }] } }),
    ]);
    requests
}

#[test]
fn no_policy_gives_the_machine_or_a_secret_away() {
    let mut creates = 0;
    for (preset, text) in presets() {
        for text in [opened(&text), text] {
            for client in ["", "-reaper"] {
                let client = format!("{preset}{client}");
                if !text.contains(&format!("client: {client} }}")) {
                    continue;
                }
                let asker = Asker::new(&preset, &text, &client);
                let ask = |value: &Value| {
                    let request = Example::from_json(value).unwrap().request().unwrap();
                    let headers = request.header_bytes();
                    asker.ask(&request.method, &request.target, &headers, &request.body)
                };
                for request in others() {
                    assert!(ask(&request).is_err(), "{client} lets through {request}");
                }
                for name in NAMES {
                    for image in IMAGES {
                        let create = |host: &Value| {
                            ask(
                                &json!({ "operation": "ContainerCreate", "query": { "name": name },
                                "body": { "Image": image, "HostConfig": host } }),
                            )
                        };
                        // Refused for what is in it, unless the client creates nothing.
                        creates += usize::from(create(&json!({})).is_ok());
                        for host in hosts() {
                            assert!(create(&host).is_err(), "{client} creates with {host}");
                        }
                    }
                }
            }
        }
    }
    assert!(creates > 100, "only {creates}");
}

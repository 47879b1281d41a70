//! Clients that ask for older versions than are served, and are served all the same.
#![cfg(test)]

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;
use tempfile::TempDir;

#[path = "support/logged.rs"]
#[expect(dead_code, reason = "other tests reload")]
mod logged;
#[path = "support/peer.rs"]
#[expect(dead_code, reason = "other tests look at descriptors and memory")]
mod peer;
#[path = "support/start.rs"]
mod start;

use logged::Logged;
use peer::{Connection, PATIENCE};
use start::start;

/// A gate with a client that is pinned and one that is not, and what its Engine is
/// asked.
struct Gate {
    logged: Logged,
    folder: TempDir,
    asked: Receiver<String>,
}

impl Gate {
    /// In front of an Engine that serves these versions.
    fn start(min: &'static str, max: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = UnixListener::bind(folder.path().join("engine.sock")).unwrap();
        let (sender, asked) = channel();
        std::thread::spawn(move || {
            for stream in engine.incoming().flatten() {
                let sender = sender.clone();
                std::thread::spawn(move || {
                    let mut connection = Connection::over(stream);
                    while let Some((head, body)) = connection.message() {
                        let line = head.lines().next().unwrap();
                        if line != "GET /version HTTP/1.1" {
                            let body = String::from_utf8_lossy(&body).into_owned();
                            let _ = sender.send(format!("{line}\n{body}"));
                        }
                        let body = format!(r#"{{"ApiVersion":"{max}","MinAPIVersion":"{min}"}}"#);
                        let length = body.len();
                        let answer = format!(
                            "HTTP/1.1 200 OK\r\nApi-Version: {max}\r\nContent-Length: {length}\r\n\r\n{body}"
                        );
                        if connection.send(&answer).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        let config = folder.path().join("opgate.yaml");
        fs::write(&config, policy(folder.path())).unwrap();
        let (logged, _) = Logged::new(start(&config, "").unwrap());
        Self {
            logged,
            folder,
            asked,
        }
    }

    fn ask(&self, socket: &str, method: &str, target: &str, body: &str) -> (u16, String) {
        let mut client = Connection::to(&self.folder.path().join(socket));
        let content = match body {
            "" => String::new(),
            body => format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            ),
        };
        client.ask(&format!(
            "{method} {target} HTTP/1.1\r\nHost: docker\r\n{content}\r\n{body}"
        ))
    }

    /// What the Engine is asked when the old client asks this.
    fn forwarded(&self, method: &str, target: &str, body: &str) -> String {
        let (status, answer) = self.ask("old.sock", method, target, body);
        assert_eq!(status, 200, "{method} {target}: {answer}");
        self.asked.recv_timeout(PATIENCE).unwrap()
    }

    /// What the old client is told, and that the Engine hears nothing of it.
    fn refused(&self, method: &str, target: &str, body: &str) -> (u16, String) {
        let refused = self.ask("old.sock", method, target, body);
        assert!(refused.0 >= 400, "{method} {target}: {refused:?}");
        // The next thing that the Engine hears is something else.
        let next = self.forwarded("GET", "/_ping", "");
        assert!(next.contains("/_ping "), "{next}");
        refused
    }

    fn record(&self, client: &str) -> Value {
        let line = self.logged.said(&format!(r#""client":"{client}""#));
        serde_json::from_str(&line).unwrap()
    }
}

fn policy(folder: &Path) -> String {
    let dir = folder.display();
    format!(
        "api: '1.51'\n\
         listen:\n\
         - {{ unix: {dir}/old.sock, client: old }}\n\
         - {{ unix: {dir}/new.sock, client: new }}\n\
         upstream: unix://{dir}/engine.sock\n\
         clients:\n  old: {{ policies: [some], api_version: pin }}\n  new: {{ policies: [some] }}\n\
         policies:\n  some:\n    allow:\n      \
         [SystemPing, SystemVersion, ContainerList, ContainerCreate, NetworkList, ImageList, \
         SystemDataUsage, VolumePrune, \
         ServiceCreate: {{ body: {{ Networks: any }} }}]\n"
    )
}

#[test]
fn an_old_client_gets_the_oldest_version_that_both_serve() {
    for (min, max, oldest) in [("1.24", "1.51", "1.41"), ("1.44", "1.53", "1.44")] {
        let gate = Gate::start(min, max);
        for asked in ["1.24", "1.32", "1.40"] {
            let line = gate.forwarded("GET", &format!("/v{asked}/containers/json?all=1"), "");
            let expected = format!("GET /v{oldest}/containers/json?all=1 HTTP/1.1\n");
            assert_eq!(line, expected, "{asked}");
            let record = gate.record("old");
            assert_eq!(record["asked_version"], asked);
            assert_eq!(record["decision"], "allow");
            assert_eq!(record["operation"], "ContainerList");
        }
        // What is served is what it is.
        for (asked, is) in [("/v1.44", "1.44"), ("/v1.51", "1.51"), ("", max)] {
            let line = gate.forwarded("GET", &format!("{asked}/containers/json"), "");
            assert_eq!(line, format!("GET /v{is}/containers/json HTTP/1.1\n"));
            assert_eq!(gate.record("old")["asked_version"], Value::Null);
        }
        for (asked, said) in [
            (
                "1.23",
                "client version 1.23 is too old. Minimum supported API version is 1.24",
            ),
            ("1.0", "is too old"),
            ("0.30", "is too old"),
            ("1.99", "client version 1.99 is too new"),
            ("2.24", "is too new"),
            ("1.024", "not written like"),
            ("1.24.0", "not written like"),
        ] {
            let target = format!("/v{asked}/containers/json");
            let (status, answer) = gate.refused("GET", &target, "");
            assert_eq!(status, 400, "{asked}");
            assert!(answer.contains(said), "{asked}: {answer}");
        }
        let (status, answer) = gate.ask("new.sock", "GET", "/v1.40/containers/json", "");
        assert_eq!(status, 400);
        let minimum = format!("Minimum supported API version is {oldest}");
        assert!(answer.contains(&minimum), "{answer}");
    }
}

#[test]
fn what_it_asks_for_is_judged_as_what_is_forwarded() {
    let gate = Gate::start("1.24", "1.51");
    let create = "/v1.30/containers/create";
    let (status, answer) = gate.refused(
        "POST",
        create,
        r#"{"Image":"a","HostConfig":{"Privileged":true}}"#,
    );
    assert_eq!(status, 403);
    assert!(answer.contains("body.HostConfig.Privileged"), "{answer}");
    // Its own version has nothing of the kind, and an Engine would pass over it.
    let (status, answer) = gate.refused(
        "POST",
        create,
        r#"{"Image":"a","HostConfig":{"CgroupnsMode":"host"}}"#,
    );
    assert_eq!(status, 403);
    assert!(answer.contains("body.HostConfig.CgroupnsMode"), "{answer}");
    let sent = gate.forwarded("POST", create, r#"{"Image":"a","Annotation":null}"#);
    assert_eq!(
        sent,
        "POST /v1.41/containers/create HTTP/1.1\n{\"Image\":\"a\"}"
    );
    // A parameter that no version has any more would be passed over.
    let (status, answer) = gate.refused("GET", "/v1.24/images/json?filter=a", "");
    assert_eq!(status, 400);
    let said = "ImageList: query.filter: API version 1.41 has it no more";
    assert!(answer.contains(said), "{answer}");
    gate.forwarded("GET", "/v1.24/images/json?filter=", "");
}

#[test]
fn what_is_gone_is_refused_and_not_left_out() {
    let gate = Gate::start("1.52", "1.53");
    let create = "/v1.30/containers/create";
    let mac = r#"{"MacAddress":"02:42:ac:11:00:02"}"#;
    let (status, answer) = gate.refused("POST", create, mac);
    assert_eq!(status, 400);
    let said = "ContainerCreate: body.MacAddress: API version 1.52 has it no more";
    assert!(answer.contains(said), "{answer}");
    // Empty, it says nothing.
    let sent = gate.forwarded("POST", create, r#"{"MacAddress":"","Image":"a"}"#);
    assert_eq!(
        sent,
        "POST /v1.52/containers/create HTTP/1.1\n{\"Image\":\"a\"}"
    );
    // The client that asks for it in 1.52 is told nothing, as by the Engine.
    let sent = gate.forwarded("POST", "/v1.52/containers/create", mac);
    assert_eq!(sent, "POST /v1.52/containers/create HTTP/1.1\n{}");
}

#[test]
fn the_networks_of_a_service_are_not_passed_over() {
    let create = "services/create";
    let service = |networks: &str| format!(r#"{{"Name":"a","Networks":{networks}}}"#);
    let one = service(r#"[{"Target":"inner"}]"#);
    // From 1.44 on the Engine looks at those of the template only.
    let new = Gate::start("1.44", "1.53");
    let (status, answer) = new.refused("POST", &format!("/v1.32/{create}"), &one);
    assert_eq!(status, 400);
    let said = "ServiceCreate: body.Networks: API version 1.44 has it no more";
    assert!(answer.contains(said), "{answer}");
    for (asked, body) in [("1.32", service("[]")), ("1.44", one.clone())] {
        let sent = new.forwarded("POST", &format!("/v{asked}/{create}"), &body);
        assert!(sent.starts_with("POST /v1.44/services/create "), "{sent}");
    }
    let old = Gate::start("1.24", "1.51");
    let sent = old.forwarded("POST", &format!("/v1.32/{create}"), &one);
    assert!(sent.starts_with("POST /v1.41/services/create "), "{sent}");
    assert!(sent.contains(r#"[{"Target":"inner"}]"#), "{sent}");
}

#[test]
fn an_answer_that_it_would_misread_is_not_asked_for() {
    let old = Gate::start("1.24", "1.51");
    let new = Gate::start("1.44", "1.53");
    for (gate, target, said) in [
        (
            &old,
            "/v1.27/networks",
            "NetworkList, whose answers are others since API version 1.28",
        ),
        (
            &old,
            "/v1.27/networks",
            "the containers of networks are left out",
        ),
        (
            &new,
            "/v1.41/system/df",
            "client version 1.41 is too old for SystemDataUsage",
        ),
        (&new, "/v1.24/images/json", "`<none>:<none>`"),
    ] {
        let (status, answer) = gate.refused("GET", target, "");
        assert_eq!(status, 400);
        assert!(answer.contains(said), "{answer}");
    }
    for (gate, version, target) in [
        (&old, "1.41", "/v1.28/networks"),
        (&old, "1.41", "/v1.24/images/json"),
        (&old, "1.41", "/v1.31/system/df"),
        (&new, "1.44", "/v1.43/images/json"),
        (&new, "1.44", "/v1.42/system/df"),
    ] {
        let path = target.splitn(3, '/').nth(2).unwrap();
        let line = gate.forwarded("GET", target, "");
        assert_eq!(line, format!("GET /v{version}/{path} HTTP/1.1\n"));
    }
}

#[test]
fn it_is_told_what_is_served_in_full() {
    let gate = Gate::start("1.24", "1.51");
    for target in ["/v1.24/version", "/version"] {
        let (status, answer) = gate.ask("old.sock", "GET", target, "");
        assert_eq!(status, 200);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["ApiVersion"], "1.51");
        assert_eq!(answer["MinAPIVersion"], "1.41");
    }
}

#[test]
fn a_file_is_tested_and_explained_as_it_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("opgate.yaml");
    let with = |client: &str, version: &str, expect: &str| {
        let test = format!(
            "tests:\n- name: a\n  client: {client}\n  expect: {expect}\n  \
             request: {{ operation: ContainerList, version: '{version}' }}\n"
        );
        fs::write(&config, policy(folder.path()) + &test).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_opgate"));
        let output = command.arg("test").arg(&config).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    for (client, version, expect, code, said) in [
        ("old", "1.32", "allow", 0, "1 passed"),
        ("old", "1.32", "{ allow: { query: {} } }", 0, "1 passed"),
        ("old", "1.32", "deny", 1, "got:      allowed by some"),
        ("old", "1.23", "allow", 1, "client version 1.23 is too old"),
        ("new", "1.32", "allow", 1, "client version 1.32 is too old"),
    ] {
        let (found, out) = with(client, version, expect);
        assert_eq!(found, Some(code), "{client} {version} {expect}: {out}");
        assert!(out.contains(said), "{client} {version} {expect}: {out}");
    }
    let explain = |client: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opgate"));
        let output = command
            .args([
                "explain",
                "--client",
                client,
                "GET",
                "/v1.32/containers/json",
            ])
            .args(["--config".as_ref(), config.as_os_str()])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    fs::write(&config, policy(folder.path())).unwrap();
    let old = explain("old");
    assert!(old.contains("version    1.41 (asked for 1.32)\n"), "{old}");
    assert!(old.contains("decision   allowed by some"), "{old}");
    let new = explain("new");
    assert!(new.contains("client version 1.32 is too old"), "{new}");
}

//! Who is calling: the real gate, told apart from outside by users, addresses and
//! containers.
#![cfg(test)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

#[path = "support/containers.rs"]
#[expect(dead_code, reason = "other tests count other questions")]
mod containers;
#[path = "support/groups.rs"]
mod groups;
#[path = "support/logged.rs"]
mod logged;
#[path = "support/peer.rs"]
#[expect(dead_code, reason = "other tests look at descriptors and memory")]
mod peer;
#[path = "support/source.rs"]
mod source;
#[path = "support/start.rs"]
mod start;

#[path = "identity/setup.rs"]
mod setup;

use groups::{Group, Main};
use peer::{Connection, PATIENCE};
use setup::{Gate, text};
use start::start;

/// Who may do it is told in the refusal of whoever may not.
const INFO: &str = "GET /info HTTP/1.1\r\nHost: docker\r\n\r\n";

const OPEN: &str = "- { unix: DIR/gate.sock, mode: '0666' }";

/// The client that an answer speaks of; what it says where it speaks of none.
fn client((status, body): (u16, String)) -> String {
    assert_eq!(status, 403, "{body}");
    match body.split_once("refused for client ") {
        Some((_, rest)) => rest.split(':').next().unwrap().to_owned(),
        None => body,
    }
}

fn nobody(answer: (u16, String)) {
    assert_eq!(
        client(answer).trim_end(),
        r#"{"message":"opgate: no client fits this connection"}"#
    );
}

/// A process of its own that asks what it is told to, once for each line that it gets.
struct Other {
    child: Child,
}

impl Other {
    /// By user and group, in a control group.
    fn start(socket: &Path, ids: Option<(u32, u32)>, group: Option<&Path>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "other_process", "--nocapture", "--ignored"])
            .env("OPGATE_TEST_SOCKET", socket)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(group) = group {
            command.env("OPGATE_TEST_GROUP", group);
        }
        if let Some((uid, gid)) = ids {
            command.uid(uid).gid(gid);
        }
        Self {
            child: command.spawn().unwrap(),
        }
    }

    fn ask(mut self) -> (u16, String) {
        let mut said = String::new();
        drop(self.child.stdin.take());
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        self.child.wait().unwrap();
        let answer = said.lines().find_map(|line| line.split_once("ANSWER "));
        let (status, body) = answer
            .unwrap_or_else(|| panic!("{said}"))
            .1
            .split_once(' ')
            .unwrap();
        (status.parse().unwrap(), body.to_owned())
    }
}

#[test]
#[ignore = "a part of the others, in a process of its own"]
fn other_process() {
    let Some(socket) = std::env::var_os("OPGATE_TEST_SOCKET") else {
        return;
    };
    if let Some(group) = std::env::var_os("OPGATE_TEST_GROUP") {
        fs::write(Path::new(&group).join("cgroup.procs"), "0").unwrap();
    }
    let mut connection = Connection::to(Path::new(&socket));
    let (status, body) = connection.ask(INFO);
    println!("ANSWER {status} {body}");
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Asks over TCP from an address of loopback.
fn from(source: &str, to: SocketAddr) -> (u16, String) {
    ask_over(&mut source::from(source, to))
}

fn ask_over(stream: &mut TcpStream) -> (u16, String) {
    stream.write_all(INFO.as_bytes()).unwrap();
    let mut said = Vec::new();
    let mut byte = [0];
    while !said.ends_with(b"}") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1);
        said.push(byte[0]);
    }
    let said = String::from_utf8(said).unwrap();
    let status = said.split(' ').nth(1).unwrap().parse().unwrap();
    (status, said.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// An address of loopback that nobody listens at.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

#[test]
fn users_and_groups_are_told_apart_on_one_socket() {
    if !is_root() {
        println!("not looked at: only root can be somebody else");
        return;
    }
    let gate = Gate::start(
        OPEN,
        "clients:\n  admin: { policies: [ping], when: { peer: { uid: root } } }\n  \
         ci: { policies: [ping], when: [{ peer: { uid: [60001, 60002], gid: 60010 } }, { peer: { uid: 60003 } }] }",
    );
    let other = |uid, gid| Other::start(&gate.socket(), Some((uid, gid)), None).ask();
    assert_eq!(client(Connection::to(&gate.socket()).ask(INFO)), "admin");
    assert_eq!(client(other(60001, 60010)), "ci");
    assert_eq!(client(other(60003, 60011)), "ci");
    nobody(other(60001, 60011));
    nobody(other(60004, 60010));
    // What a request says of itself is nothing.
    let spoofed = "GET /info HTTP/1.1\r\nHost: admin\r\nX-Forwarded-For: 127.0.0.1\r\n\
                   Authorization: Basic YWRtaW46\r\nX-Client: ci\r\n\r\n";
    assert_eq!(client(Connection::to(&gate.socket()).ask(spoofed)), "admin");
    let line = gate.logged.said("\"client\":\"-\"");
    assert!(
        line.contains("no client fits this connection: a process of user 60001 and group 60011"),
        "{line}"
    );
}

#[test]
fn a_listener_with_a_client_serves_no_other_and_default_takes_the_rest() {
    let gate = Gate::start(
        "- { unix: DIR/gate.sock }\n- { unix: DIR/own.sock, client: own }",
        "default: guests\nclients:\n  own: { policies: [ping], when: { peer: { uid: 60001 } } }\n  \
         guests: { policies: [ping] }",
    );
    assert_eq!(client(Connection::to(&gate.socket()).ask(INFO)), "guests");
    nobody(Connection::to(&gate.folder.path().join("own.sock")).ask(INFO));
}

#[test]
fn sources_are_told_apart_and_kept_connections_follow_a_reload() {
    let at = free();
    let listen = format!("- {{ tcp: '{at}' }}");
    let clients = |one: &str, two: &str| {
        format!(
            "clients:\n  a: {{ policies: [ping], when: {{ source: {one} }} }}\n  \
             b: {{ policies: [ping], when: {{ source: {two} }} }}"
        )
    };
    let gate = Gate::start(
        &listen,
        &clients("127.0.0.2/32", "[127.0.1.0/24, 127.0.0.5]"),
    );
    assert_eq!(client(from("127.0.0.2", at)), "a");
    assert_eq!(client(from("127.0.1.77", at)), "b");
    assert_eq!(client(from("127.0.0.5", at)), "b");
    nobody(from("127.0.0.3", at));

    let mut kept = source::from("127.0.0.2", at);
    assert_eq!(client(ask_over(&mut kept)), "a");
    assert_eq!(client(ask_over(&mut kept)), "a");
    gate.reload(&listen, &clients("127.0.0.3", "127.0.0.2"));
    assert_eq!(client(ask_over(&mut kept)), "b");
    gate.reload(&listen, &clients("127.0.0.3", "127.0.0.4"));
    nobody(ask_over(&mut kept));
    gate.reload(&listen, &clients("127.0.0.2", "127.0.0.4"));
    assert_eq!(client(ask_over(&mut kept)), "a");
}

#[test]
fn a_user_that_is_not_known_here_is_no_start_and_no_reload() {
    let clients = |user: &str| {
        format!("clients:\n  a: {{ policies: [ping], when: {{ peer: {{ uid: {user} }} }} }}")
    };
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("opgate.yaml");
    fs::write(&config, text(folder.path(), OPEN, &clients("no-such-user"))).unwrap();
    let why = start(&config, "").err().unwrap().to_string();
    assert!(
        why.contains("there is no user `no-such-user` on this machine"),
        "{why}"
    );
    // `check` may run elsewhere.
    let check = Command::new(env!("CARGO_BIN_EXE_opgate"))
        .arg("check")
        .arg(&config)
        .output();
    assert!(check.unwrap().status.success());

    let gate = Gate::start(OPEN, &clients("root"));
    let said = gate.reload(OPEN, &clients("no-such-user"));
    assert!(said.contains("not reloaded"), "{said}");
    assert!(gate.logged.running.child.id() > 0);
}

#[test]
fn a_container_is_told_by_its_address() {
    let at = free();
    let gate = Gate::start(
        &format!("- {{ tcp: '{at}', limits: {{ rate: 1, burst: 20 }} }}"),
        "clients:\n  web: { policies: [ping], when: { container: { name: web } } }\n  \
         alpine: { policies: [ping], when: { container: { image: alpine, labels: { role: db } } } }\n  \
         role: { policies: [ping], when: { container: { labels: { role: web, other: none } } } }",
    );
    let (web, db) = ("a".repeat(64), "b".repeat(64));
    gate.engine.has(&web, "web", 1, "127.0.0.2");
    gate.engine.has(&db, "db", 1, "127.0.0.3");
    gate.engine.has(&"c".repeat(64), "twin", 1, "127.0.0.4");
    gate.engine.has(&"d".repeat(64), "twin", 1, "127.0.0.4");
    assert_eq!(client(from("127.0.0.2", at)), "web");
    assert_eq!(client(from("127.0.0.3", at)), "alpine");
    nobody(from("127.0.0.5", at));
    let twins = client(from("127.0.0.4", at));
    assert!(twins.contains("cannot be told for certain"), "{twins}");
    // An address that another has got between two questions.
    let mut moved = gate.engine.said(&format!("/containers/{web}/json"));
    moved["NetworkSettings"]["Networks"]["bridge"]["IPAddress"] = json!("127.0.0.9");
    gate.engine.says(&format!("/containers/{web}/json"), moved);
    let said = client(from("127.0.0.2", at));
    assert!(said.contains("cannot be told for certain"), "{said}");
    // What cannot be understood.
    gate.engine
        .says(&format!("/containers/{web}/json"), json!({}));
    assert_eq!(from("127.0.0.2", at).0, 502);

    // Whoever is one too many costs the Engine nothing.
    let before = gate.engine.questions();
    let busy = (0..40).filter(|_| from("127.0.0.3", at).0 == 429).count();
    assert!(busy >= 20, "{busy}");
    assert!(gate.engine.questions() - before <= 2 * (40 - busy));
}

#[test]
fn two_clients_that_fit_a_container_are_none() {
    let at = free();
    let gate = Gate::start(
        &format!("- {{ tcp: '{at}' }}"),
        "default: guests\nclients:\n  name: { policies: [ping], when: { container: { name: web } } }\n  \
         image: { policies: [ping], when: { container: { image: 'docker.io/library/alpine:latest' } } }\n  \
         guests: { policies: [] }",
    );
    gate.engine.has(&"a".repeat(64), "web", 1, "127.0.0.2");
    gate.engine.has(&"b".repeat(64), "db", 1, "127.0.0.3");
    let both = client(from("127.0.0.2", at));
    assert!(both.contains("more than one client fits"), "{both}");
    assert_eq!(client(from("127.0.0.3", at)), "image");
    assert_eq!(client(from("127.0.0.4", at)), "guests");
    // An address goes from one to the other while a connection is kept.
    let mut kept = source::from("127.0.0.3", at);
    assert_eq!(client(ask_over(&mut kept)), "image");
    gate.engine.says("/containers/json", json!([]));
    let start = Instant::now();
    while client(ask_over(&mut kept)) == "image" {
        assert!(start.elapsed() < PATIENCE);
    }
    assert!(start.elapsed() > Duration::from_millis(500));
    assert_eq!(client(ask_over(&mut kept)), "guests");
    // Without the Engine's word nobody is anybody, not even a guest.
    gate.engine.says("/containers/json", json!("broken"));
    assert_eq!(from("127.0.0.4", at).0, 502);

    let away = free();
    let gate = Gate::start(
        &format!("- {{ tcp: '{away}' }}"),
        "default: guests\nclients:\n  name: { policies: [ping], when: { container: { name: web } } }\n  \
         guests: { policies: [] }",
    );
    fs::remove_file(gate.folder.path().join("engine.sock")).unwrap();
    let (status, said) = from("127.0.0.4", away);
    assert_eq!(status, 502, "{said}");
    assert!(said.contains("the Engine does not answer"), "{said}");
}

#[test]
fn a_container_is_told_by_the_control_group_of_the_process() {
    if let Err(why) = opgate::identity::process::available() {
        println!("not looked at: {why}");
        return;
    }
    if !is_root() {
        println!("not looked at: control groups are root's to make");
        return;
    }
    let Some(group) = Group::make() else {
        println!("not looked at: no control groups can be made here");
        return;
    };
    let (a, b, c) = ("a".repeat(64), "b".repeat(64), "c".repeat(64));
    let clients = "default: guests\nclients:\n  web: { policies: [ping], when: { container: { name: web } } }\n  \
                   guests: { policies: [] }";
    let gate = Gate::start(OPEN, clients);
    let main = Main::start(&group.below(&format!("docker/{a}/init")));
    let other = Main::start(&group.below(&format!("docker/{b}")));
    gate.engine.has(&a, "web", main.0.id(), "");
    gate.engine.has(&b, "db", other.0.id(), "");
    let ask = |path: String| Other::start(&gate.socket(), None, Some(&group.below(&path))).ask();
    assert_eq!(client(ask(format!("docker/{a}"))), "web");
    assert_eq!(client(ask(format!("docker/{a}/deep/er"))), "web");
    assert_eq!(client(ask(format!("docker/{b}"))), "guests");
    assert_eq!(client(ask("user.slice".to_owned())), "guests");
    for forged in [
        // Groups by the name of another's container.
        format!("mine/{a}"),
        format!("docker-{a}.scope"),
        format!("docker/{b}/{a}"),
        format!("docker/{a}/{b}"),
        format!("docker/{b}/docker-{a}.scope"),
        // A container that this Engine does not have.
        format!("docker/{c}"),
    ] {
        let said = client(ask(forged.clone()));
        assert!(
            said.contains("cannot be told for certain"),
            "{forged}: {said}"
        );
    }
    // What was not foreseen at the start is not to be had by a reload.
    let plain = Gate::start(
        OPEN,
        "clients:\n  web: { policies: [ping], when: { peer: { uid: 1 } } }",
    );
    let said = plain.reload(OPEN, clients);
    assert!(said.contains("not reloaded"), "{said}");
    // Its first process is gone: it does not run any more, whatever the Engine says.
    drop(main);
    let said = client(ask(format!("docker/{a}")));
    assert!(said.contains("cannot be told for certain"), "{said}");
}

//! Engines by unix socket, TCP and TLS behind one gate, a process of its own: which
//! client gets which, what the environment says, and what a reload does.
#![cfg(test)]

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use opgate::tls::ClientFiles;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;

#[path = "support/engine_certs.rs"]
mod engine_certs;
#[expect(dead_code, reason = "other tests look at processes")]
#[path = "support/peer.rs"]
mod peer;

use engine_certs::Authority;
use peer::Connection;

const PING: &str = "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";

/// Answers the requests of a connection: with its versions, or with its name.
async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, name: &'static str) {
    let mut stream = tokio::io::BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match stream.read_line(&mut head).await {
                Ok(size) if size > 0 => {}
                _ => return,
            }
        }
        let body = if head.contains("/version ") {
            r#"{"ApiVersion":"1.51","MinAPIVersion":"1.24"}"#
        } else {
            name
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
        let sent = stream.get_mut().write_all(answer.as_bytes()).await;
        if sent.is_err() || head.contains("Connection: close") {
            let _ = stream.get_mut().shutdown().await;
            return;
        }
    }
}

/// An Engine at a unix socket, to the end of the test.
fn at_socket(path: &Path, name: &'static str) {
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, name));
        }
    });
}

/// An Engine at a port of loopback, in the clear.
async fn at_port(name: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, name));
        }
    });
    port
}

/// What an Engine shows of itself now.
type Shown = Arc<Mutex<TlsAcceptor>>;

/// An Engine at a port of loopback, by TLS.
async fn at_tls(name: &'static str, authority: &Authority) -> (u16, Shown) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shown = Arc::new(Mutex::new(authority.engine("127.0.0.1", false)));
    let now = Arc::clone(&shown);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = now.lock().unwrap().clone();
            tokio::spawn(async move {
                if let Ok(stream) = tls.accept(stream).await {
                    answer(stream, name).await;
                }
            });
        }
    });
    (port, shown)
}

/// Puts files where `ca.pem`, `cert.pem` and `key.pem` are looked for.
fn give(folder: &Path, files: &ClientFiles) {
    for (file, name) in [
        (&files.ca, "ca.pem"),
        (&files.cert, "cert.pem"),
        (&files.key, "key.pem"),
    ] {
        replace(&folder.join(name), &fs::read_to_string(file).unwrap());
    }
}

/// Replaces a file in one step.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(&new, path).unwrap();
}

/// A policy file with these clients, each with a socket of its name; `DIR` is its folder.
fn policy(folder: &Path, clients: &[(&str, &str)], upstreams: &str) -> PathBuf {
    let dir = folder.to_str().unwrap();
    let listen = clients
        .iter()
        .map(|(name, _)| format!("- {{ unix: {dir}/{name}.sock, client: {name} }}\n"));
    let of_clients = clients
        .iter()
        .map(|(name, more)| format!("  {name}: {{ policies: [ping]{more} }}\n"));
    let text = format!(
        "api: '1.51'\nlisten:\n{}clients:\n{}policies: {{ ping: {{ allow: [SystemPing] }} }}\n{}",
        listen.collect::<String>(),
        of_clients.collect::<String>(),
        upstreams.replace("DIR", dir)
    );
    let file = folder.join("opgate.yaml");
    replace(&file, &text);
    file
}

fn opgate(subcommand: &str, file: &Path, environment: Variables<'_>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opgate"));
    command.arg(subcommand);
    if subcommand == "check" {
        command.arg(file);
    } else {
        command.arg("--config").arg(file);
    }
    for name in ["HOST", "CERT_PATH", "TLS_VERIFY", "TLS"] {
        command.env_remove(format!("DOCKER_{name}"));
    }
    command.envs(environment.iter().copied());
    command
}

fn said(output: &Output) -> (Option<i32>, String) {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

/// A running gate.
struct Gate {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    folder: PathBuf,
    /// The lines of the start.
    start: String,
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Gate {
    fn start(file: &Path, environment: Variables<'_>) -> Self {
        let mut child = opgate("run", file, environment)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut gate = Self {
            child,
            lines,
            folder: file.parent().unwrap().to_owned(),
            start: String::new(),
        };
        gate.start = gate.until("opgate: Engine at");
        gate
    }

    /// The lines of the log up to one that holds this.
    fn until(&mut self, what: &str) -> String {
        let mut said = String::new();
        loop {
            let line = self.lines.next();
            let Some(Ok(line)) = line else {
                panic!("the log ended without {what}:\n{said}");
            };
            said.push_str(&line);
            said.push('\n');
            if line.contains(what) {
                return said;
            }
        }
    }

    fn client(&self, name: &str) -> Connection {
        Connection::to(&self.folder.join(format!("{name}.sock")))
    }

    /// What a client is told on a new connection.
    fn ask(&self, client: &str) -> (u16, String) {
        self.client(client).ask(PING)
    }

    /// Has the files read again; gives what is said of it.
    fn reload(&mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::HUP).unwrap();
        self.until("reloaded")
    }
}

fn ok(name: &str) -> (u16, String) {
    (200, name.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_client_gets_its_own_engine() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let (ours, theirs) = (Authority::new(path, "ours"), Authority::new(path, "theirs"));
    give(path, &ours.client(&ours));
    at_socket(&path.join("near-engine.sock"), "near");
    let plain = at_port("plain").await;
    let (far, _) = at_tls("far", &ours).await;
    let (false_one, _) = at_tls("false", &theirs).await;
    let tls = "tls: { ca: ca.pem, cert: cert.pem, key: key.pem }";
    let clients = [
        ("a", ""),
        ("b", ", upstream: plain"),
        ("c", ", upstream: far"),
        ("d", ", upstream: far"),
        ("e", ", upstream: false-one"),
    ];
    let upstreams = |last: &str| {
        format!(
            "upstream: unix://DIR/near-engine.sock\nupstreams:\n  \
             plain: tcp://127.0.0.1:{plain}\n  \
             far: {{ tcp: '127.0.0.1:{far}', {tls} }}\n{last}"
        )
    };
    let bad = format!("  false-one: {{ tcp: '127.0.0.1:{false_one}', {tls} }}\n");
    let file = policy(path, &clients, &upstreams(&bad));
    let mut gate = Gate::start(&file, &[("DOCKER_HOST", "unix:///nonexistent/other.sock")]);
    for what in [
        "near-engine.sock for a",
        &format!("tcp://127.0.0.1:{plain} for b"),
        &format!("tcp://127.0.0.1:{far} with TLS for c, d"),
    ] {
        assert!(gate.start.contains(what), "{what}: {}", gate.start);
    }
    // Again and again, so that kept connections serve as well.
    for _ in 0..3 {
        for (client, engine) in [("a", "near"), ("b", "plain"), ("c", "far"), ("d", "far")] {
            assert_eq!(gate.ask(client), ok(engine));
        }
        let (status, message) = gate.ask("e");
        assert_eq!(status, 502);
        assert!(
            message.contains("not of the authority in `ca`"),
            "{message}"
        );
    }
    // So far the log tells of it by itself.
    let told = gate.until("upstream false-one is down");
    assert!(told.contains("not of the authority in `ca`"), "{told}");
    // All Engines count.
    let health = || said(&opgate("health", &file, &[]).output().unwrap());
    let (code, text) = health();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("no Engine answers at tcp://"), "{text}");
    policy(path, &clients[..4], &upstreams(""));
    assert!(gate.reload().contains("reloaded"));
    let (code, text) = health();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(&format!("tcp://127.0.0.1:{far}")), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_exchanges_engines() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    at_socket(&path.join("one-engine.sock"), "one");
    at_socket(&path.join("two-engine.sock"), "two");
    let port = at_port("three").await;
    let file = |a: &str, b: &str, more: &str| {
        let upstreams =
            "upstreams:\n  one: unix://DIR/one-engine.sock\n  two: unix://DIR/two-engine.sock\n";
        let (a, b) = (format!(", upstream: {a}"), format!(", upstream: {b}"));
        policy(path, &[("a", &a), ("b", &b)], &format!("{upstreams}{more}"))
    };
    let mut gate = Gate::start(&file("one", "two", ""), &[]);
    let (mut a, mut b) = (gate.client("a"), gate.client("b"));
    for _ in 0..3 {
        assert_eq!((a.ask(PING), b.ask(PING)), (ok("one"), ok("two")));
        file("two", "one", "");
        assert!(!gate.reload().contains("not reloaded"));
        assert_eq!((a.ask(PING), b.ask(PING)), (ok("two"), ok("one")));
        file("one", "two", "");
        gate.reload();
    }
    // What cannot be resolved changes nothing.
    file("two", "ones", "");
    assert!(gate.reload().contains("not reloaded"));
    assert_eq!((a.ask(PING), b.ask(PING)), (ok("one"), ok("two")));
    // A port that was given up at the start is not reached any more.
    file(
        "three",
        "two",
        &format!("  three: tcp://127.0.0.1:{port}\n"),
    );
    let said = gate.reload();
    assert!(said.contains("not reloaded"), "{said}");
    assert!(said.contains("start it anew"), "{said}");
    assert_eq!((a.ask(PING), b.ask(PING)), (ok("one"), ok("two")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_change_while_the_gate_runs() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let (old, new) = (Authority::new(path, "old"), Authority::new(path, "new"));
    give(path, &old.client(&old));
    let (port, shown) = at_tls("far", &old).await;
    let file = policy(
        path,
        &[("a", "")],
        &format!(
            "upstream: {{ tcp: '127.0.0.1:{port}', tls: {{ ca: ca.pem, cert: cert.pem, key: key.pem }} }}\n"
        ),
    );
    let mut gate = Gate::start(&file, &[]);
    assert_eq!(gate.ask("a"), ok("far"));
    // Of itself: one that cannot be used changes nothing.
    replace(&path.join("cert.pem"), "no certificate");
    let said = gate.until("reloaded");
    assert!(said.contains("not reloaded"), "{said}");
    assert!(said.contains("cert.pem` holds no certificate"), "{said}");
    assert_eq!(gate.ask("a"), ok("far"));
    // And then others: both sides know them only.
    *shown.lock().unwrap() = new.engine("127.0.0.1", false);
    give(path, &new.client(&new));
    let said = gate.until("reloaded");
    assert!(!said.contains("not reloaded"), "{said}");
    assert_eq!(gate.ask("a"), ok("far"));
    // A gate with certificates that cannot be used does not start.
    fs::remove_file(path.join("key.pem")).unwrap();
    let (code, text) = said_of_run(&file, &[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("key.pem"), "{text}");
}

/// Variables of the environment, with their values.
type Variables<'v> = &'v [(&'v str, &'v str)];

/// A gate that must not start.
fn said_of_run(file: &Path, environment: Variables<'_>) -> (Option<i32>, String) {
    said(&opgate("run", file, environment).output().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environment_names_the_engine_where_the_file_does_not() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let dir = path.to_str().unwrap();
    let authority = Authority::new(path, "authority");
    give(path, &authority.client(&authority));
    at_socket(&path.join("near-engine.sock"), "near");
    let plain = format!("tcp://127.0.0.1:{}", at_port("plain").await);
    let far = format!("tcp://127.0.0.1:{}", at_tls("far", &authority).await.0);
    let near = format!("unix://{dir}/near-engine.sock");
    let file = policy(path, &[("a", "")], "");
    let (code, text) = said(&opgate("check", &file, &[]).output().unwrap());
    assert_eq!(code, Some(0), "{text}");
    let (cert_path, verify) = (("DOCKER_CERT_PATH", dir), ("DOCKER_TLS_VERIFY", "1"));
    let cases: [(&str, Variables<'_>, &str); 5] = [
        (&near, &[], "near"),
        (&near, &[verify], "near"),
        (&plain, &[], "plain"),
        (&far, &[cert_path, verify], "far"),
        // Never less than verified.
        (&far, &[cert_path, ("DOCKER_TLS", "1")], "far"),
    ];
    for (host, more, engine) in cases {
        let mut environment = vec![("DOCKER_HOST", host)];
        environment.extend(more);
        let mut gate = Gate::start(&file, &environment);
        assert!(gate.start.contains("(by DOCKER_HOST)"), "{}", gate.start);
        assert_eq!(gate.ask("a"), ok(engine));
        assert!(!gate.reload().contains("not reloaded"));
        assert_eq!(gate.ask("a"), ok(engine));
        let health = opgate("health", &file, &environment).output().unwrap();
        assert_eq!(said(&health).0, Some(0));
    }
    let refused: [(Variables<'_>, &str); 9] = [
        (&[], "DOCKER_HOST is not set"),
        (&[("DOCKER_HOST", "")], "DOCKER_HOST is not set"),
        (&[("DOCKER_HOST", "ssh://me@build")], "by SSH"),
        (&[("DOCKER_HOST", "npipe:////./pipe/a")], "named pipes"),
        (&[("DOCKER_HOST", "build:2375")], "begins with `unix://`"),
        (
            &[("DOCKER_HOST", "tcp://10.0.0.1:2375")],
            "for loopback only",
        ),
        (
            &[("DOCKER_HOST", &plain), verify],
            "DOCKER_CERT_PATH is not",
        ),
        (
            &[("DOCKER_HOST", &plain), ("DOCKER_TLS", "1")],
            "whoever answers",
        ),
        (
            &[("DOCKER_HOST", &far), ("DOCKER_CERT_PATH", "/nonexistent")],
            "/nonexistent/ca.pem",
        ),
    ];
    for (environment, what) in refused {
        let (code, text) = said_of_run(&file, environment);
        assert_eq!(code, Some(2), "{environment:?}: {text}");
        assert!(text.contains(what), "{environment:?}: {text}");
    }
}

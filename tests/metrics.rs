//! The numbers that a running gate tells: what they count, who is told, and what is
//! not in them.
#![cfg(test)]

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

#[path = "support/peer.rs"]
#[expect(dead_code, reason = "other tests look at memory")]
mod peer;
#[path = "support/start.rs"]
mod start;

use peer::{Connection, PATIENCE};
use start::{Running, Started, start};

/// What requests hold and no number may.
const CANARY: &str = "canary-7d1f";

/// The addresses of `metrics`.
const UNIX: &str = "{ unix: DIR/metrics.sock }";
const TCP: &str = "{ tcp: '127.0.0.1:0' }";

/// A running gate with its folder, and what it says: the lines of its log.
struct Gate {
    running: Running<()>,
    folder: TempDir,
    said: String,
    log: Receiver<Value>,
}

impl Gate {
    fn start(metrics: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("opgate.yaml");
        write(&file, &policy(folder.path(), metrics, &["me"]));
        let Started {
            child,
            said,
            mut lines,
        } = start(&file, "").unwrap();
        let (sender, log) = channel();
        let running = Running::new(child, move || {
            while let Some(Ok(line)) = lines.next() {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self {
            running,
            folder,
            said,
            log,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Another policy, and what the gate says of it.
    fn reload(&self, text: &str) -> String {
        write(&self.path("opgate.yaml"), text);
        self.signal(Signal::HUP);
        loop {
            let line = self.log.recv_timeout(PATIENCE).unwrap();
            if let Some(event) = line["event"].as_str()
                && event.contains("reloaded")
            {
                return event.to_owned();
            }
        }
    }

    fn policy(&self, metrics: &str, clients: &[&str]) -> String {
        policy(self.folder.path(), metrics, clients)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.running.child), signal).unwrap();
    }

    /// Asks as a client, and waits until the request is over.
    fn ask(&self, client: &str, request: &str) -> u16 {
        let socket = self.path(&format!("{client}.sock"));
        let (status, _) = Connection::to(&socket).ask(request);
        while self.log.recv_timeout(PATIENCE).unwrap()["decision"].is_null() {}
        status
    }

    /// An answer at the socket of the metrics: its status, head and body.
    fn at(&self, request: &str) -> (u16, String, String) {
        exchange(
            UnixStream::connect(self.path("metrics.sock")).unwrap(),
            request,
        )
    }

    fn metrics(&self) -> String {
        let (status, head, body) = self.at(GET);
        assert_eq!(status, 200, "{head}{body}");
        assert!(
            head.contains("content-type: text/plain; version=0.0.4"),
            "{head}"
        );
        body
    }

    /// The value of a line of the metrics.
    fn value(&self, name: &str) -> Option<String> {
        let metrics = self.metrics();
        let mut lines = metrics.lines().filter_map(|line| line.rsplit_once(' '));
        lines.find_map(|(key, value)| (key == name).then(|| value.to_owned()))
    }

    /// An Engine that answers every request, for as long as the test runs.
    fn engine(&self) {
        self.engine_with(|_| {});
    }

    /// The same, with something that is done first; it is given the head.
    fn engine_with(&self, first: impl Fn(&str) + Send + Sync + 'static) {
        let listener = UnixListener::bind(self.path("engine.sock")).unwrap();
        let first = Arc::new(first);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let first = Arc::clone(&first);
                std::thread::spawn(move || {
                    let mut connection = Connection::over(stream);
                    while let Some((head, _)) = connection.message() {
                        first(&head);
                        let body = r#"{"ApiVersion":"1.51","MinAPIVersion":"1.24"}"#;
                        let length = body.len();
                        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
                        if connection.send(&(head + body)).is_err() {
                            return;
                        }
                    }
                });
            }
        });
    }
}

const GET: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
const PING: &str = "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";

/// Asks, and reads until the other end closes.
fn exchange(mut stream: impl Read + Write, request: &str) -> (u16, String, String) {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

/// Replaces a file in one step.
fn write(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(&new, path).unwrap();
}

fn policy(folder: &Path, metrics: &str, clients: &[&str]) -> String {
    let dir = folder.display();
    let mut text = format!("api: '1.51'\nupstream: unix://{dir}/engine.sock\nlisten:\n");
    for client in clients {
        let _ = writeln!(text, "- {{ unix: {dir}/{client}.sock, client: {client} }}");
    }
    text.push_str("clients:\n");
    for client in clients {
        let _ = writeln!(text, "  {client}: {{ policies: [all] }}");
    }
    text.push_str("policies: { all: { allow: [SystemPing, ImageInspect] } }\n");
    let _ = writeln!(text, "metrics: {metrics}");
    text.replace("DIR", &dir.to_string())
}

fn requests(client: &str, operation: &str, decision: &str) -> String {
    format!(
        "opgate_requests_total{{client=\"{client}\",operation=\"{operation}\",decision=\"{decision}\"}}"
    )
}

#[test]
fn requests_are_counted_by_client_operation_and_decision() {
    let gate = Gate::start(UNIX);
    let ping = |decision| gate.value(&requests("me", "SystemPing", decision));
    assert_eq!(ping("allowed"), None);

    assert_eq!(gate.ask("me", PING), 502);
    assert_eq!(ping("failed").as_deref(), Some("1"));
    assert_eq!(
        gate.value("opgate_upstream_up{upstream=\"-\"}").unwrap(),
        "0"
    );

    gate.engine();
    for _ in 0..3 {
        assert_eq!(gate.ask("me", PING), 200);
    }
    assert_eq!(ping("allowed").as_deref(), Some("3"));
    assert_eq!(ping("failed").as_deref(), Some("1"));
    assert_eq!(
        gate.value("opgate_upstream_up{upstream=\"-\"}").unwrap(),
        "1"
    );

    let secrets = format!("GET /v1.51/secrets?filters={CANARY} HTTP/1.1\r\nHost: d\r\n\r\n");
    assert_eq!(gate.ask("me", &secrets), 403);
    let refused = requests("me", "SecretList", "refused");
    assert_eq!(gate.value(&refused).unwrap(), "1");
    let unknown = format!("GET /v1.51/{CANARY} HTTP/1.1\r\nHost: d\r\n\r\n");
    assert_eq!(gate.ask("me", &unknown), 404);
    let unknown = requests("me", "-", "refused");
    assert_eq!(gate.value(&unknown).unwrap(), "1");
    let image = format!(
        "GET /v1.51/images/{CANARY}/json HTTP/1.1\r\nHost: {CANARY}\r\nX-{CANARY}: {CANARY}\r\n\r\n"
    );
    assert_eq!(gate.ask("me", &image), 200);
    let image = requests("me", "ImageInspect", "allowed");
    assert_eq!(gate.value(&image).unwrap(), "1");
    assert!(!gate.metrics().contains(CANARY));

    // Each name says once what it is, before its lines.
    let metrics = gate.metrics();
    let mut known = Vec::new();
    for line in metrics.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            known.push(kind.split(' ').next().unwrap());
        } else if !line.starts_with("# HELP ") {
            let name = line.split(['{', ' ']).next().unwrap();
            assert_eq!(known.last(), Some(&name), "{line}");
        }
    }
    assert_eq!(known.len(), 8, "{known:?}");
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64();
    let started = gate.value("opgate_process_start_time_seconds").unwrap();
    let started: f64 = started.parse().unwrap();
    assert!(started <= now && now - started < 120.0, "{started}");
}

#[test]
fn reloads_show_and_lose_no_counts() {
    let gate = Gate::start(UNIX);
    gate.engine();
    let valid = || gate.value("opgate_policy_valid").unwrap();
    let reloads = |result| {
        gate.value(&format!("opgate_reloads_total{{result=\"{result}\"}}"))
            .unwrap()
    };
    let read = || {
        let read = gate.value("opgate_policy_read_timestamp_seconds").unwrap();
        read.parse::<f64>().unwrap()
    };
    assert_eq!(gate.ask("me", PING), 200);
    assert_eq!((valid().as_str(), reloads("ok").as_str()), ("1", "0"));
    let before = read();

    let said = gate.reload("api: broken\n");
    assert!(said.starts_with("not reloaded"), "{said}");
    assert_eq!((valid().as_str(), reloads("failed").as_str()), ("0", "1"));
    assert!(read() > before);

    // A certificate that cannot be used is as wrong.
    let file = gate.policy(UNIX, &["me"]);
    assert!(gate.reload(&file).starts_with("reloaded"));
    assert_eq!((valid().as_str(), reloads("ok").as_str()), ("1", "1"));
    let listener = "- { tcp: '127.0.0.1:0', client: me, tls: { cert: lost.pem, key: lost.pem } }";
    let said = gate.reload(&file.replace("listen:\n", &format!("listen:\n{listener}\n")));
    assert!(said.contains("lost.pem"), "{said}");
    assert_eq!((valid().as_str(), reloads("failed").as_str()), ("0", "2"));

    let said = gate.reload(&gate.policy(UNIX, &["me", "you"]));
    assert!(said.starts_with("reloaded"), "{said}");
    assert_eq!((valid().as_str(), reloads("ok").as_str()), ("1", "2"));
    assert_eq!(gate.ask("you", PING), 200);
    assert_eq!(gate.ask("me", PING), 200);
    let allowed = |client| gate.value(&requests(client, "SystemPing", "allowed"));
    assert_eq!(allowed("me").as_deref(), Some("2"));
    assert_eq!(allowed("you").as_deref(), Some("1"));

    // A client that is gone keeps its counts.
    let said = gate.reload(&gate.policy(UNIX, &["you"]));
    assert!(said.starts_with("reloaded"), "{said}");
    assert_eq!(allowed("me").as_deref(), Some("2"));
}

#[test]
fn another_address_takes_a_restart() {
    let gate = Gate::start(UNIX);
    let file = gate.policy(UNIX, &["me"]);
    let without = file.split("metrics:").next().unwrap().to_owned();
    for changed in [
        gate.policy("{ unix: DIR/other.sock }", &["you"]),
        gate.policy(TCP, &["you"]),
        without.replace("me.sock", "you.sock"),
    ] {
        let said = gate.reload(&changed);
        assert!(said.starts_with("not reloaded"), "{said}");
        assert!(said.contains("another `metrics` takes a restart"), "{said}");
        assert!(!gate.path("other.sock").exists());
        assert!(!gate.path("you.sock").exists());
        // The file is right, but not in force.
        assert_eq!(gate.value("opgate_policy_valid").unwrap(), "1");
    }
    let failed = gate.value("opgate_reloads_total{result=\"failed\"}");
    assert_eq!(failed.unwrap(), "3");
    assert!(gate.reload(&file).starts_with("reloaded"));
}

#[test]
fn nothing_else_is_reachable() {
    let gate = Gate::start(UNIX);
    gate.engine();
    let host = "HTTP/1.1\r\nHost: localhost\r\n";
    for (method, path, expected) in [
        ("GET", "/", 404),
        ("GET", "/_ping", 404),
        ("GET", "/version", 404),
        ("GET", "/metrics/", 404),
        ("GET", "//metrics", 404),
        ("POST", "/v1.51/containers/create", 404),
        ("POST", "/metrics", 405),
        ("DELETE", "/metrics", 405),
        ("OPTIONS", "/metrics", 405),
    ] {
        let request = format!("{method} {path} {host}Content-Length: 0\r\n\r\n");
        let (status, head, body) = gate.at(&request);
        assert_eq!(status, expected, "{method} {path}: {head}");
        assert_eq!(head.contains("allow: GET"), expected == 405, "{head}");
        assert!(body.starts_with("opgate: "), "{body}");
    }
    // A tunnel that is asked for is none.
    let upgrade = format!("POST /session {host}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
    assert_eq!(gate.at(&upgrade).0, 404);
    // A head without end is not read without end.
    let long = format!("GET /{} {host}\r\n", "x".repeat(64 << 10));
    let mut stream = UnixStream::connect(gate.path("metrics.sock")).unwrap();
    let _ = stream.write_all(long.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    // One answer for each connection.
    assert_eq!(
        gate.at(&format!("{GET}{GET}")).2.matches("# TYPE").count(),
        8
    );
    assert!(gate.log.try_recv().is_err(), "no request came to the gate");
}

#[test]
fn connections_are_bounded_and_end() {
    let gate = Gate::start(UNIX);
    let connect = || UnixStream::connect(gate.path("metrics.sock")).unwrap();
    let open = || peer::descriptors(gate.running.child.id());
    let quiet = open();
    let start = Instant::now();
    let silent: Vec<UnixStream> = (0..20).map(|_| connect()).collect();
    let mut most = 0;
    // Who comes after them is served when the first were sent away.
    let mut last = connect();
    last.set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    last.write_all(GET.as_bytes()).unwrap();
    let mut piece = [0; 16];
    while let Err(error) = last.read(&mut piece) {
        assert!(start.elapsed() < PATIENCE + PATIENCE, "{error}");
        most = most.max(open());
    }
    assert!(piece.starts_with(b"HTTP/1.1 200"));
    assert!(
        (quiet + 1..=quiet + 16).contains(&most),
        "{quiet}, then {most}"
    );
    for mut stream in silent.into_iter().take(16) {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
}

#[test]
fn the_socket_has_its_mode_and_goes_with_the_gate() {
    let mut gate = Gate::start(UNIX);
    let socket = gate.path("metrics.sock");
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let shown = format!("unix://{}", socket.display());
    assert!(
        gate.said.contains(&format!("opgate: metrics at {shown}\n")),
        "{}",
        gate.said
    );
    assert!(
        gate.said.contains(&format!("\"metrics\":\"{shown}\"")),
        "{}",
        gate.said
    );
    // One that asks and says nothing does not hold it up.
    let _silent = UnixStream::connect(&socket).unwrap();
    gate.signal(Signal::TERM);
    assert!(gate.running.child.wait().unwrap().success());
    assert!(!socket.exists());
}

#[test]
fn tcp_is_for_loopback() {
    let gate = Gate::start(TCP);
    let at = "opgate: metrics at tcp://";
    let line = gate.said.lines().find_map(|line| line.strip_prefix(at));
    let address: SocketAddr = line.unwrap().parse().unwrap();
    assert!(address.ip().is_loopback());
    let (status, _, body) = exchange(TcpStream::connect(address).unwrap(), GET);
    assert_eq!(status, 200);
    assert!(body.contains("\nopgate_policy_valid 1\n"), "{body}");
    // A page whose name leads here is told nothing.
    for (host, expected) in [
        ("evil.example", 403),
        ("evil.example:9323", 403),
        ("127.0.0.1.evil.example", 403),
        ("127.0.0.1:9323", 200),
        ("[::1]:9323", 200),
        ("localhost:9323", 200),
        ("gate", 200),
    ] {
        let get = GET.replace("localhost", host);
        let (status, _, body) = exchange(TcpStream::connect(address).unwrap(), &get);
        assert_eq!(status, expected, "{host}: {body}");
        assert_eq!(body.contains("opgate_policy_valid"), expected == 200);
    }
}

#[test]
fn they_are_told_for_as_long_as_requests_are_under_way() {
    let mut gate = Gate::start(UNIX);
    let (arrived, arrival) = channel();
    let (sender, waiting) = channel::<()>();
    let held = Mutex::new((arrived, waiting));
    gate.engine_with(move |head| {
        if head.contains("/images/") {
            let (arrived, waiting) = &*held.lock().unwrap();
            arrived.send(()).unwrap();
            waiting.recv().unwrap();
        }
    });
    let socket = gate.path("me.sock");
    let mut client = Connection::to(&socket);
    assert_eq!(client.ask(PING).0, 200);
    let inspect = "GET /v1.51/images/a/json HTTP/1.1\r\nHost: docker\r\n\r\n";
    client.send(inspect).unwrap();
    arrival.recv_timeout(PATIENCE).unwrap();
    gate.signal(Signal::TERM);
    let start = Instant::now();
    while socket.exists() {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
    let ping = requests("me", "SystemPing", "allowed");
    assert_eq!(gate.value(&ping).as_deref(), Some("1"));
    sender.send(()).unwrap();
    assert_eq!(client.answer().0, 200);
    drop(client);
    assert!(gate.running.child.wait().unwrap().success());
    assert!(!gate.path("metrics.sock").exists());
}

#[test]
fn what_other_machines_reach_is_said_to_be_insecure() {
    let gate = Gate::start("{ tcp: '0.0.0.0:0', insecure: true }");
    let insecure = gate.said.lines().any(|line| {
        line.starts_with("opgate: insecure: tcp://0.0.0.0:")
            && line.ends_with(" tells other machines the metrics, without TLS")
    });
    assert!(insecure, "{}", gate.said);
    // Other machines may call it by any name.
    let port = gate.said.split("metrics at tcp://0.0.0.0:").nth(1).unwrap();
    let port: u16 = port.lines().next().unwrap().parse().unwrap();
    let get = GET.replace("localhost", "gate.example.net:9323");
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    assert_eq!(exchange(stream, &get).0, 200);
    let gate = Gate::start(TCP);
    assert!(!gate.said.contains("insecure: "), "{}", gate.said);
}

#[test]
fn a_taken_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("opgate.yaml");
    fs::write(folder.path().join("metrics.sock"), "mine").unwrap();
    write(&file, &policy(folder.path(), UNIX, &["me"]));
    let Err(error) = start(&file, "") else {
        panic!("it started");
    };
    assert!(error.to_string().contains("is not a socket"), "{error}");
    let kept = fs::read_to_string(folder.path().join("metrics.sock"));
    assert_eq!(kept.unwrap(), "mine");
}

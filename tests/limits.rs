//! A gate whose clients want more than it has: slow ones, many that do nothing, and
//! more than there are descriptors. Who comes by another listener is served.
#![cfg(test)]

use std::fs;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tempfile::TempDir;

#[path = "support/peer.rs"]
mod peer;
#[path = "support/start.rs"]
mod start;

use peer::{Connection, PATIENCE, descriptors, resident};
use start::{Running, Started, start};

const PING: &str = "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";

/// What one of the clients may have.
const POOR: &str = "limits: { rate: 1, burst: 3 }";

/// What the Engine answers only when it is let go: never, here.
const WAIT: &str = "POST /v1.51/containers/x/wait HTTP/1.1\r\nHost: docker\r\n\r\n";

/// A gate with two listeners: `greedy.sock` with limits of its own, and `good.sock`.
struct Gate {
    running: Running<()>,
    folder: TempDir,
    said: String,
    /// What it says of reloads.
    events: Receiver<String>,
}

impl Gate {
    /// Starts it in a shell that says `before` first.
    fn start(limits: &str, before: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().display();
        let text = format!(
            "api: '1.51'\n\
             listen:\n\
             - {{ unix: {dir}/greedy.sock, client: me, limits: {{ {limits} }} }}\n\
             - {{ unix: {dir}/good.sock, client: me }}\n\
             - {{ unix: {dir}/poor.sock, client: poor }}\n\
             upstream: unix://{dir}/engine.sock\n\
             clients:\n  me: {{ policies: [all] }}\n  \
             poor: {{ policies: [all], {POOR} }}\n\
             policies: {{ all: {{ allow: [SystemPing, ContainerWait, ContainerCreate] }} }}\n"
        );
        fs::write(folder.path().join("opgate.yaml"), text).unwrap();
        let engine = UnixListener::bind(folder.path().join("engine.sock")).unwrap();
        std::thread::spawn(move || {
            for stream in engine.incoming().flatten() {
                std::thread::spawn(move || answer(Connection::over(stream)));
            }
        });
        let Started {
            child,
            said,
            mut lines,
        } = start(&folder.path().join("opgate.yaml"), before).unwrap();
        let (sender, events) = channel();
        let running = Running::new(child, move || {
            while let Some(Ok(line)) = lines.next() {
                if line.contains("reloaded") {
                    let _ = sender.send(line);
                }
            }
        });
        Self {
            running,
            folder,
            said,
            events,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn descriptors(&self) -> usize {
        descriptors(self.running.child.id())
    }

    fn resident(&self) -> u64 {
        resident(self.running.child.id())
    }

    /// Waits until it has no more descriptors open than this, but for those that it
    /// keeps to the Engine: no more than it served requests of others at a time.
    fn until_closed(&self, open: usize) {
        self.until("descriptors are open", || self.descriptors() <= open + 2);
    }

    fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let start = Instant::now();
        while !holds() {
            let now = self.descriptors();
            assert!(start.elapsed() < PATIENCE, "{now} {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A new client of the other listener is served; gives how long that took.
    fn serves_others(&self) -> Duration {
        let start = Instant::now();
        let (status, body) = Connection::to(&self.path("good.sock")).ask(PING);
        assert_eq!(status, 200, "{body}");
        start.elapsed()
    }

    fn greedy(&self) -> UnixStream {
        let stream = UnixStream::connect(self.path("greedy.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

/// Answers as an Engine, but no wait for a container.
fn answer(mut connection: Connection) {
    while let Some((head, _)) = connection.message() {
        if head.contains("/wait") {
            // Until the other side has had enough.
            let _ = connection.message();
            return;
        }
        let body = r#"{"ApiVersion":"1.51","MinAPIVersion":"1.24"}"#;
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
        if connection.send(&answer).is_err() {
            return;
        }
    }
}

/// Raises this process's own limit as far as it goes; gives what it is.
fn raise() -> u64 {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let highest = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, highest).unwrap();
    maximum.unwrap_or(u64::MAX)
}

#[test]
fn what_the_file_says_of_a_client_holds_and_counts_over_reloads() {
    let gate = Gate::start("requests: 5", "");
    let mut poor = Connection::to(&gate.path("poor.sock"));
    for _ in 0..3 {
        assert_eq!(poor.ask(PING).0, 200);
    }
    let (status, body) = poor.ask(PING);
    assert_eq!(status, 429);
    assert!(body.contains("more than 1 requests in a second"), "{body}");
    gate.serves_others();
    let reload = || {
        kill_process(Pid::from_child(&gate.running.child), Signal::HUP).unwrap();
        let said = gate.events.recv_timeout(PATIENCE).unwrap();
        assert!(!said.contains("not reloaded"), "{said}");
    };
    let start = Instant::now();
    reload();
    let answers: Vec<u16> = (0..3).map(|_| poor.ask(PING).0).collect();
    // No burst begins anew: one more in each second.
    let more = answers.iter().filter(|status| **status == 200).count();
    assert!(more as u64 <= start.elapsed().as_secs() + 1, "{answers:?}");
    let file = gate.path("opgate.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(POOR, "")).unwrap();
    reload();
    for _ in 0..10 {
        assert_eq!(poor.ask(PING).0, 200);
    }
}

#[test]
fn slow_heads_and_bodies_end_in_time_and_hold_up_nobody() {
    const EACH: usize = 200;
    const HEAD: &str = "POST /v1.51/containers/create HTTP/1.1\r\nHost: docker\r\n\
                        Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{";
    raise();
    let limits = format!(
        "connections: {}, head_time: 2s, body_time: 2s, idle_time: 2s",
        3 * EACH
    );
    let gate = Gate::start(&limits, "");
    let quiet = gate.descriptors();
    gate.serves_others();
    let before = gate.resident();
    let mut slow = Vec::new();
    for number in 0..3 * EACH {
        let stream = gate.greedy();
        let mut client = Connection::over(stream);
        // Some say nothing at all.
        let first = ["", "GET /_ping HTTP/1.1\r\nX-Slow: ", HEAD][number % 3];
        client.send(first).unwrap();
        slow.push((number % 3, client));
    }
    // All of its places are taken: one more client of this listener waits.
    gate.until("descriptors", || gate.descriptors() >= quiet + 3 * EACH);
    let mut last = Connection::over(gate.greedy());
    last.send(PING).unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        for (_, client) in &mut slow {
            // A byte now and then. Whoever was told to go may no longer do so.
            let _ = client.send("x");
        }
        let taken = gate.serves_others();
        assert!(taken < Duration::from_secs(1), "{taken:?}");
    }
    assert_eq!(last.answer().0, 200);
    for (kind, mut client) in slow {
        // Who said nothing before its time was up has begun a head since, or not.
        match client.message() {
            Some((head, _)) => assert!(head.starts_with("HTTP/1.1 408 "), "{kind}: {head}"),
            None => assert_eq!(kind, 0),
        }
    }
    drop(last);
    gate.until_closed(quiet);
    let after = gate.resident();
    println!(
        "{before} KiB before, {after} KiB after {} slow clients",
        3 * EACH
    );
    assert!(
        after < before + (16 << 10),
        "{before} KiB, then {after} KiB"
    );
}

#[test]
fn ten_thousand_idle_connections_cost_little_and_leave_nothing() {
    // The gate needs some for its requests, too.
    let allowed = usize::try_from(raise()).unwrap_or(usize::MAX);
    let count = allowed.saturating_sub(1000).min(10_000);
    // In one arena, what was freed is there for whoever is next. With one for each
    // thread that takes as many rounds as there are threads.
    let gate = Gate::start("connections: 10000", "export MALLOC_ARENA_MAX=1; ");
    let quiet = gate.descriptors();
    gate.serves_others();
    let before = gate.resident();
    let mut peaks = Vec::new();
    let mut left = Vec::new();
    for round in 0..3 {
        let mut idle: Vec<UnixStream> = (0..count).map(|_| gate.greedy()).collect();
        gate.until("descriptors", || gate.descriptors() >= quiet + count);
        peaks.push(gate.resident());
        let taken = gate.serves_others();
        assert!(taken < Duration::from_secs(1), "{round}: {taken:?}");
        // The last one is as good as any.
        let mut last = Connection::over(idle.pop().unwrap());
        assert_eq!(last.ask(PING).0, 200);
        drop((idle, last));
        gate.until_closed(quiet);
        left.push(gate.resident());
    }
    println!(
        "{count} idle connections: {before} KiB before, {peaks:?} KiB with them, {left:?} KiB after"
    );
    let each = (peaks[0] - before) * 1024 / count as u64;
    assert!(each < 4096, "{each} bytes for each connection");
    // The memory of the first ones serves the next.
    assert!(peaks[2] < peaks[0] + peaks[0] / 20, "{peaks:?}");
    assert!(left[2] < left[0] + left[0] / 20, "{left:?}");
}

#[test]
fn a_listener_whose_clients_take_every_descriptor_leaves_those_of_others() {
    raise();
    let gate = Gate::start("connections: 100000, requests: 100000", "ulimit -n 200; ");
    let said = format!(
        "connections at a time at unix://{} (mode 0660) instead of 100000: \
         200 descriptors (`ulimit -n`) are not enough for more",
        gate.path("greedy.sock").display()
    );
    assert!(gate.said.contains(&said), "{}", gate.said);
    let quiet = gate.descriptors();
    gate.serves_others();
    // Each with a request under way, and so with a connection to the Engine.
    let mut greedy = Vec::new();
    for _ in 0..500 {
        let mut client = Connection::over(gate.greedy());
        client.send(WAIT).unwrap();
        greedy.push(client);
    }
    gate.until("descriptors", || gate.descriptors() > quiet + 20);
    for _ in 0..50 {
        let taken = gate.serves_others();
        assert!(taken < Duration::from_secs(2), "{taken:?}");
    }
    assert!(gate.descriptors() <= 200);
    drop(greedy);
    gate.until_closed(quiet);
    let mut again = Connection::over(gate.greedy());
    assert_eq!(again.ask(PING).0, 200);
}

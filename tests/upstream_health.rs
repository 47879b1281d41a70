//! What a gate, a process of its own, knows of the health of its Engines: by requests,
//! and by asking where there are none.
#![cfg(test)]

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::oneshot::{self, Sender};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

#[expect(dead_code, reason = "other tests look at processes")]
#[path = "support/peer.rs"]
mod peer;
#[path = "support/start.rs"]
mod start;

use peer::Connection;
use start::{Running, Started, start};

const PING: &str = "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";

/// How long it may take until a probe has told.
const PATIENCE: Duration = Duration::from_mins(1);

/// What Engines were asked, by their names.
type Asked = Arc<Mutex<Vec<String>>>;

/// An Engine until it goes, with all of its connections.
struct Engine {
    task: JoinHandle<()>,
    stop: Sender<()>,
    socket: PathBuf,
}

impl Engine {
    fn at(socket: &Path, asked: &Asked) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let (asked, name) = (Arc::clone(asked), name(socket));
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    _ = &mut stopped => break,
                    Ok((stream, _)) = listener.accept() => {
                        connections.spawn(answer(stream, name.clone(), Arc::clone(&asked)));
                    }
                }
            }
            connections.shutdown().await;
        });
        Self {
            task,
            stop,
            socket: socket.to_owned(),
        }
    }

    async fn go(self) {
        fs::remove_file(&self.socket).unwrap();
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

fn name(socket: &Path) -> String {
    socket.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// Answers the requests of a connection.
async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, name: String, asked: Asked) {
    let mut stream = tokio::io::BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match stream.read_line(&mut head).await {
                Ok(size) if size > 0 => {}
                _ => return,
            }
        }
        let target = head.split(' ').nth(1).unwrap();
        asked.lock().unwrap().push(format!("{name} {target}"));
        let body = r#"{"ApiVersion":"1.51","MinAPIVersion":"1.24"}"#;
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
        if stream.get_mut().write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A running gate with its folder.
struct Gate {
    running: Running<()>,
    folder: TempDir,
    log: Receiver<String>,
    /// The lines that were read so far.
    seen: String,
}

impl Gate {
    /// `upstreams` is what the file says of Engines and of clients.
    fn start(folder: TempDir, clients: &[(&str, &str)], upstreams: &str) -> Self {
        let file = policy(folder.path(), clients, upstreams);
        let Started {
            child,
            said,
            mut lines,
        } = start(&file, "").unwrap();
        assert!(!said.contains(" is down"), "{said}");
        let (sender, log) = channel();
        let running = Running::new(child, move || {
            while let Some(Ok(line)) = lines.next() {
                let _ = sender.send(line);
            }
        });
        Self {
            running,
            folder,
            log,
            seen: String::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits for a line of the log with this in it.
    fn said(&mut self, what: &str) -> String {
        loop {
            let Ok(line) = self.log.recv_timeout(PATIENCE) else {
                panic!("nothing of {what}:\n{}", self.seen);
            };
            self.seen.push_str(&line);
            self.seen.push('\n');
            if line.contains(what) {
                return line;
            }
        }
    }

    fn ask(&self, client: &str) -> u16 {
        let socket = self.path(&format!("{client}.sock"));
        Connection::to(&socket).ask(PING).0
    }

    fn reload(&mut self, clients: &[(&str, &str)], upstreams: &str) {
        policy(self.folder.path(), clients, upstreams);
        self.signal(Signal::HUP);
        let said = self.said("reloaded");
        assert!(!said.contains("not reloaded"), "{said}");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.running.child), signal).unwrap();
    }

    fn metrics(&self) -> String {
        let mut stream = UnixStream::connect(self.path("metrics.sock")).unwrap();
        let get = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(get).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// What the metrics say of an upstream.
    fn value(&self, name: &str, upstream: &str, more: &str) -> Option<String> {
        let begin = format!("opgate_upstream_{name}{{upstream=\"{upstream}\"{more}}} ");
        let metrics = self.metrics();
        let mut lines = metrics.lines();
        lines.find_map(|line| line.strip_prefix(&begin).map(str::to_owned))
    }

    fn up(&self, upstream: &str) -> Option<String> {
        self.value("up", upstream, "")
    }

    /// How often it went, and how often it came back.
    fn changes(&self, upstream: &str) -> [String; 2] {
        ["down", "up"].map(|to| {
            let more = format!(",to=\"{to}\"");
            self.value("changes_total", upstream, &more).unwrap()
        })
    }
}

/// Waits until something holds.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A policy file with these clients; `DIR` is its folder.
fn policy(folder: &Path, clients: &[(&str, &str)], upstreams: &str) -> PathBuf {
    let (mut listen, mut of_clients) = (String::new(), String::new());
    for (name, more) in clients {
        let _ = writeln!(listen, "- {{ unix: DIR/{name}.sock, client: {name} }}");
        let _ = writeln!(of_clients, "  {name}: {{ policies: [ping]{more} }}");
    }
    let text = format!(
        "api: '1.51'\nlisten:\n{listen}clients:\n{of_clients}\
         policies: {{ ping: {{ allow: [SystemPing] }} }}\n\
         metrics: {{ unix: DIR/metrics.sock }}\n{upstreams}"
    );
    let file = folder.join("opgate.yaml");
    let new = folder.join("opgate.new");
    fs::write(&new, text.replace("DIR", folder.to_str().unwrap())).unwrap();
    fs::rename(&new, &file).unwrap();
    file
}

const ONE: &str = "upstream: unix://DIR/engine.sock\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_requests_a_probe_tells_when_it_goes_and_comes_back() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("engine.sock");
    let asked = Asked::default();
    let engine = Engine::at(&socket, &asked);
    let mut gate = Gate::start(folder, &[("me", "")], ONE);
    until("it is up", || gate.up("-").as_deref() == Some("1")).await;
    assert_eq!(gate.changes("-"), ["0", "0"]);
    let since = || {
        let since = gate.value("since_timestamp_seconds", "-", "").unwrap();
        since.parse::<f64>().unwrap()
    };
    let began = since();

    engine.go().await;
    let said = gate.said("the upstream is down");
    assert!(
        said.contains("does not answer at `unix://") && said.contains("no such socket"),
        "{said}"
    );
    assert!(said.contains("\"event\""), "{said}");
    assert_eq!(gate.up("-").unwrap(), "0");
    assert_eq!(gate.changes("-"), ["1", "0"]);
    let since = gate.value("since_timestamp_seconds", "-", "").unwrap();
    assert!(since.parse::<f64>().unwrap() > began);

    let _engine = Engine::at(&socket, &asked);
    gate.said("the upstream is up again: the Engine answers at `unix://");
    assert_eq!(gate.up("-").unwrap(), "1");
    assert_eq!(gate.changes("-"), ["1", "1"]);
    // Once it is up it is asked no more than whether it is there.
    let pings = || {
        let asked = asked.lock().unwrap();
        asked.iter().filter(|one| *one == "engine /_ping").count()
    };
    until("it is asked again", || pings() > 0).await;
    // Nothing of it is a request, and it was told once each.
    assert!(!gate.metrics().contains("opgate_requests_total{"));
    assert!(!gate.seen.contains("\"decision\""), "{}", gate.seen);
    assert_eq!(gate.seen.matches("the upstream is").count(), 2);
    let versions = asked.lock().unwrap();
    let versions = versions.iter().filter(|one| *one == "engine /version");
    assert_eq!(versions.count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_tell_at_once_and_are_tries_whatever_is_known() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("engine.sock");
    let asked = Asked::default();
    let mut gate = Gate::start(folder, &[("me", "")], ONE);
    assert_eq!(gate.ask("me"), 502);
    assert_eq!(gate.up("-").unwrap(), "0");
    gate.said("the upstream is down");
    let _engine = Engine::at(&socket, &asked);
    assert_eq!(gate.ask("me"), 200);
    assert_eq!(gate.up("-").unwrap(), "1");
    gate.said("the upstream is up again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_comes_and_goes_floods_no_log() {
    const TIMES: usize = 20;
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("engine.sock");
    let asked = Asked::default();
    let mut gate = Gate::start(folder, &[("me", "")], ONE);
    let start = Instant::now();
    for _ in 0..TIMES {
        assert_eq!(gate.ask("me"), 502);
        let engine = Engine::at(&socket, &asked);
        assert_eq!(gate.ask("me"), 200);
        engine.go().await;
    }
    let _engine = Engine::at(&socket, &asked);
    assert_eq!(gate.ask("me"), 200);
    let times = usize::try_from(start.elapsed().as_secs() / 5).unwrap() + 2;
    let said = gate.said("is up again");
    assert!(said.contains("more changes before it"), "{said}");
    let lines = gate.seen.matches("the upstream is").count();
    assert!(lines <= times, "{lines} lines:\n{}", gate.seen);
    let [downs, ups] = gate
        .changes("-")
        .map(|count| count.parse::<usize>().unwrap());
    assert!(downs >= TIMES && downs == ups, "{downs} and {ups}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_engine_is_looked_after_for_as_long_as_it_is_in_force() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_owned();
    let asked = Asked::default();
    // The gate can still reach its port once it is confined.
    let near = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = near.local_addr().unwrap().port();
    let of_near = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = near.accept().await {
            tokio::spawn(answer(stream, "near".to_owned(), Arc::clone(&of_near)));
        }
    });
    let clients = [("a", ", upstream: near"), ("b", ", upstream: far")];
    let near = format!("upstreams:\n  near: tcp://127.0.0.1:{port}\n");
    let both = format!("{near}  far: unix://DIR/far.sock\n");
    let mut gate = Gate::start(folder, &clients, &both);
    // Nobody asks them, and what is known of one is nothing of the other.
    let said = gate.said(" is down");
    assert!(said.contains("upstream far is down"), "{said}");
    until("near is up", || gate.up("near").as_deref() == Some("1")).await;
    assert_eq!(gate.up("far").unwrap(), "0");
    assert_eq!(gate.ask("a"), 200);

    // Another Engine takes the place of one.
    let _third = Engine::at(&path.join("third.sock"), &asked);
    let third = format!("{near}  third: unix://DIR/third.sock\n");
    gate.reload(&[clients[0], ("b", ", upstream: third")], &third);
    assert_eq!(gate.up("far"), None);
    assert_eq!(gate.up("near").unwrap(), "1", "it stays as it was");
    until("third is up", || gate.up("third").as_deref() == Some("1")).await;
    let _far = Engine::at(&path.join("far.sock"), &asked);
    let count = |what: &str| {
        let asked = asked.lock().unwrap();
        asked.iter().filter(|one| one.starts_with(what)).count()
    };
    // The same one under another name is looked after under that.
    let other = third.replace("third:", "other:");
    gate.reload(&[clients[0], ("b", ", upstream: other")], &other);
    assert_eq!(gate.up("third"), None);
    assert_eq!(gate.up("other").unwrap(), "1");
    let before = count("third /_ping");
    until("third is asked again", || {
        count("third /_ping") >= before + 2
    })
    .await;
    assert_eq!(count("far"), 0, "nobody goes to it any more");
    assert!(!gate.seen.contains("upstream near"), "{}", gate.seen);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_hangs_holds_nothing_up() {
    let folder = TempDir::new().unwrap();
    let listener = UnixListener::bind(folder.path().join("engine.sock")).unwrap();
    let [open, most, all] = [(); 3].map(|()| Arc::<AtomicUsize>::default());
    let counters = [&open, &most, &all].map(Arc::clone);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let [open, most, all] = counters.clone();
            all.fetch_add(1, Ordering::SeqCst);
            let now = open.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut heard = Vec::new();
                let _ = stream.read_to_end(&mut heard).await;
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    let mut gate = Gate::start(folder, &[("me", "")], ONE);
    let said = gate.said("the upstream is down");
    assert!(said.contains("nothing came within 10 s"), "{said}");
    assert_eq!(gate.up("-").unwrap(), "0");
    until("it is asked again", || all.load(Ordering::SeqCst) >= 2).await;
    assert_eq!(most.load(Ordering::SeqCst), 1, "one at a time");
    // In the middle of a probe.
    let told = Instant::now();
    gate.signal(Signal::TERM);
    assert!(gate.running.child.wait().unwrap().success());
    assert!(told.elapsed() < Duration::from_secs(5), "{told:?}");
}

//! A gate with listeners by TLS, the Engines behind it, and those who come to it.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use rustls::ClientConfig;
use serde_json::Value;
use tempfile::TempDir;

use crate::certs::{Authority, Client, Issued, Wanted};
use crate::letters::{Letters, follow};
use crate::peer::{Connection, PATIENCE, descriptors, resident};
use crate::start::start;

pub(crate) const PING: &str = "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";

/// What freed memory is there for whoever is next, not for one thread alone.
pub(crate) const ONE_ARENA: &str = "export MALLOC_ARENA_MAX=1; ";

/// A running gate with its folder.
pub(crate) struct Gate {
    pub(crate) letters: Letters,
    pub(crate) folder: TempDir,
    /// What it said when it started.
    pub(crate) said: String,
    /// Where it listens by TCP, in the order of the file.
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Gate {
    /// Starts it with the files of a folder, in a shell that says `before` first.
    pub(crate) fn start(folder: TempDir, before: &str) -> Self {
        let config = folder.path().join("opgate.yaml");
        let (letters, said) = follow(start(&config, before).unwrap());
        let summary = said.lines().find(|line| line.starts_with('{')).unwrap();
        let summary: Value = serde_json::from_str(summary).unwrap();
        let listeners = summary["listeners"].as_array().unwrap().iter();
        let addresses = listeners
            .filter_map(|one| {
                one["address"]
                    .as_str()?
                    .strip_prefix("tcp://")?
                    .parse()
                    .ok()
            })
            .collect();
        Self {
            letters,
            folder,
            said,
            addresses,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        write(&self.path(name), text);
    }

    pub(crate) fn hang_up(&self) {
        kill_process(Pid::from_child(&self.letters.running.child), Signal::HUP).unwrap();
    }

    /// The next event of its log with this in it.
    pub(crate) fn said(&self, what: &str) -> String {
        loop {
            let event = self.letters.events.recv_timeout(PATIENCE).unwrap();
            if event.contains(what) {
                return event;
            }
        }
    }

    pub(crate) fn descriptors(&self) -> usize {
        descriptors(self.letters.running.child.id())
    }

    pub(crate) fn resident(&self) -> u64 {
        resident(self.letters.running.child.id())
    }

    /// Waits until it has no more descriptors open than this, but for so many that it
    /// may keep to the Engine.
    pub(crate) fn until_closed(&self, open: usize, kept: usize) {
        self.until("open", || self.descriptors() <= open + kept);
    }

    /// Waits until something holds; `what` is said of its descriptors otherwise.
    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let start = Instant::now();
        while !holds() {
            let now = self.descriptors();
            assert!(start.elapsed() < PATIENCE, "{now} descriptors, {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A new client of `good.sock` is served, and soon.
    pub(crate) fn serves_others(&self) {
        let start = Instant::now();
        let (status, body) = Connection::to(&self.path("good.sock")).ask(PING);
        assert_eq!(status, 200, "{body}");
        let taken = start.elapsed();
        assert!(taken < Duration::from_secs(1), "{taken:?}");
    }
}

/// Replaces a file in one step.
pub(crate) fn write(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(&new, path).unwrap();
}

/// A folder with the certificates of an authority, an Engine at `engine.sock`, and a
/// file with a listener by TLS that says `more`, and one at `good.sock`.
pub(crate) fn folder(own: &Authority, more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().display();
    own.gate().write(folder.path(), "server");
    fs::write(folder.path().join("ca.pem"), own.pem()).unwrap();
    let text = format!(
        "api: '1.51'\n\
         listen:\n\
         - {{ tcp: '127.0.0.1:0', {more} }}\n\
         - {{ unix: {dir}/good.sock, client: good }}\n\
         upstream: unix://{dir}/engine.sock\n\
         clients:\n  good: {{ policies: [pe] }}\n  ce: {{ policies: [pe], when: {{ tls: {{ cn: ci }} }} }}\n\
         policies: {{ pe: {{ allow: [SystemPing, ContainerWait, ContainerCreate, ImageGet] }} }}\n"
    );
    fs::write(folder.path().join("opgate.yaml"), text).unwrap();
    engine(folder.path(), "engine", 'e');
    folder
}

/// What a listener says of TLS that asks for certificates.
pub(crate) const TLS: &str = "tls: { cert: server.pem, key: server-key.pem, client_ca: ca.pem }";

/// A certificate of `ci`.
pub(crate) fn ci(own: &Authority, serial: u64) -> Issued {
    own.issue(Wanted {
        names: vec!["ci"],
        serial,
        ..Wanted::default()
    })
}

/// What a client connects with.
pub(crate) fn config(own: &Authority, shows: &Issued, old: bool) -> Arc<ClientConfig> {
    let client = Client {
        trusts: own,
        shows: Some(shows),
        old,
    };
    client.config()
}

/// An Engine of this letter at `NAME.sock`, which counts the containers of any other.
pub(crate) fn engine(folder: &Path, name: &str, letter: char) -> Arc<AtomicUsize> {
    let listener = UnixListener::bind(folder.join(format!("{name}.sock"))).unwrap();
    let wrong = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&wrong);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let wrong = Arc::clone(&count);
            let serve = move || answer(Connection::over(stream), letter, &wrong);
            std::thread::spawn(serve);
        }
    });
    wrong
}

/// Answers as an Engine, but no wait for a container. An image is so many MiB as its
/// name says.
fn answer(mut connection: Connection, letter: char, wrong: &AtomicUsize) {
    while let Some((head, body)) = connection.message() {
        if head.contains("/wait") {
            // Until the other side has had enough.
            let _ = connection.message();
            return;
        }
        if let Some((_, rest)) = head.split_once("/images/") {
            let size: usize = rest.split('/').next().unwrap().parse().unwrap();
            if send_image(&mut connection, size).is_err() {
                return;
            }
            continue;
        }
        if head.contains("/create") {
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            if body["Labels"]["made.by"] != letter.to_string() {
                wrong.fetch_add(1, Ordering::Relaxed);
            }
        }
        let answer = format!(
            r#"{{"Id":"{letter}","Warnings":[],"ApiVersion":"1.51","MinAPIVersion":"1.24"}}"#
        );
        let length = answer.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        if connection.send(&(head + &answer)).is_err() {
            return;
        }
    }
}

fn send_image(connection: &mut Connection, mebibytes: usize) -> std::io::Result<()> {
    const PIECE: usize = 64 << 10;
    let length = mebibytes << 20;
    connection.send(&format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\nContent-Length: {length}\r\n\r\n"
    ))?;
    let piece = "x".repeat(PIECE);
    (0..length / PIECE).try_for_each(|_| connection.send(&piece))
}

/// Raises this process's own limit of descriptors as far as it goes; gives what it is.
pub(crate) fn raise() -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let highest = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, highest).unwrap();
    usize::try_from(maximum.unwrap_or(u64::MAX)).unwrap_or(usize::MAX)
}

//! The policy files of a running gate change: by SIGHUP and by themselves, valid and
//! broken, alone and in a storm under load.
#![cfg(test)]

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

#[path = "support/letters.rs"]
mod letters;
#[path = "support/peer.rs"]
mod peer;
#[path = "support/start.rs"]
mod start;

use letters::{Letters, follow};
use peer::{Connection, PATIENCE, descriptors, resident};
use start::start;

/// A running gate with its folder, its events and what is wrong with its log.
struct Gate {
    letters: Letters,
    folder: TempDir,
}

impl Gate {
    /// Starts with policy `a`, in front of Engines `a` and `b`.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("shared.yaml"), SHARED).unwrap();
        write(
            &folder.path().join("opgate.yaml"),
            &policy(folder.path(), 'a', ""),
        );
        let started = start(&folder.path().join("opgate.yaml"), "").unwrap();
        let (letters, said) = follow(started);
        assert!(said.contains("opgate: client ca at unix://"), "{said}");
        Self { letters, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, text: &str) {
        write(&self.path("opgate.yaml"), text);
    }

    fn hang_up(&self) {
        kill_process(Pid::from_child(&self.letters.running.child), Signal::HUP).unwrap();
    }

    /// The next thing that the gate says of a reload.
    fn said(&self) -> String {
        loop {
            let event = self.letters.events.recv_timeout(PATIENCE).unwrap();
            if event.contains("reloaded") {
                return event;
            }
        }
    }

    fn descriptors(&self) -> usize {
        descriptors(self.letters.running.child.id())
    }

    fn resident(&self) -> u64 {
        resident(self.letters.running.child.id())
    }
}

/// Replaces a file in one step.
fn write(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(&new, path).unwrap();
}

const SHARED: &str = "policies: { ping: { allow: [SystemPing] } }\n";

/// A policy under which all is called by one letter: the Engine, the client, its
/// policy, and the label that containers get. `more` is more listeners.
fn policy(folder: &Path, letter: char, more: &str) -> String {
    let dir = folder.display();
    format!(
        "api: '1.51'\n\
         include: [shared.yaml]\n\
         listen:\n\
         - {{ unix: {dir}/gate.sock, client: c{letter} }}\n\
         {more}\
         upstream: unix://{dir}/{letter}.sock\n\
         clients:\n  c{letter}: {{ policies: [p{letter}, ping] }}\n\
         policies:\n  p{letter}:\n    allow:\n    - ContainerCreate:\n        \
         body: {{ Labels: {{ set: {{ made.by: {letter} }} }} }}\n\
         \x20   deny: [SecretList]\n"
    )
}

/// An Engine of this letter, which counts the containers of any other.
fn engine(folder: &Path, letter: char) -> Arc<AtomicUsize> {
    let listener = UnixListener::bind(folder.join(format!("{letter}.sock"))).unwrap();
    let wrong = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&wrong);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let wrong = Arc::clone(&count);
            std::thread::spawn(move || {
                let mut connection = Connection::over(stream);
                while let Some((head, body)) = connection.message() {
                    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
                    let is_version = head.starts_with("GET /version ");
                    if !is_version && body["Labels"]["made.by"] != letter.to_string() {
                        wrong.fetch_add(1, Ordering::Relaxed);
                    }
                    let answer = if is_version {
                        r#"{"ApiVersion":"1.51","MinAPIVersion":"1.24"}"#.to_owned()
                    } else {
                        format!(r#"{{"Id":"{letter}","Warnings":[]}}"#)
                    };
                    let length = answer.len();
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
                    let written = connection.send(&(head + &answer));
                    if written.is_err() {
                        return;
                    }
                }
            });
        }
    });
    wrong
}

fn create(connection: &mut Connection) -> (u16, String) {
    connection.ask(
        "POST /v1.51/containers/create HTTP/1.1\r\nHost: docker\r\n\
             Content-Type: application/json\r\nContent-Length: 18\r\n\r\n{\"Image\":\"alpine\"}",
    )
}

fn secrets(connection: &mut Connection) -> (u16, String) {
    connection.ask("GET /v1.51/secrets HTTP/1.1\r\nHost: docker\r\n\r\n")
}

/// The letter of the policy that a client's requests are judged by now.
fn letter(gate: &Gate) -> char {
    let (status, body) = create(&mut Connection::to(&gate.path("gate.sock")));
    assert_eq!(status, 200, "{body}");
    let answer: Value = serde_json::from_str(&body).unwrap();
    answer["Id"].as_str().unwrap().chars().next().unwrap()
}

#[test]
fn a_change_of_the_files_counts_without_a_signal() {
    let gate = Gate::start();
    let _engines = ['a', 'b'].map(|letter| engine(gate.folder.path(), letter));
    assert_eq!(letter(&gate), 'a');
    gate.write(&policy(gate.folder.path(), 'b', ""));
    let said = gate.said();
    assert!(said.starts_with("reloaded "), "{said}");
    assert_eq!(letter(&gate), 'b');

    // A file that is included alone, and wrongly.
    write(
        &gate.path("shared.yaml"),
        "policies: { ping: { allow: [SystemPong] } }\n",
    );
    let said = gate.said();
    assert!(
        said.starts_with("not reloaded, the policies stay"),
        "{said}"
    );
    assert!(said.contains("error[unknown-operation]"), "{said}");
    assert!(said.contains("shared.yaml:1:29"), "{said}");
    assert_eq!(letter(&gate), 'b');
    // Health reads what the gate would start with.
    let health = || {
        let health = Command::new(env!("CARGO_BIN_EXE_opgate"))
            .args(["health", "--config"])
            .arg(gate.path("opgate.yaml"))
            .output()
            .unwrap();
        (
            health.status.code(),
            String::from_utf8(health.stderr).unwrap(),
        )
    };
    let (code, text) = health();
    assert_eq!(code, Some(1));
    assert!(text.contains("unknown-operation"), "{text}");

    write(&gate.path("shared.yaml"), SHARED);
    assert!(gate.said().starts_with("reloaded "));
    assert_eq!(health().0, Some(0));
}

#[test]
fn a_reload_says_what_is_insecure() {
    let gate = Gate::start();
    let dir = gate.folder.path().display();
    let open = format!("{dir}/open.sock");
    let more = format!("- {{ unix: {open}, mode: '0666', client: ca }}\n");
    gate.write(&policy(gate.folder.path(), 'a', &more));
    gate.hang_up();
    let said = gate.said();
    assert!(said.starts_with("reloaded "), "{said}");
    let insecure =
        format!("\ninsecure: unix://{open} is open to every user who can reach its folder");
    assert!(said.ends_with(&insecure), "{said}");
    gate.write(&policy(gate.folder.path(), 'a', ""));
    gate.hang_up();
    let said = gate.said();
    assert!(!said.contains("insecure"), "{said}");
}

#[test]
fn a_confined_gate_says_why_it_cannot_listen_in_another_folder() {
    let gate = Gate::start();
    let other = TempDir::new().unwrap();
    let socket = other.path().join("gate.sock");
    let more = format!("- {{ unix: {}, client: ca }}\n", socket.display());
    gate.write(&policy(gate.folder.path(), 'a', &more));
    gate.hang_up();
    let said = gate.said();
    if said.starts_with("reloaded ") {
        eprintln!("=== no Landlock here: the gate gives up no folder");
        return;
    }
    let denied = format!("cannot listen at `{}`: Permission denied", socket.display());
    assert!(said.contains(&denied), "{said}");
    assert!(said.ends_with("for others start it anew"), "{said}");
}

#[test]
fn what_is_not_a_file_is_not_waited_for() {
    let gate = Gate::start();
    let _engine = engine(gate.folder.path(), 'a');
    fs::remove_file(gate.path("shared.yaml")).unwrap();
    // Opening it would wait for somebody who writes.
    let made = Command::new("mkfifo")
        .arg(gate.path("shared.yaml"))
        .status();
    assert!(made.unwrap().success());
    gate.hang_up();
    let said = gate.said();
    assert!(said.contains("it is not a file"), "{said}");
    assert_eq!(letter(&gate), 'a');
}

/// What the next file of the storm is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Valid(char),
    Broken,
}

/// A file of the storm.
fn next(gate: &Gate, number: usize) -> (Next, String) {
    let folder = gate.folder.path();
    let letter = if number.is_multiple_of(2) { 'b' } else { 'a' };
    let whole = policy(folder, letter, "");
    match number % 7 {
        0 => (Next::Broken, whole.replace("SecretList", "SecretLost")),
        // Half of it.
        2 => (
            Next::Broken,
            whole.split("eate:").next().unwrap().to_owned(),
        ),
        4 => (Next::Broken, String::new()),
        // A listener that cannot be opened.
        5 => {
            let taken = format!(
                "- {{ unix: {}/taken, client: c{letter} }}\n",
                folder.display()
            );
            (Next::Broken, policy(folder, letter, &taken))
        }
        1 => {
            let name = number % 3;
            let more = format!(
                "- {{ unix: {}/more{name}.sock, client: c{letter} }}\n",
                folder.display()
            );
            (Next::Valid(letter), policy(folder, letter, &more))
        }
        _ => (Next::Valid(letter), whole),
    }
}

/// Asks until it is over; gives how often. Everything that is not as it must be
/// panics.
fn traffic(socket: &Path, over: &AtomicBool, keep: bool) -> usize {
    let mut connection = Connection::to(socket);
    let mut asked = 0;
    while !over.load(Ordering::Relaxed) {
        let (status, body) = create(&mut connection);
        assert_eq!(status, 200, "{body}");
        let (status, body) = secrets(&mut connection);
        assert_eq!(status, 403, "{body}");
        let known = ["client ca", "client cb"];
        assert!(known.iter().any(|client| body.contains(client)), "{body}");
        asked += 2;
        if !keep {
            connection = Connection::to(socket);
        }
    }
    asked
}

fn storm(gate: &Gate, numbers: std::ops::Range<usize>) -> usize {
    let over = AtomicBool::new(false);
    let over = &over;
    let socket = &*gate.path("gate.sock");
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..6)
            .map(|number| scope.spawn(move || traffic(socket, over, number < 4)))
            .collect();
        for number in numbers {
            let (expected, text) = next(gate, number);
            gate.write(&text);
            gate.hang_up();
            // Of the file before it may say so once more: where this process is held up,
            // the gate has found that by itself before it was told.
            loop {
                let said = gate.said();
                if said.starts_with("reloaded ") == (expected != Next::Broken) {
                    break;
                }
                println!("{number}: {said}");
            }
        }
        over.store(true, Ordering::Relaxed);
        let asked = clients.into_iter().map(|client| client.join().unwrap());
        asked.sum()
    })
}

#[test]
fn in_a_storm_of_reloads_no_request_fails_or_is_judged_by_two_policies() {
    let gate = Gate::start();
    let engines = ['a', 'b'].map(|letter| engine(gate.folder.path(), letter));
    let _taken = UnixListener::bind(gate.path("taken")).unwrap();
    let quiet = gate.descriptors();

    // What is allocated once is there after the first of it.
    storm(&gate, 0..60);
    let before = gate.resident();
    let asked = storm(&gate, 60..360);
    let after = gate.resident();
    assert!(asked > 300, "{asked}");
    println!("{asked} requests, {before} KiB before and {after} KiB after 300 reloads");
    assert!(after < before + (8 << 10), "{before} KiB, then {after} KiB");
    assert_eq!(gate.letters.mixed.load(Ordering::Relaxed), 0);
    for wrong in engines {
        assert_eq!(wrong.load(Ordering::Relaxed), 0);
    }

    // With other Engines, the connections to these go, and nothing else is left.
    for letter in ['b', 'a'] {
        gate.write(&policy(gate.folder.path(), letter, ""));
        gate.hang_up();
        assert!(gate.said().starts_with("reloaded "));
    }
    let start = Instant::now();
    while gate.descriptors() != quiet {
        let open = gate.descriptors();
        assert!(start.elapsed() < PATIENCE, "{quiet} before, {open} after");
        std::thread::yield_now();
    }
}

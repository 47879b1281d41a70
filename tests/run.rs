//! `opgate run` as a process of its own: where it listens, and what it does when
//! there are few descriptors.
#![cfg(test)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tempfile::TempDir;

/// A running gate. Its folder holds the sockets.
struct Running {
    folder: TempDir,
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts the gate at these addresses, where `DIR` is its folder, in a shell
    /// that says `before` first. Gives the lines that it begins with, too.
    fn start(listen: &[&str], before: &str) -> (Self, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().to_str().unwrap();
        let listen: Vec<String> = listen
            .iter()
            .map(|at| format!("{{ {}, client: me }}", at.replace("DIR", dir)))
            .collect();
        let policy = format!(
            "api: '1.51'\nlisten: [{}]\nupstream: unix://{dir}/engine.sock\n\
             clients: {{ me: {{ policies: [all] }} }}\n\
             policies: {{ all: {{ allow: [SystemPing] }} }}\n",
            listen.join(", ")
        );
        let file = folder.path().join("opgate.yaml");
        fs::write(&file, policy).unwrap();
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(format!("{before}exec \"$@\""))
            .args(["sh", env!("CARGO_BIN_EXE_opgate"), "run", "--config"])
            .arg(&file)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut running = Self { folder, child, log };
        let first = running.until("opgate: Engine at");
        (running, first)
    }

    /// The next lines of the log, up to one that holds this.
    fn until(&mut self, what: &str) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        loop {
            let mut line = String::new();
            let size = self.log.read_line(&mut line).unwrap();
            assert_ne!(size, 0, "the log ended without {what}: {lines:?}");
            let found = line.contains(what);
            lines.push(line.trim_end().to_owned());
            if found {
                return lines;
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// An Engine that answers every request, for as long as the test runs.
    fn engine(&self) {
        let listener = UnixListener::bind(self.path("engine.sock")).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                std::thread::spawn(move || answer(stream));
            }
        });
    }

    fn process(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

/// Answers the requests of a connection, which have no bodies.
fn answer(mut stream: UnixStream) {
    let body = r#"{"ApiVersion":"1.51","MinAPIVersion":"1.24"}"#;
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        if line.is_empty() {
            let length = body.len();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// Asks on a connection that goes on; gives the status.
fn ping(stream: &mut (impl Read + Write)) -> u16 {
    stream
        .write_all(b"GET /_ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") && !answer.ends_with(b"}\n") {
        let mut piece = [0; 1024];
        let size = stream.read(&mut piece).unwrap();
        assert_ne!(size, 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..size]);
    }
    let text = String::from_utf8(answer).unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

fn limit(process: Pid) -> (Option<u64>, Option<u64>) {
    let path = format!("/proc/{}/limits", process.as_raw_nonzero());
    let limits = fs::read_to_string(path).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let mut numbers = line.unwrap().split_whitespace().skip(3);
    let mut number = || numbers.next().unwrap().parse().ok();
    (number(), number())
}

fn connect(path: &Path) -> UnixStream {
    UnixStream::connect(path).unwrap()
}

#[test]
fn it_says_where_it_listens_and_serves_there() {
    let listen = ["unix: DIR/gate.sock, mode: '0600'", "tcp: '127.0.0.1:0'"];
    let (running, lines) = Running::start(&listen, "");
    running.engine();
    let gate = running.path("gate.sock");
    assert_eq!(
        lines[0],
        format!("opgate: client me at unix://{} (mode 0600)", gate.display())
    );
    let (_, address) = lines[1].split_once("client me at tcp://").unwrap();
    assert!(!address.ends_with(":0"), "the port that it got: {address}");
    assert_eq!(ping(&mut connect(&gate)), 200);
    assert_eq!(ping(&mut TcpStream::connect(address).unwrap()), 200);
}

#[test]
fn it_takes_all_the_descriptors_that_it_can_get() {
    let (running, _) = Running::start(&["unix: DIR/gate.sock"], "ulimit -Sn 256; ");
    let (soft, hard) = limit(running.process());
    assert_ne!(soft, Some(256));
    assert_eq!(soft, hard);
}

#[test]
fn it_says_when_there_are_few_descriptors_and_serves_fewer_at_a_time() {
    let (running, lines) = Running::start(&["unix: DIR/gate.sock"], "ulimit -n 100; ");
    running.engine();
    let gate = running.path("gate.sock");
    assert_eq!(
        lines[0],
        format!(
            "opgate: 12 connections at a time at unix://{} (mode 0660) instead of 1024: \
             100 descriptors (`ulimit -n`) are not enough for more",
            gate.display()
        )
    );
    let mut clients: Vec<_> = (0..12).map(|_| connect(&gate)).collect();
    for client in &mut clients {
        assert_eq!(ping(client), 200);
    }
    let mut waiting = connect(&gate);
    clients.pop();
    assert_eq!(ping(&mut waiting), 200);
}

#[test]
fn without_descriptors_who_is_connected_is_served_and_others_as_soon_as_there_are_some() {
    let (mut running, _) = Running::start(&["unix: DIR/gate.sock"], "");
    running.engine();
    let gate = running.path("gate.sock");
    let mut first = connect(&gate);
    let mut second = connect(&gate);
    assert_eq!(ping(&mut first), 200);
    assert_eq!(ping(&mut second), 200);

    // From now on there are only a few more than it has.
    let process = running.process();
    let open = fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero()))
        .unwrap()
        .count() as u64;
    let before = prlimit(
        Some(process),
        Resource::Nofile,
        Rlimit {
            current: Some(open + 5),
            maximum: limit(process).1,
        },
    )
    .unwrap();
    assert!(before.current > Some(open + 5));
    let others: Vec<_> = (0..50).map(|_| connect(&gate)).collect();
    running.until("accept: ");
    for _ in 0..20 {
        assert_eq!(ping(&mut first), 200);
        assert_eq!(ping(&mut second), 200);
    }

    let mut last = connect(&gate);
    drop(others);
    assert_eq!(ping(&mut last), 200);
    assert_eq!(ping(&mut first), 200);
}

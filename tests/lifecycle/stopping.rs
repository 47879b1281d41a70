//! What becomes of clients when the gate is told to stop.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::engine::Engine;
use super::{POLICY, Running};

/// A gate that gives so many seconds, its Engine and a client.
struct Scene {
    gate: Running,
    engine: Engine,
    client: UnixStream,
}

impl Scene {
    fn new(grace: &str) -> Self {
        let gate = Running::start(POLICY, &["--grace", grace], &[]);
        let engine = Engine::start(&gate.path("engine.sock"));
        let client = UnixStream::connect(gate.path("gate.sock")).unwrap();
        // Rather than waiting for ever.
        let time = Some(Duration::from_mins(1));
        client.set_read_timeout(time).unwrap();
        Self {
            gate,
            engine,
            client,
        }
    }

    fn ask(&mut self, request: &str) {
        write!(self.client, "{request} HTTP/1.1\r\nHost: docker\r\n\r\n").unwrap();
    }

    /// Waits until the Engine was asked.
    fn asked(&self, path: &str) {
        let asked = self.engine.asked.recv().unwrap();
        assert!(asked.contains(path), "{asked}");
    }

    /// Tells the gate to stop, and waits until it takes nobody new.
    fn stop(&self, signal: Signal) {
        self.gate.signal(signal);
        while self.gate.path("gate.sock").exists() {
            std::thread::yield_now();
        }
        UnixStream::connect(self.gate.path("gate.sock")).unwrap_err();
    }

    /// Reads until this has come.
    fn read(&mut self, until: &str) -> String {
        let mut read = String::new();
        while !read.contains(until) {
            let mut piece = [0; 1024];
            let size = self.client.read(&mut piece).unwrap();
            assert_ne!(size, 0, "{read}");
            read.push_str(std::str::from_utf8(&piece[..size]).unwrap());
        }
        read
    }

    /// Reads what is left.
    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.client.read_to_string(&mut rest).unwrap();
        rest
    }

    fn ended_well(&mut self) {
        let status = self.gate.ended();
        assert_eq!(status.code(), Some(0), "{status}");
        assert!(!self.gate.path("gate.sock").exists());
    }
}

#[test]
fn a_request_under_way_is_answered_before_the_gate_ends() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut scene = Scene::new("60");
        scene.ask("GET /v1.51/info");
        scene.asked("/info");
        scene.stop(signal);
        scene.engine.release.send(()).unwrap();
        let answer = scene.rest();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with("{}"), "{answer}");
        scene.ended_well();
    }
}

#[test]
fn a_connection_without_a_request_is_closed_at_once() {
    let mut scene = Scene::new("60");
    scene.ask("GET /_ping");
    // The status line says it, too.
    scene.read("\r\n\r\nOK");
    let start = Instant::now();
    scene.stop(Signal::TERM);
    assert_eq!(scene.rest(), "");
    scene.ended_well();
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_stream_is_cut_off_when_the_grace_is_over() {
    let mut scene = Scene::new("2");
    scene.ask("GET /v1.51/events");
    scene.read("{}\n");
    let start = Instant::now();
    scene.stop(Signal::TERM);
    // Not as if it had ended.
    assert!(!scene.rest().ends_with("0\r\n\r\n"));
    scene.ended_well();
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_tunnel_is_told_before_the_grace_is_over_so_that_its_last_words_come_through() {
    let mut scene = Scene::new("4");
    let attach = "POST /v1.51/containers/c/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\n\
                  Host: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    scene.client.write_all(attach.as_bytes()).unwrap();
    let head = scene.read("hello ");
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let start = Instant::now();
    scene.stop(Signal::TERM);
    // It still works: there is time left.
    scene.client.write_all(b"some words").unwrap();
    assert_eq!(scene.rest(), "bye after some words");
    let told = start.elapsed();
    assert!(told >= Duration::from_secs(3), "{told:?}");
    scene.client.shutdown(std::net::Shutdown::Both).unwrap();
    scene.ended_well();
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for second in [Signal::TERM, Signal::INT] {
        let mut scene = Scene::new("600");
        scene.ask("GET /v1.51/events");
        scene.read("{}\n");
        let start = Instant::now();
        scene.stop(Signal::TERM);
        scene.gate.signal(second);
        scene.ended_well();
        assert!(start.elapsed() < Duration::from_mins(1));
        assert!(!scene.rest().ends_with("0\r\n\r\n"));
    }
}

#[test]
fn no_grace_is_no_wait() {
    let mut scene = Scene::new("0");
    scene.ask("GET /v1.51/info");
    scene.asked("/info");
    scene.stop(Signal::TERM);
    scene.ended_well();
}

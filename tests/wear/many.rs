//! More clients than there is room for: idle ones, those that never finish their
//! handshake, and those that take every descriptor.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;
use rustls::ClientConfig;

use crate::certs::{Authority, TlsClient, hello};
use crate::gate::{Gate, ONE_ARENA, PING, TLS, ci, config, folder, raise};

/// What the Engine answers only when it is let go: never, here.
const WAIT: &str = "POST /v1.51/containers/x/wait HTTP/1.1\r\nHost: docker\r\n\r\n";

#[test]
fn two_thousand_half_open_handshakes_keep_nobody_out_and_end() {
    const COUNT: usize = 2000;
    raise();
    let own = Authority::new("own");
    let more = format!("{TLS}, limits: {{ connections: {} }}", COUNT + 10);
    let gate = Gate::start(folder(&own, &more), ONE_ARENA);
    let address = gate.addresses[0];
    let config = config(&own, &ci(&own, 1), false);
    let serves = || {
        let begun = Instant::now();
        let mut one = TlsClient::connect(&config, address).unwrap();
        assert_eq!(one.ask(PING).unwrap().0, 200);
        assert!(begun.elapsed() < Duration::from_secs(1), "{begun:?}");
        gate.serves_others();
    };
    serves();
    let quiet = gate.descriptors();
    let before = gate.resident();
    let mut said = Vec::new();
    hello(&config, "localhost").write_tls(&mut said).unwrap();
    let begun = Instant::now();
    // Half of them have said all that they can before the gate answers.
    let half: Vec<TcpStream> = (0..COUNT)
        .map(|number| {
            let mut stream = TcpStream::connect(address).unwrap();
            let part = if number % 2 == 0 { 0 } else { said.len() };
            stream.write_all(&said[..part]).unwrap();
            stream
        })
        .collect();
    gate.until("half open", || {
        gate.descriptors() >= quiet + COUNT || begun.elapsed() > Duration::from_secs(8)
    });
    let during = gate.resident();
    serves();
    // They are still there, but not for long.
    gate.until_closed(quiet, 4);
    drop(half);
    let after = gate.resident();
    println!("{COUNT} half open: {before} KiB before, {during} KiB with them, {after} KiB after");
    let each = during.saturating_sub(before) * 1024 / COUNT as u64;
    assert!(each < 24 << 10, "{each} bytes for each");
    serves();
    let said = gate.said("TLS handshake with 127.0.0.1:");
    assert!(said.contains("timed out"), "{said}");
    assert!(after < during + (4 << 10), "{during} KiB, then {after} KiB");
}

#[test]
fn ten_thousand_idle_connections_cost_little_and_leave_nothing() {
    // Others of these tests need some, too.
    let count = raise().saturating_sub(5000).min(10_000);
    let own = Authority::new("own");
    let more = format!("{TLS}, limits: {{ connections: 10010, idle_time: 1h }}");
    let gate = Gate::start(folder(&own, &more), ONE_ARENA);
    let address = gate.addresses[0];
    let one = ci(&own, 1);
    let configs = [true, false].map(|old| config(&own, &one, old));
    let mut last = TlsClient::connect(&configs[0], address).unwrap();
    assert_eq!(last.ask(PING).unwrap().0, 200);
    gate.serves_others();
    let quiet = gate.descriptors();
    let before = gate.resident();
    let mut idle = connect(&configs, address, count);
    // But for those to the Engine that were kept long enough.
    gate.until("idle", || gate.descriptors() + 4 >= quiet + count);
    let peak = gate.resident();
    gate.serves_others();
    assert_eq!(last.ask(PING).unwrap().0, 200);
    // Half of them leave as if they had never been there.
    let rest = idle.split_off(count / 2);
    for stream in &rest {
        set_socket_linger(stream, Some(Duration::ZERO)).unwrap();
    }
    drop((idle, rest));
    gate.until_closed(quiet, 4);
    assert_eq!(last.ask(PING).unwrap().0, 200);

    // What they have left is there for those who come next.
    let again = connect(&configs, address, count / 10);
    let after = gate.resident();
    drop(again);
    println!("{count} idle by TLS: {before} KiB before, {peak} KiB with them, {after} KiB after");
    let each = peak.saturating_sub(before) * 1024 / count as u64;
    assert!(each < 24 << 10, "{each} bytes for each connection");
    assert!(after < peak + peak / 20, "{peak} KiB, then {after} KiB");
}

/// So many connections that are done with their handshake.
fn connect(configs: &[Arc<ClientConfig>; 2], address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let some = |config| {
        move || {
            let connect = |_| TlsClient::connect(config, address).unwrap().0.sock;
            (0..count / 2).map(connect).collect::<Vec<_>>()
        }
    };
    std::thread::scope(|scope| {
        let threads = configs.each_ref().map(|config| scope.spawn(some(config)));
        let streams = threads.into_iter().flat_map(|one| one.join().unwrap());
        streams.collect()
    })
}

#[test]
fn a_listener_whose_clients_take_every_descriptor_leaves_those_of_others() {
    raise();
    let own = Authority::new("own");
    let more = format!("{TLS}, limits: {{ connections: 100000, requests: 100000 }}");
    let gate = Gate::start(folder(&own, &more), "ulimit -n 200; ");
    let address = gate.addresses[0];
    // So many of them are served at a time.
    let (room, _) = (gate.said.split_once(" connections at a time at tcp://")).unwrap();
    let room: usize = room.rsplit(' ').next().unwrap().parse().unwrap();
    let config = config(&own, &ci(&own, 1), false);
    let quiet = gate.descriptors();
    gate.serves_others();
    // Each with a request under way, and so with a connection to the Engine.
    let greedy: Vec<TlsClient> = (0..room)
        .map(|_| {
            let mut client = TlsClient::connect(&config, address).unwrap();
            client.send(WAIT).unwrap();
            client
        })
        .collect();
    // And those that are not let in.
    let waiting: Vec<TcpStream> = (0..400)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    gate.until("open", || gate.descriptors() >= quiet + room);
    for _ in 0..50 {
        gate.serves_others();
    }
    assert!(gate.descriptors() <= 200);
    drop((greedy, waiting));
    gate.until_closed(quiet, 4);
    let mut again = TlsClient::connect(&config, address).unwrap();
    assert_eq!(again.ask(PING).unwrap().0, 200);
}

//! Clients that take their time, in the handshake and after it.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::certs::{Authority, TlsClient, hello};
use crate::gate::{Gate, ONE_ARENA, PING, TLS, ci, config, folder, raise};
use crate::peer::PATIENCE;

const HEAD: &str = "POST /v1.51/containers/create HTTP/1.1\r\nHost: docker\r\n\
                    Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{";

/// Whether the other side has ended a connection that is not waited for.
fn is_over(stream: &mut TcpStream) -> bool {
    let mut room = [0; 4096];
    loop {
        match stream.read(&mut room) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}

#[test]
fn slow_handshakes_heads_and_bodies_end_in_time_and_hold_up_nobody() {
    const KINDS: usize = 6;
    const EACH: usize = 100;
    raise();
    let own = Authority::new("own");
    let more = format!(
        "{TLS}, limits: {{ connections: {}, head_time: 2s, body_time: 2s, idle_time: 2s }}",
        KINDS * EACH + 10
    );
    let gate = Gate::start(folder(&own, &more), ONE_ARENA);
    let address = gate.addresses[0];
    let one = ci(&own, 1);
    let configs = [true, false].map(|old| config(&own, &one, old));
    for config in &configs {
        let mut one = TlsClient::connect(config, address).unwrap();
        assert_eq!(one.ask(PING).unwrap().0, 200);
    }
    gate.serves_others();
    let quiet = gate.descriptors();
    let before = gate.resident();

    // Some say nothing at all, some half of what they have to say, some a byte of it
    // now and then, and some are slow only when they are in.
    let mut greeting = Vec::new();
    let mut clients = Vec::new();
    for number in 0..KINDS * EACH {
        let config = &configs[number / KINDS % 2];
        if number % KINDS < 3 {
            let mut said = Vec::new();
            hello(config, "localhost").write_tls(&mut said).unwrap();
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_nodelay(true).unwrap();
            if number % KINDS == 1 {
                stream.write_all(&said[..said.len() / 2]).unwrap();
            }
            stream.set_nonblocking(true).unwrap();
            greeting.push((number % KINDS, stream, said.into_iter()));
            continue;
        }
        let mut client = TlsClient::connect(config, address).unwrap();
        if number % KINDS == 5 {
            // Half of a record, with a whole request in it.
            let TlsClient(mut client) = client;
            client.conn.writer().write_all(PING.as_bytes()).unwrap();
            let mut said = Vec::new();
            client.conn.write_tls(&mut said).unwrap();
            client.sock.write_all(&said[..said.len() / 2]).unwrap();
            client.sock.set_nonblocking(true).unwrap();
            greeting.push((5, client.sock, Vec::new().into_iter()));
        } else {
            let first = ["GET /_ping HTTP/1.1\r\nX-Slow: ", HEAD][number % KINDS - 3];
            client.send(first).unwrap();
            clients.push(client);
        }
    }
    let begun = Instant::now();
    while !greeting.is_empty() {
        for (kind, stream, said) in &mut greeting {
            if *kind == 2 {
                // Whoever was told to go may no longer do so.
                let _ = said.next().map(|byte| stream.write(&[byte]));
            }
        }
        if begun.elapsed() < Duration::from_secs(5) {
            for client in &mut clients {
                let _ = client.send("x");
            }
        }
        greeting.retain_mut(|(_, stream, _)| !is_over(stream));
        gate.serves_others();
        let asked = Instant::now();
        let mut next = TlsClient::connect(&configs[0], address).unwrap();
        assert_eq!(next.ask(PING).unwrap().0, 200);
        let taken = asked.elapsed();
        assert!(taken < Duration::from_secs(1), "{taken:?}");
        assert!(begun.elapsed() < PATIENCE, "{} greet", greeting.len());
    }
    let said = gate.said("TLS handshake with 127.0.0.1:");
    assert!(said.contains("timed out"), "{said}");
    for mut client in clients {
        // It is told why, in time: it has been a while since.
        client.0.sock.set_nonblocking(true).unwrap();
        assert_eq!(client.answer().unwrap().0, 408);
    }
    gate.until_closed(quiet, 4);
    let after = gate.resident();
    println!(
        "{before} KiB before, {after} KiB after {} slow clients",
        KINDS * EACH
    );
    assert!(
        after < before + (16 << 10),
        "{before} KiB, then {after} KiB"
    );
}

#[test]
fn keys_that_are_exchanged_without_end_end_the_connection() {
    let own = Authority::new("own");
    let gate = Gate::start(folder(&own, TLS), ONE_ARENA);
    let address = gate.addresses[0];
    let new = config(&own, &ci(&own, 1), false);
    // Now and then is fine.
    let mut one = TlsClient::connect(&new, address).unwrap();
    for _ in 0..100 {
        one.0.conn.refresh_traffic_keys().unwrap();
        assert_eq!(one.ask(PING).unwrap().0, 200);
    }
    let quiet = gate.descriptors();
    let before = gate.resident();
    for _ in 0..20 {
        let mut flood = TlsClient::connect(&new, address).unwrap();
        let sent = (0..100_000).try_for_each(|_| {
            flood.0.conn.refresh_traffic_keys().unwrap();
            flood.0.flush()
        });
        // Either it notices, or it has no answer.
        if sent.is_ok() {
            flood.ask(PING).unwrap_err();
        }
    }
    assert_eq!(one.ask(PING).unwrap().0, 200);
    gate.until_closed(quiet, 2);
    let after = gate.resident();
    assert!(after < before + (4 << 10), "{before} KiB, then {after} KiB");
}

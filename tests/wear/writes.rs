//! Clients that leave while a large answer is written to them, or do not read it.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use rustls::ClientConfig;

use crate::certs::{Authority, TlsClient};
use crate::gate::{Gate, ONE_ARENA, PING, TLS, ci, config, folder};

/// An image of so many MiB.
fn image(mebibytes: usize) -> String {
    format!("GET /v1.51/images/{mebibytes}/get HTTP/1.1\r\nHost: docker\r\n\r\n")
}

#[test]
fn who_leaves_in_the_middle_of_an_answer_leaves_nothing() {
    const COUNT: usize = 60;
    let own = Authority::new("own");
    let gate = Gate::start(folder(&own, TLS), ONE_ARENA);
    let address = gate.addresses[0];
    let one = ci(&own, 1);
    let configs = [true, false].map(|old| config(&own, &one, old));
    let mut other = TlsClient::connect(&configs[0], address).unwrap();
    assert_eq!(other.ask(PING).unwrap().0, 200);
    gate.serves_others();
    let quiet = gate.descriptors();
    let before = gate.resident();
    let peaks = [0, 1].map(|_| {
        let mut clients: Vec<TlsClient> = (0..COUNT)
            .map(|number| begin(&gate, &configs[number % 2]))
            .collect();
        // They do not read, and so the Engine does not write, and little is kept.
        let mut peak = 0;
        for _ in 0..50 {
            assert_eq!(other.ask(PING).unwrap().0, 200);
            gate.serves_others();
            peak = peak.max(gate.resident());
        }
        for (number, client) in clients.iter_mut().enumerate() {
            leave(number, client);
        }
        // Who has ended its own side by TCP may have left: it is not waited for.
        let (_ended, left): (Vec<_>, Vec<_>) =
            (clients.into_iter().enumerate()).partition(|(number, _)| matches!(number % 5, 3 | 4));
        drop(left);
        gate.until_closed(quiet, 4);
        assert_eq!(other.ask(PING).unwrap().0, 200);
        peak
    });
    println!("{COUNT} that do not read: {before} KiB before, {peaks:?} KiB with them");
    let each = (peaks[0] - before) * 1024 / COUNT as u64;
    assert!(each < 768 << 10, "{each} bytes for each");
    // The memory of the first ones serves the next.
    assert!(peaks[1] < peaks[0] + peaks[0] / 10, "{peaks:?}");
}

/// A client that has asked for much and read little of it.
fn begin(gate: &Gate, config: &Arc<ClientConfig>) -> TlsClient {
    let mut client = TlsClient::connect(config, gate.addresses[0]).unwrap();
    client.send(&image(1000)).unwrap();
    let mut some = vec![0; 64 << 10];
    client.0.read_exact(&mut some).unwrap();
    assert!(some.starts_with(b"HTTP/1.1 200 OK\r\n"));
    client
}

/// What a client does before its socket is closed, or instead.
fn leave(number: usize, client: &mut TlsClient) {
    match number % 5 {
        // Reset, or closed without a word.
        1 => set_socket_linger(&client.0.sock, Some(Duration::ZERO)).unwrap(),
        // Told by TLS, by TCP, or by both.
        2 | 4 => client.0.conn.send_close_notify(),
        _ => {}
    }
    client.0.flush().unwrap();
    if number % 5 >= 3 {
        client.0.sock.shutdown(Shutdown::Write).unwrap();
    }
}

#[test]
fn who_has_no_more_to_say_by_tls_gets_its_answer_to_the_end() {
    const SIZE: usize = 16;
    let own = Authority::new("own");
    let gate = Gate::start(folder(&own, TLS), ONE_ARENA);
    let one = ci(&own, 1);
    for old in [true, false] {
        let config = config(&own, &one, old);
        let mut client = TlsClient::connect(&config, gate.addresses[0]).unwrap();
        client.send(&image(SIZE)).unwrap();
        client.0.conn.send_close_notify();
        client.0.flush().unwrap();
        let mut whole = Vec::new();
        let read = client.0.read_to_end(&mut whole);
        assert!(whole.len() > SIZE << 20, "{} bytes, {read:?}", whole.len());
        assert_eq!(whole.last(), Some(&b'x'));
    }
}

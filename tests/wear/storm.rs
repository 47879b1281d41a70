//! Policy files change all the time, and with them the listeners and what their
//! handshakes go by, while clients come and stay by TLS.

use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::ClientConfig;

use crate::certs::{Authority, TlsClient};
use crate::gate::{Gate, ONE_ARENA, PING, ci, config, engine};

/// A policy under which all is called by one letter: the Engine, the client, its
/// policy, the label that containers get, and the certificate of the gate. `more` is
/// more listeners.
fn policy(folder: &Path, letter: char, more: &str) -> String {
    let dir = folder.display();
    let tls = tls(letter);
    format!(
        "api: '1.51'\n\
         listen:\n\
         - {{ tcp: '127.0.0.1:0', {tls} }}\n\
         - {{ unix: {dir}/good.sock, client: good }}\n\
         {more}\
         upstream: unix://{dir}/{letter}.sock\n\
         clients:\n  good: {{ policies: [good] }}\n  c{letter}: {{ policies: [p{letter}], when: {{ tls: {{ cn: ci }} }} }}\n\
         policies:\n  good: {{ allow: [SystemPing] }}\n  p{letter}:\n    allow:\n    - SystemPing\n    - ContainerCreate:\n        \
         body: {{ Labels: {{ set: {{ made.by: {letter} }} }} }}\n\
         \x20   deny: [SecretList]\n"
    )
}

fn tls(letter: char) -> String {
    format!("tls: {{ cert: {letter}.pem, key: {letter}-key.pem, client_ca: ca.pem }}")
}

const CREATE: &str = "POST /v1.51/containers/create HTTP/1.1\r\nHost: docker\r\n\
    Content-Type: application/json\r\nContent-Length: 18\r\n\r\n{\"Image\":\"alpine\"}";

const SECRETS: &str = "GET /v1.51/secrets HTTP/1.1\r\nHost: docker\r\n\r\n";

/// A file of the storm, and whether it is one to go by.
fn next(folder: &Path, number: usize) -> (bool, String) {
    let letter = if number.is_multiple_of(2) { 'b' } else { 'a' };
    let whole = policy(folder, letter, "");
    let dir = folder.display();
    let and = |more: &str| policy(folder, letter, &format!("- {{ {more} }}\n"));
    match number % 8 {
        0 => (false, whole.replace("SecretList", "SecretLost")),
        1 => (true, and(&format!("tcp: '127.0.0.1:0', {}", tls(letter)))),
        2 => (false, whole.replace(&format!("{letter}-key"), "nowhere")),
        3 => {
            let other = if letter == 'a' { 'b' } else { 'a' };
            let half = format!("key: {other}-key");
            (false, whole.replace(&format!("key: {letter}-key"), &half))
        }
        // A listener that cannot be opened, after one that can.
        4 => {
            let one = format!("tcp: '127.0.0.1:0', {}", tls(letter));
            let other = format!("{{ unix: {dir}/taken, client: good");
            (false, and(&format!("{one} }}\n- {other}")))
        }
        5 => (true, and(&format!("unix: {dir}/more.sock, client: good"))),
        _ => (true, whole),
    }
}

/// Asks until it is over; gives how often. It panics where anything is not as it must
/// be.
fn traffic(
    address: SocketAddr,
    config: &Arc<ClientConfig>,
    over: &AtomicBool,
    keep: bool,
) -> usize {
    let connect = || TlsClient::connect(config, address).unwrap();
    let mut connection = connect();
    let mut asked = 0;
    while !over.load(Ordering::Relaxed) {
        let (status, body) = connection.ask(CREATE).unwrap();
        assert_eq!(status, 200, "{body}");
        let (status, body) = connection.ask(SECRETS).unwrap();
        assert_eq!(status, 403, "{body}");
        let known = ["client ca", "client cb"];
        assert!(known.iter().any(|client| body.contains(client)), "{body}");
        asked += 2;
        if !keep {
            connection = connect();
        }
    }
    asked
}

/// What the gate says of a file that is one to go by, or why it is not. Of the file
/// before it may say so once more: where this process is held up, the gate has found that
/// by itself before it was told.
fn judged(gate: &Gate, number: usize, valid: bool) -> String {
    let why = ["SecretLost", "", "nowhere", "not the key", "served"][number % 8 % 5];
    loop {
        let said = gate.said("reloaded");
        if said.starts_with("reloaded ") == valid && (valid || said.contains(why)) {
            return said;
        }
        println!("{number}: {said}");
    }
}

fn storm(gate: &Gate, configs: &[Arc<ClientConfig>], numbers: std::ops::Range<usize>) -> usize {
    let over = &AtomicBool::new(false);
    let address = gate.addresses[0];
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..6)
            .map(|number| {
                scope.spawn(move || traffic(address, &configs[number % 2], over, number < 3))
            })
            .collect();
        let mut more = None;
        let all = || {
            for number in numbers {
                let (valid, text) = next(gate.folder.path(), number);
                gate.write("opgate.yaml", &text);
                gate.hang_up();
                let said = judged(gate, number, valid);
                gate.serves_others();
                if let Some((_, address)) = said.split_once("opened tcp://") {
                    // It is there at once, and goes again with the next valid one.
                    let address = address.split([',', '\n']).next().unwrap();
                    let config = &configs[number / 8 % 2];
                    let mut one = TlsClient::connect(config, address.parse().unwrap()).unwrap();
                    assert_eq!(one.ask(PING).unwrap().0, 200);
                    more = Some(one);
                } else if valid && let Some(mut one) = more.take() {
                    // With its connections.
                    let end = one.0.read(&mut [0]).map_err(|error| error.kind());
                    assert!(
                        matches!(end, Ok(0) | Err(ErrorKind::UnexpectedEof)),
                        "{end:?}"
                    );
                }
            }
        };
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(all));
        over.store(true, Ordering::Relaxed);
        let asked = clients.into_iter().map(|client| client.join().unwrap());
        let asked = asked.sum();
        ended.unwrap();
        asked
    })
}

#[test]
fn in_a_storm_of_reloads_nobody_fails_or_is_judged_by_two_policies() {
    let own = Authority::new("own");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), own.pem()).unwrap();
    for letter in ["a", "b"] {
        own.gate().write(folder.path(), letter);
    }
    let engines =
        [('a', "a"), ('b', "b")].map(|(letter, name)| engine(folder.path(), name, letter));
    let first = policy(folder.path(), 'a', "");
    std::fs::write(folder.path().join("opgate.yaml"), first).unwrap();
    let _taken = UnixListener::bind(folder.path().join("taken")).unwrap();
    let gate = Gate::start(folder, ONE_ARENA);
    let one = ci(&own, 1);
    let configs = [true, false].map(|old| config(&own, &one, old));
    let quiet = gate.descriptors();

    // What is allocated once is there after the first of it.
    storm(&gate, &configs, 0..64);
    let before = gate.resident();
    let asked = storm(&gate, &configs, 64..320);
    let after = gate.resident();
    println!("{asked} requests, {before} KiB before and {after} KiB after 256 reloads");
    assert!(asked > 300, "{asked}");
    assert!(after < before + (8 << 10), "{before} KiB, then {after} KiB");
    assert_eq!(gate.letters.mixed.load(Ordering::Relaxed), 0);
    for wrong in engines {
        assert_eq!(wrong.load(Ordering::Relaxed), 0);
    }

    // With other Engines, the connections to these go, and nothing else is left.
    for letter in ['b', 'a'] {
        gate.write("opgate.yaml", &policy(gate.folder.path(), letter, ""));
        gate.hang_up();
        let said = gate.said("reloaded");
        assert!(said.starts_with("reloaded "), "{said}");
        assert!(!said.contains("opened"), "{said}");
    }
    gate.until("not as many as at first", || gate.descriptors() == quiet);
}

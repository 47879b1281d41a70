//! Certificates, authorities and revocation lists are exchanged again and again while
//! clients come and stay.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustls::ClientConfig;

use crate::certs::{Authority, Issued, TlsClient};
use crate::gate::{Gate, ONE_ARENA, PING, ci, config, folder};

/// Exchanges of the certificate of the gate: until memory is what it will be, those
/// that are measured, and those of which the gate is not told.
const WARM: usize = 30;
const EXCHANGES: usize = 120;
const UNTOLD: usize = 2;

/// Exchanges of the authorities, and as many of the revocation list.
const OTHERS: usize = 60;

/// The certificates of the gate, by number, and which may be shown.
struct Shown {
    numbers: HashMap<Vec<u8>, usize>,
    /// The last one that was seen.
    seen: AtomicUsize,
    /// The last one of which something is written.
    written: AtomicUsize,
}

impl Shown {
    fn of(&self, connection: &TlsClient) -> usize {
        self.numbers[connection.shown().as_ref()]
    }
}

/// Connects and asks until it is over; gives how often. It panics where anything is
/// not as it must be.
fn come(
    address: SocketAddr,
    configs: &[Arc<ClientConfig>],
    shown: &Shown,
    over: &AtomicBool,
) -> usize {
    let mut count = 0;
    while !over.load(Ordering::SeqCst) {
        let oldest = shown.seen.load(Ordering::SeqCst);
        let mut one = TlsClient::connect(&configs[count % 2], address).unwrap();
        let number = shown.of(&one);
        let newest = shown.written.load(Ordering::SeqCst);
        assert!(
            (oldest..=newest).contains(&number),
            "{oldest}..={newest}: {number}"
        );
        assert_eq!(one.ask(PING).unwrap().0, 200);
        count += 1;
    }
    count
}

/// Asks on one connection until it is over; gives how often.
fn stay(address: SocketAddr, config: &Arc<ClientConfig>, over: &AtomicBool) -> usize {
    let mut one = TlsClient::connect(config, address).unwrap();
    let mut count = 0;
    while !over.load(Ordering::SeqCst) {
        assert_eq!(one.ask(PING).unwrap().0, 200);
        count += 1;
    }
    count
}

/// Does something under load; gives how many came, and how often those who stayed
/// asked.
fn under_load(
    gate: &Gate,
    configs: &[Arc<ClientConfig>],
    shown: &Shown,
    exchange: impl FnOnce(),
) -> [usize; 2] {
    let over = &AtomicBool::new(false);
    let address = gate.addresses[0];
    std::thread::scope(|scope| {
        let new: Vec<_> = (0..3)
            .map(|_| scope.spawn(move || come(address, configs, shown, over)))
            .collect();
        let kept: Vec<_> = (0..2)
            .map(|which| scope.spawn(move || stay(address, &configs[which], over)))
            .collect();
        // They end however this ends.
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(exchange));
        over.store(true, Ordering::SeqCst);
        let counts =
            [new, kept].map(|threads| threads.into_iter().map(|one| one.join().unwrap()).sum());
        ended.unwrap();
        counts
    })
}

/// Exchanges the certificate and its key, in either order, and waits until the gate
/// shows the new one.
fn exchange(
    gate: &Gate,
    pairs: &[Issued],
    shown: &Shown,
    number: usize,
    told: bool,
    by: &Arc<ClientConfig>,
) {
    let Issued { cert, key } = &pairs[number];
    let mut halves = [
        ("server.pem", cert.pem()),
        ("server-key.pem", key.serialize_pem()),
    ];
    if number.is_multiple_of(2) {
        halves.reverse();
    }
    shown.written.store(number, Ordering::SeqCst);
    let [first, second] = halves;
    gate.write(first.0, &first.1);
    if told && number.is_multiple_of(3) {
        gate.hang_up();
        gate.said("not reloaded");
    }
    gate.write(second.0, &second.1);
    if told {
        gate.hang_up();
    }
    gate.until("and an old certificate", || {
        let one = TlsClient::connect(by, gate.addresses[0]).unwrap();
        shown.of(&one) == number
    });
    shown.seen.store(number, Ordering::SeqCst);
}

#[test]
fn certificates_are_exchanged_under_load_and_nobody_notices() {
    let own = Authority::new("own");
    let other = Authority::new("other");
    let folder = folder(
        &own,
        "tls: { cert: server.pem, key: server-key.pem, client_ca: ca.pem, crl: crl.pem }",
    );
    let pairs: Vec<Issued> = (0..=WARM + EXCHANGES + UNTOLD)
        .map(|_| own.gate())
        .collect();
    pairs[0].write(folder.path(), "server");
    let lists = |serials: &[u64]| own.revoke(serials, false) + &other.revoke(&[1], false);
    std::fs::write(folder.path().join("crl.pem"), lists(&[7])).unwrap();
    let gate = Gate::start(folder, ONE_ARENA);
    let address = gate.addresses[0];
    let shown = Shown {
        numbers: (pairs.iter().enumerate())
            .map(|(number, pair)| (pair.cert.der().to_vec(), number))
            .collect(),
        seen: AtomicUsize::new(0),
        written: AtomicUsize::new(0),
    };
    let one = ci(&own, 8);
    let configs = [true, false].map(|old| config(&own, &one, old));
    let by = &configs[1];
    let quiet = gate.descriptors();

    under_load(&gate, &configs, &shown, || {
        (1..=WARM).for_each(|number| exchange(&gate, &pairs, &shown, number, true, by));
    });
    gate.until_closed(quiet, 16);
    let before = gate.resident();
    let counts = under_load(&gate, &configs, &shown, || {
        for number in WARM + 1..pairs.len() {
            exchange(
                &gate,
                &pairs,
                &shown,
                number,
                number <= WARM + EXCHANGES,
                by,
            );
        }
    });

    let is_served = |config: &Arc<ClientConfig>| {
        let asked = TlsClient::connect(config, address).and_then(|mut one| one.ask(PING));
        asked.is_ok_and(|(status, _)| status == 200)
    };
    // Somebody of another authority, and one whose certificate is revoked at times.
    let theirs = ci(&other, 9);
    let theirs = [true, false].map(|old| config(&own, &theirs, old));
    let revoked = ci(&own, 9);
    let revoked = [true, false].map(|old| config(&own, &revoked, old));
    let mut kept = TlsClient::connect(&revoked[0], address).unwrap();
    let others = under_load(&gate, &configs, &shown, || {
        for number in 0..OTHERS {
            let with = number.is_multiple_of(2);
            let more = if with { other.pem() } else { String::new() };
            gate.write("ca.pem", &(own.pem() + &more));
            gate.hang_up();
            gate.until("and the authorities stay", || {
                is_served(&theirs[number / 2 % 2]) == with
            });
        }
        for number in 0..OTHERS {
            let with = number.is_multiple_of(2);
            gate.write("crl.pem", &lists(if with { &[7, 9] } else { &[7] }));
            gate.hang_up();
            gate.until("and the list stays", || {
                is_served(&revoked[number / 2 % 2]) != with
            });
            if with {
                // Who is in does not stay in.
                assert_eq!(kept.ask(PING).unwrap().0, 403);
                kept.ask(PING).unwrap_err();
            } else {
                kept = TlsClient::connect(&revoked[0], address).unwrap();
                assert_eq!(kept.ask(PING).unwrap().0, 200);
            }
        }
    });
    drop(kept);
    gate.until_closed(quiet, 16);
    let after = gate.resident();
    println!("{counts:?} and {others:?} came and asked, {before} KiB before, {after} KiB after");
    assert!(counts.iter().chain(&others).all(|count| *count > 50));
    assert!(after < before + (8 << 10), "{before} KiB, then {after} KiB");
}

//! What a caller says of itself, by whatever words: it is nobody else by any of them.

use std::io::Write as _;
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::callers::{Change, Place, Plain, Shown, User};
use super::cells::INFO;
use super::certs::{self, Client, TlsClient};
use super::gate::Gate;
use super::identities::{Fact, Identity};
use super::kinds::{Kind, Way};
use super::wire::Wire;
use super::world::World;

/// A gate where `it` is told by its group, its address or its key.
fn gate(world: &World, kinds: &[Kind]) -> Gate {
    Gate::start(world, Identity::Alternatives, kinds, None)
}

fn all() -> Vec<Kind> {
    Kind::all().collect()
}

/// `it`, and somebody who would like to be `it`; with what each is in a record.
fn both(world: &World, way: Way) -> Vec<(Change, &'static str)> {
    let other = match Identity::Alternatives.asks(way.kind) {
        [Fact::Gid] => Change::User(User::InOtherGroup),
        [Fact::Source] => Change::Place(Place::Elsewhere),
        [Fact::Key] => Change::Shown(Shown::OtherKey),
        others => unreachable!("{others:?}"),
    };
    let mut all = vec![(Change::None, "it")];
    if world.no_users.is_none() || !way.kind.is_unix() {
        all.push((other, "-"));
    }
    all
}

/// What proxies put before a request to tell whose it is.
const HEADERS: [&str; 26] = [
    "X-Forwarded-For: 127.0.0.2",
    "X-Forwarded-For: 127.0.0.2, 127.0.0.9",
    "X-Forwarded-Host: unix",
    "X-Forwarded-User: ci",
    "X-Forwarded-Client-Cert: Subject=\"CN=ci\";URI=spiffe://example.net/ci",
    "X-Real-IP: 127.0.0.2",
    "Forwarded: for=127.0.0.2;proto=https;host=unix",
    "True-Client-IP: 127.0.0.2",
    "CF-Connecting-IP: 127.0.0.2",
    "Client-IP: 127.0.0.2",
    "Via: 1.1 unix",
    "X-Client-Cert: ci",
    "X-SSL-Cert: ci",
    "X-SSL-Client-CN: ci",
    "X-SSL-Client-S-DN: CN=ci",
    "X-SSL-Client-Verify: SUCCESS",
    "SSL_CLIENT_S_DN_CN: ci",
    "Client-Cert: :Y2k=:",
    "X-Remote-User: it",
    "Remote-User: it",
    "X-Remote-Uid: 0",
    "X-Client: it",
    "X-Opgate-Client: it",
    "X-Docker-Container: web",
    "Authorization: Basic aXQ6aXQ=",
    "Cookie: client=it",
];

#[test]
fn no_header_makes_somebody_of_anybody() {
    let world = World::new();
    let gate = gate(&world, &all());
    for way in Way::all() {
        for (change, client) in both(&world, way) {
            let mut wire = change.caller().connect(&world, &gate, way).unwrap();
            let each = HEADERS.into_iter().map(str::to_owned);
            let together: Vec<&str> = HEADERS
                .into_iter()
                .filter(|one| !one.ends_with('9'))
                .collect();
            for header in each.chain([together.join("\r\n")]) {
                let request = INFO.replace("\r\n\r\n", &format!("\r\n{header}\r\n\r\n"));
                let (status, body) = wire.ask(&request).unwrap();
                let record = gate.record();
                let shown = format!("{way:?} {change:?} {header}: {status} {body} {record}");
                assert_eq!(record["client"], client, "{shown}");
                assert_eq!(status, if client == "it" { 200 } else { 403 }, "{shown}");
            }
        }
    }
}

/// The preambles of the PROXY protocol, all of them from `it`.
fn preambles() -> Vec<(&'static str, Vec<u8>)> {
    let second = |command: u8, family: u8, rest: &[u8]| {
        let mut bytes = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
        bytes.extend([command, family]);
        bytes.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
        bytes.extend(rest);
        bytes
    };
    let addresses = [127, 0, 0, 2, 127, 0, 0, 1, 0xc0, 0, 9, 0x47];
    // The common name of a certificate that was verified, in PP2_TYPE_SSL.
    let mut certified = addresses.to_vec();
    certified.extend([0x20, 0, 10, 7, 0, 0, 0, 0, 0x22, 0, 2]);
    certified.extend(b"ci");
    let mut unix = vec![0; 216];
    unix[..5].copy_from_slice(b"/unix");
    vec![
        (
            "v1",
            b"PROXY TCP4 127.0.0.2 127.0.0.1 49152 2375\r\n".to_vec(),
        ),
        (
            "v1, six",
            b"PROXY TCP6 ::ffff:127.0.0.2 ::1 49152 2375\r\n".to_vec(),
        ),
        ("v1, unknown", b"PROXY UNKNOWN\r\n".to_vec()),
        ("v2", second(0x21, 0x11, &addresses)),
        ("v2, certified", second(0x21, 0x11, &certified)),
        ("v2, unix", second(0x21, 0x31, &unix)),
        ("v2, local", second(0x20, 0, &[])),
    ]
}

/// That the bytes are refused as what is no request, once, and nobody is anybody by them.
fn refused(gate: &Gate, wire: &mut Wire, bytes: &[u8], client: &str, at: &str) -> String {
    // The rest of it may come too late.
    let _ = wire.send(bytes);
    let (status, body) = wire
        .answer()
        .unwrap_or_else(|error| panic!("{at}: {error}"));
    let record = gate.record();
    let shown = format!("{at}: {status} {body} {record}");
    // The version of a protocol that is none of HTTP.
    assert!(matches!(status, 400 | 505), "{shown}");
    assert!(body.contains("opgate: "), "{shown}");
    assert_eq!(record["client"], client, "{shown}");
    assert_eq!(record["decision"], "refuse", "{shown}");
    assert_eq!(record["status"], status, "{shown}");
    // Nothing behind it is answered.
    assert_eq!(wire.rest(), b"", "{shown}");
    body
}

#[test]
fn no_preamble_makes_somebody_of_anybody() {
    let world = World::new();
    let gate = gate(&world, &all());
    for way in Way::all() {
        for (change, client) in both(&world, way) {
            for (name, mut bytes) in preambles() {
                let at = format!("{way:?} {change:?} {name}");
                // Where TLS is spoken this is inside of it.
                let mut wire = change.caller().connect(&world, &gate, way).unwrap();
                bytes.extend(INFO.as_bytes());
                refused(&gate, &mut wire, &bytes, client, &at);
            }
        }
    }
    // None of them has come to the Engine.
    assert_eq!(gate.engine.asked_for("/info"), 0);
}

#[test]
fn no_preamble_comes_before_tls() {
    let world = World::new();
    let gate = gate(&world, &all());
    for way in Way::all().filter(|way| way.kind.tls().is_some()) {
        for (name, bytes) in preambles() {
            for (change, _) in both(&world, way) {
                let at = format!("{way:?} {change:?} {name}");
                let caller = change.caller();
                let Plain::Tcp(mut stream) = caller.plain(&world, &gate, way.kind) else {
                    unreachable!("TLS is over TCP");
                };
                stream.write_all(&bytes).unwrap();
                let client = Client {
                    trusts: &world.authority,
                    shows: world.certificate(caller.shown),
                    old: way.old,
                };
                assert!(
                    TlsClient::over(certs::hello(&client.config(), "localhost"), stream).is_err(),
                    "{at}"
                );
            }
        }
        // Nobody has a record of it, and the next one gets in.
        let mut wire = Change::None.caller().connect(&world, &gate, way).unwrap();
        assert_eq!(wire.ask(INFO).unwrap().0, 200);
        assert_eq!(gate.record()["status"], 200);
    }
    assert_eq!(gate.engine.asked_for("/info"), 8);
}

#[test]
fn no_name_of_a_server_chooses_the_listener() {
    let world = World::new();
    let gate = gate(&world, &all());
    for way in Way::all() {
        for (change, client) in both(&world, way) {
            for name in Kind::all().map(Kind::name) {
                // By SNI, where there is one, and by Host.
                let mut wire = change
                    .caller()
                    .connect_as(&world, &gate, way, name)
                    .unwrap();
                let (status, body) = wire.ask(&INFO.replace("docker", name)).unwrap();
                let record = gate.record();
                let shown = format!("{way:?} {change:?} {name}: {status} {body} {record}");
                assert_eq!(record["client"], client, "{shown}");
                assert_eq!(status, if client == "it" { 200 } else { 403 }, "{shown}");
                // By a target as proxies get it.
                let target = INFO.replace("/info", &format!("http://{name}/info"));
                let (status, body) = wire.ask(&target).unwrap();
                let record = gate.record();
                let shown = format!("{way:?} {change:?} {name}: {status} {body} {record}");
                assert_eq!(record["client"], client, "{shown}");
                assert_eq!(status, if client == "it" { 400 } else { 403 }, "{shown}");
            }
        }
    }
}

/// What a client says first that speaks TLS.
fn hello(old: bool) -> Vec<u8> {
    let version = if old { &TLS12 } else { &TLS13 };
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from("tls-required").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).unwrap();
    bytes
}

#[test]
fn tls_at_a_plain_listener_is_refused_in_plain_words() {
    let world = World::new();
    let gate = gate(&world, &all());
    for way in Way::all().filter(|way| way.kind.tls().is_none()) {
        for (change, client) in both(&world, way) {
            for old in [false, true] {
                let at = format!("{way:?} {change:?}");
                let mut wire = change.caller().plain(&world, &gate, way.kind).wire();
                let said = refused(&gate, &mut wire, &hello(old), client, &at);
                assert!(
                    said.contains("this is TLS, and the listener speaks none"),
                    "{said}"
                );
            }
        }
    }
}

#[test]
fn plain_words_at_a_tls_listener_are_refused_and_told() {
    let world = World::new();
    for kind in Kind::all().filter(|kind| kind.tls().is_some()) {
        // A gate of its own, for each is told once in a second only.
        let gate = gate(&world, &[kind]);
        let way = Way { kind, old: false };
        for (which, (change, _)) in both(&world, way).into_iter().enumerate() {
            let mut wire = change.caller().plain(&world, &gate, kind).wire();
            wire.send(INFO.as_bytes()).unwrap();
            let rest = wire.rest();
            assert!(!rest.starts_with(b"HTTP"), "{kind:?}: {rest:?}");
            if which == 0 {
                let said = gate.said("TLS handshake with 127.0.0.2:");
                assert!(said.contains("corrupt message"), "{said}");
            }
        }
        let mut wire = Change::None.caller().connect(&world, &gate, way).unwrap();
        assert_eq!(wire.ask(INFO).unwrap().0, 200);
        let record = gate.record();
        assert_eq!(record["client"], "it", "{record}");
        assert_eq!(gate.engine.asked_for("/info"), 1);
    }
}

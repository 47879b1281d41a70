//! The real gate by TLS: who gets in, as whom, and what becomes of them when
//! certificates change.
#![cfg(test)]

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use rcgen::SanType;
use tempfile::TempDir;

#[path = "support/certs.rs"]
mod certs;
#[path = "support/logged.rs"]
mod logged;
#[path = "support/peer.rs"]
#[expect(dead_code, reason = "other tests look at descriptors and memory")]
mod peer;
#[path = "support/start.rs"]
mod start;

use certs::{Authority, Client, Issued, TlsClient, Wanted, dns, uri};
use logged::Logged;
use peer::PATIENCE;
use start::start;

/// Who may do it is told in the refusal of whoever may not.
const INFO: &str = "GET /info HTTP/1.1\r\nHost: docker\r\n\r\n";

/// A gate with a TLS listener, its authority, and another one.
struct Gate<'a> {
    address: SocketAddr,
    own: &'a Authority,
    folder: TempDir,
    logged: Logged,
}

impl<'a> Gate<'a> {
    /// `tls` is what the listener says beyond its own certificate.
    fn start(own: &'a Authority, tls: &str, clients: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        own.gate().write(folder.path(), "server");
        fs::write(folder.path().join("ca.pem"), own.pem()).unwrap();
        let config = folder.path().join("opgate.yaml");
        fs::write(&config, text(tls, clients)).unwrap();
        let (logged, said) = Logged::new(start(&config, "").unwrap());
        let (_, rest) = said.split_once("tcp://").unwrap();
        let address = rest
            .split([' ', '"', '\n'])
            .next()
            .unwrap()
            .parse()
            .unwrap();
        Self {
            address,
            own,
            folder,
            logged,
        }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn connect(&self, shows: Option<&Issued>, old: bool) -> io::Result<TlsClient> {
        let client = Client {
            trusts: self.own,
            shows,
            old,
        };
        client.connect(self.address)
    }

    /// The client that a certificate makes of a caller, by both versions of TLS.
    fn client(&self, shows: Option<&Issued>) -> String {
        let [old, new] = [true, false].map(|old| {
            let mut connection = self.connect(shows, old).unwrap();
            client(&connection.ask(INFO).unwrap())
        });
        assert_eq!(old, new);
        new
    }

    /// That nobody gets in, by either version; what the log says of it.
    fn refuses(&self, shows: Option<&Issued>) -> String {
        for old in [true, false] {
            // With TLS 1.3 the client has done its part before it is refused.
            let asked = self.connect(shows, old).and_then(|mut one| one.ask(INFO));
            asked.unwrap_err();
        }
        self.logged.said("TLS handshake with 127.0.0.1:")
    }
}

fn text(tls: &str, clients: &str) -> String {
    format!(
        "api: '1.51'\nlisten:\n- {{ tcp: '127.0.0.1:0', tls: {{ cert: server.pem, key: server-key.pem{tls} }} }}\n\
         upstream: unix:///nowhere/engine.sock\n{clients}\n\
         policies: {{ ping: {{ allow: [SystemPing] }} }}\n"
    )
}

/// The client that an answer speaks of; `-` for nobody, `several` for too many.
fn client((status, body): &(u16, String)) -> String {
    assert_eq!(*status, 403, "{body}");
    if let Some((_, rest)) = body.split_once("refused for client ") {
        return rest.split(':').next().unwrap().to_owned();
    }
    let several = body.contains("more than one client fits this connection");
    assert!(
        several || body.contains("no client fits this connection"),
        "{body}"
    );
    if several { "several" } else { "-" }.to_owned()
}

const REQUIRED: &str = ", client_ca: ca.pem";

#[test]
fn certificates_tell_clients_apart() {
    let own = Authority::new("own");
    let keyed = own.issue(Wanted::default());
    let digest = ring::digest::digest(&ring::digest::SHA256, &spki(&keyed));
    let mut hex = String::new();
    for byte in digest.as_ref() {
        write!(hex, "{byte:02x}").unwrap();
    }
    let clients = format!(
        "clients:\n\
         \x20 cn: {{ policies: [ping], when: {{ tls: {{ cn: ci }} }} }}\n\
         \x20 dns: {{ policies: [ping], when: {{ tls: {{ dns: ci.example.net }} }} }}\n\
         \x20 ip: {{ policies: [ping], when: {{ tls: {{ ip: 192.0.2.1 }} }} }}\n\
         \x20 uri: {{ policies: [ping], when: {{ tls: {{ uri: spiffe://example.net/ci }} }} }}\n\
         \x20 key: {{ policies: [ping], when: {{ tls: {{ key: 'sha256:{hex}' }} }} }}"
    );
    let gate = Gate::start(&own, REQUIRED, &clients);
    let issue = |names: &[&str], others: Vec<SanType>| {
        gate.own.issue(Wanted {
            names: names.to_vec(),
            others,
            ..Wanted::default()
        })
    };
    let client = |names: &[&str], others: Vec<SanType>| gate.client(Some(&issue(names, others)));
    assert_eq!(client(&["ci"], vec![]), "cn");
    assert_eq!(client(&[], vec![dns("ci.example.net")]), "dns");
    assert_eq!(
        client(&[], vec![dns("a.example.net"), dns("CI.Example.NET")]),
        "dns"
    );
    assert_eq!(
        client(&[], vec![SanType::IpAddress([192, 0, 2, 1].into())]),
        "ip"
    );
    assert_eq!(client(&[], vec![uri("spiffe://example.net/ci")]), "uri");
    assert_eq!(gate.client(Some(&keyed)), "key");

    // None of these is anybody.
    let nobody: Vec<(&[&str], Vec<SanType>)> = vec![
        (&[], vec![]),
        (&["CI"], vec![]),
        (&["ci "], vec![]),
        (&["ci\0"], vec![]),
        (&["ci\0.example.com"], vec![]),
        (&["ci.example.net"], vec![]),
        (&["x"], vec![dns("*.example.net")]),
        (&[], vec![dns("ci.example.net.")]),
        (&[], vec![dns("ci.example.net\0.example.com")]),
        (&[], vec![dns("a.ci.example.net"), dns("ci.example.ne")]),
        (&[], vec![dns("192.0.2.1")]),
        (&[], vec![SanType::IpAddress([192, 0, 2, 2].into())]),
        (&[], vec![uri("spiffe://example.net/ci/")]),
        (&[], vec![uri("spiffe://EXAMPLE.net/ci")]),
        (&[], vec![uri("spiffe://example.net/c%69")]),
        (&["sha256"], vec![]),
    ];
    for (names, others) in nobody {
        let shown = format!("{names:?} {others:?}");
        assert_eq!(client(names, others), "-", "{shown}");
    }
    // Who fits two is neither.
    assert_eq!(client(&["ci"], vec![dns("ci.example.net")]), "several");
}

/// The public key of a certificate, as it stands in it.
fn spki(issued: &Issued) -> Vec<u8> {
    use rcgen::PublicKeyData as _;
    issued.key.subject_public_key_info()
}

#[test]
fn who_is_not_of_the_authority_does_not_get_in() {
    let own = Authority::new("own");
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("crl.pem");
    fs::write(&list, own.revoke(&[7], false)).unwrap();
    let tls = format!("{REQUIRED}, crl: {}", list.display());
    let clients = "clients: { ci: { policies: [ping], when: { tls: { cn: ci } } } }";
    let ci = || Wanted {
        names: vec!["ci"],
        ..Wanted::default()
    };
    let refused = [
        (None, "no certificates"),
        // An authority of the same name.
        (Some(Authority::new("own").issue(ci())), "BadSignature"),
        (
            Some(own.issue(Wanted {
                expired: true,
                ..ci()
            })),
            "expired",
        ),
        (
            Some(own.issue(Wanted {
                server: true,
                ..ci()
            })),
            "extended key usage",
        ),
        (Some(own.issue(Wanted { serial: 7, ..ci() })), "Revoked"),
    ];
    for (shown, why) in refused {
        // A gate of its own, for each is told once in a second only.
        let gate = Gate::start(&own, &tls, clients);
        let said = gate.refuses(shown.as_ref());
        assert!(said.contains(why), "{said}");
    }
    let gate = Gate::start(&own, &tls, clients);
    // And the next good one does.
    assert_eq!(gate.client(Some(&gate.own.issue(ci()))), "ci");
    // What is no TLS at all is no request either.
    let mut plain = TcpStream::connect(gate.address).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    plain.write_all(INFO.as_bytes()).unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
}

#[test]
fn certificates_may_be_optional_but_not_bad() {
    let own = Authority::new("own");
    let clients = "clients:\n\
                   \x20 ci: { policies: [ping], when: { tls: { cn: ci } } }\n\
                   \x20 guests: { policies: [ping] }\n\
                   default: guests";
    let gate = Gate::start(&own, ", client_ca: ca.pem, client_certs: optional", clients);
    let named = |name| Wanted {
        names: vec![name],
        ..Wanted::default()
    };
    assert_eq!(gate.client(None), "guests");
    assert_eq!(gate.client(Some(&gate.own.issue(named("ci")))), "ci");
    assert_eq!(gate.client(Some(&gate.own.issue(named("other")))), "guests");
    gate.refuses(Some(&Authority::new("own").issue(named("ci"))));
    // Nothing of a request makes somebody of anybody.
    for header in [
        "X-Client-Cert: ci",
        "X-SSL-Client-CN: ci",
        "X-SSL-Client-S-DN: CN=ci",
        "X-Forwarded-Client-Cert: Subject=\"CN=ci\"",
        "X-Forwarded-For: 192.0.2.1",
        "Forwarded: for=192.0.2.1",
        "X-Remote-User: ci",
        "Authorization: Basic Y2k6Y2k=",
    ] {
        let mut connection = gate.connect(None, false).unwrap();
        let request = INFO.replace("\r\n\r\n", &format!("\r\n{header}\r\n\r\n"));
        assert_eq!(
            client(&connection.ask(&request).unwrap()),
            "guests",
            "{header}"
        );
    }
}

#[test]
fn the_oldest_version_is_said() {
    let own = Authority::new("own");
    let gate = Gate::start(
        &own,
        ", min_version: '1.3'",
        "clients: { all: { policies: [ping] } }\ndefault: all",
    );
    gate.connect(None, true).map(drop).unwrap_err();
    let mut new = gate.connect(None, false).unwrap();
    assert_eq!(client(&new.ask(INFO).unwrap()), "all");
}

#[test]
fn a_connection_does_not_outlive_its_certificate() {
    let own = Authority::new("own");
    let clients = "clients: { ci: { policies: [ping], when: { tls: { cn: ci } } } }";
    let gate = Gate::start(&own, REQUIRED, clients);
    let until = SystemTime::now() + Duration::from_secs(5);
    let ci = gate.own.issue(Wanted {
        names: vec!["ci"],
        until: Some(until),
        ..Wanted::default()
    });
    let mut connection = gate.connect(Some(&ci), false).unwrap();
    assert_eq!(client(&connection.ask(INFO).unwrap()), "ci");
    let left = until.duration_since(SystemTime::now()).unwrap_or_default();
    sleep(left + Duration::from_secs(1));
    let (status, body) = connection.ask(INFO).unwrap();
    assert_eq!(status, 403);
    assert!(body.contains("is not accepted any more"), "{body}");
    connection.ask(INFO).unwrap_err();
    gate.refuses(Some(&ci));
}

#[test]
fn certificates_are_exchanged_without_losing_connections() {
    let own = Authority::new("own");
    let clients = "clients: { ci: { policies: [ping], when: { tls: { cn: ci } } } }";
    let gate = Gate::start(&own, REQUIRED, clients);
    let ci = gate.own.issue(Wanted {
        names: vec!["ci"],
        serial: 9,
        ..Wanted::default()
    });
    let mut first = gate.connect(Some(&ci), false).unwrap();
    assert_eq!(client(&first.ask(INFO).unwrap()), "ci");

    // A certificate without its key changes nothing.
    let newer = gate.own.gate();
    fs::write(gate.file("server.pem"), newer.cert.pem()).unwrap();
    gate.logged.hang_up();
    let said = gate.logged.said("not reloaded");
    assert!(
        said.contains("it is not the key of the certificate in"),
        "{said}"
    );
    let mut other = gate.connect(Some(&ci), false).unwrap();
    assert_ne!(&other.shown(), newer.cert.der());
    assert_eq!(client(&other.ask(INFO).unwrap()), "ci");

    // Once the key is there, too, nobody needs to tell the gate.
    fs::write(gate.file("server-key.pem"), newer.key.serialize_pem()).unwrap();
    gate.logged.said("reloaded");
    let mut other = gate.connect(Some(&ci), false).unwrap();
    assert_eq!(&other.shown(), newer.cert.der());
    assert_eq!(client(&other.ask(INFO).unwrap()), "ci");
    assert_eq!(client(&first.ask(INFO).unwrap()), "ci");

    // A file that is away for a moment.
    fs::rename(gate.file("ca.pem"), gate.file("away.pem")).unwrap();
    gate.logged.hang_up();
    let said = gate.logged.said("not reloaded");
    assert!(said.contains("cannot read"), "{said}");
    fs::rename(gate.file("away.pem"), gate.file("ca.pem")).unwrap();
    gate.logged.said("reloaded");

    // A list of what was revoked: an open connection ends by it, too, and those of others
    // stay.
    let next = gate.own.issue(Wanted {
        names: vec!["ci"],
        serial: 10,
        ..Wanted::default()
    });
    let mut stays = gate.connect(Some(&next), true).unwrap();
    assert_eq!(client(&stays.ask(INFO).unwrap()), "ci");
    fs::write(gate.file("crl.pem"), gate.own.revoke(&[9], false)).unwrap();
    let config = gate.file("opgate.yaml");
    fs::write(&config, text(", client_ca: ca.pem, crl: crl.pem", clients)).unwrap();
    gate.logged.hang_up();
    gate.logged.said("reloaded");
    gate.refuses(Some(&ci));
    assert_eq!(gate.client(Some(&next)), "ci");
    let (status, body) = first.ask(INFO).unwrap();
    assert_eq!(status, 403);
    assert!(body.contains("is not accepted any more"), "{body}");
    first.ask(INFO).unwrap_err();
    let record = gate.logged.said("is not accepted any more");
    assert!(record.contains(r#""client":"-""#), "{record}");
    assert!(record.contains(r#"cn Some(\"ci\")"#), "{record}");
    assert_eq!(client(&stays.ask(INFO).unwrap()), "ci");
    // One that is out of date tells nothing: nobody gets in, and nobody goes on.
    let mut ends = gate.connect(Some(&next), false).unwrap();
    fs::write(gate.file("crl.pem"), gate.own.revoke(&[], true)).unwrap();
    gate.logged.said("reloaded");
    gate.refuses(Some(&next));
    assert_eq!(ends.ask(INFO).unwrap().0, 403);
    ends.ask(INFO).unwrap_err();
    fs::write(gate.file("crl.pem"), gate.own.revoke(&[9], false)).unwrap();
    gate.logged.said("reloaded");
    assert_eq!(client(&stays.ask(INFO).unwrap()), "ci");
    // Nor does whoever has a certificate of an authority that is gone.
    let other = Authority::new("other");
    let others = other.issue(Wanted {
        names: vec!["ci"],
        serial: 11,
        ..Wanted::default()
    });
    let mut ends = gate.connect(Some(&next), false).unwrap();
    fs::write(gate.file("ca.pem"), other.pem()).unwrap();
    fs::write(gate.file("crl.pem"), other.revoke(&[], false)).unwrap();
    gate.logged.hang_up();
    gate.logged.said("reloaded");
    assert_eq!(gate.client(Some(&others)), "ci");
    assert_eq!(ends.ask(INFO).unwrap().0, 403);
    let both = [own.pem(), other.pem()].concat();
    fs::write(gate.file("ca.pem"), both).unwrap();
    let lists = [own.revoke(&[9], false), other.revoke(&[], false)].concat();
    fs::write(gate.file("crl.pem"), lists).unwrap();
    gate.logged.hang_up();
    gate.logged.said("reloaded");
    assert_eq!(gate.client(Some(&others)), "ci");
    assert_eq!(client(&stays.ask(INFO).unwrap()), "ci");

    // Without TLS the connections that had it are none of the listener's.
    let plain = text("", clients).replace(", tls: { cert: server.pem, key: server-key.pem }", "");
    assert!(!plain.contains("pem"));
    fs::write(
        &config,
        plain.replace("when: { tls: { cn: ci } }", "when: { source: 127.0.0.1 }"),
    )
    .unwrap();
    gate.logged.hang_up();
    gate.logged.said("reloaded");
    let (status, body) = stays.ask(INFO).unwrap();
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("connect again"), "{body}");
    stays.ask(INFO).unwrap_err();
}

#[test]
fn handshakes_that_stop_keep_nobody_out_and_end() {
    let own = Authority::new("own");
    let gate = Gate::start(
        &own,
        "",
        "clients: { all: { policies: [ping] } }\ndefault: all",
    );
    let begun = Instant::now();
    let mut stopped: Vec<TcpStream> = (0..200)
        .map(|which| {
            let mut stream = TcpStream::connect(gate.address).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            // Nothing, or the beginning of a record.
            let sent: &[u8] = if which % 2 == 0 {
                b""
            } else {
                &[22, 3, 1, 2, 0, 1]
            };
            stream.write_all(sent).unwrap();
            stream
        })
        .collect();
    assert_eq!(gate.client(None), "all");
    assert!(begun.elapsed().as_secs() < 8, "they held it up");
    for stream in &mut stopped {
        let mut rest = Vec::new();
        // Ended by the gate, with or without a last word.
        let _ = stream.read_to_end(&mut rest);
    }
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(gate.client(None), "all");
}

/// What a start says of files that cannot be used.
#[test]
fn files_that_cannot_be_used_are_named() {
    let own = Authority::new("own");
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("opgate.yaml");
    own.gate().write(folder.path(), "server");
    let start = |tls: &str| {
        fs::write(
            &config,
            text(tls, "clients: { all: { policies: [ping] } }\ndefault: all"),
        )
        .unwrap();
        start(&config, "").err().unwrap().to_string()
    };
    let cases: [(&str, Option<&str>, &str); 4] = [
        ("ca.pem", None, "cannot read"),
        ("ca.pem", Some("nothing"), "holds no certificate"),
        (
            "ca.pem",
            Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "ca.pem",
        ),
        ("ca.pem", Some("-----BEGIN CERTIFICATE-----\nA"), "ca.pem"),
    ];
    for (name, content, expected) in cases {
        write(folder.path(), name, content);
        let said = start(REQUIRED);
        assert!(said.contains(expected), "{said}");
    }
    // Neither does what never ends hold it up.
    fs::remove_file(folder.path().join("ca.pem")).unwrap();
    nix::unistd::mkfifo(&folder.path().join("ca.pem"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(start(REQUIRED).contains("it is not a file"));
}

fn write(folder: &Path, name: &str, content: Option<&str>) {
    let path = folder.join(name);
    match content {
        Some(content) => fs::write(path, content).unwrap(),
        None => drop(fs::remove_file(path)),
    }
}

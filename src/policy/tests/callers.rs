//! Which client a caller is by a file.

use super::super::*;
use crate::diagnostic::Code;
use crate::gate::ListenerId;
use crate::identity::{Caller, Certificate, Container, Credentials, Origin};

fn file(listen: &str, clients: &str) -> String {
    format!(
        "api: '1.51'\nlisten: [{listen}]\nupstream: unix:///run/engine.sock\n{clients}\n\
         policies: {{ mine: {{ allow: [SystemPing] }} }}\n"
    )
}

fn read(listen: &str, clients: &str) -> Policies {
    resolve("test.yaml", &file(listen, clients))
        .unwrap()
        .policies
}

/// The codes of what is wrong or odd.
fn codes(listen: &str, clients: &str) -> Vec<Code> {
    let found = match resolve("test.yaml", &file(listen, clients)) {
        Ok(configuration) => configuration.warnings,
        Err(found) => found,
    };
    found.found().iter().map(|one| one.code).collect()
}

fn unix(uid: u32) -> Caller {
    let origin = Origin::Unix(Credentials {
        uid,
        gid: 0,
        pid: None,
    });
    Caller {
        origin,
        ..Caller::at(ListenerId(0))
    }
}

fn named(dns: &[&str]) -> Caller {
    let certificate = Certificate {
        dns: dns.iter().map(|&name| name.to_owned()).collect(),
        ..Certificate::default()
    };
    Caller {
        origin: Origin::Tcp(([10, 0, 0, 1], 1).into()),
        certificate: Some(Box::new(certificate)),
        ..Caller::at(ListenerId(0))
    }
}

const OPEN: &str = "{ unix: /run/a.sock }";
const TCP: &str = "{ tcp: '127.0.0.1:1', tls: { cert: c, key: k, client_ca: a } }";

fn client(name: &str, when: &str) -> String {
    format!("  {name}: {{ policies: [mine], when: {when} }}\n")
}

#[test]
fn a_caller_is_whom_it_fits() {
    let clients = [
        "clients:\n",
        &client("a", "{ peer: { uid: 1 } }"),
        &client("b", "[{ peer: { uid: 2 } }, { peer: { uid: [3, 4] } }]"),
    ]
    .concat();
    let policies = read(OPEN, &clients);
    for (uid, expected) in [(1, Some(0)), (2, Some(1)), (4, Some(1)), (5, None)] {
        let expected = expected.map_or(Who::Nobody, |one| Who::Client(Client(one)));
        assert_eq!(policies.who(0, &unix(uid)), expected, "{uid}");
    }
    // A listener that the file does not have serves nobody.
    assert_eq!(policies.who(1, &unix(1)), Who::Nobody);
    let with_default = read(OPEN, &format!("default: a\n{clients}"));
    assert_eq!(with_default.who(0, &unix(5)), Who::Client(Client(0)));
    assert_eq!(with_default.who(0, &unix(2)), Who::Client(Client(1)));
    assert_eq!(with_default.who(usize::MAX, &unix(5)), Who::Nobody);
}

#[test]
fn a_named_client_is_to_be_had_there_alone() {
    let listen = "{ unix: /run/a.sock }, { unix: /run/b.sock, client: a }";
    let clients = format!(
        "default: c\nclients:\n{}{}  c: {{ policies: [] }}\n",
        client("a", "{ peer: { uid: 1 } }"),
        client("b", "{ peer: { uid: 1 } }")
    );
    let policies = read(listen, &clients);
    assert_eq!(policies.who(0, &unix(1)), Who::Client(Client(1)));
    assert_eq!(policies.who(1, &unix(1)), Who::Client(Client(0)));
    // Neither somebody else nor the default.
    assert_eq!(policies.who(1, &unix(2)), Who::Nobody);
    assert_eq!(policies.who(0, &unix(2)), Who::Client(Client(2)));
}

#[test]
fn who_fits_two_is_none_and_no_default() {
    let clients = format!(
        "default: c\nclients:\n{}{}  c: {{ policies: [] }}\n",
        client("a", "{ tls: { dns: a } }"),
        client("b", "{ tls: { dns: b } }")
    );
    let policies = read(TCP, &clients);
    assert_eq!(policies.who(0, &named(&["a"])), Who::Client(Client(0)));
    assert_eq!(policies.who(0, &named(&["b", "x"])), Who::Client(Client(1)));
    assert_eq!(
        policies.who(0, &named(&["a", "b"])),
        Who::Several(Client(0), Client(1))
    );
    assert_eq!(policies.who(0, &named(&[])), Who::Client(Client(2)));
}

#[test]
fn a_container_is_asked_for_only_where_it_matters() {
    let clients = format!(
        "clients:\n{}{}",
        client("a", "{ peer: { uid: 1 }, container: { name: web } }"),
        client("b", "{ peer: { uid: 2 } }")
    );
    let policies = read(OPEN, &clients);
    assert!(policies.ask_for_processes());
    assert_eq!(policies.who(0, &unix(1)), Who::Contained);
    assert_eq!(policies.who(0, &unix(2)), Who::Client(Client(1)));
    let container = |name: &str| Container {
        name: name.to_owned(),
        ..Container::default()
    };
    assert_eq!(
        policies.who_in(0, &unix(1), Some(&container("web"))),
        Who::Client(Client(0))
    );
    assert_eq!(
        policies.who_in(0, &unix(1), Some(&container("db"))),
        Who::Nobody
    );
    assert_eq!(policies.who_in(0, &unix(1), None), Who::Nobody);
    let on_tcp = format!("clients:\n{}", client("a", "{ container: { name: web } }"));
    assert!(!read(TCP, &on_tcp).ask_for_processes());
    assert_eq!(codes(TCP, &on_tcp), [Code::EveryCaller]);
}

#[test]
fn overlaps_are_seen_where_they_can_be() {
    let two = |listen: &str, one: &str, other: &str| {
        codes(
            listen,
            &format!("clients:\n{}{}", client("a", one), client("b", other)),
        )
    };
    let both = "{ name: u, unix: /run/a.sock }, { name: t, tcp: '127.0.0.1:1' }";
    let overlap = [Code::SeveralClients];
    let none: [Code; 0] = [];
    assert_eq!(
        two(OPEN, "{ peer: { uid: 1 } }", "{ peer: { gid: 1 } }"),
        overlap
    );
    assert_eq!(
        two(OPEN, "{ peer: { uid: 1 } }", "{ peer: { uid: 2 } }"),
        none
    );
    assert_eq!(
        two(both, "{ peer: { uid: 1 } }", "{ source: 10.0.0.0/8 }"),
        none
    );
    assert_eq!(two(both, "{ listener: u }", "{ listener: t }"), none);
    assert_eq!(
        two(both, "{ listener: [u, t] }", "{ listener: t }"),
        overlap
    );
    assert_eq!(
        two(
            "{ name: t, tcp: '127.0.0.1:1' }",
            "{ listener: t }",
            "{ source: 10.0.0.0/8 }"
        ),
        overlap
    );
    assert_eq!(two(TCP, "{ tls: { dns: a } }", "{ tls: { dns: b } }"), none);
    // Alternatives of one client may overlap.
    let own = client("a", "[{ peer: { uid: 1 } }, { peer: { gid: 1 } }]");
    assert_eq!(codes(OPEN, &format!("clients:\n{own}")), none);
}

#[test]
fn somebody_has_to_be_served() {
    let nobody = "clients:\n  a: { policies: [mine] }\n";
    assert_eq!(codes(OPEN, nobody), [Code::MissingKey]);
    assert_eq!(
        codes(OPEN, &format!("default: a\n{nobody}")),
        Vec::<Code>::new()
    );
    assert_eq!(
        codes(OPEN, &format!("default: b\n{nobody}")),
        [Code::UnknownClient]
    );
    let own = "{ unix: /run/a.sock, client: a }";
    assert_eq!(codes(own, &format!("default: a\n{nobody}")), [Code::Unused]);
    // The other listener's callers fit nobody.
    let listen = "{ name: n, unix: /run/a.sock }, { unix: /run/b.sock }";
    let clients = format!("clients:\n{}", client("a", "{ listener: n }"));
    assert_eq!(codes(listen, &clients), [Code::MissingKey]);
}

#[test]
fn numbers_of_users_are_looked_up() {
    let one = |when: &str| format!("clients:\n{}", client("a", when));
    let policies = read(OPEN, &one("{ peer: { uid: root } }"));
    assert!(policies.name_accounts());
    assert_eq!(policies.who(0, &unix(0)), Who::Client(Client(0)));
    assert!(!read(OPEN, &one("{ peer: { uid: 0 } }")).name_accounts());
    let unknown = one("{ peer: { uid: no-such-user } }");
    assert_eq!(codes(OPEN, &unknown), [Code::UnknownUser]);
    assert_eq!(read(OPEN, &unknown).who(0, &unix(0)), Who::Nobody);
}

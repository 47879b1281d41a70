use std::collections::BTreeMap;

use super::apart::Apart;
use super::conditions::{Conditions, ContainerConditions, Network, TlsConditions};
use super::*;
use crate::format::Cidr;

fn unix(uid: u32, gid: u32) -> Caller {
    Caller {
        origin: Origin::Unix(Credentials {
            uid,
            gid,
            pid: None,
        }),
        ..Caller::at(ListenerId(0))
    }
}

fn tcp(source: &str) -> Caller {
    Caller {
        origin: Origin::Tcp(SocketAddr::new(source.parse().unwrap(), 40_000)),
        ..Caller::at(ListenerId(0))
    }
}

fn with(certificate: Certificate) -> Caller {
    Caller {
        certificate: Some(Box::new(certificate)),
        ..tcp("10.0.0.1")
    }
}

fn network(text: &str) -> Network {
    Network::of(Cidr::parse(text).unwrap())
}

fn sources(texts: &[&str]) -> Conditions {
    Conditions {
        sources: Some(texts.iter().map(|text| network(text)).collect()),
        ..Conditions::default()
    }
}

fn uids(uids: &[u32]) -> Conditions {
    Conditions {
        uids: Some(uids.to_vec()),
        ..Conditions::default()
    }
}

fn tls(tls: TlsConditions) -> Conditions {
    Conditions {
        tls: Some(tls),
        ..Conditions::default()
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn users_and_groups_fit_as_they_are() {
    let root = uids(&[0]);
    assert!(root.may_fit(0, &unix(0, 5)));
    assert!(!root.may_fit(0, &unix(1, 0)));
    assert!(!root.may_fit(0, &tcp("127.0.0.1")));
    assert!(!root.may_fit(0, &Caller::at(ListenerId(0))));
    let both = Conditions {
        gids: Some(vec![5, 6]),
        ..root
    };
    assert!(both.may_fit(0, &unix(0, 6)));
    assert!(!both.may_fit(0, &unix(0, 7)));
    // A name that nobody has here.
    assert!(!uids(&[]).may_fit(0, &unix(0, 0)));
    assert!(!uids(&[]).may_fit(0, &tcp("127.0.0.1")));
}

#[test]
fn a_listener_fits_by_its_place() {
    let one = Conditions {
        listeners: Some(vec![1, 3]),
        ..Conditions::default()
    };
    assert!(one.may_fit(3, &tcp("10.0.0.1")));
    assert!(!one.may_fit(0, &tcp("10.0.0.1")));
    assert!(!one.may_fit(usize::MAX, &tcp("10.0.0.1")));
}

#[test]
fn sources_fit_by_their_leading_bits() {
    for (subnet, source, fits) in [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.0", false),
        ("10.1.2.3/8", "10.9.9.9", true),
        ("10.0.0.1/32", "10.0.0.1", true),
        ("10.0.0.1/32", "10.0.0.2", false),
        ("0.0.0.0/0", "255.255.255.255", true),
        // An address of IPv4 is one, however a socket shows it.
        ("10.0.0.0/8", "::ffff:10.0.0.1", true),
        ("::ffff:10.0.0.0/104", "10.0.0.1", true),
        ("::/0", "10.0.0.1", false),
        ("::/0", "::ffff:10.0.0.1", false),
        ("0.0.0.0/0", "::1", false),
        ("::/0", "::1", true),
        ("fd00::/8", "fdff::1", true),
        ("fd00::/8", "fe80::1", false),
        ("fd00::1/128", "fd00::1", true),
        ("fd00::1/128", "fd00::2", false),
    ] {
        let found = sources(&[subnet]).may_fit(0, &tcp(source));
        assert_eq!(found, fits, "{source} of {subnet}");
    }
    assert!(!sources(&["0.0.0.0/0", "::/0"]).may_fit(0, &unix(0, 0)));
    assert!(sources(&["fd00::/8", "10.0.0.0/8"]).may_fit(0, &tcp("10.0.0.1")));
}

#[test]
fn names_of_certificates_are_compared_whole() {
    let wanted = TlsConditions {
        dns: Some(texts(&["a.example.net"])),
        ..TlsConditions::default()
    };
    for (name, fits) in [
        ("a.example.net", true),
        ("A.Example.NET", true),
        ("*.example.net", false),
        ("a.example.net.", false),
        ("b.a.example.net", false),
        ("a.example.ne", false),
        ("", false),
    ] {
        let shown = Certificate {
            dns: vec!["other.example.net".to_owned(), name.to_owned()],
            ..Certificate::default()
        };
        assert_eq!(tls(wanted.clone()).may_fit(0, &with(shown)), fits, "{name}");
    }
    // What stands elsewhere is not a name of a host.
    let elsewhere = Certificate {
        common_name: Some("a.example.net".to_owned()),
        uris: vec!["a.example.net".to_owned()],
        ..Certificate::default()
    };
    assert!(!tls(wanted.clone()).may_fit(0, &with(elsewhere)));
    assert!(!tls(wanted).may_fit(0, &tcp("10.0.0.1")));
    // Asking for nothing in particular is asking for a certificate.
    assert!(!tls(TlsConditions::default()).may_fit(0, &tcp("10.0.0.1")));
}

#[test]
fn all_of_a_certificate_has_to_fit() {
    let wanted = TlsConditions {
        cn: Some(texts(&["one", "two"])),
        ip: Some(vec!["10.0.0.7".parse().unwrap()]),
        uri: Some(texts(&["spiffe://a/b"])),
        key: Some(vec![[7; 32]]),
        ..TlsConditions::default()
    };
    let good = Certificate {
        common_name: Some("two".to_owned()),
        addresses: vec!["::ffff:10.0.0.7".parse().unwrap()],
        uris: vec!["spiffe://a/c".to_owned(), "spiffe://a/b".to_owned()],
        key_sha256: [7; 32],
        ..Certificate::default()
    };
    let fits =
        |certificate: &Certificate| tls(wanted.clone()).may_fit(0, &with(certificate.clone()));
    assert!(fits(&good));
    for bad in [
        Certificate {
            common_name: Some("Two".to_owned()),
            ..good.clone()
        },
        Certificate {
            common_name: None,
            ..good.clone()
        },
        Certificate {
            addresses: vec!["10.0.0.8".parse().unwrap()],
            ..good.clone()
        },
        Certificate {
            uris: vec!["spiffe://A/b".to_owned(), "spiffe://a/b/".to_owned()],
            ..good.clone()
        },
        Certificate {
            key_sha256: [8; 32],
            ..good.clone()
        },
    ] {
        assert!(!fits(&bad), "{bad:?}");
    }
}

#[test]
fn a_container_fits_by_all_that_is_asked() {
    let container = Container {
        id: "a".repeat(64),
        name: "web".to_owned(),
        image: image_name("alpine"),
        labels: [
            ("role".to_owned(), "web".to_owned()),
            ("empty".to_owned(), String::new()),
        ]
        .into(),
    };
    let labels = |labels: &[(&str, &str)]| ContainerConditions {
        labels: (labels.iter())
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect::<BTreeMap<_, _>>(),
        ..ContainerConditions::default()
    };
    let image = |text: &str| ContainerConditions {
        image: Some(vec![image_name(text).unwrap()]),
        ..ContainerConditions::default()
    };
    let name = |text: &str| ContainerConditions {
        name: Some(texts(&[text])),
        ..ContainerConditions::default()
    };
    for (wanted, fits) in [
        (name("web"), true),
        (name("we"), false),
        (name("Web"), false),
        (image("docker.io/library/alpine:latest"), true),
        (image("index.docker.io/library/alpine"), true),
        (image("alpine:3"), false),
        (image("ghcr.io/alpine"), false),
        (labels(&[("role", "web")]), true),
        (labels(&[("role", "web"), ("empty", "")]), true),
        (labels(&[("role", "web"), ("other", "")]), false),
        (labels(&[("role", "db")]), false),
    ] {
        let wanted = Conditions {
            container: Some(wanted),
            ..Conditions::default()
        };
        assert_eq!(wanted.fits_in(Some(&container)), fits, "{wanted:?}");
        assert!(!wanted.fits_in(None), "{wanted:?}");
    }
    assert!(Conditions::default().fits_in(None));
    // An image that is no reference is no image that can be asked for.
    assert_eq!(image_name("sha256:00"), None);
    assert_eq!(image_name(&"a".repeat(64)), None);
}

#[test]
fn conditions_are_apart_where_a_caller_has_one_of_what_they_ask() {
    let cn = |text| TlsConditions {
        cn: Some(texts(&[text])),
        ..TlsConditions::default()
    };
    let dns = |text| TlsConditions {
        dns: Some(texts(&[text])),
        ..TlsConditions::default()
    };
    let labels = |key: &str, value: &str| Conditions {
        container: Some(ContainerConditions {
            labels: [(key.to_owned(), value.to_owned())].into(),
            ..ContainerConditions::default()
        }),
        ..Conditions::default()
    };
    let cases = [
        (uids(&[1]), uids(&[2]), Apart::Always),
        (uids(&[1, 2]), uids(&[2, 3]), Apart::Never),
        (uids(&[]), uids(&[2]), Apart::Always),
        (
            sources(&["10.0.0.0/8"]),
            sources(&["10.1.0.0/16"]),
            Apart::Never,
        ),
        (
            sources(&["10.0.0.0/16"]),
            sources(&["10.1.0.0/16"]),
            Apart::Always,
        ),
        (sources(&["0.0.0.0/0"]), sources(&["::/0"]), Apart::Always),
        (tls(cn("a")), tls(cn("b")), Apart::Always),
        (tls(cn("a")), tls(cn("a")), Apart::Never),
        (tls(dns("a")), tls(dns("b")), Apart::Unseen),
        (tls(dns("a")), tls(dns("a")), Apart::Never),
        (tls(dns("a")), tls(cn("a")), Apart::Unseen),
        (
            tls(TlsConditions {
                cn: Some(texts(&["b"])),
                ..dns("a")
            }),
            tls(dns("a")),
            Apart::Never,
        ),
        (tls(dns("a")), sources(&["10.0.0.0/8"]), Apart::Never),
        (labels("a", "1"), labels("a", "2"), Apart::Always),
        (labels("a", "1"), labels("b", "1"), Apart::Unseen),
        (labels("a", "1"), labels("a", "1"), Apart::Never),
    ];
    for (one, other, expected) in cases {
        assert_eq!(one.apart(&other), expected, "{one:?} {other:?}");
        assert_eq!(other.apart(&one), expected, "{other:?} {one:?}");
    }
}

use super::{HostPort, Port, Protocol, canonical_host_port, canonical_port};

#[test]
fn ports_have_numbers_and_a_protocol() {
    let port = Port::parse("8000-8010/UDP").unwrap();
    assert_eq!((port.first, port.last), (8000, 8010));
    assert_eq!(port.protocol, Protocol::Udp);
    assert_eq!(Port::parse("80").unwrap().protocol, Protocol::Tcp);
    assert_eq!(Port::parse("080/sctp").unwrap().first, 80);
}

#[test]
fn the_number_is_forwarded_as_sent() {
    assert_eq!(canonical_port("080/TCP").unwrap(), "080/tcp");
    assert_eq!(canonical_port("80").unwrap(), "80");
}

#[test]
fn what_is_no_port_is_refused() {
    for text in [
        "",
        "/tcp",
        "80/",
        "0",
        "0/tcp",
        "65536",
        "+80",
        "-80",
        "80-",
        "90-80",
        "80-90-100",
        "80/tcp/udp",
        "80/icmp",
        "80/\u{17f}ctp",
        "80 ",
        "x",
        "80/tcp ",
        "1e3",
        "\u{661}",
    ] {
        assert!(Port::parse(text).is_err(), "{text}");
    }
}

#[test]
fn host_ports_may_be_any() {
    for text in ["", "0"] {
        assert_eq!(HostPort::parse(text), Ok(HostPort { first: 0, last: 0 }));
    }
    assert_eq!(
        HostPort::parse("8000-8010"),
        Ok(HostPort {
            first: 8000,
            last: 8010
        })
    );
}

#[test]
fn a_protocol_behind_a_host_port_is_dropped() {
    assert_eq!(canonical_host_port("41023/tcp").unwrap(), "41023");
    assert_eq!(canonical_host_port("41023").unwrap(), "41023");
}

#[test]
fn what_is_no_host_port_is_refused() {
    for text in [
        "+1",
        "-1",
        "65536",
        "1-0",
        "0-5",
        "1/",
        "/tcp",
        "1/x",
        " 1",
        "1:2",
        "127.0.0.1:1",
    ] {
        assert!(HostPort::parse(text).is_err(), "{text}");
    }
}

use super::{Cidr, MacAddress, canonical_mac, ip_address};

#[test]
fn addresses_are_strict() {
    assert!(ip_address("10.0.0.1").unwrap().is_ipv4());
    assert!(ip_address("fd00::1").unwrap().is_ipv6());
    for text in [
        "",
        "10.0.0",
        "10.0.0.256",
        "010.0.0.1",
        "::1%lo",
        "[::1]",
        "1",
        "::1 ",
        "10.0.0.1/8",
    ] {
        assert!(ip_address(text).is_err(), "{text}");
    }
}

#[test]
fn subnets_have_a_prefix_within_their_family() {
    assert_eq!(Cidr::parse("10.1.2.3/8").unwrap().prefix, 8);
    assert_eq!(Cidr::parse("::/128").unwrap().prefix, 128);
    for text in [
        "::/129",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "/8",
        "10.0.0.0/00",
    ] {
        assert!(Cidr::parse(text).is_err(), "{text}");
    }
}

#[test]
fn hardware_addresses_have_one_spelling() {
    for text in ["02:42:AC:11:00:0a", "02-42-ac-11-00-0A", "0242.ac11.000a"] {
        assert_eq!(canonical_mac(text).unwrap(), "02:42:ac:11:00:0a", "{text}");
        assert_eq!(
            MacAddress::parse(text).unwrap().0,
            [2, 0x42, 0xac, 0x11, 0, 10]
        );
    }
    for text in [
        "",
        "02:42:ac:11:00",
        "02:42:ac:11:00:0a:0b",
        "2:42:ac:11:0:a",
        "02:42-ac:11:00:0a",
        "0242ac11000a",
        "0g:42:ac:11:00:0a",
        "+2:42:ac:11:00:0a",
    ] {
        assert!(MacAddress::parse(text).is_err(), "{text}");
    }
}

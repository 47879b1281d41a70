use super::{ExtraHost, HostAddress};

#[test]
fn the_first_colon_divides() {
    let parsed = ExtraHost::parse("db:fd00::1").unwrap();
    assert_eq!(parsed.host, "db");
    assert_eq!(parsed.address, HostAddress::Ip("fd00::1".parse().unwrap()));
    assert_eq!(
        ExtraHost::parse("x:host-gateway").unwrap().address,
        HostAddress::Gateway
    );
}

#[test]
fn nothing_can_be_added_to_the_hosts_file() {
    for text in [
        "",
        "db",
        ":1.2.3.4",
        "db:",
        "db=1.2.3.4",
        "db: 1.2.3.4",
        "db:1.2.3.4 ",
        "a b:1.2.3.4",
        "a,b:1.2.3.4",
        "db:1.2.3.4,x:5.6.7.8",
        "db:HOST-GATEWAY",
        "db:localhost",
        "db:[::1]",
        "db:1.2.3.4\n5.6.7.8 x",
        "a\n:1.2.3.4",
        "\u{e4}:1.2.3.4",
    ] {
        assert!(ExtraHost::parse(text).is_err(), "{text}");
    }
}

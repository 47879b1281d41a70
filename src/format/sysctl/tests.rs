use super::{SysctlKey, canonical};

#[test]
fn the_first_divider_decides() {
    for (text, dotted) in [
        ("net.ipv4.ip_forward", "net.ipv4.ip_forward"),
        ("net/ipv4/ip_forward", "net.ipv4.ip_forward"),
        (
            "net/ipv4/conf/eth0.100/forwarding",
            "net.ipv4.conf.eth0/100.forwarding",
        ),
        (
            "net.ipv4.conf.eth0/100.forwarding",
            "net.ipv4.conf.eth0/100.forwarding",
        ),
    ] {
        assert_eq!(SysctlKey::parse(text).unwrap().dotted, dotted, "{text}");
    }
}

#[test]
fn slashes_alone_are_forwarded_as_dots() {
    assert_eq!(
        canonical("net/ipv4/ip_forward").unwrap(),
        "net.ipv4.ip_forward"
    );
    assert_eq!(canonical("kernel.shmmax").unwrap(), "kernel.shmmax");
    let mixed = "net/ipv4/conf/eth0.100/forwarding";
    assert_eq!(canonical(mixed).unwrap(), mixed);
}

#[test]
fn components_are_not_empty() {
    for text in [
        "",
        "net",
        ".",
        "/",
        "net.",
        ".net",
        "/net/x",
        "net..x",
        "net//x",
        "net/../kernel/x",
        "net.ipv4 .x",
        "net.\u{e4}",
        "a.b=c",
        "net.ipv4.*",
    ] {
        assert!(SysctlKey::parse(text).is_err(), "{text}");
    }
}

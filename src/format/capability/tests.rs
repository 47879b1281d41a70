use super::{Capability, NAMES, canonical};

#[test]
fn there_are_forty_one_in_order() {
    assert_eq!(NAMES.len(), 41);
    let mut sorted = NAMES;
    sorted.sort_unstable();
    sorted
        .windows(2)
        .for_each(|pair| assert_ne!(pair[0], pair[1]));
    for name in NAMES {
        assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        );
    }
}

#[test]
fn case_and_prefix_do_not_matter() {
    for text in [
        "SYS_ADMIN",
        "sys_admin",
        "CAP_SYS_ADMIN",
        "cap_sys_admin",
        "Cap_Sys_Admin",
    ] {
        assert_eq!(
            Capability::parse(text).unwrap().name(),
            "SYS_ADMIN",
            "{text}"
        );
    }
    assert_eq!(Capability::parse("all"), Ok(Capability::ALL));
}

#[test]
fn the_prefix_is_forwarded_as_sent() {
    assert_eq!(canonical("cap_net_raw").unwrap(), "CAP_NET_RAW");
    assert_eq!(canonical("net_raw").unwrap(), "NET_RAW");
    assert_eq!(canonical("aLL").unwrap(), "ALL");
}

#[test]
fn other_words_are_refused() {
    for text in [
        "",
        "CAP_",
        "CAP_ALL",
        "cap_all",
        "CAP_CAP_CHOWN",
        "CHOWN ",
        " CHOWN",
        "SYS-ADMIN",
        "SYS",
        "\u{17f}y\u{17f}_adm\u{131}n",
        "\u{17f}ys_admin",
        "SYS_ADM\u{130}N",
        "CHOWN,KILL",
        "NONE",
    ] {
        assert!(Capability::parse(text).is_err(), "{text}");
    }
}

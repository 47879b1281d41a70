use super::{UlimitName, canonical};

#[test]
fn names_are_forwarded_in_lower_case() {
    assert_eq!(UlimitName::parse("NoFile").unwrap().name(), "nofile");
    assert_eq!(canonical("NOFILE").unwrap(), "nofile");
}

#[test]
fn unknown_names_are_refused() {
    for text in [
        "",
        "RLIMIT_NOFILE",
        "nofiles",
        " nofile",
        "\u{17f}tack",
        "n\u{131}ce",
        "n\u{130}ce",
    ] {
        assert!(UlimitName::parse(text).is_err(), "{text}");
    }
}

use super::{hostname, integer, log_driver, runtime, timestamp, url};

#[test]
fn integers_are_plain() {
    for text in ["0", "-1", "00", "99999999999999999999"] {
        assert!(integer(text).is_ok(), "{text}");
    }
    for text in ["", "-", "--1", "+1", "1.0", "1k", " 1", "0x1"] {
        assert!(integer(text).is_err(), "{text}");
    }
}

#[test]
fn points_in_time_have_digits() {
    assert!(timestamp("2026-01-02").is_ok());
    for text in [
        "",
        "h",
        "Z",
        "10d",
        "1;2",
        "2026-01-02 03:04",
        &"1".repeat(65),
    ] {
        assert!(timestamp(text).is_err(), "{text}");
    }
}

#[test]
fn hosts_have_no_white_space_outside_templates() {
    assert!(hostname("a{{ .Task.Slot }}").is_ok());
    assert!(hostname(&"a".repeat(255)).is_ok());
    for text in ["a b", "a{b }", "\u{e4}", &"a".repeat(256)] {
        assert!(hostname(text).is_err(), "{text}");
    }
}

#[test]
fn names_of_plugins_are_not_paths() {
    assert!(log_driver("acme/driver:1@x").is_ok());
    assert!(log_driver("/driver").is_err());
    assert!(runtime("io.containerd.kata.v2").is_ok());
    assert!(runtime("./kata").is_err());
}

#[test]
fn addresses_have_no_white_space() {
    assert!(url("https://example.com/a?b=c#d").is_ok());
    assert!(url("https://example.com/ a").is_err());
}

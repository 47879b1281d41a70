use super::DetachKeys;

#[test]
fn keys_become_bytes() {
    for (text, keys) in [
        ("ctrl-p,ctrl-q", &[16, 17][..]),
        ("ctrl-a,x", &[1, b'x']),
        ("ctrl-@", &[0]),
        ("ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", &[27, 28, 29, 30, 31]),
        ("DEL", &[127]),
        ("-", b"-"),
    ] {
        assert_eq!(DetachKeys::parse(text).unwrap().0, keys, "{text}");
    }
}

#[test]
fn other_names_are_refused() {
    for text in [
        "", ",", "a,", "ctrl-", "ctrl-A", "CTRL-p", "ctrl-pp", "ab", "ctrl-1", "del", "\u{e4}",
        "a,,b",
    ] {
        assert!(DetachKeys::parse(text).is_err(), "{text}");
    }
}

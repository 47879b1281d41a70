use super::{Account, User, canonical, canonical_group};

#[test]
fn numbers_are_read_as_the_engine_does() {
    for text in [
        "0", "00", "0000", "+0", "-0", "0:5", ":0", ":", "+00:x", "root", ":1000",
    ] {
        assert!(User::parse(text).unwrap().is_root(), "{text}");
    }
    for text in [
        "1",
        "1000",
        "01",
        "+1",
        "nobody",
        "1000:0",
        "1000:root",
        "ROOT",
        "0x0",
    ] {
        assert!(!User::parse(text).unwrap().is_root(), "{text}");
    }
}

#[test]
fn the_empty_text_is_nobody_yet() {
    let user = User::parse("").unwrap();
    assert_eq!(user.uid, None);
    assert!(!user.is_root());
}

#[test]
fn user_and_group_are_apart() {
    let user = User::parse("www-data:+033").unwrap();
    assert_eq!(user.uid, Some(Account::Name("www-data")));
    assert_eq!(user.gid, Some(Account::Number(33)));
    assert_eq!(User::parse("5:").unwrap().gid, None);
}

#[test]
fn the_forwarded_spelling_is_decimal() {
    for (text, spelling) in [
        ("00", "0"),
        ("-0:+7", "0:7"),
        (":", "0"),
        (":5", "0:5"),
        ("007", "7"),
        ("x:", "x"),
        ("postgres", "postgres"),
        ("2147483647", "2147483647"),
    ] {
        assert_eq!(canonical(text).unwrap(), spelling, "{text}");
    }
    assert_eq!(canonical_group("010").unwrap(), "10");
}

#[test]
fn what_is_neither_number_nor_name_is_refused() {
    for text in [
        "-1",
        "2147483648",
        "99999999999999999999",
        "1:2:3",
        "1:-5",
        " 0",
        "0 ",
        "a b",
        "+",
        "-",
        "--0",
        "+-0",
        "\u{661}",
        "\u{ff10}",
        "a:b:c",
        "a/b",
        "1 :2",
        "r\u{f6}\u{f6}t",
        "::",
    ] {
        assert!(User::parse(text).is_err(), "{text}");
    }
    assert!(Account::parse("").is_err());
}

use super::{Signal, canonical};

#[test]
fn names_and_numbers_mean_the_same() {
    for text in ["9", "09", "KILL", "kill", "SIGKILL", "SigKill"] {
        assert_eq!(Signal::parse(text).unwrap().number(), 9, "{text}");
    }
    for (text, number) in [
        ("RTMIN", 34),
        ("SIGRTMIN+1", 35),
        ("rtmin+15", 49),
        ("RTMAX-14", 50),
        ("RTMAX-1", 63),
        ("RTMAX", 64),
        ("64", 64),
        ("IOT", 6),
    ] {
        assert_eq!(Signal::parse(text).unwrap().number(), number, "{text}");
    }
}

#[test]
fn one_case_is_forwarded() {
    assert_eq!(canonical("sigterm").unwrap(), "SIGTERM");
    assert_eq!(canonical("term").unwrap(), "TERM");
    assert_eq!(canonical("015").unwrap(), "15");
}

#[test]
fn everything_else_is_refused() {
    for text in [
        "",
        "0",
        "00",
        "65",
        "-9",
        "+9",
        "9 ",
        "SIG",
        "SIGSIGKILL",
        "SIG9",
        "BOGUS",
        "KILL ",
        "\u{17f}igkill",
        "\u{212a}ILL",
        "RTMIN+0",
        "RTMIN+16",
        "RTMIN+01",
        "RTMIN-1",
        "RTMAX-15",
        "RTMAX+1",
        "RTMIN+",
        "RTMIN++1",
        "999999999999",
        "EXIT",
    ] {
        assert!(Signal::parse(text).is_err(), "{text}");
    }
}

use super::{DeviceKind, DeviceRule};

#[test]
fn rules_are_read() {
    let rule = DeviceRule::parse("b 8:* rm").unwrap();
    assert_eq!(rule.kind, DeviceKind::Block);
    assert_eq!((rule.major, rule.minor), (Some(8), None));
    assert_eq!((rule.read, rule.write, rule.mknod), (true, false, true));
    let all = DeviceRule::parse("a *:* rwm").unwrap();
    assert_eq!(
        (all.kind, all.major, all.minor),
        (DeviceKind::All, None, None)
    );
    assert_eq!(DeviceRule::parse("c 001:3 rrr").unwrap().major, Some(1));
}

#[test]
fn the_grammar_is_exact() {
    for text in [
        "",
        "a",
        "a *:*",
        "d 1:1 r",
        "A *:* r",
        "c 1:1 R",
        "c 1:1 x",
        "c 1:1 ",
        "c 1:1 rwmr",
        "c  1:1 r",
        "c\t1:1 r",
        " c 1:1 r",
        "c 1:1 r ",
        "c 1 r",
        "c 1:1:1 r",
        "c +1:1 r",
        "c -1:1 r",
        "c :1 r",
        "c 1: r",
        "c 1*:1 r",
        "c 4294967296:1 r",
        "c 1:1 r\n",
    ] {
        assert!(DeviceRule::parse(text).is_err(), "{text}");
    }
}

use super::Link;

#[test]
fn links_have_a_container_and_an_alias() {
    for (text, container, alias) in [
        ("db", "db", "db"),
        ("/db", "db", "db"),
        ("db:database", "db", "database"),
        ("db:_a", "db", "_a"),
        ("/db:/web/database", "db", "database"),
        ("/db:database", "db", "database"),
        ("web/db:x", "web/db", "x"),
    ] {
        let link = Link::parse(text).unwrap();
        assert_eq!(
            (link.container.name(), link.alias),
            (container, alias),
            "{text}"
        );
    }
}

#[test]
fn aliases_cannot_leave_their_place() {
    for text in [
        "",
        ":",
        "db:",
        ":x",
        "db:a:b",
        "db:..",
        "db:.",
        "db:a/b",
        "db:/web/x",
        "/db:/../x",
        "/db:../x",
        "/db:/web/..",
        "/db:/web/",
        "db:a b",
        "a b:x",
        "..:x",
        "web/db",
        "db:\u{e4}",
    ] {
        assert!(Link::parse(text).is_err(), "{text}");
    }
}

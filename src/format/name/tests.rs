use super::{ContainerReference, container_name, is_full_id, lookup, network_reference};

const ID: &str = "4a19448555cfbd719115a2a1aa14b2e800e04b98278238bb4979e1839943c2be";

#[test]
fn full_ids_are_told_from_names() {
    assert!(is_full_id(ID));
    assert!(!is_full_id(&ID.to_uppercase()));
    assert!(!is_full_id(ID.split_at(63).0));
    assert!(ContainerReference::strict(ID).unwrap().is_full_id());
    assert!(
        !ContainerReference::strict("4a19448555cf")
            .unwrap()
            .is_full_id()
    );
}

#[test]
fn strict_references_are_names_or_ids() {
    for (text, name) in [
        ("web", "web"),
        ("/web", "web"),
        ("/web/db", "web/db"),
        ("web/_db", "web/_db"),
        ("a", "a"),
        (ID, ID),
    ] {
        assert_eq!(ContainerReference::strict(text).unwrap().name(), name);
    }
    for text in [
        "", "/", "//web", "web/", "a/b/c", ".", "..", "a/..", "../a", "-a", "_a", "a:b", "a@b",
        "a b", "\u{e4}", "a%2f", "a?",
    ] {
        assert!(ContainerReference::strict(text).is_err(), "{text}");
    }
}

#[test]
fn lookups_take_what_users_type_but_no_path_tricks() {
    for text in [
        "busybox:latest",
        "localhost:5000/a/b@sha256:00",
        "_x",
        "a.b-c_d",
    ] {
        assert!(lookup(text).is_ok(), "{text}");
    }
    for text in [
        "", "/", "a//b", "a/", "/a", "..", "a/../b", "./a", "a b", "a?b", "a#b", "a%2fb", "a;b",
        "a\\b", "\u{212a}",
    ] {
        assert!(lookup(text).is_err(), "{text}");
    }
}

#[test]
fn networks_may_have_spaces_inside() {
    for text in ["test 01", "bridge", "a/b:c"] {
        assert!(network_reference(text).is_ok(), "{text}");
    }
    for text in [" a", "a ", " ", "a\tb", "..", "a/ b"] {
        assert!(network_reference(text).is_err(), "{text}");
    }
}

#[test]
fn new_containers_have_at_least_two_characters() {
    for text in ["ab", "/ab", "A.b-c_1"] {
        assert!(container_name(text).is_ok(), "{text}");
    }
    for text in [
        "a", "/a", "//ab", "_ab", ".ab", "a b", " ab", "ab ", "a/b", "a\u{e4}",
    ] {
        assert!(container_name(text).is_err(), "{text}");
    }
}

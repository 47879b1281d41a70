use super::{ImageReference, NamedImage, tag_or_digest};

const HEX: &str = "387b3f1ad980061dc9ee7d6920490b4e370991dc923e57ce53c9b724a89e4b10";

/// Name, tag and digest of a text that is a name.
fn named(text: &str) -> (String, Option<&str>, Option<&str>) {
    match ImageReference::parse(text) {
        Ok(ImageReference::Named(named)) => (named.name(), named.tag, named.digest),
        other => panic!("{text} is {other:?}"),
    }
}

#[test]
fn short_names_are_completed() {
    for (text, name, tag) in [
        ("busybox", "docker.io/library/busybox", None),
        ("busybox:1", "docker.io/library/busybox", Some("1")),
        ("docker.io/busybox", "docker.io/library/busybox", None),
        ("index.docker.io/busybox", "docker.io/library/busybox", None),
        ("library/busybox", "docker.io/library/busybox", None),
        ("acme/app:v1", "docker.io/acme/app", Some("v1")),
        ("docker.io/acme/app", "docker.io/acme/app", None),
        ("localhost/app", "localhost/app", None),
        ("localhost:5000/a/b:c", "localhost:5000/a/b", Some("c")),
        (
            "127.0.0.1:5000/recnode:1",
            "127.0.0.1:5000/recnode",
            Some("1"),
        ),
        ("[::1]:5000/app", "[::1]:5000/app", None),
        ("[::1]/app", "[::1]/app", None),
        ("ghcr.io/acme/app", "ghcr.io/acme/app", None),
        ("Registry/app", "Registry/app", None),
        ("a__b/c---d.e_f", "docker.io/a__b/c---d.e_f", None),
        ("localhost", "docker.io/library/localhost", None),
        ("ghcr.io:5000", "docker.io/library/ghcr.io", Some("5000")),
    ] {
        assert_eq!(named(text), (name.to_owned(), tag, None), "{text}");
    }
}

#[test]
fn digests_are_read() {
    let digest = format!("sha256:{HEX}");
    let text = format!("busybox:1@{digest}");
    assert_eq!(
        named(&text),
        (
            "docker.io/library/busybox".to_owned(),
            Some("1"),
            Some(digest.as_str())
        )
    );
    for bad in [
        "busybox@".to_owned(),
        "busybox@sha256:".to_owned(),
        "busybox@sha256:00".to_owned(),
        format!("busybox@sha256:{}", HEX.to_uppercase()),
        format!("busybox@md5:{HEX}"),
        format!("busybox@sha256:{HEX}0"),
        format!("busybox@{digest}@{digest}"),
        format!("@{digest}"),
    ] {
        assert!(ImageReference::parse(&bad).is_err(), "{bad}");
    }
}

#[test]
fn what_can_be_an_id_is_one() {
    let whole = format!("sha256:{HEX}");
    for (text, id) in [
        (HEX, HEX),
        (whole.as_str(), HEX),
        ("d0dcf6e0cc49", "d0dcf6e0cc49"),
        ("cafe", "cafe"),
        ("1", "1"),
        ("sha256:d0dc", "d0dc"),
    ] {
        assert_eq!(
            ImageReference::parse(text),
            Ok(ImageReference::Id(id)),
            "{text}"
        );
    }
    for text in [
        "sha256:",
        "sha256:latest",
        "sha256:D0DC",
        "sha256:xyz",
        "sha512:00",
        "sha256",
    ] {
        assert!(ImageReference::parse(text).is_err(), "{text}");
    }
    let too_long = format!("sha256:{HEX}0");
    assert!(ImageReference::parse(&too_long).is_err());
}

#[test]
fn hexadecimal_words_can_be_names() {
    assert_eq!(named("cafe:1").0, "docker.io/library/cafe");
    assert_eq!(named("acme/cafe").0, "docker.io/acme/cafe");
    assert_eq!(
        named(&format!("{HEX}0")).0,
        format!("docker.io/library/{HEX}0")
    );
    assert_eq!(
        NamedImage::parse("cafe").unwrap().name(),
        "docker.io/library/cafe"
    );
    assert!(NamedImage::parse(HEX).is_err());
}

#[test]
fn names_are_strict() {
    for text in [
        "",
        "/",
        ":",
        "@",
        "Busybox",
        "a/B",
        "BUSYBOX",
        "a//b",
        "a/",
        "/a",
        "a/../b",
        "..",
        "a..b",
        "a___b",
        "-a",
        "a-",
        ".a",
        "a.",
        "_a",
        "a:",
        ":a",
        "a:b:c",
        "a:-x",
        "a: b",
        " a",
        "a ",
        "a/b c",
        "http://a/b",
        "a.b:x/c",
        "a.b:/c",
        "a.b:123456/c",
        "-a.b/c",
        "a-.b/c",
        "[::1/a",
        "[::g]/a",
        "[]/a",
        "[::1]x/a",
        "a\u{e4}",
        "\u{212a}",
        "a.b../c",
        "a%2fb",
        "a?b",
    ] {
        assert!(ImageReference::parse(text).is_err(), "{text}");
    }
    assert!(ImageReference::parse(&format!("a:{}", "x".repeat(128))).is_ok());
    assert!(ImageReference::parse(&format!("a:{}", "x".repeat(129))).is_err());
    assert!(ImageReference::parse(&"z".repeat(300)).is_err());
}

#[test]
fn reasons_begin_with_the_words_that_clients_look_for() {
    for text in ["A", "a:", "a@b", "sha256:x", "a.b:x/c", &"z".repeat(300)] {
        let error = ImageReference::parse(text).unwrap_err();
        assert!(
            error.reason.starts_with("invalid reference format"),
            "{text}"
        );
    }
}

#[test]
fn a_tag_may_be_a_digest() {
    assert!(tag_or_digest("latest").is_ok());
    assert!(tag_or_digest(&format!("sha256:{HEX}")).is_ok());
    for text in ["a:b", ".a", "-a", "a b", "a/b", "a@b", "sha256:00", ""] {
        assert!(tag_or_digest(text).is_err(), "{text}");
    }
}

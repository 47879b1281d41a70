use super::{RegistryHost, Scheme};

#[test]
fn registries_have_parts() {
    for (text, scheme, host, port, path) in [
        (
            "registry.example.com",
            None,
            "registry.example.com",
            None,
            "",
        ),
        ("127.0.0.1:5001", None, "127.0.0.1", Some(5001), ""),
        (
            "http://127.0.0.1:5001",
            Some(Scheme::Http),
            "127.0.0.1",
            Some(5001),
            "",
        ),
        (
            "https://index.docker.io/v1/",
            Some(Scheme::Https),
            "index.docker.io",
            None,
            "v1/",
        ),
        ("[::1]:5000", None, "[::1]", Some(5000), ""),
        ("[::1]", None, "[::1]", None, ""),
        ("my_registry:5000/a", None, "my_registry", Some(5000), "a"),
    ] {
        let registry = RegistryHost::parse(text).unwrap();
        assert_eq!(
            (registry.scheme, registry.host, registry.port, registry.path),
            (scheme, host, port, path)
        );
    }
}

#[test]
fn there_is_one_host_and_nothing_hidden() {
    for text in [
        "",
        "http://",
        "://x",
        "ftp://x",
        "HTTP://x",
        "user@x",
        "user:pw@x",
        "x?y",
        "x#y",
        "x y",
        "x:",
        "x:+1",
        "x:65536",
        "x:1:2",
        "x/../y?z",
        "a..b",
        "-a",
        "a-",
        ".",
        "[::1",
        "::1",
        "[x]",
        "[::1]x",
        "\u{e4}.example",
        "x\\y",
        "http://http://x/",
    ] {
        assert!(RegistryHost::parse(text).is_err(), "{text}");
    }
}

use super::NamespaceMode as Mode;

type Parse = fn(&'static str) -> Result<Mode<'static>, super::FormatError>;

const PARSERS: [Parse; 6] = [
    Mode::network,
    Mode::pid,
    Mode::ipc,
    Mode::uts,
    Mode::userns,
    Mode::cgroupns,
];

#[test]
fn words_mean_what_they_mean_to_the_engine() {
    for parse in PARSERS {
        assert_eq!(parse(""), Ok(Mode::Default));
        assert_eq!(parse("host"), Ok(Mode::Host));
    }
    assert_eq!(Mode::network("default"), Ok(Mode::Default));
    assert_eq!(Mode::network("bridge"), Ok(Mode::Bridge));
    assert_eq!(Mode::network("none"), Ok(Mode::None));
    assert_eq!(Mode::network("acme_back"), Ok(Mode::Named("acme_back")));
    assert_eq!(Mode::ipc("none"), Ok(Mode::None));
    assert_eq!(Mode::ipc("private"), Ok(Mode::Private));
    assert_eq!(Mode::ipc("shareable"), Ok(Mode::Shareable));
    assert_eq!(Mode::cgroupns("private"), Ok(Mode::Private));
}

#[test]
fn other_spellings_of_words_are_refused() {
    for parse in PARSERS {
        for text in [
            "HOST",
            "Host",
            "host ",
            " host",
            "h\u{43e}st",
            "ho\u{17f}t",
            "ns:/proc/1/ns/net",
            "container:",
            "Container:x",
            "CONTAINER:x",
            "container:x:y",
            "container: x",
            "container:..",
            "container:/",
            "Default",
            "BRIDGE",
            "None",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

#[test]
fn networks_may_have_the_words_of_other_modes() {
    for text in ["private", "shareable", "container", "slirp4netns"] {
        assert_eq!(Mode::network(text), Ok(Mode::Named(text)));
        assert!(Mode::pid(text).is_err());
    }
}

#[test]
fn words_of_one_mode_are_not_words_of_another() {
    for text in ["private", "shareable", "default", "bridge", "none"] {
        assert!(Mode::pid(text).is_err());
        assert!(Mode::uts(text).is_err());
        assert!(Mode::userns(text).is_err());
    }
    assert!(Mode::ipc("default").is_err());
    assert!(Mode::cgroupns("none").is_err());
    for parse in [Mode::uts as Parse, Mode::userns, Mode::cgroupns] {
        assert!(parse("container:x").is_err());
    }
}

#[test]
fn other_containers_are_named() {
    for parse in [Mode::network as Parse, Mode::pid, Mode::ipc] {
        let Ok(Mode::Container(reference)) = parse("container:/web") else {
            panic!("not a container");
        };
        assert_eq!(reference.name(), "web");
    }
}

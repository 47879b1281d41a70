use super::{Bind, Consistency, MountMode, Propagation, SelinuxLabel, Source, canonical};

fn bind(text: &str) -> Bind<'_> {
    Bind::parse(text).unwrap()
}

#[test]
fn a_source_with_a_slash_is_a_host_path() {
    let parsed = bind("/opt//x/../y/:/t/");
    assert_eq!(parsed.source, Source::Host("/opt/y".into()));
    assert_eq!(parsed.target, "/t");
    assert_eq!(parsed.options, MountMode::default());
}

#[test]
fn any_other_source_is_a_volume() {
    assert_eq!(bind("data:/d").source, Source::Volume("data"));
    assert_eq!(bind("Data.1_x-y:/d").source, Source::Volume("Data.1_x-y"));
    for text in [
        "./x:/d",
        "../x:/d",
        "~/x:/d",
        "a/b:/d",
        "a b:/d",
        "-a:/d",
        "\u{e4}:/d",
    ] {
        assert!(Bind::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_lone_path_is_an_anonymous_volume() {
    assert_eq!(bind("/data").source, Source::Anonymous);
    assert!(Bind::parse("data").is_err());
}

#[test]
fn options_are_read() {
    let options = bind("/a:/b:ro,Z,rslave,delegated").options;
    assert!(options.read_only);
    assert_eq!(options.label, Some(SelinuxLabel::Private));
    assert_eq!(options.propagation, Some(Propagation::RSlave));
    assert_eq!(options.consistency, Some(Consistency::Delegated));
    assert!(!options.no_copy);
    assert!(bind("a:/b:nocopy").options.no_copy);
    assert!(!bind("/a:/b:rw").options.read_only);
}

#[test]
fn options_are_exact_and_come_once() {
    for mode in [
        "RO",
        "ro,rw",
        "ro,ro",
        "z,Z",
        "shared,slave",
        "nocopy,nocopy",
        "cached,consistent",
        "ro,",
        ",",
        " ro",
        "noexec",
        "default",
        "bind",
    ] {
        let text = format!("a:/b:{mode}");
        assert!(Bind::parse(&text).is_err(), "{text}");
    }
}

#[test]
fn options_fit_their_source() {
    assert!(Bind::parse("/a:/b:nocopy").is_err());
    assert!(Bind::parse("a:/b:shared").is_err());
}

#[test]
fn what_the_engine_refuses_is_refused() {
    for text in [
        "",
        ":",
        "::",
        ":/b",
        ":/b:ro",
        "/a:",
        "a:",
        "/a:b",
        "/a:ro",
        "a:ro",
        "/foo:rw",
        "/a:/",
        "/a:/..",
        "/a://",
        "/a:/\\",
        "a:/b:ro:x",
        "/a:/b:ro:",
        "/",
        "/.",
        "a:\\b",
    ] {
        assert!(Bind::parse(text).is_err(), "{text}");
    }
}

#[test]
fn dots_are_resolved_before_forwarding() {
    assert_eq!(canonical("/tmp/../etc:/x:ro").unwrap(), "/etc:/x:ro");
    assert_eq!(canonical("a:/x/../y").unwrap(), "a:/y");
    assert_eq!(canonical("/x/./y").unwrap(), "/x/y");
    assert_eq!(canonical("//etc//:/x/").unwrap(), "//etc//:/x/");
    assert_eq!(canonical("/..:/x").unwrap(), "/:/x");
}

#[test]
fn propagations_have_names() {
    for name in [
        "private", "rprivate", "shared", "rshared", "slave", "rslave",
    ] {
        assert_eq!(Propagation::from_name(name).unwrap().name(), name);
    }
}

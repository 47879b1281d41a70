use super::Platform;

/// System, architecture and variant, `-` where there is none.
fn parts(text: &str) -> [String; 3] {
    let platform = Platform::parse(text).unwrap();
    [platform.os, platform.architecture, platform.variant].map(|part| part.unwrap_or("-".into()))
}

#[test]
fn parts_are_in_lower_case() {
    assert_eq!(parts("Linux/AMD64"), ["linux", "amd64", "-"]);
    assert_eq!(parts("linux/arm64/v8"), ["linux", "arm64", "v8"]);
}

#[test]
fn a_lone_word_is_a_system_or_an_architecture() {
    assert_eq!(parts("linux"), ["linux", "-", "-"]);
    assert_eq!(parts("arm64"), ["-", "arm64", "-"]);
}

#[test]
fn other_names_become_the_usual_ones() {
    assert_eq!(parts("linux/x86_64"), ["linux", "amd64", "-"]);
    assert_eq!(parts("linux/aarch64"), ["linux", "arm64", "-"]);
    assert_eq!(parts("linux/armel"), ["linux", "arm", "v6"]);
    assert_eq!(parts("macos"), ["darwin", "-", "-"]);
}

#[test]
fn there_are_at_most_three_parts() {
    for text in [
        "",
        "/",
        "linux/",
        "/amd64",
        "a/b/c/d",
        "linux amd64",
        "linux/amd64,linux/arm64",
        "l\u{131}nux",
        "{}",
        "linux//v8",
    ] {
        assert!(Platform::parse(text).is_err(), "{text}");
    }
}

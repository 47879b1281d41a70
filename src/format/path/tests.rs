use std::borrow::Cow;

use super::{canonical_host_path, clean_path, container_path, host_path, is_under};

#[test]
fn paths_are_cleaned_as_go_does() {
    for (path, clean) in [
        ("", "."),
        ("abc", "abc"),
        ("abc/def", "abc/def"),
        (".", "."),
        ("..", ".."),
        ("../..", "../.."),
        ("../../abc", "../../abc"),
        ("/abc", "/abc"),
        ("/", "/"),
        ("abc/", "abc"),
        ("abc/def/", "abc/def"),
        ("./", "."),
        ("../", ".."),
        ("/abc/", "/abc"),
        ("abc//def//ghi", "abc/def/ghi"),
        ("//abc", "/abc"),
        ("///abc", "/abc"),
        ("//abc//", "/abc"),
        ("abc/./def", "abc/def"),
        ("/./abc/def", "/abc/def"),
        ("abc/def/ghi/../jkl", "abc/def/jkl"),
        ("abc/def/..", "abc"),
        ("abc/def/../..", "."),
        ("/abc/def/../..", "/"),
        ("abc/def/../../..", ".."),
        ("/abc/def/../../..", "/"),
        ("abc/def/../../../ghi/jkl/../../../mno", "../../mno"),
        ("/../abc", "/abc"),
        ("abc/./../def", "def"),
        ("abc//./../def", "def"),
        ("abc/../../././../def", "../../def"),
        ("/tmp/../etc", "/etc"),
        ("//etc//", "/etc"),
        ("/...", "/..."),
        ("/a\\..\\b", "/a\\..\\b"),
    ] {
        assert_eq!(clean_path(path), clean, "{path}");
    }
}

#[test]
fn a_clean_path_is_borrowed() {
    assert!(matches!(clean_path("/a/b"), Cow::Borrowed("/a/b")));
    assert!(matches!(clean_path("/a/b/"), Cow::Owned(_)));
}

#[test]
fn only_absolute_paths_are_host_paths() {
    assert_eq!(host_path("/a/../b/").unwrap(), "/b");
    assert_eq!(container_path("/a//b").unwrap(), "/a/b");
    for text in ["", "a", "./a", "../a", "\\a", "~", "/a\0b", "/a\nb"] {
        assert!(host_path(text).is_err(), "{text:?}");
        assert!(container_path(text).is_err(), "{text:?}");
    }
}

#[test]
fn dot_components_are_not_forwarded() {
    assert_eq!(canonical_host_path("/dev/x/../sda").unwrap(), "/dev/sda");
    assert_eq!(canonical_host_path("/./dev").unwrap(), "/dev");
    assert_eq!(canonical_host_path("/dev//sda/").unwrap(), "/dev//sda/");
}

#[test]
fn below_goes_by_whole_components() {
    assert!(is_under("/srv", "/srv"));
    assert!(is_under("/srv/a", "/srv/"));
    assert!(is_under("/srv/x/../a", "/srv"));
    assert!(is_under("/anything", "/"));
    assert!(!is_under("/srv2", "/srv"));
    assert!(!is_under("/srv/../etc", "/srv"));
    assert!(!is_under("srv", "/srv"));
    assert!(!is_under("srv", "/"));
}

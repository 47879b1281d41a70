use super::{VolumesFrom, canonical};

#[test]
fn the_container_ends_at_the_first_colon() {
    let parsed = VolumesFrom::parse("web:ro,z").unwrap();
    assert_eq!(parsed.container.name(), "web");
    assert!(parsed.mode.read_only);
    assert!(!VolumesFrom::parse("web").unwrap().mode.read_only);
}

#[test]
fn an_empty_mode_is_dropped() {
    assert_eq!(canonical("web:").unwrap(), "web");
    assert_eq!(canonical("web:rw").unwrap(), "web:rw");
}

#[test]
fn some_modes_are_not_for_volumes_of_others() {
    for text in [
        "",
        ":ro",
        "web:shared",
        "web:nocopy",
        "web:RO",
        "web:ro:",
        "web:ro:x",
        "a b",
        "..",
        "/etc/passwd/x",
        "web:ro,",
    ] {
        assert!(VolumesFrom::parse(text).is_err(), "{text}");
    }
}

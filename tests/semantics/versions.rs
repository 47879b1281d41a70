//! What the version of a request does not have, the Engine passes over: it is
//! dropped, by name. What the Engine reads in all versions goes on in all of them.

use opgate::api::definition::ApiVersion;

use crate::requests::{post, translate};
use crate::translate::translate_up_to;

#[test]
fn an_older_image_delete_has_no_platforms() {
    let target = |version: &str| {
        let target = format!("/v1.{version}/images/a?platforms=%7B%22os%22%3A%22linux%22%7D");
        translate("DELETE", &target, &[], b"").unwrap()
    };
    let new = target("50");
    assert!(
        new.target.starts_with("/v1.50/images/a?platforms="),
        "{new:?}"
    );
    assert!(new.dropped.is_empty(), "{new:?}");
    let old = target("49");
    assert_eq!(old.target, "/v1.49/images/a");
    assert_eq!(
        old.dropped,
        ["query.platforms (since 1.50, asked for 1.49)"]
    );
}

#[test]
fn an_older_service_has_no_new_privileges_and_no_seccomp() {
    let body = r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{"Seccomp":{"Mode":"default"},"NoNewPrivileges":true}}}}"#;
    let new = post("/v1.44/services/create", body).unwrap();
    assert_eq!(new.body, body);
    assert!(new.dropped.is_empty(), "{new:?}");
    let old = post("/v1.43/services/create", body).unwrap();
    assert_eq!(
        old.body,
        r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{}}}}"#
    );
    let path = "body.TaskTemplate.ContainerSpec.Privileges";
    assert_eq!(
        old.dropped,
        [
            format!("{path}.Seccomp (since 1.44, asked for 1.43)"),
            format!("{path}.NoNewPrivileges (since 1.44, asked for 1.43)"),
        ]
    );
}

#[test]
fn a_field_that_was_taken_away_is_dropped_from_there_on() {
    let body = r#"{"MacAddress":"02:42:ac:11:00:02"}"#;
    let json: &[(&str, &[u8])] = &[("Content-Type", b"application/json")];
    let create = |version: &str| {
        let target = format!("/v{version}/containers/create");
        translate_up_to(ApiVersion(52), "POST", &target, json, body.as_bytes()).unwrap()
    };
    assert_eq!(create("1.51").body, body);
    let new = create("1.52");
    assert_eq!(new.body, "{}");
    assert_eq!(
        new.dropped,
        ["body.MacAddress (until 1.51, asked for 1.52)"]
    );
}

#[test]
fn a_part_of_a_volume_is_never_forwarded_as_the_whole() {
    // An Engine that has subpaths refuses one below 1.45; one that does not, ignores it.
    let body = r#"{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"Subpath":"a"}}]}}"#;
    let json: &[(&str, &[u8])] = &[("Content-Type", b"application/json")];
    let sent = |engine| {
        let target = "/v1.44/containers/create";
        translate_up_to(ApiVersion(engine), "POST", target, json, body.as_bytes()).unwrap()
    };
    assert_eq!(sent(45).body, body);
    assert!(sent(45).dropped.is_empty());
    assert_eq!(
        sent(44).dropped,
        ["body.HostConfig.Mounts[].VolumeOptions.Subpath (since 1.45, the Engine has 1.44)"]
    );
}

#[test]
fn options_of_a_tmpfs_are_a_containers_in_all_versions_and_a_services_in_newer_ones() {
    let mounts = r#""Mounts":[{"Type":"tmpfs","TmpfsOptions":{"Options":[["noexec"]]}}]"#;
    let container = format!(r#"{{"HostConfig":{{{mounts}}}}}"#);
    let service = format!(r#"{{"TaskTemplate":{{"ContainerSpec":{{{mounts}}}}}}}"#);
    for version in ["1.41", "1.45", "1.46"] {
        let target = format!("/v{version}/containers/create");
        assert_eq!(post(&target, &container).unwrap().body, container);
    }
    for (version, dropped) in [("1.45", 1), ("1.46", 0)] {
        let sent = post(&format!("/v{version}/services/create"), &service).unwrap();
        assert_eq!(sent.dropped.len(), dropped, "{version}");
        assert_eq!(sent.body == service, dropped == 0, "{version}");
    }
}

#[test]
fn a_request_without_version_has_what_the_newest_has() {
    let body = r#"{"HostConfig":{"Annotations":{"a":"b"}}}"#;
    let sent = post("/containers/create", body).unwrap();
    assert_eq!(sent.target, "/v1.51/containers/create");
    assert_eq!(sent.body, body);
    assert!(sent.dropped.is_empty());
}

#[test]
fn a_value_that_no_version_takes_is_refused_in_all_of_them() {
    // The Engine decodes a body before it looks at the version.
    let body = r#"{"HostConfig":{"Annotations":["a"]}}"#;
    for version in ["1.41", "1.43"] {
        assert_eq!(
            post(&format!("/v{version}/containers/create"), body).unwrap_err(),
            "ContainerCreate: body.HostConfig.Annotations: expected an object, found a list"
        );
    }
}

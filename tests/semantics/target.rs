//! Targets, paths and versions.

use crate::requests::{get, translate};

fn target(raw: &str) -> Result<String, String> {
    get(raw).map(|forwarded| forwarded.target)
}

fn refused(raw: &str, because: &str) {
    match get(raw) {
        Ok(forwarded) => panic!("{raw} became {}", forwarded.target),
        Err(error) => assert!(error.contains(because), "{raw}: {error}"),
    }
}

#[test]
fn the_origin_form_is_forwarded_with_an_explicit_version() {
    assert_eq!(target("/_ping").unwrap(), "/v1.51/_ping");
    assert_eq!(target("/v1.44/_ping").unwrap(), "/v1.44/_ping");
    assert_eq!(target("/info?").unwrap(), "/v1.51/info");
}

#[test]
fn other_forms_of_a_target_are_refused() {
    for raw in [
        "http://evil/v1.51/_ping",
        "unix:/_ping",
        "_ping",
        "\\_ping",
        "*",
        "",
    ] {
        refused(raw, "must begin with a slash");
    }
}

#[test]
fn a_fragment_is_refused_in_path_and_query() {
    refused("/_ping#frag", "`#`");
    refused("/containers/json?all=1#x", "`#`");
}

#[test]
fn a_semicolon_in_a_path_is_an_ordinary_character() {
    refused("/containers/a;b/json", "container-reference");
    assert_eq!(get("/;x/y").unwrap_err(), "page not found");
}

#[test]
fn what_the_router_would_clean_is_refused() {
    for raw in ["//info", "/v1.51//info", "/info/", "/containers//json", "/"] {
        refused(raw, "empty path segment");
    }
    for raw in [
        "/./info",
        "/a/../info",
        "/%2e%2e/info",
        "/v1.51/%2E/info",
        "/containers/.%2e/json",
    ] {
        refused(raw, "dot segment");
    }
    for raw in [
        "/containers/a%2F%2Fb/json",
        "/containers/%2Fname/json",
        "/containers/a%2F/json",
    ] {
        refused(raw, "empty path segment");
    }
    refused("/containers/a%2F..%2Fb/json", "dot segment");
}

#[test]
fn percent_encoding_is_undone_once_and_written_anew() {
    assert_eq!(target("/v1%2e51/_ping").unwrap(), "/v1.51/_ping");
    assert_eq!(target("/%761.51/%5fping").unwrap(), "/v1.51/_ping");
    assert_eq!(
        target("/containers/%61bc/json").unwrap(),
        "/v1.51/containers/abc/json"
    );
    refused("/containers/a%252Fb/json", "container-reference");
    refused("/containers/a%zz/json", "bad percent escape");
    refused("/containers/a%2/json", "bad percent escape");
}

#[test]
fn control_characters_and_text_that_is_not_utf_8_are_refused() {
    for raw in [
        "/containers/a%00b/json",
        "/containers/a%0Ab/json",
        "/containers/a%0d/json",
        "/containers/a%7f/json",
    ] {
        refused(raw, "control character");
    }
    for raw in [
        "/containers/a b/json",
        "/containers/a\u{1}/json",
        "/containers/a\tb/json",
    ] {
        refused(raw, "spaces or control characters");
    }
    refused("/containers/a%ff/json", "not UTF-8");
}

#[test]
fn an_encoded_slash_belongs_to_a_name_that_may_hold_one() {
    assert_eq!(
        target("/images/library%2Fbusybox/json").unwrap(),
        "/v1.51/images/library/busybox/json"
    );
    refused("/v1.51%2f_ping", "encoded slash behind the version");
    refused("/containers%2Fjson", "encoded slash outside a name");
    refused("/containers/a%2Fjson", "encoded slash outside a name");
    // Services have one segment only, as in the Engine.
    assert_eq!(get("/services/a%2Fb").unwrap_err(), "page not found");
    assert_eq!(get("/services/a/b").unwrap_err(), "page not found");
}

#[test]
fn the_longest_target_has_a_mebibyte() {
    let long = format!("/containers/{}/json", "a".repeat(1 << 20));
    refused(&long, "longer than 1 MiB");
}

#[test]
fn a_version_is_written_in_one_way() {
    for raw in [
        "/v1.051/info",
        "/v01.51/info",
        "/v1.51.0/info",
        "/v1..51/info",
        "/v.1.51/info",
        "/v1./info",
        "/v..../info",
        "/v1/info",
        "/v1.51.99999999999999999999/info",
        "/v1.70000/info",
    ] {
        refused(raw, "a version that is not written like");
    }
    // Neither is a version: the Engine's pattern has no such letters.
    for raw in ["/V1.51/info", "/v1.51x/info", "/vx/info"] {
        assert_eq!(get(raw).unwrap_err(), "page not found", "{raw}");
    }
}

#[test]
fn only_one_version_prefix_is_recognised() {
    assert_eq!(get("/v1.51/v1.44/_ping").unwrap_err(), "page not found");
}

#[test]
fn versions_outside_what_both_serve_are_refused_in_the_engines_words() {
    let too_old = "is too old. Minimum supported API version is 1.41, please upgrade your client to a newer version";
    for raw in ["/v1.40/info", "/v1.24/info", "/v0.1/info", "/v1.0/info"] {
        refused(raw, too_old);
    }
    for raw in ["/v1.52/info", "/v1.99/info", "/v2.0/info"] {
        refused(raw, "is too new. Maximum supported API version is 1.51");
    }
    assert!(get("/v1.41/info").is_ok());
}

#[test]
fn an_operation_that_a_version_lacks_is_no_page() {
    assert_eq!(
        translate("PUT", "/v1.41/volumes/v1?version=1", &[], b"").unwrap_err(),
        "page not found"
    );
    assert!(translate("PUT", "/v1.42/volumes/v1?version=1", &[], b"").is_ok());
    assert_eq!(
        get("/v1.51/images/a/attestations").unwrap_err(),
        "page not found"
    );
}

#[test]
fn methods_are_case_sensitive_and_registered() {
    for (method, raw) in [
        ("get", "/info"),
        ("HEAD", "/info"),
        ("PATCH", "/info"),
        ("TRACE", "/info"),
        ("OPTIONS", "/info"),
        ("CONNECT", "/info"),
        ("GET", "/containers/create"),
        ("POST", "/containers/json"),
        ("DELETE", "/containers/a/b/../c"),
    ] {
        assert!(translate(method, raw, &[], b"").is_err(), "{method} {raw}");
    }
    assert_eq!(
        translate("HEAD", "/_ping", &[], b"").unwrap().operation,
        "SystemPingHead"
    );
}

fn operation(method: &str, raw: &str) -> (String, String) {
    let forwarded = translate(method, raw, &[], b"").unwrap();
    (forwarded.operation.to_owned(), forwarded.target)
}

#[test]
fn names_that_look_like_endpoints_are_names_where_the_engine_takes_them_so() {
    for (method, raw, name) in [
        ("GET", "/containers/json", "ContainerList"),
        ("GET", "/containers/json/json", "ContainerInspect"),
        ("GET", "/containers/a/json/json", "ContainerInspect"),
        ("GET", "/containers/a/logs", "ContainerLogs"),
        ("GET", "/containers/a/attach/ws", "ContainerAttachWebsocket"),
        ("POST", "/containers/create/start", "ContainerStart"),
        ("POST", "/containers/prune", "ContainerPrune"),
        ("GET", "/images/get", "ImageGetAll"),
        ("GET", "/images/get/get", "ImageGet"),
        ("GET", "/images/a/json/get", "ImageGet"),
        ("GET", "/images/json/history", "ImageHistory"),
        ("POST", "/images/a/push/tag", "ImageTag"),
        ("DELETE", "/images/a/get", "ImageDelete"),
        ("DELETE", "/containers/a/b", "ContainerDelete"),
        ("GET", "/networks/a/b", "NetworkInspect"),
        ("GET", "/volumes/a", "VolumeInspect"),
        ("GET", "/plugins/privileges?remote=a", "GetPluginPrivileges"),
        ("GET", "/plugins/privileges/json", "PluginInspect"),
    ] {
        let (found, target) = operation(method, raw);
        assert_eq!(found, name, "{method} {raw}");
        assert_eq!(target, format!("/v1.51{raw}"), "{method} {raw}");
    }
}

#[test]
fn a_route_that_the_engine_tries_first_wins_over_a_name_with_slashes() {
    let (found, _) = operation("DELETE", "/containers/a1/checkpoints/c1");
    assert_eq!(found, "CheckpointDelete");
    // A name with a slash falls through to the deletion, as in the Engine.
    let (found, _) = operation("DELETE", "/containers/a1/b1/checkpoints/c1");
    assert_eq!(found, "ContainerDelete");
}

#[test]
fn routes_outside_the_description_are_known_and_refused() {
    for raw in [
        "/debug/vars",
        "/debug/pprof/heap",
        "/v1.51/debug/pprof/cmdline",
    ] {
        refused(raw, "is never allowed");
    }
    assert!(translate("OPTIONS", "/anything/at/all", &[], b"").is_err());
    // The alias of the list of networks.
    refused("/networks/", "empty path segment");
}

#[test]
fn references_keep_their_spelling() {
    let id = "a".repeat(64);
    let digest = format!("a@sha256:{id}");
    for name in ["abc", "sha256:0123", "127.0.0.1:5000/a/b:tag", &digest] {
        assert!(get(&format!("/images/{name}/json")).is_ok(), "{name}");
    }
    assert_eq!(
        target(&format!("/containers/{id}/json")).unwrap(),
        format!("/v1.51/containers/{id}/json")
    );
    assert_eq!(
        target(&format!("/images/a%40sha256%3a{id}/json")).unwrap(),
        format!("/v1.51/images/a@sha256:{id}/json")
    );
}

//! Bodies: keys, duplicates, null, numbers, strings, and what is JSON at all.

use crate::requests::{create, post, translate};

fn refused(body: impl AsRef<[u8]>, because: &str) {
    let body = body.as_ref();
    match create(body) {
        Ok(became) => panic!("{} became {became}", String::from_utf8_lossy(body)),
        Err(error) => {
            assert!(error.starts_with("ContainerCreate: "), "{error}");
            assert!(
                error.contains(because),
                "{}: {error}",
                String::from_utf8_lossy(body)
            );
        }
    }
}

#[test]
fn keys_fold_as_in_go_and_are_written_as_the_engine_writes_them() {
    let canonical = r#"{"Image":"a","HostConfig":{"Memory":1}}"#;
    for body in [
        canonical,
        r#"{"image":"a","hostconfig":{"MEMORY":1}}"#,
        "{\"Image\":\"a\",\"Ho\u{17f}tConfig\":{\"Memory\":1}}",
        r#"{"Image":"a","Ho\u017ftConfig":{"Memory":1}}"#,
        r#"{"Image":"a","\u0048ostConfig":{"memory":1}}"#,
        r#" { "HostConfig" : { "Memory" : 1 } , "Image" : "a" } "#,
    ] {
        assert_eq!(create(body).unwrap(), canonical, "{body}");
    }
    assert_eq!(
        create("{\"Networ\u{212a}ingConfig\":{}}").unwrap(),
        r#"{"NetworkingConfig":{}}"#
    );
}

#[test]
fn what_does_not_fold_onto_a_field_is_unknown() {
    for key in [
        "Pr\u{131}vileged",
        "PR\u{130}VILEGED",
        "Host-Config",
        "Host_Config",
        "HostConfig.Privileged",
        "HostConfig ",
    ] {
        refused(
            format!(r#"{{"{key}":{{"x":1}}}}"#),
            "is not a field of the Engine API",
        );
    }
    // A field of another level is unknown, too.
    refused(r#"{"Privileged":true}"#, "body.Privileged: is not a field");
    refused(
        r#"{"HostConfig":{"Resources":{"Memory":1}}}"#,
        "body.HostConfig.Resources: is not a field",
    );
}

#[test]
fn unknown_fields_that_are_empty_are_dropped_and_reported() {
    let body =
        r#"{"A":null,"B":false,"C":0,"D":"","E":[],"F":{},"HostConfig":{"G":0.0},"Image":"a"}"#;
    let forwarded = post("/containers/create", body).unwrap();
    assert_eq!(forwarded.body, r#"{"Image":"a","HostConfig":{}}"#);
    assert_eq!(
        forwarded.dropped,
        [
            "body.A",
            "body.B",
            "body.C",
            "body.D",
            "body.E",
            "body.F",
            "body.HostConfig.G"
        ]
    );
    for value in ["true", "1", "\"x\"", "[0]", "{\"x\":null}", "-1"] {
        refused(format!(r#"{{"A":{value}}}"#), "body.A: is not a field");
    }
}

#[test]
fn pinned_noise_is_dropped_and_reported() {
    let forwarded = post("/containers/create", r#"{"name":"x","Image":"a"}"#).unwrap();
    assert_eq!(forwarded.body, r#"{"Image":"a"}"#);
    assert_eq!(forwarded.dropped, ["body.name"]);
}

#[test]
fn keys_of_maps_are_not_folded() {
    assert_eq!(
        create(r#"{"Labels":{"a":"1","A":"2"}}"#).unwrap(),
        r#"{"Labels":{"a":"1","A":"2"}}"#
    );
}

#[test]
fn a_field_given_twice_is_refused_in_every_spelling_and_depth() {
    for body in [
        r#"{"Image":"a","Image":"a"}"#,
        r#"{"Image":"a","image":"b"}"#,
        "{\"HostConfig\":{},\"Ho\u{17f}tConfig\":{}}",
        r#"{"HostConfig":{"Privileged":false,"privileged":true}}"#,
        r#"{"HostConfig":{"Privileged":true,"Privileged":null}}"#,
        r#"{"HostConfig":{"Privileged":null,"Privileged":null}}"#,
        r#"{"HostConfig":{"Mounts":[{"Type":"bind","type":"tmpfs"}]}}"#,
        r#"{"NetworkingConfig":{"EndpointsConfig":{"n1":{"Aliases":[],"aliases":null}}}}"#,
        r#"{"Healthcheck":{"Test":[],"\u0054est":["NONE"]}}"#,
    ] {
        refused(body, "is given twice");
    }
}

#[test]
fn a_key_of_a_map_given_twice_is_refused() {
    refused(
        r#"{"Labels":{"a":"1","\u0061":"2"}}"#,
        "body.Labels{}: a key is given twice",
    );
    refused(
        r#"{"HostConfig":{"PortBindings":{"80/tcp":[],"80/TCP":[]}}}"#,
        "a key is given twice",
    );
}

#[test]
fn null_as_a_field_is_absence() {
    let body = r#"{"Image":null,"Cmd":null,"Labels":null,"HostConfig":{"Memory":null,"Privileged":null,"Init":null,"MaskedPaths":null}}"#;
    assert_eq!(create(body).unwrap(), r#"{"HostConfig":{}}"#);
    assert_eq!(create(r#"{"HostConfig":null}"#).unwrap(), "{}");
}

#[test]
fn empty_lists_and_absence_are_kept_apart() {
    assert_eq!(
        create(r#"{"Entrypoint":[],"HostConfig":{"MaskedPaths":[],"ReadonlyPaths":[]}}"#).unwrap(),
        r#"{"Entrypoint":[],"HostConfig":{"MaskedPaths":[],"ReadonlyPaths":[]}}"#
    );
    assert_eq!(
        create(r#"{"HostConfig":{"PidsLimit":0,"Init":false}}"#).unwrap(),
        r#"{"HostConfig":{"PidsLimit":0,"Init":false}}"#
    );
}

#[test]
fn null_as_an_element_is_refused() {
    refused(r#"{"Cmd":[null]}"#, "body.Cmd[]: must not be null here");
    refused(
        r#"{"HostConfig":{"Binds":["/a:/b",null]}}"#,
        "body.HostConfig.Binds[]: must not be null here",
    );
    refused(
        r#"{"HostConfig":{"Mounts":[null]}}"#,
        "must not be null here",
    );
    refused(
        r#"{"Labels":{"a":null}}"#,
        "body.Labels{}: must not be null here",
    );
}

#[test]
fn null_as_a_maps_value_is_written_out_where_it_has_a_meaning() {
    assert_eq!(
        create(r#"{"ExposedPorts":{"80/tcp":null},"Volumes":{"/a":null},"HostConfig":{"PortBindings":{"80/tcp":null}},"NetworkingConfig":{"EndpointsConfig":{"n1":null}}}"#).unwrap(),
        r#"{"ExposedPorts":{"80/tcp":{}},"Volumes":{"/a":{}},"HostConfig":{"PortBindings":{"80/tcp":[]}},"NetworkingConfig":{"EndpointsConfig":{"n1":{}}}}"#
    );
    let built = translate("POST", "/build?buildargs=%7B%22A%22%3Anull%7D", &[], b"").unwrap();
    assert_eq!(built.target, "/v1.51/build?buildargs=%7B%22A%22:null%7D");
}

#[test]
fn integers_are_integer_literals_in_range() {
    let memory = |number: &str| create(format!(r#"{{"HostConfig":{{"Memory":{number}}}}}"#));
    for number in [
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "17954713724286442",
    ] {
        assert_eq!(
            memory(number).unwrap(),
            format!(r#"{{"HostConfig":{{"Memory":{number}}}}}"#)
        );
    }
    for number in ["1.0", "1e3", "1E3", "0.5", "18446744073709551616", "-0"] {
        assert!(
            memory(number).unwrap_err().contains("must be an integer"),
            "{number}"
        );
    }
    for number in ["9223372036854775808", "18446744073709551615"] {
        assert!(
            memory(number).unwrap_err().contains("must be from"),
            "{number}"
        );
    }
    assert!(
        memory("\"1\"")
            .unwrap_err()
            .contains("expected an integer, found text")
    );
    assert!(
        memory("true")
            .unwrap_err()
            .contains("expected an integer, found a boolean")
    );
}

#[test]
fn unsigned_and_narrow_integers_have_their_ranges() {
    let max = u64::MAX;
    let rate = format!(r#"{{"HostConfig":{{"IOMaximumIOps":{max}}}}}"#);
    assert_eq!(create(&rate).unwrap(), rate);
    refused(
        r#"{"HostConfig":{"IOMaximumIOps":-1}}"#,
        "must be from 0 to 18446744073709551615",
    );
    refused(
        r#"{"HostConfig":{"BlkioWeight":65536}}"#,
        "must be from 0 to 65535",
    );
    let mode = r#"{"HostConfig":{"Mounts":[{"TmpfsOptions":{"Mode":4294967296}}]}}"#;
    refused(mode, "must be from 0 to 4294967295");
}

#[test]
fn fractions_are_for_fractions_only() {
    let service = |number: &str| {
        post(
            "/services/create",
            format!(r#"{{"UpdateConfig":{{"MaxFailureRatio":{number}}}}}"#),
        )
    };
    assert_eq!(
        service("0.5").unwrap().body,
        r#"{"UpdateConfig":{"MaxFailureRatio":0.5}}"#
    );
    assert!(service("0").is_ok());
    assert!(
        service("\"0.5\"")
            .unwrap_err()
            .contains("expected a number")
    );
    assert!(service("1e999").is_err());
}

#[test]
fn types_are_never_coerced() {
    refused(
        r#"{"Tty":"true"}"#,
        "body.Tty: expected true or false, found text",
    );
    refused(
        r#"{"Tty":1}"#,
        "body.Tty: expected true or false, found a number",
    );
    refused(
        r#"{"Image":1}"#,
        "body.Image: expected text, found a number",
    );
    refused(
        r#"{"HostConfig":[]}"#,
        "body.HostConfig: expected an object, found a list",
    );
    refused(
        r#"{"Env":{}}"#,
        "body.Env: expected a list, found an object",
    );
    refused(
        r#"{"Labels":[]}"#,
        "body.Labels: expected an object, found a list",
    );
    refused(r#"{"Env":"A=b"}"#, "body.Env: expected a list, found text");
}

#[test]
fn a_text_stands_for_a_list_of_one_where_engines_take_it_so() {
    assert_eq!(
        create(r#"{"Cmd":"a b","Entrypoint":"c","Shell":"d","HostConfig":{"CapAdd":"net_admin","CapDrop":"ALL"}}"#).unwrap(),
        r#"{"Cmd":["a b"],"Entrypoint":["c"],"Shell":["d"],"HostConfig":{"CapAdd":["NET_ADMIN"],"CapDrop":["ALL"]}}"#
    );
    refused(r#"{"OnBuild":"x"}"#, "expected a list");
}

#[test]
fn the_size_of_a_console_is_two_numbers() {
    assert!(create(r#"{"HostConfig":{"ConsoleSize":[0,0]}}"#).is_ok());
    refused(r#"{"HostConfig":{"ConsoleSize":[1,2,3]}}"#, "must have");
    refused(r#"{"HostConfig":{"ConsoleSize":[-1,2]}}"#, "must be from 0");
}

#[test]
fn objects_without_fields_hold_nothing() {
    assert_eq!(
        create(r#"{"ExposedPorts":{"80/tcp":{"x":null}}}"#).unwrap(),
        r#"{"ExposedPorts":{"80/tcp":{}}}"#
    );
    refused(r#"{"ExposedPorts":{"80/tcp":{"x":1}}}"#, "is not a field");
    refused(r#"{"ExposedPorts":{"80/tcp":[]}}"#, "expected an object");
}

#[test]
fn bytes_are_standard_base64() {
    let secret = |data: &str| post("/secrets/create", format!(r#"{{"Data":{data}}}"#));
    assert_eq!(secret(r#""+/8=""#).unwrap().body, r#"{"Data":"+/8="}"#);
    assert_eq!(secret(r#""+/\r\n8=""#).unwrap().body, r#"{"Data":"+/8="}"#);
    for data in [r#""-_8=""#, r#""+/8""#, r#""+/ 8=""#, r#""!""#, "[1,2]"] {
        assert!(secret(data).is_err(), "{data}");
    }
}

#[test]
fn text_is_valid_unicode() {
    refused(b"{\"Image\":\"\xff\"}", "is not UTF-8");
    refused(b"{\"Im\xffage\":\"a\"}", "is not UTF-8");
    refused(r#"{"Image":"\ud800"}"#, "not JSON");
    refused(r#"{"\ud800":"a"}"#, "not JSON");
    refused(b"\xef\xbb\xbf{}", "not JSON");
    assert_eq!(
        create(r#"{"Labels":{"a":"\ud83d\ude00"}}"#).unwrap(),
        "{\"Labels\":{\"a\":\"\u{1f600}\"}}"
    );
}

#[test]
fn nul_does_not_reach_a_path() {
    refused(
        r#"{"HostConfig":{"Binds":["/etc\u0000:/x"]}}"#,
        "body.HostConfig.Binds[]: is not a valid bind",
    );
    refused(
        r#"{"Image":"a\u0000b"}"#,
        "body.Image: is not a valid image-reference",
    );
}

#[test]
fn white_space_is_what_json_says() {
    assert_eq!(create(" \t\r\n{} \t\r\n").unwrap(), "{}");
    for body in ["\u{b}{}", "\u{c}{}", "\u{a0}{}", "{}\u{b}", "{\u{2028}}"] {
        refused(body, "not JSON");
    }
}

#[test]
fn only_json_is_json() {
    for body in [
        "{/**/}",
        "{\"Tty\":true,}",
        "{'Tty':true}",
        "{Tty:true}",
        "{\"HostConfig\":{\"Memory\":01}}",
        "{\"HostConfig\":{\"Memory\":+1}}",
        "{\"HostConfig\":{\"Memory\":.5}}",
        "{\"HostConfig\":{\"Memory\":1.}}",
        "{\"HostConfig\":{\"Memory\":NaN}}",
        "{\"Image\":\"\\x41\"}",
        "{\"Image\":\"a\nb\"}",
        "{",
        "{\"Image\"",
        "nul",
        "\"",
        " ",
    ] {
        refused(body, "not JSON");
    }
}

#[test]
fn nothing_may_follow_the_value() {
    for body in ["{}x", "{}{}", "{}}", "{}]", "{}} garbage", "{} null", "{},"] {
        refused(body, "not JSON");
    }
}

#[test]
fn depth_is_bounded_in_known_and_unknown_fields() {
    for depth in [200, 10_001, 1_000_000] {
        let deep = format!(r#"{{"Bogus":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        refused(&deep, "not JSON");
        let objects = format!(
            r#"{{"HostConfig":{}1{}}}"#,
            r#"{"HostConfig":"#.repeat(depth),
            "}".repeat(depth)
        );
        assert!(create(&objects).is_err());
    }
}

#[test]
fn an_empty_body_and_null_say_nothing() {
    assert_eq!(create("").unwrap(), "");
    assert_eq!(create("null").unwrap(), "");
    refused("[]", "body: expected an object, found a list");
    refused("\"x\"", "body: expected an object, found text");
    // The start of an exec without a body attaches, and hijacks.
    let start = post("/exec/abc/start", "").unwrap();
    assert_eq!(start.operation, "ExecStart");
}

#[test]
fn a_json_body_needs_the_json_type() {
    let with = |content_type: &[u8]| {
        let headers: &[(&str, &[u8])] = &[("Content-Type", content_type)];
        translate("POST", "/containers/create", headers, br#"{"Image":"a"}"#)
    };
    for content_type in [
        &b"application/json"[..],
        b"Application/JSON",
        b"application/json; charset=utf-16",
        b" application/json ;",
    ] {
        assert!(with(content_type).is_ok(), "{content_type:?}");
    }
    for content_type in [
        &b""[..],
        b"text/json",
        b"text/plain",
        b"application/x-json",
        b"application/problem+json",
        b"application/json, text/plain",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=x",
        b"application/grpc",
    ] {
        assert!(
            with(content_type)
                .unwrap_err()
                .contains("header.Content-Type: must be application/json"),
            "{content_type:?}"
        );
    }
    assert!(translate("POST", "/containers/create", &[], b"{}").is_err());
    let first: &[(&str, &[u8])] = &[
        ("Content-Type", b"text/plain"),
        ("Content-Type", b"application/json"),
    ];
    assert!(translate("POST", "/containers/create", first, b"{}").is_err());
}

#[test]
fn operations_without_a_body_get_none() {
    let kill = post("/containers/a1/kill", r#"{"signal":"HUP"}"#).unwrap();
    assert_eq!(kill.body, "");
    let start = post(
        "/containers/a1/start",
        r#"{"Binds":["/:/h"],"Privileged":true}"#,
    )
    .unwrap();
    assert_eq!(start.body, "");
}

//! Where a second reading hides: two spellings of one key, values inside of
//! parameters, what an absent value stands for, and when a connection becomes a
//! tunnel.

use opgate::api::definition::{ApiVersion, Effect, FieldDef, Kind, Schema};
use opgate::api::{NEWEST, OLDEST, Operation};
use opgate::request::{DecodedHead, EngineVersion, RequestHead};

use crate::requests::{create, get, post, translate};
use crate::translate::{Forwarded, translate_up_to};

fn target(raw: &str) -> Result<String, String> {
    get(raw).map(|forwarded| forwarded.target)
}

fn send(method: &str, raw: &str) -> Result<Forwarded, String> {
    translate(method, raw, &[], b"")
}

fn host(fields: &str) -> Result<String, String> {
    create(format!(r#"{{"HostConfig":{{{fields}}}}}"#))
}

#[track_caller]
fn refused(sent: Result<impl std::fmt::Debug, String>, message: &str) {
    assert_eq!(sent.unwrap_err(), message);
}

// Keys that are one to some Engines and two to others.

#[test]
fn a_port_in_two_spellings_is_given_twice() {
    // Newer Engines take the last of these, older ones publish both.
    for (one, other) in [
        ("80", "80/tcp"),
        ("80", "80/TCP"),
        ("080/udp", "80/udp"),
        ("80-80/tcp", "80"),
    ] {
        for order in [[one, other], [other, one]] {
            let [first, second] = order;
            refused(
                host(&format!(
                    r#""PortBindings":{{"{first}":[{{"HostPort":"1"}}],"{second}":[{{"HostPort":"2"}}]}}"#
                )),
                "ContainerCreate: body.HostConfig.PortBindings{}: a key is given twice",
            );
            refused(
                create(format!(
                    r#"{{"ExposedPorts":{{"{first}":{{}},"{second}":{{}}}}}}"#
                )),
                "ContainerCreate: body.ExposedPorts{}: a key is given twice",
            );
        }
    }
    let apart = r#"{"ExposedPorts":{"80":{},"80/udp":{},"81/tcp":{}}}"#;
    assert_eq!(create(apart).unwrap(), apart);
}

#[test]
fn a_kernel_setting_in_two_spellings_is_given_twice() {
    refused(
        host(
            r#""Sysctls":{"net/ipv4/conf/eth0.1/forwarding":"0","net.ipv4.conf.eth0/1.forwarding":"1"}"#,
        ),
        "ContainerCreate: body.HostConfig.Sysctls{}: a key is given twice",
    );
}

#[test]
fn a_path_in_two_spellings_is_given_twice() {
    refused(
        create(r#"{"Volumes":{"/a":{},"/a/":{}}}"#),
        "ContainerCreate: body.Volumes{}: a key is given twice",
    );
    refused(
        host(r#""Tmpfs":{"/run":"noexec","//run":"exec"}"#),
        "ContainerCreate: body.HostConfig.Tmpfs{}: a key is given twice",
    );
}

#[test]
fn keys_without_a_format_have_one_spelling_each() {
    let labels = r#"{"Labels":{"80":"","80/tcp":"","/a":"","/a/":"","\u017f":"","s":""}}"#;
    assert_eq!(
        create(labels).unwrap(),
        labels.replace(r"\u017f", "\u{17f}")
    );
}

// Duplicates that the Engine merges, one with another.

#[test]
fn what_the_engine_would_merge_is_refused() {
    for (fields, path) in [
        // Go merges element by element: the bind would stay, at another place.
        (
            r#""Mounts":[{"Type":"bind","Source":"/etc","Target":"/x"}],"Mounts":[{"Target":"/y"}]"#,
            "Mounts",
        ),
        (r#""Binds":["/etc:/x"],"Binds":[null]"#, "Binds"),
        (r#""Privileged":true,"Privileged":null"#, "Privileged"),
        (
            r#""RestartPolicy":{"MaximumRetryCount":3},"restartpolicy":{"Name":"always"}"#,
            "RestartPolicy",
        ),
        (
            r#""PortBindings":{"80/tcp":[]},"Portbinding\u017f":null"#,
            "PortBindings",
        ),
    ] {
        refused(
            host(fields),
            &format!(
                "ContainerCreate: body.HostConfig.{path}: is given twice (keys are compared without regard to case)"
            ),
        );
    }
    refused(
        create(r#"{"HostConfig":{"Isolation":"bogus"},"HostConfig":{}}"#),
        // The first is wrong already.
        "ContainerCreate: body.HostConfig.Isolation: is not one of default, process, hyperv",
    );
    refused(
        create(r#"{"HostConfig":{"Privileged":true},"HostConfig":{}}"#),
        "ContainerCreate: body.HostConfig: is given twice (keys are compared without regard to case)",
    );
    refused(
        create(r#"{"Labels":{"a":"1"},"Labels":{"b":"2"}}"#),
        "ContainerCreate: body.Labels: is given twice (keys are compared without regard to case)",
    );
}

// JSON in parameters.

#[test]
fn a_value_inside_of_a_parameter_has_a_path() {
    for (raw, message) in [
        (
            r#"/images/a/json?platform={"os":1}"#,
            "ImageInspect: query.platform.os: expected text, found a number",
        ),
        (
            r#"/images/a/json?platform={"os":"linux","Bogus":"x"}"#,
            "ImageInspect: query.platform.Bogus: is not a field of the Engine API",
        ),
        (
            r#"/images/a/json?platform={"os":"linux","OS":"linux"}"#,
            "ImageInspect: query.platform.os: is given twice (keys are compared without regard to case)",
        ),
        (
            r#"/images/a/json?platform={"os":"linux"}}"#,
            "ImageInspect: query.platform: not JSON: trailing characters at line 1 column 15",
        ),
        (
            r#"/images/a/get?platform={"os":"linux"}&platform={"os.features":[1]}"#,
            "ImageGet: query.platform.os.features[]: expected text, found a number",
        ),
    ] {
        refused(get(raw), message);
    }
    for (raw, message) in [
        (
            r#"/build?labels={"a":1}"#,
            "ImageBuild: query.labels{}: expected text, found a number",
        ),
        (
            r#"/build?ulimits=[{"Name":"nofile","Soft":"1"}]"#,
            "ImageBuild: query.ulimits[].Soft: expected an integer, found text",
        ),
        (
            r#"/build?buildargs={"a":"1","a":null}"#,
            "ImageBuild: query.buildargs{}: a key is given twice",
        ),
    ] {
        refused(send("POST", raw), message);
    }
}

#[test]
fn what_is_dropped_inside_of_a_parameter_is_reported_with_its_path() {
    let inspected = get(r#"/images/a/json?platform={"os":"linux","Bogus":""}"#).unwrap();
    assert_eq!(inspected.dropped, ["query.platform.Bogus"]);
    let built = send("POST", r#"/build?ulimits=[{"Name":"core","Bogus":[]}]"#).unwrap();
    assert_eq!(built.dropped, ["query.ulimits[].Bogus"]);
}

#[test]
fn null_is_no_platform() {
    // To the Engine it is one without fields, which it refuses; left out it would be the default.
    for raw in [
        "/images/a/json?platform=null",
        "/images/a/history?platform=null",
        "/images/a/get?platform=null",
    ] {
        let error = get(raw).unwrap_err();
        assert!(
            error.ends_with(": query.platform: must not be null here"),
            "{error}"
        );
    }
    // Clients of a build send it for what they do not set.
    let built = send("POST", "/build?buildargs=null&cachefrom=null&labels=null").unwrap();
    assert_eq!(built.target, "/v1.51/build");
}

#[test]
fn a_filter_without_terms_is_not_left_out() {
    // The Engine prunes nothing for the first, refuses the next two, and has no answer to the fourth. Without the name,
    // each would prune everything.
    for (method, raw) in [
        ("POST", r#"/containers/prune?filters={"label!":[]}"#),
        ("POST", r#"/containers/prune?filters={"bogus":[]}"#),
        ("POST", r#"/images/prune?filters={"dangling":{}}"#),
        ("POST", r#"/networks/prune?filters={"until":[]}"#),
        ("GET", r#"/containers/json?filters={"volume":[]}"#),
    ] {
        let sent = send(method, raw).unwrap().target;
        let name = raw.split('"').nth(1).unwrap().replace('!', "%21");
        let (path, _) = raw.split_once('?').unwrap();
        assert_eq!(
            sent,
            format!("/v1.51{path}?filters=%7B%22{name}%22:%7B%7D%7D")
        );
    }
    let both = target(r#"/containers/json?filters={"label":["a"],"name":[]}"#).unwrap();
    assert_eq!(
        both,
        "/v1.51/containers/json?filters=%7B%22label%22:%7B%22a%22:true%7D,%22name%22:%7B%7D%7D"
    );
    for nothing in ["", "{}", "null"] {
        let sent = target(&format!("/containers/json?filters={nothing}")).unwrap();
        assert_eq!(sent, "/v1.51/containers/json");
    }
}

#[test]
fn white_space_around_null_is_that_of_json() {
    for space in ["%20", "%09", "%0A", "%0D"] {
        let sent = target(&format!("/containers/json?filters={space}null{space}")).unwrap();
        assert_eq!(sent, "/v1.51/containers/json");
    }
    for space in ["%0B", "%0C", "%C2%A0", "%E2%80%A8", "%EF%BB%BF"] {
        refused(
            get(&format!("/containers/json?filters={space}null")),
            "ContainerList: query.filters: not JSON: expected value at line 1 column 1",
        );
    }
}

#[test]
fn an_unsigned_parameter_has_no_sign() {
    for (query, message) in [
        ("h=-0&w=1", "query.h: must be a decimal integer"),
        ("h=-1&w=1", "query.h: must be a decimal integer"),
        ("h=%2B1&w=1", "query.h: must be a decimal integer"),
        ("h=1&w=4294967296", "query.w: must be from 0 to 4294967295"),
    ] {
        refused(
            send("POST", &format!("/containers/a1/resize?{query}")),
            &format!("ContainerResize: {message}"),
        );
    }
    refused(
        post("/nodes/a1/update?version=-0", "{}"),
        "NodeUpdate: query.version: must be a decimal integer",
    );
    // A signed one may have either.
    for (text, becomes) in [("-0", "0"), ("%2B5", "5"), ("-007", "-7")] {
        assert_eq!(
            target(&format!("/containers/json?limit={text}")).unwrap(),
            format!("/v1.51/containers/json?limit={becomes}")
        );
    }
}

#[test]
fn a_refusal_names_the_variant_once_it_is_known() {
    let twice: &[(&str, &[u8])] = &[("X-Registry-Auth", b"e30="), ("x-registry-auth", b"e30=")];
    refused(
        translate("POST", "/images/create?fromImage=a", twice, b""),
        "ImagePull: header.X-Registry-Auth: is given twice",
    );
    refused(
        send("POST", "/images/create?fromImage=a&fromImage=b"),
        "ImageCreate: query.fromImage: is given twice",
    );
}

// Numbers.

#[test]
fn the_largest_integers_are_fractions_where_one_is_expected() {
    let ratio = |number: &str| {
        post(
            "/services/create",
            format!(r#"{{"UpdateConfig":{{"MaxFailureRatio":{number}}}}}"#),
        )
        .map(|forwarded| forwarded.body)
    };
    for (given, becomes) in [
        ("1", "1.0"),
        ("-0", "-0.0"),
        ("1e-2", "0.01"),
        ("18446744073709551615", "1.8446744073709552e+19"),
        ("18446744073709551616", "1.8446744073709552e+19"),
    ] {
        assert_eq!(
            ratio(given).unwrap(),
            format!(r#"{{"UpdateConfig":{{"MaxFailureRatio":{becomes}}}}}"#)
        );
    }
    refused(
        ratio("\"1\""),
        "ServiceCreate: body.UpdateConfig.MaxFailureRatio: expected a number, found text",
    );
}

#[test]
fn a_console_has_at_most_two_sides_and_missing_ones_are_zero_to_the_engine() {
    for size in ["[]", "[24]", "[24,80]"] {
        let fields = format!(r#"{{"HostConfig":{{"ConsoleSize":{size}}}}}"#);
        assert_eq!(create(&fields).unwrap(), fields);
        let sent = post(
            "/exec/a1/start",
            format!(r#"{{"ConsoleSize":{size},"Tty":true}}"#),
        );
        assert_eq!(
            sent.unwrap().body,
            format!(r#"{{"Tty":true,"ConsoleSize":{size}}}"#)
        );
    }
    refused(
        host(r#""ConsoleSize":[1,2,3]"#),
        "ContainerCreate: body.HostConfig.ConsoleSize: must have 0 to 2 elements",
    );
    refused(
        host(r#""ConsoleSize":[null,2]"#),
        "ContainerCreate: body.HostConfig.ConsoleSize[]: must not be null here",
    );
}

// The type of a body.

#[test]
fn the_parameters_of_a_type_are_well_formed() {
    let with = |content_type: &str| {
        let headers: &[(&str, &[u8])] = &[("Content-Type", content_type.as_bytes())];
        translate("POST", "/containers/create", headers, b"{}").map(|forwarded| forwarded.body)
    };
    for content_type in [
        "application/json;",
        "application/json ; ",
        "APPLICATION/JSON;Charset=\"utf-8\"",
        "application/json; charset=utf-16; boundary=x;",
    ] {
        assert_eq!(with(content_type).as_deref(), Ok("{}"), "{content_type}");
    }
    for content_type in [
        "application/json; charset",
        "application/json; charset=",
        "application/json; =utf-8",
        "application/json; charset=utf-8; CHARSET=utf-8",
        "application/json; charset=\"utf-8",
        "application/json;;;",
        "application/json; a b=c",
        "application /json",
        "application/json, application/json",
    ] {
        refused(
            with(content_type),
            "ContainerCreate: header.Content-Type: must be application/json",
        );
    }
}

#[test]
fn a_body_of_white_space_is_no_empty_body() {
    refused(
        create(" \n"),
        "ContainerCreate: body: not JSON: EOF while parsing a value at line 2 column 0",
    );
    assert_eq!(create("").as_deref(), Ok(""));
}

// What is not there.

/// The field at a path of a body, `[]` for elements.
fn field(operation: Operation, path: &str) -> &'static FieldDef {
    let opgate::api::definition::BodyDef::Json { schema, .. } = operation.definition().body else {
        panic!("{operation} has no JSON body");
    };
    let mut schema: &'static Schema = schema;
    let mut found = None;
    for name in path.split('.') {
        while let Kind::List(element) | Kind::Map(element) = schema.kind {
            schema = element;
        }
        let Kind::Object(object) = schema.kind else {
            panic!("{path}: nothing has fields before {name}");
        };
        let field = object.fields.iter().find(|field| field.name == name);
        found = field;
        schema = &field.unwrap_or_else(|| panic!("{path}: no {name}")).schema;
    }
    found.unwrap()
}

#[test]
fn a_missing_type_of_a_services_mount_is_a_bind() {
    for operation in [Operation::ServiceCreate, Operation::ServiceUpdate] {
        let kind = field(operation, "TaskTemplate.ContainerSpec.Mounts.Type");
        assert_eq!(kind.absent, Effect::Default("bind"), "{operation}");
        assert!(
            matches!(kind.zero, Effect::Default("bind")),
            "{operation}: an empty text is as good as none"
        );
    }
}

#[test]
fn lists_whose_absence_is_not_their_emptiness_are_kept_apart() {
    for (path, fields) in [
        ("HostConfig.MaskedPaths", r#""MaskedPaths":[]"#),
        ("HostConfig.ReadonlyPaths", r#""ReadonlyPaths":[]"#),
    ] {
        let sent = host(fields).unwrap();
        assert_eq!(sent, format!(r#"{{"HostConfig":{{{fields}}}}}"#));
        let null = host(&fields.replace("[]", "null")).unwrap();
        assert_eq!(null, r#"{"HostConfig":{}}"#);
        // Nothing masked is no harmless value.
        let benign = field(Operation::ContainerCreate, path).risk.benign;
        assert!(
            !benign.contains(&opgate::api::definition::Benign::Empty),
            "{path}"
        );
    }
    for list in [
        "BlkioDeviceReadBps",
        "BlkioDeviceReadIOps",
        "BlkioDeviceWriteBps",
        "BlkioDeviceWriteIOps",
    ] {
        // Engines before 1.55 pass over them in an update.
        let sent = translate_up_to(
            NEWEST,
            "POST",
            "/containers/a1/update",
            &[("Content-Type", b"application/json")],
            format!(r#"{{"{list}":[],"Devices":null}}"#).as_bytes(),
        );
        assert_eq!(sent.unwrap().body, format!(r#"{{"{list}":[]}}"#));
    }
}

// Tunnels.

fn tunnel(method: &str, raw: &str, body: &str) -> Option<&'static str> {
    let headers: &[(&str, &[u8])] = &[("Content-Type", b"application/json")];
    let head = RequestHead {
        method,
        target: raw,
        headers,
    };
    let served = EngineVersion {
        min: OLDEST,
        max: NEWEST,
    };
    let decoded = DecodedHead::decode(&head)
        .and_then(|head| head.body(body.as_bytes(), served))
        .unwrap();
    let tunnel = decoded.tunnel();
    assert_eq!(decoded.encode().tunnel(), tunnel);
    tunnel
}

#[test]
fn an_exec_is_a_tunnel_unless_it_is_detached_for_certain() {
    for body in [
        "",
        "null",
        "{}",
        r#"{"Detach":false}"#,
        r#"{"Detach":null}"#,
        r#"{"detach":false,"Tty":true}"#,
    ] {
        assert_eq!(
            tunnel("POST", "/exec/a1/start", body),
            Some("tcp"),
            "{body}"
        );
    }
    for body in [
        r#"{"Detach":true}"#,
        r#"{"DETACH":true}"#,
        r#"{"\u0044etach":true,"Tty":true}"#,
    ] {
        assert_eq!(tunnel("POST", "/exec/a1/start", body), None, "{body}");
    }
    refused(
        post("/exec/a1/start", r#"{"Detach":true,"detach":false}"#),
        "ExecStart: body.Detach: is given twice (keys are compared without regard to case)",
    );
    refused(
        post("/exec/a1/start", r#"{"Detach":"true"}"#),
        "ExecStart: body.Detach: expected true or false, found text",
    );
}

#[test]
fn only_these_operations_become_tunnels() {
    let tunnels: Vec<(&str, Option<&str>)> = [
        ("POST", "/containers/a1/attach"),
        ("GET", "/containers/a1/attach/ws"),
        ("POST", "/session"),
        ("POST", "/grpc"),
        ("POST", "/containers/a1/wait"),
        ("GET", "/containers/a1/logs?follow=1"),
        ("GET", "/events"),
        ("POST", "/build"),
    ]
    .map(|(method, raw)| (raw, tunnel(method, raw, "")))
    .into();
    assert_eq!(
        tunnels,
        [
            ("/containers/a1/attach", Some("tcp")),
            ("/containers/a1/attach/ws", Some("websocket")),
            ("/session", Some("h2c")),
            ("/grpc", Some("h2c")),
            ("/containers/a1/wait", None),
            ("/containers/a1/logs?follow=1", None),
            ("/events", None),
            ("/build", None),
        ]
    );
    let names: Vec<&str> = Operation::ALL
        .into_iter()
        .map(Operation::definition)
        .filter(|definition| definition.hijack != opgate::api::definition::Hijack::Never)
        .map(|definition| definition.name)
        .collect();
    assert_eq!(
        names,
        [
            "ContainerAttach",
            "ContainerAttachWebsocket",
            "ExecStart",
            "Session",
            "Grpc"
        ]
    );
}

// Versions.

#[test]
fn the_version_that_is_forwarded_is_one_that_both_serve() {
    let choose = |min: u16, max: u16, raw: &str| {
        let engine = EngineVersion {
            min: ApiVersion(min),
            max: ApiVersion(max),
        };
        let Some(served) = engine.common() else {
            return Err("none".to_owned());
        };
        let head = RequestHead {
            method: "GET",
            target: raw,
            headers: &[],
        };
        DecodedHead::decode(&head)
            .and_then(|head| head.body(b"", served))
            .map(|decoded| decoded.encode().target().to_owned())
            .map_err(|error| error.to_string())
    };
    let newest = NEWEST.0;
    assert_eq!(choose(24, 51, "/info").unwrap(), "/v1.51/info");
    assert_eq!(
        choose(44, newest + 5, "/info").unwrap(),
        format!("/v{NEWEST}/info")
    );
    assert_eq!(choose(44, 51, "/v1.44/info").unwrap(), "/v1.44/info");
    refused(
        choose(44, 51, "/v1.43/info"),
        "client version 1.43 is too old. Minimum supported API version is 1.44, please upgrade your client to a newer version",
    );
    refused(
        choose(44, 51, "/v1.52/info"),
        "client version 1.52 is too new. Maximum supported API version is 1.51",
    );
    refused(choose(24, 40, "/info"), "none");
    refused(choose(newest + 1, newest + 2, "/info"), "none");
}

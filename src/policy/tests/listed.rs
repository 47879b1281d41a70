//! Rules that admit listed fields only.

use super::matchers::judge;
use super::*;
use crate::diagnostic::Code;

fn listed(rule: &str, body: &str) -> Result<(), String> {
    judge(&format!("{{ fields: listed, {rule} }}"), body)
}

fn unlisted(path: &str) -> Result<(), String> {
    Err(format!(
        "{path} is not listed by the rule, which admits listed fields only"
    ))
}

#[test]
fn only_what_is_named_may_be_set() {
    let rule = "body: { Image: any, Cmd: any, HostConfig: { Memory: any } }";
    let body = |more: &str| format!(r#"{{"Image":"a","Cmd":["x"]{more}}}"#);
    assert_eq!(listed(rule, &body("")), Ok(()));
    assert_eq!(
        listed(rule, &body(r#","HostConfig":{"Memory":1024}"#)),
        Ok(())
    );
    assert_eq!(
        listed(rule, &body(r#","HostConfig":{"Memory":1,"CpuShares":5}"#)),
        unlisted("body.HostConfig.CpuShares=5")
    );
    let rule = "body: { Image: any, Cmd: any }";
    assert_eq!(
        listed(rule, &body(r#","Env":["A=1"]"#)),
        unlisted("body.Env")
    );
    assert_eq!(
        listed(rule, &body(r#","Tty":true"#)),
        unlisted("body.Tty=true")
    );
    // What is zero says nothing, and an object is what its fields are.
    for zero in [
        r#","Tty":false,"Env":[],"User":"","StopTimeout":null"#,
        r#","HostConfig":{"Memory":0,"Binds":[],"NetworkMode":""}"#,
        r#","HostConfig":{},"Healthcheck":{}"#,
    ] {
        assert_eq!(listed(rule, &body(zero)), Ok(()), "{zero}");
    }
    // Benign and default, but set.
    assert_eq!(
        listed(rule, &body(r#","HostConfig":{"NetworkMode":"default"}"#)),
        unlisted("body.HostConfig.NetworkMode=default")
    );
}

#[test]
fn what_is_guarded_stays_guarded() {
    let rule = "body: { Image: any }";
    let privileged = r#"{"Image":"a","HostConfig":{"Privileged":true}}"#;
    let message = listed(rule, privileged).unwrap_err();
    assert!(
        message.starts_with("body.HostConfig.Privileged=true is guarded"),
        "{message}"
    );
}

#[test]
fn lists_and_maps_are_named_as_wholes_and_by_what_they_hold() {
    let mounts = |rule: &str, mount: &str| {
        listed(
            &format!("body: {{ Image: any, HostConfig: {{ Mounts: {rule} }} }}"),
            &format!(r#"{{"Image":"a","HostConfig":{{"Mounts":[{mount}]}}}}"#),
        )
    };
    let tmpfs = r#"{"Type":"tmpfs","Target":"/x"}"#;
    let rule = "{ each: { Type: tmpfs, Target: any } }";
    assert_eq!(mounts(rule, tmpfs), Ok(()));
    assert_eq!(
        mounts(rule, r#"{"Type":"tmpfs","Target":"/x","ReadOnly":true}"#),
        unlisted("body.HostConfig.Mounts[].ReadOnly=true")
    );
    assert_eq!(
        mounts("{ each: { Type: tmpfs } }", tmpfs),
        unlisted("body.HostConfig.Mounts[].Target=/x")
    );
    // The list as a whole is not enough for what its elements hold.
    assert_eq!(
        mounts("{ max_items: 2 }", tmpfs),
        unlisted("body.HostConfig.Mounts[].Target=/x")
    );
    assert_eq!(
        listed(
            "body: { Image: any, Labels: { keys: a } }",
            r#"{"Image":"a","Labels":{"a":"1"}}"#
        ),
        Ok(())
    );
    assert_eq!(
        listed(
            "body: { Image: any }",
            r#"{"Image":"a","Labels":{"a":"1"}}"#
        ),
        unlisted("body.Labels")
    );
}

#[test]
fn of_a_choice_the_branch_that_fits_lists() {
    let rule = "body: { any_of: [{ Image: alpine, Cmd: any }, { Image: busybox, Tty: any }] }";
    assert_eq!(listed(rule, r#"{"Image":"alpine","Cmd":["x"]}"#), Ok(()));
    assert_eq!(listed(rule, r#"{"Image":"busybox","Tty":true}"#), Ok(()));
    assert_eq!(
        listed(rule, r#"{"Image":"busybox","Cmd":["x"]}"#),
        unlisted("body.Cmd")
    );
    // What is not so is not listed.
    let rule = "body: { Image: any, HostConfig: { not: { Memory: 5 } } }";
    assert_eq!(
        listed(rule, r#"{"Image":"a","HostConfig":{"Memory":6}}"#),
        unlisted("body.HostConfig.Memory=6")
    );
}

#[test]
fn derived_fields_list_what_they_are_made_of() {
    let rule = "body: { Image: any }, mounts: { each: { source: { under: /srv } } }";
    let host = |host: &str| listed(rule, &format!(r#"{{"Image":"a","HostConfig":{host}}}"#));
    assert_eq!(host(r#"{"Binds":["/srv/a:/b:ro"]}"#), Ok(()));
    assert_eq!(
        host(r#"{"Mounts":[{"Type":"bind","Source":"/srv","Target":"/a","ReadOnly":true}]}"#),
        Ok(())
    );
    assert!(host(r#"{"Binds":["/etc:/b:ro"]}"#).is_err());
    assert_eq!(
        host(
            r#"{"Mounts":[{"Type":"bind","Source":"/srv","Target":"/a","Consistency":"cached"}]}"#
        ),
        unlisted("body.HostConfig.Mounts[].Consistency")
    );
    let rule = "body: { Image: any }, networks: { subset: [default, my-ci] }";
    let joined = |endpoint: &str| {
        listed(
            rule,
            &format!(
                r#"{{"Image":"a","HostConfig":{{"NetworkMode":"my-ci"}},"NetworkingConfig":{{"EndpointsConfig":{{"my-ci":{endpoint}}}}}}}"#
            ),
        )
    };
    assert_eq!(joined("{}"), Ok(()));
    assert!(joined(r#"{"Aliases":["a"]}"#).is_err());
}

fn allowed(policies: &Policies, method: &str, target: &str) -> Result<(), String> {
    let decided = decide(policies, method, target, "");
    decided.map(|_| ()).map_err(|message| {
        let (_, reason) = message.split_once("client me: ").unwrap();
        reason.replace(" (test.yaml:8)", "")
    })
}

#[test]
fn parameters_are_listed_and_paths_are_always_there() {
    let one = policies(
        "{ allow: [ ContainerStop: { fields: listed, query: { t: any } }, ImagePull: { fields: listed, reference: { image: { name: alpine, tag: \"*\" } } } ] }",
    );
    assert_eq!(allowed(&one, "POST", "/containers/x/stop?t=5"), Ok(()));
    assert_eq!(allowed(&one, "POST", "/containers/x/stop"), Ok(()));
    assert_eq!(
        allowed(&one, "POST", "/containers/x/stop?signal=HUP"),
        unlisted("query.signal")
    );
    // A reference is its name and its tag.
    let pull = "/images/create?fromImage=alpine&tag=3";
    assert_eq!(allowed(&one, "POST", pull), Ok(()));
    assert_eq!(
        allowed(&one, "POST", &format!("{pull}&platform=linux/arm64")),
        unlisted("query.platform")
    );
}

#[test]
fn what_clients_say_of_every_request_needs_no_name() {
    let one = policies(
        "{ allow: [ SystemEvents: { fields: listed }, ContainerArchive: { fields: listed, query: { path: any } } ] }",
    );
    let ask = |target: &str, name: &str, value: &[u8]| {
        decide_with(&one, "GET", target, &[(name, value)], "").map(|_| ())
    };
    assert_eq!(ask("/v1.51/events", "Accept", b"*/*"), Ok(()));
    let archive = "/v1.51/containers/x/archive?path=/a";
    for usual in ["gzip", "identity", "gzip, deflate"] {
        let said = ask(archive, "Accept-Encoding", usual.as_bytes());
        assert_eq!(said, Ok(()), "{usual}");
    }
    for (target, name, value) in [
        ("/v1.51/events", "Accept", "application/jsonl"),
        (archive, "Accept-Encoding", "zstd"),
    ] {
        let message = ask(target, name, value.as_bytes()).unwrap_err();
        let expected = format!("header.{name} is not listed by the rule");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn a_bare_operation_or_a_group_can_be_strict() {
    for rule in ["ContainerList", "Container.list"] {
        let strict = policies(&format!("{{ allow: [{rule}: {{ fields: listed }}] }}"));
        assert_eq!(allowed(&strict, "GET", "/containers/json"), Ok(()));
        assert_eq!(allowed(&strict, "GET", "/containers/json?all=0"), Ok(()));
        assert_eq!(
            allowed(&strict, "GET", "/containers/json?all=1"),
            unlisted("query.all=true")
        );
        let bare = policies(&format!("{{ allow: [{rule}] }}"));
        assert_eq!(allowed(&bare, "GET", "/containers/json?all=1"), Ok(()));
    }
}

#[test]
fn a_listed_field_may_be_rewritten() {
    let strict = policies(
        "{ allow: [ ContainerCreate: { fields: listed, body: { Image: any, Labels: { set: { a: b } }, HostConfig: { PidsLimit: { default: 100 } } } } ] }",
    );
    for body in [
        r#"{"Image":"a"}"#,
        r#"{"Image":"a","HostConfig":{"PidsLimit":7}}"#,
    ] {
        assert!(decide(&strict, "POST", "/containers/create", body).is_ok());
    }
    let message = decide(
        &strict,
        "POST",
        "/containers/create",
        r#"{"Image":"a","Tty":true}"#,
    );
    assert!(message.unwrap_err().contains("body.Tty=true is not listed"));
}

#[test]
fn there_is_only_one_word_for_it_and_it_is_for_allows() {
    for (rules, code, message) in [
        (
            "{ allow: [ ContainerStop: { fields: all } ] }",
            Code::WrongType,
            "expected `listed`, found text",
        ),
        (
            "{ allow: [ Container.list: { fields: listed, query: { all: any } } ] }",
            Code::GroupConditions,
            "a group has no fields of its own",
        ),
        (
            "{ allow: [SystemPing], deny: [ ContainerStop: { fields: listed } ] }",
            Code::DenyShape,
            "a deny admits nothing: `fields: listed` belongs into an allow",
        ),
    ] {
        let text = file(rules);
        let found = resolve("test.yaml", &text).unwrap_err();
        let first = found.found().first().unwrap();
        assert_eq!((first.code, first.message.as_str()), (code, message));
    }
}

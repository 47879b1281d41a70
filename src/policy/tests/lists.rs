//! Lists by name.

use super::*;
use crate::diagnostic::{Code, Severity};

fn with_lists(rules: &str, lists: &str) -> String {
    format!("{}lists: {lists}\n", file(rules))
}

/// What a rule for creating containers says of a body.
fn judge(rule: &str, lists: &str, body: &str) -> Result<Permit, String> {
    let text = with_lists(&format!("{{ allow: [ ContainerCreate: {rule} ] }}"), lists);
    let policies = resolve("test.yaml", &text)
        .map_err(|found| found.to_string())?
        .policies;
    decide(&policies, "POST", "/v1.51/containers/create", body)
}

#[test]
fn a_list_stands_for_its_elements_wherever_values_are_written() {
    for (rule, list, fits, not) in [
        (
            "{ body: { Image: { image: { list: it } } } }",
            "[alpine, ghcr.io/acme/**]",
            r#"{"Image":"ghcr.io/acme/x"}"#,
            r#"{"Image":"busybox"}"#,
        ),
        (
            "{ body: { Image: { image: { name: alpine, tag: { list: it } } } } }",
            "[\"3.*\", edge]",
            r#"{"Image":"alpine:edge"}"#,
            r#"{"Image":"alpine:2"}"#,
        ),
        (
            "{ body: { Image: any, User: { list: it } } }",
            "[1000, nobody]",
            r#"{"Image":"a","User":"nobody"}"#,
            r#"{"Image":"a","User":"root"}"#,
        ),
        (
            "{ body: { User: { not: { list: it } } } }",
            "[root, bin]",
            r#"{"Image":"a","User":"1000"}"#,
            r#"{"Image":"a","User":"bin"}"#,
        ),
        (
            "{ body: { HostConfig: { CapAdd: { subset: { list: it } } } } }",
            "[KILL, SYS_TIME]",
            r#"{"Image":"a","HostConfig":{"CapAdd":["KILL"]}}"#,
            r#"{"Image":"a","HostConfig":{"CapAdd":["KILL","SYS_ADMIN"]}}"#,
        ),
        (
            "{ body: { HostConfig: { CapDrop: { contains: { list: it } } } } }",
            "[ALL]",
            r#"{"Image":"a","HostConfig":{"CapDrop":["KILL","ALL"]}}"#,
            r#"{"Image":"a","HostConfig":{"CapDrop":["KILL"]}}"#,
        ),
        (
            "{ body: { Labels: { keys: { list: it } } } }",
            "[a, b]",
            r#"{"Image":"a","Labels":{"b":"1"}}"#,
            r#"{"Image":"a","Labels":{"c":"1"}}"#,
        ),
        (
            "{ mounts: { each: { source: { under: { list: it } } } } }",
            "[/srv/a, /srv/b]",
            r#"{"Image":"a","HostConfig":{"Binds":["/srv/b/c:/x"]}}"#,
            r#"{"Image":"a","HostConfig":{"Binds":["/srv/c:/x"]}}"#,
        ),
        (
            "{ networks: { subset: [default, { list: it }] } }",
            "[my-ci, my-net]",
            r#"{"Image":"a","HostConfig":{"NetworkMode":"my-net"}}"#,
            r#"{"Image":"a","HostConfig":{"NetworkMode":"my-other"}}"#,
        ),
        (
            "{ body: { Cmd: { starts_with: { list: it } } } }",
            "[sh, -c]",
            r#"{"Image":"a","Cmd":["sh","-c","x"]}"#,
            r#"{"Image":"a","Cmd":["-c","sh"]}"#,
        ),
        (
            "{ body: { Cmd: { equal: [run, { list: it }] } } }",
            "[fast, slow]",
            r#"{"Image":"a","Cmd":["run","slow"]}"#,
            r#"{"Image":"a","Cmd":["run","fast","slow"]}"#,
        ),
        (
            "{ body: { HostConfig: { PortBindings: { keys: any, values: { each: { HostIp: { cidr: { list: it } }, HostPort: any } } } } } }",
            "[10.0.0.0/8, 127.0.0.0/8]",
            r#"{"Image":"a","HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"10.1.2.3","HostPort":"80"}]}}}"#,
            r#"{"Image":"a","HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"11.1.2.3","HostPort":"80"}]}}}"#,
        ),
        (
            "{ body: { User: { list: it, required: true } } }",
            "[1000]",
            r#"{"Image":"a","User":"1000"}"#,
            r#"{"Image":"a"}"#,
        ),
    ] {
        let lists = format!("{{ it: {list} }}");
        assert!(judge(rule, &lists, fits).is_ok(), "{rule} {fits}");
        let refused = judge(rule, &lists, not).unwrap_err();
        assert!(
            refused.contains("refused for client me"),
            "{rule} {refused}"
        );
    }
}

#[test]
fn lists_are_made_of_lists() {
    let rule = "{ body: { User: { list: all } } }";
    let lists = "{ all: [{ list: some }, 1002, { list: some }], some: [1000, { list: more }], more: [1001] }";
    for (user, fits) in [(1000, true), (1001, true), (1002, true), (1003, false)] {
        let body = format!(r#"{{"Image":"a","User":"{user}"}}"#);
        assert_eq!(judge(rule, lists, &body).is_ok(), fits, "{user}");
    }
}

#[test]
fn a_list_can_be_what_a_rule_writes() {
    let rule = "{ body: { HostConfig: { CapDrop: { set: { list: caps } } }, Env: { append: [A=1, { list: env }] } } }";
    let lists = "{ caps: [ALL], env: [B=2] }";
    assert!(judge(rule, lists, r#"{"Image":"a","Env":["C=3"]}"#).is_ok());
    let rule = "{ body: { Labels: { remove: { list: keys } } } }";
    assert!(judge(rule, "{ keys: [a, b] }", r#"{"Image":"a"}"#).is_ok());
}

#[test]
fn a_key_that_is_called_list_is_a_key() {
    let rule = "{ body: { Labels: { contains: { list: prod } } } }";
    assert!(judge(rule, "{}", r#"{"Image":"a","Labels":{"list":"prod"}}"#).is_ok());
    assert!(judge(rule, "{}", r#"{"Image":"a","Labels":{"prod":"1"}}"#).is_err());
}

fn found(rules: &str, lists: &str) -> Vec<(Code, u64, String)> {
    let found = match resolve("test.yaml", &with_lists(rules, lists)) {
        Ok(configuration) => configuration.warnings,
        Err(found) => found,
    };
    let found = found.found().iter();
    found
        .filter(|one| !one.message.contains("client `other`"))
        .map(|one| (one.code, one.span.line, one.message.clone()))
        .collect()
}

#[test]
fn what_does_not_fit_is_said_of_the_element() {
    let rules = "{ allow: [ ContainerStop: { query: { signal: { list: it } } } ] }";
    let all = found(rules, "\n  it:\n    - HUP\n    - NONE\n    - [x]");
    let lines: Vec<(Code, u64)> = all.iter().map(|(code, line, _)| (*code, *line)).collect();
    assert_eq!(lines, [(Code::BadValue, 12)]);
    // The element of the list, not the list.
    let mut element = with_lists(rules, "\n  it:\n    - [x]");
    let wrong = resolve("test.yaml", &element).unwrap_err();
    assert_eq!(wrong.found()[0].code, Code::WrongType);
    assert_eq!(
        wrong.found()[0].note.as_deref(),
        Some("`it` is used in line 8")
    );
    element = element.replace("[x]", "HUP");
    assert!(resolve("test.yaml", &element).is_ok());
    let objects = "{ allow: [ ContainerCreate: { body: { HostConfig: { list: it } } } ] }";
    assert_eq!(found(objects, "{ it: [a] }")[0].0, Code::WrongMatcher);
    assert_eq!(
        found("{ allow: [SystemPing] }", "{ it: a }")[0].0,
        Code::WrongType
    );
    let empty = "{ allow: [ ContainerStop: { query: { signal: { list: it } } } ] }";
    assert_eq!(found(empty, "{ it: [] }")[0].0, Code::EmptyRange);
}

#[test]
fn a_list_that_nothing_uses_is_odd() {
    let text = with_lists("{ allow: [SystemPing] }", "{ it: [a] }");
    let warnings = resolve("test.yaml", &text).unwrap().warnings;
    let unused = warnings
        .found()
        .iter()
        .find(|one| one.message.contains("`it`"));
    let unused = unused.unwrap();
    assert_eq!(
        (unused.code, unused.severity),
        (Code::Unused, Severity::Warning)
    );
}

#[test]
fn lists_that_grow_without_end_are_refused() {
    // Each list is twice the one before it.
    let doubling: Vec<String> = (1..=7)
        .map(|number| {
            let inner = format!("{{ list: l{} }}, ", number - 1).repeat(10);
            format!("l{number}: [{inner}]")
        })
        .collect();
    let lists = format!("{{ l0: [a], {} }}", doubling.join(", "));
    let all = found("{ allow: [SystemPing] }", &lists);
    assert!(
        all.iter().any(|(code, ..)| *code == Code::Nesting),
        "{all:?}"
    );
    // And so are many uses of a long one.
    let long = "1000, ".repeat(10_000);
    let users = "ContainerCreate: { body: { User: { list: it } } }, ".repeat(11);
    let all = found(
        &format!("{{ allow: [{users}] }}"),
        &format!("{{ it: [{long}] }}"),
    );
    assert!(
        all.iter().any(|(code, ..)| *code == Code::Nesting),
        "{all:?}"
    );
}

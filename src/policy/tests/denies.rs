//! Denies: they win, and fire as soon as what they speak of is there.

use super::*;

fn denied(deny: &str, body: &str) -> Result<(), String> {
    let policies = policies(&format!(
        "{{ allow: [ ContainerCreate: {{ body: {{ HostConfig: {{ Privileged: any, CapAdd: any, Binds: any }} }} }} ], deny: [ ContainerCreate: {deny} ] }}"
    ));
    let decided = decide(&policies, "POST", "/v1.51/containers/create", body);
    decided.map(|_| ()).map_err(|message| {
        let reason = message.split_once("client me: ").unwrap().1;
        reason.replace(" (test.yaml:8)", "")
    })
}

#[test]
fn a_condition_decides_when_a_deny_fires() {
    let deny = "{ body: { HostConfig: { Privileged: true } } }";
    assert_eq!(denied(deny, r#"{"Image":"a"}"#), Ok(()));
    assert_eq!(
        denied(deny, r#"{"Image":"a","HostConfig":{"Privileged":false}}"#),
        Ok(())
    );
    assert_eq!(
        denied(deny, r#"{"Image":"a","HostConfig":{"Privileged":true}}"#),
        Err("a rule denies it for its body.HostConfig.Privileged".to_owned())
    );
}

#[test]
fn one_bad_element_is_enough() {
    let deny = "{ body: { HostConfig: { CapAdd: { contains: [SYS_ADMIN, ALL] } } } }";
    assert!(denied(deny, r#"{"Image":"a","HostConfig":{"CapAdd":["KILL"]}}"#).is_ok());
    assert!(
        denied(
            deny,
            r#"{"Image":"a","HostConfig":{"CapAdd":["KILL","cap_sys_admin"]}}"#
        )
        .is_err()
    );
    let deny = "{ mounts: { contains: { source: { under: /etc } } } }";
    assert!(denied(deny, r#"{"Image":"a","HostConfig":{"Binds":["/srv:/a"]}}"#).is_ok());
    assert!(
        denied(
            deny,
            r#"{"Image":"a","HostConfig":{"Binds":["/srv:/a","/etc/x:/b"]}}"#
        )
        .is_err()
    );
}

#[test]
fn several_conditions_say_how_they_count() {
    let all =
        "{ all_of: [ { body: { User: root } }, { body: { HostConfig: { Privileged: true } } } ] }";
    let any =
        "{ any_of: [ { body: { User: root } }, { body: { HostConfig: { Privileged: true } } } ] }";
    let root = r#"{"Image":"a","User":"0"}"#;
    let privileged_root = r#"{"Image":"a","User":"0","HostConfig":{"Privileged":true}}"#;
    assert!(denied(all, root).is_ok() && denied(all, privileged_root).is_err());
    assert_eq!(
        denied(any, root),
        Err("a rule denies it for its body.User".to_owned())
    );
}

#[test]
fn a_part_that_fits_is_enough_and_what_others_decide_is_not() {
    let deny = "{ body: { User: root } }";
    for root in ["root", "0", "0:1000", "root:users", "+0", ":5"] {
        let body = format!(r#"{{"Image":"a","User":"{root}"}}"#);
        assert!(denied(deny, &body).is_err(), "{root}");
    }
    // The image may say root; whoever minds demands a user.
    assert!(denied(deny, r#"{"Image":"a"}"#).is_ok());
    assert!(denied(deny, r#"{"Image":"a","User":"1000"}"#).is_ok());
}

#[test]
fn a_deny_of_all_but_something_says_what_absence_is() {
    for condition in [
        "{ User: { not: \"1000\" } }",
        "{ Labels: { not: { contains: { owner: ci } } } }",
        "{ HostConfig: { Init: { not: true } } }",
    ] {
        let text = format!(
            "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me }}]\nupstream: unix:///run/e.sock\n\
             clients: {{ me: {{ policies: [p] }} }}\n\
             policies: {{ p: {{ deny: [ ContainerCreate: {{ body: {condition} }} ] }} }}\n"
        );
        let found = resolve("test.yaml", &text).unwrap_err().found()[0]
            .message
            .clone();
        assert!(
            found.ends_with("and the deny would not fire"),
            "{condition}: {found}"
        );
    }
    let labels = "{ body: { Labels: { any_of: [absent, { not: { contains: { owner: ci } } }] } } }";
    assert!(denied(labels, r#"{"Image":"a"}"#).is_err());
    assert!(denied(labels, r#"{"Image":"a","Labels":{"owner":"x"}}"#).is_err());
    assert!(denied(labels, r#"{"Image":"a","Labels":{"owner":"ci"}}"#).is_ok());
    // What is known to be off or without a limit needs no such words.
    let read_only = "{ body: { HostConfig: { ReadonlyRootfs: { not: true } } } }";
    assert!(denied(read_only, r#"{"Image":"a"}"#).is_err());
}

#[test]
fn a_deny_of_another_policy_wins_too() {
    let text = "api: '1.51'\nlisten: [{ unix: /run/a.sock, client: me }]\nupstream: unix:///run/e.sock\n\
         clients: { me: { policies: [all, safe] } }\n\
         policies:\n  all: { allow: [Container.list, SystemInfo] }\n  safe: { deny: [SystemInfo] }\n";
    let policies = resolve("test.yaml", text).unwrap().policies;
    assert!(decide(&policies, "GET", "/containers/json", "").is_ok());
    assert!(decide(&policies, "GET", "/info", "").is_err());
}

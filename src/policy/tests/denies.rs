//! Denies: they win, and fire as soon as what they speak of is there.

use super::*;

fn denied(deny: &str, body: &str) -> Result<(), String> {
    let policies = policies(&format!(
        "{{ allow: [ ContainerCreate: {{ body: {{ HostConfig: {{ Privileged: any, CapAdd: any, Binds: any, PidMode: any }} }} }} ], deny: [ ContainerCreate: {deny} ] }}"
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
        "{ StopSignal: { not: TERM } }",
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
    // What is added to the image's own is known: nothing is.
    let labels = "{ body: { Labels: { not: { contains: { owner: ci } } } } }";
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

#[test]
fn a_deny_of_a_namespace_fires_for_what_another_container_has() {
    for deny in [
        "{ body: { HostConfig: { PidMode: host } } }",
        "{ body: { HostConfig: { PidMode: { mode: host } } } }",
        "{ body: { HostConfig: { PidMode: { mode: container } } } }",
    ] {
        let ask = |mode: &str| {
            let body = format!(r#"{{"Image":"a","HostConfig":{{"PidMode":"{mode}"}}}}"#);
            denied(deny, &body)
        };
        assert!(ask("container:x").is_err(), "{deny}");
        assert_eq!(ask("host").is_ok(), deny.contains("container"), "{deny}");
        assert_eq!(ask(""), Ok(()));
    }
}

#[test]
fn a_deny_of_what_is_in_a_folder_fires_for_the_folder() {
    for deny in [
        "{ mounts: { contains: { source: { under: /home } } } }",
        "{ mounts: { contains: { source: /home/ada } } }",
        "{ body: { HostConfig: { Binds: { contains: { source: { under: [/home, /root] } } } } } }",
    ] {
        let ask = |source: &str| {
            let body = format!(r#"{{"Image":"a","HostConfig":{{"Binds":["{source}:/x"]}}}}"#);
            denied(deny, &body)
        };
        for source in ["/", "/home", "/home/ada", "/srv/.."] {
            assert!(ask(source).is_err(), "{deny} {source}");
        }
        assert_eq!(ask("/srv"), Ok(()), "{deny}");
        assert_eq!(ask("/homes"), Ok(()), "{deny}");
    }
}

#[test]
fn a_deny_of_an_image_fires_for_an_id() {
    for deny in [
        "{ body: { Image: { image: ghcr.io/acme/bad } } }",
        "{ body: { Image: ghcr.io/acme/bad } }",
    ] {
        let ask = |image: &str| denied(deny, &format!(r#"{{"Image":"{image}"}}"#));
        assert!(ask("ghcr.io/acme/bad").is_err() && ask("ghcr.io/acme/bad:1").is_err());
        for id in ["sha256:0123456789ab", "0123456789ab", "abc"] {
            assert!(ask(id).is_err(), "{deny} {id}");
        }
        assert_eq!(ask("ghcr.io/acme/good"), Ok(()));
    }
}

#[test]
fn what_may_be_what_is_named_is_kept_out_by_a_deny_and_by_a_not() {
    let ports = |key: &str| format!(r#"{{"PortBindings":{{"{key}":[{{"HostPort":"8000"}}]}}}}"#);
    let address = |ip: &str| {
        format!(r#"{{"PortBindings":{{"80":[{{"HostPort":"8000","HostIp":"{ip}"}}]}}}}"#)
    };
    let option = |text: &str| format!(r#"{{"SecurityOpt":["{text}"]}}"#);
    let mode = |text: &str| format!(r#"{{"PidMode":"{text}"}}"#);
    let profile = option(r"seccomp= \n{}");
    for (named, inner, kept_out, free) in [
        (
            "PortBindings",
            "{ contains: { 80/tcp: any } }",
            vec![
                ports("80"),
                ports("080/tcp"),
                ports("79-81"),
                ports("80-80/tcp"),
            ],
            vec![ports("81-82"), ports("79-81/udp")],
        ),
        (
            "PortBindings",
            "{ contains: { 80/tcp: { contains: { HostIp: { cidr: 192.168.0.0/16 } } } } }",
            vec![address("192.168.1.5"), address("0.0.0.0"), address("::")],
            vec![address("127.0.0.1"), address("10.0.0.1")],
        ),
        (
            "SecurityOpt",
            "{ contains: { value: unconfined } }",
            vec![option("seccomp=unconfined"), option("seccomp={}"), profile],
            vec![option("seccomp=builtin"), option("no-new-privileges")],
        ),
        (
            "PidMode",
            "{ glob: h* }",
            vec![mode("host"), mode("container:x")],
            vec![mode("")],
        ),
    ] {
        let deny = format!(
            "{{ allow: [ ContainerCreate: {{ body: {{ HostConfig: {{ {named}: any }} }} }} ], deny: [ ContainerCreate: {{ body: {{ HostConfig: {{ {named}: {inner} }} }} }} ] }}"
        );
        let not = format!(
            "{{ allow: [ ContainerCreate: {{ body: {{ HostConfig: {{ {named}: {{ all_of: [ any, {{ not: {inner} }} ] }} }} }} }} ] }}"
        );
        for rules in [deny, not] {
            let policies = policies(&rules);
            let passes = |host_config: &String| {
                let body = format!(r#"{{"Image":"a","HostConfig":{host_config}}}"#);
                decide(&policies, "POST", "/v1.51/containers/create", &body).is_ok()
            };
            for host_config in &kept_out {
                assert!(!passes(host_config), "{rules}: {host_config}");
            }
            for host_config in &free {
                assert!(passes(host_config), "{rules}: {host_config}");
            }
        }
    }
}

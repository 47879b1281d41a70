//! One thing in several spellings: no spelling gets by what is said of another.

use super::*;

/// Puts a request to some rules, of which the first that fails is the answer.
fn ask(rules: &str, method: &str, target: &str, body: &str) -> Result<(), String> {
    let policies = policies(rules);
    decide(&policies, method, target, body).map(|_| ())
}

/// What is wrong with some rules, which must not be accepted.
fn refused(rules: &str) -> String {
    let text = format!(
        "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me }}]\nupstream: unix:///run/e.sock\n\
         clients: {{ me: {{ policies: [mine] }} }}\npolicies:\n  mine: {rules}\n"
    );
    let found = resolve("test.yaml", &text).unwrap_err();
    found.found()[0].message.clone()
}

/// Creates a container under one rule.
fn allowed(rule: &str, body: &str) -> Result<(), String> {
    let rules = format!("{{ allow: [ ContainerCreate: {rule} ] }}");
    ask(&rules, "POST", "/v1.51/containers/create", body)
}

/// The same where every path of the host may be mounted, but for one deny.
fn denied(deny: &str, body: &str) -> bool {
    let rules = format!(
        "{{ allow: [ ContainerCreate: {{ mounts: {{ each: {{ source: {{ under: / }} }} }} }} ], deny: [ ContainerCreate: {deny} ] }}"
    );
    ask(&rules, "POST", "/v1.51/containers/create", body).is_err()
}

fn bind_mount(source: &str) -> String {
    format!(
        r#"{{"Image":"a","HostConfig":{{"Mounts":[{{"Type":"bind","Source":"{source}","Target":"/x"}}]}}}}"#
    )
}

#[test]
fn a_path_of_the_host_is_the_place_that_it_leads_to() {
    for rule in [
        "{ mounts: { each: { source: { glob: /srv/** } } } }",
        "{ body: { HostConfig: { Mounts: { each: { Type: bind, Source: { glob: /srv/** } } } } } }",
        "{ mounts: { each: { source: { not: /etc } } } }",
        "{ mounts: { each: { source: { not: { glob: /etc* } } } } }",
        "{ body: { HostConfig: { Mounts: { each: { Type: bind, Source: { not: /etc } } } } } }",
    ] {
        assert_eq!(allowed(rule, &bind_mount("/srv//a/")), Ok(()), "{rule}");
        for etc in ["/etc", "//etc", "/etc/", "/srv/../etc", "/./etc/."] {
            assert!(allowed(rule, &bind_mount(etc)).is_err(), "{rule} {etc}");
        }
    }
    let deny = "{ mounts: { contains: { source: /run/docker.sock } } }";
    for socket in [
        "/run/docker.sock",
        "/run//docker.sock",
        "/run/./docker.sock/",
    ] {
        assert!(denied(deny, &bind_mount(socket)), "{socket}");
        let bind = format!(r#"{{"Image":"a","HostConfig":{{"Binds":["{socket}:/x"]}}}}"#);
        assert!(denied(deny, &bind), "{socket}");
    }
    let device = |path: &str| {
        format!(r#"{{"Image":"a","HostConfig":{{"Devices":[{{"PathOnHost":"{path}"}}]}}}}"#)
    };
    let rule = "{ body: { HostConfig: { Devices: { each: { PathOnHost: { not: /dev/mem } } } } } }";
    assert_eq!(allowed(rule, &device("/dev/kvm")), Ok(()));
    assert!(allowed(rule, &device("/dev//mem")).is_err());
}

#[test]
fn a_relative_path_may_lead_to_where_it_leads_from_the_root() {
    let get = |rules: &str, path: &str| {
        ask(
            rules,
            "GET",
            &format!("/v1.51/containers/x/archive?path={path}"),
            "",
        )
        .is_ok()
    };
    let allow =
        |rule: &str| format!("{{ allow: [ ContainerArchive: {{ query: {{ path: {rule} }} }} ] }}");
    let not = allow("{ not: { under: /etc } }");
    let below = allow("{ under: /data }");
    let deny = "{ allow: [ContainerArchive], deny: [ ContainerArchive: { query: { path: { under: /etc } } } ] }";
    assert!(get(&not, "/home") && get(&not, "home") && get(deny, "home") && get(&below, "/data/x"));
    for etc in [
        "etc",
        "etc/passwd",
        "../etc",
        "./etc",
        "/etc/passwd",
        "a/../etc",
    ] {
        assert!(!get(&not, etc) && !get(deny, etc), "{etc}");
    }
    assert!(!get(&below, "data/x"));
}

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn image(image: &str) -> String {
    format!(r#"{{"Image":"{image}"}}"#)
}

#[test]
fn an_image_is_not_another_only_because_it_is_called_otherwise() {
    let evil = format!("evil/app@{DIGEST}");
    for rule in [
        "{ body: { Image: { not: { image: evil/app } } } }",
        "{ body: { Image: { not: { image: \"evil/app:bad\" } } } }",
        "{ body: { Image: { not: \"evil/app:bad\" } } }",
        "{ body: { Image: { not: \"docker.io/evil/app:bad\" } } }",
    ] {
        assert_eq!(allowed(rule, &image("good/app")), Ok(()), "{rule}");
        for evil in [
            "evil/app:bad",
            "docker.io/evil/app:bad",
            "index.docker.io/evil/app:bad",
            "0123456789ab",
            DIGEST,
            &evil,
        ] {
            assert!(allowed(rule, &image(evil)).is_err(), "{rule} {evil}");
        }
    }
    for deny in [
        "{ body: { Image: { image: \"evil/app:bad\" } } }",
        "{ body: { Image: \"evil/app:bad\" } }",
    ] {
        for evil in ["evil/app:bad", "docker.io/evil/app:bad", &evil] {
            assert!(denied(deny, &image(evil)), "{deny} {evil}");
        }
        assert!(!denied(deny, &image("evil/app:good")));
    }
}

#[test]
fn all_tags_are_each_of_them_to_a_deny_and_to_not() {
    let pull = |rules: &str, query: &str| {
        let target = format!("/v1.51/images/create?{query}");
        ask(rules, "POST", &target, "").is_ok()
    };
    let not = "{ allow: [ ImagePull: { reference: { not: { image: \"evil/app:bad\" } } } ] }";
    let deny =
        "{ allow: [ImagePull], deny: [ ImagePull: { reference: { image: \"evil/app:bad\" } } ] }";
    for rules in [not, deny] {
        assert!(pull(rules, "fromImage=evil/app:good"), "{rules}");
        assert!(pull(rules, "fromImage=good/app&tag=bad"), "{rules}");
        assert!(!pull(rules, "fromImage=evil/app"), "{rules}");
        assert!(!pull(rules, "fromImage=evil/app&tag=bad"), "{rules}");
    }
}

#[test]
fn an_image_matcher_says_which_images() {
    for rule in ["{}", "{ id: any }", "{ all_tags: any, id: any }"] {
        let found = refused(&format!(
            "{{ allow: [ ContainerCreate: {{ body: {{ Image: {{ image: {rule} }} }} }} ] }}"
        ));
        assert_eq!(found, "this does not say which images", "{rule}");
    }
}

#[test]
fn a_network_is_not_denied_by_one_of_its_names() {
    let create = |deny: &str| {
        refused(&format!(
            "{{ allow: [ContainerCreate], deny: [ ContainerCreate: {deny} ] }}"
        ))
    };
    let message =
        "a network can be given by the beginning of its id, too, so that this can be passed by";
    assert_eq!(create("{ networks: { contains: prod } }"), message);
    assert_eq!(
        create("{ body: { HostConfig: { NetworkMode: prod } } }"),
        message
    );
    let path = "{ allow: [NetworkDelete], deny: [ NetworkDelete: { path: { id: prod } } ] }";
    assert_eq!(refused(path), message);
    // Nobody joins the host's network by its id.
    let host = "{ networks: { contains: host } }";
    assert!(denied(
        host,
        r#"{"Image":"a","HostConfig":{"NetworkMode":"host"}}"#
    ));
    // A deny of all but some names them, and what has another name is out.
    let but = "{ body: { HostConfig: { NetworkMode: { not: [none, my-ci] } } } }";
    assert!(!denied(
        but,
        r#"{"Image":"a","HostConfig":{"NetworkMode":"none"}}"#
    ));
    assert!(denied(
        but,
        r#"{"Image":"a","HostConfig":{"NetworkMode":"bridge"}}"#
    ));
}

#[test]
fn a_form_keeps_nothing_out_that_can_be_written_otherwise() {
    for (field, form) in [
        ("CapAdd: { each: { not: { glob: SYS_* } } }", "capability"),
        (
            "CapAdd: { not: { contains: { glob: SYS_* } } }",
            "capability",
        ),
        ("Dns: { each: { not: { glob: 8.* } } }", "ip-address"),
        (
            "Sysctls: { keys: { not: { glob: net.* } }, values: any }",
            "sysctl-key",
        ),
    ] {
        let found = refused(&format!(
            "{{ allow: [ ContainerCreate: {{ body: {{ HostConfig: {{ {field} }} }} }} ] }}"
        ));
        let message = format!(
            "the same {form} can be written in another form, so that this can be passed by"
        );
        assert_eq!(found, message, "{field}");
    }
    let deny = "{ allow: [ContainerCreate], deny: [ ContainerCreate: { body: { User: { glob: root* } } } ] }";
    assert!(refused(deny).starts_with("the same user"));
    // What it lets in is forwarded in the spelling that has the form.
    let form = "{ body: { HostConfig: { CapAdd: { each: { glob: NET_* } } } } }";
    assert!(
        allowed(
            form,
            r#"{"Image":"a","HostConfig":{"CapAdd":["NET_ADMIN"]}}"#
        )
        .is_ok()
    );
    let root =
        "{ allow: [ ContainerCreate: { mounts: { each: { source: { under: \"/srv/*\" } } } } ] }";
    assert_eq!(
        refused(root),
        "`/srv/*` is a path, and `*` and `?` stand for themselves"
    );
}

#[test]
fn values_are_equal_in_every_spelling_and_so_are_defaults() {
    for (field, others) in [
        (
            "Dns: { each: { not: 8.8.8.8 } }",
            &[r#"{"Dns":["::ffff:8.8.8.8"]}"#][..],
        ),
        (
            "DeviceCgroupRules: { each: { not: c 1:3 rwm } }",
            &[r#"{"DeviceCgroupRules":["c 1:3 mwr"]}"#],
        ),
        (
            "Binds: { each: { not: /etc:/x } }",
            &[r#"{"Binds":["/etc/:/x:rw"]}"#, r#"{"Binds":["//etc:/x/"]}"#],
        ),
        (
            "CapAdd: { each: { not: SYS_ADMIN } }",
            &[r#"{"CapAdd":["cap_sys_admin"]}"#],
        ),
    ] {
        let rule = format!("{{ body: {{ HostConfig: {{ {field} }} }} }}");
        for other in others {
            let body = format!(r#"{{"Image":"a","HostConfig":{other}}}"#);
            assert!(allowed(&rule, &body).is_err(), "{rule} {other}");
        }
    }
    let kill = |rule: &str, query: &str| {
        let rules = format!("{{ allow: [ ContainerKill: {{ query: {{ signal: {rule} }} }} ] }}");
        ask(
            &rules,
            "POST",
            &format!("/v1.51/containers/x/kill{query}"),
            "",
        )
        .is_ok()
    };
    for kills in [
        "",
        "?signal=",
        "?signal=9",
        "?signal=sigkill",
        "?signal=KILL",
    ] {
        assert!(
            !kill("{ not: KILL }", kills) && kill("KILL", kills),
            "{kills}"
        );
    }
    assert!(kill("{ not: KILL }", "?signal=TERM"));
}

#[test]
fn the_mode_of_a_socket_is_what_is_written() {
    let listener = |mode: &str| {
        let text = format!(
            "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me, mode: {mode} }}]\n\
             upstream: unix:///run/e.sock\nclients: {{ me: {{ policies: [] }} }}\npolicies: {{}}\n"
        );
        resolve("test.yaml", &text)
            .map(|made| made.listeners[0].address.clone())
            .ok()
    };
    let mode = |mode| {
        Some(Address::Unix {
            path: "/run/a.sock".into(),
            mode,
            owner: crate::policy::Owner::default(),
        })
    };
    assert_eq!(listener("\"0600\""), mode(0o600));
    assert_eq!(listener("0600"), mode(0o600));
    assert_eq!(listener("600"), mode(0o600));
    for odd in [
        "0o660", "0x1b0", "+660", "6_60", "6.6e2", "0b11", "660.0", "true",
    ] {
        assert_eq!(listener(odd), None, "{odd}");
    }
}

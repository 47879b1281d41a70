//! Naming opens exactly the leaves that carry a matcher.

use super::matchers::{ask, judge};
use super::*;

fn body(host_config: &str) -> String {
    format!(r#"{{"Image":"a","HostConfig":{host_config}}}"#)
}

#[test]
fn a_bare_rule_lets_an_ordinary_container_through() {
    assert_eq!(
        judge("{}", &body(r#"{"Memory":0,"NetworkMode":"default"}"#)),
        Ok(())
    );
}

#[test]
fn a_named_field_is_open_and_its_neighbours_are_not() {
    let rule = "{ body: { HostConfig: { Privileged: any } } }";
    assert_eq!(judge(rule, &body(r#"{"Privileged":true}"#)), Ok(()));
    assert_eq!(
        judge(rule, &body(r#"{"Privileged":true,"PidMode":"host"}"#)),
        Err("body.HostConfig.PidMode=host is guarded (host-escape, cross-container) and no rule opens it".to_owned())
    );
    let rule = "{ body: { HostConfig: { PidMode: host } } }";
    assert_eq!(judge(rule, &body(r#"{"PidMode":"host"}"#)), Ok(()));
    assert!(judge(rule, &body("{}")).is_err(), "a condition is a demand");
}

#[test]
fn fields_of_elements_are_opened_one_by_one() {
    let rule = "{ body: { HostConfig: { Mounts: { each: { Type: [bind, volume], Source: { under: /srv } } } } } }";
    let mount = |more: &str| {
        body(&format!(
            r#"{{"Mounts":[{{"Type":"bind","Source":"/srv/x","Target":"/a"{more}}}]}}"#
        ))
    };
    assert_eq!(judge(rule, &mount("")), Ok(()));
    assert_eq!(
        judge(rule, &mount(r#","BindOptions":{"Propagation":"rshared"}"#)),
        Err("body.HostConfig.Mounts[].BindOptions.Propagation=rshared is guarded (host-escape) and no rule opens it".to_owned())
    );
    assert!(judge(rule, &mount(r#","BindOptions":{"Propagation":"rprivate"}"#)).is_ok());
}

#[test]
fn parts_of_a_bind_are_opened_one_by_one() {
    let rule = "{ body: { HostConfig: { Binds: { each: { source: { under: /srv } } } } } }";
    let bind = |bind: &str| judge(rule, &body(&format!(r#"{{"Binds":["{bind}"]}}"#)));
    assert_eq!(bind("/srv/x:/a"), Ok(()));
    assert_eq!(bind("/srv/x:/a:ro"), Ok(()));
    assert_eq!(
        bind("/srv/x:/a:rshared"),
        Err("body.HostConfig.Binds[].propagation=rshared is guarded (host-escape) and no rule opens it".to_owned())
    );
    assert!(
        bind("/srv/x:/a:Z").is_err(),
        "relabelling changes the host's files"
    );
    assert!(bind("/etc:/a").is_err() && bind("/srv/../etc:/a").is_err());
    // A named volume has no source, and a condition on one fails.
    assert!(bind("named:/a").is_err() && bind("/a").is_err());
    // What is said to be not so opens nothing.
    let not = "{ body: { HostConfig: { Binds: { each: { not: { source: { under: /etc } } } } } } }";
    assert!(judge(not, &body(r#"{"Binds":["/srv:/a"]}"#)).is_err());
    assert!(judge(not, &body(r#"{"Binds":["named:/a"]}"#)).is_err());
    assert_eq!(judge(not, &body(r#"{"Binds":["/a"]}"#)), Ok(()));
    let whole = "{ body: { HostConfig: { Binds: any } } }";
    assert!(judge(whole, &body(r#"{"Binds":["/:/host:rshared"]}"#)).is_ok());
    let read_only = "{ body: { HostConfig: { Binds: { each: { source: { under: /srv }, read_only: true } } } } }";
    assert!(judge(read_only, &body(r#"{"Binds":["/srv:/a:ro"]}"#)).is_ok());
    assert!(judge(read_only, &body(r#"{"Binds":["/srv:/a"]}"#)).is_err());
}

#[test]
fn any_on_a_list_of_one_class_opens_all_of_it() {
    let rule = "{ body: { HostConfig: { Devices: any, PortBindings: any } } }";
    let devices = r#"{"Devices":[{"PathOnHost":"/dev/x","PathInContainer":"/dev/x","CgroupPermissions":"rwm"}],
        "PortBindings":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"80"}]}}"#;
    assert_eq!(judge(rule, &body(devices)), Ok(()));
}

#[test]
fn the_rules_are_tried_in_order_and_the_nearest_one_is_named() {
    let policies = policies(
        "\n    allow:\n      - ContainerCreate: { body: { Image: { image: alpine } } }\n      - ContainerCreate: { body: { Image: { image: busybox }, HostConfig: { Privileged: true } } }\n",
    );
    let ask = |body: &str| decide(&policies, "POST", "/v1.51/containers/create", body);
    assert_eq!(ask(r#"{"Image":"alpine"}"#).unwrap().rule().place.line, 10);
    let second = ask(r#"{"Image":"busybox","HostConfig":{"Privileged":true}}"#).unwrap();
    assert_eq!(second.rule().place.line, 11);
    let near = ask(r#"{"Image":"alpine","HostConfig":{"Privileged":true}}"#).unwrap_err();
    assert!(
        near.ends_with(
            "Privileged=true is guarded (host-escape) and no rule opens it (test.yaml:10)"
        ),
        "{near}"
    );
    let far = ask(r#"{"Image":"nginx"}"#).unwrap_err();
    assert!(
        far.ends_with("body.Image=nginx must be an image like alpine (test.yaml:10)"),
        "{far}"
    );
}

#[test]
fn guarded_parameters_are_opened_by_name() {
    let target = "/v1.51/containers/x?force=1";
    assert!(ask("ContainerDelete", "DELETE", target, "").is_err());
    assert_eq!(
        ask(
            "ContainerDelete: { query: { force: any } }",
            "DELETE",
            target,
            ""
        ),
        Ok(())
    );
    let both = "/v1.51/containers/x?force=1&v=1";
    assert!(
        ask(
            "ContainerDelete: { query: { force: any } }",
            "DELETE",
            both,
            ""
        )
        .is_err()
    );
}

#[test]
fn what_is_opaque_is_asked_for_by_name() {
    assert_eq!(
        ask("Grpc: { opaque: true }", "POST", "/v1.51/grpc", ""),
        Ok(())
    );
    let build = "ImageBuild: { opaque: true, query: { version: any, session: any } }";
    assert_eq!(
        ask(build, "POST", "/v1.51/build?version=2&session=x", ""),
        Ok(())
    );
    assert!(ask("ImageBuild", "POST", "/v1.51/build?version=2", "").is_err());
}

#[test]
fn keys_that_are_named_open_no_values() {
    let text = |rule: &str| {
        format!(
            "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me }}]\nupstream: unix:///run/e.sock\n\
             clients: {{ me: {{ policies: [p] }} }}\n\
             policies: {{ p: {{ allow: [ ContainerCreate: {{ body: {{ HostConfig: {{ Sysctls: {rule} }} }} }} ] }} }}\n"
        )
    };
    for alone in [
        "{ keys: [net.core.somaxconn] }",
        "{ keys: any, max_items: 1 }",
        "{ any_of: [{ keys: [net.core.somaxconn] }, { keys: any, values: any }] }",
    ] {
        let found = resolve("test.yaml", &text(alone)).unwrap_err();
        let message = &found.found()[0].message;
        assert!(
            message.ends_with("which values its keys may have"),
            "{alone}: {message}"
        );
    }
    let sysctls = |rule: &str, sysctls: &str| {
        let rule = format!("{{ body: {{ HostConfig: {{ Sysctls: {rule} }} }} }}");
        judge(&rule, &body(&format!(r#"{{"Sysctls":{sysctls}}}"#)))
    };
    // What is said of one key opens the value of that one, in both its spellings.
    let one = "{ keys: any, contains: { net.core.somaxconn: any } }";
    assert_eq!(sysctls(one, r#"{"net/core/somaxconn":"1"}"#), Ok(()));
    assert_eq!(
        sysctls(
            one,
            r#"{"net.core.somaxconn":"1","net.ipv4.ip_forward":"1"}"#
        ),
        Err(
            "body.HostConfig.Sysctls{} is guarded (network, resource) and no rule opens it"
                .to_owned()
        )
    );
    assert_eq!(sysctls("any", r#"{"net.core.somaxconn":"1"}"#), Ok(()));
    assert_eq!(
        judge(
            "{ body: { HostConfig: { Tmpfs: { keys: { under: /tmp } } } } }",
            &body(r#"{"Tmpfs":{"/tmp":"size=1g,exec"}}"#)
        ),
        Err(
            "body.HostConfig.Tmpfs{}.exec=true is guarded (privilege) and no rule opens it"
                .to_owned()
        )
    );
}

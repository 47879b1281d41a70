//! Every matcher and every text with parts: what it allows, what it refuses, and a
//! case at its edge. A matcher without cases fails here, and so does one that the
//! language page does not name.

use super::matchers::judge;
use crate::policy::resolve::{KEYWORDS, REWRITES};

/// A matcher or format, a rule, and bodies: fitting, not fitting, and at the edge
/// with whether it fits.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    (&'static str, bool),
);

const MATCHERS: &[Case] = &[
    (
        "any",
        "HostConfig: { Privileged: any }",
        r#"{"HostConfig":{"Privileged":true}}"#,
        r#"{"HostConfig":{"Privileged":true,"PidMode":"host"}}"#,
        ("{}", true),
    ),
    (
        "absent",
        "User: absent",
        "{}",
        r#"{"User":"a"}"#,
        (r#"{"User":""}"#, true),
    ),
    (
        "required",
        "User: required",
        r#"{"User":"a"}"#,
        "{}",
        (r#"{"User":""}"#, false),
    ),
    (
        "equal",
        "Cmd: { equal: [ls, -l] }",
        r#"{"Cmd":["ls","-l"]}"#,
        r#"{"Cmd":["ls"]}"#,
        (r#"{"Cmd":["ls","-l","/"]}"#, false),
    ),
    (
        "starts_with",
        "Cmd: { starts_with: [npm, run] }",
        r#"{"Cmd":["npm","run","x"]}"#,
        r#"{"Cmd":["npm","x","run"]}"#,
        (r#"{"Cmd":["npm","run"]}"#, true),
    ),
    (
        "not",
        "User: { not: root }",
        r#"{"User":"1000"}"#,
        r#"{"User":"00"}"#,
        ("{}", false),
    ),
    (
        "all_of",
        "Hostname: { all_of: [{ glob: a* }, { glob: '*z' }] }",
        r#"{"Hostname":"abz"}"#,
        r#"{"Hostname":"ab"}"#,
        (r#"{"Hostname":"az"}"#, true),
    ),
    (
        "any_of",
        "Hostname: { any_of: [a, { glob: b* }] }",
        r#"{"Hostname":"a"}"#,
        r#"{"Hostname":"ab"}"#,
        (r#"{"Hostname":"b"}"#, true),
    ),
    (
        "min",
        "HostConfig: { CpuShares: { min: 2 } }",
        r#"{"HostConfig":{"CpuShares":3}}"#,
        r#"{"HostConfig":{"CpuShares":1}}"#,
        (r#"{"HostConfig":{"CpuShares":2}}"#, true),
    ),
    (
        "max",
        "HostConfig: { Memory: { max: 1k } }",
        r#"{"HostConfig":{"Memory":1024}}"#,
        r#"{"HostConfig":{"Memory":1025}}"#,
        (r#"{"HostConfig":{"Memory":0}}"#, false),
    ),
    (
        "glob",
        "WorkingDir: { glob: /srv/* }",
        r#"{"WorkingDir":"/srv/a"}"#,
        r#"{"WorkingDir":"/srv/a/b"}"#,
        (r#"{"WorkingDir":"/srv/x/../../etc/a"}"#, false),
    ),
    (
        "cidr",
        "HostConfig: { Dns: { each: { cidr: 10.0.0.0/8 } } }",
        r#"{"HostConfig":{"Dns":["10.9.9.9"]}}"#,
        r#"{"HostConfig":{"Dns":["11.0.0.0"]}}"#,
        (r#"{"HostConfig":{"Dns":["::ffff:10.0.0.1"]}}"#, true),
    ),
    (
        "under",
        "HostConfig: { Binds: { each: { source: { under: /srv } } } }",
        r#"{"HostConfig":{"Binds":["/srv/a:/a"]}}"#,
        r#"{"HostConfig":{"Binds":["/srvx:/a"]}}"#,
        (r#"{"HostConfig":{"Binds":["/srv/../etc:/a"]}}"#, false),
    ),
    (
        "image",
        "Image: { image: alpine }",
        r#"{"Image":"docker.io/library/alpine"}"#,
        r#"{"Image":"ghcr.io/a/alpine"}"#,
        (r#"{"Image":"alpine:3.20"}"#, true),
    ),
    (
        "each",
        "Env: { each: { glob: 'A*' } }",
        r#"{"Env":["A=1","AB=2"]}"#,
        r#"{"Env":["A=1","B=2"]}"#,
        (r#"{"Env":[]}"#, true),
    ),
    (
        "contains",
        "Env: { contains: A=1 }",
        r#"{"Env":["B=2","A=1"]}"#,
        r#"{"Env":["A=2"]}"#,
        ("{}", false),
    ),
    (
        "subset",
        "HostConfig: { CapAdd: { subset: [CHOWN] } }",
        r#"{"HostConfig":{"CapAdd":["cap_chown"]}}"#,
        r#"{"HostConfig":{"CapAdd":["CHOWN","ALL"]}}"#,
        ("{}", true),
    ),
    (
        "max_items",
        "Env: { max_items: 1 }",
        r#"{"Env":["A=1"]}"#,
        r#"{"Env":["A=1","B=2"]}"#,
        ("{}", true),
    ),
    (
        "keys",
        "Labels: { keys: [a, b] }",
        r#"{"Labels":{"a":"1"}}"#,
        r#"{"Labels":{"c":"1"}}"#,
        (r#"{"Labels":{}}"#, true),
    ),
    (
        "values",
        "Labels: { values: { glob: x* } }",
        r#"{"Labels":{"a":"x"}}"#,
        r#"{"Labels":{"a":"y"}}"#,
        (r#"{"Labels":{}}"#, true),
    ),
];

/// The parts that a text with parts has, one by one.
const PARTS: &[Case] = &[
    (
        "bind.source",
        "HostConfig: { Binds: { each: { source: /a } } }",
        r#"{"HostConfig":{"Binds":["/a:/b"]}}"#,
        r#"{"HostConfig":{"Binds":["/c:/b"]}}"#,
        (r#"{"HostConfig":{"Binds":["/a/:/b"]}}"#, true),
    ),
    (
        "env.name",
        "Env: { each: { name: { glob: CI_* } } }",
        r#"{"Env":["CI_A=1"]}"#,
        r#"{"Env":["CI_A=1","B=CI_"]}"#,
        (r#"{"Env":["CI_A"]}"#, true),
    ),
    (
        "env.value",
        "Env: { not: { contains: { name: A, value: '1' } } }",
        r#"{"Env":["A=2"]}"#,
        r#"{"Env":["A=1"]}"#,
        (r#"{"Env":["A"]}"#, true),
    ),
    (
        "user.uid",
        "User: { uid: { min: 1000 } }",
        r#"{"User":"1000"}"#,
        r#"{"User":"999:1000"}"#,
        (r#"{"User":"name"}"#, false),
    ),
    (
        "user.uid",
        "User: { not: { uid: 0 } }",
        r#"{"User":"1"}"#,
        r#"{"User":"root"}"#,
        ("{}", false),
    ),
    (
        "user.gid",
        "User: { uid: { min: 1 }, gid: { min: 1 } }",
        r#"{"User":"1:1"}"#,
        r#"{"User":"1:0"}"#,
        (r#"{"User":"1"}"#, false),
    ),
    (
        "extra-host.host",
        "HostConfig: { ExtraHosts: { each: { host: a, address: { cidr: 10.0.0.0/8 } } } }",
        r#"{"HostConfig":{"ExtraHosts":["a:10.0.0.1"]}}"#,
        r#"{"HostConfig":{"ExtraHosts":["b:10.0.0.1"]}}"#,
        (r#"{"HostConfig":{"ExtraHosts":["a:host-gateway"]}}"#, false),
    ),
    (
        "extra-host.address",
        "HostConfig: { ExtraHosts: { each: { host: a } } }",
        r#"{"HostConfig":{"ExtraHosts":[]}}"#,
        r#"{"HostConfig":{"ExtraHosts":["a:1.1.1.1"]}}"#,
        ("{}", true),
    ),
    (
        "network-mode.mode",
        "HostConfig: { NetworkMode: { mode: [default, network] } }",
        r#"{"HostConfig":{"NetworkMode":"my-ci"},"NetworkingConfig":{"EndpointsConfig":{"my-ci":{}}}}"#,
        r#"{"HostConfig":{"NetworkMode":"container:x"}}"#,
        ("{}", true),
    ),
    (
        "network-mode.mode",
        "HostConfig: { NetworkMode: { not: { mode: host } } }",
        r#"{"HostConfig":{"NetworkMode":"my-ci"}}"#,
        r#"{"HostConfig":{"NetworkMode":"host"}}"#,
        // It may be the host's own network that the other container has.
        (r#"{"HostConfig":{"NetworkMode":"container:x"}}"#, false),
    ),
    (
        "pid-mode.mode",
        "HostConfig: { PidMode: { mode: container } }",
        r#"{"HostConfig":{"PidMode":"container:x"}}"#,
        r#"{"HostConfig":{"PidMode":"host"}}"#,
        ("{}", false),
    ),
    (
        "ipc-mode.mode",
        "HostConfig: { IpcMode: { mode: { not: [host, container] } } }",
        r#"{"HostConfig":{"IpcMode":"shareable"}}"#,
        r#"{"HostConfig":{"IpcMode":"container:x"}}"#,
        // What the daemon takes then only the daemon knows.
        ("{}", false),
    ),
    (
        "security-opt.name",
        "HostConfig: { SecurityOpt: { each: { name: seccomp, value: { not: unconfined } } } }",
        r#"{"HostConfig":{"SecurityOpt":["seccomp=builtin"]}}"#,
        r#"{"HostConfig":{"SecurityOpt":["seccomp=builtin","apparmor=x"]}}"#,
        (
            r#"{"HostConfig":{"SecurityOpt":["seccomp:unconfined"]}}"#,
            false,
        ),
    ),
    (
        "security-opt.name",
        "HostConfig: { SecurityOpt: { each: { name: [label, no-new-privileges] } } }",
        r#"{"HostConfig":{"SecurityOpt":["no-new-privileges"]}}"#,
        r#"{"HostConfig":{"SecurityOpt":["label=disable"]}}"#,
        (
            r#"{"HostConfig":{"SecurityOpt":["no-new-privileges=false"]}}"#,
            false,
        ),
    ),
    (
        "security-opt.value",
        "HostConfig: { SecurityOpt: { each: { any_of: [{ name: label, value: { glob: 'type:*' } }, { name: no-new-privileges }] } } }",
        r#"{"HostConfig":{"SecurityOpt":["label:type:x_t","no-new-privileges"]}}"#,
        r#"{"HostConfig":{"SecurityOpt":["disable"]}}"#,
        (r#"{"HostConfig":{"SecurityOpt":["label=role:x"]}}"#, false),
    ),
    (
        "security-opt.value",
        "HostConfig: { SecurityOpt: { each: { not: seccomp=unconfined } } }",
        r#"{"HostConfig":{"SecurityOpt":["seccomp=builtin"]}}"#,
        r#"{"HostConfig":{"SecurityOpt":["seccomp:unconfined"]}}"#,
        // A profile that confines nothing is one, too.
        (
            r#"{"HostConfig":{"SecurityOpt":["seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}"]}}"#,
            false,
        ),
    ),
    (
        "port.port",
        "HostConfig: { PortBindings: { keys: { port: { min: 1024, max: 2048 } }, values: { each: { HostIp: any } } } }",
        r#"{"HostConfig":{"PortBindings":{"1024-2048/udp":[{}]}}}"#,
        r#"{"HostConfig":{"PortBindings":{"80":[{}]}}}"#,
        (
            r#"{"HostConfig":{"PortBindings":{"2000-2049/udp":[{}]}}}"#,
            false,
        ),
    ),
    (
        "port.port",
        "ExposedPorts: { keys: { not: { port: { max: 1023 } } } }",
        r#"{"ExposedPorts":{"8080/tcp":{}}}"#,
        r#"{"ExposedPorts":{"80/tcp":{}}}"#,
        // A range of which some are kept out.
        (r#"{"ExposedPorts":{"1000-2000":{}}}"#, false),
    ),
    (
        "port.protocol",
        "ExposedPorts: { keys: { protocol: tcp } }",
        r#"{"ExposedPorts":{"53":{},"54/TCP":{}}}"#,
        r#"{"ExposedPorts":{"53/udp":{}}}"#,
        ("{}", true),
    ),
    (
        "device-cgroup-rule.type",
        "HostConfig: { DeviceCgroupRules: { each: { type: c, major: 1, minor: { max: 9 }, access: { subset: [r, w] } } } }",
        r#"{"HostConfig":{"DeviceCgroupRules":["c 1:3 rw"]}}"#,
        r#"{"HostConfig":{"DeviceCgroupRules":["b 1:3 rw"]}}"#,
        (
            r#"{"HostConfig":{"DeviceCgroupRules":["a 1:3 rw"]}}"#,
            false,
        ),
    ),
    (
        "device-cgroup-rule.type",
        "HostConfig: { DeviceCgroupRules: { each: { type: { not: b }, major: any, minor: any, access: any } } }",
        r#"{"HostConfig":{"DeviceCgroupRules":["c *:* rwm"]}}"#,
        r#"{"HostConfig":{"DeviceCgroupRules":["b 8:0 r"]}}"#,
        (
            r#"{"HostConfig":{"DeviceCgroupRules":["a *:* rwm"]}}"#,
            false,
        ),
    ),
    (
        "device-cgroup-rule.major",
        "HostConfig: { DeviceCgroupRules: { each: { type: any, major: { not: 8 }, minor: any, access: any } } }",
        r#"{"HostConfig":{"DeviceCgroupRules":["c 188:0 rwm"]}}"#,
        r#"{"HostConfig":{"DeviceCgroupRules":["b 008:0 r"]}}"#,
        (r#"{"HostConfig":{"DeviceCgroupRules":["b *:0 r"]}}"#, false),
    ),
    (
        "device-cgroup-rule.minor",
        "HostConfig: { DeviceCgroupRules: { each: { type: c, major: 188, minor: { min: 0, max: 3 }, access: any } } }",
        r#"{"HostConfig":{"DeviceCgroupRules":["c 188:3 m"]}}"#,
        r#"{"HostConfig":{"DeviceCgroupRules":["c 188:4 r"]}}"#,
        (
            r#"{"HostConfig":{"DeviceCgroupRules":["c 188:* r"]}}"#,
            false,
        ),
    ),
    (
        "device-cgroup-rule.access",
        "HostConfig: { DeviceCgroupRules: { each: { type: c, major: 188, minor: any } } }",
        r#"{"HostConfig":{"DeviceCgroupRules":[]}}"#,
        r#"{"HostConfig":{"DeviceCgroupRules":["c 188:0 r"]}}"#,
        ("{}", true),
    ),
    (
        "tmpfs-options.size",
        "HostConfig: { Tmpfs: { keys: { under: /tmp }, values: { size: { max: 64m } } } }",
        r#"{"HostConfig":{"Tmpfs":{"/tmp/a":"size=64m,ro"}}}"#,
        r#"{"HostConfig":{"Tmpfs":{"/tmp/a":"size=65m"}}}"#,
        // Without a size it is half of the memory, and a share is no number.
        (r#"{"HostConfig":{"Tmpfs":{"/tmp/a":"size=1%"}}}"#, false),
    ),
    (
        "tmpfs-options.exec",
        "HostConfig: { Tmpfs: { keys: any, values: { exec: any } } }",
        r#"{"HostConfig":{"Tmpfs":{"/a":"exec,size=1g"}}}"#,
        r#"{"HostConfig":{"Tmpfs":{"/a":"exec,suid"}}}"#,
        (r#"{"HostConfig":{"Tmpfs":{"/a":"suid,nosuid"}}}"#, true),
    ),
    (
        "tmpfs-options.dev",
        "HostConfig: { Tmpfs: { keys: any } }",
        r#"{"HostConfig":{"Tmpfs":{"/a":"","/b":"size=1g,mode=1777,noexec"}}}"#,
        r#"{"HostConfig":{"Tmpfs":{"/a":"","/b":"dev"}}}"#,
        (r#"{"HostConfig":{"Tmpfs":{"/a":"rshared"}}}"#, false),
    ),
];

#[test]
fn each_matcher_allows_refuses_and_has_an_edge() {
    for (name, rule, fits, fits_not, (edge, edge_fits)) in MATCHERS.iter().chain(PARTS) {
        let rule = format!("{{ body: {{ {rule} }} }}");
        for (body, expected) in [(fits, true), (fits_not, false), (edge, *edge_fits)] {
            let judged = judge(&rule, body);
            assert_eq!(
                judged.is_ok(),
                expected,
                "{name}: {body} under {rule}: {judged:?}"
            );
        }
    }
}

#[test]
fn each_matcher_has_cases_and_is_documented() {
    let page = include_str!("../../../docs/policies.md");
    for word in KEYWORDS.iter().chain(REWRITES) {
        assert!(
            page.contains(&format!("`{word}`")) || page.contains(&format!("`{word}:")),
            "{word}"
        );
    }
    // What stands for a list of values is none of its own.
    for word in KEYWORDS.iter().filter(|word| **word != "list") {
        assert!(
            MATCHERS.iter().any(|case| case.0 == *word),
            "{word} has no case"
        );
    }
}

#[test]
fn all_addresses_are_all_addresses_however_they_are_written() {
    let rule = "{ body: { HostConfig: { PortBindings: { keys: any, values: { each: { HostIp: { not: 0.0.0.0 }, HostPort: any } } } } } }";
    let ask = |ip: &str| {
        let body = format!(
            r#"{{"HostConfig":{{"PortBindings":{{"80/tcp":[{{"HostIp":"{ip}","HostPort":"80"}}]}}}}}}"#
        );
        judge(rule, &body)
    };
    assert_eq!(ask("127.0.0.1"), Ok(()));
    for all in ["", "0.0.0.0", "::", "::ffff:0.0.0.0"] {
        assert!(ask(all).is_err(), "{all}");
    }
}

#[test]
fn naming_a_part_of_an_element_in_order_opens_that_part_alone() {
    let ask = |rule: &str, bind: &str| {
        let rule = format!("{{ body: {{ HostConfig: {{ Binds: {rule} }} }} }}");
        judge(
            &rule,
            &format!(r#"{{"HostConfig":{{"Binds":["{bind}"]}}}}"#),
        )
    };
    for rule in [
        "{ equal: [{ source: /srv }] }",
        "{ any_of: [{ equal: [{ source: /srv }] }, { each: { source: /x } }] }",
        "{ starts_with: [{ source: /srv }], each: { source: /srv } }",
    ] {
        assert_eq!(ask(rule, "/srv:/a"), Ok(()), "{rule}");
        assert_eq!(ask(rule, "/srv:/a:ro"), Ok(()), "{rule}");
        for more in ["/srv:/a:rshared", "/srv:/a:z", "/etc:/a", "name:/a"] {
            assert!(ask(rule, more).is_err(), "{rule} {more}");
        }
    }
    // A part that is named is open.
    let rule = "{ equal: [{ source: /srv, propagation: rshared }] }";
    assert_eq!(ask(rule, "/srv:/a:rshared"), Ok(()));
}

#[test]
fn naming_a_field_of_an_element_in_order_opens_that_field_alone() {
    let rule = "{ body: { HostConfig: { Mounts: { equal: [{ Type: bind, Source: /srv }] } } } }";
    let ask = |more: &str| {
        let mount = format!(r#"{{"Type":"bind","Source":"/srv","Target":"/a"{more}}}"#);
        judge(rule, &format!(r#"{{"HostConfig":{{"Mounts":[{mount}]}}}}"#))
    };
    assert_eq!(ask(""), Ok(()));
    assert!(ask(r#","BindOptions":{"Propagation":"rshared"}"#).is_err());
}

#[test]
fn namespaces_that_no_container_shares_are_words() {
    for field in ["UTSMode", "UsernsMode", "CgroupnsMode"] {
        let ask = |rule: &str, value: &str| {
            let rule = format!("{{ body: {{ HostConfig: {{ {field}: {rule} }} }} }}");
            judge(
                &rule,
                &format!(r#"{{"HostConfig":{{"{field}":"{value}"}}}}"#),
            )
        };
        assert_eq!(ask("host", "host"), Ok(()));
        assert!(ask("{ not: host }", "host").is_err());
        // What the daemon takes for nothing is known of the first two.
        assert_eq!(ask("{ not: host }", "").is_ok(), field != "CgroupnsMode");
    }
}

#[test]
fn what_another_container_has_may_be_what_is_kept_out() {
    for (field, mode) in [
        ("NetworkMode", "host"),
        ("PidMode", "host"),
        ("IpcMode", "shareable"),
    ] {
        let ask = |rule: &str, value: &str| {
            let rule = format!("{{ body: {{ HostConfig: {{ {field}: {rule} }} }} }}");
            judge(
                &rule,
                &format!(r#"{{"HostConfig":{{"{field}":"{value}"}}}}"#),
            )
        };
        let not = format!("{{ not: {mode} }}");
        assert!(ask(&not, mode).is_err());
        let refused =
            format!("body.HostConfig.{field}=container:x must not be {mode}, and could be");
        assert_eq!(ask(&not, "container:x"), Err(refused));
        assert!(ask("{ mode: { not: host } }", "container:x").is_err());
        assert_eq!(ask(&not, if mode == "host" { "" } else { "host" }), Ok(()));
        assert_eq!(ask("{ mode: container }", "container:x"), Ok(()));
        let both = format!("{{ any_of: [ {not}, {{ mode: container }} ] }}");
        assert_eq!(ask(&both, "container:x"), Ok(()));
        assert!(ask(&both, mode).is_err());
    }
    for rule in [
        "{ networks: { each: { not: host } } }",
        "{ networks: { each: { not: { mode: host } } } }",
        "{ networks: { each: { mode: [default, network] } } }",
        "{ networks: { not: { contains: host } } }",
    ] {
        let ask = |mode: &str| {
            let body = format!(
                r#"{{"HostConfig":{{"NetworkMode":"{mode}"}},"NetworkingConfig":{{"EndpointsConfig":{{"my-ci":{{}}}}}}}}"#
            );
            judge(rule, &body)
        };
        assert_eq!(ask("my-ci"), Ok(()), "{rule}");
        assert!(
            ask("host").is_err() && ask("container:x").is_err(),
            "{rule}"
        );
    }
    // No network by the mode is none by the endpoints.
    let rule = "{ body: { HostConfig: { NetworkMode: { mode: none } } } }";
    let body = r#"{"HostConfig":{"NetworkMode":"none"},"NetworkingConfig":{"EndpointsConfig":{"bridge":{}}}}"#;
    assert!(judge(rule, body).is_err());
}

#[test]
fn what_may_be_kept_out_is_kept_out() {
    let ask = |rule: &str, body: &str| judge(&format!("{{ body: {{ {rule} }} }}"), body);
    let user = |rule: &str, user: &str| ask(rule, &format!(r#"{{"User":"{user}"}}"#));
    for root in ["root", "0"] {
        let not = format!("User: {{ not: {root} }}");
        assert_eq!(user(&not, "1000"), Ok(()));
        // An image can call anybody by any name.
        for refused in ["root", "0", "00", "toor", "app", "app:1000", ""] {
            assert!(user(&not, refused).is_err(), "{not} {refused}");
        }
    }
    assert_eq!(
        user("User: { not: root }", "app"),
        Err("body.User must not be root, and could be".to_owned())
    );
    assert_eq!(user("User: app", "app"), Ok(()));
    // A name keeps out that name alone.
    assert!(user("User: app", "1000").is_err());
    assert_eq!(user("User: { not: app }", "1000"), Ok(()));
    let bind = |rule: &str, source: &str| {
        let rule = format!("HostConfig: {{ Binds: {{ each: {{ source: {rule} }} }} }}");
        ask(
            &rule,
            &format!(r#"{{"HostConfig":{{"Binds":["{source}:/x"]}}}}"#),
        )
    };
    assert_eq!(bind("{ not: { under: /home } }", "/srv"), Ok(()));
    for refused in ["/", "/home", "/home/ada"] {
        assert!(
            bind("{ not: { under: /home } }", refused).is_err(),
            "{refused}"
        );
    }
    assert!(
        bind("{ under: /home }", "/").is_err() && bind("{ not: /run/x.sock }", "/run").is_err()
    );
    assert_eq!(bind("{ not: /run/x.sock }", "/run/y"), Ok(()));
    assert!(
        ask(
            "Image: { not: { image: alpine } }",
            r#"{"Image":"sha256:0123"}"#
        )
        .is_err()
    );
}

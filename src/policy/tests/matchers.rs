//! Each matcher: a value that fits, one that does not, and one at the edge.

use super::*;

/// Creates a container under one rule and gives the reason of a refusal, without
/// what every reason begins and ends with.
pub(super) fn judge(rule: &str, body: &str) -> Result<(), String> {
    ask(
        &format!("ContainerCreate: {rule}"),
        "POST",
        "/v1.51/containers/create",
        body,
    )
}

/// The same for any operation.
pub(super) fn ask(rule: &str, method: &str, target: &str, body: &str) -> Result<(), String> {
    let policies = policies(&format!("{{ allow: [ {rule} ] }}"));
    match decide(&policies, method, target, body) {
        Ok(_) => Ok(()),
        Err(message) => {
            let reason = message.split_once("client me: ").unwrap().1;
            Err(reason.replace(" (test.yaml:8)", ""))
        }
    }
}

/// Host configurations that fit a condition on `HostConfig`, and those that do
/// not, with the reason.
fn host(condition: &str, fit: &[&str], refused: &[(&str, &str)]) {
    let rule = format!("{{ body: {{ HostConfig: {condition} }} }}");
    for host_config in fit {
        let body = format!(r#"{{"Image":"a","HostConfig":{host_config}}}"#);
        assert_eq!(judge(&rule, &body), Ok(()), "{condition} {host_config}");
    }
    for (host_config, reason) in refused {
        let body = format!(r#"{{"Image":"a","HostConfig":{host_config}}}"#);
        let expected = Err(format!("body.HostConfig.{reason}"));
        assert_eq!(judge(&rule, &body), expected, "{condition} {host_config}");
    }
}

#[test]
fn equal_means_equal_in_effect() {
    host(
        "{ Memory: 1GiB }",
        &[r#"{"Memory":1073741824}"#],
        &[
            (r#"{"Memory":1}"#, "Memory=1 must be 1GiB"),
            (r#"{"Memory":0}"#, "Memory=0 (no limit) must be 1GiB"),
            ("{}", "Memory (absent: no limit) must be 1GiB"),
        ],
    );
    // No limit is no limit, however it is written.
    host(
        "{ PidsLimit: 0 }",
        &[
            "{}",
            r#"{"PidsLimit":0}"#,
            r#"{"PidsLimit":-1}"#,
            r#"{"PidsLimit":null}"#,
        ],
        &[(r#"{"PidsLimit":1}"#, "PidsLimit=1 must be 0")],
    );
    // A default is the value that it stands for.
    host(
        "{ NetworkMode: default }",
        &[
            "{}",
            r#"{"NetworkMode":""}"#,
            r#"{"NetworkMode":"default"}"#,
        ],
        &[(
            r#"{"NetworkMode":"none"}"#,
            "NetworkMode=none must be default",
        )],
    );
    host(
        "{ Init: true }",
        &[r#"{"Init":true}"#],
        &[("{}", "Init (absent: the daemon's setting) must be true")],
    );
}

#[test]
fn one_of_a_list_is_enough() {
    host(
        "{ RestartPolicy: { Name: [no, on-failure] } }",
        &[
            "{}",
            r#"{"RestartPolicy":{"Name":"on-failure"}}"#,
            r#"{"RestartPolicy":{"Name":""}}"#,
        ],
        &[(
            r#"{"RestartPolicy":{"Name":"always"}}"#,
            "RestartPolicy.Name=always must be no or on-failure",
        )],
    );
}

#[test]
fn ranges_take_units_and_no_limit_is_more_than_any() {
    host(
        "{ Memory: { min: 4m, max: 2GiB } }",
        &[r#"{"Memory":2147483648}"#, r#"{"Memory":4194304}"#],
        &[
            (
                r#"{"Memory":2147483649}"#,
                "Memory=2147483649 must be from 4MiB to 2GiB",
            ),
            (
                r#"{"Memory":4194303}"#,
                "Memory=4194303 must be from 4MiB to 2GiB",
            ),
            (
                r#"{"Memory":-1}"#,
                "Memory=-1 (no limit) must be from 4MiB to 2GiB",
            ),
            ("{}", "Memory (absent: no limit) must be from 4MiB to 2GiB"),
        ],
    );
    // Without a least value, less than nothing is not within.
    host(
        "{ OomScoreAdj: { max: 500 } }",
        &[r#"{"OomScoreAdj":500}"#, r#"{"OomScoreAdj":0}"#, "{}"],
        &[(
            r#"{"OomScoreAdj":-1}"#,
            "OomScoreAdj=-1 must be at most 500",
        )],
    );
    host(
        "{ OomScoreAdj: { min: -10, max: 500 } }",
        &[r#"{"OomScoreAdj":-10}"#],
        &[(
            r#"{"OomScoreAdj":-11}"#,
            "OomScoreAdj=-11 must be from -10 to 500",
        )],
    );
    host(
        "{ PidsLimit: { min: 10 } }",
        &["{}", r#"{"PidsLimit":10}"#],
        &[(r#"{"PidsLimit":9}"#, "PidsLimit=9 must be at least 10")],
    );
    // A default counts as what it is.
    host(
        "{ ShmSize: { max: 64MiB } }",
        &["{}", r#"{"ShmSize":67108864}"#],
        &[(
            r#"{"ShmSize":67108865}"#,
            "ShmSize=67108865 must be at most 64MiB",
        )],
    );
    let logs = "ContainerLogs: { query: { tail: { max: 1000 } } }";
    let get = |query: &str| {
        ask(
            logs,
            "GET",
            &format!("/v1.51/containers/x/logs?stdout=1&{query}"),
            "",
        )
    };
    assert_eq!(get("tail=1000"), Ok(()));
    assert_eq!(get("tail=0"), Ok(()));
    for query in ["", "tail=all", "tail=", "tail=1001", "tail=-1", "tail=x"] {
        assert!(get(query).is_err(), "{query}");
    }
}

#[test]
fn required_is_there_and_not_zero_and_absent_is_the_rest() {
    host(
        "{ Memory: required }",
        &[r#"{"Memory":1}"#],
        &[
            (r#"{"Memory":0}"#, "Memory=0 (no limit) must be set"),
            (
                r#"{"Memory":null}"#,
                "Memory (absent: no limit) must be set",
            ),
        ],
    );
    host(
        "{ CapDrop: { required: true } }",
        &[r#"{"CapDrop":["ALL"]}"#],
        &[
            (r#"{"CapDrop":[]}"#, "CapDrop must be set"),
            ("{}", "CapDrop (absent) must be set"),
        ],
    );
    host(
        "{ Memory: absent }",
        &["{}", r#"{"Memory":0}"#],
        &[(r#"{"Memory":1}"#, "Memory=1 must not be set")],
    );
    // `[]` and absence are two things here.
    host(
        "{ MaskedPaths: required }",
        &[r#"{"MaskedPaths":[]}"#],
        &[(
            "{}",
            "MaskedPaths (absent: the Engine's own list) must be set",
        )],
    );
    // Inside of a map a list without elements is nothing.
    let ports = |value: &str| format!(r#"{{"PortBindings":{{"80/tcp":{value}}}}}"#);
    let bound = ports(r#"[{"HostPort":"8080"}]"#);
    for (rule, message) in [
        (
            "{ PortBindings: { all_of: [any, { contains: { 80/tcp: required } }] } }",
            "PortBindings must have a fitting `80/tcp`",
        ),
        (
            "{ PortBindings: { all_of: [any, { values: { required: true } }] } }",
            "PortBindings{} must be set",
        ),
    ] {
        host(rule, &[&bound], &[(&ports("[]"), message)]);
    }
    host(
        "{ PortBindings: { all_of: [any, { values: absent }] } }",
        &[&ports("[]")],
        &[(&bound, "PortBindings{} must not be set")],
    );
}

#[test]
fn paths_are_below_a_root_by_whole_components() {
    host(
        "{ Mounts: { each: { Type: bind, Source: { under: [/srv/builds, /tmp/x/] } } } }",
        &[
            r#"{"Mounts":[{"Type":"bind","Source":"/srv/builds","Target":"/a"}]}"#,
            r#"{"Mounts":[{"Type":"bind","Source":"/srv//builds/./x/","Target":"/a"}]}"#,
            r#"{"Mounts":[{"Type":"bind","Source":"/tmp/x/y","Target":"/a"}]}"#,
            r#"{"Mounts":[]}"#,
            "{}",
        ],
        &[
            (
                r#"{"Mounts":[{"Type":"bind","Source":"/srv/builds2","Target":"/a"}]}"#,
                "Mounts[].Source=/srv/builds2 must be a path below /srv/builds or /tmp/x",
            ),
            (
                r#"{"Mounts":[{"Type":"bind","Source":"/srv/builds/../../etc","Target":"/a"}]}"#,
                "Mounts[].Source=/etc must be a path below /srv/builds or /tmp/x",
            ),
            (
                r#"{"Mounts":[{"Type":"volume","Source":"srv","Target":"/a"}]}"#,
                "Mounts[].Type=volume must be bind",
            ),
        ],
    );
}

#[test]
fn forms_are_of_the_whole_text() {
    let rule = "{ query: { name: { glob: [ci-*, test-?] } } }";
    let named = |name: &str| {
        let policies = policies(&format!("{{ allow: [ ContainerCreate: {rule} ] }}"));
        let target = format!("/v1.51/containers/create?name={name}");
        decide(&policies, "POST", &target, r#"{"Image":"a"}"#).is_ok()
    };
    assert!(named("ci-1") && named("ci-a.b") && named("test-x"));
    assert!(!named("xci-1") && !named("test-xy") && !named("CI-1") && !named(""));
}

#[test]
fn images_are_judged_by_their_full_names() {
    let rule = "{ body: { Image: { image: [docker.io/library/*, ghcr.io/acme/**] } } }";
    let image = |image: &str| judge(rule, &format!(r#"{{"Image":"{image}"}}"#));
    for fits in [
        "alpine",
        "docker.io/alpine:3",
        "ghcr.io/acme/a/b",
        "library/alpine",
    ] {
        assert_eq!(image(fits), Ok(()), "{fits}");
    }
    assert_eq!(
        image("quay.io/acme/a"),
        Err("body.Image=quay.io/acme/a must be an image like docker.io/library/* or ghcr.io/acme/**".to_owned())
    );
    // What can be an id is one.
    assert!(image("abcdef").is_err());
    assert!(image("").is_err());
    let ids = "{ body: { Image: { image: { name: alpine, id: any } } } }";
    assert_eq!(judge(ids, r#"{"Image":"abcdef"}"#), Ok(()));
    let digest = "{ body: { Image: { image: { digest: required } } } }";
    assert!(judge(digest, r#"{"Image":"alpine:3"}"#).is_err());
}

#[test]
fn lists_are_judged_element_by_element() {
    host(
        "{ CapAdd: { subset: [NET_ADMIN, SYS_TIME] } }",
        &[
            "{}",
            r#"{"CapAdd":[]}"#,
            r#"{"CapAdd":["CAP_NET_ADMIN","sys_time"]}"#,
            r#"{"CapAdd":null}"#,
        ],
        &[(
            r#"{"CapAdd":["NET_ADMIN","SYS_ADMIN"]}"#,
            "CapAdd[] must be NET_ADMIN or SYS_TIME",
        )],
    );
    host(
        "{ CapDrop: { contains: ALL } }",
        &[r#"{"CapDrop":["all"]}"#, r#"{"CapDrop":["KILL","ALL"]}"#],
        &[
            (
                r#"{"CapDrop":["KILL"]}"#,
                "CapDrop must have an element that is ALL",
            ),
            ("{}", "CapDrop (absent) must have an element that is ALL"),
        ],
    );
    host(
        "{ Dns: { each: [10.0.0.1, \"fd00::1\"], max_items: 1 } }",
        &[r#"{"Dns":["10.0.0.1"]}"#, r#"{"Dns":["fd00:0::1"]}"#],
        &[
            (
                r#"{"Dns":["10.0.0.2"]}"#,
                "Dns[] must be 10.0.0.1 or fd00::1",
            ),
            (
                r#"{"Dns":["10.0.0.1","10.0.0.1"]}"#,
                "Dns must have at most 1 elements",
            ),
        ],
    );
    host(
        "{ CapAdd: { not: { contains: SYS_ADMIN } } }",
        &["{}", r#"{"CapAdd":["NET_ADMIN"]}"#],
        &[(
            r#"{"CapAdd":["cap_sys_admin"]}"#,
            "CapAdd must have no element that is SYS_ADMIN",
        )],
    );
}

#[test]
fn maps_are_judged_by_keys_and_values() {
    host(
        "{ Sysctls: { keys: [net.core.somaxconn], values: any } }",
        &[
            r#"{"Sysctls":{"net.core.somaxconn":"1"}}"#,
            r#"{"Sysctls":{"net/core/somaxconn":"1"}}"#,
        ],
        &[(
            r#"{"Sysctls":{"kernel.domainname":"x"}}"#,
            "Sysctls each key must be net.core.somaxconn",
        )],
    );
    let labels = "{ body: { Labels: { contains: { owner: [ci, test] } } } }";
    assert_eq!(
        judge(labels, r#"{"Image":"a","Labels":{"owner":"ci","x":"y"}}"#),
        Ok(())
    );
    assert!(judge(labels, r#"{"Image":"a","Labels":{"Owner":"ci"}}"#).is_err());
    assert!(judge(labels, r#"{"Image":"a","Labels":{"owner":"x"}}"#).is_err());
    assert!(judge(labels, r#"{"Image":"a"}"#).is_err());
    let ports = "{ PortBindings: { keys: [80/tcp], values: { each: { HostIp: 127.0.0.1, HostPort: { min: 8000, max: 8010 } } } } }";
    host(
        ports,
        &[
            r#"{"PortBindings":{"80":[{"HostIp":"127.0.0.1","HostPort":"8000"}]}}"#,
            r#"{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8000-8010"}]}}"#,
        ],
        &[
            (
                r#"{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8005-8011"}]}}"#,
                "PortBindings{}[].HostPort must be from 8000 to 8010",
            ),
            (
                r#"{"PortBindings":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8000"}]}}"#,
                "PortBindings{}[].HostIp must be 127.0.0.1",
            ),
            (
                r#"{"PortBindings":{"80/tcp":[{"HostPort":"8000"}]}}"#,
                "PortBindings{}[].HostIp (absent: 0.0.0.0) must be 127.0.0.1",
            ),
            (
                r#"{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1"}]}}"#,
                "PortBindings{}[].HostPort (absent: 0) must be from 8000 to 8010",
            ),
            (
                r#"{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"0"}]}}"#,
                "PortBindings{}[].HostPort must be from 8000 to 8010",
            ),
            (
                r#"{"PortBindings":{"81/tcp":[{"HostIp":"127.0.0.1","HostPort":"8000"}]}}"#,
                "PortBindings each key must be 80/tcp",
            ),
        ],
    );
}

#[test]
fn any_port_is_below_no_bound() {
    host(
        "{ PortBindings: { keys: any, values: { each: { HostIp: 127.0.0.1, HostPort: { max: 9000 } } } } }",
        &[r#"{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"80"}]}}"#],
        &[
            (
                r#"{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"0"}]}}"#,
                "PortBindings{}[].HostPort must be at most 9000",
            ),
            (
                r#"{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1"}]}}"#,
                "PortBindings{}[].HostPort (absent: 0) must be at most 9000",
            ),
        ],
    );
}

#[test]
fn users_are_the_same_by_number_and_by_name_of_root() {
    let user = |condition: &str, user: &str| {
        let rule = format!("{{ body: {{ User: {condition} }} }}");
        judge(&rule, &format!(r#"{{"Image":"a","User":"{user}"}}"#)).is_ok()
    };
    assert!(user("\"1000:1000\"", "1000:1000") && user("\"1000:1000\"", "01000:+1000"));
    // The group that the image gives, or another one, is not the same.
    assert!(!user("\"1000:1000\"", "1000") && !user("\"1000\"", "1000:0"));
    assert!(user("{ not: root }", "1000"));
    for root in ["root", "0", "00", "+0", ":0", "0:1000", ""] {
        assert!(!user("{ not: root }", root), "{root}");
    }
}

#[test]
fn the_images_own_satisfies_no_value_and_fails_not() {
    let rule = "{ body: { User: { not: root } } }";
    assert_eq!(
        judge(rule, r#"{"Image":"a"}"#),
        Err("body.User (absent: the image's own) must not be root".to_owned())
    );
    assert_eq!(
        judge("{ body: { User: absent } }", r#"{"Image":"a"}"#),
        Ok(())
    );
}

#[test]
fn all_of_and_any_of_combine() {
    host(
        "{ Memory: { any_of: [ { max: 1m }, { equal: 1g } ] } }",
        &[r#"{"Memory":1073741824}"#, r#"{"Memory":5}"#],
        &[(
            r#"{"Memory":1048577}"#,
            "Memory=1048577 must be at most 1MiB, or must be 1g",
        )],
    );
    host(
        "{ Memory: { all_of: [ required, { max: 1m } ] } }",
        &[r#"{"Memory":5}"#],
        &[("{}", "Memory (absent: no limit) must be set")],
    );
    // One branch must pass as a whole, guarded fields and all.
    host(
        "{ Mounts: { each: { any_of: [ { Type: volume, Source: absent }, { Type: bind, Source: { under: /srv } } ] } } }",
        &[
            r#"{"Mounts":[{"Type":"volume","Target":"/a"},{"Type":"bind","Source":"/srv/x","Target":"/b"}]}"#,
        ],
        &[(
            r#"{"Mounts":[{"Type":"volume","Source":"x","Target":"/a"}]}"#,
            "Mounts[] must have parts that it lacks, or must have parts that it lacks",
        )],
    );
}

#[test]
fn what_an_update_leaves_alone_is_no_matter_of_its_conditions() {
    let rule = "ContainerUpdate: { body: { Memory: { max: 1g }, PidsLimit: { max: 100 } } }";
    let update = |body: &str| ask(rule, "POST", "/v1.51/containers/x/update", body);
    assert_eq!(update(r#"{"CpuShares":5}"#), Ok(()));
    assert_eq!(update(r#"{"Memory":1024,"PidsLimit":100}"#), Ok(()));
    assert!(update(r#"{"Memory":2147483648}"#).is_err());
    assert!(update(r#"{"Memory":-1}"#).is_err());
    // Here zero is no limit, and absence is not.
    assert!(update(r#"{"PidsLimit":0}"#).is_err());
    assert!(update(r#"{"PidsLimit":-1}"#).is_err());
    let required = "ContainerUpdate: { body: { Memory: required } }";
    assert!(ask(required, "POST", "/v1.51/containers/x/update", "{}").is_err());
}

#[test]
fn what_is_on_unless_it_is_switched_off_has_two_values() {
    let stats = |value: &str, query: &str| {
        let rule = format!("ContainerStats: {{ query: {{ stream: {value} }} }}");
        ask(
            &rule,
            "GET",
            &format!("/v1.51/containers/x/stats{query}"),
            "",
        )
    };
    for off in ["?stream=0", "?stream=false", "?stream="] {
        assert_eq!(stats("false", off), Ok(()), "{off}");
        assert!(stats("true", off).is_err(), "{off}");
    }
    for on in ["", "?stream=1", "?one-shot=1"] {
        assert!(stats("false", on).is_err(), "{on}");
        assert_eq!(stats("true", on), Ok(()), "{on}");
    }
    // An empty value is none at all here.
    let build = |value: &str, query: &str| {
        let rule = format!("ImageBuild: {{ query: {{ rm: {value} }} }}");
        ask(&rule, "POST", &format!("/v1.51/build{query}"), "")
    };
    for (query, on) in [
        ("", true),
        ("?rm=", true),
        ("?rm=1", true),
        ("?rm=0", false),
    ] {
        assert_eq!(build("true", query).is_ok(), on, "{query}");
        assert_eq!(build("false", query).is_ok(), !on, "{query}");
    }
}

#[test]
fn parameters_are_matched_as_fields_are() {
    let logs = "ContainerLogs: { query: { follow: false, since: absent } }";
    let get = |query: &str| {
        ask(
            logs,
            "GET",
            &format!("/v1.51/containers/x/logs?stdout=1{query}"),
            "",
        )
    };
    assert_eq!(get(""), Ok(()));
    assert_eq!(get("&follow=0"), Ok(()));
    assert_eq!(
        get("&follow=1"),
        Err("query.follow=true must be false".to_owned())
    );
    assert!(get("&since=5").is_err());
    let kill = "ContainerKill: { query: { signal: [HUP, USR1] } }";
    let kill = |query: &str| {
        ask(
            kill,
            "POST",
            &format!("/v1.51/containers/x/kill{query}"),
            "",
        )
    };
    for fits in ["?signal=HUP", "?signal=SIGHUP", "?signal=hup"] {
        assert_eq!(kill(fits), Ok(()), "{fits}");
    }
    for refused in ["", "?signal=", "?signal=KILL", "?signal=9"] {
        assert!(kill(refused).is_err(), "{refused}");
    }
    let list = |filters: &str| {
        let rule =
            "ContainerList: { query: { filters: { contains: { label: { contains: app=x } } } } }";
        let target = format!("/v1.51/containers/json?filters={filters}");
        ask(rule, "GET", &target, "").is_ok()
    };
    assert!(list("%7B%22label%22:%5B%22app=x%22%5D%7D"));
    assert!(list("%7B%22label%22:%7B%22app=x%22:true%7D%7D"));
    assert!(!list("%7B%22label%22:%5B%22app=y%22%5D%7D") && !list("") && !list("%7B%7D"));
    let auth = "ImagePull: { header: { X-Registry-Auth: { serveraddress: ghcr.io } } }";
    assert!(ask(auth, "POST", "/v1.51/images/create?fromImage=a&tag=b", "").is_err());
}

//! Derived fields: what several fields say together.

use super::matchers::{ask, judge};

fn mounts(rule: &str, host_config: &str) -> Result<(), String> {
    let rule = format!("{{ mounts: {rule} }}");
    judge(
        &rule,
        &format!(r#"{{"Image":"a","HostConfig":{host_config}}}"#),
    )
}

#[test]
fn mounts_are_binds_and_mounts_and_the_volumes_of_others() {
    let rule = "{ each: { source: { under: [/srv/builds] } } }";
    assert_eq!(mounts(rule, r#"{"Binds":["/srv/builds/x:/a:ro"]}"#), Ok(()));
    assert_eq!(
        mounts(
            rule,
            r#"{"Mounts":[{"Type":"bind","Source":"/srv/builds","Target":"/a"}]}"#
        ),
        Ok(())
    );
    assert_eq!(mounts(rule, "{}"), Ok(()));
    assert_eq!(
        mounts(rule, r#"{"Binds":["/srv/builds:/a","/:/b"]}"#),
        Err("mounts[].source=/ must be a path below /srv/builds".to_owned())
    );
    for refused in [
        r#"{"Mounts":[{"Type":"bind","Source":"/etc","Target":"/a"}]}"#,
        r#"{"Mounts":[{"Type":"volume","Source":"x","Target":"/a"}]}"#,
        r#"{"Mounts":[{"Type":"tmpfs","Target":"/a"}]}"#,
        r#"{"Mounts":[{"Type":"image","Source":"/srv/builds","Target":"/a"}]}"#,
        r#"{"VolumesFrom":["x1"]}"#,
        r#"{"Binds":["named:/a"]}"#,
    ] {
        assert!(mounts(rule, refused).is_err(), "{refused}");
    }
    // Neither propagation nor relabelling is named.
    assert!(mounts(rule, r#"{"Binds":["/srv/builds:/a:rshared"]}"#).is_err());
    assert!(mounts(rule, r#"{"Binds":["/srv/builds:/a:z"]}"#).is_err());
    assert!(
        mounts(
            rule,
            r#"{"Mounts":[{"Type":"bind","Source":"/srv/builds","Target":"/a","BindOptions":{"Propagation":"shared"}}]}"#
        )
        .is_err()
    );
    // What the derived field does not stand for stays guarded by itself.
    assert!(
        mounts(
            rule,
            r#"{"Mounts":[{"Type":"bind","Source":"/srv/builds","Target":"/a","BindOptions":{"CreateMountpoint":true}}]}"#
        )
        .is_err()
    );
}

#[test]
fn mounts_may_be_of_several_kinds() {
    let rule = "{ each: { any_of: [ { source: { under: /srv } }, { volume: { glob: ci_* } }, { type: tmpfs } ] } }";
    for fits in [
        r#"{"Binds":["/srv/x:/a","ci_cache:/b"]}"#,
        r#"{"Mounts":[{"Type":"volume","Source":"ci_x","Target":"/a"},{"Type":"tmpfs","Target":"/b"}]}"#,
    ] {
        assert_eq!(mounts(rule, fits), Ok(()), "{fits}");
    }
    for refused in [
        r#"{"Binds":["other:/b"]}"#,
        r#"{"Binds":["/etc:/b"]}"#,
        r#"{"Mounts":[{"Type":"volume","Source":"ci_x","Target":"/a","VolumeOptions":{"DriverConfig":{"Options":{"device":"/","o":"bind"}}}}]}"#,
    ] {
        assert!(mounts(rule, refused).is_err(), "{refused}");
    }
}

#[test]
fn networks_are_the_mode_and_all_endpoints() {
    let networks = |rule: &str, mode: &str, endpoints: &str| {
        judge(
            rule,
            &format!(
                r#"{{"Image":"a","HostConfig":{{"NetworkMode":"{mode}"}},"NetworkingConfig":{{"EndpointsConfig":{endpoints}}}}}"#
            ),
        )
    };
    let rule = "{ networks: { subset: [default, bridge, my-ci] } }";
    assert_eq!(networks(rule, "my-ci", r#"{"my-ci":{}}"#), Ok(()));
    assert_eq!(networks(rule, "", "{}"), Ok(()));
    assert_eq!(
        networks(rule, "bridge", r#"{"other":{}}"#),
        Err("networks[]=other must be one of default, bridge, my-ci".to_owned())
    );
    assert!(networks(rule, "host", "{}").is_err());
    assert!(networks(rule, "container:x1", "{}").is_err());
    // An address on the network is another matter.
    assert!(
        networks(
            rule,
            "my-ci",
            r#"{"my-ci":{"IPAMConfig":{"IPv4Address":"10.0.0.9"}}}"#
        )
        .is_err()
    );
    // Who asks for no network gets none by the other door either.
    for rule in [
        "{ networks: { subset: [none] } }",
        "{ body: { HostConfig: { NetworkMode: none } } }",
    ] {
        assert_eq!(networks(rule, "none", "{}"), Ok(()));
        assert_eq!(networks(rule, "none", r#"{"none":{}}"#), Ok(()));
        assert!(
            networks(rule, "none", r#"{"bridge":{}}"#).is_err(),
            "{rule}"
        );
    }
    let rule = "{ body: { HostConfig: { NetworkMode: my-ci } } }";
    assert_eq!(networks(rule, "my-ci", r#"{"my-ci":{}}"#), Ok(()));
}

#[test]
fn a_reference_is_name_and_tag_together() {
    let rule =
        "ImagePull: { reference: { image: [docker.io/library/*, \"ghcr.io/acme/app:1.*\"] } }";
    let pull = |query: &str| ask(rule, "POST", &format!("/v1.51/images/create?{query}"), "");
    for fits in [
        "fromImage=alpine&tag=3",
        "fromImage=alpine:3",
        "fromImage=ghcr.io/acme/app&tag=1.2",
        "fromImage=ghcr.io/acme/app:2&tag=1.2",
    ] {
        assert_eq!(pull(fits), Ok(()), "{fits}");
    }
    for refused in [
        // All tags at once.
        "fromImage=alpine",
        "fromImage=ghcr.io/acme/app:1.2&tag=2",
        "fromImage=ghcr.io/acme/app&tag=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "fromImage=evil.example.net/alpine&tag=3",
        // The digest counts, not the tag beside it.
        "fromImage=ghcr.io/acme/app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef&tag=1.2",
    ] {
        assert!(pull(refused).is_err(), "{refused}");
    }
    let push = "ImagePush: { reference: { image: { name: ghcr.io/acme/*, all_tags: any } } }";
    let push = |target: &str| ask(push, "POST", &format!("/v1.51/images/{target}/push"), "");
    assert_eq!(push("ghcr.io/acme/app"), Ok(()));
    assert!(push("acme/app").is_err());
    let tag = "ImageTag: { reference: { image: \"acme/*:latest\" } }";
    let tag = |query: &str| ask(tag, "POST", &format!("/v1.51/images/x/tag?{query}"), "");
    assert_eq!(tag("repo=acme/app"), Ok(()));
    assert_eq!(tag("repo=acme/app&tag=latest"), Ok(()));
    assert!(tag("repo=acme/app&tag=1").is_err() && tag("repo=alpine").is_err());
}

#[test]
fn cpus_are_all_that_limits_them() {
    let create = |rule: &str, limits: &str| {
        judge(
            rule,
            &format!(r#"{{"Image":"a","HostConfig":{{{limits}}}}}"#),
        )
    };
    let rule = "{ cpus: { max: 1.5 } }";
    for fits in [
        r#""NanoCpus":1500000000"#,
        r#""CpuQuota":150000"#,
        r#""CpuQuota":150000,"CpuPeriod":0"#,
        r#""CpuQuota":1500,"CpuPeriod":1000"#,
        r#""CpuQuota":50000,"CpuPeriod":1000000,"CpuShares":512"#,
        r#""NanoCpus":1000000000,"CpuQuota":0"#,
    ] {
        assert_eq!(create(rule, fits), Ok(()), "{fits}");
    }
    for (refused, cpus) in [
        ("", " (absent: no limit)"),
        (r#""NanoCpus":0"#, " (absent: no limit)"),
        (r#""CpuShares":2"#, " (absent: no limit)"),
        (r#""CpuPeriod":1000000"#, " (absent: no limit)"),
        (r#""NanoCpus":1500000001"#, "=1.500000001"),
        (r#""NanoCpus":-1"#, " (no limit)"),
        (r#""NanoCpus":9999"#, " (no limit)"),
        (r#""CpuQuota":150001"#, "=1.50001"),
        (r#""CpuQuota":-1"#, " (no limit)"),
        (r#""CpuQuota":100000,"CpuPeriod":1000"#, "=100"),
        (r#""CpuQuota":100000,"CpuPeriod":-1"#, " (no limit)"),
        // A quota takes the place of what `NanoCpus` makes.
        (r#""NanoCpus":1000000000,"CpuQuota":-1"#, " (no limit)"),
        (r#""NanoCpus":1000000000,"CpuQuota":200000"#, "=2"),
        (r#""NanoCpus":1000000000,"CpuPeriod":1000"#, "=100"),
        (
            r#""CpuQuota":9223372036854775807,"CpuPeriod":1"#,
            " (no limit)",
        ),
    ] {
        let expected = Err(format!("cpus{cpus} must be at most 1.5"));
        assert_eq!(create(rule, refused), expected, "{refused}");
    }
    assert_eq!(create("{ cpus: 2 }", r#""CpuQuota":200000"#), Ok(()));
    assert!(create("{ cpus: required }", "").is_err());
    // A rule that admits listed fields only lists all three.
    let listed = "{ fields: listed, body: { Image: any }, cpus: { max: 2 } }";
    assert_eq!(
        create(listed, r#""CpuQuota":20000,"CpuPeriod":10000"#),
        Ok(())
    );
    assert!(create(listed, r#""CpuQuota":20000,"CpuShares":2"#).is_err());
}

#[test]
fn an_update_gives_cpus_or_leaves_them() {
    let rule = "ContainerUpdate: { cpus: { max: 2 } }";
    let update = |body: &str| ask(rule, "POST", "/v1.51/containers/x/update", body);
    for fits in [
        "{}",
        r#"{"Memory":5}"#,
        r#"{"CpuQuota":0}"#,
        r#"{"NanoCpus":2000000000}"#,
        r#"{"CpuQuota":200000,"CpuPeriod":100000}"#,
    ] {
        assert_eq!(update(fits), Ok(()), "{fits}");
    }
    for refused in [
        r#"{"NanoCpus":2000000001}"#,
        r#"{"CpuQuota":-1}"#,
        // What the container has beside it nobody knows here.
        r#"{"CpuQuota":1000}"#,
        r#"{"CpuPeriod":1000}"#,
        r#"{"NanoCpus":1,"CpuPeriod":1000}"#,
        r#"{"CpuQuota":200001,"CpuPeriod":100000}"#,
    ] {
        assert!(update(refused).is_err(), "{refused}");
    }
}

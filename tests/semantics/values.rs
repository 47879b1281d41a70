//! Values that the Engine matches more loosely than it looks.

use crate::requests::{create, post};

fn host(field: &str, value: &str) -> Result<String, String> {
    let body = create(format!(r#"{{"HostConfig":{{"{field}":{value}}}}}"#))?;
    let open = format!(r#"{{"HostConfig":{{"{field}":"#);
    Ok(body
        .strip_prefix(&open)
        .and_then(|rest| rest.strip_suffix("}}"))
        .unwrap()
        .to_owned())
}

#[test]
fn capabilities_are_ascii_and_known() {
    for (given, becomes) in [
        ("sys_admin", "SYS_ADMIN"),
        ("CAP_Net_Admin", "CAP_NET_ADMIN"),
        ("all", "ALL"),
    ] {
        assert_eq!(
            host("CapAdd", &format!(r#"["{given}"]"#)).unwrap(),
            format!(r#"["{becomes}"]"#)
        );
    }
    for given in [
        "\u{17f}y\u{17f}_adm\u{131}n",
        "CAP_ALL",
        "SYS_ADMIN ",
        "BOGUS",
        "",
    ] {
        assert!(
            host("CapAdd", &format!(r#"["{given}"]"#)).is_err(),
            "{given}"
        );
    }
}

#[test]
fn the_words_of_swarm_are_taken_in_any_ascii_case() {
    let mount = |kind: &str| {
        post(
            "/services/create",
            format!(r#"{{"TaskTemplate":{{"ContainerSpec":{{"Mounts":[{{"Type":"{kind}"}}]}}}}}}"#),
        )
    };
    assert!(mount("BIND").unwrap().body.contains(r#"{"Type":"bind"}"#));
    assert!(
        mount("Volume")
            .unwrap()
            .body
            .contains(r#"{"Type":"volume"}"#)
    );
    assert!(mount("b\u{131}nd").is_err());
    assert!(mount("bogus").is_err());
    let node = post("/nodes/a1/update?version=1", r#"{"Role":"MANAGER"}"#).unwrap();
    assert_eq!(node.body, r#"{"Role":"manager"}"#);
    assert!(post("/nodes/a1/update?version=1", r#"{"Role":"boss"}"#).is_err());
}

#[test]
fn the_words_of_containers_are_exact() {
    let mount = |kind: &str| host("Mounts", &format!(r#"[{{"Type":"{kind}"}}]"#));
    assert!(mount("bind").is_ok());
    for kind in ["BIND", "Bind", "bogus"] {
        assert!(mount(kind).is_err(), "{kind}");
    }
    for (field, good, bad) in [
        ("NetworkMode", "host", "HOST"),
        ("PidMode", "host", "private"),
        ("IpcMode", "shareable", "Host"),
        ("UTSMode", "host", "HOST"),
        ("UsernsMode", "host", "private"),
        ("CgroupnsMode", "private", "Private"),
        ("PidMode", "container:a1", "container:"),
    ] {
        assert!(host(field, &format!("{good:?}")).is_ok(), "{field} {good}");
        assert!(host(field, &format!("{bad:?}")).is_err(), "{field} {bad}");
        assert_eq!(host(field, r#""""#).unwrap(), r#""""#);
    }
}

#[test]
fn security_options_have_one_spelling() {
    assert_eq!(
        host(
            "SecurityOpt",
            r#"["no-new-privileges","apparmor:x","disable"]"#
        )
        .unwrap(),
        r#"["no-new-privileges=true","apparmor=x","label=disable"]"#
    );
    for option in [
        "Seccomp=unconfined",
        "systempaths=unconfined",
        " label=disable",
        "bogus",
    ] {
        assert!(
            host("SecurityOpt", &format!(r#"["{option}"]"#)).is_err(),
            "{option}"
        );
    }
}

#[test]
fn every_spelling_of_root_is_root() {
    for (given, becomes) in [
        ("0", "0"),
        ("00", "0"),
        ("+0", "0"),
        ("-0", "0"),
        ("root", "root"),
        ("0000:5", "0:5"),
    ] {
        assert_eq!(
            create(format!(r#"{{"User":"{given}"}}"#)).unwrap(),
            format!(r#"{{"User":"{becomes}"}}"#),
            "{given}"
        );
    }
}

#[test]
fn keys_of_sysctls_are_dotted() {
    assert_eq!(
        host("Sysctls", r#"{"net/ipv4/ip_forward":"1"}"#).unwrap(),
        r#"{"net.ipv4.ip_forward":"1"}"#
    );
    assert!(
        host(
            "Sysctls",
            r#"{"net/ipv4/ip_forward":"1","net.ipv4.ip_forward":"0"}"#
        )
        .is_err()
    );
}

#[test]
fn host_addresses_are_addresses() {
    let publish = |address: &str| {
        host(
            "PortBindings",
            &format!(r#"{{"80/tcp":[{{"HostIp":"{address}","HostPort":"80"}}]}}"#),
        )
    };
    for address in ["", "127.0.0.1", "::1", "0.0.0.0"] {
        assert!(publish(address).is_ok(), "{address}");
    }
    // The older Engines bind all interfaces for each of these.
    for address in [
        "127.1",
        "localhost",
        " 127.0.0.1",
        "0177.0.0.1",
        "127.0.0.1 ",
    ] {
        assert!(publish(address).is_err(), "{address}");
    }
    for port in ["+80", "80-", "a", "99999", "80:80"] {
        let bindings = format!(r#"{{"80/tcp":[{{"HostPort":"{port}"}}]}}"#);
        assert!(host("PortBindings", &bindings).is_err(), "{port}");
    }
}

#[test]
fn binds_are_read_into_their_parts() {
    for (given, becomes) in [
        ("/a/../etc:/x", "/etc:/x"),
        ("/srv:/x:ro,rshared", "/srv:/x:ro,rshared"),
        ("name:/x", "name:/x"),
        ("/x", "/x"),
    ] {
        assert_eq!(
            host("Binds", &format!(r#"["{given}"]"#)).unwrap(),
            format!(r#"["{becomes}"]"#)
        );
    }
    for bind in [
        "",
        "a:b:c:d",
        "./x:/y",
        "~/x:/y",
        "/x:y",
        "/x:/y:RO",
        "/x:/y:ro,rw",
        "/x:/y:bogus",
        "/x:/",
    ] {
        assert!(host("Binds", &format!(r#"["{bind}"]"#)).is_err(), "{bind}");
    }
}

#[test]
fn device_rules_have_the_engines_form() {
    assert!(host("DeviceCgroupRules", r#"["c 1:3 rwm"]"#).is_ok());
    for rule in ["A *:* rwm", "c 1:3  rwm", "c 1:3 rwx", "c 1:3", "c a:3 r"] {
        assert!(
            host("DeviceCgroupRules", &format!(r#"["{rule}"]"#)).is_err(),
            "{rule}"
        );
    }
}

#[test]
fn ports_are_numbers_with_a_protocol() {
    let expose = |port: &str| create(format!(r#"{{"ExposedPorts":{{"{port}":{{}}}}}}"#));
    assert_eq!(
        expose("80/TCP").unwrap(),
        r#"{"ExposedPorts":{"80/tcp":{}}}"#
    );
    for port in ["", "x", "99999/tcp", "+80", "80/bogus", "80/tcp/tcp", "-1"] {
        assert!(expose(port).is_err(), "{port}");
    }
}

#[test]
fn fields_that_the_description_names_wrongly_have_the_engines_names() {
    let body = r#"{"TaskTemplate":{"ContainerSpec":{"HealthCheck":{"Retries":1}},"PluginSpec":{"Name":"a"}}}"#;
    assert_eq!(
        post("/services/create", body).unwrap().body,
        r#"{"TaskTemplate":{"PluginSpec":{"name":"a"},"ContainerSpec":{"Healthcheck":{"Retries":1}}}}"#
    );
    // The description's name matches nothing in the Engine: the privileges would be lost.
    let lost = r#"{"TaskTemplate":{"PluginSpec":{"PluginPrivilege":[{"Name":"a"}]}}}"#;
    assert!(post("/services/create", lost).is_err());
    let volume =
        r#"{"ClusterVolumeSpec":{"Availability":"active","CapacityRange":{"RequiredBytes":1}}}"#;
    assert_eq!(
        post("/volumes/create", volume).unwrap().body,
        r#"{"ClusterVolumeSpec":{"CapacityRange":{"RequiredBytes":1},"Availability":"active"}}"#
    );
}

#[test]
fn a_body_has_so_many_values_at_most() {
    let mounts = format!(
        r#"{{"HostConfig":{{"Mounts":[{}]}}}}"#,
        vec!["{}"; 20_000].join(",")
    );
    assert!(
        create(mounts)
            .unwrap_err()
            .contains("makes it more than 65536 values")
    );
    let nulls: Vec<String> = (0..20_000).map(|n| format!("\"n{n}\":null")).collect();
    let endpoints = format!(
        r#"{{"NetworkingConfig":{{"EndpointsConfig":{{{}}}}}}}"#,
        nulls.join(",")
    );
    assert!(
        create(endpoints)
            .unwrap_err()
            .contains("makes it more than 65536 values")
    );
    let labels: Vec<String> = (0..10_000).map(|n| format!("\"l{n}\":\"v\"")).collect();
    assert!(create(format!(r#"{{"Labels":{{{}}}}}"#, labels.join(","))).is_ok());
    let unknown: Vec<String> = (0..1000).map(|n| format!("\"x{n}\":0")).collect();
    let forwarded = post("/containers/create", format!("{{{}}}", unknown.join(","))).unwrap();
    assert_eq!(forwarded.dropped.len(), 65);
    assert_eq!(forwarded.dropped[64], "more");
}

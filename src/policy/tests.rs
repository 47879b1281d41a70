use super::*;
use crate::api::definition::ApiVersion;
use crate::request::{DecodedHead, EngineVersion, RequestHead};

/// A policy file whose client `me` has these rules.
fn file(rules: &str) -> String {
    format!(
        "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me }}, {{ unix: /run/b.sock, client: other }}]\n\
         upstream: unix:///run/engine.sock\n\
         clients:\n  me: {{ policies: [mine] }}\n  other: {{ policies: [] }}\n\
         policies:\n  mine: {rules}\n"
    )
}

fn policies(rules: &str) -> Policies {
    resolve("test.yaml", &file(rules)).unwrap().policies
}

fn decide(policies: &Policies, method: &str, target: &str, body: &str) -> Result<Permit, String> {
    decide_with(policies, method, target, &[], body)
}

/// The same with headers beside that of the body.
fn decide_with(
    policies: &Policies,
    method: &str,
    target: &str,
    more: &[(&str, &[u8])],
    body: &str,
) -> Result<Permit, String> {
    let json: (&str, &[u8]) = ("Content-Type", b"application/json");
    let headers = &[&[json], more].concat();
    let head = RequestHead {
        method,
        target,
        headers,
    };
    let served = EngineVersion {
        min: ApiVersion(41),
        max: ApiVersion(51),
    };
    let request = DecodedHead::decode(&head)
        .and_then(|head| head.body(body.as_bytes(), served))
        .map_err(|error| format!("not understood: {error}"))?;
    policies
        .decide(policies.client(0), request)
        .map_err(|denial| denial.to_string())
}

fn create(policies: &Policies, host_config: &str) -> Result<Permit, String> {
    let body = format!(r#"{{"Image":"a","HostConfig":{host_config}}}"#);
    decide(policies, "POST", "/v1.51/containers/create", &body)
}

#[test]
fn what_no_rule_allows_is_denied() {
    let policies = policies("{ allow: [SystemPing] }");
    assert!(decide(&policies, "GET", "/_ping", "").is_ok());
    assert_eq!(
        decide(&policies, "GET", "/info", "").unwrap_err(),
        "SystemInfo refused for client me: no rule allows this operation"
    );
}

#[test]
fn a_deny_wins_over_every_allow() {
    let policies = policies("{ allow: [SystemInfo], deny: [SystemInfo] }");
    assert_eq!(
        decide(&policies, "GET", "/info", "").unwrap_err(),
        "SystemInfo refused for client me: a rule denies this operation (test.yaml:8)"
    );
}

#[test]
fn a_client_without_policies_and_a_listener_that_is_not_there_may_do_nothing() {
    let policies = policies("{ allow: [SystemPing] }");
    for listener in [1, 2, usize::MAX] {
        let client = policies.client(listener);
        assert!(policies.admit(client, Operation::SystemPing).is_err());
    }
    assert!(
        policies
            .admit(policies.client(0), Operation::SystemPing)
            .is_ok()
    );
}

#[test]
fn an_operation_with_variants_stands_for_all_of_them() {
    let both = policies("{ allow: [ImageCreate] }");
    assert!(decide(&both, "POST", "/images/create?fromImage=a", "").is_ok());
    assert!(decide(&both, "POST", "/images/create?fromSrc=-", "").is_ok());
    let one = policies("{ allow: [ImagePull] }");
    assert!(decide(&one, "POST", "/images/create?fromImage=a", "").is_ok());
    assert_eq!(
        decide(&one, "POST", "/images/create?fromSrc=-", "").unwrap_err(),
        "ImageImport refused for client me: no rule allows this operation"
    );
    let other = policies("{ allow: [ImageImport] }");
    assert!(decide(&other, "POST", "/images/create?fromSrc=-", "").is_ok());
    assert_eq!(
        decide(&other, "POST", "/images/create?fromImage=a", "").unwrap_err(),
        "ImagePull refused for client me: no rule allows this operation"
    );
}

#[test]
fn guarded_fields_keep_their_benign_values() {
    let policies = policies("{ allow: [ContainerCreate] }");
    for benign in [
        "{}",
        r#"{"Privileged":false}"#,
        r#"{"NetworkMode":"default"}"#,
        r#"{"NetworkMode":"none"}"#,
        r#"{"LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}}}"#,
        r#"{"SecurityOpt":["no-new-privileges"]}"#,
        r#"{"MaskedPaths":null}"#,
        r#"{"Binds":[],"CapAdd":[],"PortBindings":{}}"#,
        r#"{"Mounts":[{"Type":"tmpfs","Target":"/x"}]}"#,
        r#"{"Memory":1,"PidsLimit":-1,"CapDrop":["ALL"]}"#,
    ] {
        if let Err(error) = create(&policies, benign) {
            panic!("{benign}: {error}");
        }
    }
    for (field, host_config) in [
        ("Privileged=true", r#"{"Privileged":true}"#),
        ("NetworkMode", r#"{"NetworkMode":"host"}"#),
        ("NetworkMode", r#"{"NetworkMode":"container:abc"}"#),
        ("LogConfig.Type", r#"{"LogConfig":{"Type":"syslog"}}"#),
        (
            "LogConfig.Config",
            r#"{"LogConfig":{"Config":{"syslog-address":"x"}}}"#,
        ),
        (
            "SecurityOpt",
            r#"{"SecurityOpt":["no-new-privileges","no-new-privileges:false"]}"#,
        ),
        ("MaskedPaths", r#"{"MaskedPaths":[]}"#),
        ("ReadonlyPaths", r#"{"ReadonlyPaths":["/proc/sys"]}"#),
        (
            "Mounts[].Type",
            r#"{"Mounts":[{"Type":"tmpfs"},{"Target":"/x"}]}"#,
        ),
        (
            "Mounts[].Source",
            r#"{"Mounts":[{"Type":"volume","Source":"v1"}]}"#,
        ),
        (
            "Mounts[].VolumeOptions.DriverConfig.Options",
            r#"{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Options":{"o":"bind"}}}}]}"#,
        ),
        (
            "PortBindings",
            r#"{"PortBindings":{"80/tcp":[{"HostPort":"80"}]}}"#,
        ),
    ] {
        let error = create(&policies, host_config).unwrap_err();
        let begins = format!("ContainerCreate refused for client me: body.HostConfig.{field}");
        assert!(error.starts_with(&begins), "{host_config}: {error}");
        assert!(
            error.ends_with("and no rule opens it (test.yaml:8)"),
            "{error}"
        );
    }
}

#[test]
fn a_service_mount_without_a_type_is_a_bind() {
    let policies = policies("{ allow: [ServiceCreate] }");
    let mount = |mount: &str| {
        let body = format!(r#"{{"TaskTemplate":{{"ContainerSpec":{{"Mounts":[{mount}]}}}}}}"#);
        decide(&policies, "POST", "/v1.51/services/create", &body)
    };
    assert!(mount(r#"{"Type":"TMPFS","Target":"/x"}"#).is_ok());
    for hidden in [
        r#"{"Target":"/x"}"#,
        r#"{"Type":"","Target":"/x"}"#,
        r#"{"Type":"Bind"}"#,
    ] {
        let error = mount(hidden).unwrap_err();
        assert!(error.contains("Mounts[].Type"), "{error}");
    }
}

#[test]
fn parameters_and_list_bodies_are_guarded_too() {
    let policies = policies("{ allow: [ContainerDelete, ContainerStop, PluginSet] }");
    assert!(decide(&policies, "DELETE", "/containers/abc?v=0", "").is_ok());
    assert!(decide(&policies, "POST", "/containers/abc/stop?t=1", "").is_ok());
    assert_eq!(
        decide(&policies, "DELETE", "/containers/abc?force=1", "").unwrap_err(),
        "ContainerDelete refused for client me: query.force=true is guarded (resource) \
         and no rule opens it (test.yaml:8)"
    );
    assert!(decide(&policies, "POST", "/plugins/abc/set", "[]").is_ok());
    assert_eq!(
        decide(&policies, "POST", "/plugins/abc/set", r#"["DEBUG=1"]"#).unwrap_err(),
        "PluginSet refused for client me: body is guarded (host-escape) and no rule opens it (test.yaml:8)"
    );
}

#[test]
fn a_message_shows_only_what_may_be_shown() {
    let policies = policies("{ allow: [ContainerCreate] }");
    let error = create(&policies, r#"{"Runtime":"secret-runtime"}"#).unwrap_err();
    assert!(!error.contains("secret"), "{error}");
    let error = create(&policies, r#"{"CgroupnsMode":"host"}"#).unwrap_err();
    assert!(
        error.contains("body.HostConfig.CgroupnsMode=host"),
        "{error}"
    );
}

#[test]
fn objects_that_do_something_by_being_there_are_guarded() {
    let policies = policies("{ allow: [VolumeCreate, ServiceCreate] }");
    let volume = |body: &str| decide(&policies, "POST", "/v1.51/volumes/create", body);
    assert!(volume(r#"{"Name":"v1"}"#).is_ok());
    assert!(volume(r#"{"ClusterVolumeSpec":null}"#).is_ok());
    let error = volume(r#"{"ClusterVolumeSpec":{}}"#).unwrap_err();
    assert!(
        error.contains("body.ClusterVolumeSpec is guarded"),
        "{error}"
    );
    let service = r#"{"TaskTemplate":{"PluginSpec":{}}}"#;
    let error = decide(&policies, "POST", "/v1.51/services/create", service).unwrap_err();
    assert!(
        error.contains("body.TaskTemplate.PluginSpec is guarded"),
        "{error}"
    );
}

#[test]
fn a_line_break_opens_no_other_door() {
    let policies = policies("{ allow: [ContainerCreate] }");
    assert!(
        create(
            &policies,
            r#"{"DnsSearch":["a.example","."],"DnsOptions":["ndots:1"]}"#
        )
        .is_ok()
    );
    for field in ["DnsSearch", "DnsOptions"] {
        let host_config = format!(r#"{{"{field}":["x\nnameserver 6.6.6.6"]}}"#);
        let error = create(&policies, &host_config).unwrap_err();
        assert!(error.starts_with("not understood: "), "{error}");
    }
}

#[test]
fn of_a_body_that_is_a_list_only_the_named_fields_are_open() {
    let policies = policies(
        "{ allow: [{ PluginPull: { query: { remote: any }, body: { each: { Name: any } } } }] }",
    );
    let pull = |body: &str| decide(&policies, "POST", "/plugins/pull?remote=p", body);
    assert!(pull("[]").is_ok());
    assert!(pull(r#"[{"Name":"network"}]"#).is_ok());
    assert_eq!(
        pull(r#"[{"Name":"network","Value":["host"]}]"#).unwrap_err(),
        "PluginPull refused for client me: body[].Value is guarded (host-escape) \
         and no rule opens it (test.yaml:8)"
    );
}

#[test]
fn any_opens_a_map_whose_objects_hold_objects_of_the_same_classes() {
    let policies = policies(
        "{ allow: [{ ContainerCreate: { body: { NetworkingConfig: { EndpointsConfig: any } } } }] }",
    );
    let body = r#"{"NetworkingConfig":{"EndpointsConfig":{"ci":
        {"IPAMConfig":{"IPv4Address":"10.0.0.2"},"Aliases":["a"]}}}}"#;
    assert!(decide(&policies, "POST", "/containers/create", body).is_ok());
}

#[test]
fn the_image_of_a_mount_is_a_part_and_not_a_matcher() {
    let rule = "{ ContainerCreate: { mounts: { each: { image: { image: [alpine] } } } } }";
    let policies = policies(&format!("{{ allow: [{rule}] }}"));
    let mount = |image: &str| {
        let mount = format!(r#"{{"Type":"image","Source":"{image}","Target":"/d"}}"#);
        create(&policies, &format!(r#"{{"Mounts":[{mount}]}}"#))
    };
    assert!(mount("alpine").is_ok());
    assert_eq!(
        mount("busybox").unwrap_err(),
        "ContainerCreate refused for client me: mounts[].image=busybox must be an image \
         like alpine (test.yaml:8)"
    );
}

mod callers;
mod denies;
mod derived;
mod formats;
mod include;
mod levels;
mod listed;
mod lists;
mod matchers;
mod naming;
mod registry;
mod rewrites;
mod spellings;
mod versions;

//! What the version of a request does not have is no part of what is judged.

use super::matchers::ask;
use super::*;
use crate::request::EncodedBody;

/// Asks whether a service may be created under a condition on its privileges.
fn service(version: &str, condition: &str) -> Result<(), String> {
    ask(
        &format!(
            "ServiceCreate: {{ body: {{ TaskTemplate: {{ ContainerSpec: {{ Privileges: {condition} }} }} }} }}"
        ),
        "POST",
        &format!("/v{version}/services/create"),
        r#"{"Name":"a","TaskTemplate":{"ContainerSpec":{"Image":"a","Privileges":{"NoNewPrivileges":true,"Seccomp":{"Mode":"default"}}}}}"#,
    )
}

#[test]
fn what_the_engine_passes_over_satisfies_no_rule() {
    for condition in [
        "{ NoNewPrivileges: required }",
        "{ NoNewPrivileges: true }",
        "{ Seccomp: { Mode: { required: true } } }",
    ] {
        assert_eq!(service("1.44", condition), Ok(()), "{condition}");
        assert!(service("1.43", condition).is_err(), "{condition}");
    }
    assert_eq!(
        service("1.43", "{ NoNewPrivileges: required }"),
        Err(
            "body.TaskTemplate.ContainerSpec.Privileges.NoNewPrivileges (absent) must be set"
                .to_owned()
        )
    );
}

#[test]
fn a_guarded_field_that_the_version_lacks_is_neither_refused_nor_forwarded() {
    let policies = policies("{ allow: [ContainerCreate] }");
    let body = r#"{"Image":"a","HostConfig":{"Annotations":{"a":"b"}}}"#;
    let message = decide(&policies, "POST", "/v1.43/containers/create", body).unwrap_err();
    assert!(message.contains("body.HostConfig.Annotations"), "{message}");
    let permit = decide(&policies, "POST", "/v1.42/containers/create", body).unwrap();
    let EncodedBody::Json(sent) = permit.request().body() else {
        panic!("{permit:?}");
    };
    assert_eq!(
        sent.as_ref(),
        br#"{"Image":"a","HostConfig":{}}"#.as_slice()
    );
    assert_eq!(
        permit.request().dropped(),
        ["body.HostConfig.Annotations (since 1.43, asked for 1.42)"]
    );
}

#[test]
fn a_guarded_field_that_is_read_in_all_versions_is_guarded_in_all() {
    for version in ["1.41", "1.47", "1.51"] {
        let message = ask(
            "NetworkConnect",
            "POST",
            &format!("/v{version}/networks/a/connect"),
            r#"{"Container":"a","EndpointConfig":{"GwPriority":5}}"#,
        )
        .unwrap_err();
        assert!(
            message.starts_with("body.EndpointConfig.GwPriority=5 is guarded"),
            "{version}: {message}"
        );
    }
}

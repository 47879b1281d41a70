//! A file is read as of its API level: what came later is never part of it.

use super::*;

fn at(level: &str, rules: &str) -> Result<Policies, String> {
    let text = format!(
        "api: '{level}'\nlisten: [{{ unix: /run/a.sock, client: me }}]\nupstream: unix:///run/e.sock\n\
         clients: {{ me: {{ policies: [mine] }} }}\npolicies: {{ mine: {rules} }}\n"
    );
    resolve("test.yaml", &text)
        .map(|configuration| configuration.policies)
        .map_err(|found| found.to_string())
}

#[test]
fn fields_that_came_later_keep_their_zero_even_under_any() {
    // `Mounts[].ImageOptions` came with 1.48, `BindOptions.CreateMountpoint` with 1.42.
    let old = at("1.41", "{ allow: [ ContainerCreate ] }").unwrap();
    let new = at("1.51", "{ allow: [ ContainerCreate ] }").unwrap();
    let interval = r#"{"Image":"a","Healthcheck":{"StartInterval":5000000}}"#;
    assert!(decide(&new, "POST", "/v1.51/containers/create", interval).is_ok());
    let message = decide(&old, "POST", "/v1.51/containers/create", interval).unwrap_err();
    assert!(
        message.contains(
            "body.Healthcheck.StartInterval=5000000 is new in API 1.44, after the policy's level"
        ),
        "{message}"
    );
    let zero = r#"{"Image":"a","Healthcheck":{"StartInterval":0}}"#;
    assert!(decide(&old, "POST", "/v1.51/containers/create", zero).is_ok());
    let annotations = r#"{"Image":"a","HostConfig":{"Annotations":{"a":"b"}}}"#;
    assert!(decide(&old, "POST", "/v1.51/containers/create", annotations).is_err());
}

#[test]
fn names_that_came_later_are_mistakes_and_not_in_groups() {
    let named = at(
        "1.41",
        "{ allow: [ ContainerCreate: { body: { HostConfig: { Annotations: any } } } ] }",
    );
    let message = named.unwrap_err();
    assert!(message.contains("not-at-level"), "{message}");
    assert!(message.contains("raise `api` to \"1.43\""), "{message}");
    let later = Operation::ALL
        .iter()
        .map(|operation| operation.definition())
        .find(|definition| {
            definition.span.since > ApiVersion(41)
                && definition.access != crate::api::definition::AccessClass::Single
        })
        .unwrap();
    let group = format!("{}.{}", later.tag, later.access.name());
    let old = at("1.41", &format!("{{ allow: [ SystemPing, {group} ] }}"));
    if let Ok(old) = old {
        assert!(old.admit(old.client(0), later.operation()).is_err());
    }
    let new = at("1.55", &format!("{{ allow: [ {group} ] }}")).unwrap();
    assert!(new.admit(new.client(0), later.operation()).is_ok());
}

//! Rewrites: what is forwarded is what the rule makes of a request, and it is
//! that which is judged.

use serde_json::{Value, json};

use super::*;
use crate::diagnostic::Code;
use crate::request::EncodedBody;

/// The body of a create that is forwarded, and what was rewritten.
fn create_under(rule: &str, body: &Value) -> Result<(Value, Vec<String>), String> {
    let policies = policies(&format!("{{ allow: [{{ ContainerCreate: {rule} }}] }}"));
    let permit = decide(
        &policies,
        "POST",
        "/v1.51/containers/create",
        &body.to_string(),
    )?;
    let EncodedBody::Json(bytes) = permit.request().body() else {
        panic!("a create without a body");
    };
    let body = serde_json::from_slice(bytes).unwrap();
    Ok((body, permit.rewritten().to_vec()))
}

fn body_under(rule: &str, body: &Value) -> Value {
    create_under(rule, body).unwrap().0
}

fn refused(rule: &str, body: &Value) -> String {
    create_under(rule, body).unwrap_err()
}

/// The codes of what is wrong with a rule on a create.
fn wrong(rule: &str) -> Vec<Code> {
    wrong_of(&format!("{{ allow: [{{ ContainerCreate: {rule} }}] }}"))
}

fn wrong_of(policy: &str) -> Vec<Code> {
    let text = format!(
        "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me }}]\n\
         upstream: unix:///run/engine.sock\nclients:\n  me: {{ policies: [mine] }}\n\
         policies:\n  mine: {policy}\n"
    );
    match resolve("test.yaml", &text) {
        Ok(_) => Vec::new(),
        Err(found) => found.found().iter().map(|one| one.code).collect(),
    }
}

#[test]
fn set_is_so_whatever_the_client_sent() {
    let rule = "{ body: { HostConfig: { CapDrop: { set: [ALL] }, Privileged: { set: false } } } }";
    for host_config in [
        json!(null),
        json!({}),
        json!({"CapDrop": ["NET_RAW"], "Privileged": true}),
    ] {
        let (body, _) = create_under(rule, &json!({"HostConfig": host_config})).unwrap();
        let wanted = json!({"CapDrop": ["ALL"], "Privileged": false});
        assert_eq!(body, json!({"HostConfig": wanted}), "{host_config}");
    }
    // Only what changed is named.
    let sent = json!({"HostConfig": {"CapDrop": ["ALL"], "Privileged": true}});
    let (_, rewritten) = create_under(rule, &sent).unwrap();
    assert_eq!(rewritten, ["body.HostConfig.Privileged"]);
}

#[test]
fn what_is_set_is_open_and_nothing_beside_it() {
    let rule = "{ body: { HostConfig: { CapAdd: { set: [NET_ADMIN] } } } }";
    let body = body_under(rule, &json!({"HostConfig": {"CapAdd": ["SYS_ADMIN"]}}));
    assert_eq!(body["HostConfig"]["CapAdd"], json!(["NET_ADMIN"]));
    let message = refused(rule, &json!({"HostConfig": {"Privileged": true}}));
    assert!(message.contains("Privileged=true is guarded"), "{message}");
    // An object that is set as a whole.
    let rule =
        "{ body: { HostConfig: { LogConfig: { set: { Type: syslog, Config: { tag: x } } } } } }";
    let body = body_under(
        rule,
        &json!({"HostConfig": {"LogConfig": {"Type": "gelf"}}}),
    );
    let wanted = json!({"Type": "syslog", "Config": {"tag": "x"}});
    assert_eq!(body["HostConfig"]["LogConfig"], wanted);
}

#[test]
fn on_a_map_set_means_these_keys_and_replace_the_whole_map() {
    let sent = json!({"Labels": {"a": "1", "owner": "mallory"}});
    let body = body_under("{ body: { Labels: { set: { owner: ci } } } }", &sent);
    assert_eq!(body["Labels"], json!({"a": "1", "owner": "ci"}));
    let body = body_under("{ body: { Labels: { replace: { owner: ci } } } }", &sent);
    assert_eq!(body["Labels"], json!({"owner": "ci"}));
    let body = body_under("{ body: { Labels: { remove: [owner, b] } } }", &sent);
    assert_eq!(body["Labels"], json!({"a": "1"}));
    let body = body_under("{ body: { Labels: { remove: true } } }", &sent);
    assert_eq!(body, json!({}));
    // Setting a key of a guarded map says nothing of the others.
    let rule = "{ body: { HostConfig: { Sysctls: { set: { net.core.somaxconn: '1' } } } } }";
    assert_eq!(wrong(rule), [Code::NotWhole]);
}

#[test]
fn default_is_for_what_the_client_leaves_out() {
    let rule = "{ body: { HostConfig: { Memory: { default: 512MiB, max: 1GiB } } } }";
    for left_out in [json!({}), json!({"Memory": 0}), json!({"Memory": -1})] {
        let body = body_under(rule, &json!({"HostConfig": left_out}));
        assert_eq!(body["HostConfig"]["Memory"], 536_870_912, "{left_out}");
    }
    let own = json!({"HostConfig": {"Memory": 1_073_741_824}});
    assert_eq!(body_under(rule, &own), own);
    let message = refused(rule, &json!({"HostConfig": {"Memory": 1_073_741_825}}));
    assert!(message.contains("must be at most 1GiB"), "{message}");
    // What is left out is judged as it becomes.
    let rule = "{ body: { HostConfig: { Memory: { default: 1g, required: true } } } }";
    assert!(create_under(rule, &json!({})).is_ok());
    // Zero is left out where it means the same as absence.
    let rule = "{ body: { HostConfig: { ReadonlyRootfs: { default: true } } } }";
    for left_out in [json!({}), json!({"ReadonlyRootfs": false})] {
        let body = body_under(rule, &json!({"HostConfig": left_out}));
        assert_eq!(body["HostConfig"]["ReadonlyRootfs"], true);
    }
    // A default opens nothing for what the client sends.
    let rule = "{ body: { HostConfig: { PidMode: { default: host } } } }";
    assert_eq!(wrong(rule), [Code::NotWhole]);
}

#[test]
fn append_adds_what_is_not_there_and_remove_takes_elements() {
    let rule = "{ body: { Env: { append: [A=1, B=2] } } }";
    let body = body_under(rule, &json!({"Env": ["B=2", "C=3"]}));
    assert_eq!(body["Env"], json!(["B=2", "C=3", "A=1"]));
    let own = json!({"Env": ["A=1", "B=2"]});
    let (body, rewritten) = create_under(rule, &own).unwrap();
    assert_eq!((body, rewritten), (own, Vec::new()));
    // What it appends needs leave, and the client's own as well.
    let rule = "{ body: { HostConfig: { CapAdd: { append: [NET_ADMIN] } } } }";
    assert_eq!(wrong(rule), [Code::NotWhole]);
    let rule = "{ body: { HostConfig: { CapAdd: { append: [NET_ADMIN], subset: [NET_ADMIN] } } } }";
    assert!(create_under(rule, &json!({})).is_ok());
    assert!(create_under(rule, &json!({"HostConfig": {"CapAdd": ["SYS_ADMIN"]}})).is_err());
    let rule = "{ body: { HostConfig: { CapAdd: { append: [NET_ADMIN], subset: [CHOWN] } } } }";
    assert_eq!(wrong(rule), [Code::Rewrite]);
    // Harmless as it is.
    let rule = "{ body: { HostConfig: { SecurityOpt: { append: [no-new-privileges] } } } }";
    let body = body_under(rule, &json!({}));
    assert_eq!(
        body["HostConfig"]["SecurityOpt"],
        json!(["no-new-privileges=true"])
    );
    let unconfined = json!({"HostConfig": {"SecurityOpt": ["seccomp=unconfined"]}});
    assert!(create_under(rule, &unconfined).is_err());
    // Elements go in whatever spelling they stand there.
    let rule = "{ body: { HostConfig: { CapAdd: { remove: [CAP_SYS_ADMIN], subset: [CHOWN] } } } }";
    let sent = json!({"HostConfig": {"CapAdd": ["sys_admin", "CHOWN"]}});
    let body = body_under(rule, &sent);
    assert_eq!(body["HostConfig"]["CapAdd"], json!(["CHOWN"]));
}

#[test]
fn map_moves_the_sources_of_mounts() {
    let rule = "{ mounts: { map: { /var/run/docker.sock: /run/opgate/ci.sock, /w: /srv/w }, \
                each: { source: { under: [/run/opgate/ci.sock, /srv/w] } } } }";
    let sent = json!({"HostConfig": {
        "Binds": ["/var/run/docker.sock:/var/run/docker.sock", "/w/../w/a:/a:ro"],
        "Mounts": [{"Type": "bind", "Source": "/w", "Target": "/b"}],
    }});
    let (body, rewritten) = create_under(rule, &sent).unwrap();
    assert_eq!(
        body["HostConfig"]["Binds"],
        json!(["/run/opgate/ci.sock:/var/run/docker.sock", "/srv/w/a:/a:ro"])
    );
    assert_eq!(body["HostConfig"]["Mounts"][0]["Source"], "/srv/w");
    assert_eq!(rewritten, ["mounts"]);
    for source in [
        "/etc",
        "/var/run",
        "/",
        "/wx",
        "/var/run/docker.sock/../../lib",
    ] {
        let sent = json!({"HostConfig": {"Binds": [format!("{source}:/a")]}});
        let message = refused(rule, &sent);
        assert!(message.contains("mounts[].source"), "{source}: {message}");
    }
    // Only paths of the host are mapped.
    let volume =
        json!({"HostConfig": {"Mounts": [{"Type": "volume", "Source": "w", "Target": "/b"}]}});
    assert!(create_under(rule, &volume).is_err());
    // Mapping alone opens nothing.
    let rule = "{ mounts: { map: { /w: /srv/w } } }";
    let message = refused(rule, &json!({"HostConfig": {"Binds": ["/w:/a"]}}));
    assert!(
        message.contains("mounts[].source=/srv/w is guarded"),
        "{message}"
    );
    // At a field, of that alone.
    let rule = "{ body: { HostConfig: { Binds: { map: { /w: /srv/w }, each: { source: { under: /srv/w } } } } } }";
    let body = body_under(rule, &json!({"HostConfig": {"Binds": ["/w:/a"]}}));
    assert_eq!(body["HostConfig"]["Binds"], json!(["/srv/w:/a"]));
}

#[test]
fn parameters_and_filters_are_rewritten_too() {
    let rewritten = |rule: &str, method: &str, target: &str| {
        let policies = policies(&format!("{{ allow: [{rule}] }}"));
        let permit = decide(&policies, method, target, "").unwrap();
        permit.request().target().to_owned()
    };
    assert_eq!(
        rewritten(
            "{ ContainerLogs: { query: { tail: { default: '100', max: 1000 } } } }",
            "GET",
            "/v1.51/containers/x/logs?stdout=1"
        ),
        "/v1.51/containers/x/logs?stdout=1&tail=100"
    );
    assert_eq!(
        rewritten(
            "{ ContainerDelete: { query: { v: { remove: true }, force: { set: false } } } }",
            "DELETE",
            "/v1.51/containers/x?v=1&force=1"
        ),
        "/v1.51/containers/x?force=0"
    );
    let owner = "{ ContainerList: { query: { filters: { append: { label: [owner=ci] } } } } }";
    let filters = |text: &str| {
        let target = rewritten(owner, "GET", text);
        let (_, query) = target.split_once("filters=").unwrap();
        query
            .replace("%7B", "{")
            .replace("%7D", "}")
            .replace("%22", "\"")
            .replace("%3D", "=")
    };
    assert_eq!(
        filters("/v1.51/containers/json"),
        r#"{"label":{"owner=ci":true}}"#
    );
    assert_eq!(
        filters(
            "/v1.51/containers/json?filters={%22label%22:[%22a%22],%22status%22:[%22running%22]}"
        ),
        r#"{"label":{"a":true,"owner=ci":true},"status":{"running":true}}"#
    );
}

#[test]
fn denies_judge_the_request_and_what_becomes_of_it() {
    let rules = "{ allow: [{ ContainerCreate: { body: { User: { set: '1000' } } } }], \
                   deny: [{ ContainerCreate: { body: { User: root } } }] }";
    let own = policies(rules);
    assert!(decide(&own, "POST", "/containers/create", r#"{"User":"x"}"#).is_ok());
    let error = decide(&own, "POST", "/containers/create", r#"{"User":"root"}"#).unwrap_err();
    assert!(
        error.contains("a rule denies it for its body.User"),
        "{error}"
    );
    let rules = "{ allow: [{ ContainerCreate: { body: { User: { set: '0' } } } }], \
                   deny: [{ ContainerCreate: { body: { User: root } } }] }";
    let error = decide(
        &policies(rules),
        "POST",
        "/containers/create",
        r#"{"User":"x"}"#,
    )
    .unwrap_err();
    assert!(
        error.contains("as rewritten, a rule denies it for its body.User"),
        "{error}"
    );
}

#[test]
fn a_field_that_the_version_lacks_cannot_be_set() {
    let rule = "{ allow: [{ ContainerCreate: { body: { HostConfig: { Annotations: { replace: { a: b } } } } } }] }";
    let policies = policies(rule);
    assert!(decide(&policies, "POST", "/v1.51/containers/create", "{}").is_ok());
    let error = decide(&policies, "POST", "/v1.42/containers/create", "{}").unwrap_err();
    assert!(
        error.contains("body.HostConfig.Annotations (since 1.43"),
        "{error}"
    );
    assert!(
        error.contains("is set by the rule, and not in this version"),
        "{error}"
    );
}

#[test]
fn only_the_rewrites_of_the_rule_that_allows_are_done() {
    let rules = "{ allow: [{ ContainerCreate: { body: { Image: alpine, User: { set: '1' } } } }, \
                           { ContainerCreate: { body: { Image: busybox, WorkingDir: { set: /w } } } }] }";
    let policies = policies(rules);
    let permit = decide(
        &policies,
        "POST",
        "/containers/create",
        r#"{"Image":"busybox"}"#,
    )
    .unwrap();
    assert_eq!(permit.rewritten(), ["body.WorkingDir"]);
    let EncodedBody::Json(body) = permit.request().body() else {
        panic!("no body");
    };
    assert_eq!(body.as_ref(), br#"{"Image":"busybox","WorkingDir":"/w"}"#);
}

#[test]
fn a_rewrite_that_cannot_be_meant_is_an_error() {
    for (rule, code) in [
        (
            "{ body: { HostConfig: { Memory: { set: 2g, max: 1g } } } }",
            Code::Rewrite,
        ),
        (
            "{ body: { HostConfig: { Memory: { default: 2g, max: 1g } } } }",
            Code::Rewrite,
        ),
        (
            "{ body: { HostConfig: { Memory: { set: 1g, default: 1g } } } }",
            Code::Rewrite,
        ),
        (
            "{ body: { User: { any_of: [{ set: '1' }, root] } } }",
            Code::Rewrite,
        ),
        ("{ body: { User: { not: { set: '1' } } } }", Code::Rewrite),
        (
            "{ body: { HostConfig: { Mounts: { each: { Source: { set: /x } } } } } }",
            Code::Rewrite,
        ),
        ("{ networks: { set: [a] } }", Code::Rewrite),
        ("{ body: { User: { append: [a] } } }", Code::WrongMatcher),
        ("{ body: { Env: { map: { /a: /b } } } }", Code::WrongMatcher),
        ("{ mounts: { map: { a: /b }, each: any } }", Code::BadValue),
        (
            "{ mounts: { map: { /a: '/b:c' }, each: { type: any, source: any } } }",
            Code::BadValue,
        ),
        (
            "{ body: { HostConfig: { Memory: { set: lots } } } }",
            Code::BadValue,
        ),
        (
            "{ body: { HostConfig: { CapDrop: { set: ALL } } } }",
            Code::WrongType,
        ),
        (
            "{ body: { HostConfig: { CapAdd: { set: [NOT_A_CAP] } } } }",
            Code::BadValue,
        ),
        (
            "{ body: { HostConfig: { RestartPolicy: { set: { Nam: no } } } } }",
            Code::UnknownField,
        ),
        ("{ body: { User: { remove: false } } }", Code::WrongType),
    ] {
        assert!(wrong(rule).contains(&code), "{rule}: {:?}", wrong(rule));
    }
    let deny =
        "{ allow: [ContainerCreate], deny: [{ ContainerCreate: { body: { User: { set: a } } } }] }";
    assert!(wrong_of(deny).contains(&Code::DenyShape));
    let variant = "{ allow: [{ ImagePull: { query: { fromImage: { set: alpine } } } }] }";
    assert!(wrong_of(variant).contains(&Code::Rewrite));
    let path = "{ allow: [{ ContainerStop: { path: { id: { set: x } } } }] }";
    assert!(wrong_of(path).contains(&Code::Rewrite));
}

#[test]
fn what_is_forwarded_satisfies_the_rule_when_it_is_sent_again() {
    let rule = "{ body: { HostConfig: { Memory: { default: 512MiB, max: 1GiB }, CapDrop: { set: [ALL] }, \
                SecurityOpt: { append: [no-new-privileges] }, Privileged: { remove: true } }, \
                Labels: { set: { owner: ci } } }, \
                mounts: { map: { /w: /srv/w }, each: { source: { under: /srv/w } } } }";
    for sent in [
        json!({}),
        json!({"HostConfig": {"Privileged": true, "Binds": ["/w/x:/x"], "Memory": 5}}),
        json!({"Labels": {"owner": "me", "a": "b"}, "HostConfig": {"CapDrop": []}}),
    ] {
        let (once, _) = create_under(rule, &sent).unwrap();
        let (twice, rewritten) = create_under(rule, &once).unwrap();
        assert_eq!(once, twice);
        assert_eq!(rewritten, Vec::<String>::new(), "{sent}");
    }
}

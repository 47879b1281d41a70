//! `opgate explain`, in each of its forms.
#![cfg(test)]

use std::fmt::Write as _;
use std::process::Command;

#[path = "support/said.rs"]
mod said;

use said::said;

const POLICY: &str = include_str!("cli/explain/policy.yaml");

/// What `opgate explain` says: its exit code, its output and its complaints.
fn explain(arguments: &[&str], input: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("opgate.yaml");
    std::fs::write(&file, POLICY).unwrap();
    let file = file.display().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_opgate"));
    command.args(["explain", "--config", &file]).args(arguments);
    let (code, out, complaints) = said(&mut command, &input.replace("opgate.yaml", &file));
    let text = |text: String| text.replace(&file, "opgate.yaml");
    (code, text(out), text(complaints))
}

/// What is asked, how, and what stands on standard input.
const ASKED: &[(&str, &[&str], &str)] = &[
    (
        "a rule rewrites",
        &[
            "--operation=ContainerCreate",
            r#"--body={"Image":"alpine"}"#,
            "--show-values",
        ],
        "",
    ),
    (
        "a request of a test",
        &["--request=-"],
        r#"{"operation":"ContainerCreate",
            "body":{"Image":"ghcr.io/acme/x","HostConfig":{"Privileged":true}}}"#,
    ),
    (
        "a rule denies what another would allow",
        &[
            "--operation=ContainerCreate",
            r#"--body={"Image":"ghcr.io/acme/x","User":"0"}"#,
        ],
        "",
    ),
    (
        "parameters of several kinds, and one that the version does not have",
        &[
            "--operation=ContainerList",
            "--query=all=true",
            "--query=before=x",
            r#"--query=filters={"label":["a=b"]}"#,
        ],
        "",
    ),
    (
        "credentials, and a name with slashes",
        &[
            "--operation=ImagePush",
            "--path=name=ghcr.io/acme/web",
            "--query=tag=1.50",
            r#"--header=X-Registry-Auth: {"username":"me","password":"secret"}"#,
            "--api-version=1.44",
        ],
        "",
    ),
    (
        "a field that is not there",
        &["POST", "/containers/create", r#"--body={"Imag":"x"}"#],
        "",
    ),
    (
        "a record of a request that depends",
        &["--record=-"],
        r#"{"time":"2026-01-02T03:04:05.678Z","client":"ci","operation":"ContainerCreate","path":"/containers/create","decision":"refuse","rule":"ci (opgate.yaml:13)","field":"body.HostConfig.Privileged","status":403,"message":"opgate: ContainerCreate refused for client ci: body.HostConfig.Privileged=true is guarded (host-escape) and no rule opens it (opgate.yaml:13)","dropped":["body.Old"],"rewritten":[],"tunnel":false,"complete":true,"bytes_in":1,"bytes_out":2,"duration_ms":1}"#,
    ),
    (
        "a record of a request that is refused whatever it says, by a rule that is gone",
        &["--record=-"],
        r#"{"client":"ci","operation":"ContainerDelete","decision":"refuse","rule":"ci (opgate.yaml:99)","field":"query.force","status":403}"#,
    ),
    (
        "a record of a client that is gone",
        &["--record=-"],
        r#"{"client":"cd","operation":"ContainerList","decision":"allow","rule":"cd (opgate.yaml:3)","status":200}"#,
    ),
    (
        "a record of a request that led nowhere",
        &["--record=-"],
        r#"{"client":"ci","operation":null,"decision":"refuse","status":404,"message":"page not found"}"#,
    ),
];

#[test]
fn each_form_is_shown_as_it_was_reviewed() {
    let mut shown = String::new();
    for (what, arguments, input) in ASKED {
        let (code, out, said) = explain(arguments, input);
        // The policy has a deny of what nothing allows, on purpose.
        let odd = said.starts_with("warning[never-matches]: nothing allows `ContainerDelete`");
        assert!(odd && !said.contains("error"), "{what}: {said}");
        writeln!(shown, "# {what}: {code}\n{out}").unwrap();
    }
    assert!(!shown.contains("secret"));
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/explain/forms.txt");
    if std::env::var_os("OPGATE_UPDATE_GOLDEN").is_some() {
        std::fs::write(golden, &shown).unwrap();
    }
    assert_eq!(shown, std::fs::read_to_string(golden).unwrap());
}

#[test]
fn programs_get_all_of_it() {
    let read = |arguments: &[&str], input: &str| -> serde_json::Value {
        let arguments = [arguments, &["--output=json"]].concat();
        serde_json::from_str(&explain(&arguments, input).1).unwrap()
    };
    let allowed = read(ASKED[0].1, "");
    assert_eq!(allowed["decision"], "allow");
    assert_eq!(allowed["rule"], "ci (opgate.yaml:9)");
    let rewritten = ["body.HostConfig.Memory", "body.HostConfig.CapDrop"];
    assert_eq!(allowed["rewritten"], serde_json::json!(rewritten));
    let host = &allowed["forwarded"]["body"]["HostConfig"];
    assert_eq!(host["CapDrop"], serde_json::json!(["ALL"]));
    assert_eq!(
        allowed["rules"][1]["rewrites"],
        serde_json::json!(rewritten)
    );

    let refused = read(ASKED[1].1, ASKED[1].2);
    assert_eq!(refused["decision"], "refuse");
    assert_eq!(refused["field"], "body.HostConfig.Privileged");
    assert_eq!(refused["rule"], "ci (opgate.yaml:13)");
    assert_eq!(refused["status"], 403);
    assert!(refused["forwarded"].is_null());

    let record = read(&["--record=-"], ASKED[6].2);
    assert_eq!(record["record"]["decision"], "refuse");
    assert_eq!(record["now"], "it depends on the request");
    assert_eq!(record["rules"].as_array().unwrap().len(), 3);
}

#[test]
fn a_request_is_the_same_in_each_form() {
    let body = r#"{"Image":"ghcr.io/acme/x"}"#;
    let written = format!(r#"{{"operation":"ContainerCreate","body":{body}}}"#);
    let by_target = explain(&["POST", "/containers/create", "--body", body], "");
    let by_operation = explain(&["--operation=ContainerCreate", "--body", body], "");
    let by_file = explain(&["--request=-"], &written);
    let from_input = explain(&["POST", "/containers/create", "--body=@-"], body);
    assert_eq!(by_target.0, 0, "{}", by_target.1);
    assert_eq!(by_operation, by_target);
    assert_eq!(by_file, by_target);
    assert_eq!(from_input, by_target);
}

#[test]
fn what_cannot_be_asked_is_a_usage_error() {
    for (arguments, input, said) in [
        (
            &["--operation=ContainerLst"][..],
            "",
            "did you mean `ContainerList`?",
        ),
        (
            &["--operation=ContainerList", "--query=al=1"],
            "",
            "there is no `query.al`: did you mean `all`?",
        ),
        (
            &["--operation=ContainerList", "--query=all"],
            "",
            "`all` is not `name=value`",
        ),
        (&["GET", "/info", "--query=a=b"], "", "go with --operation"),
        (&["--request=-", "--path=a=b"], "", "go with --operation"),
        (&["GET"], "", "TARGET"),
        (&[], "", "METHOD"),
        (&["--request=-", "GET", "/info"], "", "cannot be used with"),
        (&["--request=-"], "{", "`-`: EOF while parsing"),
        (&["--request=-"], "{}", "a request has an `operation`"),
        (
            &["--request=/nonexistent"],
            "",
            "cannot read `/nonexistent`",
        ),
        (
            &["--record=-"],
            "",
            "one line of the log is explained at a time",
        ),
        (
            &["--record=-"],
            "{}\n{}",
            "one line of the log is explained at a time",
        ),
        (
            &["--record=-"],
            "refuse ci ContainerList 403",
            "not the line of a request",
        ),
        (
            &["--record=-"],
            r#"{"time":"x","event":"3 lines of the log were lost"}"#,
            "missing field `client`",
        ),
        (
            &["--record=-"],
            r#"{"client":"ci","operation":"X","decision":"allow"}"#,
            "the record's operation `X` is not one",
        ),
    ] {
        let (code, out, found) = explain(arguments, input);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(found.contains(said), "{arguments:?}: {found}");
    }
}

//! The command line as a person and a program see it.

use std::path::Path;
use std::process::{Command, Output};

#[cfg(test)]
fn opgate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_opgate"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
fn names() -> Vec<String> {
    let output = opgate(&["ops", "--output", "json"]);
    let all: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    all["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|operation| operation["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_operation_fits_a_terminal_of_80_columns() {
    let mut lines = 0_usize;
    let all = names().into_iter().map(Some).chain([None]);
    for name in all {
        let mut arguments = vec!["ops"];
        arguments.extend(name.as_deref());
        let output = opgate(&arguments);
        assert!(output.status.success(), "{name:?}");
        for line in text(&output.stdout).lines() {
            assert!(line.chars().count() <= 80, "{name:?}: {line}");
            assert_eq!(line, line.trim_end(), "{name:?}");
            lines += 1;
        }
    }
    assert!(lines > 1000, "{lines}");
}

#[test]
fn one_operation_is_shown_with_everything_it_takes() {
    let output = opgate(&["ops", "ContainerExec"]);
    let expected = include_str!("cli/ops-ContainerExec.txt");
    assert_eq!(text(&output.stdout), expected);
}

#[test]
fn the_list_names_every_operation_once() {
    let shown = text(&opgate(&["ops"]).stdout);
    // The groups stand in the first 24 columns.
    let listed: Vec<&str> = shown
        .lines()
        .filter_map(|line| line.get(24..))
        .flat_map(str::split_whitespace)
        .collect();
    for name in names() {
        let count = listed.iter().filter(|word| **word == name).count();
        assert_eq!(count, 1, "{name}");
    }
}

#[test]
fn an_unknown_operation_gets_the_nearest_name() {
    let output = opgate(&["ops", "ContainerCreat"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "opgate: there is no operation `ContainerCreat`; did you mean `ContainerCreate`?\n"
    );
    assert!(output.stdout.is_empty());
}

#[cfg(test)]
/// Runs the gate with a policy file that must not be accepted.
fn refused(policy: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("opgate.yaml");
    std::fs::write(&file, policy).unwrap();
    let output = opgate(&["run", "--config", file.to_str().unwrap()]);
    assert!(!Path::new("/nonexistent/opgate-test.sock").exists());
    let shown = text(&output.stderr).replace(folder.path().to_str().unwrap(), "");
    (output.status.code(), shown)
}

#[test]
fn mistakes_of_a_policy_are_shown_at_their_places() {
    let policy = "\
api: '1.40'
listen:
  - unix: /nonexistent/opgate-test.sock
    mode: rw
    client: em
upstream: tcp://10.0.0.1:2375
clients:
  me: { policies: [al] }
policies:
  all:
    allow: [ContainerLst, SystemPing]
    deny: [Whatever]
";
    let (code, shown) = refused(policy);
    assert_eq!(code, Some(1));
    assert_eq!(shown, include_str!("cli/mistakes.txt"));
}

#[test]
fn unknown_and_repeated_keys_are_mistakes() {
    let head = "api: '1.51'\nlisten: [{ unix: /nonexistent/opgate-test.sock, client: me }]\n\
                upstream: unix:///nonexistent/engine.sock\n\
                clients: { me: { policies: [all] } }\n";
    let (code, shown) = refused(&format!(
        "{head}policies: {{ all: {{ alow: [SystemPing] }} }}\n"
    ));
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("alow"), "{shown}");
    assert!(shown.contains(":5:"), "{shown}");
    let (code, shown) = refused(&format!(
        "{head}policies: {{ all: {{ allow: [SystemPing], allow: [SystemInfo] }} }}\n"
    ));
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("`allow` stands here twice"), "{shown}");
    let (code, shown) = refused("listen: [");
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.starts_with("error[yaml]: "), "{shown}");
}

#[test]
fn a_file_that_cannot_be_read_is_a_usage_error() {
    let output = opgate(&["run", "--config", "/nonexistent/opgate.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let shown = text(&output.stderr);
    assert!(
        shown.starts_with("opgate: cannot read `/nonexistent/opgate.yaml`: "),
        "{shown}"
    );
}

#[test]
fn no_listener_is_opened_for_a_socket_that_is_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "precious").unwrap();
    let (code, shown) = refused(&format!(
        "api: '1.51'\nlisten: [{{ unix: {}, client: me }}]\n\
         upstream: unix:///nonexistent/engine.sock\n\
         clients: {{ me: {{ policies: [all] }} }}\n\
         policies: {{ all: {{ allow: [SystemPing] }} }}\n",
        path.display()
    ));
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("exists and is not a socket"), "{shown}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn the_example_policy_is_accepted() {
    let example = include_str!("../policies/example.yaml");
    let configuration = opgate::policy::resolve("policies/example.yaml", example).unwrap();
    assert_eq!(configuration.listeners.len(), 1);
}

/// The block of a page behind a mark.
#[cfg(test)]
fn block<'p>(page: &'p str, mark: &str) -> &'p str {
    let (_, rest) = page
        .split_once(&format!("<!-- {mark} -->\n```yaml\n"))
        .unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn the_policy_of_the_readme_is_accepted_and_refuses_as_it_says() {
    let readme = include_str!("../README.md");
    let (_folder, file) = policy(block(readme, "policy"));
    let output = opgate(&["check", &file]);
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
    let body = r#"{"Image":"busybox","HostConfig":{"Privileged":true}}"#;
    let arguments = ["explain", "--config", &file, "POST", "/containers/create"];
    let output = opgate(&[&arguments[..], &["--body", body]].concat());
    let shown = text(&output.stdout).replace(&file, "opgate.yaml");
    let (_, decision) = shown.split_once("decision   refused: 403 ").unwrap();
    assert!(
        readme
            .replace("ci:\n", "ci: ")
            .contains(decision.trim_end()),
        "{decision}"
    );
}

#[test]
fn the_policies_of_the_language_page_are_accepted() {
    let page = include_str!("../docs/policies.md");
    let whole = block(page, "check");
    let (_folder, file) = policy(whole);
    let output = opgate(&["check", &file]);
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
    let denies = block(page, "deny");
    let (head, _) = whole.split_once("policies:\n  ping:").unwrap();
    let head = head
        .replace("ping, build", "none")
        .replace("ping, observe", "none");
    let (_folder, file) = policy(&format!("{whole}\n{}", block(page, "tests")));
    let output = opgate(&["test", &file]);
    assert!(
        text(&output.stdout).contains("3 passed"),
        "{}",
        text(&output.stdout)
    );
    // A deny is for what is allowed.
    let denies = format!("{denies}allow: [ContainerExec, ContainerCreate]\n");
    for rules in [denies.as_str(), block(page, "allow")] {
        let rules = rules.replace('\n', "\n    ");
        let (_folder, file) = policy(&format!("{head}policies:\n  none:\n    {rules}\n"));
        let output = opgate(&["check", &file]);
        assert_eq!(text(&output.stderr), "");
        assert!(output.status.success());
    }
}

#[test]
fn the_policies_of_the_project_pass_their_tests_and_reach_every_rule() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/policies");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "yaml") {
            continue;
        }
        let output = opgate(&["test", "--require-coverage", path.to_str().unwrap()]);
        assert_eq!(text(&output.stderr), "", "{}", text(&output.stdout));
        assert!(output.status.success());
        assert!(
            !text(&output.stdout).contains("no tests"),
            "{}",
            path.display()
        );
        files += 1;
    }
    assert!(files >= 2, "{files}");
}

#[test]
fn what_a_version_adds_and_removes_is_listed() {
    let diff = |arguments: &[&str]| {
        let output = opgate(&[&["spec", "diff"], arguments].concat());
        (output.status.code(), text(&output.stdout))
    };
    let (code, shown) = diff(&["1.41", "1.42"]);
    assert_eq!(code, Some(0));
    for line in [
        "+ ContainerAttachWebsocket  GET /containers/{id}/attach/ws (cross-container, exfiltration)",
        "  ContainerStop\n+   query.signal  signal (resource)",
        "+   body.ClusterVolumeSpec  object GUARDED (resource, network)",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    // The other way round it is the same, removed.
    let (_, back) = diff(&["1.42", "1.41"]);
    let turned: Vec<String> = shown
        .lines()
        .map(|line| line.replacen('+', "-", 1))
        .collect();
    assert_eq!(back.lines().collect::<Vec<_>>(), turned);
    let (_, none) = diff(&["1.51", "1.51"]);
    assert_eq!(
        none,
        "1.51 and 1.51 do not differ in what policies speak of\n"
    );
    let (_, json) = diff(&["1.41", "1.42", "--output", "json"]);
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    let signal = found.as_array().unwrap().iter();
    let mut signal = signal.filter(|one| one["path"] == "query.signal");
    assert_eq!(signal.next().unwrap()["operation"], "ContainerStop");
    assert_eq!(diff(&["1.2", "1.51"]).0, Some(2));
}

#[test]
fn tests_that_fail_show_what_was_expected_and_what_came() {
    let (_folder, file) = policy(include_str!("cli/test.yaml"));
    let output = opgate(&["test", "--coverage", &file]);
    let shown = text(&output.stdout).replace(&file, "test.yaml");
    assert_eq!(shown, include_str!("cli/test.txt"));
    assert!(text(&output.stderr).ends_with("6 tests failed\n"));
    assert_eq!(output.status.code(), Some(1));
    let output = opgate(&["test", "--output", "json", &file]);
    let tested: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let tests = tested[0]["tests"].as_array().unwrap();
    let passed = tests.iter().filter(|test| test["passed"] == true).count();
    assert_eq!((passed, tests.len()), (6, 12));
    assert_eq!(tested[0]["unreached"].as_array().unwrap().len(), 1);
}

#[test]
fn a_deny_of_what_a_rule_makes_of_a_request_is_reached() {
    let (head, _) = include_str!("cli/test.yaml")
        .split_once("policies:\n")
        .unwrap();
    let (_folder, file) = policy(&format!(
        "{head}policies:
  ci:
    allow:
      - ContainerCreate: {{ body: {{ User: {{ default: root }} }} }}
    deny:
      - ContainerCreate: {{ body: {{ User: root }} }}
tests:
  - {{ name: root, client: ci, request: {{ operation: ContainerCreate }}, expect: {{ deny: body.User }} }}
  - {{ name: me, client: ci, request: {{ operation: ContainerCreate, body: {{ User: me }} }}, expect: allow }}
"
    ));
    let output = opgate(&["test", &file]);
    let shown = text(&output.stdout).replace(&file, "test.yaml");
    assert_eq!(shown, "test.yaml: 2 passed; 2 of 2 rules reached\n");
}

#[test]
fn rules_that_no_test_reaches_fail_only_where_they_must_be_reached() {
    let (head, _) = include_str!("cli/test.yaml")
        .split_once("tests:\n")
        .unwrap();
    let test =
        "tests: [{ name: a, client: ci, request: { operation: ContainerList }, expect: allow }]\n";
    for (tests, shown) in [
        ("", "test.yaml: no tests\n"),
        (test, "test.yaml: 1 passed; 1 of 5 rules reached\n"),
    ] {
        let (_folder, file) = policy(&format!("{head}{tests}"));
        let output = opgate(&["test", &file]);
        assert_eq!(text(&output.stdout).replace(&file, "test.yaml"), shown);
        assert_eq!(output.status.code(), Some(0));
        let output = opgate(&["test", "--require-coverage", &file]);
        let listed = text(&output.stdout).matches("not reached: ci (").count();
        assert_eq!(listed, if tests.is_empty() { 5 } else { 4 });
        let said = format!("{listed} rules are reached by no test\n");
        assert!(
            text(&output.stderr).ends_with(&said),
            "{}",
            text(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(1));
    }
    assert_eq!(opgate(&["test", "/nonexistent"]).status.code(), Some(2));
}

#[test]
fn the_last_requests_are_in_the_log_when_the_gate_is_told_to_stop() {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::process::Stdio;

    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("gate.sock");
    let file = folder.path().join("opgate.yaml");
    let policy = format!(
        "api: '1.51'\nlisten: [{{ unix: {}, client: me }}]\n\
         upstream: unix:///nonexistent/engine.sock\n\
         clients: {{ me: {{ policies: [all] }} }}\n\
         policies: {{ all: {{ allow: [SystemPing] }} }}\n",
        socket.display()
    );
    std::fs::write(&file, policy).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_opgate"))
        .args(["run", "--config"])
        .arg(&file)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let mut log = Vec::new();
    while !text(&log).contains("opgate: Engine at") {
        let mut piece = [0; 1024];
        let count = stderr.read(&mut piece).unwrap();
        assert_ne!(count, 0, "{}", text(&log));
        log.extend_from_slice(&piece[..count]);
    }
    let request = b"GET /nosuch HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for _ in 0..20 {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(
            text(&answer).starts_with("HTTP/1.1 404 "),
            "{}",
            text(&answer)
        );
    }
    let kill = format!("kill {}", child.id());
    let stop = Command::new("sh").args(["-c", &kill]).status();
    assert!(stop.unwrap().success());
    stderr.read_to_end(&mut log).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(
        text(&log).matches("\"status\":404").count(),
        20,
        "{}",
        text(&log)
    );
    assert!(!socket.exists());
}

/// A policy file in a folder of its own.
#[cfg(test)]
fn policy(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("opgate.yaml");
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    (folder, file)
}

#[test]
fn check_says_of_each_file_what_is_wrong_with_it() {
    let (_good, good) = policy(include_str!("../policies/example.yaml"));
    let example = include_str!("../policies/example.yaml");
    let (_bad, bad) = policy(&example.replace("      - ContainerTop\n", "      - ContainerLst\n"));
    let output = opgate(&["check", &good]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).starts_with(&format!("{good}: fine (1 client, ")));
    assert_eq!(text(&output.stderr), "");
    let output = opgate(&["check", &good, &bad]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains(": fine"));
    let found = text(&output.stderr);
    assert!(found.contains("error[unknown-operation]: there is no operation `ContainerLst`"));
    assert!(found.ends_with("1 error\n"), "{found}");
    let output = opgate(&["check", "--output", "json", &bad]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found[0]["code"], "unknown-operation");
    assert_eq!(found[0]["help"], "did you mean `ContainerList`?");
    assert_eq!(opgate(&["check", "/nonexistent"]).status.code(), Some(2));

    // What cannot be read hides nothing of the others.
    let output = opgate(&["check", "/nonexistent", &bad, "/", &good]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).contains(&format!("{good}: fine")));
    let errors = text(&output.stderr);
    assert!(errors.contains(&format!("{bad}:")), "{errors}");
    for file in ["/nonexistent", "/"] {
        assert!(
            errors.contains(&format!("cannot read `{file}`")),
            "{errors}"
        );
    }
    let output = opgate(&["check", "--output", "json", "/nonexistent", &bad]);
    assert_eq!(output.status.code(), Some(2));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_ne!(found.as_array().map_or(0, Vec::len), 0);
}

#[test]
fn a_file_that_is_no_text_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("opgate.yaml");
    for bytes in [&b"api: \"1.51\" # \xe9\n"[..], b"\xff\xfea\0"] {
        std::fs::write(&file, bytes).unwrap();
        let output = opgate(&["check", &file.display().to_string()]);
        assert_eq!(output.status.code(), Some(1));
        let found = text(&output.stderr);
        assert!(
            found.contains("error[yaml]: the file is not text"),
            "{found}"
        );
    }
}

#[test]
fn all_policies_that_come_along_are_fine() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let output = opgate(&["check", &file.display().to_string()]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{}", file.display());
        count += 1;
    }
    assert!(count >= 2);
}

#[test]
fn explain_shows_each_rule_and_the_decision() {
    let (_folder, file) = policy(include_str!("../policies/demo.yaml"));
    let explain = |more: &[&str]| {
        let mut arguments = vec!["explain", "--config", &file];
        arguments.extend_from_slice(more);
        let output = opgate(&arguments);
        let shown = text(&output.stdout).replace(&file, "opgate.yaml");
        (output.status.code(), shown, text(&output.stderr))
    };
    let body = r#"{"Image":"alpine","Env":["TOKEN=secret"],"HostConfig":{"Memory":0}}"#;
    let (code, shown, said) = explain(&["POST", "/containers/create", "--body", body]);
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert_eq!(shown, include_str!("cli/explain.txt"));
    let (code, shown, _) = explain(&["GET", "/v1.51/containers/json?all=1", "--show-values"]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("decision   allowed by look (opgate.yaml:"),
        "{shown}"
    );
    assert!(
        shown.contains("forwarded  GET /v1.51/containers/json?all=1"),
        "{shown}"
    );
    let (code, shown, _) = explain(&["--output", "json", "GET", "/info"]);
    let object: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(code, Some(1));
    assert_eq!(object["decision"], "refuse");
    assert_eq!(object["operation"], "SystemInfo");
    let (code, _, said) = explain(&["--client", "nobody", "GET", "/info"]);
    assert_eq!(
        (code, said.as_str()),
        (Some(2), "opgate: there is no client `nobody`\n")
    );
}

#[test]
fn the_demo_ends_by_itself_without_a_terminal_and_says_what_answers() {
    let output = Command::new(env!("CARGO_BIN_EXE_opgate"))
        .arg("demo")
        .env("DOCKER_HOST", "unix:///nonexistent/engine.sock")
        .output()
        .unwrap();
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        shown
            .starts_with("The Engine: unix:///nonexistent/engine.sock: no Engine answers there.\n"),
        "{shown}"
    );
    // The places of the sockets differ from run to run.
    let (_, tour) = shown.split_once("\n 1. ").unwrap();
    assert_eq!(format!(" 1. {tour}"), include_str!("cli/demo.txt"));
    let (_, folder) = shown.split_once("unix:///tmp").unwrap_or(("", ""));
    if let Some((path, _)) = folder.split_once("/opgate.sock") {
        assert!(
            !Path::new(&format!("/tmp{path}")).exists(),
            "what it made is gone"
        );
    }
}

#[test]
fn included_files_are_found_from_the_file_that_includes_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| std::fs::write(at(name), text).unwrap();
    std::fs::create_dir(at("parts")).unwrap();
    let absolute = at("lists.yaml");
    write(
        "opgate.yaml",
        &format!(
            "api: '1.51'\ninclude: [parts/policies.yaml, {}]\n\
             listen: [{{ unix: /nonexistent/gate.sock, client: me }}]\n\
             upstream: unix:///nonexistent/engine.sock\n\
             clients: {{ me: {{ policies: [all] }} }}\n",
            absolute.display()
        ),
    );
    let policies = "include: [../lists.yaml]\npolicies:\n  all: { allow: [ContainerKill: { query: { signal: { list: signals } } }] }\n";
    write("parts/policies.yaml", policies);
    write("lists.yaml", "lists: { signals: [HUP] }\n");
    let file = at("opgate.yaml").display().to_string();
    let output = opgate(&["check", &file]);
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
    // A mistake is shown in the file that has it.
    write(
        "parts/policies.yaml",
        &policies.replace("signals", "signal"),
    );
    let output = opgate(&["check", "--output", "json", &file]);
    assert_eq!(output.status.code(), Some(1));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found[0]["code"], "unknown-list");
    let place = found[0]["file"].as_str().unwrap();
    assert!(place.ends_with("/parts/policies.yaml"), "{place}");
    assert_eq!(found[0]["line"], 3);
    // A file is as large as a policy may be, wherever it stands.
    write("lists.yaml", &"#".repeat((1 << 20) + 1));
    let output = opgate(&["check", &file]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stderr);
    assert!(shown.contains("error[include]: cannot read"), "{shown}");
    assert!(shown.contains("it is larger than 1048576 bytes"), "{shown}");
}

const ODD: &str = "\
api: '1.51'
listen: [{ unix: /nonexistent/gate.sock, client: me }]
upstream: unix:///nonexistent/engine.sock
clients: { me: { policies: [all] } }
policies: { all: { allow: [SystemPing, SystemPing] }, none: { allow: [SystemInfo] } }
";

#[test]
fn warnings_are_no_errors_unless_they_are_denied() {
    let (_folder, file) = policy(ODD);
    let output = opgate(&["check", &file]);
    assert_eq!(output.status.code(), Some(0));
    let summary = format!("{file}: fine (1 client, 2 rules, 2 warnings)\n");
    assert_eq!(text(&output.stdout), summary);
    let warnings = text(&output.stderr);
    assert!(warnings.contains("warning[shadowed]"), "{warnings}");
    let output = opgate(&["check", "--deny-warnings", &file]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stderr);
    assert!(
        shown.ends_with("\n2 warnings, as bad as errors here\n"),
        "{shown}"
    );
    let (_folder, good) = policy(include_str!("../policies/example.yaml"));
    let output = opgate(&["check", "--deny-warnings", &good]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    // Each file is looked at, whatever is found in the others.
    let (_folder, bad) = policy(&ODD.replace("SystemInfo", "SystemInf"));
    let output = opgate(&["check", "--deny-warnings", &bad, &file, &good]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stderr);
    assert!(
        shown.ends_with("\n1 error, 2 warnings, as bad as errors here\n"),
        "{shown}"
    );
    assert_eq!(text(&output.stdout).lines().count(), 2);
}

/// What SARIF 2.1.0 says of the parts that are written.
#[cfg(test)]
fn results(log: &serde_json::Value) -> Vec<(String, String, String, [u64; 3])> {
    assert_eq!(log["version"], "2.1.0");
    let [run] = log["runs"].as_array().unwrap().as_slice() else {
        panic!("one run");
    };
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "opgate");
    assert_eq!(driver["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let rules = driver["rules"].as_array().unwrap();
    assert_eq!(rules.len(), opgate::diagnostic::Code::ALL.len());
    for rule in rules {
        let description = rule["shortDescription"]["text"].as_str().unwrap();
        assert!(
            description.ends_with('.') && !description.starts_with(' '),
            "{description}"
        );
    }
    let results = run["results"].as_array().unwrap().iter();
    results
        .map(|result| {
            let id = result["ruleId"].as_str().unwrap().to_owned();
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], id.as_str());
            let level = result["level"].as_str().unwrap().to_owned();
            assert!(["error", "warning"].contains(&level.as_str()));
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            let place = &result["locations"][0]["physicalLocation"];
            let region = ["startLine", "startColumn", "endColumn"];
            let region = region.map(|name| place["region"][name].as_u64().unwrap());
            assert!(region[0] > 0 && region[1] > 0 && region[2] > region[1]);
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            (id, level, uri.to_owned(), region)
        })
        .collect()
}

/// What the schema of SARIF 2.1.0 demands of all that stands in such a log.
#[cfg(test)]
fn is_sarif(log: &serde_json::Value) {
    let known = |value: &serde_json::Value, keys: &[&str]| {
        let own: Vec<&str> = value
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        for key in own {
            assert!(keys.contains(&key), "there is no property {key}");
        }
    };
    known(log, &["$schema", "version", "runs"]);
    assert_eq!(log["version"], "2.1.0");
    let runs = log["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1);
    let run = &runs[0];
    known(run, &["tool", "columnKind", "results"]);
    assert!(["utf16CodeUnits", "unicodeCodePoints"].contains(&run["columnKind"].as_str().unwrap()));
    known(&run["tool"], &["driver"]);
    let driver = &run["tool"]["driver"];
    known(driver, &["name", "version", "rules"]);
    assert!(driver["name"].is_string() && driver["version"].is_string());
    let rules = driver["rules"].as_array().unwrap();
    for (index, rule) in rules.iter().enumerate() {
        known(rule, &["id", "shortDescription"]);
        assert!(rule["id"].is_string() && rule["shortDescription"]["text"].is_string());
        let before = &rules[..index];
        assert!(
            before.iter().all(|other| other["id"] != rule["id"]),
            "{rule}"
        );
    }
    for result in run["results"].as_array().unwrap() {
        known(
            result,
            &["ruleId", "ruleIndex", "level", "message", "locations"],
        );
        assert!(result["message"]["text"].is_string());
        let level = result["level"].as_str().unwrap();
        assert!(["none", "note", "warning", "error"].contains(&level));
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[rule]["id"], result["ruleId"]);
        for location in result["locations"].as_array().unwrap() {
            known(location, &["physicalLocation"]);
            let place = &location["physicalLocation"];
            known(place, &["artifactLocation", "region"]);
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            // What RFC 3986 has in a reference.
            let has = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/%".contains(&byte);
            assert!(!uri.is_empty() && uri.bytes().all(has), "{uri}");
            let region = &place["region"];
            known(region, &["startLine", "startColumn", "endColumn"]);
            let at = |key: &str| region[key].as_u64().unwrap();
            assert!(at("startLine") >= 1 && at("startColumn") >= 1);
            assert!(at("endColumn") >= at("startColumn"));
        }
    }
}

#[test]
fn every_finding_is_sarif() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics");
    let files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .map(|path| path.display().to_string())
        .collect();
    let mut arguments = vec!["check", "--output", "sarif"];
    arguments.extend(files.iter().map(String::as_str));
    let output = opgate(&arguments);
    assert_eq!(output.status.code(), Some(1));
    let log = serde_json::from_slice(&output.stdout).unwrap();
    is_sarif(&log);
    let found: std::collections::BTreeSet<String> =
        results(&log).into_iter().map(|found| found.0).collect();
    assert!(found.len() > 30, "{found:?}");
}

#[test]
fn code_hosts_are_told_what_people_are_told() {
    let (_one, odd) = policy(ODD);
    let (_two, bad) = policy(&ODD.replace("SystemInfo", "SystemInf"));
    let output = opgate(&["check", "--output", "sarif", &odd, &bad]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "1 error\n");
    let found = results(&serde_json::from_slice(&output.stdout).unwrap());
    let expected = [
        ("shadowed", "warning", &odd, [5, 40, 50]),
        ("unused", "warning", &odd, [5, 55, 59]),
        ("unknown-operation", "error", &bad, [5, 71, 80]),
    ];
    let expected = expected.map(|(id, level, file, region)| {
        (
            id.to_owned(),
            level.to_owned(),
            format!("file://{file}"),
            region,
        )
    });
    assert_eq!(found, expected);
    // A relative path stays one, so that it is one of the repository.
    let output = Command::new(env!("CARGO_BIN_EXE_opgate"))
        .args([
            "check",
            "--output",
            "sarif",
            "tests/diagnostics/included/base.yaml",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let found = results(&serde_json::from_slice(&output.stdout).unwrap());
    assert!(!found.is_empty());
    for (_, _, uri, _) in found {
        assert_eq!(uri, "tests/diagnostics/included/base.yaml");
    }
    // Nothing found is a log, too.
    let (_three, good) = policy(include_str!("../policies/example.yaml"));
    let output = opgate(&["check", "--output", "sarif", &good]);
    assert_eq!(output.status.code(), Some(0));
    assert!(results(&serde_json::from_slice(&output.stdout).unwrap()).is_empty());
}

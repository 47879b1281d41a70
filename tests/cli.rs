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
upstream: tcp://127.0.0.1:2375
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
    let denies = denies.replace('\n', "\n    ");
    let (_folder, file) = policy(&format!("{head}policies:\n  none:\n    {denies}\n"));
    let output = opgate(&["check", &file]);
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
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
    let (_bad, bad) = policy(&format!(
        "{}      - ContainerLst\n",
        include_str!("../policies/example.yaml")
    ));
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

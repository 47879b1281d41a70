//! Import, build, show, refuse.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::swagger::next;

/// What a build needs of the repository.
const SOURCES: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "build.rs",
    "rust-toolchain.toml",
    "src",
    "codegen/Cargo.toml",
    "codegen/src",
    "spec",
    "benches",
    "policies",
];

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}

fn cargo(folder: &Path, target: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--locked")
        .args(["--target-dir"])
        .arg(target)
        .current_dir(folder)
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The documented command, with its own arguments at the end.
fn import(folder: &Path, target: &Path, file: &str) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--locked", "-p", "opgate-codegen", "--target-dir"])
        .arg(target)
        .args(["--", "import", file])
        .current_dir(folder)
        .output()
        .unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{report}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    report
}

#[test]
fn a_new_version_builds_and_what_is_new_in_it_is_guarded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    for source in SOURCES {
        copy(&root.join(source), &folder.path().join(source));
    }
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("made-up-version");
    let newest = fs::read_to_string(root.join("spec/engine-v1.55.yaml")).unwrap();
    fs::write(folder.path().join("v1.56.yaml"), next(&newest)).unwrap();

    let report = import(folder.path(), &target, "v1.56.yaml");
    for said in [
        "WidgetCreate",
        "query:widgets",
        "HostConfig.Teleport",
        "InitMount.Target",
        "Size",
    ] {
        assert!(report.contains(said), "{said}: {report}");
    }
    assert!(report.contains("unclassified"), "{report}");
    assert!(!report.contains("removes"), "{report}");

    cargo(folder.path(), &target, &["build"]);
    let opgate = target.join("debug/opgate");
    let show = |name: &str| {
        let output = Command::new(&opgate).args(["ops", name]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let lines = |text: &str, word: &str| {
        let line = text.lines().find(|line| line.contains(word));
        line.unwrap_or_default().to_owned()
    };
    for (operation, word) in [
        ("ContainerCreate", "Teleport"),
        ("ContainerList", "widgets"),
        ("WidgetCreate", "Size"),
    ] {
        let line = lines(&show(operation), word);
        assert!(line.contains("UNCLASSIFIED"), "{operation}: {line}");
        if operation != "WidgetCreate" {
            assert!(line.contains("since 1.56"), "{operation}: {line}");
        }
    }
    assert!(show("WidgetCreate").contains("none: allowed by its own name only"));
    assert!(lines(&show("ContainerCreate"), "  Privileged").contains("GUARDED"));

    refused(&opgate, folder.path());
}

/// Answers as an Engine of the new version, until the test ends.
fn stand_in(listener: UnixListener) {
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    break;
                }
                if line == "\r\n" {
                    let body = if lines
                        .iter()
                        .any(|line: &String| line.starts_with("GET /version "))
                    {
                        r#"{"ApiVersion":"1.56","MinAPIVersion":"1.41"}"#
                    } else {
                        "[]"
                    };
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    if reader.get_mut().write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                    lines.clear();
                } else {
                    lines.push(line);
                }
            }
        }
    });
}

/// An Engine of the new version behind the gate, and clients that try what is new.
fn refused(opgate: &Path, folder: &Path) {
    let engine = folder.join("engine.sock");
    let gate = folder.join("gate.sock");
    stand_in(UnixListener::bind(&engine).unwrap());
    let config = folder.join("opgate.yaml");
    let policy = format!(
        "api: '1.56'\nlisten: [{{ unix: {}, client: me }}]\nupstream: unix://{}\n\
         clients: {{ me: {{ policies: [all] }} }}\n\
         policies: {{ all: {{ allow: [ContainerList, ContainerCreate, WidgetCreate] }} }}\n",
        gate.display(),
        engine.display()
    );
    fs::write(&config, policy).unwrap();
    let mut child = Command::new(opgate)
        .args(["run", "--config"])
        .arg(&config)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("opgate: Engine at") {
        line.clear();
        assert_ne!(
            log.read_line(&mut line).unwrap(),
            0,
            "the gate did not start"
        );
    }
    let ask = |method: &str, target: &str, body: &str| {
        let mut stream = UnixStream::connect(&gate).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let answers = [
        (ask("GET", "/v1.56/containers/json", ""), None),
        (
            ask("GET", "/v1.56/containers/json?widgets=1", ""),
            Some("query.widgets"),
        ),
        (
            ask(
                "POST",
                "/v1.56/containers/create",
                r#"{"HostConfig":{"Teleport":true}}"#,
            ),
            Some("body.HostConfig.Teleport=true"),
        ),
        (
            ask(
                "POST",
                "/v1.56/containers/create",
                r#"{"InitMount":{"Target":"/x"}}"#,
            ),
            Some("body.InitMount.Target"),
        ),
        (
            ask("POST", "/v1.56/widgets/create", r#"{"Size":3}"#),
            Some("body.Size=3"),
        ),
        (ask("POST", "/v1.56/widgets/create", r#"{"Size":0}"#), None),
    ];
    child.kill().unwrap();
    child.wait().unwrap();
    for (answer, field) in answers {
        match field {
            None => assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}"),
            Some(field) => {
                assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
                assert!(answer.contains(field), "{field}: {answer}");
                assert!(answer.contains("is guarded (unclassified)"), "{answer}");
            }
        }
    }
}

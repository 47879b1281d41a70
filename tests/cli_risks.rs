//! `opgate check --risks`, `--forbid` and `opgate diff`, as people and programs see
//! them.
#![cfg(test)]

use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;

#[path = "support/said.rs"]
mod said;

use said::said;

/// What a command says, in `tests/cli`: its exit code, its output and its complaints.
fn opgate(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opgate"));
    command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli"))
        .args(arguments);
    said(&mut command, input)
}

/// What a program reads.
fn json(arguments: &[&str], code: i32) -> Value {
    let (found, out, said) = opgate(&[arguments, &["--output", "json"]].concat(), "");
    assert_eq!(found, code, "{said}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn people_are_told_what_is_open_and_what_is_different() {
    let mut said = String::new();
    for arguments in [
        &["check", "--risks", "risks.yaml"][..],
        &["check", "--forbid", "privilege,host-escape", "risks.yaml"],
        &[
            "check",
            "--forbid",
            "cross-container,info-leak",
            "risks.yaml",
        ],
        &["check", "--forbid", "escape", "risks.yaml"],
        &["check", "--risks", "--output", "sarif", "risks.yaml"],
        &["diff", "risks.yaml", "risks-new.yaml"],
        &["diff", "risks.yaml", "risks.yaml"],
        &["diff", "risks.yaml", "nowhere.yaml"],
        &["diff", "risks.yaml", "test.txt"],
    ] {
        let (code, out, complaints) = opgate(arguments, "");
        writeln!(
            said,
            "$ opgate {}\n{out}{complaints}exit {code}\n",
            arguments.join(" ")
        )
        .unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/risks.txt");
    if std::env::var_os("OPGATE_UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &said).unwrap();
    }
    assert_eq!(said, std::fs::read_to_string(path).unwrap());
}

/// Whether `explain` allows a witness, by its JSON alone.
fn is_allowed(file: &str, client: &Value, witness: &Value) -> bool {
    let client = client.as_str().unwrap();
    let arguments = [
        "explain",
        "--config",
        file,
        "--client",
        client,
        "--request",
        "-",
    ];
    let (code, out, said) = opgate(&arguments, &witness.to_string());
    match code {
        0 => assert!(out.contains("\ndecision   allowed by "), "{out}"),
        code => assert_eq!(code, 1, "{witness}: {said}"),
    }
    code == 0
}

#[test]
fn explain_allows_each_witness() {
    let found = json(&["check", "--risks", "risks.yaml"], 0);
    assert_eq!(found["diagnostics"], Value::Array(Vec::new()));
    let mut count = 0;
    for client in found["risks"].as_array().unwrap() {
        assert_eq!(client["unproven"], Value::Array(Vec::new()));
        for opening in client["opens"].as_array().unwrap() {
            assert!(
                is_allowed("risks.yaml", &client["client"], &opening["witness"]),
                "{opening}"
            );
            count += 1;
        }
    }
    assert!(count > 5, "{count}");
}

#[test]
fn explain_tells_the_files_apart_by_each_witness_of_a_difference() {
    let found = json(&["diff", "risks.yaml", "risks-new.yaml"], 1);
    let found = found.as_array().unwrap();
    for one in found {
        let judged = ["risks.yaml", "risks-new.yaml"]
            .map(|file| is_allowed(file, &one["client"], &one["witness"]));
        let expected = match one["change"].as_str().unwrap() {
            "allows" => [false, true],
            "refuses" => [true, false],
            _ => [true, true],
        };
        assert_eq!(judged, expected, "{one}");
    }
    assert!(found.len() > 5, "{found:?}");
    let back = json(&["diff", "risks-new.yaml", "risks.yaml"], 1);
    let count =
        |found: &[Value], change: &str| found.iter().filter(|one| one["change"] == change).count();
    // What is allowed one way is refused the other way.
    assert_eq!(
        count(found, "allows"),
        count(back.as_array().unwrap(), "refuses")
    );
}

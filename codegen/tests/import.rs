//! The command `import`, from its command line to the files that it writes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn import(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_opgate-codegen"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn description(minor: u16, parameters: &str) -> String {
    format!(
        "swagger: '2.0'\nbasePath: /v1.{minor}\ninfo: {{version: '1.{minor}'}}\npaths:\n  /do:\n    post:\n      \
         operationId: Do\n      tags: [Thing]\n      parameters: {parameters}\n      responses: {{}}\n"
    )
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const OVERLAY: &str = "overlay: 1.0.0\ninfo: {title: t, version: '1'}\nactions:\n\
    - target: $.paths['/do'].post\n  x-opgate-why: needed\n  x-opgate-matches: 1\n  update: {x-opgate-access: change}\n\
    - target: $.paths['/do'].post.parameters[?@.name == 'old']\n  x-opgate-why: harmless\n  x-opgate-matches: 1\n  \
    x-opgate-versions: 1.51-\n  update: {x-opgate-risk: {guard: open, classes: []}}\n";

#[test]
fn a_new_version_is_written_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("spec")).unwrap();
    fs::write(path.join("spec/overlay.yaml"), OVERLAY).unwrap();
    fs::write(path.join("v1.50.yaml"), description(50, "[]")).unwrap();
    let parameters =
        "[{name: old, in: query, type: string}, {name: new, in: query, type: boolean}]";
    fs::write(path.join("v1.51.yaml"), description(51, parameters)).unwrap();

    let output = import(&["import", "v1.50.yaml"], path);
    assert_eq!(output.status.code(), Some(0), "{}", error(&output));
    assert_eq!(
        out(&output),
        "1.50: new\nno lower version to compare with\nwrote engine-v1.50.yaml\nwrote provenance.toml\n"
    );

    let told = "1.51: new\n\
         1.51 compared with 1.50\n  Do  POST /do\n    \
         + query:old  string\n    \
         + query:new  boolean\n  \
         unclassified, and guarded until the overlay says more:\n    \
         Do query:new\n";
    let check = import(&["import", "--check", "v1.51.yaml"], path);
    assert_eq!(check.status.code(), Some(1));
    assert_eq!(
        out(&check),
        format!("{told}would write engine-v1.51.yaml\nwould write provenance.toml\n")
    );
    assert!(!path.join("spec/engine-v1.51.yaml").exists());

    let output = import(&["import", "v1.51.yaml"], path);
    assert_eq!(output.status.code(), Some(0), "{}", error(&output));
    assert_eq!(
        out(&output),
        format!("{told}wrote engine-v1.51.yaml\nwrote provenance.toml\n")
    );
    assert!(path.join("spec/engine-v1.51.yaml").exists());
    let names = fs::read_dir(path.join("spec")).unwrap();
    assert_eq!(names.count(), 4, "nothing else may be left behind");

    let check = import(&["import", "--check", "v1.50.yaml", "v1.51.yaml"], path);
    assert_eq!(check.status.code(), Some(0), "{}", out(&check));
}

#[test]
fn an_overlay_that_does_not_fit_yet_is_told_and_hinders_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("overlay.yaml"), OVERLAY).unwrap();
    fs::write(path.join("v1.52.yaml"), description(52, "[]")).unwrap();
    let output = import(&["import", "--spec-dir", ".", "v1.52.yaml"], path);
    assert_eq!(output.status.code(), Some(0), "{}", error(&output));
    let out = out(&output);
    assert!(out.contains("the overlay does not fit 1.52 yet"), "{out}");
    assert!(out.contains("actions[1]"), "{out}");
    assert!(path.join("engine-v1.52.yaml").exists());
}

#[test]
fn mistakes_in_a_description_are_findings_and_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("spec")).unwrap();
    fs::write(path.join("v1.50.yaml"), description(50, "[]")).unwrap();
    fs::write(
        path.join("v1.51.yaml"),
        description(51, "[{name: a, in: cookie, type: string}]"),
    )
    .unwrap();
    let output = import(&["import", "v1.50.yaml", "v1.51.yaml"], path);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        error(&output),
        "v1.51.yaml:9: /paths/~1do/post/parameters/0/in: `cookie` parameters are not understood\n"
    );
    assert_eq!(fs::read_dir(path.join("spec")).unwrap().count(), 0);
}

#[test]
fn mistakes_on_the_command_line_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("bytes.yaml"), [0xff]).unwrap();
    fs::write(path.join("v1.50.yaml"), description(50, "[]")).unwrap();
    for (arguments, said) in [
        (
            &["export"][..],
            "error: there is no command `export`; try --help\n",
        ),
        (
            &["import"],
            "error: name the descriptions to import; try --help\n",
        ),
        (
            &["import", "--fast"],
            "error: there is no option `--fast`; try --help\n",
        ),
        (
            &["import", "--spec-dir"],
            "error: `--spec-dir` needs a value\n",
        ),
        (
            &["import", "bytes.yaml"],
            "error: bytes.yaml: is not UTF-8\n",
        ),
    ] {
        let output = import(arguments, path);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(error(&output), said);
        assert_eq!(out(&output), "");
    }
    for arguments in [&["import", "none.yaml"][..], &["import", "v1.50.yaml"]] {
        let output = import(arguments, path);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(error(&output).starts_with("error: "), "{}", error(&output));
    }
    let output = import(
        &[
            "import",
            "--commit",
            "main",
            "--spec-dir",
            ".",
            "v1.50.yaml",
        ],
        path,
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        error(&output),
        "--commit: expected the 40 hexadecimal digits of a commit\n"
    );
}

#[test]
fn help_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let asked = import(&["import", "--help"], folder.path());
    assert_eq!(asked.status.code(), Some(0));
    assert!(out(&asked).contains("Usage: opgate-codegen import"));
    let bare = import(&[], folder.path());
    assert_eq!(bare.status.code(), Some(2));
    assert!(error(&bare).contains("Usage: opgate-codegen import"));
}

//! How the files are written, and that `opgate init` gives them.

use opgate::policy;

use crate::support::{opened, opgate, presets, text};

#[test]
fn every_file_is_listed_with_its_first_line_and_written_as_it_is() {
    let list = text(&opgate(&["init"]).stdout);
    let (list, hint) = list.split_once("\n\n").unwrap();
    assert_eq!(
        hint,
        "One of them, to adapt: opgate init NAME --output opgate.yaml\n"
    );
    let presets = presets();
    let mut listed = list.lines();
    for (name, preset) in &presets {
        let line = listed.next().unwrap();
        let (shown, description) = line.split_once(' ').unwrap();
        assert_eq!(shown, name);
        let first = preset.lines().next().unwrap();
        assert_eq!(first, format!("# {}", description.trim()));
        assert!(line.len() <= 80 && line.ends_with('.'), "{line}");
        let written = opgate(&["init", name]);
        assert!(written.status.success(), "{name}");
        assert_eq!(text(&written.stdout), *preset, "{name}");
    }
    assert_eq!(listed.next(), None);
}

#[test]
fn an_unknown_name_gets_the_nearest() {
    let output = opgate(&["init", "portaner"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "opgate: there is no policy `portaner`; did you mean `portainer`?\n"
    );
    let output = opgate(&["init", "nothing-like-it"]);
    assert_eq!(
        text(&output.stderr),
        "opgate: there is no policy `nothing-like-it`; `opgate init` lists them\n"
    );
}

#[test]
fn a_file_is_replaced_only_by_force() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("opgate.yaml");
    let file = path.to_str().unwrap();
    let output = opgate(&["init", "ping-only", "--output", file]);
    assert!(output.status.success());
    assert!(output.stdout.is_empty());
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        presets()["ping-only"]
    );

    std::fs::write(&path, "mine").unwrap();
    let output = opgate(&["init", "diun", "--output", file]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        format!("opgate: cannot write {file}: it is there already; `--force` replaces it\n")
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");

    assert!(
        opgate(&["init", "diun", "--output", file, "--force"])
            .status
            .success()
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), presets()["diun"]);

    let nowhere = folder.path().join("none/opgate.yaml");
    let output = opgate(&["init", "diun", "--output", nowhere.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("No such file"));
}

#[test]
fn every_file_has_the_same_head_and_its_own_socket() {
    for (name, preset) in presets() {
        let (head, rest) = preset.split_once("\napi: \"1.51\"\n").unwrap();
        for part in [
            "\n# For:    ",
            "\n# Allows: ",
            "\n# Shut:   ",
            "\n# Mind:   ",
        ] {
            assert!(head.contains(part), "{name} {part}");
        }
        assert!(
            head.lines()
                .all(|line| line.starts_with('#') && line.chars().count() <= 90),
            "{name}"
        );
        let socket = format!("\n  - {{ unix: /run/opgate/{name}.sock, client: {name} }}\n");
        assert!(rest.contains(&socket), "{name}");
        assert!(
            rest.contains("\nupstream: unix:///var/run/docker.sock\n"),
            "{name}"
        );
    }
}

/// What stands there as a comment is right, too, whatever of it is opened.
#[test]
fn the_rules_to_open_are_fine() {
    let mut count = 0;
    for (name, preset) in presets() {
        for line in preset.lines().filter(|line| line.contains("      # - ")) {
            count += 1;
            let one = preset.replacen(line, opened(line).trim_end(), 1);
            assert!(one != preset, "{line}");
            let configuration = policy::resolve(&name, &one).unwrap();
            assert!(configuration.warnings.found().is_empty(), "{name} {line}");
        }
        let all = policy::resolve(&name, &opened(&preset)).unwrap();
        assert!(all.warnings.found().is_empty(), "{name}");
    }
    assert!(count > 30, "only {count}");
}

//! Files that include others.

use std::io;
use std::path::Path;

use super::*;
use crate::diagnostic::{Code, Diagnostics};

/// Resolves `a/main.yaml`, given all files by their paths.
fn resolve_files(files: &[(&str, &str)]) -> Result<Configuration, Diagnostics> {
    let read = |path: &Path| -> io::Result<SourceFile> {
        let file = files.iter().find(|(name, _)| Path::new(name) == path);
        let (name, text) = file.ok_or(io::ErrorKind::NotFound)?;
        Ok(SourceFile {
            // `b/../a/x` is `a/x`.
            identity: name.rsplit("../").next().unwrap().into(),
            text: (*text).to_owned(),
        })
    };
    let main = read(Path::new("a/main.yaml")).unwrap();
    resolve_with("a/main.yaml", main, &read)
}

const HEAD: &str =
    "api: '1.51'\nlisten: [{ unix: /run/a.sock, client: me }]\nupstream: unix:///run/engine.sock\n";

fn codes(found: &Diagnostics) -> Vec<(Code, &str, u64)> {
    let all = found.found().iter();
    all.map(|one| (one.code, found.file(one.span), one.span.line))
        .collect()
}

#[test]
fn what_is_included_is_as_if_it_stood_here() {
    let main = format!("{HEAD}include: [b/more.yaml, /etc/lists.yaml]\n");
    let configuration = resolve_files(&[
        ("a/main.yaml", &main),
        (
            "a/b/more.yaml",
            "include: [deep.yaml]\nclients: { me: { policies: [p] } }\n",
        ),
        (
            "a/b/deep.yaml",
            "policies:\n  p: { allow: [ContainerKill: { query: { signal: { list: signals } } }] }\n",
        ),
        ("/etc/lists.yaml", "lists: { signals: [HUP], unused: [a] }\n"),
    ])
    .unwrap();
    // A file for several may have more than is used.
    assert_eq!(codes(&configuration.warnings), []);
    let policies = configuration.policies;
    assert!(decide(&policies, "POST", "/containers/x/kill?signal=HUP", "").is_ok());
    let refused = decide(&policies, "POST", "/containers/x/kill?signal=KILL", "").unwrap_err();
    assert!(refused.ends_with("(a/b/deep.yaml:2)"), "{refused}");
}

#[test]
fn a_file_that_several_include_is_read_once() {
    let main =
        format!("{HEAD}include: [x.yaml, y.yaml]\nclients: {{ me: {{ policies: [p, x] }} }}\n");
    let files = [
        ("a/main.yaml", main.as_str()),
        (
            "a/x.yaml",
            "include: [../a/p.yaml]\npolicies: { x: { allow: [SystemInfo] } }\n",
        ),
        ("a/y.yaml", "include: [p.yaml]\n"),
        ("a/p.yaml", "policies: { p: { allow: [SystemPing] } }\n"),
        (
            "a/../a/p.yaml",
            "policies: { p: { allow: [SystemPing] } }\n",
        ),
    ];
    assert_eq!(codes(&resolve_files(&files).unwrap().warnings), []);
}

#[test]
fn circles_and_long_rows_end() {
    let main = format!(
        "{HEAD}include: [x.yaml]\nclients: {{ me: {{ policies: [p] }} }}\npolicies: {{ p: {{ allow: [SystemPing] }} }}\n"
    );
    let found = resolve_files(&[
        ("a/main.yaml", &main),
        ("a/x.yaml", "include: [main.yaml]\n"),
    ]);
    assert_eq!(codes(&found.unwrap_err()), [(Code::Nesting, "a/x.yaml", 1)]);

    let names: Vec<String> = (0..12).map(|number| format!("a/{number}.yaml")).collect();
    let texts: Vec<String> = (1..=12)
        .map(|number| format!("include: [{number}.yaml]\n"))
        .collect();
    for (last, fits) in [(6, true), (7, false)] {
        let main = main.replace("x.yaml", "0.yaml");
        let mut files = vec![("a/main.yaml", main.as_str())];
        for (number, (name, text)) in names.iter().zip(&texts).enumerate().take(last + 1) {
            files.push((name, if number == last { "lists: {}" } else { text }));
        }
        match resolve_files(&files) {
            Ok(_) => assert!(fits, "{last}"),
            Err(found) => {
                assert!(!fits, "{last}");
                assert_eq!(codes(&found), [(Code::Nesting, "a/6.yaml", 1)]);
            }
        }
    }
    let many: Vec<(String, String)> = (0..100)
        .map(|number| (format!("a/{number}.yaml"), "lists: {}".to_owned()))
        .collect();
    let all: Vec<String> = (0..100).map(|number| format!("{number}.yaml")).collect();
    let main = main.replace("x.yaml", &all.join(", "));
    let mut files = vec![("a/main.yaml", main.as_str())];
    files.extend(
        many.iter()
            .map(|(name, text)| (name.as_str(), text.as_str())),
    );
    assert_eq!(
        codes(&resolve_files(&files).unwrap_err()),
        [(Code::Nesting, "a/main.yaml", 4)]
    );
}

#[test]
fn what_may_stand_in_a_lost_file_is_not_reported() {
    let main = format!(
        "{HEAD}include: [lost.yaml]\nclients: {{ me: {{ policies: [lost, p] }} }}\npolicies: {{ p: {{ allow: [SystemPingg] }} }}\n"
    );
    let found = resolve_files(&[("a/main.yaml", &main)]).unwrap_err();
    let main = "a/main.yaml";
    assert_eq!(
        codes(&found),
        [(Code::Include, main, 4), (Code::UnknownOperation, main, 6)]
    );
    // Nothing can be included where nothing else is read.
    let text = format!(
        "{HEAD}include: [x]\nclients: {{ me: {{ policies: [p] }} }}\npolicies: {{ p: {{ allow: [SystemPing] }} }}\n"
    );
    assert_eq!(
        resolve("f", &text).unwrap_err().found()[0].code,
        Code::Include
    );
}

#[test]
fn the_first_file_says_where_clients_come_in() {
    let main = format!("{HEAD}include: [x.yaml]\nclients: {{ me: {{ policies: [p] }} }}\n");
    let same = format!(
        "{}policies: {{ p: {{ allow: [SystemPing] }} }}\n",
        HEAD.replace("listen: [{ unix: /run/a.sock, client: me }]\n", "")
    );
    let files =
        |other: &str| resolve_files(&[("a/main.yaml", &main), ("a/x.yaml", other)]).map(|_| ());
    assert!(files(&same).is_ok());
    for (other, line) in [
        (same.replace("1.51", "1.50"), 1),
        (same.replace("engine", "other"), 2),
        (
            format!("{same}listen: [{{ unix: /run/b.sock, client: me }}]\n"),
            4,
        ),
    ] {
        let found = files(&other).unwrap_err();
        assert_eq!(codes(&found), [(Code::Include, "a/x.yaml", line)]);
    }
    // Twice is a mistake, even if it says the same.
    let other = format!("{same}clients: {{ me: {{ policies: [p] }} }}\n");
    let found = files(&other).unwrap_err();
    assert_eq!(codes(&found), [(Code::DuplicateKey, "a/x.yaml", 4)]);
    assert_eq!(
        found.found()[0].help.as_deref(),
        Some("it stands at a/main.yaml:5, too")
    );
}

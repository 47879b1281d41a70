//! Files that are no policies, or are written in a way that policies do without:
//! each leads to a finding, and none to a policy that says less.

use opgate::diagnostic::{Code, Diagnostics};
use opgate::policy::{self, Configuration};

use crate::mutations::GOOD;

/// What a main thread has. Without optimisation the reader needs more than that of a
/// test for the levels that there may be.
const STACK: usize = 8 << 20;

fn check(text: &str) -> Result<Configuration, Diagnostics> {
    let text = text.to_owned();
    let thread = std::thread::Builder::new().stack_size(STACK);
    let read = thread.spawn(move || policy::check("policy.yaml", &text));
    read.unwrap().join().unwrap()
}

fn with(more: &str) -> String {
    format!("{GOOD}{more}")
}

/// Bad files: what they are, the code and a piece of the message.
fn files() -> Vec<(&'static str, String, Code, &'static str)> {
    let open = "[".repeat(100_000);
    let lines: Vec<String> = (0..200)
        .map(|depth| format!("{}a:", " ".repeat(depth)))
        .collect();
    let deep = lines.join("\n");
    vec![
        ("empty", String::new(), Code::Listener, "empty"),
        ("a comment", "# nothing".to_owned(), Code::Listener, "empty"),
        (
            "a text",
            "text".to_owned(),
            Code::WrongType,
            "expected a map",
        ),
        (
            "a list",
            "- a".to_owned(),
            Code::WrongType,
            "expected a map",
        ),
        ("open brackets", open, Code::Yaml, "nested deeper"),
        (
            "closed brackets",
            with(&format!("lists: {}{}\n", "[".repeat(70), "]".repeat(70))),
            Code::Yaml,
            "nested deeper",
        ),
        ("maps in maps", deep, Code::Yaml, "nested deeper"),
        (
            "a huge value",
            format!("api: \"{}\"", "1".repeat(900_000)),
            Code::MissingKey,
            "there is no `listen`",
        ),
        (
            "a huge key",
            with(&format!("? {}\n: 1\n", "x".repeat(900_000))),
            Code::UnknownKey,
            "has no meaning here",
        ),
        (
            "an alias",
            with("include: [&a x, *a]\n"),
            Code::Yaml,
            "anchors and aliases are not part",
        ),
        (
            "a merge",
            with("<<: { api: \"1.50\" }\n"),
            Code::Yaml,
            "merge keys are not part",
        ),
        ("a tag", with("include: !x []\n"), Code::Yaml, "tag"),
        (
            "two documents",
            with("---\npolicies: {}\n"),
            Code::Yaml,
            "one document",
        ),
        (
            "two documents, the first ended",
            with("...\npolicies: {}\n"),
            Code::Yaml,
            "one document",
        ),
        (
            "a key twice",
            with("clients: {}\n"),
            Code::DuplicateKey,
            "stands here twice",
        ),
        (
            "a rule's key twice",
            GOOD.replace("User: { not: root }", "User: { not: root, not: bin }"),
            Code::DuplicateKey,
            "stands here twice",
        ),
        (
            "a key twice in two spellings",
            with("\"cl\\u0069ents\": {}\n"),
            Code::DuplicateKey,
            "stands here twice",
        ),
        ("NUL", with("\0"), Code::Yaml, "unexpected character"),
        ("a tab", with("\t- x\n"), Code::Yaml, "tab"),
        (
            "a word of YAML 1.1",
            format!("%YAML 1.1\n---\n{}", GOOD.replace("Tty: true", "Tty: yes")),
            Code::WrongType,
            "expected true or false",
        ),
    ]
}

#[test]
fn what_is_no_policy_is_a_mistake() {
    for (name, text, code, message) in files() {
        let found = check(&text).expect_err(name);
        assert!(found.has_errors(), "{name}");
        let said = found.found().iter();
        let said: Vec<(Code, &str)> = said.map(|one| (one.code, one.message.as_str())).collect();
        assert!(
            said.iter()
                .any(|one| one.0 == code && one.1.contains(message)),
            "{name}: {}",
            found.to_string().chars().take(600).collect::<String>()
        );
        // What is shown is bounded, whatever was read.
        assert!(found.to_string().len() < 4_000_000, "{name}");
    }
}

#[test]
fn a_form_that_changes_nothing_loses_nothing() {
    let expected = check(GOOD).unwrap();
    for (name, text) in [
        ("a mark of the byte order", format!("\u{feff}{GOOD}")),
        ("lines of Windows", GOOD.replace('\n', "\r\n")),
        ("a beginning", format!("---\n{GOOD}")),
        ("an end", with("...\n")),
        ("quotes", GOOD.replace("policies:\n", "\"policies\":\n")),
    ] {
        let made = check(&text).unwrap_or_else(|found| panic!("{name}: {found}"));
        assert_eq!(
            made.policies.rule_names().len(),
            expected.policies.rule_names().len(),
            "{name}"
        );
        assert_eq!(made.listeners, expected.listeners, "{name}");
        assert_eq!(made.tests.len(), expected.tests.len(), "{name}");
    }
}

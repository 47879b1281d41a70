//! What an editor says of a file by the schema, and what `check` says.
//!
//! The editor reads YAML with a reader of its own (`serde_yaml` here) and knows the
//! schema alone. What the resolver accepts it must accept, and what it refuses
//! `check` must refuse.

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use opgate::diagnostic::Code;
use opgate::policy::{self, SourceFile};
use proptest::test_runner::TestCaseError;
use serde_json::Value;

/// Holds both to the same verdicts.
pub(crate) struct Editor {
    validator: Validator,
    accepted: Cell<u32>,
    refused: Cell<u32>,
}

impl Default for Editor {
    fn default() -> Self {
        Self {
            validator: jsonschema::validator_for(&policy::schema()).unwrap(),
            accepted: Cell::new(0),
            refused: Cell::new(0),
        }
    }
}

impl Editor {
    /// What the editor says; nothing if the text is no YAML for its reader.
    fn accepts(&self, text: &str) -> Option<bool> {
        let value: Value = serde_yaml::from_str(text).ok()?;
        let accepted = self.validator.is_valid(&value);
        let counter = if accepted {
            &self.accepted
        } else {
            &self.refused
        };
        counter.set(counter.get() + 1);
        Some(accepted)
    }

    /// How often it accepted and refused.
    pub(crate) fn counts(&self) -> (u32, u32) {
        (self.accepted.get(), self.refused.get())
    }

    /// What is wrong if the resolver, `check` and the editor disagree about a file
    /// that includes no other.
    pub(crate) fn disagrees(&self, text: &str) -> Result<(), TestCaseError> {
        let resolved = policy::resolve("policy", text).is_ok();
        let checked = policy::check("policy", text);
        let editor = self.accepts(text);
        let fail = |what: &str| Err(TestCaseError::fail(format!("{what}: {text}")));
        match (resolved, checked, editor) {
            (true, Err(found), _) => fail(&format!("check refuses what is right, {found}")),
            (true, _, Some(false)) => fail("the editor refuses what is right"),
            (false, Ok(_), _) => fail("check accepts what is wrong"),
            _ => Ok(()),
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &Path) -> io::Result<SourceFile> {
    Ok(SourceFile {
        identity: path.canonicalize()?,
        text: fs::read_to_string(path)?,
    })
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    files
}

/// Whether the schema can see a mistake, so that an editor underlines it.
fn is_structural(code: Code) -> bool {
    match code {
        Code::UnknownKey
        | Code::WrongType
        | Code::ApiLevel
        | Code::Listener
        | Code::When
        | Code::Limit
        | Code::Upstream
        | Code::Confine
        | Code::UnknownOperation
        | Code::UnknownField
        | Code::UnknownMatcher
        | Code::WrongMatcher
        | Code::Rewrite
        | Code::Opaque
        | Code::GroupConditions
        | Code::Test
        | Code::Schema => true,
        // No YAML, or what only this reader minds.
        Code::Yaml | Code::DuplicateKey
        // What depends on other places of the file, or on other files.
        | Code::MissingKey
        | Code::SeveralClients
        | Code::UnknownClient
        | Code::UnknownPolicy
        | Code::UnknownList
        | Code::Include
        | Code::Nesting
        | Code::NotAtLevel
        // What a value means.
        | Code::BadValue
        | Code::EmptyRange
        | Code::AnyTooWide
        | Code::NotWhole
        | Code::Reference
        | Code::DenyShape
        | Code::NeverMatches
        | Code::Conflict
        | Code::NotCompared
        // Not wrong.
        | Code::EveryCaller
        | Code::UnknownUser
        | Code::Shadowed
        | Code::Unused => false,
    }
}

#[test]
fn an_editor_underlines_something_in_each_file_with_a_mistake_of_shape() {
    let editor = Editor::default();
    let files = files("tests/diagnostics");
    for code in Code::ALL {
        let name = match code {
            Code::UnknownPolicy => "unknown-client".to_owned(),
            code => code.to_string(),
        };
        let file = files
            .iter()
            .find(|file| file.file_stem().unwrap() == name.as_str());
        let file = file.unwrap_or_else(|| panic!("no file is called {name}"));
        let source = read(file).unwrap();
        let editor = editor.accepts(&source.text);
        let checked = policy::check_with(file.to_str().unwrap(), source, &read);
        if is_structural(*code) {
            assert_eq!(editor, Some(false), "{code}");
        }
        assert!(checked.is_err() || editor == Some(true), "{code}");
    }
}

#[test]
fn an_editor_accepts_every_policy_that_comes_with_the_program() {
    let editor = Editor::default();
    let policies = files("policies");
    assert!(policies.len() >= 2);
    for file in policies {
        let source = read(&file).unwrap();
        assert_eq!(
            editor.accepts(&source.text),
            Some(true),
            "{}",
            file.display()
        );
        let checked = policy::check_with(file.to_str().unwrap(), source, &read);
        assert!(checked.is_ok(), "{}", file.display());
    }
}

#[test]
fn an_editor_accepts_every_block_of_the_language_page() {
    let editor = Editor::default();
    let page = fs::read_to_string(root().join("docs/policies.md")).unwrap();
    let blocks: Vec<&str> = page.split("```yaml\n").skip(1).collect();
    assert!(blocks.len() >= 5);
    for block in blocks {
        let (block, _) = block.split_once("```").unwrap();
        // Rules stand in a policy, policies in a file.
        let text = if block.starts_with("allow:") || block.starts_with("deny:") {
            let rules = block.replace('\n', "\n    ");
            format!("policies:\n  p:\n    {rules}\n")
        } else {
            block.to_owned()
        };
        assert_eq!(editor.accepts(&text), Some(true), "{text}");
    }
}

#[test]
fn an_editor_minds_what_a_file_lacks_unless_another_may_have_it() {
    let editor = Editor::default();
    let parts = [
        "api: '1.51'\n",
        "listen: [{ unix: /run/a.sock, client: me }]\n",
        "upstream: unix:///run/engine.sock\n",
        "clients: { me: { policies: [p] } }\n",
        "policies: { p: { allow: [SystemPing] } }\n",
    ];
    assert_eq!(editor.accepts(&parts.concat()), Some(true));
    for (index, part) in parts.iter().enumerate() {
        let lacking = parts.concat().replace(part, "");
        // Without `listen` it may be a file that others include, and without `upstream`
        // the environment says it.
        assert_eq!(
            editor.accepts(&lacking),
            Some(matches!(index, 1 | 2)),
            "{lacking}"
        );
        editor.disagrees(&lacking).unwrap();
        // Clients and policies may be in another file.
        let including = format!("{lacking}include: [other.yaml]\n");
        let may_be_there = matches!(index, 1..=4);
        assert_eq!(
            editor.accepts(&including),
            Some(may_be_there),
            "{including}"
        );
    }
}

#[test]
fn a_version_is_pinned_or_not_spoken_of() {
    let editor = Editor::default();
    for (version, good) in [
        ("pin", true),
        ("'pin'", true),
        ("Pin", false),
        ("null", false),
        ("true", false),
        ("1.44", false),
        ("'1.44'", false),
        ("[pin]", false),
        ("{ pin: true }", false),
    ] {
        let text = format!(
            "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me }}]\n\
             upstream: unix:///run/e.sock\n\
             clients: {{ me: {{ policies: [p], api_version: {version} }} }}\n\
             policies: {{ p: {{ allow: [SystemPing] }} }}\n\
             tests:\n- {{ name: a, client: me, request: {{ operation: SystemPing, version: '1.51' }}, expect: allow }}\n"
        );
        editor.disagrees(&text).unwrap();
        assert_eq!(editor.accepts(&text), Some(good), "{version}");
    }
}

#[test]
fn every_form_of_an_upstream_is_read_alike() {
    let editor = Editor::default();
    let tls = "tls: { ca: a, cert: b, key: c }";
    for (upstream, good) in [
        ("unix:///run/a.sock", true),
        ("{ unix: /run/a.sock }", true),
        ("tcp://127.0.0.1:2375", true),
        ("'tcp://[::1]:2375'", true),
        ("{ tcp: localhost:2375 }", true),
        ("{ tcp: localhost:2375, insecure: false }", true),
        ("{ tcp: a.example:2375, insecure: true }", true),
        (&format!("{{ tcp: a.example:2376, {tls} }}"), true),
        (
            &format!("{{ tcp: a.example:2376, insecure: false, {tls} }}"),
            true,
        ),
        ("null", false),
        ("{}", false),
        ("[unix:///run/a.sock]", false),
        ("/run/a.sock", false),
        ("unix://a.sock", false),
        ("ssh://a", false),
        ("tcp://a", false),
        ("{ unix: a.sock }", false),
        ("{ unix: unix:///a.sock }", false),
        ("{ tcp: tcp://127.0.0.1:2375 }", false),
        ("{ tcp: 127.0.0.1:2375, insecure: yes-please }", false),
        ("{ tcp: 127.0.0.1:2375, unix: /run/a.sock }", false),
        ("{ unix: /run/a.sock, insecure: false }", false),
        (&format!("{{ unix: /run/a.sock, {tls} }}"), false),
        (
            &format!("{{ tcp: a.example:2376, insecure: true, {tls} }}"),
            false,
        ),
        ("{ tcp: a.example:2376, tls: {} }", false),
        ("{ tcp: a.example:2376, tls: { ca: a, cert: b } }", false),
        (
            "{ tcp: a.example:2376, tls: { ca: '', cert: b, key: c } }",
            false,
        ),
        (
            "{ tcp: a.example:2376, tls: { ca: a, cert: b, key: c, verify: false } }",
            false,
        ),
    ] {
        for of_client in ["", ", upstream: one"] {
            let key = if of_client.is_empty() {
                format!("upstream: {upstream}")
            } else {
                format!("upstreams: {{ one: {upstream} }}")
            };
            let text = format!(
                "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me }}]\n{key}\n\
                 clients: {{ me: {{ policies: [p]{of_client} }} }}\n\
                 policies: {{ p: {{ allow: [SystemPing] }} }}\n"
            );
            let resolved = policy::resolve("policy", &text);
            assert_eq!(resolved.is_ok(), good, "{text}: {resolved:?}");
            assert_eq!(editor.accepts(&text), Some(good), "{text}");
            editor.disagrees(&text).unwrap();
        }
    }
}

#[test]
fn every_form_of_a_test_is_read_alike() {
    let editor = Editor::default();
    let file = |test: &str| {
        format!(
            "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me }}]\n\
             upstream: unix:///run/engine.sock\nclients: {{ me: {{ policies: [p] }} }}\n\
             policies: {{ p: {{ allow: [ImagePull: {{ header: {{ x-registry-auth: any }} }}] }} }}\n\
             tests: [{{ name: a, client: me, {test} }}]\n"
        )
    };
    let pull = "operation: ImagePull, query: { fromImage: a, tag: b }";
    for (test, good) in [
        ("request: { operation: SystemPing }, expect: deny", true),
        (
            "request: { operation: SystemPing, version: '1.51' }, expect: deny",
            true,
        ),
        (
            "request: { method: GET, target: /_ping, header: { A: b } }, expect: deny",
            true,
        ),
        (
            "request: { method: POST, target: /x, body: [1] }, expect: deny",
            true,
        ),
        (&format!("request: {{ {pull} }}, expect: allow"), true),
        (
            &format!("request: {{ {pull} }}, expect: {{ deny: reference }}"),
            true,
        ),
        (
            &format!("request: {{ {pull} }}, expect: {{ allow: {{ query: {{ tag: b }} }} }}"),
            true,
        ),
        (
            &format!(
                "request: {{ {pull}, header: {{ X-Registry-Auth: {{ username: a }} }} }}, \
                 expect: {{ allow: {{ header: {{ X-Registry-Auth: {{ username: a }} }} }} }}"
            ),
            true,
        ),
        (
            &format!("request: {{ {pull} }}, expect: {{ allow: {{ query: null, body: null }} }}"),
            true,
        ),
        ("request: { operation: SystemPin }, expect: deny", false),
        (
            "request: { operation: SystemPing, target: /_ping }, expect: deny",
            false,
        ),
        ("request: { method: GET }, expect: deny", false),
        ("request: { operation: SystemPing }", false),
        ("request: { operation: SystemPing }, expect: refused", false),
        (
            "request: { operation: SystemPing }, expect: { allow: { path: {} } }",
            false,
        ),
        (
            "request: { operation: SystemPing }, expect: { deny: true }",
            false,
        ),
        ("request: { operation: SystemPing }, expects: deny", false),
    ] {
        let text = file(test);
        let resolved = policy::resolve("policy", &text);
        assert_eq!(resolved.is_ok(), good, "{test}: {resolved:?}");
        assert_eq!(editor.accepts(&text), Some(good), "{test}");
        editor.disagrees(&text).unwrap();
    }
}

#[test]
fn what_looks_like_a_number_is_read_alike() {
    let editor = Editor::default();
    let file = |api: &str, mode: &str, rule: &str| {
        format!(
            "api: {api}\nlisten: [{{ unix: /run/a.sock, mode: {mode}, client: me }}]\n\
             upstream: unix:///run/engine.sock\nclients: {{ me: {{ policies: [p] }} }}\n\
             policies: {{ p: {{ allow: [{rule}] }} }}\n"
        )
    };
    for (api, mode, rule) in [
        ("1.51", "\"0660\"", "SystemPing"),
        ("1.50", "0660", "SystemPing"),
        ("\"1.50\"", "660", "SystemPing"),
        // Words that YAML takes for something else.
        ("1.51", "0660", "ContainerCreate: { body: { User: 1000 } }"),
        (
            "1.51",
            "0660",
            "ImageBuild: { opaque: true, query: { version: 2 } }",
        ),
        (
            "1.51",
            "0660",
            "ContainerCreate: { body: { Labels: { contains: { a: true } } } }",
        ),
        (
            "1.51",
            "0660",
            "ContainerCreate: { body: { Hostname: 1.5 } }",
        ),
        (
            "1.51",
            "0660",
            "ContainerCreate: { body: { Hostname: 99999999999999999999999999 } }",
        ),
        (
            "1.51",
            "0660",
            "ContainerUpdate: { body: { RestartPolicy: { Name: no } } }",
        ),
        // A null where there may be nothing.
        ("1.51", "0660", "ContainerCreate: null"),
        ("1.51", "0660", "Container.list: ~"),
        ("1.51", "0660", "ContainerCreate: { query: }"),
        ("1.51", "0660", "SystemPing: { query: {}, header: }"),
        // An amount with any space that there is.
        (
            "1.51",
            "0660",
            "ContainerCreate: { body: { HostConfig: { Memory: { max: \"\\u2003 1 GiB 5 k\\u0085\" } } } }",
        ),
    ] {
        let text = file(api, mode, rule);
        let resolved = policy::resolve("policy", &text);
        assert!(resolved.is_ok(), "{}", resolved.unwrap_err());
        editor.disagrees(&text).unwrap();
        // The reader of this editor knows no greater numbers.
        let known = !text.contains("99999");
        assert_eq!(editor.accepts(&text), known.then_some(true), "{text}");
    }
    for (api, mode, rule) in [
        ("1.56", "0660", "SystemPing"),
        ("1.40", "0660", "SystemPing"),
        ("2", "0660", "SystemPing"),
        ("1.51", "abc", "SystemPing"),
        ("1.51", "1777", "SystemPing"),
        ("1.51", "0660", "ContainerCreate: { body: { Tty: 1 } }"),
        (
            "1.51",
            "0660",
            "ContainerCreate: { body: { HostConfig: { Memory: 1.5 } } }",
        ),
        (
            "1.51",
            "0660",
            "ContainerCreate: { body: { HostConfig: { Memory: { max: GiB } } } }",
        ),
        ("1.51", "0660", "ContainerCreate: { body: { Hostname: } }"),
        ("1.51", "0660", "Container.list: { query: {} }"),
        ("1.51", "0660", "Session"),
        ("1.51", "0660", "Session: null"),
    ] {
        let text = file(api, mode, rule);
        assert!(policy::resolve("policy", &text).is_err(), "{text}");
        assert_eq!(editor.accepts(&text), Some(false), "{text}");
    }
}

#[test]
fn a_heavy_file_is_refused_without_a_list_of_all_that_is_wrong() {
    let deep = format!(
        "{}{{ mim: 1 }}{}",
        "{ all_of: [".repeat(20),
        "] }".repeat(20)
    );
    let rule = format!("      - ContainerCreate: {{ body: {{ User: {deep} }} }}\n");
    let file = |rules: usize| {
        format!(
            "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me }}]\n\
             upstream: unix:///run/engine.sock\nclients: {{ me: {{ policies: [p] }} }}\n\
             policies:\n  p:\n    allow:\n{}",
            rule.repeat(rules)
        )
    };
    for rules in [1, 1000] {
        let found = policy::check("policy", &file(rules)).unwrap_err();
        assert_eq!(found.found().len(), rules);
        let codes = found.found().iter().map(|one| one.code);
        assert!(
            codes
                .into_iter()
                .all(|code| code == Code::UnknownMatcher || code == Code::UnknownField)
        );
    }
}

/// Conditions on who is calling, and whether they can be read.
const WHEN: [(&str, bool); 44] = [
    ("{ listener: l }", true),
    ("{ listener: [l] }", true),
    ("{ peer: { uid: 0 } }", true),
    ("{ peer: { uid: [0, root], gid: 4294967294 } }", true),
    ("[{ peer: { uid: 1 } }, { peer: { gid: 2 } }]", true),
    ("{ source: 10.0.0.0/8 }", true),
    ("{ source: [10.0.0.1, '::1', 'fd00::/8'] }", true),
    (
        "{ tls: { cn: a, dns: [a.b, c], ip: ['::1'], uri: 'spiffe://a/b' } }",
        true,
    ),
    ("{ tls: { key: 'sha256:KEY' } }", true),
    ("{ tls: { key: [KEY] } }", true),
    (
        "{ container: { name: web, id: [KEY], image: alpine, labels: { a: b } } }",
        true,
    ),
    ("{ container: { labels: { a: '' } } }", true),
    ("", false),
    ("{}", false),
    ("[]", false),
    ("[{}]", false),
    ("[[]]", false),
    ("[{ listener: l }, {}]", false),
    ("[[{ listener: l }]]", false),
    ("l", false),
    ("{ listener: other }", false),
    ("{ listener: [] }", false),
    ("{ listener: '' }", false),
    ("{ listener: 1 }", false),
    ("{ listner: l }", false),
    ("{ peer: { uid: -1 } }", false),
    ("{ peer: { uid: 4294967295 } }", false),
    ("{ peer: { uid: 1.5 } }", false),
    ("{ peer: { uid: [] } }", false),
    ("{ peer: {} }", false),
    ("{ peer: { user: 1 } }", false),
    ("{ peer: 1 }", false),
    ("{ source: '' }", false),
    ("{ source: 10.0.0.0/33 }", false),
    ("{ source: 10 }", false),
    ("{ tls: {} }", false),
    ("{ tls: { dns: '*.a' } }", false),
    ("{ tls: { key: KE } }", false),
    ("{ tls: { ip: a } }", false),
    ("{ container: { labels: {} } }", false),
    ("{ container: { labels: { a: 1 } } }", false),
    ("{ container: { id: abc } }", false),
    ("{ container: { image: KEY } }", false),
    ("{ container: { name: [[web]] } }", false),
];

#[test]
fn an_editor_and_check_agree_on_who_is_calling() {
    let editor = Editor::default();
    for (when, good) in WHEN {
        let when = when.replace("KEY", &"ab".repeat(32));
        let text = format!(
            "api: '1.51'\nlisten: [{{ name: l, unix: /run/a.sock }}, {{ tcp: '127.0.0.1:1', tls: {{ cert: c, key: k, client_ca: a }} }}, \
             {{ unix: /run/b.sock, client: b }}]\n\
             upstream: unix:///run/e.sock\ndefault: b\nclients:\n  a: {{ policies: [p], when: {when} }}\n  \
             b: {{ policies: [p] }}\npolicies: {{ p: {{ allow: [SystemPing] }} }}\n"
        );
        assert_eq!(policy::resolve("policy", &text).is_ok(), good, "{when}");
        editor.disagrees(&text).unwrap();
    }
}

/// What `metrics` may be, and whether it is right.
const METRICS: [(&str, bool); 17] = [
    ("{ tcp: '127.0.0.1:9323' }", true),
    ("{ tcp: '[::1]:0', insecure: false }", true),
    ("{ tcp: '0.0.0.0:9323', insecure: true }", true),
    ("{ unix: /run/metrics.sock }", true),
    ("", false),
    ("{}", false),
    ("[]", false),
    ("127.0.0.1:9323", false),
    ("{ insecure: true }", false),
    ("{ tcp: '0.0.0.0:9323' }", false),
    ("{ tcp: localhost }", false),
    ("{ tcp: 9323 }", false),
    ("{ tcp: '127.0.0.1:9323', insecure: 1 }", false),
    ("{ tcp: '127.0.0.1:9323', unix: /run/metrics.sock }", false),
    ("{ unix: metrics.sock }", false),
    ("{ unix: /run/metrics.sock, insecure: true }", false),
    ("{ unix: /run/metrics.sock, mode: '0666' }", false),
];

#[test]
fn an_editor_and_check_agree_on_where_the_metrics_are() {
    let editor = Editor::default();
    for (metrics, good) in METRICS {
        let text = format!(
            "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: a }}]\n\
             upstream: unix:///run/e.sock\nclients: {{ a: {{ policies: [p] }} }}\n\
             policies: {{ p: {{ allow: [SystemPing] }} }}\nmetrics: {metrics}\n"
        );
        assert_eq!(policy::resolve("policy", &text).is_ok(), good, "{metrics}");
        editor.disagrees(&text).unwrap();
    }
}

/// Listeners, and whether they are right.
const LISTEN: [(&str, bool); 30] = [
    ("systemd: web", true),
    ("systemd: web, tls: { cert: c, key: k }", true),
    ("systemd: web, insecure: true", true),
    ("systemd: 'a:b'", false),
    ("systemd: web, mode: '0600'", false),
    ("systemd: web, unix: /run/a.sock", false),
    ("unix: /run/a.sock, owner: root, group: 7", true),
    (
        "unix: /run/a.sock, owner: 0, group: root, mode: '0600'",
        true,
    ),
    ("unix: /run/a.sock, owner: -1", false),
    ("unix: /run/a.sock, owner: ''", false),
    ("unix: /run/a.sock, group: [root]", false),
    ("tcp: '127.0.0.1:1', group: root", false),
    (
        "tcp: '[::1]:1', tls: { cert: c, key: k, client_ca: a, crl: [] }",
        false,
    ),
    ("tcp: '127.0.0.1:1'", true),
    ("tcp: '127.0.0.1:1', insecure: true", true),
    ("tcp: '127.0.0.1:1', insecure: maybe", false),
    ("tcp: '0.0.0.0:1', insecure: true", true),
    ("tcp: '0.0.0.0:1', tls: { cert: c, key: k }", true),
    (
        "tcp: '0.0.0.0:1', tls: { cert: c, key: k }, insecure: false",
        true,
    ),
    (
        "tcp: '0.0.0.0:1', tls: { cert: c, key: k }, insecure: true",
        false,
    ),
    (
        "tcp: '[::1]:1', tls: { cert: c, key: k, client_ca: a, crl: l, client_certs: optional, min_version: 1.3 }",
        true,
    ),
    (
        "tcp: '[::1]:1', tls: { cert: c, key: k, client_ca: a, crl: [l, m], min_version: '1.2' }",
        true,
    ),
    (
        "tcp: '[::1]:1', tls: { cert: c, key: k, client_ca: a, min_version: '1.1' }",
        false,
    ),
    (
        "tcp: '[::1]:1', tls: { cert: c, key: k, client_ca: a, client_certs: none }",
        false,
    ),
    (
        "tcp: '[::1]:1', tls: { cert: c, key: k, client_certs: optional }",
        false,
    ),
    ("tcp: '[::1]:1', tls: { cert: c, key: k, crl: l }", false),
    ("tcp: '[::1]:1', tls: { cert: c }", false),
    ("tcp: '[::1]:1', tls: { key: k }", false),
    ("unix: /run/a.sock, tls: { cert: c, key: k }", false),
    ("unix: /run/a.sock, insecure: true", false),
];

#[test]
fn editors_know_how_listeners_are_written() {
    let editor = Editor::default();
    for (listen, good) in LISTEN {
        let text = format!(
            "api: '1.51'\nlisten: [{{ {listen}, client: a }}]\nupstream: unix:///run/e.sock\n\
             clients: {{ a: {{ policies: [p] }} }}\npolicies: {{ p: {{ allow: [SystemPing] }} }}\n"
        );
        assert_eq!(policy::resolve("policy", &text).is_ok(), good, "{listen}");
        editor.disagrees(&text).unwrap();
    }
}

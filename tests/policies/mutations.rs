//! Good policy files with something done to them: no text makes reading panic,
//! every diagnostic stands within the file, and no misspelt key is passed over.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;

use crate::schema::Editor;

pub(crate) const GOOD: &str = "\
api: \"1.51\"
listen:
  - unix: /run/a.sock
    mode: \"0600\"
    client: me
  - tcp: 127.0.0.1:2375
    client: me
upstream: unix:///run/engine.sock
clients: { me: { policies: [p] } }
lists:
  nets: [bridge, my-ci]
  roots: [/srv/a, /srv/b]
  all-roots: [{ list: roots }, /srv/c]
policies:
  p:
    allow:
      - Container.list: { fields: listed }
      - ImagePull: { reference: { image: { name: [alpine, ghcr.io/acme/**], tag: \"3.*\" } } }
      - ImageBuild: { opaque: true, query: { session: any, version: any } }
      - ContainerAttach: { query: { stdin: any, logs: { required: true } } }
      - ContainerCreate:
          query: { name: { glob: ci-* } }
          body:
            Image: { any_of: [{ image: alpine }, { all_of: [{ image: \"*/**\" }, { not: alpine }] }] }
            User: { not: root }
            Labels: { keys: { glob: com.example.* }, values: { equal: ci } }
            HostConfig:
              Memory: { min: 4MiB, max: 2g }
              CapAdd: { subset: [NET_ADMIN, SYS_TIME] }
              CapDrop: { contains: ALL, max_items: 3 }
              MaskedPaths: { absent: true }
              PortBindings:
                keys: [80/tcp]
                values: { each: { HostIp: 127.0.0.1, HostPort: { min: 8000, max: 9000 } } }
          networks: { subset: [default, { list: nets }] }
          mounts: { each: { any_of: [{ source: { under: { list: all-roots } }, propagation: absent }, { type: tmpfs }] } }
    deny:
      - ContainerDelete
      - ContainerCreate: { any_of: [{ body: { Tty: true } }, { mounts: { contains: { source: { under: /etc } } } }] }
tests:
  - name: a list
    client: me
    request: { operation: ContainerList, version: \"1.44\", query: { all: true, limit: 3 } }
    expect: { allow: { query: { all: true } } }
  - name: no inspection
    client: me
    request: { operation: ContainerInspect, path: { id: a }, query: { size: true } }
    expect: { deny: query.size }
  - name: nothing there
    client: me
    request: { method: GET, target: /nowhere }
    expect: deny
";

/// The keys of a text, each with what stands before and behind it.
fn keys(text: &str) -> Vec<(&str, &str, &str)> {
    let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '.';
    let ends = text.match_indices(": ").chain(text.match_indices(":\n"));
    let keys = ends.filter_map(|(end, _)| {
        let (head, behind) = text.split_at_checked(end)?;
        let before = head.trim_end_matches(word);
        Some((before, head.strip_prefix(before)?, behind))
    });
    keys.filter(|(_, key, _)| !key.is_empty()).collect()
}

thread_local! {
    static EDITOR: Editor = Editor::default();
}

/// Reads a text, and looks at what is said of it.
fn read(text: &str) -> Result<bool, TestCaseError> {
    EDITOR.with(|editor| editor.disagrees(text))?;
    let Err(diagnostics) = opgate::policy::resolve("policy", text) else {
        return Ok(true);
    };
    prop_assert!(diagnostics.has_errors(), "{text:?}");
    prop_assert!(!diagnostics.to_string().is_empty());
    let lines: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
    for found in diagnostics.found() {
        // A file may be wrong at its end.
        let line = usize::try_from(found.span.line).unwrap();
        prop_assert!(
            line >= 1 && line <= lines.len() + 1,
            "{found:?} of {text:?}"
        );
        prop_assert!(
            found.span.column >= 1 && found.span.length >= 1,
            "{found:?}"
        );
    }
    Ok(false)
}

#[test]
fn the_file_is_good_and_none_of_its_keys_can_be_misspelt() {
    assert!(read(GOOD).unwrap());
    let keys = keys(GOOD);
    assert!(keys.len() > 60, "{}", keys.len());
    for (before, key, behind) in keys {
        // Names of clients and policies count, too: something refers to each.
        let other_case: String = if key.to_lowercase() == key {
            key.to_uppercase()
        } else {
            key.to_lowercase()
        };
        for wrong in [
            format!("{key}x"),
            key.chars().skip(1).collect(),
            format!("x-{key}"),
            other_case,
        ] {
            let text = format!("{before}{wrong}{behind}");
            assert!(!read(&text).unwrap(), "`{wrong}` for `{key}`");
        }
    }
}

/// What is put into a file, or in the place of a piece of it.
fn pieces() -> impl Strategy<Value = String> {
    let odd = select(vec![
        "",
        "\u{feff}",
        "\0",
        "\t",
        "\r",
        "\r\n",
        "\n",
        "é",
        "\u{1f4a9}",
        "\u{2028}",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "!x ",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "? ",
        "- ",
        ": ",
        "|\n",
        ">-\n",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "#",
        "@",
        "`",
        "null",
        "~",
        "yes",
        "no",
        "on",
        "0x10",
        "0o17",
        "1e9",
        ".inf",
        ".nan",
        "99999999999999999999999999999999999999999",
        "-1",
        "1_000",
        "any",
        "absent",
        "not: ",
        "any_of: []",
        "any_of: [any]",
        "{}",
        "[]",
        "each: ",
        "list: ",
        "{ list: nets }",
        "{ list: all-roots }",
        "lists:\n",
        "fields: listed",
        "include: [more]",
        "include: [policy]",
        "''",
    ]);
    prop_oneof![
        odd.prop_map(str::to_owned),
        vec(select(vec!['[', '{', '-', ' ', 'a', 'é']), 1..100).prop_map(String::from_iter)
    ]
}

/// A file that includes another, with this text.
fn read_included(text: &str) -> Result<bool, TestCaseError> {
    let file = |name: &str, text: &str| opgate::policy::SourceFile {
        identity: name.into(),
        text: text.to_owned(),
    };
    let reader = |path: &std::path::Path| match path.to_str() {
        Some("dir/policy") => Ok(file("policy", FIRST)),
        Some("dir/more") => Ok(file("more", text)),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    match opgate::policy::resolve_with("dir/policy", file("policy", FIRST), &reader) {
        Ok(_) => Ok(true),
        Err(diagnostics) => {
            prop_assert!(diagnostics.has_errors(), "{text:?}");
            for found in diagnostics.found() {
                let name = diagnostics.file(found.span);
                prop_assert!(["dir/policy", "dir/more"].contains(&name), "{found:?}");
            }
            Ok(false)
        }
    }
}

const FIRST: &str = "\
include: [more]
api: \"1.51\"
listen: [{ unix: /run/a.sock, client: me }]
upstream: unix:///run/engine.sock
clients: { me: { policies: [p] } }
";

const MORE: &str = "\
lists: { nets: [bridge, my-ci] }
clients: { other: { policies: [p] } }
policies:
  p:
    allow:
      - ContainerCreate: { fields: listed, networks: { subset: { list: nets } } }
include: []
upstream: unix:///run/engine.sock
api: \"1.51\"
";

#[test]
fn the_included_file_is_good_and_none_of_its_keys_can_be_misspelt() {
    assert!(read_included(MORE).unwrap());
    for (before, key, behind) in keys(MORE) {
        if key != "other" {
            let text = format!("{before}x{key}{behind}");
            assert!(!read_included(&text).unwrap(), "{key}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_reading_panic(changes in vec((any::<Index>(), 0usize..12, pieces()), 1..4)) {
        let mut letters: Vec<char> = GOOD.chars().collect();
        for (place, length, piece) in changes {
            let start = place.index(letters.len());
            let end = (start + length).min(letters.len());
            letters.splice(start..end, piece.chars());
        }
        read(&String::from_iter(letters))?;
    }

    #[test]
    fn no_included_text_makes_reading_panic(changes in vec((any::<Index>(), 0usize..12, pieces()), 1..3)) {
        let mut letters: Vec<char> = MORE.chars().collect();
        for (place, length, piece) in changes {
            let start = place.index(letters.len());
            let end = (start + length).min(letters.len());
            letters.splice(start..end, piece.chars());
        }
        read_included(&String::from_iter(letters))?;
    }
}

//! What is said of two rules of a client.

use super::{Condition, Judge, STEPS, Spot};
use crate::diagnostic::Code;
use crate::policy::derived::Derived;
use crate::policy::resolve;

/// The codes that two rules for creating containers raise, each with the number of
/// its rule.
fn said(first: &str, second: &str) -> Vec<(Code, u64)> {
    of(
        &format!("ContainerCreate: {first}"),
        &format!("ContainerCreate: {second}"),
    )
}

fn of(first: &str, second: &str) -> Vec<(Code, u64)> {
    let text = format!(
        "policies:\n  mine:\n    allow:\n      - {first}\n      - {second}\n\
         api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me }}]\n\
         upstream: unix:///run/engine.sock\nclients: {{ me: {{ policies: [mine] }} }}\n"
    );
    let found = match resolve("test.yaml", &text) {
        Ok(configuration) => configuration.warnings,
        Err(found) => found,
    };
    let found = found.found().iter();
    found.map(|one| (one.code, one.span.line - 3)).collect()
}

const FIRST: [(Code, u64); 1] = [(Code::Shadowed, 1)];
const SECOND: [(Code, u64); 1] = [(Code::Shadowed, 2)];

#[test]
fn a_rule_that_admits_and_opens_as_much_makes_another_moot() {
    let narrow = [
        "{ body: { Image: { image: ghcr.io/acme/app } } }",
        "{ body: { Image: { image: ghcr.io/acme/*, } } }",
        "{ body: { Image: { image: [ghcr.io/acme/*, ghcr.io/acme/sub/**] }, Tty: true } }",
        "{ body: { Image: { image: { name: ghcr.io/acme/*, tag: v1 } } } }",
        "{ fields: listed, body: { Image: { image: ghcr.io/acme/* } } }",
    ];
    let broad = "{ body: { Image: { image: ghcr.io/acme/** } } }";
    for narrow in narrow {
        assert_eq!(said(broad, narrow), SECOND, "{narrow}");
        assert_eq!(said(narrow, broad), FIRST, "{narrow}");
    }
    for (broad, narrow) in [
        (
            "{ body: { HostConfig: { Memory: { max: 2g } } } }",
            "{ body: { HostConfig: { Memory: { min: 1m, max: 1g } } } }",
        ),
        (
            "{ body: { HostConfig: { Memory: { max: 2g } } } }",
            "{ body: { HostConfig: { Memory: [1m, 2g] } } }",
        ),
        (
            "{ body: { User: { not: root } } }",
            "{ body: { User: [1000, 1001] } }",
        ),
        (
            "{ body: { User: { not: root } } }",
            "{ body: { User: { not: [root, bin] } } }",
        ),
        (
            "{ body: { HostConfig: { CapAdd: { subset: [KILL, CHOWN] } } } }",
            "{ body: { HostConfig: { CapAdd: { subset: [CHOWN] } } } }",
        ),
        (
            "{ mounts: { each: { source: { under: /srv } } } }",
            "{ mounts: { each: { source: { under: [/srv/a, /srv/b] } } } }",
        ),
        (
            "{ networks: { subset: [default, my-ci] } }",
            "{ networks: { subset: [my-ci] } }",
        ),
        (
            "{ body: { Labels: { keys: { glob: com.example.** } } } }",
            "{ body: { Labels: { keys: { glob: com.example.ci.* } } } }",
        ),
        (
            "{ body: { Labels: { contains: { a: any } } } }",
            "{ body: { Labels: { contains: { a: x, b: y } } } }",
        ),
        (
            "{ body: { Env: { max_items: 5 } } }",
            "{ body: { Env: { max_items: 5 }, Tty: false } }",
        ),
    ] {
        assert_eq!(said(broad, narrow), SECOND, "{broad} {narrow}");
        assert_eq!(said(narrow, broad), FIRST, "{broad} {narrow}");
    }
    // The same twice is said of the later one.
    assert_eq!(said(broad, broad), SECOND);
    assert_eq!(of("SystemInfo", "SystemInfo"), SECOND);
    assert_eq!(
        of("Container.list", "ContainerList: { query: { all: true } }"),
        SECOND
    );
    // A group counts as long as one of its operations does.
    assert_eq!(of("ContainerList", "System.inspect"), []);
}

#[test]
fn a_rule_that_admits_or_opens_something_more_counts() {
    for (first, second) in [
        // It opens more, or demands less.
        (
            "{ body: { Image: any } }",
            "{ body: { Image: alpine, HostConfig: { Privileged: any } } }",
        ),
        (
            "{ body: { HostConfig: { Privileged: any } } }",
            "{ body: { HostConfig: { CapAdd: any } } }",
        ),
        (
            "{ mounts: { each: { source: { under: /srv } } } }",
            "{ mounts: { each: { volume: { glob: ci-* } } } }",
        ),
        (
            "{ mounts: { each: { source: { under: /srv } } } }",
            "{ mounts: { each: { source: { under: /srv/a }, propagation: any } } }",
        ),
        (
            "{ fields: listed, body: { Image: any } }",
            "{ fields: listed, body: { Image: alpine, Cmd: any } }",
        ),
        (
            "{ fields: listed, body: { Image: any } }",
            "{ body: { Image: alpine, Cmd: absent } }",
        ),
        (
            "{ body: { User: required } }",
            "{ body: { User: { not: root } } }",
        ),
        // The image's own is no value.
        (
            "{ body: { User: { not: root } } }",
            "{ body: { User: absent } }",
        ),
        (
            "{ body: { HostConfig: { Memory: { min: 1g } } } }",
            "{ body: { HostConfig: { Memory: { max: 2g } } } }",
        ),
        (
            "{ body: { Image: { image: { name: '*/**', digest: required } } } }",
            "{ body: { Image: { image: { name: alpine, id: any } } } }",
        ),
        (
            "{ networks: { subset: [default] } }",
            "{ networks: { subset: [my-ci] } }",
        ),
        // Nothing is said of what rewrites.
        (
            "{ body: { User: { default: '1000' } } }",
            "{ body: { User: '1000' } }",
        ),
    ] {
        let found = said(first, second);
        let shadowed: Vec<_> = found
            .iter()
            .filter(|(code, _)| *code == Code::Shadowed)
            .collect();
        assert!(shadowed.is_empty(), "{first} {second}: {found:?}");
    }
}

#[test]
fn what_excludes_itself_is_an_error() {
    for rule in [
        "{ body: { User: { all_of: [root, { not: root }] } } }",
        "{ body: { User: { required: true, absent: true } } }",
        "{ body: { User: { absent: true, equal: root } } }",
        "{ body: { Image: { all_of: [alpine, busybox] } } }",
        "{ body: { Image: { all_of: [{ image: ghcr.io/** }, { image: docker.io/** }] } } }",
        "{ body: { HostConfig: { CapDrop: { contains: ALL, each: KILL } } } }",
        "{ body: { HostConfig: { CapDrop: { contains: ALL, absent: true } } } }",
        "{ body: { Labels: { all_of: [{ contains: { a: x } }, { contains: { a: y } }] } } }",
        "{ body: { any_of: [{ User: { all_of: [1, 2] } }, { Tty: { all_of: [true, false] } }] } }",
        "{ mounts: { contains: { source: { all_of: [{ under: /a }, { under: /b }] } } } }",
        "{ query: { name: { all_of: [{ glob: a* }, { glob: b* }] } } }",
    ] {
        assert_eq!(
            said("{ body: { Image: any } }", rule),
            [(Code::NeverMatches, 2)],
            "{rule}"
        );
    }
    for rule in [
        "{ body: { User: { all_of: [required, { not: root }] } } }",
        "{ body: { HostConfig: { Memory: { all_of: [{ max: 2g }, { min: 2g }] } } } }",
        "{ body: { HostConfig: { CapDrop: { all_of: [{ each: ALL }, { each: KILL }] } } } }",
        "{ body: { User: { any_of: [{ all_of: [1, 2] }, 3] } } }",
        "{ mounts: { each: { source: { all_of: [{ under: /a }, { under: /a/b }] } } } }",
    ] {
        let found = said(rule, "{ body: { Image: alpine } }");
        assert!(
            found.iter().all(|(code, _)| *code != Code::NeverMatches),
            "{rule} {found:?}"
        );
    }
}

#[test]
fn rules_that_rewrite_the_same_request_differently_are_an_error() {
    let set = |rest: &str| format!("{{ body: {{ Domainname: {{ set: x }}, {rest} }} }}");
    let plain = |rest: &str| format!("{{ body: {{ {rest} }} }}");
    for (first, second) in [
        ("Image: alpine", "Image: { image: '*/**' }"),
        (
            "Image: abc",
            "Image: { image: { name: ghcr.io/**, id: any } }",
        ),
        ("Tty: true", "User: '1000'"),
        ("User: root", "User: '0'"),
        (
            "HostConfig: { Memory: { max: 2g } }",
            "HostConfig: { Memory: { min: 2g } }",
        ),
    ] {
        let found = said(&set(first), &plain(second));
        assert_eq!(found, [(Code::Conflict, 2)], "{first} {second}");
    }
    for (first, second) in [
        ("Image: alpine", "Image: busybox"),
        // Both could be ids, and no rule accepts what could be another image.
        ("Image: a", "Image: b"),
        ("Image: a", "Image: { image: ghcr.io/** }"),
        ("Tty: true", "Tty: false"),
        ("User: absent", "User: required"),
        (
            "HostConfig: { Memory: { max: 2g } }",
            "HostConfig: { Memory: { min: 3g } }",
        ),
        // Only a rule that names it admits it.
        ("HostConfig: { Privileged: true }", "Image: any"),
        (
            "HostConfig: { Privileged: true }",
            "HostConfig: { Memory: { max: 1g } }",
        ),
    ] {
        let found = said(&set(first), &plain(second));
        assert!(
            found.iter().all(|(code, _)| *code != Code::Conflict),
            "{first} {second} {found:?}"
        );
    }
    // What a rule rewrites does not tell requests apart.
    let found = said(
        "{ body: { User: { set: '1' } } }",
        "{ body: { User: '2' } }",
    );
    assert_eq!(found, [(Code::Conflict, 2)]);
    // A map changes only what the other rule refuses.
    let map = "{ body: { Image: alpine }, mounts: { map: { /run/a: /run/b }, each: { source: /run/b } } }";
    for (other, conflicts) in [
        ("{ body: { Tty: any } }", false),
        (
            "{ mounts: { each: { type: [volume, tmpfs], volume: any } } }",
            false,
        ),
        ("{ mounts: { each: { source: { under: /srv } } } }", false),
        ("{ mounts: { each: { source: { under: /run } } } }", true),
        ("{ mounts: { each: { source: any } } }", true),
        ("{ body: { HostConfig: { Binds: any } } }", true),
        (
            "{ mounts: { map: { /run/c: /run/b }, each: { source: /run/b } } }",
            true,
        ),
        ("{ body: { Tty: { set: true } } }", true),
    ] {
        for (first, second) in [(map, other), (other, map)] {
            let found = said(first, second);
            let found = found.iter().any(|(code, _)| *code == Code::Conflict);
            assert_eq!(found, conflicts, "{first} {second}");
        }
    }
    // Both make the same of it.
    let found = said(&set("Image: { image: '*/**' }"), &set("Image: alpine"));
    assert_eq!(found, SECOND);
}

#[test]
fn mistakes_beside_a_rule_hide_none_of_these() {
    let nonsense = "ContainerCreate: { body: { User: { all_of: [1, 2] }, Imag: any } }";
    let nothing = "ContainerCreate: { body: { User: { all_of: [1, 2] } } }";
    // What is not understood is not judged.
    assert_eq!(
        of(nonsense, nothing),
        [(Code::UnknownField, 1), (Code::NeverMatches, 2)]
    );
    let one =
        "ContainerStop: { query: { t: { set: 1 } } }, ContainerStop: { query: { t: { set: 2 } } }";
    let text = format!(
        "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me }}]\n\
         upstream: unix:///run/engine.sock\nclients: {{ me: {{ policies: [mine] }} }}\n\
         policies: {{ mine: {{ allow: [SystemInf, SystemPing, SystemPing, {one}] }} }}\n"
    );
    let found = resolve("test.yaml", &text).unwrap_err();
    let codes: Vec<Code> = found.found().iter().map(|one| one.code).collect();
    // That something is moot may follow from the mistakes.
    assert_eq!(codes, [Code::UnknownOperation, Code::Conflict]);
}

#[test]
fn many_rules_do_not_take_forever() {
    let rules: Vec<String> = (0..20_000)
        .map(|number| format!("ContainerStop: {{ query: {{ t: {number} }} }}"))
        .collect();
    let text = format!(
        "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me }}]\n\
         upstream: unix:///run/engine.sock\nclients: {{ me: {{ policies: [mine] }} }}\n\
         policies: {{ mine: {{ allow: [{}] }} }}\n",
        rules.join(", ")
    );
    // Within a second or two, or this test takes days.
    let warnings = resolve("test.yaml", &text).unwrap().warnings;
    let codes: Vec<Code> = warnings.found().iter().map(|one| one.code).collect();
    assert_eq!(codes, [Code::NotCompared]);
}

#[test]
fn what_is_looked_at_is_bounded_however_long_a_rule_is() {
    let judge = Judge::default();
    let many = Condition::AllOf(vec![Condition::MaxItems(1); 5000]);
    let at = Spot::whole(Derived::Mounts.schema());
    assert_eq!(judge.contradiction(&many, at), None);
    assert!(judge.is_tired());
    assert!(judge.steps.get() < STEPS + 20_000, "{}", judge.steps.get());
}

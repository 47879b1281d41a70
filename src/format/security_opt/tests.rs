use super::{LabelOption, SeccompProfile, SecurityOpt as Opt, canonical};

#[test]
fn both_dividers_and_bare_words_are_read() {
    for (text, option) in [
        ("no-new-privileges", Opt::NoNewPrivileges(true)),
        ("no-new-privileges=true", Opt::NoNewPrivileges(true)),
        ("no-new-privileges:1", Opt::NoNewPrivileges(true)),
        ("no-new-privileges:false", Opt::NoNewPrivileges(false)),
        ("writable-cgroups", Opt::WritableCgroups(true)),
        ("writable-cgroups=F", Opt::WritableCgroups(false)),
        ("disable", Opt::Label(LabelOption::Disable)),
        ("label:disable", Opt::Label(LabelOption::Disable)),
        (
            "label=level:s0:c1,c2",
            Opt::Label(LabelOption::Level("s0:c1,c2")),
        ),
        ("label:type:t", Opt::Label(LabelOption::Type("t"))),
        ("label=user:u", Opt::Label(LabelOption::User("u"))),
        ("label=role:r", Opt::Label(LabelOption::Role("r"))),
        ("label=filetype:f", Opt::Label(LabelOption::FileType("f"))),
        ("apparmor:unconfined", Opt::AppArmor("unconfined")),
        ("apparmor=", Opt::AppArmor("")),
        ("seccomp=", Opt::Seccomp(SeccompProfile::Default)),
        (
            "seccomp:unconfined",
            Opt::Seccomp(SeccompProfile::Unconfined),
        ),
        ("seccomp=builtin", Opt::Seccomp(SeccompProfile::Builtin)),
        ("seccomp={}", Opt::Seccomp(SeccompProfile::Inline("{}"))),
        (
            "seccomp:{\"a\":1}",
            Opt::Seccomp(SeccompProfile::Inline("{\"a\":1}")),
        ),
    ] {
        assert_eq!(Opt::parse(text), Ok(option), "{text}");
    }
}

#[test]
fn one_form_is_forwarded() {
    for (text, spelling) in [
        ("no-new-privileges", "no-new-privileges=true"),
        ("no-new-privileges:0", "no-new-privileges=false"),
        ("writable-cgroups", "writable-cgroups=true"),
        ("disable", "label=disable"),
        ("label:type:t", "label=type:t"),
        ("apparmor:x", "apparmor=x"),
        ("seccomp:unconfined", "seccomp=unconfined"),
    ] {
        assert_eq!(canonical(text).unwrap(), spelling, "{text}");
    }
}

#[test]
fn an_equals_sign_goes_before_a_colon() {
    // The Engine finds the option `apparmor:a` and `seccomp:{"a":"b` here.
    assert!(Opt::parse("apparmor:a=b").is_err());
    assert!(Opt::parse("seccomp:{\"a\":\"b=c\"}").is_err());
    assert_eq!(Opt::parse("apparmor=a:b"), Ok(Opt::AppArmor("a:b")));
}

#[test]
fn everything_else_is_refused() {
    for text in [
        "",
        "=",
        ":",
        "x",
        "x=y",
        "SECCOMP=unconfined",
        "Label=disable",
        " seccomp=unconfined",
        "seccomp =unconfined",
        "seccomp=/etc/profile.json",
        "seccomp=UNCONFINED",
        "seccomp= ",
        "systempaths=unconfined",
        "no-new-privileges=yes",
        "no-new-privileges=",
        "label=",
        "label",
        "label=DISABLE",
        "label=foo:bar",
        "label=user:",
        "label=user:a b",
        "seccomp",
        "apparmor",
        "apparmor=a\nb",
        "no_new_privileges",
        "mask=/x",
        "unmask=ALL",
        "credentialspec=file://x",
    ] {
        assert!(Opt::parse(text).is_err(), "{text}");
    }
}

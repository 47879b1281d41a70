//! Fields and parameters that are called by another name, or stand elsewhere.

use crate::api::definition::{BodyDef, Kind, ObjectDef, OperationDef};

/// How deep in a body a field is looked for.
const DEEPEST: usize = 3;

/// What the command line and Compose call fields by, and where these are.
const ALIASES: &[(&str, &str)] = &[
    ("bind", "mounts"),
    ("binds", "mounts"),
    ("command", "Cmd"),
    ("devices", "Devices"),
    ("environment", "Env"),
    ("expose", "ExposedPorts"),
    ("ipc", "IpcMode"),
    ("mount", "mounts"),
    ("net", "networks"),
    ("network", "networks"),
    ("pid", "PidMode"),
    ("ports", "PortBindings"),
    ("publish", "PortBindings"),
    ("read_only", "ReadonlyRootfs"),
    ("restart", "RestartPolicy"),
    ("userns", "UsernsMode"),
    ("uts", "UTSMode"),
    ("volume", "mounts"),
    ("volumes", "mounts"),
    ("workdir", "WorkingDir"),
];

/// A name without regard to case and to what parts its words.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|one| !matches!(one, '_' | '-'));
    letters.map(|one| one.to_ascii_lowercase()).collect()
}

/// Advice on what is no part of an operation.
pub(in crate::policy::resolve) fn in_operation(
    operation: &OperationDef,
    name: &str,
) -> Option<String> {
    let last = last(name);
    let alias = alias(last);
    let wanted = alias.unwrap_or(last);
    if operation.derived.contains(&wanted) {
        return Some(format!("did you mean `{wanted}: …`?"));
    }
    let images = ["image", "registry", "repository", "repo"];
    if images.contains(&plain(last).as_str()) && operation.derived.contains(&"reference") {
        let help = "write `reference: { image: … }`: `ghcr.io/acme/**` is all of a user's";
        return Some(help.to_owned());
    }
    let places = [
        ("query", operation.query),
        ("path", operation.path_parameters),
        ("header", operation.headers),
    ];
    for (place, parameters) in places {
        let mut all = parameters.iter().map(|parameter| parameter.name);
        if let Some(own) = all.find(|own| plain(own) == plain(wanted)) {
            return Some(format!(
                "it is a parameter: write `{place}: {{ {own}: … }}`"
            ));
        }
    }
    let BodyDef::Json { schema, .. } = operation.body else {
        return None;
    };
    let Kind::Object(body) = schema.kind else {
        return None;
    };
    let path = find(body, &plain(wanted), DEEPEST)?;
    Some(format!(
        "it is a field of the body: write `body: {}`",
        nested(&path)
    ))
}

/// Advice on what is no field of an object, though of one inside of it.
pub(in crate::policy::resolve) fn in_body(object: &ObjectDef, name: &str) -> Option<String> {
    let last = last(name);
    let path = find(object, &plain(alias(last).unwrap_or(last)), DEEPEST)?;
    if let [only] = path.as_slice() {
        return Some(format!("did you mean `{only}`?"));
    }
    let (first, rest) = path.split_first()?;
    Some(format!(
        "it is further in: write `{first}: {}`",
        nested(rest)
    ))
}

/// The last name of a path with dots.
fn last(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}

fn alias(name: &str) -> Option<&'static str> {
    let mut aliases = ALIASES.iter();
    aliases
        .find(|(alias, _)| *alias == name)
        .map(|(_, field)| *field)
}

/// The names that lead to a field, the nearest first.
fn find(object: &ObjectDef, wanted: &str, depth: usize) -> Option<Vec<&'static str>> {
    let deeper = depth.checked_sub(1)?;
    let here = object
        .fields
        .iter()
        .find(|field| plain(field.name) == wanted);
    if let Some(field) = here {
        return Some(vec![field.name]);
    }
    object.fields.iter().find_map(|field| {
        let Kind::Object(inner) = field.schema.kind else {
            return None;
        };
        let mut path = find(inner, wanted, deeper)?;
        path.insert(0, field.name);
        Some(path)
    })
}

/// A path as the maps that a rule has for it.
fn nested(path: &[&str]) -> String {
    path.iter().rev().fold("…".to_owned(), |inner, name| {
        format!("{{ {name}: {inner} }}")
    })
}

#[cfg(test)]
mod tests {
    use super::{in_body, in_operation};
    use crate::api::Operation;
    use crate::api::definition::{BodyDef, Kind};

    #[test]
    fn names_of_other_tools_lead_to_fields() {
        let create = Operation::ContainerCreate.definition();
        for (name, advice) in [
            ("privileged", "body: { HostConfig: { Privileged: … } }"),
            ("memory", "body: { HostConfig: { Memory: … } }"),
            ("HostConfig.Memory", "body: { HostConfig: { Memory: … } }"),
            (
                "body.HostConfig.CapAdd",
                "body: { HostConfig: { CapAdd: … } }",
            ),
            ("cap_add", "body: { HostConfig: { CapAdd: … } }"),
            ("env", "body: { Env: … }"),
            ("environment", "body: { Env: … }"),
            ("Platform", "query: { platform: … }"),
            ("volumes", "mounts: …"),
            ("network", "networks: …"),
        ] {
            let help = in_operation(create, name).unwrap();
            assert!(help.contains(&format!("`{advice}`")), "{name}: {help}");
        }
        let pull = Operation::ImagePull.definition();
        let help = in_operation(pull, "image").unwrap();
        assert!(help.contains("reference: { image: … }"), "{help}");
        assert_eq!(in_operation(pull, "privileged"), None);
    }

    #[test]
    fn fields_are_found_further_in() {
        let BodyDef::Json { schema, .. } = Operation::ContainerCreate.definition().body else {
            panic!("there is a body");
        };
        let Kind::Object(body) = schema.kind else {
            panic!("it is an object");
        };
        let help = |name| in_body(body, name);
        assert_eq!(
            help("memory").as_deref(),
            Some("it is further in: write `HostConfig: { Memory: … }`")
        );
        assert_eq!(help("image").as_deref(), Some("did you mean `Image`?"));
        assert_eq!(
            help("HostConfig.Memory").as_deref(),
            Some("it is further in: write `HostConfig: { Memory: … }`")
        );
        assert_eq!(help("nonsense"), None);
    }
}

//! Matchers and values as other languages write them.

use super::super::conditions::{At, KEYWORDS};
use super::super::matchers::fits;
use super::super::rewrites::REWRITES;
use super::super::values::is_numeric;
use crate::api::definition::Kind;
use crate::diagnostic::nearest;
use crate::format::Format;

/// Words for matchers that have another name here.
const ALIASES: &[(&[&str], &[&str])] = &[
    (
        &[
            "lt",
            "lte",
            "le",
            "less_than",
            "at_most",
            "maximum",
            "limit",
        ],
        &["max"],
    ),
    (
        &[
            "gt",
            "gte",
            "ge",
            "greater_than",
            "more_than",
            "at_least",
            "minimum",
        ],
        &["min"],
    ),
    (
        &[
            "regex", "regexp", "re", "pattern", "match", "matches", "like", "wildcard",
        ],
        &["image", "glob"],
    ),
    (
        &[
            "prefix",
            "startswith",
            "startsWith",
            "begins_with",
            "starts_with",
        ],
        &["under", "starts_with", "image", "glob"],
    ),
    (
        &["suffix", "endswith", "endsWith", "ends_with"],
        &["image", "glob"],
    ),
    (&["within", "inside", "below"], &["under", "cidr"]),
    (&["eq", "equals", "is", "value", "exact"], &["equal"]),
    (
        &["ne", "neq", "not_equal", "not_equals", "not_in", "is_not"],
        &["not"],
    ),
    (&["exists", "present", "set"], &["required"]),
    (&["missing", "unset", "empty", "none"], &["absent"]),
    (&["all", "every"], &["each"]),
    (&["some", "has", "include", "includes"], &["contains"]),
    (&["only", "allowed"], &["subset"]),
    (&["and", "allOf"], &["all_of"]),
    (&["or", "anyOf", "oneOf", "one_of"], &["any_of"]),
];

/// Words for a choice of values, which is a list here.
const CHOICES: &[&str] = &["in", "enum", "oneOf", "one_of", "values"];

/// Formats of what names an object that has an id, too.
fn is_reference(format: Format) -> bool {
    matches!(
        format,
        Format::ContainerReference
            | Format::NetworkReference
            | Format::NetworkMode
            | Format::VolumesFrom
            | Format::Link
    )
}

/// Whether a matcher may stand at a place.
fn is_possible(name: &str, at: &At) -> bool {
    match name {
        "min" | "max" => is_numeric(at.schema, at.absent),
        // A form of what can be an id says little.
        "glob" => fits(name, at.schema) && !at.schema.format.is_some_and(is_reference),
        "equal" | "list" => !matches!(at.schema.kind, Kind::Map(_) | Kind::Object(_)),
        _ => fits(name, at.schema),
    }
}

/// Advice on a matcher that there is not.
pub(in crate::policy::resolve) fn matcher(name: &str, at: &At) -> String {
    let is_plain = !matches!(at.schema.kind, Kind::List(_) | Kind::Map(_));
    if is_plain && CHOICES.contains(&name) {
        return "values to choose from are a list: `[a, b]`".to_owned();
    }
    let meant = ALIASES
        .iter()
        .filter(|(words, _)| words.contains(&name))
        .flat_map(|(_, names)| names.iter().copied())
        .find(|name| is_possible(name, at));
    if let Some(meant) = meant {
        return match meant {
            "glob" => "forms of texts are written as `glob: …`: `*` without a slash, `**` with, `?` one letter".to_owned(),
            "under" => "did you mean `under`? It fits a path and all that is below".to_owned(),
            "image" => "did you mean `image`? `ghcr.io/acme/**` fits all of a user's".to_owned(),
            _ => format!("did you mean `{meant}`?"),
        };
    }
    let possible = KEYWORDS.iter().filter(|name| is_possible(name, at));
    let possible: Vec<&str> = possible.copied().collect();
    let names = possible.iter().chain(REWRITES).copied();
    nearest(name, names).unwrap_or_else(|| match at.schema.kind {
        Kind::Map(_) => format!("to match one key write `contains: {{ {name}: … }}`"),
        Kind::List(_) => {
            "to match what it holds write `each: { … }` or `contains: { … }`".to_owned()
        }
        _ => format!(
            "`{}` is {} and has no fields; what fits it is {}",
            at.path,
            at.kind(),
            possible.join(", ")
        ),
    })
}

/// Advice on a value that is none, if it looks like something else.
pub(in crate::policy::resolve) fn value(text: &str, at: &At) -> Option<String> {
    if let Some(rest) = text.strip_prefix('!') {
        return Some(format!(
            "write `{{ not: {} }}`",
            rest.trim_start_matches('=').trim()
        ));
    }
    if is_numeric(at.schema, at.absent) {
        let bound = |sign: &str, name: &str| {
            let rest = text.strip_prefix(sign)?.trim_start_matches('=').trim();
            Some(format!("write `{{ {name}: {rest} }}`"))
        };
        return bound("<", "max").or_else(|| bound(">", "min"));
    }
    if !text.contains(['*', '?']) {
        return None;
    }
    let help = match at.schema.format {
        Some(Format::ImageReference) => format!("for a form write `{{ image: {text:?} }}`"),
        Some(Format::NetworkReference | Format::NetworkMode) => {
            "write the names in full: `[web, data]`".to_owned()
        }
        Some(format) if is_reference(format) => return None,
        Some(Format::HostPath | Format::MountSource | Format::ContainerPath) => {
            let root = text.trim_end_matches(['*', '/']);
            if root.contains(['*', '?']) || !root.starts_with('/') {
                format!("for a form write `{{ glob: {text:?} }}`")
            } else {
                format!(
                    "for all that is below write `{{ under: {root} }}`, for a form `{{ glob: {text:?} }}`"
                )
            }
        }
        _ => format!("for a form write `{{ glob: {text:?} }}`"),
    };
    Some(help)
}

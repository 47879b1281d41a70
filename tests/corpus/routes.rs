//! The Engine's routing: a target becomes an operation, its path parameters and the version, over the Engine's own route
//! table (`routes.json`, in the order of registration, patterns as its router writes them).
//!
//! The path is percent-decoded before it is matched, so an encoded slash is a slash; `.*` is greedy; the first route
//! that matches wins, each with a version in front before it without. What the router redirects is an error.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

/// The route table, as `[method, pattern, operation]`.
static ROUTES: LazyLock<Vec<[String; 3]>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("routes.json")).expect("routes.json holds routes")
});

/// The versions that the Engine serves from which the corpus was recorded.
const SERVED: [u32; 2] = [24, 51];

/// A routed target.
pub(super) struct Routed {
    pub(super) operation: &'static str,
    pub(super) path: Value,
    /// The version in the path, as the minor of 1.NN.
    pub(super) version: Option<u32>,
}

/// Routes a decoded path.
pub(super) fn route(method: &str, path: &str) -> Result<Routed, String> {
    if clean(path) != path {
        return Err("moved to the clean path".to_owned());
    }
    let (prefix, rest) = version_prefix(path);
    for [known, pattern, operation] in ROUTES.iter() {
        if known != method {
            continue;
        }
        if let (Some(prefix), Some(path)) = (prefix, matches(pattern, rest)) {
            return Ok(Routed {
                operation,
                path,
                version: Some(served(prefix)?),
            });
        }
        if let Some(path) = matches(pattern, path) {
            return Ok(Routed {
                operation,
                path,
                version: None,
            });
        }
    }
    Err("page not found".to_owned())
}

/// `/v1.51/info` as `1.51` and `/info`.
fn version_prefix(path: &str) -> (Option<&str>, &str) {
    let Some(rest) = path.strip_prefix("/v") else {
        return (None, path);
    };
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let (version, rest) = rest.split_at(end);
    if version.is_empty() {
        (None, path)
    } else {
        (Some(version), rest)
    }
}

/// The minor of a version that the Engine serves.
fn served(version: &str) -> Result<u32, String> {
    // An empty part is 0, one too large the largest there is.
    let number = |part: &str| {
        if part.is_empty() {
            0
        } else {
            part.parse::<u32>().unwrap_or(u32::MAX)
        }
    };
    let mut parts = version.split('.').map(number);
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let more = parts.any(|part| part > 0);
    let [oldest, newest] = SERVED;
    if major < 1 || (major == 1 && minor < oldest) {
        return Err(format!("client version {version} is too old"));
    }
    if major > 1 || minor > newest || (minor == newest && more) {
        return Err(format!("client version {version} is too new"));
    }
    Ok(minor)
}

/// Go's `path.Clean`, with the trailing slash that the router puts back.
fn clean(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut clean = format!("/{}", segments.join("/"));
    if path.ends_with('/') && clean != "/" {
        clean.push('/');
    }
    clean
}

/// The parameters of a path under a pattern such as `/images/{name:.*}/json`, or `None` where it does not match.
fn matches(pattern: &str, path: &str) -> Option<Value> {
    let mut parameters = BTreeMap::new();
    fill(pattern, path, &mut parameters).then(|| json!(parameters))
}

fn fill<'a>(pattern: &'a str, path: &str, parameters: &mut BTreeMap<&'a str, String>) -> bool {
    let Some((literal, rest)) = pattern.split_once('{') else {
        return pattern == path;
    };
    let (Some(path), Some((parameter, pattern))) =
        (path.strip_prefix(literal), rest.split_once('}'))
    else {
        return false;
    };
    let (name, expression) = parameter.split_once(':').unwrap_or((parameter, "[^/]+"));
    let shortest = usize::from(expression != ".*");
    let allowed = |c: char| {
        if expression == "[^/]+" {
            c != '/'
        } else {
            c != '\n'
        }
    };
    let longest = path.find(|c| !allowed(c)).unwrap_or(path.len());
    for end in (shortest..=longest).rev() {
        let Some((value, rest)) = path.split_at_checked(end) else {
            continue;
        };
        if fill(pattern, rest, parameters) {
            parameters.insert(name, value.to_owned());
            return true;
        }
    }
    false
}

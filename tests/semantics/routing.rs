//! The Engine's route table against opgate's: every path of up to four segments
//! made of the words of the routes and of a name, under every method.
//!
//! The Engine tries its routes in the order of registration, opgate the more
//! specific first. Where both find one, it is the same with the same names.

use std::collections::{BTreeMap, BTreeSet};

use opgate::api::Operation;
use opgate::api::definition::Segment;
use opgate::route::{RouteError, Target, route};
use serde_json::Value;

use crate::routes;

const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "PUT", "DELETE"];

/// The words that the routes have behind each first segment.
fn words() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut words: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for operation in Operation::ALL {
        let literals = operation.definition().segments.iter();
        let mut literals = literals.filter_map(|segment| match segment {
            Segment::Literal(word) => Some(*word),
            Segment::One(_) | Segment::Many(_) => None,
        });
        let first = literals.next().unwrap();
        words.entry(first).or_default().extend(literals);
    }
    words
}

/// Every path below `/first`, of up to so many segments more.
fn paths(first: &str, words: &BTreeSet<&str>, most: usize) -> Vec<String> {
    let mut paths = vec![format!("/{first}")];
    let mut start = 0;
    for _ in 0..most {
        let end = paths.len();
        for at in start..end {
            for word in words.iter().copied().chain(["a1"]) {
                paths.push(format!("{}/{word}", paths[at]));
            }
        }
        start = end;
    }
    paths
}

/// The operation and its names, as opgate finds them.
fn found(method: &str, path: &str) -> Result<(String, Vec<String>), RouteError> {
    let matched = route(method, &Target::parse(path)?)?;
    let mut names: Vec<String> = matched
        .path()
        .iter()
        .map(|(_, value)| value.as_text().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    Ok((matched.definition().name.to_owned(), names))
}

/// The same, as the Engine finds them.
fn expected(method: &str, path: &str) -> Option<(String, Vec<String>)> {
    let routed = routes::route(method, path).ok()?;
    assert_eq!(routed.version, None, "{path}");
    let Value::Object(names) = routed.path else {
        panic!("{path}: no names");
    };
    let mut names: Vec<String> = names
        .values()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    names.sort();
    Some((routed.operation.to_owned(), names))
}

#[test]
fn every_path_leads_where_the_engine_takes_it() {
    let (mut same, mut nowhere) = (0_usize, 0_usize);
    let mut apart = BTreeSet::new();
    for (first, words) in words() {
        let most = if words.len() > 12 { 3 } else { 4 };
        for path in paths(first, &words, most) {
            for method in METHODS {
                match (found(method, &path), expected(method, &path)) {
                    (Ok(found), Some(expected)) => {
                        assert_eq!(found, expected, "{method} {path}");
                        same += 1;
                    }
                    (Err(RouteError::NotFound), None) => nowhere += 1,
                    (Err(RouteError::Parameter { .. }), Some(_)) => {}
                    (found, expected) => {
                        apart.insert(format!("{method} {path}: {found:?}, {expected:?}"));
                    }
                }
            }
        }
    }
    assert_eq!(apart, BTreeSet::new());
    assert!(same > 10_000 && nowhere > 10_000, "{same} {nowhere}");
}

#[test]
fn every_route_of_the_engine_is_known() {
    let all: BTreeSet<&str> = Operation::ALL.into_iter().map(Operation::name).collect();
    let mut unknown = BTreeSet::new();
    let table: Vec<[String; 3]> =
        serde_json::from_str(include_str!("../corpus/routes.json")).unwrap();
    for [method, pattern, operation] in table {
        let mut path = String::new();
        for (index, part) in pattern.split(['{', '}']).enumerate() {
            path += if index % 2 == 0 { part } else { "a1" };
        }
        match found(&method, &path) {
            Ok((found, _)) => {
                assert_eq!(found, operation, "{method} {pattern}");
                assert!(all.contains(operation.as_str()));
            }
            Err(error) => {
                unknown.insert(format!("{method} {pattern}: {error}"));
            }
        }
    }
    let unknown: Vec<String> = unknown.into_iter().collect();
    assert_eq!(
        unknown,
        [
            "GET /debug/pprof/: the request target has an empty path segment",
            "GET /debug/pprof/cmdline: GET /debug/pprof/{name} is never allowed: dumps of the daemon's memory may hold secrets, and profiles slow it down",
            "GET /debug/pprof/profile: GET /debug/pprof/{name} is never allowed: dumps of the daemon's memory may hold secrets, and profiles slow it down",
            "GET /debug/pprof/symbol: GET /debug/pprof/{name} is never allowed: dumps of the daemon's memory may hold secrets, and profiles slow it down",
            "GET /debug/pprof/trace: GET /debug/pprof/{name} is never allowed: dumps of the daemon's memory may hold secrets, and profiles slow it down",
            "GET /debug/pprof/{name}: GET /debug/pprof/{name} is never allowed: dumps of the daemon's memory may hold secrets, and profiles slow it down",
            "GET /debug/vars: GET /debug/vars is never allowed: it shows the daemon's command line and memory statistics",
            "GET /networks/: the request target has an empty path segment",
            "OPTIONS /{anyroute:.*}: page not found",
        ]
    );
}

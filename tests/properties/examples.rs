//! Requests as people write them: what is understood of any request, written down
//! and read again, is the same request; and what is no request is said, whatever it
//! is.

use std::sync::atomic::{AtomicUsize, Ordering};

use opgate::api::definition::{OperationDef, ParameterDef};
use opgate::example::{Example, OwnedRequest};
use opgate::request::{EngineVersion, Older};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::samples::{body, escape, json, newest, operations, parameter, target};
use crate::translate::{Forwarded, translate_up_to};

const ENGINE: EngineVersion = EngineVersion {
    min: opgate::api::OLDEST,
    max: opgate::api::NEWEST,
};

fn forwarded(request: &OwnedRequest) -> Result<Forwarded, String> {
    translate_up_to(
        opgate::api::NEWEST,
        &request.method,
        &request.target,
        &request.header_bytes(),
        &request.body,
    )
}

/// Whether the request is understood; if it is, an example of it is the same.
fn same(request: &OwnedRequest) -> bool {
    let Ok(example) = request.decode(ENGINE, Older::Refused, Example::understood) else {
        return false;
    };
    let written = example.to_json();
    assert_eq!(Example::from_json(&written).as_ref(), Ok(&example));
    let again = forwarded(&example.request().unwrap()).unwrap();
    let mut first = forwarded(request).unwrap();
    // Who asks is no parameter.
    first.headers.retain(|(name, _)| name != "User-Agent");
    assert_eq!(again.operation, first.operation, "{written}");
    assert_eq!(again.target, first.target, "{written}");
    assert_eq!(again.headers, first.headers, "{written}");
    assert_eq!(again.body, first.body, "{written}");
    assert_eq!(again.dropped, [""; 0], "{written}");
    true
}

fn request(definition: &OperationDef, target: &str, body: &str) -> OwnedRequest {
    OwnedRequest {
        method: definition.method.to_owned(),
        target: target.to_owned(),
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: body.into(),
    }
}

fn with(definition: &OperationDef, parameter: &ParameterDef) -> String {
    let text = escape(&self::parameter(parameter));
    let target = target(definition, newest(parameter.span));
    // What decides the variant is there already.
    if target.contains(&format!("?{}=", parameter.name)) {
        return target;
    }
    format!("{target}&{}={text}", parameter.name)
}

#[test]
fn an_example_of_a_request_is_the_same_request() {
    let mut count = 0;
    for definition in operations() {
        let version = newest(definition.span);
        let whole = body(definition).map_or_else(String::new, |schema| json(schema, version));
        let plain = target(definition, version);
        assert!(same(&request(definition, &plain, &whole)), "{plain}");
        for parameter in definition.query {
            let target = with(definition, parameter);
            assert!(same(&request(definition, &target, "")), "{target}");
            count += 1;
        }
        for parameter in definition.headers {
            let mut request = request(definition, &plain, "");
            let value = self::parameter(parameter);
            request.headers.push((parameter.name.to_owned(), value));
            assert!(same(&request), "{plain} {}", parameter.name);
            count += 1;
        }
    }
    assert!(count > 200, "{count}");
}

/// Any JSON, with names that mean something now and then.
fn anything() -> impl Strategy<Value = Value> {
    let name = || {
        prop_oneof![
            3 => proptest::sample::select(vec![
                "operation", "version", "path", "query", "header", "body", "method", "target",
                "id", "all", "filters", "label", "X-Registry-Auth", "ContainerList",
                "ContainerCreate", "ImagePush", "1.51", "HostConfig", "Memory", "name",
            ]),
            1 => Just("x\n/../\u{0}é"),
        ]
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        name().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((name(), inner), 0..6).prop_map(|pairs| pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

/// An operation with some of its parts, the names right and the values anything.
fn parts() -> impl Strategy<Value = Value> {
    let part = |names: &'static [&'static str]| {
        let pairs = (proptest::sample::select(names), anything());
        proptest::option::of(proptest::collection::vec(pairs, 0..2))
    };
    let operation = proptest::sample::select(vec!["ImagePush", "ContainerList", "ContainerStop"]);
    let query = &["all", "filters", "limit", "tag", "platform", "signal", "t"];
    let parts = (
        part(&["id", "name"]),
        part(query),
        part(&["X-Registry-Auth", "User-Agent"]),
    );
    (operation, parts).prop_map(|(operation, (path, query, header))| {
        let mut written = json!({ "operation": operation });
        for (key, pairs) in [("path", path), ("query", query), ("header", header)] {
            for (name, value) in pairs.into_iter().flatten() {
                written[key][name] = value;
            }
        }
        written
    })
}

/// How many of them were examples.
static READ: AtomicUsize = AtomicUsize::new(0);

#[test]
fn examples_are_read_and_asked_or_refused() {
    what_is_read_can_be_asked_and_is_written_as_it_was();
    let read = READ.load(Ordering::Relaxed);
    assert!((100..3000).contains(&read), "{read}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..ProptestConfig::default() })]

    fn what_is_read_can_be_asked_and_is_written_as_it_was(written in parts(), wild in anything()) {
        for written in [written, wild] {
            if let Ok(example) = Example::from_json(&written) {
                let again = Example::from_json(&example.to_json());
                prop_assert_eq!(again.as_ref(), Ok(&example));
                let request = example.request();
                prop_assert!(request.is_ok());
                same(&request.unwrap());
                READ.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn an_example_of_any_list_is_the_same_list(all in any::<bool>(), limit in any::<i32>(), names in proptest::collection::vec("\\PC{0,6}", 0..4), terms in proptest::collection::vec("\\PC{0,6}", 0..4)) {
        let filters: serde_json::Map<_, _> = names.into_iter().map(|name| (name, json!(terms))).collect();
        let mut query = json!({ "all": all, "limit": limit });
        if !filters.is_empty() {
            query["filters"] = Value::Object(filters);
        }
        let example = Example::from_json(&json!({ "operation": "ContainerList", "query": query })).unwrap();
        prop_assert!(same(&example.request().unwrap()));
    }
}

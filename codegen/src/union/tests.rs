use super::*;
use crate::ir::{Guard, Integer, Risk};

fn field(name: &str, kind: Kind) -> Field {
    Field {
        name: name.to_owned(),
        schema: Schema::plain(kind),
        risk: Risk::default(),
        span: Span {
            since: 0,
            until: None,
        },
        any_version: false,
        required: false,
        absent: crate::ir::Effect::Nothing,
        zero: crate::ir::Effect::Nothing,
    }
}

fn operation(fields: Vec<Field>) -> Operation {
    Operation {
        name: "ThingCreate".to_owned(),
        tag: "Thing".to_owned(),
        method: "POST".to_owned(),
        path: "/things/create".to_owned(),
        segments: Vec::new(),
        span: Span {
            since: 0,
            until: None,
        },
        access: None,
        risk: Vec::new(),
        hijack: None,
        variant_of: None,
        variants: Vec::new(),
        opaque: false,
        derived: Vec::new(),
        query_noise: Vec::new(),
        body_noise: Vec::new(),
        path_parameters: Vec::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Body::Json {
            schema: Schema::plain(Kind::Object(Object {
                fields,
                drop_unknown: false,
            })),
            required: false,
        },
    }
}

/// The union of versions 1.41, 1.42, … with one operation and these fields.
fn united(versions: Vec<Vec<Field>>) -> Result<Vec<Field>, Vec<String>> {
    let versions = (41..).zip(versions).map(|(minor, mut fields)| {
        for field in &mut fields {
            field.span.since = minor;
        }
        let api = Api {
            newest: minor,
            operations: vec![operation(fields)],
            unsupported: Vec::new(),
        };
        (minor, api)
    });
    let versions: Vec<(u16, Api)> = versions.collect();
    let mut api = unite(versions).map_err(|errors| {
        errors
            .0
            .into_iter()
            .map(|error| error.message)
            .collect::<Vec<_>>()
    })?;
    match api.operations.remove(0).body {
        Body::Json {
            schema:
                Schema {
                    kind: Kind::Object(object),
                    ..
                },
            ..
        } => Ok(object.fields),
        _ => panic!("the body became something else"),
    }
}

fn spans(fields: &[Field]) -> Vec<(&str, u16, Option<u16>)> {
    fields
        .iter()
        .map(|field| (field.name.as_str(), field.span.since, field.span.until))
        .collect()
}

#[test]
fn a_field_knows_its_first_and_its_last_version() {
    let text = |name| field(name, Kind::Text);
    let fields = united(vec![
        vec![text("always"), text("first")],
        vec![text("always"), text("middle")],
        vec![text("last"), text("always")],
    ])
    .unwrap();
    // In the order of the newest version; what it lacks comes last.
    assert_eq!(
        spans(&fields),
        [
            ("last", 43, None),
            ("always", 41, None),
            ("middle", 42, Some(42)),
            ("first", 41, Some(41)),
        ]
    );
}

#[test]
fn a_field_that_is_gone_and_back_is_a_conflict() {
    let errors = united(vec![
        vec![field("a", Kind::Text)],
        vec![],
        vec![field("a", Kind::Text)],
    ])
    .unwrap_err();
    assert_eq!(
        errors,
        ["version 1.43 disagrees with those before: it was gone after 1.41 and is back"]
    );
}

#[test]
fn another_type_is_a_conflict() {
    for (old, new) in [
        (Kind::Text, Kind::Bool),
        (Kind::Int(Integer::Int64), Kind::Int(Integer::Uint64)),
        (
            Kind::List(Box::new(Schema::plain(Kind::Text))),
            Kind::Map(Box::new(Schema::plain(Kind::Text))),
        ),
        (
            Kind::List(Box::new(Schema::plain(Kind::Text))),
            Kind::List(Box::new(Schema::plain(Kind::Bool))),
        ),
    ] {
        let what = format!("{old:?} and {new:?}");
        let errors = united(vec![vec![field("a", old)], vec![field("a", new)]]).unwrap_err();
        assert_eq!(errors.len(), 1, "{what}");
        assert!(errors[0].contains("it was "), "{what}: {errors:?}");
    }
}

#[test]
fn a_risk_said_differently_is_a_conflict() {
    let mut new = field("a", Kind::Text);
    new.risk.guard = Some(Guard::Open);
    let errors = united(vec![vec![field("a", Kind::Text)], vec![new]]).unwrap_err();
    assert_eq!(
        errors,
        ["version 1.42 disagrees with those before: its risk is said differently"]
    );
}

#[test]
fn vocabularies_grow_and_may_be_opened() {
    let words = |words: &[&str]| Kind::Enum {
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        any_case: false,
    };
    let kind = |versions: Vec<Kind>| {
        let versions = versions.into_iter().map(|kind| vec![field("a", kind)]);
        united(versions.collect()).unwrap().remove(0).schema.kind
    };
    assert_eq!(
        kind(vec![words(&["a", "b"]), words(&["b", "c"])]),
        words(&["b", "c", "a"])
    );
    assert_eq!(kind(vec![words(&["a"]), Kind::Text]), Kind::Text);
    assert_eq!(kind(vec![Kind::Text, words(&["a"])]), words(&["a"]));
}

//! The rules of decoding at every place of every operation: what has a test
//! with a name for one field elsewhere holds here for each of them.

use opgate::api::definition::{ApiVersion, FieldDef, Kind, NullElement, OperationDef};

use crate::samples::{Place, body, escape, json, newest, operations, parameter, places, target};
use crate::translate::{Forwarded, translate_up_to};

const UNKNOWN: &str = "is not a field of the Engine API";

/// An operation in one of its versions.
#[derive(Clone, Copy)]
struct At {
    definition: &'static OperationDef,
    version: ApiVersion,
}

impl At {
    fn newest(definition: &'static OperationDef) -> Self {
        Self {
            definition,
            version: newest(definition.span),
        }
    }

    fn name(self) -> &'static str {
        self.definition.name
    }

    fn target(self) -> String {
        target(self.definition, self.version)
    }
}

fn send(at: At, body: impl AsRef<[u8]>) -> Result<Forwarded, String> {
    send_to(at.definition, &at.target(), body)
}

fn send_to(
    definition: &OperationDef,
    target: &str,
    body: impl AsRef<[u8]>,
) -> Result<Forwarded, String> {
    let headers: &[(&str, &[u8])] = &[("Content-Type", b"application/json")];
    translate_up_to(
        opgate::api::NEWEST,
        definition.method,
        target,
        headers,
        body.as_ref(),
    )
}

/// Every place of every operation's body, in a version that has it.
fn all_places() -> impl Iterator<Item = (At, Place)> {
    operations().flat_map(|definition| {
        places(definition).into_iter().map(move |place| {
            let version = place.version();
            (
                At {
                    definition,
                    version,
                },
                place,
            )
        })
    })
}

/// Every object of every body with each of its fields, in a version that has it.
fn all_fields() -> impl Iterator<Item = (At, Place, &'static FieldDef)> {
    all_places().flat_map(|(at, place)| {
        let fields = match &place.schema.kind {
            Kind::Object(object) => object.fields,
            _ => &[],
        };
        fields.iter().map(move |field| {
            let version = newest(field.span);
            (At { version, ..at }, place.clone(), field)
        })
    })
}

#[track_caller]
fn forwarded(at: At, body: &str, canonical: &str) {
    match send(at, body) {
        Ok(forwarded) => {
            assert_eq!(forwarded.body, canonical, "{} {body}", at.name());
            assert_eq!(forwarded.dropped, [""; 0], "{} {body}", at.name());
        }
        Err(error) => panic!("{} {body}: {error}", at.name()),
    }
}

#[track_caller]
fn refused(at: At, body: &str, path: &str, reason: &str) {
    let message = format!("{}: {path}: {reason}", at.name());
    match send(at, body) {
        Ok(forwarded) => panic!("{} {body} became {}", at.name(), forwarded.body),
        Err(error) => assert_eq!(error, message, "{body}"),
    }
}

/// Spellings that Go's decoder takes for the same key.
fn spellings(name: &str) -> Vec<String> {
    let changed = |change: fn(char) -> char| name.chars().map(change).collect::<String>();
    let mut spellings = vec![
        name.to_ascii_lowercase(),
        name.to_ascii_uppercase(),
        changed(|letter| match letter {
            's' | 'S' => '\u{17f}',
            'k' | 'K' => '\u{212a}',
            letter if letter.is_ascii_lowercase() => letter.to_ascii_uppercase(),
            letter => letter.to_ascii_lowercase(),
        }),
    ];
    spellings.extend(
        [["\\u017F", "\\u212A"], ["\\u0073", "\\u004b"]].map(|[s, k]| {
            name.replace(['s', 'S'], s)
                .replace(['k', 'K'], k)
                .replace('e', "\\u0045")
        }),
    );
    spellings
}

#[test]
fn every_field_is_found_in_every_spelling_and_written_in_its_own() {
    let mut count = 0_usize;
    for (at, place, field) in all_fields() {
        let value = json(&field.schema, at.version);
        let canonical = place.holding(&format!("{{\"{}\":{value}}}", field.name));
        for spelling in spellings(field.name) {
            let body = place.holding(&format!("{{\"{spelling}\":{value}}}"));
            forwarded(at, &body, &canonical);
            count += 1;
        }
    }
    assert!(count > 4000, "{count}");
}

#[test]
fn letters_that_only_look_alike_name_no_field() {
    let mut count = 0_usize;
    for (at, place, field) in all_fields() {
        let Kind::Object(object) = &place.schema.kind else {
            continue;
        };
        for (letter, other) in [('i', '\u{131}'), ('I', '\u{130}'), ('a', '\u{430}')] {
            if field.name.contains(letter) && !object.drop_unknown {
                let key = field.name.replace(letter, &other.to_string());
                let body = place.holding(&format!("{{\"{key}\":1}}"));
                refused(at, &body, &format!("{}.{key}", place.path), UNKNOWN);
                count += 1;
            }
        }
    }
    assert!(count > 500, "{count}");
}

#[test]
fn every_field_given_twice_is_refused_at_its_place() {
    let mut count = 0_usize;
    for (at, place, field) in all_fields() {
        let name = field.name;
        let value = json(&field.schema, at.version);
        let path = format!("{}.{name}", place.path);
        for spelling in spellings(name).iter().map(String::as_str).chain([name]) {
            for (first, second) in [
                (value.as_str(), value.as_str()),
                (value.as_str(), "null"),
                ("null", value.as_str()),
                ("null", "null"),
            ] {
                let body =
                    place.holding(&format!("{{\"{name}\":{first},\"{spelling}\":{second}}}"));
                refused(
                    at,
                    &body,
                    &path,
                    "is given twice (keys are compared without regard to case)",
                );
                count += 1;
            }
        }
    }
    assert!(count > 15_000, "{count}");
}

#[test]
fn null_in_every_field_is_as_if_the_field_were_not_there() {
    for (at, place, field) in all_fields() {
        let body = place.holding(&format!("{{\"{}\":null}}", field.name));
        forwarded(at, &body, &place.holding("{}"));
    }
}

#[test]
fn null_as_an_element_or_a_maps_value_is_refused_unless_it_has_a_meaning() {
    let (mut meant, mut count) = (Vec::new(), 0_usize);
    for (at, place) in all_places() {
        if !place.path.ends_with([']', '}']) {
            continue;
        }
        let null = place.holding("null");
        let becomes = match (place.schema.null, &place.schema.kind) {
            (NullElement::Refused, _) => {
                refused(at, &null, &place.path, "must not be null here");
                count += 1;
                continue;
            }
            (NullElement::Kept, _) => "null",
            (NullElement::Empty, Kind::List(_)) => "[]",
            (NullElement::Empty, _) => "{}",
        };
        forwarded(at, &null, &place.holding(becomes));
        meant.push(format!("{} {} {becomes}", at.name(), place.path));
    }
    meant.sort();
    assert_eq!(
        meant,
        [
            "ContainerCreate body.ExposedPorts{} {}",
            "ContainerCreate body.HostConfig.PortBindings{} []",
            "ContainerCreate body.NetworkingConfig.EndpointsConfig{} {}",
            "ContainerCreate body.Volumes{} {}",
            "ImageCommit body.ExposedPorts{} {}",
            "ImageCommit body.Volumes{} {}",
        ]
    );
    assert!(count > 150, "{count}");
}

#[test]
fn unknown_fields_are_named_at_every_place() {
    let mut count = 0_usize;
    for (at, place) in all_places() {
        let Kind::Object(object) = &place.schema.kind else {
            continue;
        };
        let path = format!("{}.Bogus", place.path);
        for value in ["true", "1", "-1", "0.5", r#""x""#, "[null]", r#"{"":{}}"#] {
            let body = place.holding(&format!("{{\"Bogus\":{value}}}"));
            if object.drop_unknown {
                let sent = send(at, &body).unwrap();
                assert_eq!(sent.dropped.len(), 1, "{body}");
            } else {
                refused(at, &body, &path, UNKNOWN);
            }
            count += 1;
        }
        for value in ["null", "false", "0", "0.0", r#""""#, "[]", "{}"] {
            let body = place.holding(&format!("{{\"Bogus\":{value}}}"));
            let sent =
                send(at, &body).unwrap_or_else(|error| panic!("{} {body}: {error}", at.name()));
            assert_eq!(sent.body, place.holding("{}"), "{body}");
            if !object.drop_unknown {
                assert_eq!(sent.dropped, [path.as_str()], "{body}");
            }
        }
    }
    assert!(count > 500, "{count}");
}

#[test]
fn keys_of_maps_are_exact_everywhere() {
    let mut count = 0_usize;
    for (at, place) in all_places() {
        let Kind::Map(value) = &place.schema.kind else {
            continue;
        };
        if place.schema.format.is_some() {
            continue;
        }
        let value = json(value, at.version);
        let path = format!("{}{{}}", place.path);
        let map = format!("{{\"s\":{value},\"S\":{value},\"\u{17f}\":{value},\"\":{value}}}");
        forwarded(at, &place.holding(&map), &place.holding(&map));
        for map in [
            format!("{{\"s\":{value},\"s\":{value}}}"),
            format!("{{\"s\":{value},\"k\":{value},\"\\u0073\":{value}}}"),
        ] {
            refused(at, &place.holding(&map), &path, "a key is given twice");
        }
        count += 1;
    }
    assert!(count > 30, "{count}");
}

#[test]
fn integers_are_integer_literals_in_range_everywhere() {
    let mut count = 0_usize;
    for (at, place) in all_places() {
        let Kind::Int { min, max } = place.schema.kind else {
            continue;
        };
        for value in [min.to_string(), max.to_string(), "0".to_owned()] {
            let body = place.holding(&value);
            forwarded(at, &body, &body);
        }
        let shape = "must be an integer, without fraction or exponent, of at most 64 bits";
        let range = format!("must be from {min} to {max}");
        let below = i128::from(min) - 1;
        let above = i128::from(max) + 1;
        let fits = |value: i128| i64::try_from(value).is_ok() || u64::try_from(value).is_ok();
        for (value, reason) in [
            (below.to_string(), if fits(below) { &range } else { shape }),
            (above.to_string(), if fits(above) { &range } else { shape }),
            ("1.0".to_owned(), shape),
            ("1e0".to_owned(), shape),
            ("10E2".to_owned(), shape),
            ("1e-1".to_owned(), shape),
            ("\"1\"".to_owned(), "expected an integer, found text"),
            ("true".to_owned(), "expected an integer, found a boolean"),
            ("[1]".to_owned(), "expected an integer, found a list"),
            ("{}".to_owned(), "expected an integer, found an object"),
        ] {
            refused(at, &place.holding(&value), &place.path, reason);
            count += 1;
        }
    }
    assert!(count > 1000, "{count}");
}

#[test]
fn words_have_ascii_spellings_only_everywhere() {
    let (mut words, mut refusals) = (0_usize, 0_usize);
    for (at, place) in all_places() {
        let Kind::Enum(vocabulary) = &place.schema.kind else {
            continue;
        };
        let reason = format!("is not one of {}", vocabulary.words.join(", "));
        for word in vocabulary.words {
            let exact = place.holding(&format!("{word:?}"));
            forwarded(at, &exact, &exact);
            words += 1;
            let mut others = vec![
                format!(" {word}"),
                format!("{word} "),
                format!("{word}\\u0000"),
            ];
            for (letter, other) in [('i', '\u{131}'), ('s', '\u{17f}'), ('k', '\u{212a}')] {
                if word.contains(letter) {
                    others.push(word.replace(letter, &other.to_string()));
                }
            }
            let upper = word.to_ascii_uppercase();
            if vocabulary.any_case {
                forwarded(at, &place.holding(&format!("{upper:?}")), &exact);
            } else if upper != *word {
                others.push(upper);
            }
            for other in others {
                let body = place.holding(&format!("\"{other}\""));
                refused(at, &body, &place.path, &reason);
                refusals += 1;
            }
        }
        // Nothing said: the Engine's zero value.
        let empty = place.holding("\"\"");
        forwarded(at, &empty, &empty);
    }
    assert!(words > 50 && refusals > 200, "{words} {refusals}");
}

#[test]
fn a_text_is_a_list_of_one_in_these_fields_only() {
    let mut found = Vec::new();
    for (at, place) in all_places() {
        let Kind::List(element) = &place.schema.kind else {
            continue;
        };
        if !matches!(element.kind, Kind::Text) {
            continue;
        }
        let text = json(element, at.version);
        if place.schema.text_or_list {
            forwarded(
                at,
                &place.holding(&text),
                &place.holding(&format!("[{text}]")),
            );
            found.push(format!("{} {}", at.name(), place.path));
        } else {
            refused(
                at,
                &place.holding(&text),
                &place.path,
                "expected a list, found text",
            );
        }
    }
    found.sort();
    assert_eq!(
        found,
        [
            "ContainerCreate body.Cmd",
            "ContainerCreate body.Entrypoint",
            "ContainerCreate body.HostConfig.CapAdd",
            "ContainerCreate body.HostConfig.CapDrop",
            "ContainerCreate body.Shell",
            "ImageCommit body.Cmd",
            "ImageCommit body.Entrypoint",
            "ImageCommit body.Shell",
        ]
    );
}

#[test]
fn bytes_are_standard_base64_everywhere() {
    let mut count = 0_usize;
    for (at, place) in all_places() {
        if !matches!(place.schema.kind, Kind::Bytes) {
            continue;
        }
        for (given, becomes) in [("+/8=", "+/8="), ("+/\\r\\n8=", "+/8="), ("", "")] {
            forwarded(
                at,
                &place.holding(&format!("\"{given}\"")),
                &place.holding(&format!("\"{becomes}\"")),
            );
        }
        for data in ["-_8=", "+/8", "+/ 8=", "+/8==", "=", "a"] {
            refused(
                at,
                &place.holding(&format!("\"{data}\"")),
                &place.path,
                "is not base64 in the standard alphabet with padding",
            );
        }
        refused(
            at,
            &place.holding("[255]"),
            &place.path,
            "expected base64 text, found a list",
        );
        count += 1;
    }
    assert!(count >= 3, "{count}");
}

#[test]
fn whatever_follows_or_leads_a_body_is_refused_in_every_operation() {
    for definition in operations() {
        let Some(schema) = body(definition) else {
            continue;
        };
        let at = At::newest(definition);
        let sample = json(schema, at.version);
        let column = sample.chars().count() + 1;
        for rest in ["}", "]", "x", "{}", ",", "\u{0}", "}} garbage"] {
            refused(
                at,
                &format!("{sample}{rest}"),
                "body",
                &format!("not JSON: trailing characters at line 1 column {column}"),
            );
        }
        refused(
            at,
            &format!("\u{feff}{sample}"),
            "body",
            "not JSON: expected value at line 1 column 1",
        );
    }
}

#[test]
fn a_json_body_of_another_type_is_refused_in_every_operation() {
    for definition in operations() {
        let Some(schema) = body(definition) else {
            continue;
        };
        let at = At::newest(definition);
        for content_type in [
            None,
            Some("text/plain"),
            Some("application/jsonp"),
            Some("application/x-www-form-urlencoded"),
        ] {
            let lines: Vec<(&str, &[u8])> = content_type
                .map(|content_type| ("content-type", content_type.as_bytes()))
                .into_iter()
                .collect();
            let sent = translate_up_to(
                opgate::api::NEWEST,
                at.definition.method,
                &at.target(),
                &lines,
                json(schema, at.version).as_bytes(),
            );
            let message = format!(
                "{}: header.Content-Type: must be application/json",
                at.name()
            );
            assert_eq!(sent, Err(message));
        }
    }
}

#[test]
fn every_parameter_that_counts_once_is_refused_twice() {
    let (mut count, mut first_wins) = (0_usize, Vec::new());
    for definition in operations() {
        for query in definition.query.iter().filter(|query| !query.repeated) {
            let target = At::newest(definition).target();
            let value = escape(&parameter(query));
            for (first, second) in [
                (value.as_str(), value.as_str()),
                (value.as_str(), ""),
                ("", value.as_str()),
                ("", ""),
            ] {
                // The one that tells a pull stands in its target already.
                let given = target.contains(&format!("?{}=", query.name));
                let first = if given { "" } else { first };
                let sent = send_to(
                    definition,
                    &format!("{target}&{0}={first}&{0}={second}", query.name),
                    "",
                );
                if query.first_wins {
                    let dropped = sent.unwrap().dropped;
                    assert_eq!(dropped, [format!("query.{} (second value)", query.name)]);
                    first_wins.push(format!("{} {}", definition.name, query.name));
                } else {
                    let error = sent.unwrap_err();
                    let twice = format!(": query.{}: is given twice", query.name);
                    assert!(error.ends_with(&twice), "{} {error}", definition.name);
                }
                count += 1;
            }
        }
    }
    first_wins.dedup();
    assert_eq!(first_wins, ["ImageBuild dockerfile"]);
    assert!(count > 500, "{count}");
}

#[test]
fn names_of_parameters_are_exact_in_every_operation() {
    let mut count = 0_usize;
    for definition in operations() {
        for query in definition.query {
            let value = escape(&parameter(query));
            for name in spellings(query.name) {
                let known = definition.query.iter().any(|query| query.name == name);
                if known || !name.is_ascii() || name.contains('\\') {
                    continue;
                }
                let target = At::newest(definition).target();
                let target = format!("{target}&{name}={value}");
                let error = send_to(definition, &target, "").unwrap_err();
                let unknown = format!(
                    ": query.{name}: is not a parameter of this operation of the Engine API"
                );
                assert!(error.ends_with(&unknown), "{target}: {error}");
                count += 1;
            }
        }
    }
    assert!(count > 200, "{count}");
}

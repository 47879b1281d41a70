//! No text of a request in what is said about it: whether it is allowed,
//! refused by the guard, by a matcher or by a deny, or not understood.

use std::collections::BTreeSet;
use std::time::Instant;

use opgate::api::definition::{Kind, Schema};
use opgate::gate::{Gate, RequestHead};
use opgate::request::DecodedHead;
use serde_json::{Value, json};

use crate::canaries::{CANARY, Canary, everywhere, sings, with_headers};
use crate::gate::{ENGINE, fitting, policy};
use crate::guarded::rule_of;
use crate::places::{Part, Place, Request, always, places};
use crate::samples::formatted;

/// Everything that is said of a request under a policy.
struct Said {
    texts: Vec<String>,
    outcome: Result<(), u16>,
    /// How many rules say no: allowing ones that do not fit, and denying ones
    /// that do.
    noes: usize,
}

/// Puts a request to a policy, and notes everything that is said of it.
fn said(policy: &str, request: &Request) -> Option<Said> {
    let policies = opgate::policy::resolve("policy", policy).ok()?.policies;
    let client = policies.client_named("me").unwrap();
    let mut headers: Vec<(&str, &[u8])> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    headers.push(("Content-Type", b"application/json"));
    let head = RequestHead {
        method: request.method,
        target: &request.target,
        headers: &headers,
    };
    let mut texts = vec![format!("{head:?}")];
    let routed = head.route();
    texts.push(format!("{routed:?}"));
    let decoded = DecodedHead::decode(&head);
    texts.push(format!("{decoded:?}"));
    let decode = || {
        let decoded = DecodedHead::decode(&head);
        decoded.and_then(|head| head.body(request.body.as_bytes(), ENGINE))
    };
    let mut noes = 0;
    match decode() {
        Ok(decoded) => {
            texts.push(format!("{decoded:?}"));
            texts.push(decoded.shown().join("\n"));
            let trace = policies.trace(client, &decoded);
            noes = trace
                .steps
                .iter()
                .filter(|step| step.fits == step.denies)
                .count();
            texts.push(format!("{trace:?}"));
            match policies.decide(client, decoded) {
                Ok(permit) => {
                    texts.push(format!("{permit:?}"));
                    texts.push(format!("{:?}", permit.request()));
                    texts.push(format!("{:?}", permit.request().dropped()));
                }
                Err(denial) => texts.push(format!("{denial} {denial:?} {:?}", denial.field())),
            }
        }
        Err(error) => texts.push(format!("{error} {error:?}")),
    }
    let gate = Gate::new(policies);
    let matched = gate.head_of(&head, client);
    texts.push(format!("{matched:?}"));
    let judged = matched.and_then(|matched| {
        texts.push(format!("{:?}", matched.body_plan()));
        gate.judge(matched, request.body.as_bytes(), ENGINE)
    });
    let outcome = match judged {
        Ok(_) => Ok(()),
        Err(refusal) => {
            texts.push(format!("{refusal} {refusal:?} {:?}", refusal.field()));
            Err(refusal.status())
        }
    };
    Some(Said {
        texts,
        outcome,
        noes,
    })
}

/// Asserts that nothing of the canary is said of a request.
#[track_caller]
fn is_quiet(policy: &str, request: &Request) -> Option<Said> {
    let said = said(policy, request)?;
    for text in &said.texts {
        assert!(!sings(text), "{request:?}\n{policy}\n{text}");
    }
    Some(said)
}

/// Matchers that no canary fits.
fn refusing(schema: &Schema) -> Vec<Value> {
    match &schema.kind {
        Kind::Text => vec![
            json!({ "not": "any" }),
            json!("absent"),
            json!({ "equal": [formatted(schema.format), "zz"] }),
            json!({ "glob": ["zz*"] }),
            json!({ "under": ["/zz"] }),
            json!({ "image": ["zz"] }),
            json!({ "any_of": [{ "glob": ["zz*"] }, "absent"] }),
        ],
        Kind::Bytes => vec![json!({ "not": "any" }), json!("enp6")],
        Kind::List(element) => refusing(element)
            .into_iter()
            .flat_map(|inner| {
                [
                    json!({ "each": inner }),
                    json!({ "each": "any", "contains": inner }),
                ]
            })
            .chain([
                json!({ "subset": ["zz"] }),
                json!({ "max_items": 0, "each": "any" }),
            ])
            .collect(),
        Kind::Map(inner) => refusing(inner)
            .into_iter()
            .map(|inner| json!({ "keys": "any", "values": inner }))
            .chain([
                json!({ "keys": { "glob": ["zz*"] } }),
                json!({ "keys": ["zz"] }),
                json!({ "keys": "any", "contains": { "zz": "any" } }),
            ])
            .collect(),
        _ => Vec::new(),
    }
}

fn newest() -> String {
    opgate::api::NEWEST.to_string()
}

/// The rule of an operation that opens nothing.
fn bare(place: &Place) -> Value {
    let mut query = serde_json::Map::new();
    for parameter in always(place.operation) {
        query.insert(parameter.name.to_owned(), json!("any"));
    }
    if query.is_empty() {
        crate::gate::bare_rule(place.operation)
    } else {
        json!({ place.operation.name: { "query": query } })
    }
}

/// The texts that may not be shown.
pub(crate) fn secrets() -> Vec<(Place, Canary)> {
    let mut all = everywhere();
    all.retain(|(_, canary)| !canary.printable);
    all
}

#[test]
fn no_text_of_a_request_is_in_what_is_said_of_it() {
    let started = Instant::now();
    let (mut allowed, mut guarded, mut refused, mut denied) = (0, 0, 0, 0);
    let newest = newest();
    let secrets = secrets();
    for (place, canary) in &secrets {
        let request = with_headers(&place.request(&canary.value));
        let bare = bare(place);
        // As it is, and with the field named.
        for rule in [bare.clone(), rule_of(place, &place.rule())] {
            let said = is_quiet(&policy(&newest, &[rule], &[]), &request);
            match said.map(|said| said.outcome) {
                Some(Ok(())) => allowed += 1,
                Some(Err(403)) => guarded += 1,
                // `any` does not fit every field that is open.
                None => assert!(!place.is_guarded(), "{}", place.name()),
                other => panic!("{} {other:?} {request:?}", place.name()),
            }
        }
        // Newer than the policy, and denied as such.
        is_quiet(&policy("1.41", std::slice::from_ref(&bare), &[]), &request);
        let deny = json!(place.operation.name);
        let said = is_quiet(
            &policy(&newest, std::slice::from_ref(&bare), &[deny]),
            &request,
        );
        assert_eq!(said.unwrap().outcome, Err(403));
        // Refused by each matcher that there is for it, and denied by each.
        let schema = match place.parameter {
            Some(parameter) if place.steps.len() == 1 => parameter.decoded(),
            _ => place.schema,
        };
        let matchers = refusing(schema);
        let rules = matchers
            .iter()
            .map(|matcher| rule_of(place, &place.rule_with(matcher.clone())));
        let rules = fitting(&newest, &rules.collect::<Vec<_>>(), false);
        refused += is_quiet(&policy(&newest, &rules, &[]), &request)
            .unwrap()
            .noes;
        let rules = matchers.iter().map(|matcher| deny_of(place, matcher));
        let rules = fitting(&newest, &rules.collect::<Vec<_>>(), true);
        denied += is_quiet(&policy(&newest, &[], &rules), &request)
            .unwrap()
            .noes;
    }
    println!(
        "{} secret texts: {allowed} times allowed, {guarded} refused by the guard, \
         {refused} by a matcher, {denied} by a deny, in {:?}",
        secrets.len(),
        started.elapsed()
    );
    assert!(secrets.len() > 500 && allowed > 800 && guarded > 200);
    assert!(refused > 1000 && denied > 200, "{refused} {denied}");
}

/// A deny that fires where a matcher does not fit.
fn deny_of(place: &Place, matcher: &Value) -> Value {
    let mut says = place.rule_with(json!({ "not": matcher }));
    // A deny names one thing.
    if let Value::Object(parts) = &mut says
        && place.part != Part::Query
    {
        parts.remove("query");
    }
    rule_of(place, &says)
}

#[test]
fn printable_texts_are_shown_where_they_matter() {
    // So that a silent message is silent for a reason.
    let mut shown = 0;
    for (place, canary) in everywhere() {
        if !canary.printable || !matches!(place.schema.kind, Kind::Text) {
            continue;
        }
        let request = place.request(&canary.value);
        let said = said(&policy(&newest(), &[bare(&place)], &[]), &request).unwrap();
        assert!(
            said.texts.iter().any(|text| sings(text)),
            "{}",
            place.name()
        );
        shown += 1;
    }
    println!("{shown} printable texts are shown");
    assert!(shown > 50, "{shown}");
}

/// Texts with a canary that mean nothing, or not here.
fn nonsense() -> Vec<Value> {
    vec![
        json!(CANARY),
        json!([CANARY, CANARY]),
        json!({ CANARY: CANARY }),
        json!([[CANARY]]),
        json!([{ "Name": CANARY }]),
        json!({ "Name": { "Name": CANARY } }),
        json!(format!("{CANARY}\u{0}")),
        json!(format!("{CANARY}\n")),
        json!(format!("\u{202e}{CANARY}")),
        json!({ "a": 1, "b": CANARY }),
    ]
}

#[test]
fn no_text_is_in_a_message_about_what_cannot_be_understood() {
    let (mut count, mut misunderstood) = (0, 0);
    let printable: BTreeSet<String> = everywhere()
        .iter()
        .filter(|(_, canary)| canary.printable)
        .map(|(place, _)| place.name())
        .collect();
    for place in places() {
        let rule = policy(&newest(), &[bare(&place)], &[]);
        let mut ask = |request: &Request| {
            count += 1;
            // What fits is another test's.
            if is_quiet(&rule, request).unwrap().outcome == Err(400) {
                misunderstood += 1;
            }
        };
        for value in nonsense() {
            // What may be shown may fit by chance.
            if printable.contains(&place.name()) {
                break;
            }
            // The key of an unknown field is shown: it is a name, and the mistake.
            let unknown = takes_objects(place.schema)
                && value
                    .as_object()
                    .is_some_and(|object| object.contains_key(CANARY));
            if !unknown {
                ask(&with_headers(&place.request(&value)));
            }
        }
        if place.part == Part::Body && place.steps.len() == 1 {
            for body in broken(&place) {
                ask(&Request {
                    body,
                    ..place.request(&Value::Null)
                });
            }
        }
        if place.part == Part::Query && !printable.contains(&place.name()) {
            let name = place.parameter.map_or("", |parameter| parameter.name);
            for text in [
                format!("{CANARY}%zz"),
                format!("{CANARY}%ff"),
                format!("{CANARY};a=b"),
                format!("1&{name}={CANARY}"),
                format!("1&{name}x={CANARY}"),
                format!("[%22{CANARY}%22"),
                format!("%7B%22{CANARY}%22:"),
            ] {
                let mut request = crate::places::bare(place.operation);
                request.target = format!("{}&{name}={text}", request.target);
                ask(&request);
            }
        }
    }
    println!("{count} requests that mean little, {misunderstood} of them nothing");
    assert!(misunderstood > 5000, "{misunderstood}");
}

/// Whether an object can be there, or as an element.
fn takes_objects(schema: &Schema) -> bool {
    match &schema.kind {
        Kind::Object(_) => true,
        Kind::List(inner) => takes_objects(inner),
        _ => false,
    }
}

/// Bodies with a mistake beside a canary.
fn broken(place: &Place) -> Vec<String> {
    let name = place
        .path
        .trim_start_matches("body.")
        .trim_start_matches("body[].");
    vec![
        format!("{{\"{name}x\":\"{CANARY}\"}}"),
        format!("{{\"{name}x\":{{\"a\":\"{CANARY}\"}}}}"),
        format!(
            "{{\"{name}\":\"{CANARY}\",\"{}\":\"{CANARY}\"}}",
            name.to_uppercase()
        ),
        format!("{{\"{name}\":\"{CANARY}"),
        format!("{{\"{name}\":{CANARY}}}"),
        format!("{{\"{name}\":\"\\u{{{CANARY}}}\"}}"),
        format!("{{\"{name}\":\"{CANARY}\\ud800\"}}"),
        format!("{{{CANARY}:1}}"),
        format!("{CANARY}"),
        format!("\"{CANARY}\""),
        format!("[\"{CANARY}\"]"),
        format!("{{}}{CANARY}"),
    ]
}

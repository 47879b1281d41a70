//! Every guarded field over the wire, in every spelling that the Engine would
//! take for it, against a recording Engine: nothing of it arrives. The same
//! requests arrive once a rule names the field.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use opgate::gate::Gate;
use serde_json::{Value, json};

use crate::gate::{bare_rule, gate};
use crate::guarded::rule_of;
use crate::places::{Part, Place, Request, Step, always, entries, guarded, write};
use crate::samples;
use crate::support::{Answer, Call, Client, Engine, Setup};
use crate::values::dangerous;

/// What the stand-in says of its versions.
pub(crate) const VERSION: &str = r#"{"Version":"99.0","ApiVersion":"1.55","MinAPIVersion":"1.24"}"#;

/// All waits of a test end within this time.
pub(crate) const WITHIN: Duration = Duration::from_mins(5);

/// A client that reconnects when it is told to.
pub(crate) struct Wire {
    pub(crate) setup: Setup,
    client: Option<Client>,
}

impl Wire {
    pub(crate) async fn ask(&mut self, request: &Request, chunked: bool) -> Answer {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => self.setup.client().await,
        };
        let bytes = bytes(request, chunked);
        client.send(bytes).await;
        let answer = if request.method == "HEAD" {
            client.head().await
        } else {
            client.answer().await
        };
        if answer.header("connection") != Some("close") {
            self.client = Some(client);
        }
        answer
    }
}

/// A request as it is written.
pub(crate) fn bytes(request: &Request, chunked: bool) -> String {
    let mut bytes = format!(
        "{} {} HTTP/1.1\r\nHost: x\r\n",
        request.method, request.target
    );
    for (name, value) in &request.headers {
        let _ = write!(bytes, "{name}: {value}\r\n");
    }
    let body = &request.body;
    if !body.is_empty() {
        bytes.push_str("Content-Type: application/json\r\n");
    }
    if chunked {
        bytes.push_str("Transfer-Encoding: chunked\r\n\r\n");
        let middle = (0..=body.len() / 2)
            .rev()
            .find(|at| body.is_char_boundary(*at))
            .unwrap_or_default();
        let (first, second) = body.split_at(middle);
        for piece in [first, second]
            .into_iter()
            .filter(|piece| !piece.is_empty())
        {
            let _ = write!(bytes, "{:x}\r\n{piece}\r\n", piece.len());
        }
        bytes.push_str("0\r\n\r\n");
    } else {
        let _ = write!(bytes, "Content-Length: {}\r\n\r\n{body}", body.len());
    }
    bytes
}

pub(crate) async fn start(gate: Gate) -> (Wire, Engine) {
    let setup = Setup::start().await;
    let engine =
        Engine::start_with_version(&setup.engine_path(), VERSION, |mut call: Call| async {
            call.body().await?;
            if call.head.starts_with("HEAD") {
                call.io
                    .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
                    .await;
            } else {
                call.io.answer("200 OK", "{}").await;
            }
            Some(call.io)
        });
    setup.reload(gate);
    let wire = Wire {
        setup,
        client: None,
    };
    (wire, engine)
}

/// A spelling of a key, and what it is called.
type Spelling = (&'static str, fn(&str) -> String);

const SPELLINGS: [Spelling; 5] = [
    ("lower case", str::to_ascii_lowercase),
    ("upper case", str::to_ascii_uppercase),
    ("folded", folded),
    ("folded and escaped", |key| escaped(&folded(key))),
    ("escaped", escaped),
];

/// With the letters outside ASCII that fold onto ASCII ones.
fn folded(key: &str) -> String {
    key.replace(['s', 'S'], "\u{17f}")
        .replace(['k', 'K'], "\u{212a}")
}

/// Each character as an escape of JSON.
fn escaped(key: &str) -> String {
    key.encode_utf16().fold(String::new(), |mut out, unit| {
        let _ = write!(out, "\\u{unit:04x}");
        out
    })
}

/// Each character of a name as an escape of the query.
fn percent(name: &str) -> String {
    samples::escape(name)
}

/// Every way to say this at a place, with what it is called. Those of one name
/// have one meaning or none to the gate; none may reach the Engine.
fn ways(place: &Place, value: &Value) -> Vec<(&'static str, Request)> {
    let plain = place.request(value);
    let mut ways = vec![
        ("as it is", plain.clone()),
        ("without a version", plain.unversioned()),
    ];
    for minor in opgate::api::OLDEST.0..=opgate::api::NEWEST.0 {
        ways.push((
            "in another version",
            plain.in_version(&format!("1.{minor}")),
        ));
    }
    ways.push(("in another version", plain.in_version("1.24")));
    ways.push(("in another version", plain.in_version("1.99")));
    if place.part == Part::Query {
        ways.push(("escaped", place.spelled(value, &percent)));
        for (called, spell) in &SPELLINGS[..2] {
            let request = place.spelled(value, spell);
            if request.target != plain.target {
                ways.push((called, request));
            }
        }
        let twice = format!("&{}=", place.parameter_name());
        let mut second = plain.clone();
        second.target.push_str(&twice);
        ways.push(("doubled", second));
        let mut first = plain.clone();
        first.target = plain
            .target
            .replacen('?', &format!("?{}=&", place.parameter_name()), 1);
        ways.push(("doubled", first));
        return ways;
    }
    if place.part == Part::Header {
        for (called, spell) in &SPELLINGS[..2] {
            ways.push((called, place.spelled(value, spell)));
        }
        let mut twice = plain.clone();
        twice.headers.extend(plain.headers.clone());
        ways.push(("doubled", twice));
        return ways;
    }
    for (called, spell) in &SPELLINGS {
        ways.push((called, place.spelled(value, spell)));
    }
    for body in doubled(&place.steps, value) {
        let request = Request {
            body,
            ..plain.clone()
        };
        ways.push(("doubled", request));
    }
    ways
}

/// Bodies in which a field of the way to the value is there twice: once with
/// nothing, and once with the value, in this order and the other.
fn doubled(steps: &[Step], value: &Value) -> Vec<String> {
    let mut bodies = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let Step::Field { name, beside, .. } = step else {
            continue;
        };
        let inner = write(&steps[at + 1..], value, &str::to_owned);
        let beside = entries(beside);
        let other = name.to_ascii_uppercase();
        for object in [
            format!("{{{beside}\"{name}\":null,\"{other}\":{inner}}}"),
            format!("{{{beside}\"{name}\":{inner},\"{other}\":null}}"),
            format!("{{{beside}\"{name}\":{inner},\"{name}\":{inner}}}"),
        ] {
            // The object in the place of the value that leads to it.
            let outer = write(&steps[..at], &json!("@"), &str::to_owned);
            bodies.push(outer.replacen("\"@\"", &object, 1));
        }
    }
    bodies
}

impl Place {
    /// Whether a request that arrived names it.
    fn is_in(&self, request: &str) -> bool {
        let Some(Step::Field { name, .. }) = self.steps.last() else {
            return false;
        };
        [format!("{name}="), format!("{name:?}:")]
            .iter()
            .any(|named| request.contains(named))
    }

    /// The name of the parameter.
    fn parameter_name(&self) -> &'static str {
        self.parameter.map_or("", |parameter| parameter.name)
    }
}

/// The rules that open nothing but what must be named for an operation to do
/// anything.
pub(crate) fn bare_rules() -> Vec<Value> {
    samples::operations()
        .map(|operation| {
            let mut query = serde_json::Map::new();
            for parameter in always(operation) {
                query.insert(parameter.name.to_owned(), json!("any"));
            }
            if query.is_empty() {
                bare_rule(operation)
            } else {
                json!({ operation.name: { "query": query } })
            }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_guarded_field_reaches_the_engine_in_any_spelling() {
    let started = Instant::now();
    let test = async {
        let (mut wire, engine) = start(gate(&bare_rules())).await;
        let (mut count, mut passed) = (BTreeMap::<&str, usize>::new(), 0_usize);
        for place in guarded() {
            // What every rule must name is named here.
            if always(place.operation).any(|one| place.path == format!("query.{}", one.name)) {
                continue;
            }
            for (at, value) in dangerous(&place).iter().enumerate() {
                for (called, request) in ways(&place, value) {
                    // Values beside the first are sent in fewer ways.
                    if at > 0 && called == "in another version" {
                        continue;
                    }
                    for chunked in [false, true] {
                        if chunked && called == "in another version" {
                            continue;
                        }
                        let answer = wire.ask(&request, chunked).await;
                        // What the version lacks is taken out, and the rest may pass.
                        if answer.status == 200 && place.is_lacking_in(&request) {
                            passed += 1;
                            let seen = engine.seen();
                            assert_eq!(seen.len(), passed, "{}", place.name());
                            let seen = seen.last().unwrap();
                            let text =
                                format!("{} {}", seen.line(), String::from_utf8_lossy(&seen.body));
                            assert!(!place.is_in(&text), "{} {text}", place.name());
                            continue;
                        }
                        let expected = match called {
                            "as it is" | "without a version" => [403, 403, 403],
                            "in another version" => [403, 404, 400],
                            _ => [403, 400, 400],
                        };
                        assert!(
                            expected.contains(&answer.status),
                            "{} {called}: {} {} {}",
                            place.name(),
                            bytes(&request, chunked),
                            answer.status,
                            answer.body
                        );
                        let called = if chunked { "chunked" } else { called };
                        *count.entry(called).or_default() += 1;
                    }
                }
            }
        }
        assert_eq!(engine.seen().len(), passed);
        println!("{passed} requests passed without what their version lacks");
        count
    };
    let count = tokio::time::timeout(WITHIN, test).await.unwrap();
    let sum: usize = count.values().sum();
    println!(
        "{sum} requests refused in {:?}: {count:?}",
        started.elapsed()
    );
    assert!(sum > 10_000, "{sum}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_guarded_field_reaches_the_engine_once_a_rule_names_it() {
    let test = async {
        let places = guarded();
        let rules: Vec<Value> = places
            .iter()
            .map(|place| rule_of(place, &place.rule()))
            .collect();
        let (mut wire, engine) = start(gate(&rules)).await;
        let mut count = 0_usize;
        for place in &places {
            let value = &dangerous(place)[0];
            // Bodies in another spelling are forwarded in the Engine's own.
            let request = match place.part {
                Part::Body => place.spelled(value, &|key| escaped(&folded(key))),
                _ => place.request(value),
            };
            let answer = wire.ask(&request, place.part == Part::Body).await;
            assert_eq!(answer.status, 200, "{} {}", place.name(), answer.body);
            count += 1;
            let seen = engine.seen();
            assert_eq!(seen.len(), count, "{}", place.name());
            if place.part == Part::Body {
                let expected: Value = serde_json::from_str(&place.request(value).body).unwrap();
                let body: Value = serde_json::from_slice(&seen[count - 1].body).unwrap();
                assert_eq!(body, expected, "{}", place.name());
            }
        }
        count
    };
    let count = tokio::time::timeout(WITHIN, test).await.unwrap();
    println!("{count} guarded parameters and fields arrive once a rule names them");
}

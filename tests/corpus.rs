//! Every recorded request of a real client, through the gate: what is forwarded means the same to the Engine.
//!
//! `corpus/requests.ndjson` holds the requests, `corpus/reader.rs` an Engine's own reading of a request, which knows
//! nothing of opgate's definitions. A request is either forwarded with the same reading, or it is on the list of those
//! that opgate refuses, with the reason (`corpus/refused.tsv`). Nothing that a real client sent and the Engine honoured
//! may be on that list. `corpus/ignored.txt` lists what the reader sees and the Engine ignores; whatever is not on it
//! makes another reading when it changes, so the comparison is no empty one.
//!
//! Both lists are pinned: a line more or less is a failure. The failing test writes the list as it would be to
//! `target/tmp/`; read what changed, then copy it over the one in `tests/corpus/`.
#![cfg(test)]

#[path = "corpus/reader.rs"]
mod reader;
#[path = "corpus/recorded.rs"]
mod recorded;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use opgate::api::definition::ApiVersion;
use opgate::request::{DecodedHead, EncodedBody, EngineVersion, RequestHead};
use reader::{Reading, read};
use recorded::Recorded;
use serde_json::{Value, json};

/// Requests that a real client sent, that the Engine honoured, and that opgate refuses all the same: each with why.
const REFUSED_ALL_THE_SAME: [(usize, &str); 0] = [];

/// Requests that the Engine refuses and opgate forwards, as they are or in a form that the Engine takes: each with why.
const FORWARDED_ALL_THE_SAME: [(usize, &str); 3] = [
    (2749, "a create without a body: the Engine says so itself"),
    (
        2750,
        "a create whose body is null, which is no body: as above",
    ),
    (
        2843,
        "the Engine starts no container when there is a body; opgate drops bodies where there are none",
    ),
];

/// A request as it goes on to the Engine.
struct Forwarded {
    method: String,
    target: String,
    /// With `Upgrade` where the connection becomes a tunnel, without the headers of framing.
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Forwarded {
    fn replace_in_body(&mut self, from: &str, to: &str) {
        let body = String::from_utf8_lossy(&self.body);
        assert!(body.contains(from), "no {from} in {body}");
        self.body = body.replace(from, to).into_bytes();
    }
}

/// Takes a request through opgate: what it forwards to an Engine of the API versions 1.24 to 1.51 under a policy that
/// opens everything, or the message of its refusal.
fn translate(
    method: &str,
    target: &str,
    headers: &[(String, Vec<u8>)],
    body: &[u8],
) -> Result<Forwarded, String> {
    let served = EngineVersion {
        min: ApiVersion(24),
        max: ApiVersion(51),
    };
    let served = served.common().ok_or("no common version")?;
    let lines: Vec<(&str, &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect();
    let head = RequestHead {
        method,
        target,
        headers: &lines,
    };
    let head = DecodedHead::decode(&head).map_err(|error| error.to_string())?;
    let encoded = head
        .body(body, served)
        .map_err(|error| error.to_string())?
        .encode();

    let text = |value: &str| value.as_bytes().to_vec();
    let mut headers: Vec<_> = encoded
        .headers()
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect();
    if let (Some(upgrade), Some(_)) = (
        encoded.tunnel(),
        lines.iter().find(|(name, _)| *name == "upgrade"),
    ) {
        headers.push(("Upgrade".to_owned(), text(upgrade)));
    }
    let (content_type, body) = match encoded.body() {
        EncodedBody::Empty => (None, Vec::new()),
        EncodedBody::Json(json) => (Some("application/json"), json.to_vec()),
        EncodedBody::Stream { content_type } => (Some(*content_type), body.to_vec()),
    };
    headers
        .extend(content_type.map(|content_type| ("Content-Type".to_owned(), text(content_type))));
    Ok(Forwarded {
        method: encoded.method().to_owned(),
        target: encoded.target().to_owned(),
        headers,
        body,
    })
}

impl Recorded {
    fn read(&self) -> Result<Reading, String> {
        read(&self.method, &self.target, &self.headers(), self.body())
    }

    fn translate(&self) -> Result<Forwarded, String> {
        translate(&self.method, &self.target, &self.headers(), self.body())
    }

    /// As a gate would forward it that changes nothing, but for a version in the path.
    fn as_it_came(&self) -> Forwarded {
        assert!(self.version().is_some(), "{}", self.line("has no version"));
        Forwarded {
            method: self.method.clone(),
            target: self.target.clone(),
            headers: self.headers(),
            body: self.body().to_vec(),
        }
    }

    /// The request with another target, headers or body.
    fn with(
        &self,
        target: Option<String>,
        headers: Option<BTreeMap<String, String>>,
        body: Option<String>,
    ) -> Self {
        Self {
            target: target.unwrap_or_else(|| self.target.clone()),
            headers: headers.unwrap_or_else(|| self.headers.clone()),
            body: body.or_else(|| self.body.clone()),
            ..self.clone()
        }
    }

    fn by_hand(&self) -> bool {
        self.client.starts_with("curl")
    }

    /// Whether the Engine did what was asked, or could have: a redirect is not that.
    fn honoured(&self) -> bool {
        self.status < 400 && self.status != 301
    }

    /// The minor of the API version in the path.
    fn version(&self) -> Option<u32> {
        let version = self.target.strip_prefix("/v1.")?;
        version.split('/').next()?.parse().ok()
    }

    /// The line that stands for it in lists.
    fn line(&self, reason: &str) -> String {
        let mut target: String = self.target.chars().take(70).collect();
        if target.len() < self.target.len() {
            target.push('…');
        }
        format!(
            "{}\t{}\t{}\t{target}\t{reason}",
            self.n, self.client, self.method
        )
    }
}

#[test]
fn what_is_forwarded_means_the_same_and_what_is_refused_is_listed() {
    let mut report = Report::default();
    let mut refused = BTreeMap::new();
    for request in Recorded::all() {
        match request.translate() {
            Ok(forwarded) => report.compare(&request, &forwarded),
            Err(reason) => {
                let old = request.version().is_some_and(|version| version < 41);
                if request.honoured()
                    && !request.by_hand()
                    && !old
                    && !excepted(&REFUSED_ALL_THE_SAME, &request)
                {
                    report.add(
                        format!("refused, though the Engine honours it: {reason}"),
                        &request,
                    );
                }
                refused.insert(request.n, request.line(&reason));
            }
        }
    }
    for (exceptions, are_refused) in [
        (REFUSED_ALL_THE_SAME.as_slice(), true),
        (&FORWARDED_ALL_THE_SAME, false),
    ] {
        for (n, why) in exceptions {
            assert_eq!(
                refused.contains_key(n),
                are_refused,
                "{n} is no exception any more: {why}"
            );
        }
    }
    let refused: Vec<_> = refused.into_values().collect();
    report.check_list("refused.tsv", include_str!("corpus/refused.tsv"), &refused);
    assert!(report.problems.is_empty(), "{report}");
}

/// The comparison notices what a translation can get wrong.
#[test]
fn a_wrong_translation_is_noticed() {
    type Wrong = fn(&mut Forwarded);
    let wrong: [(usize, &str, Wrong); 10] = [
        (
            8,
            "ContainerCreate body.HostConfig.Privileged: nothing became true",
            |request| {
                request.replace_in_body("\"Privileged\":false", "\"privileged\":true");
            },
        ),
        (
            8,
            "ContainerCreate body.HostConfig.MaskedPaths: nothing became []",
            |request| {
                request.replace_in_body("\"MaskedPaths\":null", "\"MaskedPaths\":[]");
            },
        ),
        (
            8,
            "ContainerCreate query.name: \"rec_p1\" became nothing",
            |request| {
                request.target = request.target.replace("?name=", "?Name=");
            },
        ),
        (
            8,
            "ContainerCreate version: Some(51) became Some(50)",
            |request| {
                request.target = request.target.replace("/v1.51/", "/v1.50/");
            },
        ),
        (
            8,
            "forwarded as what the Engine cannot read: unsupported Content-Type header",
            |request| {
                request
                    .headers
                    .retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            },
        ),
        (
            2732,
            "ContainerList query.filters.label.rec=1: true became nothing",
            |request| {
                request.target = request.target.replace("rec%3D1", "rec%3D2");
            },
        ),
        (
            2740,
            "ContainerInspect path.name: \"rec_curl\" became \"rec/curl\"",
            |request| {
                request.target = request.target.replace("rec_curl", "rec%2Fcurl");
            },
        ),
        (2804, "ImageCreate headers.X-Registry-Auth: ", |request| {
            request
                .headers
                .retain(|(name, _)| !name.eq_ignore_ascii_case("x-registry-auth"));
        }),
        (
            2805,
            "ContainerDelete operation: \"ContainerDelete\" became \"ImageDelete\"",
            |request| {
                request.target = request.target.replace("/containers/", "/images/");
            },
        ),
        (2802, "ImageBuild stream: ", |request| request.body.clear()),
    ];
    let recorded = Recorded::all();
    for (n, problem, wrong) in wrong {
        let request = &recorded[n];
        let mut forwarded = request.as_it_came();
        let mut report = Report::default();
        report.compare(request, &forwarded);
        assert!(report.problems.is_empty(), "{report}");
        wrong(&mut forwarded);
        report.compare(request, &forwarded);
        assert!(
            report
                .problems
                .keys()
                .any(|found| found.starts_with(problem)),
            "{problem}: {report}"
        );
    }
}

#[test]
fn what_the_engine_honoured_it_reads() {
    let mut unread = Vec::new();
    for request in Recorded::all() {
        if let (true, Err(error)) = (request.honoured(), request.read()) {
            unread.push(request.line(&error));
        }
    }
    // Given twice, and merged by the Engine, which the reader leaves alone: opgate refuses it.
    let merged = unread.pop().expect("a request with keys given twice");
    assert!(merged.contains("Image twice"), "{merged}");
    assert_eq!(unread, Vec::<String>::new());
}

#[test]
fn what_the_engine_cannot_read_is_no_reading() {
    let unreadable = [
        "invalid JSON",
        "is too old",
        "is too new",
        "page not found",
        "unexpected content after JSON",
        "config cannot be empty",
        "unsupported Content-Type",
    ];
    let requests = include_str!("corpus/requests.ndjson")
        .lines()
        .zip(Recorded::all());
    let mut found = 0;
    for (line, request) in requests {
        let answer: Value = serde_json::from_str(line).expect("a recorded request");
        let Some(error) = answer.get("error").and_then(Value::as_str) else {
            continue;
        };
        if unreadable
            .iter()
            .any(|unreadable| error.contains(unreadable))
        {
            found += 1;
            assert!(request.read().is_err(), "{}", request.line(error));
        }
    }
    assert!(
        found >= 18,
        "only {found} requests that the Engine could not read"
    );
}

/// Whatever the Engine looks at makes another reading when it changes: each value of each query, header and JSON body,
/// one at a time. What does not is listed.
#[test]
fn only_what_the_engine_ignores_can_change_without_notice() {
    let (mut noticed, mut unnoticed) = (BTreeSet::new(), BTreeSet::new());
    // A few of each kind are as good as all.
    let mut tried: BTreeMap<_, usize> = BTreeMap::new();
    for request in Recorded::all() {
        let Ok(reading) = request.read() else {
            continue;
        };
        let operation = reading.operation();
        let mut changed = changed_queries(&request.target)
            .map(|(name, target)| {
                (
                    format!("{operation} query.{name}"),
                    request.with(Some(target), None, None),
                )
            })
            .collect::<Vec<_>>();
        changed.extend(
            changed_headers(&request)
                .into_iter()
                .map(|(name, headers)| {
                    (
                        format!("every operation header.{name}"),
                        request.with(None, Some(headers), None),
                    )
                }),
        );
        // Operations without a body ignore it.
        if reading.value.get("body").is_some() {
            changed.extend(
                changed_bodies(request.body())
                    .into_iter()
                    .map(|(field, body)| {
                        (
                            format!("{operation} body.{field}"),
                            request.with(None, None, Some(body)),
                        )
                    }),
            );
        }
        for (place, changed) in changed {
            let kind = (operation.to_owned(), place.clone(), request.version());
            let tried = tried.entry(kind).or_default();
            *tried += 1;
            if *tried > 3 {
                continue;
            }
            let same = changed.read().as_ref() == Ok(&reading);
            if same { &mut unnoticed } else { &mut noticed }.insert(place);
        }
    }
    let ignored: Vec<_> = unnoticed.difference(&noticed).cloned().collect();
    let mut report = Report::default();
    report.check_list("ignored.txt", include_str!("corpus/ignored.txt"), &ignored);
    assert!(report.problems.is_empty(), "{report}");
    assert!(
        noticed.len() >= 1000,
        "only {} places in all requests",
        noticed.len()
    );
}

/// The target with the value of one parameter changed, for each parameter.
fn changed_queries(target: &str) -> impl Iterator<Item = (String, String)> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    let path = path.to_owned();
    let pairs: Vec<String> = pairs.into_iter().map(str::to_owned).collect();
    (0..pairs.len()).map(move |changed| {
        let mut pairs = pairs.clone();
        let (name, value) = pairs[changed]
            .split_once('=')
            .unwrap_or((&pairs[changed], ""));
        let name = name.to_owned();
        let value = match value {
            "" | "0" | "false" | "False" | "all" => "1".to_owned(),
            "1" | "true" | "True" => "0".to_owned(),
            value if value.parse::<i64>().is_ok() => format!("{value}1"),
            // Another value within the JSON.
            value
                if value.starts_with(['{', '['])
                    || value.starts_with("%7B")
                    || value.starts_with("%5B") =>
            {
                match value.rfind(|c: char| c.is_ascii_lowercase()) {
                    Some(last) => {
                        let (before, after) = value.split_at(last);
                        format!("{before}x{after}")
                    }
                    None => "%7B%22x%22:[%22y%22]%7D".to_owned(),
                }
            }
            value => format!("{value}x"),
        };
        pairs[changed] = format!("{name}={value}");
        (name, format!("{path}?{}", pairs.join("&")))
    })
}

/// The headers with one changed, for each.
fn changed_headers(request: &Recorded) -> Vec<(String, BTreeMap<String, String>)> {
    let change = |name: &String| {
        let mut headers = request.headers.clone();
        headers
            .entry(name.clone())
            .and_modify(|value| value.insert(0, 'x'));
        (name.clone(), headers)
    };
    request.headers.keys().map(change).collect()
}

/// The JSON with one scalar changed, for each.
fn changed_bodies(body: &[u8]) -> Vec<(String, String)> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Vec::new();
    };
    let mut places = Vec::new();
    leaves(&body, String::new(), String::new(), &mut places);
    let change = |(pointer, field): (String, String)| {
        let mut changed = body.clone();
        change(changed.pointer_mut(&pointer).expect("a place of the body"));
        (field, changed.to_string())
    };
    places.into_iter().map(change).collect()
}

/// The scalars of a value: the JSON pointer of each, and its path for people.
fn leaves(value: &Value, pointer: String, field: String, places: &mut Vec<(String, String)>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let escaped = key.replace('~', "~0").replace('/', "~1");
                let field = if field.is_empty() {
                    key.clone()
                } else {
                    format!("{field}.{key}")
                };
                leaves(value, format!("{pointer}/{escaped}"), field, places);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                leaves(
                    value,
                    format!("{pointer}/{index}"),
                    format!("{field}[]"),
                    places,
                );
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => places.push((pointer, field)),
    }
}

/// Makes it another value of its type.
fn change(value: &mut Value) {
    *value = match &*value {
        Value::Bool(flag) => json!(!flag),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => json!(integer ^ 1),
            None => json!(number.as_f64().map(|float| float + 0.5)),
        },
        Value::String(text) => json!(format!("{text}x")),
        other => other.clone(),
    };
}

fn excepted(exceptions: &[(usize, &str)], request: &Recorded) -> bool {
    exceptions.iter().any(|(n, _)| *n == request.n)
}

/// What went wrong, by kind, each with the requests.
#[derive(Default)]
struct Report {
    problems: BTreeMap<String, Vec<String>>,
}

impl Report {
    fn add(&mut self, problem: String, request: &Recorded) {
        self.problems
            .entry(problem)
            .or_default()
            .push(request.line(""));
    }

    fn compare(&mut self, request: &Recorded, forwarded: &Forwarded) {
        let after = read(
            &forwarded.method,
            &forwarded.target,
            &forwarded.headers,
            &forwarded.body,
        );
        match (request.read(), after) {
            (Ok(before), Ok(after)) => {
                for difference in before.differences(&after) {
                    self.add(format!("{} {difference}", before.operation()), request);
                }
            }
            (Ok(_), Err(error)) => self.add(
                format!("forwarded as what the Engine cannot read: {error}"),
                request,
            ),
            (Err(error), _) => {
                if !excepted(&FORWARDED_ALL_THE_SAME, request) {
                    self.add(
                        format!("forwarded, though the Engine refuses it: {error}"),
                        request,
                    );
                }
            }
        }
    }

    /// Holds a list against the pinned one, and writes it to the target folder where they differ.
    fn check_list(&mut self, file: &str, pinned: &str, found: &[String]) {
        let (pinned, lines): (BTreeSet<_>, BTreeSet<_>) = (
            pinned.lines().collect(),
            found.iter().map(String::as_str).collect(),
        );
        if pinned == lines {
            return;
        }
        let proposal = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
        std::fs::write(&proposal, found.join("\n") + "\n").expect("a writable target folder");
        let problem = format!(
            "tests/corpus/{file} differs; as it would be now: {}",
            proposal.display()
        );
        let problems = self.problems.entry(problem).or_default();
        problems.extend(
            lines
                .difference(&pinned)
                .map(|line| format!("not listed: {line}")),
        );
        problems.extend(
            pinned
                .difference(&lines)
                .map(|line| format!("listed in vain: {line}")),
        );
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} kinds of problems", self.problems.len())?;
        for (problem, requests) in &self.problems {
            writeln!(f, "\n{problem}\n  {}, of them:", requests.len())?;
            for request in requests.iter().take(5) {
                writeln!(f, "    {}", request.trim_end())?;
            }
        }
        Ok(())
    }
}

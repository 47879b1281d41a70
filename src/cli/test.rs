//! `opgate test`: the tests of policy files, and which rules none of them reaches.
//!
//! A request is asked of the gate as the proxy would ask it. An allow is reached
//! when a test is allowed by it, a deny when it fires.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use opgate::diagnostic::Severity;
use opgate::example::{Example, OwnedRequest};
use opgate::gate::{Encoded, EngineVersion, Gate, Older, Permit, Refusal, RequestHead};
use opgate::policy::{Client, Expected, RuleName, Test};
use serde_json::{Value, json};

use super::{Failure, Output, config};

/// What `opgate test` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The policy files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Show the rules that no test reaches.
    #[arg(long)]
    coverage: bool,
    /// Fail if no test reaches some rule, or if there is no test.
    #[arg(long)]
    require_coverage: bool,
    /// The form of the output.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// What became of the tests of a file.
struct Tested {
    file: String,
    outcomes: Vec<Outcome>,
    rules: usize,
    unreached: Vec<Arc<RuleName>>,
}

struct Outcome {
    name: String,
    place: String,
    /// What was wrong, line by line; nothing if it passed.
    wrong: Vec<String>,
}

/// Runs the tests of each file.
pub(super) fn test(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let mut all = Vec::with_capacity(arguments.files.len());
    for file in &arguments.files {
        all.push(run(file)?);
    }
    match arguments.output {
        Output::Text => {
            for tested in &all {
                text(
                    tested,
                    arguments.coverage || arguments.require_coverage,
                    out,
                )?;
            }
        }
        Output::Json => {
            let objects: Vec<Value> = all.iter().map(object).collect();
            serde_json::to_writer_pretty(&mut *out, &objects).map_err(io::Error::from)?;
            writeln!(out)?;
        }
    }
    let failed = all.iter().flat_map(|tested| &tested.outcomes);
    let failed = failed.filter(|outcome| !outcome.wrong.is_empty()).count();
    let unreached: usize = all.iter().map(|tested| tested.unreached.len()).sum();
    match (failed, unreached) {
        (0, 0) => Ok(()),
        (0, _) if !arguments.require_coverage => Ok(()),
        (0, 1) => Err(Failure::Findings("1 rule is reached by no test".to_owned())),
        (0, count) => Err(Failure::Findings(format!(
            "{count} rules are reached by no test"
        ))),
        (1, _) => Err(Failure::Findings("1 test failed".to_owned())),
        (count, _) => Err(Failure::Findings(format!("{count} tests failed"))),
    }
}

fn run(file: &Path) -> Result<Tested, Failure> {
    let configuration =
        config::resolve(file)?.map_err(|found| Failure::Findings(found.to_string()))?;
    if configuration.warnings.count(Severity::Warning) > 0 {
        super::say(&configuration.warnings);
    }
    let mut unreached = configuration.policies.rule_names();
    unreached.sort_by_key(|rule| rule.place.line);
    let rules = unreached.len();
    let gate = Gate::new(configuration.policies);
    let mut outcomes = Vec::with_capacity(configuration.tests.len());
    for test in &configuration.tests {
        let mut reached = Vec::new();
        let wrong = ask(&gate, test, &mut reached);
        unreached.retain(|rule| !reached.iter().any(|other| Arc::ptr_eq(rule, other)));
        outcomes.push(Outcome {
            name: test.name.clone(),
            place: test.place.to_string(),
            wrong,
        });
    }
    Ok(Tested {
        file: file.display().to_string(),
        outcomes,
        rules,
        unreached,
    })
}

/// Asks the gate, and tells what is not as expected.
fn ask(gate: &Gate, test: &Test, reached: &mut Vec<Arc<RuleName>>) -> Vec<String> {
    // Both were checked when the file was read.
    let Some(client) = gate.policies().client_named(&test.client) else {
        return vec![format!("there is no client `{}`", test.client)];
    };
    let request = match test.request.request() {
        Ok(request) => request,
        Err(error) => return vec![error],
    };
    let decision = decide(gate, client, &request);
    match &decision {
        Ok(permit) => reached.push(Arc::clone(permit.rule())),
        Err(_) => reached.extend(fired(gate, client, &request)),
    }
    match (&test.expected, &decision) {
        (Expected::Allow, Ok(_)) | (Expected::Deny(None), Err(_)) => Vec::new(),
        (Expected::Allow | Expected::Forward { .. }, Err(refusal)) => vec![
            "expected: allowed".to_owned(),
            format!("got:      refused, {}", refusal.message()),
        ],
        (Expected::Deny(path), Ok(permit)) => {
            let path = path
                .as_ref()
                .map_or_else(String::new, |path| format!(" for {path}"));
            vec![
                format!("expected: refused{path}"),
                format!("got:      allowed by {}", permit.rule()),
            ]
        }
        (Expected::Deny(Some(path)), Err(refusal)) if refusal.field() == Some(path) => Vec::new(),
        (Expected::Deny(Some(path)), Err(refusal)) => vec![
            format!("expected: refused for {path}"),
            format!("got:      refused, {}", refusal.message()),
        ],
        (Expected::Forward(parts), Ok(permit)) => {
            let request = permit.request();
            let Ok(found) = understood(&OwnedRequest::forwarded(request)) else {
                return vec!["what is forwarded cannot be read again".to_owned()];
            };
            let mut wrong = Vec::new();
            for (part, wanted) in parts {
                let wanted = match normal(request, &found, part, wanted) {
                    Ok(wanted) => wanted,
                    Err(error) => return vec![error],
                };
                differences(part, wanted.get(part), found.get(part), &mut wrong);
            }
            wrong
        }
    }
}

fn decide(gate: &Gate, client: Client, request: &OwnedRequest) -> Result<Permit, Refusal> {
    let headers = request.header_bytes();
    let head = RequestHead {
        method: &request.method,
        target: &request.target,
        headers: &headers,
    };
    gate.head_of(&head, client)
        .and_then(|matched| gate.judge(matched, &request.body, EngineVersion::EVERY))
}

/// The denies that fire: for the request, or for what a rule makes of it.
fn fired(gate: &Gate, client: Client, request: &OwnedRequest) -> Vec<Arc<RuleName>> {
    let steps = request.decode(
        EngineVersion::EVERY,
        gate.policies().older(client),
        |decoded| gate.policies().trace(client, decoded).steps,
    );
    let fired = steps.into_iter().flatten().filter_map(|step| {
        if step.denies && step.fits {
            Some(step.rule)
        } else {
            step.denied_by
        }
    });
    fired.collect()
}

/// A request as typed values.
fn understood(request: &OwnedRequest) -> Result<Value, String> {
    let read = request.decode(EngineVersion::EVERY, Older::Refused, |decoded| {
        Example::understood(decoded).to_json()
    });
    read.map_err(|error| error.to_string())
}

/// What was expected of a part, spelt as it would be forwarded.
fn normal(request: &Encoded, found: &Value, part: &str, wanted: &Value) -> Result<Value, String> {
    let mut written = json!({
        "operation": request.operation().name(),
        "version": request.version().to_string(),
    });
    if let Value::Object(written) = &mut written {
        // What decides the variant of an operation is a part of its query.
        if let Some(query) = found.get("query") {
            written.insert("query".to_owned(), query.clone());
        }
        if wanted.is_null() {
            written.remove(part);
        } else {
            written.insert(part.to_owned(), wanted.clone());
        }
    }
    understood(&Example::from_json(&written)?.request()?)
}

/// Where two values differ, a line each.
fn differences(path: &str, wanted: Option<&Value>, found: Option<&Value>, lines: &mut Vec<String>) {
    match (wanted, found) {
        (Some(Value::Object(wanted)), Some(Value::Object(found))) => {
            let more = found.keys().filter(|name| !wanted.contains_key(*name));
            for name in wanted.keys().chain(more) {
                let path = format!("{path}.{name}");
                differences(&path, wanted.get(name), found.get(name), lines);
            }
        }
        (wanted, found) if wanted == found => {}
        (Some(Value::Array(wanted)), Some(Value::Array(found))) if wanted.len() == found.len() => {
            for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                differences(
                    &format!("{path}[{index}]"),
                    Some(wanted),
                    Some(found),
                    lines,
                );
            }
        }
        (wanted, found) => {
            let shown = |value: Option<&Value>| {
                value.map_or_else(|| "nothing".to_owned(), ToString::to_string)
            };
            lines.push(path.to_owned());
            lines.push(format!("  expected: {}", shown(wanted)));
            lines.push(format!("  got:      {}", shown(found)));
        }
    }
}

fn text(tested: &Tested, coverage: bool, out: &mut impl Write) -> io::Result<()> {
    for outcome in &tested.outcomes {
        if outcome.wrong.is_empty() {
            continue;
        }
        writeln!(out, "failed: {} ({})", outcome.name, outcome.place)?;
        for line in &outcome.wrong {
            writeln!(out, "    {line}")?;
        }
    }
    let total = tested.outcomes.len();
    let failed = tested.outcomes.iter();
    let failed = failed.filter(|outcome| !outcome.wrong.is_empty()).count();
    let passed = total.saturating_sub(failed);
    let file = &tested.file;
    match (total, failed) {
        (0, _) => writeln!(out, "{file}: no tests")?,
        (_, 0) => write!(out, "{file}: {passed} passed")?,
        _ => write!(out, "{file}: {passed} passed, {failed} failed")?,
    }
    if total > 0 {
        let reached = tested.rules.saturating_sub(tested.unreached.len());
        writeln!(out, "; {reached} of {} rules reached", tested.rules)?;
    }
    if coverage {
        for rule in &tested.unreached {
            writeln!(out, "not reached: {rule}")?;
        }
    }
    Ok(())
}

fn object(tested: &Tested) -> Value {
    let tests: Vec<Value> = tested
        .outcomes
        .iter()
        .map(|outcome| {
            json!({
                "name": outcome.name,
                "place": outcome.place,
                "passed": outcome.wrong.is_empty(),
                "wrong": outcome.wrong,
            })
        })
        .collect();
    let unreached: Vec<String> = tested.unreached.iter().map(ToString::to_string).collect();
    json!({
        "file": tested.file,
        "tests": tests,
        "rules": tested.rules,
        "unreached": unreached,
    })
}

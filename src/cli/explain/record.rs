//! A line of the log, explained as far as it goes.
//!
//! A record holds no value of a request, so no rule can be asked about it again.
//! What it says is shown beside what the file says now: whether the client may
//! call the operation at all, which rules speak of it, whether the rule that the
//! record names is among them, and what is known of the field.

use std::io::{self, Write};
use std::path::Path;

use opgate::api::Operation;
use opgate::policy::{Client, Policies};
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked;
use super::shown::labelled;
use crate::cli::{Failure, Output, ops};

/// What a line of the log says.
#[derive(Debug, Deserialize)]
struct Line {
    time: Option<String>,
    client: String,
    operation: Option<String>,
    decision: String,
    rule: Option<String>,
    field: Option<String>,
    status: Option<u16>,
    message: Option<String>,
    #[serde(default)]
    dropped: Vec<String>,
    #[serde(default)]
    rewritten: Vec<String>,
}

/// What is known of a record.
struct Found {
    /// What the line says, in words.
    recorded: String,
    /// What the file says now of the operation as a whole.
    now: String,
    /// The rules that speak of the operation, each with whether it denies.
    rules: Vec<(String, bool)>,
    /// What is known of the rule that the record names.
    named: Option<String>,
    /// What is known of the field that it names.
    field: Option<String>,
    /// What cannot be known.
    unknown: &'static str,
}

/// Explains one line of the log.
pub(super) fn explain(
    file: &Path,
    policies: &Policies,
    output: Output,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let line = line(file)?;
    let operation = match &line.operation {
        None => None,
        Some(name) => Some(Operation::from_name(name).ok_or_else(|| {
            Failure::Usage(format!("the record's operation `{name}` is not one"))
        })?),
    };
    let client = policies.client_named(&line.client);
    let found = found(&line, client, operation, policies);
    match output {
        Output::Text => text(&line, operation, &found, out)?,
        Output::Json => {
            let object = object(&line, operation, &found);
            serde_json::to_writer_pretty(&mut *out, &object).map_err(io::Error::from)?;
            writeln!(out)?;
        }
    }
    Ok(())
}

fn line(file: &Path) -> Result<Line, Failure> {
    let shown = file.display();
    let usage = |message: String| Failure::Usage(format!("`{shown}`: {message}"));
    let bytes = asked::read(file)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| usage(error.to_string()))?;
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(usage(
            "one line of the log is explained at a time".to_owned(),
        ));
    };
    serde_json::from_str(line).map_err(|error| {
        usage(format!(
            "not the line of a request, which is JSON where the log is no terminal: {error}"
        ))
    })
}

fn found(
    line: &Line,
    client: Option<Client>,
    operation: Option<Operation>,
    policies: &Policies,
) -> Found {
    let status = line
        .status
        .map_or_else(String::new, |status| format!(" ({status})"));
    let time = line
        .time
        .as_ref()
        .map_or_else(String::new, |time| format!(" at {time}"));
    let decision = match line.decision.as_str() {
        "allow" => "allowed",
        "refuse" => "refused",
        "fail" => "neither refused nor answered by the Engine",
        other => other,
    };
    let known = client.zip(operation);
    let now = match (client, operation) {
        (None, _) => format!("the file has no client `{}`", line.client),
        (_, None) => "the request led to no operation, so no rule was asked".to_owned(),
        (Some(client), Some(operation)) => match policies.admit(client, operation) {
            Ok(()) => "it depends on the request".to_owned(),
            Err(denial) => format!("always refused: {denial}"),
        },
    };
    let rules: Vec<(String, bool)> = known.map_or_else(Vec::new, |(client, operation)| {
        let rules = policies.rules_of(client, operation).into_iter();
        rules
            .map(|(name, denies)| (name.to_string(), denies))
            .collect()
    });
    let named = line.rule.as_ref().map(|rule| {
        if rules.iter().any(|(name, _)| name == rule) {
            format!("{rule}: the file has such a rule, if no line has moved since")
        } else {
            format!("{rule}: the file has no such rule for this client and operation; it has changed, or is another")
        }
    });
    let field = line.field.as_ref().map(|path| {
        let facts = operation.and_then(|operation| ops::facts(operation.definition(), path));
        facts.map_or_else(|| path.clone(), |facts| format!("{path}: {facts}"))
    });
    // Whether values would have changed anything.
    let certain =
        known.is_some_and(|(client, operation)| policies.admit(client, operation).is_err());
    let unknown = if known.is_some() && !certain {
        "a record holds no values: what the rules say of this request now, only the request \
         can tell (--operation, --request)"
    } else {
        ""
    };
    Found {
        recorded: format!("{decision}{status}{time}"),
        now,
        rules,
        named,
        field,
        unknown,
    }
}

fn text(
    line: &Line,
    operation: Option<Operation>,
    found: &Found,
    out: &mut impl Write,
) -> io::Result<()> {
    labelled("client", &[&line.client], out)?;
    if let Some(operation) = operation {
        let definition = operation.definition();
        let (method, path) = (definition.method, definition.path);
        writeln!(out, "operation  {operation}  {method} {path}")?;
    }
    labelled("recorded", &[&found.recorded], out)?;
    if let Some(message) = &line.message {
        labelled("message", &[message], out)?;
    }
    labelled("rule", found.named.as_slice(), out)?;
    labelled("field", found.field.as_slice(), out)?;
    labelled("dropped", &line.dropped, out)?;
    labelled("rewritten", &line.rewritten, out)?;
    labelled("now", &[&found.now], out)?;
    let rules = found.rules.iter();
    let rules: Vec<String> = rules
        .map(|(name, denies)| format!("{name} {}", if *denies { "may deny" } else { "may allow" }))
        .collect();
    labelled("rules", &rules, out)?;
    if !found.unknown.is_empty() {
        labelled("unknown", &[found.unknown], out)?;
    }
    Ok(())
}

fn object(line: &Line, operation: Option<Operation>, found: &Found) -> Value {
    let rules: Vec<Value> = found
        .rules
        .iter()
        .map(|(name, denies)| {
            json!({ "rule": name, "kind": if *denies { "deny" } else { "allow" } })
        })
        .collect();
    json!({
        "client": line.client,
        "operation": operation.map(Operation::name),
        "record": {
            "time": line.time,
            "decision": line.decision,
            "rule": line.rule,
            "field": line.field,
            "status": line.status,
            "message": line.message,
            "dropped": line.dropped,
            "rewritten": line.rewritten,
        },
        "rule": found.named,
        "field": found.field,
        "now": found.now,
        "rules": rules,
        "unknown": found.unknown,
    })
}

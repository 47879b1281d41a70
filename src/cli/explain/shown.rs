//! What was found out about a request, for people and for programs.

use std::io::{self, Write};

use opgate::gate::{EncodedBody, Permit};
use opgate::policy::Step;
use opgate::request::Decoded;
use serde_json::{Value, json};

use super::Explained;

/// Lines behind one label. What a log says may hold what a terminal obeys: that is
/// not written.
pub(super) fn labelled<T: AsRef<str>>(
    label: &str,
    lines: &[T],
    out: &mut impl Write,
) -> io::Result<()> {
    for (number, line) in lines.iter().enumerate() {
        let label = if number == 0 { label } else { "" };
        let line = line.as_ref().replace(char::is_control, "\u{fffd}");
        writeln!(out, "{label:10} {line}")?;
    }
    Ok(())
}

pub(super) fn text(
    explained: &Explained<'_>,
    show_values: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    labelled("client", &[&explained.client], out)?;
    if let Some(definition) = explained.definition {
        let (name, method, path) = (definition.name, definition.method, definition.path);
        writeln!(out, "operation  {name}  {method} {path}")?;
    }
    if let Some(decoded) = &explained.decoded {
        let asked = decoded.pinned();
        let asked = asked.map_or_else(String::new, |asked| format!(" (asked for {asked})"));
        writeln!(out, "version    {}{asked}", decoded.version())?;
        labelled("request", &decoded.shown(), out)?;
        labelled("dropped", decoded.dropped(), out)?;
        labelled("rules", &rules(&explained.steps), out)?;
    }
    match &explained.decision {
        Ok(permit) => {
            labelled("rewritten", permit.rewritten(), out)?;
            labelled("forwards", &explained.rewritten, out)?;
            writeln!(out, "decision   allowed by {}", permit.rule())?;
            if show_values {
                forwarded(permit, out)?;
            }
        }
        Err(refusal) => writeln!(out, "decision   refused: {refusal}")?,
    }
    Ok(())
}

/// What each rule says, a line each.
fn rules(steps: &[Step]) -> Vec<String> {
    if steps.is_empty() {
        return vec!["none speaks of this operation".to_owned()];
    }
    let denied = steps.iter().any(|step| step.denies && step.fits);
    let first = steps.iter().position(|step| !step.denies && step.fits);
    let lines = steps.iter().enumerate().map(|(index, step)| {
        let verdict = match (step.denies, step.fits) {
            (true, true) => "denies",
            (true, false) => "does not deny",
            (false, true) if denied => "would allow",
            (false, true) if first == Some(index) => "allows",
            (false, true) => "would allow, too",
            (false, false) => "does not allow",
        };
        let why = step.why.iter().map(|why| format!(": {why}"));
        let why: String = why.collect();
        let rewrites = if step.rewrites.is_empty() {
            String::new()
        } else {
            format!(", and rewrites {}", step.rewrites.join(", "))
        };
        format!("{} {verdict}{why}{rewrites}", step.rule)
    });
    lines.collect()
}

/// The request that is forwarded, whole.
fn forwarded(permit: &Permit, out: &mut impl Write) -> io::Result<()> {
    let request = permit.request();
    writeln!(out, "forwarded  {} {}", request.method(), request.target())?;
    for (name, value) in request.headers() {
        writeln!(out, "{:10} {name}: {value}", "")?;
    }
    if let EncodedBody::Json(body) = request.body() {
        writeln!(out, "{:10} {}", "", String::from_utf8_lossy(body))?;
    }
    Ok(())
}

pub(super) fn object(explained: &Explained<'_>, show_values: bool) -> Value {
    let steps: Vec<Value> = explained
        .steps
        .iter()
        .map(|step| {
            json!({
                "policy": step.rule.policy.as_ref(),
                "place": step.rule.place.to_string(),
                "kind": if step.denies { "deny" } else { "allow" },
                "fits": step.fits,
                "why": step.why,
                "rewrites": step.rewrites,
            })
        })
        .collect();
    let decoded = explained.decoded.as_ref();
    let permit = explained.decision.as_ref().ok();
    let refusal = explained.decision.as_ref().err();
    let forwarded = permit.filter(|_| show_values).map(|permit| {
        let request = permit.request();
        json!({
            "method": request.method(),
            "target": request.target(),
            "headers": request.headers(),
            "body": match request.body() {
                EncodedBody::Json(body) => serde_json::from_slice(body).unwrap_or(Value::Null),
                EncodedBody::Empty | EncodedBody::Stream { .. } => Value::Null,
            },
        })
    });
    let rule = permit.map(Permit::rule);
    let rule = rule.or_else(|| refusal.and_then(opgate::gate::Refusal::rule));
    json!({
        "client": explained.client,
        "operation": explained.definition.map(|definition| definition.name),
        "version": decoded.map(|decoded| decoded.version().to_string()),
        "asked_version": decoded.and_then(Decoded::pinned).map(|asked| asked.to_string()),
        "request": decoded.map(Decoded::shown),
        "dropped": decoded.map(Decoded::dropped),
        "rules": steps,
        "decision": if permit.is_some() { "allow" } else { "refuse" },
        "rule": rule.map(ToString::to_string),
        "status": refusal.map(opgate::gate::Refusal::status),
        "field": refusal.and_then(opgate::gate::Refusal::field),
        "reason": refusal.map(ToString::to_string),
        "rewritten": permit.map(Permit::rewritten),
        "forwards": permit.map(|_| &explained.rewritten),
        "forwarded": forwarded,
    })
}

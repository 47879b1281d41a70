//! Gates with generated rules, and requests put to them.

use opgate::api::definition::ApiVersion;
use opgate::gate::{EncodedBody, EngineVersion, Gate, ListenerId, Permit, RequestHead};
use serde_json::{Value, json};

use crate::places::Request;

/// An Engine that serves all there is.
pub(crate) const ENGINE: EngineVersion = EngineVersion {
    min: ApiVersion(24),
    max: opgate::api::NEWEST,
};

/// A policy file with these rules, each on a line of its own. YAML reads JSON as
/// well.
pub(crate) fn policy(level: &str, allow: &[Value], deny: &[Value]) -> String {
    let lines = |rules: &[Value]| {
        let rules: Vec<String> = rules.iter().map(Value::to_string).collect();
        rules.join(",\n")
    };
    format!(
        "{{ api: '{level}', listen: [{{ unix: /nowhere/gate.sock, client: me }}], \
         upstream: 'unix:///nowhere/engine.sock', clients: {{ me: {{ policies: [p] }} }}, \
         policies: {{ p: {{ allow: [\n{}\n], deny: [\n{}\n] }} }} }}\n",
        lines(allow),
        lines(deny)
    )
}

/// Those of some rules that resolve. `deny` says which kind they are.
pub(crate) fn fitting(level: &str, rules: &[Value], deny: bool) -> Vec<Value> {
    let (text, first) = if deny {
        (policy(level, &[], rules), 4)
    } else {
        (policy(level, rules, &[]), 2)
    };
    let Err(diagnostics) = opgate::policy::resolve("policy", &text) else {
        return rules.to_vec();
    };
    let wrong: Vec<u64> = diagnostics
        .found()
        .iter()
        .map(|found| found.span.line)
        .collect();
    let rules = (first..).zip(rules);
    let fitting = rules.filter(|(line, _)| !wrong.contains(line));
    fitting.map(|(_, rule)| rule.clone()).collect()
}

/// A gate with these rules at this level, or the first diagnostic.
pub(crate) fn try_gate(level: &str, allow: &[Value]) -> Result<Gate, String> {
    let text = policy(level, allow, &[]);
    match opgate::policy::resolve("policy", &text) {
        Ok(configuration) => Ok(Gate::new(configuration.policies)),
        Err(diagnostics) => Err(diagnostics.to_string()),
    }
}

/// A gate with these rules, at the newest level.
pub(crate) fn gate(allow: &[Value]) -> Gate {
    let newest = opgate::api::NEWEST.to_string();
    try_gate(&newest, allow).unwrap_or_else(|error| panic!("{allow:?}: {error}"))
}

/// The rule that allows an operation and says nothing else.
pub(crate) fn bare_rule(operation: &opgate::api::definition::OperationDef) -> Value {
    if operation.opaque {
        json!({ operation.name: { "opaque": true } })
    } else {
        json!(operation.name)
    }
}

/// Puts a request to a gate; a refusal is its status and message.
pub(crate) fn ask(gate: &Gate, request: &Request) -> Result<Permit, (u16, String)> {
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
    gate.head(&head, ListenerId(0))
        .and_then(|matched| gate.judge(matched, request.body.as_bytes(), ENGINE))
        .map_err(|refusal| (refusal.status(), refusal.message().to_owned()))
}

/// The body of a permit as a value.
pub(crate) fn body(permit: &Permit) -> Value {
    match permit.request().body() {
        EncodedBody::Json(bytes) => serde_json::from_slice(bytes).unwrap(),
        EncodedBody::Empty | EncodedBody::Stream { .. } => Value::Null,
    }
}

//! `opgate explain`: one request, step by step, without sending anything.
//!
//! Shows the operation, what was decoded (the paths, and the values that may be
//! shown in a log), what each rule of the client says, and the decision, or the
//! reason why the request is not understood. `--show-values` shows what would be
//! forwarded, whole: the request is the user's own.

use std::fs;
use std::io::{self, Read, Write};

use opgate::api::definition::ApiVersion;
use opgate::api::{NEWEST, OLDEST};
use opgate::gate::{EncodedBody, EngineVersion, Gate, RequestHead};
use opgate::policy::{Client, Policies};
use opgate::request::{Decoded, DecodedHead};
use serde_json::{Value, json};

use super::{ConfigFile, Failure, Output, config};

/// The largest body.
const BODY_LIMIT: u64 = 4 << 20;

/// What `opgate explain` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: ConfigFile,
    /// The client that asks. Not needed where the file has only one.
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// The newest API version that the Engine serves.
    #[arg(long, value_name = "VERSION", default_value_t = NEWEST, value_parser = version)]
    engine: ApiVersion,
    /// A header, as `Name: value`. May be given several times.
    #[arg(long = "header", short = 'H', value_name = "HEADER")]
    headers: Vec<String>,
    /// The body: JSON, `@FILE`, or `@-` for standard input.
    #[arg(long, short, value_name = "BODY")]
    body: Option<String>,
    /// Show what would be forwarded with all its values.
    #[arg(long)]
    show_values: bool,
    /// The form of the output.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// The method, such as POST.
    method: String,
    /// The target, such as `/v1.51/containers/create?name=x`.
    target: String,
}

fn version(text: &str) -> Result<ApiVersion, String> {
    let minor = text.strip_prefix("1.").and_then(|minor| minor.parse().ok());
    minor
        .map(ApiVersion)
        .filter(|version| (OLDEST..=NEWEST).contains(version))
        .ok_or_else(|| format!("expected a version from {OLDEST} to {NEWEST}"))
}

/// What was found out about a request.
struct Explained<'e> {
    client: String,
    operation: Option<&'static str>,
    decoded: Option<Decoded<'e>>,
    steps: Vec<opgate::policy::Step>,
    decision: Result<opgate::request::Permit, String>,
}

/// Explains one request. Refused is a finding, as in `check`.
pub(super) fn explain(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let configuration = config::load(&arguments.file.config)?;
    let policies = configuration.policies;
    let client = client(arguments, &policies)?;
    let body = body(arguments.body.as_deref())?;
    let mut headers: Vec<(&str, &[u8])> = Vec::new();
    for header in &arguments.headers {
        let Some((name, value)) = header.split_once(':') else {
            return Err(Failure::Usage(format!("`{header}` is not `Name: value`")));
        };
        headers.push((name.trim(), value.trim().as_bytes()));
    }
    let given = |name: &str| {
        headers
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    if !body.is_empty() && !given("content-type") {
        headers.push(("Content-Type", b"application/json"));
    }
    let head = RequestHead {
        method: &arguments.method,
        target: &arguments.target,
        headers: &headers,
    };
    let engine = EngineVersion {
        min: OLDEST,
        max: arguments.engine,
    };
    let explained = ask(policies, client, &head, &body, engine);
    match arguments.output {
        Output::Text => text(&explained, arguments.show_values, out)?,
        Output::Json => {
            let object = object(&explained, arguments.show_values);
            serde_json::to_writer_pretty(&mut *out, &object).map_err(io::Error::from)?;
            writeln!(out)?;
        }
    }
    match explained.decision {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::Refused),
    }
}

fn client(arguments: &Arguments, policies: &Policies) -> Result<Client, Failure> {
    let mut names = policies.client_names();
    let name = match (&arguments.client, names.next(), names.next()) {
        (Some(name), ..) => name.clone(),
        (None, Some(only), None) => only.to_owned(),
        _ => {
            let names: Vec<&str> = policies.client_names().collect();
            let names = names.join(", ");
            return Err(Failure::Usage(format!("say which --client asks: {names}")));
        }
    };
    policies
        .client_named(&name)
        .ok_or_else(|| Failure::Usage(format!("there is no client `{name}`")))
}

fn body(given: Option<&str>) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: io::Error| Failure::Usage(format!("cannot read the body: {error}"));
    let mut bytes = Vec::new();
    match given {
        None => {}
        Some("@-") => {
            io::stdin()
                .take(BODY_LIMIT)
                .read_to_end(&mut bytes)
                .map_err(unreadable)?;
        }
        Some(text) => match text.strip_prefix('@') {
            None => bytes.extend_from_slice(text.as_bytes()),
            Some(path) => {
                let file = fs::File::open(path).map_err(unreadable)?;
                file.take(BODY_LIMIT)
                    .read_to_end(&mut bytes)
                    .map_err(unreadable)?;
            }
        },
    }
    Ok(bytes)
}

/// Asks the gate as a request would, and every rule besides.
fn ask<'e>(
    policies: Policies,
    client: Client,
    head: &RequestHead<'e>,
    body: &'e [u8],
    engine: EngineVersion,
) -> Explained<'e> {
    let name = policies.client_name(client).to_string();
    let decode = || {
        let decoded = DecodedHead::decode(head);
        decoded.and_then(|decoded| decoded.body(body, engine))
    };
    let (operation, decoded, steps) = match decode() {
        Ok(decoded) => {
            let steps = policies.trace(client, &decoded).steps;
            (Some(decoded.operation().name()), Some(decoded), steps)
        }
        Err(_) => (None, None, Vec::new()),
    };
    let gate = Gate::new(policies);
    let decision = gate
        .head_of(head, client)
        .and_then(|matched| gate.judge(matched, body, engine));
    Explained {
        client: name,
        operation,
        decoded,
        steps,
        decision: decision.map_err(|refusal| refusal.to_string()),
    }
}

fn text(explained: &Explained<'_>, show_values: bool, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "client     {}", explained.client)?;
    if let (Some(name), Some(decoded)) = (explained.operation, &explained.decoded) {
        let definition = decoded.definition();
        writeln!(
            out,
            "operation  {name}  {} {}",
            definition.method, definition.path
        )?;
        writeln!(out, "version    {}", decoded.version())?;
        for (number, line) in decoded.shown().iter().enumerate() {
            let label = if number == 0 { "request" } else { "" };
            writeln!(out, "{label:10} {line}")?;
        }
        for (number, path) in decoded.dropped().iter().enumerate() {
            let label = if number == 0 { "dropped" } else { "" };
            writeln!(out, "{label:10} {path}")?;
        }
        for (number, step) in explained.steps.iter().enumerate() {
            let label = if number == 0 { "rules" } else { "" };
            let verdict = match (step.denies, step.fits) {
                (true, true) => "denies",
                (true, false) => "does not deny",
                (false, true) => "allows",
                (false, false) => "does not allow",
            };
            let why = step
                .why
                .as_ref()
                .map_or_else(String::new, |why| format!(": {why}"));
            writeln!(out, "{label:10} {} {verdict}{why}", step.rule)?;
        }
    }
    match &explained.decision {
        Ok(permit) => {
            writeln!(out, "decision   allowed by {}", permit.rule())?;
            if show_values {
                let request = permit.request();
                writeln!(out, "forwarded  {} {}", request.method(), request.target())?;
                for (name, value) in request.headers() {
                    writeln!(out, "{:10} {name}: {value}", "")?;
                }
                if let EncodedBody::Json(body) = request.body() {
                    writeln!(out, "{:10} {}", "", String::from_utf8_lossy(body))?;
                }
            }
        }
        Err(refusal) => writeln!(out, "decision   refused: {refusal}")?,
    }
    Ok(())
}

fn object(explained: &Explained<'_>, show_values: bool) -> Value {
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
            })
        })
        .collect();
    let decoded = explained.decoded.as_ref();
    let permit = explained.decision.as_ref().ok();
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
    json!({
        "client": explained.client,
        "operation": explained.operation,
        "version": decoded.map(|decoded| decoded.version().to_string()),
        "request": decoded.map(Decoded::shown),
        "dropped": decoded.map(Decoded::dropped),
        "rules": steps,
        "decision": if permit.is_some() { "allow" } else { "refuse" },
        "rule": permit.map(|permit| permit.rule().to_string()),
        "reason": explained.decision.as_ref().err(),
        "forwarded": forwarded,
    })
}

//! `opgate explain`: one request, step by step, without sending anything.
//!
//! Shows the operation, what was decoded (the paths, and the values that may be
//! shown in a log), what each rule of the client says, what a rule rewrites, and
//! the decision, or the reason why the request is not understood. `--show-values`
//! shows what would be forwarded, whole: the request is the user's own. A line of
//! the log is explained as far as it goes: it holds no values (see `record`).

mod asked;
mod record;
mod shown;

use std::io::{self, Write};
use std::path::PathBuf;

use opgate::api::definition::{ApiVersion, OperationDef};
use opgate::api::{NEWEST, OLDEST};
use opgate::gate::{EngineVersion, Gate, Older, Permit, Refusal, RequestHead};
use opgate::policy::{Client, Policies, Step};
use opgate::request::{Decoded, DecodedHead};

use super::{ConfigFile, Failure, Output, config};

/// What `opgate explain` takes.
#[derive(Debug, clap::Args)]
#[command(override_usage = "opgate explain [OPTIONS] METHOD TARGET\n       \
                      opgate explain [OPTIONS] --operation NAME\n       \
                      opgate explain [OPTIONS] --request FILE\n       \
                      opgate explain [OPTIONS] --record FILE")]
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
    /// An operation, such as `ContainerCreate`, instead of a method and a target.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["method", "request", "record"])]
    operation: Option<String>,
    /// A path parameter of the operation, as `name=value`.
    #[arg(long, value_name = "NAME=VALUE")]
    path: Vec<String>,
    /// A query parameter of the operation, as `name=value`: text, true, a number, JSON.
    #[arg(long, value_name = "NAME=VALUE")]
    query: Vec<String>,
    /// The version in which the operation is requested.
    #[arg(long, value_name = "VERSION")]
    api_version: Option<String>,
    /// A file with a request as in the tests of a policy, as JSON; `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "record", "headers", "body"])]
    request: Option<PathBuf>,
    /// A file with one line of the log, as JSON; `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "headers", "body", "client"])]
    record: Option<PathBuf>,
    /// Show what would be forwarded with all its values.
    #[arg(long)]
    show_values: bool,
    /// The form of the output.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// The method, such as POST.
    #[arg(
        required_unless_present_any = ["operation", "request", "record"],
        requires = "target"
    )]
    method: Option<String>,
    /// The target, such as `/v1.51/containers/create?name=x`.
    target: Option<String>,
}

pub(super) fn version(text: &str) -> Result<ApiVersion, String> {
    let minor = text.strip_prefix("1.").and_then(|minor| minor.parse().ok());
    minor
        .map(ApiVersion)
        .filter(|version| (OLDEST..=NEWEST).contains(version))
        .ok_or_else(|| format!("expected a version from {OLDEST} to {NEWEST}"))
}

/// What was found out about a request.
struct Explained<'e> {
    client: String,
    /// The operation, as far as it is known.
    definition: Option<&'static OperationDef>,
    decoded: Option<Decoded<'e>>,
    steps: Vec<Step>,
    decision: Result<Permit, Refusal>,
    /// What is forwarded, a line for each value, if a rule has rewritten it.
    rewritten: Vec<String>,
}

/// Explains one request. Refused is a finding, as in `check`.
pub(super) fn explain(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let policies = config::load(&arguments.file.config)?.policies;
    if let Some(file) = &arguments.record {
        return record::explain(file, &policies, arguments.output, out);
    }
    let client = client(arguments, &policies)?;
    let request = asked::request(arguments)?;
    let headers = request.header_bytes();
    let head = RequestHead {
        method: &request.method,
        target: &request.target,
        headers: &headers,
    };
    let engine = EngineVersion {
        max: arguments.engine,
        ..EngineVersion::EVERY
    };
    let explained = ask(policies, client, &head, &request.body, engine);
    match arguments.output {
        Output::Text => shown::text(&explained, arguments.show_values, out)?,
        Output::Json => {
            let object = shown::object(&explained, arguments.show_values);
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

/// Asks the gate as a request would, and every rule besides.
fn ask<'e>(
    policies: Policies,
    client: Client,
    head: &RequestHead<'e>,
    body: &'e [u8],
    engine: EngineVersion,
) -> Explained<'e> {
    let gate = Gate::new(policies);
    let decoded = DecodedHead::decode(head)
        .and_then(|head| head.with(gate.policies().older(client)).body(body, engine));
    let decoded = decoded.ok();
    let steps = decoded.as_ref().map_or_else(Vec::new, |decoded| {
        gate.policies().trace(client, decoded).steps
    });
    let decision = gate
        .head_of(head, client)
        .and_then(|matched| gate.judge(matched, body, engine));
    let known = decoded.as_ref().map(Decoded::definition);
    let refused = || {
        let operation = decision.as_ref().err().and_then(Refusal::operation);
        operation.map(opgate::api::Operation::definition)
    };
    let rewritten = match &decision {
        Ok(permit) if !permit.rewritten().is_empty() => {
            let request = opgate::example::OwnedRequest::forwarded(permit.request());
            #[expect(
                clippy::redundant_closure_for_method_calls,
                reason = "the method by itself is for one lifetime"
            )]
            let shown = request.decode(engine, Older::Refused, |decoded| decoded.shown());
            shown.unwrap_or_default()
        }
        _ => Vec::new(),
    };
    Explained {
        client: gate.policies().client_name(client).to_string(),
        definition: known.or_else(refused),
        decoded,
        steps,
        decision,
        rewritten,
    }
}

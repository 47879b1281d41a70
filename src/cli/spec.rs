//! `opgate spec diff OLD NEW`: what an API version has that another one lacks, as
//! far as policies can speak of it.
//!
//! Operations, parameters and fields, from the versions that their definitions
//! name. Inside of an operation that is new as a whole nothing is listed.

use std::io::{self, Write};

use opgate::api::Operation;
use opgate::api::definition::{
    ApiVersion, BodyDef, Guard, Kind, OperationDef, Risk, RiskClass, Schema, Span,
};
use serde_json::{Value, json};

use super::{Failure, Output, ops};

/// What `opgate spec` takes.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show what an API version adds and removes.
    Diff {
        /// The older version, such as 1.51.
        #[arg(value_parser = super::explain::version)]
        old: ApiVersion,
        /// The newer version.
        #[arg(value_parser = super::explain::version)]
        new: ApiVersion,
        /// The form of the output.
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
}

/// Something that one of two versions lacks.
struct Change {
    added: bool,
    operation: &'static OperationDef,
    /// Nothing for the operation itself.
    path: String,
    kind: String,
    guard: Option<Guard>,
    classes: &'static [RiskClass],
}

/// Shows what differs.
pub(super) fn spec(command: &Command, out: &mut impl Write) -> Result<(), Failure> {
    let Command::Diff { old, new, output } = command;
    let changes = Differences::between(*old, *new);
    match output {
        Output::Text => text(&changes, *old, *new, out)?,
        Output::Json => {
            let objects: Vec<Value> = changes.iter().map(object).collect();
            serde_json::to_writer_pretty(&mut *out, &objects).map_err(io::Error::from)?;
            writeln!(out)?;
        }
    }
    Ok(())
}

/// Which of two versions have something.
enum Presence {
    Both,
    Neither,
    /// One of them: the newer, if it was added.
    One {
        added: bool,
    },
}

struct Differences {
    old: ApiVersion,
    new: ApiVersion,
    found: Vec<Change>,
}

impl Differences {
    fn between(old: ApiVersion, new: ApiVersion) -> Vec<Change> {
        let mut differences = Self {
            old,
            new,
            found: Vec::new(),
        };
        for operation in Operation::ALL {
            let definition = operation.definition();
            match differences.of(definition.span) {
                Presence::Both => differences.inside(definition),
                Presence::Neither => {}
                Presence::One { added } => differences.found.push(Change {
                    added,
                    operation: definition,
                    path: String::new(),
                    kind: format!("{} {}", definition.method, definition.path),
                    guard: None,
                    classes: definition.risk,
                }),
            }
        }
        differences.found
    }

    /// Which of the versions have something.
    fn of(&self, span: Span) -> Presence {
        match (span.contains(self.old), span.contains(self.new)) {
            (true, true) => Presence::Both,
            (false, false) => Presence::Neither,
            (_, added) => Presence::One { added },
        }
    }

    fn inside(&mut self, operation: &'static OperationDef) {
        for (place, parameters) in [
            ("path", operation.path_parameters),
            ("query", operation.query),
            ("header", operation.headers),
        ] {
            for parameter in parameters {
                let path = format!("{place}.{}", parameter.name);
                let schema = parameter.decoded();
                self.at(operation, parameter.span, &path, schema, parameter.risk);
            }
        }
        if let BodyDef::Json { schema, .. } = operation.body {
            self.below(operation, schema, "body");
        }
    }

    /// A parameter or field, or what is in it.
    fn at(
        &mut self,
        operation: &'static OperationDef,
        span: Span,
        path: &str,
        schema: &'static Schema,
        risk: Risk,
    ) {
        match self.of(span) {
            Presence::Both => self.below(operation, schema, path),
            Presence::Neither => {}
            Presence::One { added } => self.found.push(Change {
                added,
                operation,
                path: path.to_owned(),
                kind: ops::describe(schema),
                guard: Some(risk.guard),
                classes: risk.classes,
            }),
        }
    }

    fn below(&mut self, operation: &'static OperationDef, schema: &'static Schema, path: &str) {
        match schema.kind {
            Kind::List(element) => self.below(operation, element, &format!("{path}[]")),
            Kind::Map(value) => self.below(operation, value, &format!("{path}{{}}")),
            Kind::Object(object) => {
                for field in object.fields {
                    let path = format!("{path}.{}", field.name);
                    self.at(operation, field.span, &path, &field.schema, field.risk);
                }
            }
            _ => {}
        }
    }
}

fn text(
    changes: &[Change],
    old: ApiVersion,
    new: ApiVersion,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut last = "";
    for change in changes {
        let sign = if change.added { '+' } else { '-' };
        let name = change.operation.name;
        let mut marks = match change.guard {
            Some(Guard::Guarded) => vec!["GUARDED".to_owned()],
            Some(Guard::Unclassified) => vec!["UNCLASSIFIED".to_owned()],
            Some(Guard::Open) | None => Vec::new(),
        };
        if !change.classes.is_empty() {
            let classes = change.classes.iter().map(|class| class.name());
            marks.push(format!("({})", classes.collect::<Vec<_>>().join(", ")));
        }
        let line = if change.path.is_empty() {
            format!("{sign} {name}  {} {}", change.kind, marks.join(" "))
        } else {
            if last != name {
                writeln!(out, "  {name}")?;
            }
            let (path, kind) = (&change.path, &change.kind);
            format!("{sign}   {path}  {kind} {}", marks.join(" "))
        };
        last = name;
        writeln!(out, "{}", line.trim_end())?;
    }
    match changes.len() {
        0 => writeln!(
            out,
            "{old} and {new} do not differ in what policies speak of"
        ),
        count => {
            let noun = if count == 1 {
                "difference"
            } else {
                "differences"
            };
            writeln!(
                out,
                "{count} {noun}. What is newer than a file's `api` level is in no group, and \
                 shut for that file."
            )
        }
    }
}

fn object(change: &Change) -> Value {
    let classes: Vec<&str> = change.classes.iter().map(|class| class.name()).collect();
    json!({
        "change": if change.added { "added" } else { "removed" },
        "operation": change.operation.name,
        "path": (!change.path.is_empty()).then_some(&change.path),
        "type": change.kind,
        "guard": change.guard.map(|guard| match guard {
            Guard::Open => "open",
            Guard::Guarded => "guarded",
            Guard::Unclassified => "unclassified",
        }),
        "risk": classes,
    })
}

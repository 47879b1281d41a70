//! `opgate check`: everything that is wrong with policy files, with places.

use std::io::Write;
use std::path::PathBuf;

use opgate::diagnostic::{Diagnostics, Severity};
use serde_json::{Value, json};

use super::{Failure, Output, config};

/// Checks each file; the files that can be used are named on standard output.
pub(super) fn check(
    files: &[PathBuf],
    output: Output,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut errors = 0_usize;
    let mut objects = Vec::new();
    for file in files {
        let checked = config::check(file)?;
        let (found, summary) = match &checked {
            Ok(configuration) => (&configuration.warnings, summary(&configuration.policies)),
            Err(found) => (found, String::new()),
        };
        errors = errors.saturating_add(found.count(Severity::Error));
        match output {
            Output::Json => objects.extend(found.found().iter().map(|one| object(found, one))),
            Output::Text => {
                if !found.found().is_empty() {
                    super::say(found);
                }
                if checked.is_ok() {
                    writeln!(out, "{}: fine ({summary})", file.display())?;
                }
            }
        }
    }
    if output == Output::Json {
        serde_json::to_writer_pretty(&mut *out, &objects).map_err(std::io::Error::from)?;
        writeln!(out)?;
    }
    match errors {
        0 => Ok(()),
        1 => Err(Failure::Findings("1 error".to_owned())),
        errors => Err(Failure::Findings(format!("{errors} errors"))),
    }
}

fn summary(policies: &opgate::policy::Policies) -> String {
    let count = |number: usize, one: &str, many: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    };
    let clients = policies.client_names().count();
    let rules = policies.rule_names().len();
    format!(
        "{}, {}",
        count(clients, "client", "clients"),
        count(rules, "rule", "rules")
    )
}

fn object(found: &Diagnostics, one: &opgate::diagnostic::Diagnostic) -> Value {
    json!({
        "file": found.file(),
        "line": one.span.line,
        "column": one.span.column,
        "length": one.span.length,
        "severity": one.severity.name(),
        "code": one.code.name(),
        "message": one.message,
        "help": one.help,
    })
}

//! `opgate check`: everything that is wrong with policy files, with places.

mod risks;
mod sarif;

use std::io::Write;
use std::path::{Path, PathBuf};

use opgate::api::definition::RiskClass;
use opgate::diagnostic::{Diagnostics, Severity};
use opgate::policy::Configuration;
use serde_json::{Value, json};

use super::{Failure, config};

/// What to check, and how to say what was found.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The policy files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The form of the output.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    output: Form,
    /// Take warnings for errors.
    #[arg(long)]
    deny_warnings: bool,
    /// Show what the policies open, class by class, each with a request that is allowed.
    #[arg(long)]
    risks: bool,
    /// Fail if the policies open one of these risk classes: `host-escape,privilege`.
    #[arg(long, value_name = "CLASSES", value_delimiter = ',', value_parser = risks::class)]
    forbid: Vec<RiskClass>,
}

/// The form of what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For code hosts: SARIF 2.1.0.
    Sarif,
}

/// Checks each file; the files that can be used are named on standard output. Files
/// that cannot be read are named at the end.
pub(super) fn check(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let search = arguments.risks || !arguments.forbid.is_empty();
    if search && arguments.output == Form::Sarif {
        let message = "risks are shown as text or JSON: leave out `--output sarif`";
        return Err(Failure::Usage(message.to_owned()));
    }
    let mut all = Vec::with_capacity(arguments.files.len());
    let mut unread = Vec::new();
    let (mut opened, mut forbidden) = (Vec::new(), Vec::new());
    for file in &arguments.files {
        let checked = match config::check(file) {
            Ok(checked) => checked,
            // The other files are looked at all the same.
            Err(Failure::Usage(message)) => {
                unread.push(message);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        if arguments.output == Form::Text {
            text(file, &checked, out)?;
        }
        if let Ok(configuration) = &checked
            && search
        {
            let found = configuration.policies.risks();
            if arguments.risks && arguments.output == Form::Text {
                risks::text(file, &found, out)?;
            }
            opened.extend(risks::json(file, &found));
            forbidden.extend(risks::forbidden(file, &found, &arguments.forbid));
        }
        all.push(checked.map_or_else(|found| found, |configuration| configuration.warnings));
    }
    let whole = match arguments.output {
        Form::Text => None,
        Form::Json => {
            let found = all.iter();
            let objects =
                found.flat_map(|found| found.found().iter().map(|one| object(found, one)));
            let diagnostics: Value = objects.collect();
            Some(if search {
                json!({ "diagnostics": diagnostics, "risks": opened })
            } else {
                diagnostics
            })
        }
        Form::Sarif => Some(sarif::log(&all)),
    };
    if let Some(whole) = whole {
        serde_json::to_writer_pretty(&mut *out, &whole).map_err(std::io::Error::from)?;
        writeln!(out)?;
    }
    if !unread.is_empty() {
        return Err(Failure::Usage(unread.join("\nopgate: ")));
    }
    let sum = |severity| all.iter().map(|found| found.count(severity)).sum();
    let (errors, warnings): (usize, usize) = (sum(Severity::Error), sum(Severity::Warning));
    let errors = (errors > 0).then(|| count(errors, "error", "errors"));
    let warnings = (warnings > 0 && arguments.deny_warnings).then(|| {
        format!(
            "{}, as bad as errors here",
            count(warnings, "warning", "warnings")
        )
    });
    for line in &forbidden {
        super::say(line);
    }
    let forbidden = (!forbidden.is_empty()).then(|| {
        format!(
            "{} that nothing may open",
            count(forbidden.len(), "opening", "openings")
        )
    });
    let findings: Vec<String> = errors
        .into_iter()
        .chain(warnings)
        .chain(forbidden)
        .collect();
    match findings.as_slice() {
        [] => Ok(()),
        findings => Err(Failure::Findings(findings.join(", "))),
    }
}

fn text(
    file: &Path,
    checked: &Result<Configuration, Diagnostics>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let found = match checked {
        Ok(configuration) => &configuration.warnings,
        Err(found) => found,
    };
    if !found.found().is_empty() {
        super::say(found);
    }
    if let Ok(configuration) = checked {
        let mut summary = summary(&configuration.policies);
        let warnings = found.count(Severity::Warning);
        if warnings > 0 {
            summary = format!("{summary}, {}", count(warnings, "warning", "warnings"));
        }
        writeln!(out, "{}: fine ({summary})", file.display())?;
    }
    Ok(())
}

fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    }
}

fn summary(policies: &opgate::policy::Policies) -> String {
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
        "file": found.file(one.span),
        "line": one.span.line,
        "column": one.span.column,
        "length": one.span.length,
        "severity": one.severity.name(),
        "code": one.code.name(),
        "message": one.message,
        "help": one.help,
        "note": one.note,
    })
}

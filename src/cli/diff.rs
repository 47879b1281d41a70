//! `opgate diff`: what one policy file allows that another does not, with requests
//! that show it.

use std::io::Write;
use std::path::PathBuf;

use opgate::policy::{self, Change, Comparison, Difference};
use serde_json::{Value, json};

use super::{Failure, Output, config, rule_json};

/// The files to compare.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The policy file as it was.
    old: PathBuf,
    /// The policy file as it is.
    new: PathBuf,
    /// The form of the output.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Compares two files; differences are findings.
pub(super) fn diff(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let load = |path: &PathBuf| {
        let unusable = |found: opgate::diagnostic::Diagnostics| {
            super::say(&found);
            Failure::Usage(format!(
                "`{}` cannot be compared: it has errors",
                path.display()
            ))
        };
        config::resolve(path)?.map_err(unusable)
    };
    let (old, new) = (load(&arguments.old)?, load(&arguments.new)?);
    let Comparison {
        differences: found,
        searched_in_part,
    } = policy::compare(&old.policies, &new.policies);
    for (client, operation) in searched_in_part {
        super::say(&format_args!(
            "{operation} of client {client} has more rules than could be searched whole"
        ));
    }
    match arguments.output {
        Output::Text => text(&found, out)?,
        Output::Json => {
            let objects: Vec<Value> = found.iter().map(object).collect();
            serde_json::to_writer_pretty(&mut *out, &objects).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
    }
    match found.len() {
        0 => Ok(()),
        1 => Err(Failure::Findings("1 difference".to_owned())),
        count => Err(Failure::Findings(format!("{count} differences"))),
    }
}

fn text(found: &[Difference], out: &mut impl Write) -> Result<(), Failure> {
    if found.is_empty() {
        writeln!(out, "no request was found that the files judge differently")?;
    }
    let mut said: Option<(&str, Change)> = None;
    for one in found {
        let client: &str = &one.client;
        if said.is_none_or(|(before, _)| before != client) {
            writeln!(out, "client {client}")?;
            said = None;
        }
        if said.is_none_or(|(_, before)| before != one.change) {
            writeln!(out, "  {}", words(one.change))?;
        }
        said = Some((client, one.change));
        let field = one
            .field
            .as_deref()
            .map_or_else(String::new, |field| format!(" {field}"));
        writeln!(out, "    {}{field}, by {}", one.operation, one.rule)?;
        writeln!(out, "      {}", one.witness.to_json())?;
    }
    Ok(())
}

fn words(change: Change) -> &'static str {
    match change {
        Change::Allows => "newly allowed",
        Change::Refuses => "newly refused",
        Change::Forwards => "forwarded otherwise",
    }
}

fn object(one: &Difference) -> Value {
    json!({
        "client": *one.client,
        "operation": one.operation.name(),
        "change": match one.change {
            Change::Allows => "allows",
            Change::Refuses => "refuses",
            Change::Forwards => "forwards",
        },
        "field": one.field,
        "rule": rule_json(&one.rule),
        "witness": one.witness.to_json(),
    })
}

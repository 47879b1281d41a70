//! `opgate check --risks`: what the policies of a file open, client by client and
//! class by class, each with a request that shows it.

use std::io::Write;
use std::path::Path;

use opgate::api::definition::RiskClass;
use opgate::policy::ClientRisks;
use serde_json::{Value, json};

use super::Failure;
use crate::cli::rule_json;

/// Names of risk classes: `host-escape,privilege`.
pub(super) fn class(name: &str) -> Result<RiskClass, String> {
    RiskClass::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = RiskClass::ALL.iter().map(|class| class.name()).collect();
        format!("the classes are {}", names.join(", "))
    })
}

/// Shows what a file opens.
pub(super) fn text(
    file: &Path,
    risks: &[ClientRisks],
    out: &mut impl Write,
) -> Result<(), Failure> {
    for client in risks {
        writeln!(out, "\n{}: client {}", file.display(), client.client)?;
        let mut nothing = Vec::new();
        for class in RiskClass::ALL {
            let opened = client.openings.iter().filter(|it| it.class == class);
            let unproven = client.unproven.iter().filter(|it| it.class == class);
            if opened.clone().next().is_none() && unproven.clone().next().is_none() {
                nothing.push(class.name());
                continue;
            }
            writeln!(out, "  {}", class.name())?;
            for opening in opened {
                let field = opening.field.as_deref().unwrap_or("by itself");
                writeln!(
                    out,
                    "    {} {field}, by {}",
                    opening.operation, opening.rule
                )?;
                writeln!(out, "      {}", opening.witness.to_json())?;
            }
            for unproven in unproven {
                let (operation, rule) = (unproven.operation, &unproven.rule);
                match &unproven.field {
                    Some(field) => writeln!(
                        out,
                        "    {operation} {field}, named by {rule}: no request was found that it opens"
                    )?,
                    None => writeln!(
                        out,
                        "    {operation}, by {rule}: no request was found that is allowed"
                    )?,
                }
            }
        }
        if !nothing.is_empty() {
            writeln!(out, "  nothing opens {}", nothing.join(", "))?;
        }
        for operation in &client.cut {
            writeln!(
                out,
                "  {operation} has more rules than could be searched whole"
            )?;
        }
        provenance(client, out)?;
    }
    Ok(())
}

/// A name is not provenance.
fn provenance(client: &ClientRisks, out: &mut impl Write) -> Result<(), Failure> {
    let (Some(_), Some(_)) = (client.by_name.first(), client.naming.first()) else {
        return Ok(());
    };
    let rules: Vec<String> = client.by_name.iter().map(ToString::to_string).collect();
    writeln!(
        out,
        "  images go by their names in {}: a name says nothing of where an image is from, and",
        rules.join(", ")
    )?;
    for naming in &client.naming {
        writeln!(
            out,
            "    {} can give one to any image: {}, by {}",
            naming.client, naming.operation, naming.rule
        )?;
    }
    Ok(())
}

/// What is opened of the classes that nothing may open, as a line each.
pub(super) fn forbidden(file: &Path, risks: &[ClientRisks], classes: &[RiskClass]) -> Vec<String> {
    let mut lines = Vec::new();
    for client in risks {
        for class in RiskClass::ALL.into_iter().filter(|it| classes.contains(it)) {
            let opened = client.openings.iter().find(|it| it.class == class);
            let opened = opened.map(|it| {
                let such = format!(", such as\n  {}", it.witness.to_json());
                (it.operation, it.field.as_deref(), &it.rule, such)
            });
            let unproven = client.unproven.iter().find(|it| it.class == class);
            let unproven = unproven.map(|it| {
                let found = "; no request was found that shows it".to_owned();
                (it.operation, it.field.as_deref(), &it.rule, found)
            });
            let Some((operation, field, rule, found)) = opened.or(unproven) else {
                continue;
            };
            let field = field.map_or_else(String::new, |field| format!(" {field}"));
            lines.push(format!(
                "{}: {} is open to client {} through {operation}{field}, by {rule}{found}",
                file.display(),
                class.name(),
                client.client,
            ));
        }
    }
    lines
}

/// The same as JSON.
pub(super) fn json(file: &Path, risks: &[ClientRisks]) -> Vec<Value> {
    let client = |client: &ClientRisks| {
        let openings = client.openings.iter().map(|it| {
            json!({
                "class": it.class.name(),
                "operation": it.operation.name(),
                "field": it.field,
                "rule": rule_json(&it.rule),
                "witness": it.witness.to_json(),
            })
        });
        let unproven = client.unproven.iter().map(|it| {
            json!({
                "class": it.class.name(),
                "operation": it.operation.name(),
                "field": it.field,
                "rule": rule_json(&it.rule),
            })
        });
        let nothing = RiskClass::ALL.into_iter().filter(|class| {
            client.openings.iter().all(|it| it.class != *class)
                && client.unproven.iter().all(|it| it.class != *class)
        });
        let naming = client.naming.iter().map(|it| {
            json!({
                "client": *it.client,
                "operation": it.operation.name(),
                "rule": rule_json(&it.rule),
            })
        });
        json!({
            "file": file.display().to_string(),
            "client": *client.client,
            "opens": openings.collect::<Vec<_>>(),
            "unproven": unproven.collect::<Vec<_>>(),
            "searched_in_part": client.cut.iter().map(|it| it.name()).collect::<Vec<_>>(),
            "closed": nothing.map(RiskClass::name).collect::<Vec<_>>(),
            "images_by_name": client.by_name.iter().map(|it| rule_json(it)).collect::<Vec<_>>(),
            "naming": naming.collect::<Vec<_>>(),
        })
    };
    risks.iter().map(client).collect()
}

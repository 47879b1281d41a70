//! `opgate ops`: what the definitions hold, for people and for programs.

mod json;
mod text;

use std::io::Write;

use opgate::api::Operation;
use opgate::diagnostic::nearest;

use super::{Failure, Output};
pub(super) use text::{describe, facts};

/// Shows all operations, or one.
pub(super) fn ops(name: Option<&str>, output: Output, out: &mut impl Write) -> Result<(), Failure> {
    let one = name.map(find).transpose()?;
    match (one, output) {
        (None, Output::Text) => text::all(out)?,
        (Some(operation), Output::Text) => text::one(operation.definition(), out)?,
        (one, Output::Json) => {
            let value = match one {
                None => json::all(),
                Some(operation) => json::operation(operation.definition()),
            };
            serde_json::to_writer_pretty(&mut *out, &value).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
    }
    Ok(())
}

fn find(name: &str) -> Result<Operation, Failure> {
    Operation::from_name(name).ok_or_else(|| {
        let names = Operation::ALL.iter().map(|operation| operation.name());
        let help = nearest(name, names).unwrap_or_else(|| "`opgate ops` lists them".to_owned());
        Failure::Usage(format!("there is no operation `{name}`; {help}"))
    })
}

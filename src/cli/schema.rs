//! `opgate schema`: the JSON Schema of a policy file, for editors.

use std::io::{self, Write};

use super::Failure;

/// Writes the schema.
pub(super) fn schema(out: &mut impl Write) -> Result<(), Failure> {
    let schema = opgate::policy::schema();
    serde_json::to_writer_pretty(&mut *out, &schema).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

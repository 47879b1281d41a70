//! Reading policy files.

use std::fs;
use std::io;
use std::path::Path;

use opgate::diagnostic::Diagnostics;
use opgate::policy::{self, Configuration};

use super::Failure;

/// The largest policy file.
const FILE_LIMIT: u64 = 1 << 20;

/// Reads and checks a file; gives what it configures, or what is wrong with it.
pub(super) fn check(path: &Path) -> Result<Result<Configuration, Diagnostics>, Failure> {
    let shown = path.display().to_string();
    let unreadable = |error: io::Error| Failure::Usage(format!("cannot read `{shown}`: {error}"));
    let size = fs::metadata(path).map_err(unreadable)?.len();
    if size > FILE_LIMIT {
        return Err(Failure::Usage(format!(
            "`{shown}` is larger than {FILE_LIMIT} bytes"
        )));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    Ok(policy::resolve(&shown, &text))
}

/// Reads a file that must be right. Warnings go to standard error.
pub(super) fn load(path: &Path) -> Result<Configuration, Failure> {
    let configuration = check(path)?.map_err(|found| Failure::Findings(found.to_string()))?;
    if !configuration.warnings.found().is_empty() {
        super::say(&configuration.warnings);
    }
    Ok(configuration)
}

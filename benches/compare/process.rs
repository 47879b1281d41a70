//! `/proc` → what a process has used.

use std::fs;
use std::time::Duration;

use super::Failure;

/// Ticks of a processor's time in a second, which Linux fixes for `/proc`.
const TICKS: u32 = 100;

/// The processor time that a process has used, in user and kernel.
pub(crate) fn processor_time(pid: u32) -> Result<Duration, Failure> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything; the fields follow it.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let field = |place| -> Result<u32, Failure> {
        let field = fields.split_whitespace().nth(place);
        Ok(field.ok_or("a short /proc/PID/stat")?.parse()?)
    };
    // `utime` and `stime`, counted from the field after the name.
    Ok(Duration::from_secs((field(11)? + field(12)?).into()) / TICKS)
}

/// How much memory of a process is resident.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resident {
    /// All of it, in KiB.
    pub(crate) all: u64,
    /// What is no file's, in KiB.
    pub(crate) anonymous: u64,
}

/// The resident memory of a process.
pub(crate) fn resident(pid: u32) -> Result<Resident, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = |name: &str| -> Result<u64, Failure> {
        let value = status.lines().find_map(|line| line.strip_prefix(name));
        let value = value.ok_or("a short /proc/PID/status")?;
        Ok(value.trim().trim_end_matches(" kB").parse()?)
    };
    Ok(Resident {
        all: line("VmRSS:")?,
        anonymous: line("RssAnon:")?,
    })
}

//! Linux capabilities.
//!
//! Turns `net_admin`, `NET_ADMIN` or `CAP_NET_ADMIN` into one capability.
//! Promises that only ASCII spellings of known names pass: the Engine
//! upper-cases by Unicode's rules, under which other letters than ASCII ones
//! become ASCII. The spelling that is forwarded is in upper case and keeps the
//! prefix as the client has it, because clients read back what they sent.

use std::borrow::Cow;

use super::{FormatError, respelt};

#[cfg(test)]
mod tests;

/// A capability, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Capability(&'static str);

/// Every capability that the Engine knows, without the prefix.
const NAMES: [&str; 41] = [
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "SYSLOG",
    "WAKE_ALARM",
];

impl Capability {
    /// All capabilities at once.
    pub const ALL: Self = Self("ALL");

    /// Parses a capability with or without `CAP_`, in any ASCII case.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        // `CAP_ALL` is not a word of the Engine.
        if text.eq_ignore_ascii_case(Self::ALL.0) {
            return Ok(Self::ALL);
        }
        let name = match text.split_once('_') {
            Some((prefix, name)) if prefix.eq_ignore_ascii_case("CAP") => name,
            _ => text,
        };
        NAMES
            .iter()
            .find(|known| known.eq_ignore_ascii_case(name))
            .map(|known| Self(known))
            .ok_or(FormatError::new("is not a known capability"))
    }

    /// The name in upper case, without `CAP_`.
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// The spelling that is forwarded.
pub(super) fn canonical(text: &str) -> Result<Cow<'_, str>, FormatError> {
    Capability::parse(text).map(|_| respelt(text, text.to_ascii_uppercase()))
}

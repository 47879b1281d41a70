//! Names of resource limits.
//!
//! Turns `nofile` or `NOFILE` into one limit. Promises ASCII spellings of the
//! limits that Linux has, forwarded in lower case: the Engine upper-cases by
//! Unicode's rules.

use std::borrow::Cow;

use super::{FormatError, respelt};

#[cfg(test)]
mod tests;

/// The name of a resource limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UlimitName(&'static str);

/// The limits of Linux.
const NAMES: [&str; 16] = [
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

impl UlimitName {
    /// Parses a name in any ASCII case.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        NAMES
            .iter()
            .find(|known| known.eq_ignore_ascii_case(text))
            .map(|known| Self(known))
            .ok_or(FormatError::new("is not a known resource limit"))
    }

    /// The name in lower case.
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// The spelling that is forwarded.
pub(super) fn canonical(text: &str) -> Result<Cow<'_, str>, FormatError> {
    UlimitName::parse(text).map(|limit| respelt(text, limit.name().to_owned()))
}

//! Security options: `name=value`, the older `name:value`, and three bare words.
//!
//! Turns an element of `HostConfig.SecurityOpt` into what it changes. Promises
//! to split as the Engine does (at the first `=`; at the first `:` only when
//! there is no `=`) and forwards the one form `name=value`. Leaves to others
//! that of several options of one kind the last one counts, and whether an
//! inline seccomp profile is any good.

use std::borrow::Cow;
use std::fmt;

use super::{FormatError, respelt};

#[cfg(test)]
mod tests;

/// One element of `HostConfig.SecurityOpt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecurityOpt<'a> {
    /// Whether processes are kept from gaining privileges.
    NoNewPrivileges(bool),
    /// Whether the container may write its control groups.
    WritableCgroups(bool),
    /// A part of the `SELinux` label.
    Label(LabelOption<'a>),
    /// The `AppArmor` profile; empty is the default one.
    AppArmor(&'a str),
    /// The seccomp profile.
    Seccomp(SeccompProfile<'a>),
}

/// A part of the `SELinux` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LabelOption<'a> {
    /// No confinement by a label.
    Disable,
    /// The user.
    User(&'a str),
    /// The role.
    Role(&'a str),
    /// The type of processes.
    Type(&'a str),
    /// The level.
    Level(&'a str),
    /// The type of files.
    FileType(&'a str),
}

/// A seccomp profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeccompProfile<'a> {
    /// The one that the Engine is configured with.
    Default,
    /// The one that is part of the Engine.
    Builtin,
    /// None.
    Unconfined,
    /// JSON text, as the client sent it.
    Inline(&'a str),
}

impl<'a> SecurityOpt<'a> {
    /// Parses a security option.
    pub fn parse(text: &'a str) -> Result<Self, FormatError> {
        match text {
            "no-new-privileges" => return Ok(Self::NoNewPrivileges(true)),
            "writable-cgroups" => return Ok(Self::WritableCgroups(true)),
            "disable" => return Ok(Self::Label(LabelOption::Disable)),
            _ => {}
        }
        let Some((name, value)) = text.split_once('=').or_else(|| text.split_once(':')) else {
            return Err(FormatError::new("is not a security option"));
        };
        if name != "seccomp" && value.chars().any(char::is_control) {
            return Err(FormatError::new("holds a control character"));
        }
        match name {
            "no-new-privileges" => go_bool(value).map(Self::NoNewPrivileges),
            "writable-cgroups" => go_bool(value).map(Self::WritableCgroups),
            "label" => LabelOption::parse(value).map(Self::Label),
            "apparmor" => Ok(Self::AppArmor(value)),
            "seccomp" => SeccompProfile::parse(value).map(Self::Seccomp),
            _ => Err(FormatError::new("is not a known security option")),
        }
    }
}

impl<'a> LabelOption<'a> {
    fn parse(text: &'a str) -> Result<Self, FormatError> {
        if text == "disable" {
            return Ok(Self::Disable);
        }
        let known = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b':' | b',')
        };
        match text.split_once(':') {
            Some((_, value)) if value.is_empty() || !value.bytes().all(known) => {
                Err(FormatError::new("has an invalid value of a label"))
            }
            Some(("user", value)) => Ok(Self::User(value)),
            Some(("role", value)) => Ok(Self::Role(value)),
            Some(("type", value)) => Ok(Self::Type(value)),
            Some(("level", value)) => Ok(Self::Level(value)),
            Some(("filetype", value)) => Ok(Self::FileType(value)),
            _ => Err(FormatError::new("is not a known part of a label")),
        }
    }
}

impl<'a> SeccompProfile<'a> {
    fn parse(text: &'a str) -> Result<Self, FormatError> {
        match text {
            "" => Ok(Self::Default),
            "builtin" => Ok(Self::Builtin),
            "unconfined" => Ok(Self::Unconfined),
            _ => {
                let json = text.trim_matches([' ', '\t', '\n', '\r']);
                if json.starts_with('{') && json.ends_with('}') {
                    Ok(Self::Inline(text))
                } else {
                    // The Engine reads no files here; clients do that.
                    Err(FormatError::new("is not a seccomp profile"))
                }
            }
        }
    }
}

/// The spelling that is forwarded.
pub(super) fn canonical(text: &str) -> Result<Cow<'_, str>, FormatError> {
    SecurityOpt::parse(text).map(|option| respelt(text, option.to_string()))
}

impl fmt::Display for SecurityOpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNewPrivileges(on) => write!(f, "no-new-privileges={on}"),
            Self::WritableCgroups(on) => write!(f, "writable-cgroups={on}"),
            Self::Label(option) => {
                let (part, value) = match option {
                    LabelOption::Disable => return f.write_str("label=disable"),
                    LabelOption::User(value) => ("user", value),
                    LabelOption::Role(value) => ("role", value),
                    LabelOption::Type(value) => ("type", value),
                    LabelOption::Level(value) => ("level", value),
                    LabelOption::FileType(value) => ("filetype", value),
                };
                write!(f, "label={part}:{value}")
            }
            Self::AppArmor(profile) => write!(f, "apparmor={profile}"),
            Self::Seccomp(profile) => {
                let value = match profile {
                    SeccompProfile::Default => "",
                    SeccompProfile::Builtin => "builtin",
                    SeccompProfile::Unconfined => "unconfined",
                    SeccompProfile::Inline(json) => json,
                };
                write!(f, "seccomp={value}")
            }
        }
    }
}

/// Reads a boolean in the spellings of Go's `strconv.ParseBool`.
fn go_bool(text: &str) -> Result<bool, FormatError> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(FormatError::new("is not a boolean")),
    }
}

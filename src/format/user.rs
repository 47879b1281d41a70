//! Users and groups: `user[:group]`.
//!
//! Turns a text into numbers or names, reading numbers as the Engine does: a
//! sign and leading zeros are allowed, so `0`, `00`, `+0` and `-0` are all
//! root, and so is a missing user before a colon. Promises that what can be
//! read as a number is one, and forwards it in plain decimal. Leaves to others
//! what a name stands for: the image decides that.

use std::borrow::Cow;
use std::fmt;

use super::{FormatError, respelt};

#[cfg(test)]
mod tests;

/// Who a process runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct User<'a> {
    /// The user, or `None` for the empty text, which leaves the choice to the
    /// image or the container.
    pub uid: Option<Account<'a>>,
    /// The group, or `None` for the one that the user has in the image. A
    /// number that the image does not know has the group 0.
    pub gid: Option<Account<'a>>,
}

/// A user or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Account<'a> {
    /// By number.
    Number(u32),
    /// By a name that the image knows.
    Name(&'a str),
}

impl<'a> User<'a> {
    /// Parses a user.
    pub fn parse(text: &'a str) -> Result<Self, FormatError> {
        if text.is_empty() {
            return Ok(Self {
                uid: None,
                gid: None,
            });
        }
        // The Engine would ignore a third part.
        let (user, group) = text.split_once(':').unwrap_or((text, ""));
        let uid = if user.is_empty() {
            Account::Number(0)
        } else {
            Account::parse(user)?
        };
        let gid = if group.is_empty() {
            None
        } else {
            Some(Account::parse(group)?)
        };
        Ok(Self {
            uid: Some(uid),
            gid,
        })
    }

    /// Whether the user is root by number or by its usual name. Other names
    /// may be root too, if the image says so, and so may the image's own user.
    pub fn is_root(&self) -> bool {
        self.uid.is_some_and(Account::is_root)
    }
}

impl<'a> Account<'a> {
    /// Parses a user or group on its own.
    pub fn parse(text: &'a str) -> Result<Self, FormatError> {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let number: i32 = text
                .parse()
                .map_err(|_| FormatError::new("has a number that is out of range"))?;
            return u32::try_from(number)
                .map(Self::Number)
                .map_err(|_| FormatError::new("has a number that is out of range"));
        }
        let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let known = |byte: u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'.' | b'-' | b'@' | b'$' | b'+' | b'\\')
        };
        if text.starts_with(first) && text.bytes().all(known) {
            Ok(Self::Name(text))
        } else {
            Err(FormatError::new("is neither a number nor a valid name"))
        }
    }

    /// Whether this is root by number or by its usual name.
    pub fn is_root(self) -> bool {
        matches!(self, Self::Number(0) | Self::Name("root"))
    }
}

/// The spelling of a user that is forwarded.
pub(super) fn canonical(text: &str) -> Result<Cow<'_, str>, FormatError> {
    User::parse(text).map(|user| respelt(text, user.to_string()))
}

/// The spelling of a group on its own that is forwarded.
pub(super) fn canonical_group(text: &str) -> Result<Cow<'_, str>, FormatError> {
    Account::parse(text).map(|group| respelt(text, group.to_string()))
}

impl fmt::Display for User<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(uid) = self.uid else { return Ok(()) };
        uid.fmt(f)?;
        match self.gid {
            Some(gid) => write!(f, ":{gid}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Account<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

//! Environment variables: `NAME=value`, or `NAME`.
//!
//! Turns an element of `Env` into name and value. Promises that there is a
//! name and no NUL, which would end the variable early. The value is any text
//! and always secret.

use super::FormatError;

#[cfg(test)]
mod tests;

/// An environment variable.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnvVar<'a> {
    /// The name.
    pub name: &'a str,
    /// The value, or `None` when the variable is to be removed.
    pub value: Option<&'a str>,
}

impl<'a> EnvVar<'a> {
    /// Parses a variable.
    pub fn parse(text: &'a str) -> Result<Self, FormatError> {
        if text.contains('\0') {
            return Err(FormatError::new("holds a control character"));
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        if name.is_empty() {
            return Err(FormatError::new("has no name"));
        }
        Ok(Self { name, value })
    }
}

impl std::fmt::Debug for EnvVar<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvVar")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

//! Names of and references to containers, networks and volumes.
//!
//! Turns a text into a reference that is safe to forward whole: in a path, or
//! as a field of its own. Promises that no component of a reference is empty,
//! `.` or `..`, and that a *strict* reference (used inside texts that have
//! other parts) can only be a name, an id or a prefix of one. Leaves to others
//! what a reference refers to: a name can shadow another object's short id.

use super::FormatError;

#[cfg(test)]
mod tests;

/// A container by name, `/name`, `parent/alias`, id or prefix of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContainerReference<'a> {
    name: &'a str,
}

impl<'a> ContainerReference<'a> {
    /// Parses a reference that is a parameter or field of its own.
    ///
    /// Clients ask for a container by whatever their user typed, `image:tag`
    /// included, and expect to hear that there is none.
    pub fn parse(text: &'a str) -> Result<Self, FormatError> {
        let name = text.strip_prefix('/').unwrap_or(text);
        lookup(name)?;
        Ok(Self { name })
    }

    /// Parses a reference that is part of a text: one that can exist.
    pub fn strict(text: &'a str) -> Result<Self, FormatError> {
        let name = text.strip_prefix('/').unwrap_or(text);
        let mut components = name.split('/');
        let name_then_alias = components.next().is_some_and(is_name)
            && components.next().is_none_or(is_alias)
            && components.next().is_none();
        if name_then_alias {
            Ok(Self { name })
        } else {
            Err(FormatError::new("does not name a container"))
        }
    }

    /// The reference without the slash that names are stored with.
    pub fn name(self) -> &'a str {
        self.name
    }

    /// Whether this is a full id, which no name can shadow.
    pub fn is_full_id(self) -> bool {
        is_full_id(self.name)
    }
}

/// Whether `text` is a full object id: 64 lower-case hexadecimal digits.
pub fn is_full_id(text: &str) -> bool {
    text.len() == 64 && is_hex(text)
}

/// Whether `text` has only lower-case hexadecimal digits.
pub(super) fn is_hex(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether `text` is a name as objects of the Engine have one: ASCII letters,
/// digits, `_`, `.` and `-`, the first of them a letter or digit.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(in_name)
}

/// Whether `text` can be an alias. As a name, but `_` may come first.
pub(super) fn is_alias(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && text.bytes().all(in_name)
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// Whether `text` can be the name of a network, which may have spaces inside.
pub(super) fn is_network_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.ends_with(' ')
        && text.bytes().all(|byte| in_name(byte) || byte == b' ')
}

/// Checks a network by name or id, or whatever a client looks one up by.
pub(super) fn network_reference(text: &str) -> Result<(), FormatError> {
    if is_network_name(text) {
        Ok(())
    } else {
        lookup(text)
    }
}

/// Checks the name of a new container: at least two characters, after one
/// slash that the Engine drops.
pub(super) fn container_name(text: &str) -> Result<(), FormatError> {
    let name = text.strip_prefix('/').unwrap_or(text);
    if name.len() >= 2 && is_name(name) {
        Ok(())
    } else {
        Err(FormatError::new("is not a valid container name"))
    }
}

/// Checks a text by which an object is looked up and which is forwarded whole.
pub(super) fn lookup(text: &str) -> Result<(), FormatError> {
    let known = |byte| in_name(byte) || matches!(byte, b':' | b'@');
    let component = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && part.bytes().all(known)
    };
    if text.split('/').all(component) {
        Ok(())
    } else {
        Err(FormatError::new("is neither a valid name nor an id"))
    }
}

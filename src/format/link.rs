//! Links to other containers: `container[:alias]`.
//!
//! Turns an element of `Links` into the container and the name it gets. The
//! form that the Engine itself shows, `/container:/this/alias`, is understood
//! too. Promises that the alias is a name: the Engine joins it to the path of
//! the container's names.

use super::FormatError;
use super::name::{ContainerReference, is_alias};

#[cfg(test)]
mod tests;

/// A link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link<'a> {
    /// The container that is linked to.
    pub container: ContainerReference<'a>,
    /// What it is called in the container that has the link.
    pub alias: &'a str,
}

impl<'a> Link<'a> {
    /// Parses a link.
    pub fn parse(text: &'a str) -> Result<Self, FormatError> {
        let (container, alias) = match text.split_once(':') {
            None => (text, text.strip_prefix('/').unwrap_or(text)),
            Some((container, alias)) if container.starts_with('/') => {
                // Only the last component is the alias, only in this form.
                let (parents, last) = alias.rsplit_once('/').unwrap_or(("", alias));
                if !parents.is_empty() {
                    ContainerReference::strict(parents)?;
                }
                (container, last)
            }
            Some(parts) => parts,
        };
        if !is_alias(alias) {
            return Err(FormatError::new("has an invalid alias"));
        }
        Ok(Self {
            container: ContainerReference::strict(container)?,
            alias,
        })
    }
}

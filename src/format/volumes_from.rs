//! Volumes of another container: `container[:mode]`.
//!
//! Turns an element of `HostConfig.VolumesFrom` into the container and the
//! mode. Promises that the mode has nothing that the Engine refuses here:
//! neither a propagation nor `nocopy`. Leaves to others which container the
//! reference means.

use std::borrow::Cow;

use super::bind::MountMode;
use super::name::ContainerReference;
use super::{FormatError, unchanged};

#[cfg(test)]
mod tests;

/// One element of `HostConfig.VolumesFrom`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumesFrom<'a> {
    /// The container whose mounts are taken over.
    pub container: ContainerReference<'a>,
    /// How they are mounted.
    pub mode: MountMode,
}

impl<'a> VolumesFrom<'a> {
    /// Parses a volumes-from specification.
    pub fn parse(text: &'a str) -> Result<Self, FormatError> {
        let (container, mode) = text.split_once(':').unwrap_or((text, ""));
        let container = ContainerReference::strict(container)?;
        let mode = MountMode::parse(mode)?;
        if mode.propagation.is_some() || mode.no_copy {
            return Err(FormatError::new(
                "has a mount option that volumes of another container cannot have",
            ));
        }
        Ok(Self { container, mode })
    }
}

/// The spelling that is forwarded: without a colon that nothing follows.
pub(super) fn canonical(text: &str) -> Result<Cow<'_, str>, FormatError> {
    let parsed = VolumesFrom::parse(text);
    unchanged(text.strip_suffix(':').unwrap_or(text), parsed)
}

//! Bind specifications: `source:target[:mode]`.
//!
//! Turns an element of `HostConfig.Binds` into source, target and options as
//! the Engine's Linux parser does: at most three parts, a source that starts
//! with a slash is a path of the host and cleaned, any other is the name of a
//! volume, and a lone path is an anonymous volume. Promises that combinations
//! which the Engine refuses are refused here too. [`MountMode`] is shared with
//! [`VolumesFrom`](super::VolumesFrom).

use std::borrow::Cow;

use super::name::is_name;
use super::path::{clean_path, container_path, host_path, resolve_dots};
use super::{FormatError, respelt};

#[cfg(test)]
mod tests;

/// One element of `HostConfig.Binds`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind<'a> {
    /// What is mounted.
    pub source: Source<'a>,
    /// Where it is mounted in the container, cleaned.
    pub target: Cow<'a, str>,
    /// How it is mounted.
    pub options: MountMode,
}

/// What a bind mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// A path of the host, absolute and cleaned.
    Host(Cow<'a, str>),
    /// A volume by name.
    Volume(&'a str),
    /// A new volume without a name.
    Anonymous,
}

/// The comma-separated options behind the second colon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MountMode {
    /// `ro`.
    pub read_only: bool,
    /// The propagation, if one is named; `rprivate` otherwise.
    pub propagation: Option<Propagation>,
    /// The relabelling that is asked for.
    pub label: Option<SelinuxLabel>,
    /// `nocopy`: what the image has at the target is not copied into the volume.
    pub no_copy: bool,
    /// The consistency, which has no effect on Linux.
    pub consistency: Option<Consistency>,
}

/// How mounts travel between the host and the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Propagation {
    /// `private`.
    Private,
    /// `rprivate`.
    RPrivate,
    /// `shared`: mounts made in the container appear on the host.
    Shared,
    /// `rshared`.
    RShared,
    /// `slave`: mounts made on the host appear in the container.
    Slave,
    /// `rslave`.
    RSlave,
}

/// Relabelling for `SELinux`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SelinuxLabel {
    /// `z`: several containers share the content.
    Shared,
    /// `Z`: the content is the container's own.
    Private,
}

/// How exact the view of a mount is. Other systems than Linux read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consistency {
    /// `consistent`.
    Consistent,
    /// `cached`.
    Cached,
    /// `delegated`.
    Delegated,
}

impl Propagation {
    /// The propagation of this name, which is exact.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "private" => Self::Private,
            "rprivate" => Self::RPrivate,
            "shared" => Self::Shared,
            "rshared" => Self::RShared,
            "slave" => Self::Slave,
            "rslave" => Self::RSlave,
            _ => return None,
        })
    }

    /// The name that the Engine uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::RPrivate => "rprivate",
            Self::Shared => "shared",
            Self::RShared => "rshared",
            Self::Slave => "slave",
            Self::RSlave => "rslave",
        }
    }
}

impl MountMode {
    /// Parses the options of a mode; the empty text has none. Of each kind
    /// there is at most one.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let mut mode = Self::default();
        if text.is_empty() {
            return Ok(mode);
        }
        let mut access = None;
        for option in text.split(',') {
            let repeated = match option {
                "ro" | "rw" => access.replace(option == "ro").is_some(),
                "z" => mode.label.replace(SelinuxLabel::Shared).is_some(),
                "Z" => mode.label.replace(SelinuxLabel::Private).is_some(),
                "nocopy" => std::mem::replace(&mut mode.no_copy, true),
                "consistent" => mode.consistency.replace(Consistency::Consistent).is_some(),
                "cached" => mode.consistency.replace(Consistency::Cached).is_some(),
                "delegated" => mode.consistency.replace(Consistency::Delegated).is_some(),
                _ => match Propagation::from_name(option) {
                    Some(propagation) => mode.propagation.replace(propagation).is_some(),
                    None => return Err(FormatError::new("has an unknown mount option")),
                },
            };
            if repeated {
                return Err(FormatError::new("has two mount options of one kind"));
            }
        }
        mode.read_only = access.unwrap_or(false);
        Ok(mode)
    }
}

impl<'a> Bind<'a> {
    /// Parses a bind specification.
    pub fn parse(text: &'a str) -> Result<Self, FormatError> {
        let mut parts = text.split(':');
        let first = parts.next().unwrap_or_default();
        let Some(target) = parts.next() else {
            return Ok(Self {
                source: Source::Anonymous,
                target: mount_target(first)?,
                options: MountMode::default(),
            });
        };
        let mode = parts.next();
        if parts.next().is_some() {
            return Err(FormatError::new("has more than three parts"));
        }
        let options = MountMode::parse(mode.unwrap_or_default())?;
        let target = mount_target(target)?;
        let source = if first.starts_with('/') {
            // The Engine has no place for this option beside a host path.
            if options.no_copy {
                return Err(FormatError::new("has `nocopy` on a path of the host"));
            }
            Source::Host(host_path(first)?)
        } else if is_name(first) {
            if options.propagation.is_some() {
                return Err(FormatError::new("has a propagation on a volume"));
            }
            Source::Volume(first)
        } else {
            return Err(FormatError::new(
                "has a source that is neither an absolute path nor the name of a volume",
            ));
        };
        Ok(Self {
            source,
            target,
            options,
        })
    }
}

/// The spelling that is forwarded.
pub(super) fn canonical(text: &str) -> Result<Cow<'_, str>, FormatError> {
    Bind::parse(text)?;
    let spelling: Vec<_> = text.split(':').map(resolve_dots).collect();
    Ok(respelt(text, spelling.join(":")))
}

/// The clean form of a place where something is mounted, which the root is not.
fn mount_target(text: &str) -> Result<Cow<'_, str>, FormatError> {
    let target = container_path(text)
        .map_err(|_| FormatError::new("has a target that is not an absolute path"))?;
    // The Engine takes backslashes for slashes in this check, and only here.
    if clean_path(&target.replace('\\', "/")) == "/" {
        return Err(FormatError::new("has the root as its target"));
    }
    Ok(target)
}

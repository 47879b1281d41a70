//! Namespace modes.
//!
//! Turns the six modes of `HostConfig` into one vocabulary. Promises that a
//! word is read as the Engine reads it, which is exactly: a different case of
//! a reserved word is refused rather than taken for the name of a network, and
//! so is every word with a colon but `container:`. Leaves to others which
//! container or network is meant, and what the default is.

use super::FormatError;
use super::name::{ContainerReference, is_network_name};

#[cfg(test)]
mod tests;

/// What a namespace of a container is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NamespaceMode<'a> {
    /// The Engine's default.
    Default,
    /// The host's own.
    Host,
    /// The container's own.
    Private,
    /// Without a network, or without shared memory.
    None,
    /// The container's own, which others may join.
    Shareable,
    /// On the bridge network.
    Bridge,
    /// That of another container.
    Container(ContainerReference<'a>),
    /// On the network of this name, id or prefix of an id.
    Named(&'a str),
}

/// The words of a network mode that name no network.
const RESERVED: [&str; 4] = ["default", "bridge", "host", "none"];

impl<'a> NamespaceMode<'a> {
    /// Parses `HostConfig.NetworkMode`.
    pub fn network(text: &'a str) -> Result<Self, FormatError> {
        match text {
            "" | "default" => Ok(Self::Default),
            "bridge" => Ok(Self::Bridge),
            "host" => Ok(Self::Host),
            "none" => Ok(Self::None),
            _ if text.contains(':') => Self::container(text),
            _ if RESERVED.iter().any(|word| word.eq_ignore_ascii_case(text)) => {
                Err(FormatError::new("resembles a reserved network mode"))
            }
            _ if is_network_name(text) => Ok(Self::Named(text)),
            _ => Err(FormatError::new("is not a valid network mode")),
        }
    }

    /// Parses `HostConfig.PidMode`.
    pub fn pid(text: &'a str) -> Result<Self, FormatError> {
        match text {
            "" => Ok(Self::Default),
            "host" => Ok(Self::Host),
            _ => Self::container(text),
        }
    }

    /// Parses `HostConfig.IpcMode`.
    pub fn ipc(text: &'a str) -> Result<Self, FormatError> {
        match text {
            "" => Ok(Self::Default),
            "none" => Ok(Self::None),
            "private" => Ok(Self::Private),
            "shareable" => Ok(Self::Shareable),
            "host" => Ok(Self::Host),
            _ => Self::container(text),
        }
    }

    /// Parses `HostConfig.UTSMode`.
    pub fn uts(text: &'a str) -> Result<Self, FormatError> {
        Self::default_or_host(text)
    }

    /// Parses `HostConfig.UsernsMode`. The Engine accepts any other word and
    /// silently takes it for the default.
    pub fn userns(text: &'a str) -> Result<Self, FormatError> {
        Self::default_or_host(text)
    }

    /// Parses `HostConfig.CgroupnsMode`.
    pub fn cgroupns(text: &'a str) -> Result<Self, FormatError> {
        match text {
            "private" => Ok(Self::Private),
            _ => Self::default_or_host(text),
        }
    }

    /// Which of the modes it is: a word for all containers, and one for all networks.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Host => "host",
            Self::Private => "private",
            Self::None => "none",
            Self::Shareable => "shareable",
            Self::Bridge => "bridge",
            Self::Container(_) => "container",
            Self::Named(_) => "network",
        }
    }

    fn default_or_host(text: &'a str) -> Result<Self, FormatError> {
        match text {
            "" => Ok(Self::Default),
            "host" => Ok(Self::Host),
            _ => Err(FormatError::new("is not a known namespace mode")),
        }
    }

    fn container(text: &'a str) -> Result<Self, FormatError> {
        text.strip_prefix("container:")
            .ok_or(FormatError::new("is not a known namespace mode"))
            .and_then(ContainerReference::strict)
            .map(Self::Container)
    }
}

//! Ports of containers and of the host.
//!
//! Turns the keys of `ExposedPorts` and `PortBindings` (`80`, `80/tcp`,
//! `8000-8010/udp`) and the `HostPort` of a binding into numbers. Promises
//! that numbers are plain digits within range, that ranges run upwards and that
//! protocols are forwarded in lower case. Leaves to others whether ranges make
//! sense where they are used.

use std::borrow::Cow;

use super::{FormatError, lower_case};

#[cfg(test)]
mod tests;

/// A port, or a range of ports, of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Port {
    /// The first port.
    pub first: u16,
    /// The last port, which for a single one is the first.
    pub last: u16,
    /// The protocol, TCP when the text has none.
    pub protocol: Protocol,
}

/// A port, or a range to choose from, on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// The first port. 0 means any that is free.
    pub first: u16,
    /// The last port, which for a single one is the first.
    pub last: u16,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `tcp`.
    Tcp,
    /// `udp`.
    Udp,
    /// `sctp`.
    Sctp,
}

impl Protocol {
    /// Parses a protocol in any ASCII case.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        [Self::Tcp, Self::Udp, Self::Sctp]
            .into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(text))
            .ok_or(FormatError::new("has an unknown protocol"))
    }

    /// The name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

impl Port {
    /// Parses a port of a container.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let (ports, protocol) = match text.split_once('/') {
            Some((ports, protocol)) => (ports, Protocol::parse(protocol)?),
            None => (text, Protocol::Tcp),
        };
        let (first, last) = range(ports)?;
        if first == 0 {
            return Err(FormatError::new("has the port 0"));
        }
        Ok(Self {
            first,
            last,
            protocol,
        })
    }
}

impl HostPort {
    /// Parses a port of the host; the empty text is 0. A protocol behind it
    /// has no meaning to the Engine, but must be one.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        if text.is_empty() {
            return Ok(Self { first: 0, last: 0 });
        }
        let ports = without_protocol(text)?;
        let (first, last) = range(ports)?;
        if first == 0 && last != 0 {
            return Err(FormatError::new("has a range that begins with the port 0"));
        }
        Ok(Self { first, last })
    }
}

/// The spelling of a container's port that is forwarded.
pub(super) fn canonical_port(text: &str) -> Result<Cow<'_, str>, FormatError> {
    Port::parse(text).map(|_| lower_case(Cow::Borrowed(text)))
}

/// Numbers and protocol in one spelling: `80` and `080/tcp` are the same port.
pub(super) fn identity(text: &str) -> Cow<'_, str> {
    Port::parse(text).map_or(Cow::Borrowed(text), |port| {
        let protocol = port.protocol.name();
        Cow::Owned(format!("{}-{}/{protocol}", port.first, port.last))
    })
}

/// The spelling of a host port that is forwarded, without a protocol.
pub(super) fn canonical_host_port(text: &str) -> Result<Cow<'_, str>, FormatError> {
    HostPort::parse(text)?;
    without_protocol(text).map(Cow::Borrowed)
}

fn without_protocol(text: &str) -> Result<&str, FormatError> {
    match text.split_once('/') {
        Some((ports, protocol)) => Protocol::parse(protocol).map(|_| ports),
        None => Ok(text),
    }
}

fn range(text: &str) -> Result<(u16, u16), FormatError> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(FormatError::new("has a range that runs downwards"));
    }
    Ok((first, last))
}

fn number(text: &str) -> Result<u16, FormatError> {
    // `str::parse` would accept a plus sign.
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FormatError::new("is not a port number"));
    }
    text.parse()
        .map_err(|_| FormatError::new("is not a port number"))
}

//! Registries by host or URL.
//!
//! Turns the server address of credentials into its parts. Promises that there
//! is one host and no user, query or fragment in it. The path has no meaning
//! to the Engine but is part of what clients send for Docker's own registry.

use super::FormatError;
use super::image::is_host_label;

#[cfg(test)]
mod tests;

/// A registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegistryHost<'a> {
    /// The scheme, if one is given.
    pub scheme: Option<Scheme>,
    /// The host name or address; an IPv6 address has its brackets.
    pub host: &'a str,
    /// The port, if one is given.
    pub port: Option<u16>,
    /// What follows, without the slash that begins it.
    pub path: &'a str,
}

/// How a registry is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http`.
    Http,
    /// `https`.
    Https,
}

impl<'a> RegistryHost<'a> {
    /// Parses a registry.
    pub fn parse(text: &'a str) -> Result<Self, FormatError> {
        let error = FormatError::new("is not the address of a registry");
        let (scheme, rest) = if let Some(rest) = text.strip_prefix("https://") {
            (Some(Scheme::Https), rest)
        } else if let Some(rest) = text.strip_prefix("http://") {
            (Some(Scheme::Http), rest)
        } else {
            (None, text)
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let known = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'~' | b'/')
        };
        if !path.bytes().all(known) {
            return Err(error);
        }
        let (host, port) = split_port(authority).ok_or(error)?;
        Ok(Self {
            scheme,
            host,
            port,
            path,
        })
    }
}

/// Splits host and port, or gives `None` when either is not one.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let valid = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(|label| {
            // Hosts of private networks and containers may have underscores.
            is_host_label(label.replace('_', "a").as_str())
        }),
    };
    if !valid {
        return None;
    }
    let Some(port) = port else {
        return Some((host, None));
    };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|_| digits)?;
    Some((host, Some(port)))
}

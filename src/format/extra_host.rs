//! Additional hosts: `host:address`.
//!
//! Turns an element of `HostConfig.ExtraHosts` into a host and its address,
//! split at the first colon because IPv6 addresses have more of them. Promises
//! that the host cannot add a line or a name to the hosts file, nor a second
//! entry to a comma-separated list.

use std::net::IpAddr;

use super::FormatError;
use super::address::ip_address;

#[cfg(test)]
mod tests;

/// A line of the hosts file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExtraHost<'a> {
    /// The name.
    pub host: &'a str,
    /// What it resolves to.
    pub address: HostAddress,
}

/// The address of an additional host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostAddress {
    /// `host-gateway`: the host, as the container sees it.
    Gateway,
    /// An address.
    Ip(IpAddr),
}

impl<'a> ExtraHost<'a> {
    /// Parses an additional host.
    pub fn parse(text: &'a str) -> Result<Self, FormatError> {
        let Some((host, address)) = text.split_once(':') else {
            return Err(FormatError::new("has no address"));
        };
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if host.is_empty() || !host.bytes().all(known) {
            return Err(FormatError::new("has an invalid host"));
        }
        let address = if address == "host-gateway" {
            HostAddress::Gateway
        } else {
            HostAddress::Ip(ip_address(address)?)
        };
        Ok(Self { host, address })
    }
}

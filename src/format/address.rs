//! Network addresses.
//!
//! Turns texts into IP addresses, subnets and hardware addresses. Promises
//! strictness where the Engine lacks it: to some versions a host address that
//! does not parse means all interfaces. Octets have no leading zeros, there
//! are no zones and no white space.

use std::borrow::Cow;
use std::net::IpAddr;

use super::{FormatError, respelt};

#[cfg(test)]
mod tests;

/// Parses an IPv4 or IPv6 address.
pub fn ip_address(text: &str) -> Result<IpAddr, FormatError> {
    text.parse()
        .map_err(|_| FormatError::new("is not an IP address"))
}

/// A subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    /// The address, whose host bits need not be zero.
    pub address: IpAddr,
    /// How many leading bits of it belong to the subnet.
    pub prefix: u8,
}

impl Cidr {
    /// Parses an address with a prefix length.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let error = FormatError::new("is not a subnet");
        let Some((address, prefix)) = text.split_once('/') else {
            return Err(error);
        };
        let address = ip_address(address).map_err(|_| error.clone())?;
        let plain = prefix.bytes().all(|byte| byte.is_ascii_digit())
            && (prefix == "0" || !prefix.starts_with('0'));
        let longest = if address.is_ipv4() { 32 } else { 128 };
        match prefix.parse() {
            Ok(prefix) if plain && prefix <= longest => Ok(Self { address, prefix }),
            _ => Err(error),
        }
    }
}

/// A hardware address of an Ethernet interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// Parses six bytes with `:` or `-` between them, or three groups of two
    /// bytes with `.` between them.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let error = FormatError::new("is not a hardware address");
        let (divider, digits) = if text.contains(':') {
            (':', 2)
        } else if text.contains('-') {
            ('-', 2)
        } else {
            ('.', 4)
        };
        let hex = |group: &str| {
            group.len() == digits && group.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        if !text.split(divider).all(hex) {
            return Err(error);
        }
        let joined: String = text.split(divider).collect();
        if joined.len() != 12 {
            return Err(error);
        }
        let number = u64::from_str_radix(&joined, 16).map_err(|_| error)?;
        let [_, _, bytes @ ..] = number.to_be_bytes();
        Ok(Self(bytes))
    }
}

/// The spelling of a hardware address that is forwarded: lower case and colons.
pub(super) fn canonical_mac(text: &str) -> Result<Cow<'_, str>, FormatError> {
    let MacAddress(bytes) = MacAddress::parse(text)?;
    let spelling = bytes.map(|byte| format!("{byte:02x}")).join(":");
    Ok(respelt(text, spelling))
}

//! Networks by address and prefix, and what is in them.

use std::net::IpAddr;

use crate::format::{Cidr, ip_address};
use crate::policy::verdict::Verdict;

/// A network. An address alone is one that holds nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    /// The address as bits of IPv6; an IPv4 one mapped.
    bits: u128,
    /// How many leading bits belong to the network.
    prefix: u32,
    /// As it is written: for messages.
    shown: Cidr,
}

impl Network {
    /// An address or a subnet.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let cidr = match ip_address(text) {
            Ok(address) => Cidr {
                address,
                prefix: if address.is_ipv4() { 32 } else { 128 },
            },
            Err(_) => Cidr::parse(text).ok()?,
        };
        let (bits, offset) = match cidr.address {
            IpAddr::V4(address) => (u128::from(address.to_ipv6_mapped()), 96),
            IpAddr::V6(address) => (u128::from(address), 0),
        };
        Some(Self {
            bits,
            prefix: u32::from(cidr.prefix).saturating_add(offset),
            shown: cidr,
        })
    }

    /// Whether all of another network is in this one.
    pub(crate) fn holds(&self, inner: Self) -> bool {
        let shift = 128_u32.saturating_sub(self.prefix);
        let beyond = |bits: u128| bits.checked_shr(shift).unwrap_or(0);
        inner.prefix >= self.prefix && beyond(inner.bits) == beyond(self.bits)
    }

    /// Whether another network is in this one, or a part of it is. The address that
    /// stands for all addresses has those of this one among them.
    pub(crate) fn admits(&self, inner: Self) -> Verdict {
        if self.holds(inner) {
            Verdict::Yes
        } else if inner.holds(*self) || inner.is_unspecified() {
            Verdict::Partly
        } else {
            Verdict::No
        }
    }

    fn is_unspecified(&self) -> bool {
        let address = self.shown.address;
        address.to_canonical().is_unspecified() && self.prefix == 128
    }

    /// As messages show it.
    pub(crate) fn shown(&self) -> String {
        format!("{}/{}", self.shown.address, self.shown.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(outer: &str, inner: &str) -> bool {
        let (outer, inner) = (Network::parse(outer), Network::parse(inner));
        outer.unwrap().holds(inner.unwrap())
    }

    #[test]
    fn a_network_holds_what_is_wholly_in_it() {
        assert!(holds("127.0.0.0/8", "127.0.0.1"));
        assert!(holds("127.0.0.0/8", "::ffff:127.9.9.9"));
        assert!(holds("10.1.0.0/16", "10.1.128.0/17"));
        assert!(holds("10.1.0.0/16", "10.1.0.0/16"));
        assert!(holds("0.0.0.0/0", "9.9.9.9"));
        assert!(holds("::/0", "fe80::1"));
        assert!(holds("fd00::/8", "fd12::/16"));
        assert!(holds("10.1.2.3", "10.1.2.3"));
        for (outer, inner) in [
            ("127.0.0.0/8", "128.0.0.1"),
            ("10.1.0.0/16", "10.0.0.0/8"),
            ("10.1.0.0/16", "0.0.0.0"),
            ("127.0.0.0/8", "::1"),
            ("0.0.0.0/0", "::"),
            ("fd00::/8", "fe00::1"),
            ("10.1.2.3", "10.1.2.4"),
        ] {
            assert!(!holds(outer, inner), "{outer} {inner}");
        }
        assert_eq!(Network::parse("host"), None);
        assert_eq!(Network::parse("10.0.0.0/33"), None);
    }
}

//! What a client's `when` asks of a caller, and whether a caller is such.
//!
//! Everything is compared exactly, with no patterns on either side: a certificate
//! for `*.example.net` is for that text and no host. How two of them compare is in
//! `identity/apart`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Caller, Certificate, Container, Origin};
use crate::format::Cidr;

/// One alternative of a `when`: all of it must hold. Where a list is given, one of
/// its values is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    /// The listeners, by their places in the configuration.
    pub(crate) listeners: Option<Vec<usize>>,
    /// Effective users.
    pub(crate) uids: Option<Vec<u32>>,
    /// Effective groups.
    pub(crate) gids: Option<Vec<u32>>,
    /// Where it connects from.
    pub(crate) sources: Option<Vec<Network>>,
    /// What its certificate says.
    pub(crate) tls: Option<TlsConditions>,
    /// The container that it is in.
    pub(crate) container: Option<ContainerConditions>,
}

/// What a client certificate has to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsConditions {
    pub(crate) cn: Option<Vec<String>>,
    /// In lower case.
    pub(crate) dns: Option<Vec<String>>,
    pub(crate) ip: Option<Vec<IpAddr>>,
    pub(crate) uri: Option<Vec<String>>,
    pub(crate) key: Option<Vec<[u8; 32]>>,
}

/// What a container has to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContainerConditions {
    pub(crate) name: Option<Vec<String>>,
    /// Whole, in lower case.
    pub(crate) id: Option<Vec<String>>,
    /// References as the Engine normalises them.
    pub(crate) image: Option<Vec<String>>,
    /// All of them.
    pub(crate) labels: BTreeMap<String, String>,
}

/// The addresses of a subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    is_v4: bool,
    bits: u128,
    prefix: u32,
}

impl Network {
    /// The subnet. One of IPv4 that is written as IPv6 is one of IPv4.
    pub(crate) fn of(cidr: Cidr) -> Self {
        let prefix = u32::from(cidr.prefix);
        match cidr.address {
            IpAddr::V4(address) => Self::v4(address.to_bits(), prefix),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(mapped) if prefix >= 96 => Self::v4(mapped.to_bits(), prefix - 96),
                _ => Self {
                    is_v4: false,
                    bits: address.to_bits(),
                    prefix,
                },
            },
        }
    }

    fn v4(bits: u32, prefix: u32) -> Self {
        Self {
            is_v4: true,
            bits: u128::from(bits) << 96,
            prefix,
        }
    }

    /// Whether it is all addresses of its kind.
    pub(crate) fn is_all(self) -> bool {
        self.prefix == 0
    }

    /// Whether an address is of it.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        let longest = if address.to_canonical().is_ipv4() {
            32
        } else {
            128
        };
        let one = Self::of(Cidr {
            address: address.to_canonical(),
            prefix: longest,
        });
        self.prefix <= one.prefix && self.meets(one)
    }

    /// Whether some address is of both.
    pub(crate) fn meets(self, other: Self) -> bool {
        let prefix = self.prefix.min(other.prefix);
        let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
        self.is_v4 == other.is_v4 && self.bits & mask == other.bits & mask
    }
}

impl Conditions {
    /// Whether a caller at the listener of this place fits, as far as can be told
    /// without knowing its container.
    pub(crate) fn may_fit(&self, place: usize, caller: &Caller) -> bool {
        let peer = match caller.origin {
            Origin::Unix(peer) => Some(peer),
            Origin::Tcp(_) | Origin::Unknown => None,
        };
        let source = match caller.origin {
            Origin::Tcp(source) => Some(source.ip()),
            Origin::Unix(_) | Origin::Unknown => None,
        };
        one_of(self.listeners.as_ref(), |one| *one == place)
            && one_of(self.uids.as_ref(), |uid| {
                peer.is_some_and(|peer| peer.uid == *uid)
            })
            && one_of(self.gids.as_ref(), |gid| {
                peer.is_some_and(|peer| peer.gid == *gid)
            })
            && one_of(self.sources.as_ref(), |network| {
                source.is_some_and(|source| network.contains(source))
            })
            && self.tls.as_ref().is_none_or(|tls| {
                let certificate = caller.certificate.as_deref();
                certificate.is_some_and(|certificate| tls.fits(certificate))
            })
    }

    /// Whether the container is as it should be.
    pub(crate) fn fits_in(&self, container: Option<&Container>) -> bool {
        self.container
            .as_ref()
            .is_none_or(|wanted| container.is_some_and(|container| wanted.fits(container)))
    }
}

impl TlsConditions {
    fn fits(&self, certificate: &Certificate) -> bool {
        one_of(self.cn.as_ref(), |cn| {
            certificate.common_name.as_ref() == Some(cn)
        }) && one_of(self.dns.as_ref(), |name| {
            let mut names = certificate.dns.iter();
            names.any(|one| one.eq_ignore_ascii_case(name))
        }) && one_of(self.ip.as_ref(), |ip| {
            let mut addresses = certificate.addresses.iter();
            addresses.any(|one| one.to_canonical() == *ip)
        }) && one_of(self.uri.as_ref(), |uri| certificate.uris.contains(uri))
            && one_of(self.key.as_ref(), |key| certificate.key_sha256 == *key)
    }
}

impl ContainerConditions {
    fn fits(&self, container: &Container) -> bool {
        one_of(self.name.as_ref(), |name| container.name == *name)
            && one_of(self.id.as_ref(), |id| container.id == *id)
            && one_of(self.image.as_ref(), |image| {
                container.image.as_ref() == Some(image)
            })
            && self
                .labels
                .iter()
                .all(|(key, value)| container.labels.get(key) == Some(value))
    }
}

/// Whether one of the values will do; where none is asked for, anything does.
fn one_of<T>(values: Option<&Vec<T>>, fits: impl FnMut(&T) -> bool) -> bool {
    values.is_none_or(|values| values.iter().any(fits))
}

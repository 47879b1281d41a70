//! Who is calling: what the listener, TLS and the kernel say of a connection.
//!
//! A [`Caller`] holds facts only, none of which the caller can write: a request's
//! head and body are no part of it. Which client the facts make of it is the
//! policies' to say.

use std::net::{IpAddr, SocketAddr};

use crate::gate::ListenerId;

/// What is known of whoever opened a connection.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The listener that it came by.
    pub listener: ListenerId,
    /// Where it comes from.
    pub origin: Origin,
    /// The certificate that TLS has verified, if it showed one.
    pub certificate: Option<Box<Certificate>>,
}

/// Where a connection comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A process of this machine, by a unix socket.
    Unix(Credentials),
    /// An address, by TCP.
    Tcp(SocketAddr),
    /// Nothing that can be told.
    Unknown,
}

/// What the kernel says of the process that connected to a unix socket, as it was
/// when it connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
    /// The process, where it can be seen from here.
    pub pid: Option<i32>,
}

/// What a verified client certificate says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// The common name of its subject, if there is exactly one.
    pub common_name: Option<String>,
    /// Names of hosts.
    pub dns: Vec<String>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
    /// Other names, such as SPIFFE IDs.
    pub uris: Vec<String>,
    /// The SHA-256 of its public key (`SubjectPublicKeyInfo`, DER).
    pub key_sha256: [u8; 32],
}

impl Caller {
    /// Whoever comes by this listener, of whom no more is known.
    pub fn at(listener: ListenerId) -> Self {
        Self {
            listener,
            origin: Origin::Unknown,
            certificate: None,
        }
    }
}

//! Who is calling: what the listener, TLS and the kernel say of a connection.
//!
//! A [`Caller`] holds facts only, none of which the caller can write: a request's
//! head and body are no part of it. Which client the facts make of it is the
//! policies' to say: their `when` is `conditions`, `apart` tells whether two of
//! them can fit one caller. `names` knows users and groups by their names, `process`
//! the process that calls, and `cgroup` the container that it is in.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use crate::format::{ImageReference, NamedImage};
use crate::gate::ListenerId;
use process::Process;

pub(crate) mod apart;
pub(crate) mod cgroup;
pub(crate) mod conditions;
pub mod names;
pub mod process;

/// What is known of whoever opened a connection.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The listener that it came by.
    pub listener: ListenerId,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether it came by TLS.
    pub tls: bool,
    /// The certificate that TLS has verified, if it showed one.
    pub certificate: Option<Box<Certificate>>,
    /// The process itself, where it may have to be looked at.
    pub process: Option<Arc<Process>>,
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
    /// When it ends.
    pub expires: Option<SystemTime>,
}

/// What the Engine says of the container that a caller is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// All 64 digits of it.
    pub id: String,
    /// Its name, without the slash that the Engine puts before it.
    pub name: String,
    /// The image that it was made of, normalised; nothing where that is no
    /// reference.
    pub image: Option<String>,
    /// Its labels.
    pub labels: HashMap<String, String>,
}

/// How much of a certificate is shown.
const SHOWN_MAX: usize = 300;

impl fmt::Display for Caller {
    /// What is known of it, for records.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin {
            Origin::Unix(Credentials { uid, gid, pid }) => {
                write!(f, "a process of user {uid} and group {gid}")?;
                if let Some(pid) = pid {
                    write!(f, ", process {pid}")?;
                }
            }
            Origin::Tcp(source) => write!(f, "from {}", source.ip().to_canonical())?,
            Origin::Unknown => f.write_str("from where cannot be told")?,
        }
        let Some(certificate) = &self.certificate else {
            return Ok(());
        };
        let Certificate {
            common_name,
            dns,
            addresses,
            uris,
            key_sha256,
            expires: _,
        } = certificate.as_ref();
        // Whoever has signed it need not have looked for odd characters.
        let names = format!("cn {common_name:?}, dns {dns:?}, ip {addresses:?}, uri {uris:?}");
        let shown: String = names.chars().take(SHOWN_MAX).collect();
        write!(f, ", certificate: {shown}, key sha256:")?;
        key_sha256
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Caller {
    /// Whoever comes by this listener, of whom no more is known.
    pub fn at(listener: ListenerId) -> Self {
        Self {
            listener,
            origin: Origin::Unknown,
            tls: false,
            certificate: None,
            process: None,
        }
    }
}

/// A reference to an image as containers are compared by: with its registry, and the
/// tag `latest` where it has neither tag nor digest. Nothing for an id.
pub(crate) fn image_name(text: &str) -> Option<String> {
    let Ok(ImageReference::Named(image)) = ImageReference::parse(text) else {
        return None;
    };
    let NamedImage { tag, digest, .. } = image;
    let mut name = image.name();
    if let Some(tag) = tag.or(digest.is_none().then_some("latest")) {
        name = format!("{name}:{tag}");
    }
    if let Some(digest) = digest {
        name = format!("{name}@{digest}");
    }
    Some(name)
}

#[cfg(test)]
mod tests;

//! Where Engines are, and which client's requests go to which.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Client;
use crate::tls::ClientFiles;

/// What a socket's address holds at most on Linux.
const SOCKET_PATH_MAX: usize = 107;

/// The longest name of a host.
const HOST_MAX: usize = 253;

/// Where an Engine is. Certificates are named and not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineAddress {
    /// At a unix socket.
    Unix(PathBuf),
    /// At a TCP port, in the clear.
    Tcp {
        /// The name or address of its host, this without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// At a TCP port, by TLS.
    Tls {
        /// The name or address of its host, which its certificate must be for.
        host: String,
        /// The port.
        port: u16,
        /// Whom it is trusted by, and what it is shown.
        files: ClientFiles,
    },
}

/// An Engine, and what clients call it; the `upstream` of the file has no name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// Its name in `upstreams`.
    pub name: Option<Arc<str>>,
    /// Where it is.
    pub address: EngineAddress,
}

/// The Engines of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Engines {
    /// Each of them. None where the file leaves it to the environment.
    pub all: Vec<Engine>,
    /// For each client the place of its Engine.
    pub of_clients: Vec<usize>,
}

impl Engines {
    /// One for all clients.
    #[must_use]
    pub fn one(address: EngineAddress, clients: usize) -> Self {
        Self {
            all: vec![Engine {
                name: None,
                address,
            }],
            of_clients: vec![0; clients],
        }
    }

    /// Whether the file says nothing of them, so that the environment does.
    #[must_use]
    pub fn by_environment(&self) -> bool {
        self.all.is_empty()
    }

    /// The place of a client's Engine.
    pub(crate) fn place(&self, client: Client) -> Option<usize> {
        self.of_clients.get(client.0).copied()
    }

    /// The files of certificates and keys.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let tls = self.all.iter().filter_map(|engine| match &engine.address {
            EngineAddress::Tls { files, .. } => Some(files),
            EngineAddress::Unix(_) | EngineAddress::Tcp { .. } => None,
        });
        tls.flat_map(|files| [files.ca.as_path(), &files.cert, &files.key])
    }
}

impl EngineAddress {
    /// Reads `unix://PATH` or `tcp://HOST:PORT`; or says what is wrong with it, and
    /// what helps.
    pub fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        let wanted =
            || Some("write `unix:///var/run/docker.sock`, or `tcp://HOST:PORT`".to_owned());
        match text.split_once("://") {
            Some(("unix", path)) => Self::unix(path),
            Some(("tcp", at)) => Self::tcp(at),
            Some(("ssh", _)) => {
                let help = "forward the socket by `ssh -L`, and name the socket here";
                Err((
                    "opgate does not reach Engines by SSH".to_owned(),
                    Some(help.to_owned()),
                ))
            }
            Some(("npipe", _)) => Err((
                "opgate does not reach Engines by named pipes of Windows".to_owned(),
                wanted(),
            )),
            _ => Err((
                "an upstream begins with `unix://` or `tcp://`".to_owned(),
                wanted(),
            )),
        }
    }

    /// The socket of this path.
    pub(super) fn unix(path: &str) -> Result<Self, (String, Option<String>)> {
        let help = Some("write `unix:///var/run/docker.sock`".to_owned());
        if !path.starts_with('/') {
            return Err((
                "the path of the Engine's socket must be absolute".to_owned(),
                help,
            ));
        }
        if path.len() > SOCKET_PATH_MAX {
            let message = format!("the path of a socket has at most {SOCKET_PATH_MAX} bytes");
            return Err((message, None));
        }
        Ok(Self::Unix(path.into()))
    }

    /// The port of a host, as in `HOST:PORT` or `[ADDRESS]:PORT`.
    pub(super) fn tcp(text: &str) -> Result<Self, (String, Option<String>)> {
        let read = || {
            let (host, port) = text.rsplit_once(':')?;
            let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            let port = port.parse().ok().filter(|port| digits && *port > 0)?;
            let bracketed = host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'));
            let host = match bracketed {
                Some(address) => address.parse::<Ipv6Addr>().ok()?.to_string(),
                None => host.to_owned(),
            };
            let is_name = !host.is_empty()
                && host.len() <= HOST_MAX
                && (host.bytes())
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            (is_name || bracketed.is_some()).then_some(Self::Tcp { host, port })
        };
        read().ok_or_else(|| {
            (
                format!("`{text}` is not a host and a port"),
                Some("write `HOST:PORT`, such as `build.example:2376` or `[::1]:2375`".to_owned()),
            )
        })
    }

    /// Whether everybody on the way can read and change what is said.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let Self::Tcp { host, .. } = self else {
            return false;
        };
        let loopback = match host.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        };
        !loopback
    }
}

impl fmt::Display for EngineAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port } | Self::Tls { host, port, .. } => {
                let v6 = host.contains(':');
                let (open, close) = if v6 { ("[", "]") } else { ("", "") };
                write!(f, "tcp://{open}{host}{close}:{port}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_shown() {
        for text in [
            "unix:///run/a.sock",
            "tcp://127.0.0.1:2375",
            "tcp://[::1]:2375",
            "tcp://a-b.example:65535",
        ] {
            assert_eq!(EngineAddress::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "a",
            "unix://a",
            "unix:a",
            "tcp://",
            "tcp://a",
            "tcp://a:",
            "tcp://:1",
            "tcp://a:0",
            "tcp://a:+1",
            "tcp://a:65536",
            "tcp://::1:1",
            "tcp://[a]:1",
            "tcp://a/b:1",
            "tcp://a@b:1",
            "tcp://[::1]",
            "tcp://a:1/",
            "ssh://a",
            "npipe://a",
            "http://a:1",
            "TCP://a:1",
        ] {
            assert!(EngineAddress::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_what_stays_on_the_host_is_closed() {
        let open = |text| EngineAddress::parse(text).unwrap().is_open();
        for text in [
            "unix:///run/a.sock",
            "tcp://127.3.2.1:1",
            "tcp://[::1]:1",
            "tcp://[::ffff:127.0.0.1]:1",
            "tcp://LocalHost:1",
        ] {
            assert!(!open(text), "{text}");
        }
        for text in [
            "tcp://10.0.0.1:1",
            "tcp://0.0.0.0:1",
            "tcp://[::]:1",
            "tcp://localhost.example:1",
            "tcp://127.1:1",
            "tcp://127.0.0.1.example:1",
        ] {
            assert!(open(text), "{text}");
        }
    }
}

//! Where an Engine is, and connecting to it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use hyperlocal::UnixConnector;
use rustix::net::sockopt;
use rustls::CertificateError;
use thiserror::Error;
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::super::limits::{
    ENGINE_ADDRESSES, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES,
};
use super::hearing::Line;
use super::stream::EngineStream;
use crate::tls::ClientTls;

/// Where an Engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// At a unix socket.
    Unix(PathBuf),
    /// At a TCP port, in the clear: whoever is on the way is the Engine.
    Tcp(TcpHost),
    /// At a TCP port, by TLS.
    Tls(TcpHost, ClientTls),
}

/// A port of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpHost {
    /// Its name or address, this without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Why an upstream cannot be used at all.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// The path is relative, not UTF-8 or too long for a socket.
    #[error("`{0}` is not the absolute path of a socket")]
    Path(PathBuf),
}

impl<P: AsRef<Path>> From<P> for Endpoint {
    fn from(path: P) -> Self {
        Self::Unix(path.as_ref().to_owned())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(TcpHost { host, port }) | Self::Tls(TcpHost { host, port }, _) => {
                let (open, close) = if host.contains(':') {
                    ("[", "]")
                } else {
                    ("", "")
                };
                write!(f, "tcp://{open}{host}{close}:{port}")
            }
        }
    }
}

impl Endpoint {
    pub(super) fn checked(self) -> Result<Self, EndpointError> {
        // What a socket's address holds at most on Linux.
        const SOCKET_PATH_MAX: usize = 107;
        let Self::Unix(path) = &self else {
            return Ok(self);
        };
        match path.to_str() {
            Some(text) if path.is_absolute() && text.len() <= SOCKET_PATH_MAX => Ok(self),
            _ => Err(EndpointError::Path(path.clone())),
        }
    }

    /// Connects once, for what `hyper` sends.
    pub(super) async fn line(&self, time: Duration) -> io::Result<Line> {
        Ok(match self {
            Self::Unix(path) => {
                let uri = hyperlocal::Uri::new(path, "/").into();
                Line::Unix(UnixConnector.call(uri).await?)
            }
            Self::Tcp(_) | Self::Tls(..) => Line::Other(TokioIo::new(self.connect(time).await?)),
        })
    }

    /// Connects once. Each address of a host gets its part of `time`.
    pub(super) async fn connect(&self, time: Duration) -> io::Result<EngineStream> {
        match self {
            Self::Unix(path) => UnixStream::connect(path).await.map(EngineStream::Unix),
            Self::Tcp(host) => host.connect(time).await.map(EngineStream::Tcp),
            Self::Tls(host, tls) => {
                let stream = host.connect(time).await?;
                let stream = TlsConnector::from(tls.config())
                    .connect(tls.name(), stream)
                    .await
                    .map_err(plainly)?;
                Ok(EngineStream::Tls(Box::new(stream)))
            }
        }
    }
}

impl TcpHost {
    async fn connect(&self, time: Duration) -> io::Result<TcpStream> {
        let addresses: Vec<_> = lookup_host((self.host.as_str(), self.port))
            .await?
            .take(ENGINE_ADDRESSES)
            .collect();
        let part = time / u32::try_from(addresses.len()).unwrap_or(1).max(1);
        let mut failed = io::Error::other("the host has no address");
        for address in addresses {
            match timeout(part, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // What is small, such as a key in a shell, goes at once.
                    stream.set_nodelay(true)?;
                    // A stream may be silent for long: one whose Engine was cut off
                    // ends by this.
                    sockopt::set_socket_keepalive(&stream, true)?;
                    sockopt::set_tcp_keepidle(&stream, KEEPALIVE_IDLE)?;
                    sockopt::set_tcp_keepintvl(&stream, KEEPALIVE_INTERVAL)?;
                    sockopt::set_tcp_keepcnt(&stream, KEEPALIVE_PROBES)?;
                    return Ok(stream);
                }
                Ok(Err(error)) => failed = error,
                Err(_) => failed = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(failed)
    }
}

/// Why a handshake failed, without what the Engine's certificate says.
fn plainly(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let Some(inner) = inner else {
        return error;
    };
    io::Error::other(match inner {
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name"
            }
            CertificateError::UnknownIssuer => "its certificate is not of the authority in `ca`",
            _ => "its certificate cannot be verified",
        },
        rustls::Error::AlertReceived(_) => "it refuses the TLS connection",
        _ => "there is no TLS that both sides speak",
    })
}

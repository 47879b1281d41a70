//! Where a way begins: a unix socket, or an address to which one connects by TLS.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::Failure;

/// A connection.
pub(crate) type Stream = Box<dyn Bytes>;

/// What a connection can do.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Bytes for T {}

/// Where to connect.
#[derive(Clone, Debug)]
pub(crate) enum Door {
    /// A unix socket.
    Unix(PathBuf),
    /// An address, and how.
    Tls(SocketAddr, Arc<ClientConfig>),
}

impl Door {
    /// Connects, handshake included.
    pub(crate) async fn open(&self) -> Result<Stream, Failure> {
        match self {
            Self::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            Self::Tls(address, config) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(address.ip().into(), stream).await?;
                Ok(Box::new(stream))
            }
        }
    }
}

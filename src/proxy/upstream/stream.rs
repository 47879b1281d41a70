//! A connection to an Engine, over whatever it goes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf, split};
use tokio::net::{TcpStream, UnixStream, tcp, unix};
use tokio_rustls::client::TlsStream;

use super::super::client::{Peer, PeerRead};

/// A connection to an Engine.
pub(crate) enum EngineStream {
    Unix(UnixStream),
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Its reading half.
pub(crate) enum EngineRead {
    Unix(unix::OwnedReadHalf),
    Tcp(tcp::OwnedReadHalf),
    Tls(ReadHalf<Box<TlsStream<TcpStream>>>),
}

/// Its writing half. Shutting it down ends this direction alone; over TLS the
/// Engine is told so by TLS, too.
pub(crate) enum EngineWrite {
    Unix(unix::OwnedWriteHalf),
    Tcp(tcp::OwnedWriteHalf),
    Tls(WriteHalf<Box<TlsStream<TcpStream>>>),
}

impl EngineStream {
    pub(crate) fn into_split(self) -> (EngineRead, EngineWrite) {
        match self {
            Self::Unix(stream) => {
                let (reader, writer) = stream.into_split();
                (EngineRead::Unix(reader), EngineWrite::Unix(writer))
            }
            Self::Tcp(stream) => {
                let (reader, writer) = stream.into_split();
                (EngineRead::Tcp(reader), EngineWrite::Tcp(writer))
            }
            Self::Tls(stream) => {
                let (reader, writer) = split(stream);
                (EngineRead::Tls(reader), EngineWrite::Tls(writer))
            }
        }
    }
}

/// The same of whichever it is.
macro_rules! each {
    ($self:expr, $stream:ident => $what:expr) => {
        match $self.get_mut() {
            Self::Unix($stream) => $what,
            Self::Tcp($stream) => $what,
            Self::Tls($stream) => $what,
        }
    };
}

macro_rules! reads {
    ($kind:ty) => {
        impl AsyncRead for $kind {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                each!(self, stream => Pin::new(stream).poll_read(cx, buffer))
            }
        }
    };
}

macro_rules! writes {
    ($kind:ty) => {
        impl AsyncWrite for $kind {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                each!(self, stream => Pin::new(stream).poll_write(cx, bytes))
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                each!(self, stream => Pin::new(stream).poll_flush(cx))
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                each!(self, stream => Pin::new(stream).poll_shutdown(cx))
            }
        }
    };
}

reads!(EngineStream);
reads!(EngineRead);
writes!(EngineStream);
writes!(EngineWrite);

impl PeerRead for EngineRead {
    const OPEN_TO_BROWSERS: bool = false;

    fn peer(&self) -> Peer {
        match self {
            Self::Unix(reader) => reader.peer(),
            Self::Tcp(reader) => reader.peer(),
            // Reading and writing tell: nothing else can be asked.
            Self::Tls(_) => Peer::There,
        }
    }
}

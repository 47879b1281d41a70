//! An accepted TCP connection → one whose handshake is done, in two halves.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::SystemTime;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::identity::Certificate;
use crate::proxy::client::{Peer, PeerRead, tcp_peer};
use crate::proxy::limits::HANDSHAKE_TIME;
use crate::tls::{ServerTls, facts};

/// A connection, which both of its halves share.
type Shared = Arc<Mutex<TlsStream<TcpStream>>>;

/// Its reading half.
#[derive(Debug)]
pub(crate) struct TlsRead {
    stream: Shared,
    /// What the client's certificate was last verified by.
    verified: ServerTls,
    /// Until when that holds.
    until: Option<SystemTime>,
}

/// Its writing half. Shutting it down tells the client by TLS, too.
#[derive(Debug)]
pub(crate) struct TlsWrite(Shared);

/// A connection, and what the certificate says that the client showed.
pub(super) type Greeted = ((TlsRead, TlsWrite), Option<Box<Certificate>>);

/// Does the handshake.
pub(super) async fn greet(stream: TcpStream, tls: &ServerTls) -> io::Result<Greeted> {
    let handshake = TlsAcceptor::from(tls.config()).accept(stream);
    let stream = timeout(HANDSHAKE_TIME, handshake).await??;
    let shown = stream.get_ref().1.peer_certificates();
    let certificate = match shown.and_then(<[_]>::first) {
        None => None,
        Some(shown) => {
            let unread = || io::Error::other("its certificate cannot be read");
            Some(Box::new(facts(shown).ok_or_else(unread)?))
        }
    };
    let shared = Arc::new(Mutex::new(stream));
    let read = TlsRead {
        stream: Arc::clone(&shared),
        verified: tls.clone(),
        until: certificate.as_ref().and_then(|shown| shown.expires),
    };
    Ok(((read, TlsWrite(shared)), certificate))
}

fn lock(shared: &Shared) -> MutexGuard<'_, TlsStream<TcpStream>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AsyncRead for TlsRead {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.stream)).poll_read(cx, buffer)
    }
}

impl AsyncWrite for TlsWrite {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *lock(&self.0)).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.0)).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.0)).poll_shutdown(cx)
    }
}

impl PeerRead for TlsRead {
    const OPEN_TO_BROWSERS: bool = true;

    fn peer(&self) -> Peer {
        let stream = lock(&self.stream);
        let tcp = stream.get_ref().0;
        tcp_peer(|interest| tcp.ready(interest))
    }

    fn is_verified(&mut self, tls: Option<&ServerTls>) -> bool {
        let Some(tls) = tls else {
            return false;
        };
        let since = |until| SystemTime::now().duration_since(until).unwrap_or_default();
        // The second in which it ends still counts, as it does for handshakes.
        if self.until.is_some_and(|until| since(until).as_secs() > 0) {
            return false;
        }
        // Once for each reading of the files, by the first request after it.
        if !tls.is(&self.verified) {
            let stream = lock(&self.stream);
            let shown = stream.get_ref().1.peer_certificates();
            if !tls.verifies(shown.unwrap_or_default()) {
                return false;
            }
            drop(stream);
            self.verified = tls.clone();
        }
        true
    }
}

//! The reading side of a client's connection: a buffer over one half of a
//! transport, and the ways to notice that the client is gone.
//!
//! Bytes leave the buffer only as a head, as a body or as the first bytes of a
//! tunnel; what nobody has taken is the client's next request. All reads can be
//! cancelled without losing a byte.

use std::future::{Future, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, Interest, ReadBuf, Ready};
use tokio::net::{tcp, unix};
use tokio::time::{Instant, sleep};

use super::limits::{HANGUP_PROBE, HEAD_READ, WATCH_AHEAD};
use crate::tls::ServerTls;

/// The reading half of a transport.
pub(crate) trait PeerRead: AsyncRead + Unpin + Send {
    /// Whether a web page can make its browser open such a connection.
    const OPEN_TO_BROWSERS: bool;

    /// Whether the peer is there, as far as the transport knows. It is asked
    /// without waiting and without reading.
    fn peer(&self) -> Peer;

    /// Whether what the peer has shown to open the connection would still be accepted.
    fn is_verified(&mut self, _tls: Option<&ServerTls>) -> bool {
        true
    }
}

/// Whether a peer that may have ended its own side is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// It is there, or nothing says otherwise.
    There,
    /// It has ended its own side, and the transport cannot tell whether it
    /// still reads (half-close) or has left.
    Unclear,
    /// It has closed both directions: no answer can reach it any more.
    Gone,
}

impl PeerRead for unix::OwnedReadHalf {
    const OPEN_TO_BROWSERS: bool = false;

    fn peer(&self) -> Peer {
        // The kernel tells a peer that left from one that half-closed.
        match closed(self.ready(Interest::WRITABLE)) {
            Some(ready) if ready.is_write_closed() => Peer::Gone,
            _ => Peer::There,
        }
    }
}

impl PeerRead for tcp::OwnedReadHalf {
    const OPEN_TO_BROWSERS: bool = true;

    fn peer(&self) -> Peer {
        tcp_peer(|interest| self.ready(interest))
    }
}

/// Whether the peer of a TCP socket is there.
pub(crate) fn tcp_peer<F: Future<Output = io::Result<Ready>>>(
    ready: impl FnOnce(Interest) -> F,
) -> Peer {
    // A peer that closes both directions sends the same FIN as one that
    // half-closes. Only when something is sent to it, which the keepalive of
    // the listener does in the end, does it say that nobody is there.
    match closed(ready(Interest::READABLE | Interest::WRITABLE)) {
        Some(ready) if ready.is_write_closed() => Peer::Gone,
        Some(ready) if ready.is_read_closed() => Peer::Unclear,
        _ => Peer::There,
    }
}

/// What is known of a socket at once. A hang-up, both directions closed, is
/// `write closed` for a socket whose own writing side is open.
fn closed(ready: impl Future<Output = io::Result<Ready>>) -> Option<Ready> {
    match pin!(ready).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(ready)) => Some(ready),
        Poll::Ready(Err(_)) => Some(Ready::READ_CLOSED | Ready::WRITE_CLOSED),
        Poll::Pending => None,
    }
}

/// A client's side of a connection, as far as it is read.
#[derive(Debug)]
pub(crate) struct ClientReader<R> {
    io: R,
    buffer: BytesMut,
    /// How long a client of which it is unclear counts as being there.
    unclear_time: Duration,
}

impl<R: PeerRead> ClientReader<R> {
    /// Nothing read so far.
    pub(crate) fn new(io: R, unclear_time: Duration) -> Self {
        Self {
            io,
            buffer: BytesMut::new(),
            unclear_time,
        }
    }

    /// What was read and nobody has taken.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Reads once, into room for about this many bytes. Gives 0 when the client
    /// has ended its side.
    pub(crate) async fn fill(&mut self, room: usize) -> io::Result<usize> {
        self.buffer.reserve(room);
        self.io.read_buf(&mut self.buffer).await
    }

    /// Reads once, at most as much as most heads are. Holds no memory until there is
    /// something: clients wait far more than they write.
    pub(crate) async fn arrival(&mut self) -> io::Result<usize> {
        poll_fn(|cx| {
            let mut room = [MaybeUninit::uninit(); HEAD_READ];
            let mut read = ReadBuf::uninit(&mut room);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
            self.buffer.extend_from_slice(read.filled());
            Poll::Ready(Ok(read.filled().len()))
        })
        .await
    }

    /// Resolves when the client is gone. It never takes a byte that is not the
    /// client's next request, and reads only so much of that.
    pub(crate) async fn watch(&mut self) {
        while self.buffer.len() < WATCH_AHEAD {
            match self.arrival().await {
                // It may have half-closed and still wait for its answer.
                Ok(0) => break,
                Ok(_) => {}
                Err(_) => return,
            }
        }
        // No more is read ahead: it is asked instead.
        self.gone().await;
    }

    /// Resolves when the client is gone, without reading.
    pub(crate) async fn gone(&self) {
        let mut unclear_since = None;
        loop {
            match self.io.peer() {
                Peer::There => {}
                Peer::Unclear => {
                    let since: &mut Instant = unclear_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= self.unclear_time {
                        return;
                    }
                }
                Peer::Gone => return,
            }
            sleep(HANGUP_PROBE).await;
        }
    }

    /// Whether what the client has shown would still be accepted.
    pub(crate) fn is_verified(&mut self, tls: Option<&ServerTls>) -> bool {
        self.io.is_verified(tls)
    }

    /// Gives back the memory of a head or body, once all of it is taken.
    pub(crate) fn settle(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    /// For a tunnel: the transport, and the bytes that came ahead of it.
    pub(crate) fn tunnel(&mut self) -> (&mut R, Bytes) {
        (&mut self.io, self.buffer.split().freeze())
    }
}

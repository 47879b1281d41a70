//! The reading side of a client's connection: a buffer over one half of a
//! transport, and the ways to notice that the client is gone.
//!
//! Bytes leave the buffer only as a head, as a body or as the first bytes of a
//! tunnel; what nobody has taken is the client's next request. All reads can be
//! cancelled without losing a byte.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, Interest};
use tokio::net::unix::OwnedReadHalf;
use tokio::time::sleep;

use super::limits::{HANGUP_PROBE, HEAD_READ, KEPT_BUFFER, WATCH_AHEAD};

/// The reading half of a transport.
///
/// A peer that ended its own side may still be reading (half-close), or may be
/// gone; a transport says which, as far as it can know.
pub(crate) trait PeerRead: AsyncRead + Unpin + Send {
    /// Whether [`PeerRead::hung_up`] tells a peer that left from one that
    /// half-closed. Where it cannot (TCP), a client that ends its side while an
    /// ordinary request is answered counts as gone, as it does for the Engine.
    const SEES_HANGUP: bool;

    /// Whether the peer has closed both directions. May only be true when no
    /// answer can reach the peer any more.
    fn hung_up(&self) -> bool;
}

impl PeerRead for OwnedReadHalf {
    const SEES_HANGUP: bool = true;

    fn hung_up(&self) -> bool {
        // Both directions closed is what the kernel reports as a hang-up, and
        // that is what `write closed` means for a socket whose own writing side
        // is open. Asked once, without waiting.
        let ready = pin!(self.ready(Interest::WRITABLE));
        match ready.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(ready)) => ready.is_write_closed(),
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        }
    }
}

/// A client's side of a connection, as far as it is read.
#[derive(Debug)]
pub(crate) struct ClientReader<R> {
    io: R,
    buffer: BytesMut,
}

impl<R: PeerRead> ClientReader<R> {
    /// Nothing read so far.
    pub(crate) fn new(io: R) -> Self {
        Self {
            io,
            buffer: BytesMut::new(),
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

    /// Resolves when the client is gone. It never takes a byte that is not the
    /// client's next request, and reads only so much of that.
    pub(crate) async fn watch(&mut self) {
        while self.buffer.len() < WATCH_AHEAD {
            match self.fill(HEAD_READ).await {
                Ok(0) => return self.hang_up().await,
                Ok(_) => {}
                Err(_) => return,
            }
        }
        // No more is read ahead: it is asked instead.
        self.gone().await;
    }

    /// Resolves when the client is gone, without reading. Where the transport
    /// cannot say, a client is noticed when nothing can be written to it.
    pub(crate) async fn gone(&self) {
        if !R::SEES_HANGUP {
            std::future::pending::<()>().await;
        }
        self.hang_up().await;
    }

    /// Gives back the memory of a large head or body, once all of it is taken.
    pub(crate) fn settle(&mut self) {
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT_BUFFER {
            self.buffer = BytesMut::new();
        }
    }

    /// Resolves when a client that has ended its side is gone altogether. One
    /// that only half-closed still waits for its answer.
    async fn hang_up(&self) {
        while R::SEES_HANGUP && !self.io.hung_up() {
            sleep(HANGUP_PROBE).await;
        }
    }

    /// For a tunnel: the transport, and the bytes that came ahead of it.
    pub(crate) fn tunnel(&mut self) -> (&mut R, Bytes) {
        (&mut self.io, self.buffer.split().freeze())
    }
}

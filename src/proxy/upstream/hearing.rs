//! A connection to the Engine → one that hears the Engine out.
//!
//! An Engine that answers an upload before its end may close the connection over
//! the rest. The next write then fails, and `hyper` gives up on a connection whose
//! writes fail, although the answer lies there to be read. Here a write that fails
//! never ends instead: what ends the exchange is what is read, the answer or the
//! end of the connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use hyperlocal::UnixStream;

use super::stream::EngineStream;

/// What `hyper` reads and writes.
pub(crate) enum Line {
    Unix(UnixStream),
    Other(TokioIo<EngineStream>),
}

/// A connection whose reading outlives its writing.
pub(crate) struct Hearing {
    stream: Line,
    deaf: Arc<AtomicBool>,
}

/// Tells whether the Engine has stopped to take what is written.
#[derive(Clone, Default)]
pub(crate) struct Deaf(Arc<AtomicBool>);

impl Deaf {
    /// Whether it has: then nothing more can be asked on the connection.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Hearing {
    /// Gives also the way to ask whether it still takes requests.
    pub(crate) fn new(stream: Line) -> (Self, Deaf) {
        let deaf = Deaf::default();
        let hearing = Self {
            stream,
            deaf: Arc::clone(&deaf.0),
        };
        (hearing, deaf)
    }
}

/// The same of whichever it is.
macro_rules! each {
    ($self:expr, $stream:ident => $what:expr) => {
        match $self {
            Line::Unix($stream) => $what,
            Line::Other($stream) => $what,
        }
    };
}

impl Read for Hearing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        each!(&mut self.stream, stream => Pin::new(stream).poll_read(cx, buffer))
    }
}

impl Write for Hearing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.deaf.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        match each!(&mut self.stream, stream => Pin::new(stream).poll_write(cx, bytes)) {
            // Whoever waits is woken by what can be read: at the latest by the
            // end, for a peer that takes nothing more has closed its side.
            Poll::Ready(Err(_)) => {
                self.deaf.store(true, Ordering::Relaxed);
                Poll::Pending
            }
            written => written,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(&mut self.stream, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(&mut self.stream, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

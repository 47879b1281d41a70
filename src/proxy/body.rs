//! The body of a request: bytes of the connection → bytes of the body, bounded.
//!
//! It is read in one of three ways, as the gate says: dropped, collected up to a
//! limit, or piece by piece. However it is read, what follows it in the buffer
//! is never touched. Cancelling a read loses nothing.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use thiserror::Error;
use tokio::time::timeout;

use super::chunked::{ChunkDecoder, ChunkError, Decoded};
use super::client::{ClientReader, PeerRead};
use super::framing::BodyLength;
use super::limits::{BODY_READ, LINGER_BYTES};

/// Why a body cannot be read.
#[derive(Debug, Error)]
pub(crate) enum BodyError {
    #[error("the body cannot be read: {0}")]
    Chunks(#[from] ChunkError),
    #[error("the connection ended within the body")]
    Truncated,
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the body nests deeper than {limit} levels")]
    TooDeep { limit: usize },
    #[error("the body did not arrive in time")]
    TooSlow,
    #[error("the connection failed within the body")]
    Read(#[source] io::Error),
}

/// How the rest of the body is found.
#[derive(Debug)]
enum Rest {
    Exact(u64),
    Chunked(ChunkDecoder),
    Nothing,
}

/// Reads one body.
#[derive(Debug)]
pub(crate) struct BodyReader {
    rest: Rest,
    /// How many bytes of the body were read.
    read: u64,
    /// Whether the client holds it back until it is asked for.
    held_back: bool,
}

impl BodyReader {
    /// At the beginning of a body of this length, which the client may hold back.
    pub(crate) fn new(length: BodyLength, held_back: bool) -> Self {
        Self {
            rest: match length {
                BodyLength::Exact(0) => Rest::Nothing,
                BodyLength::Exact(left) => Rest::Exact(left),
                BodyLength::Chunked => Rest::Chunked(ChunkDecoder::new()),
            },
            read: 0,
            held_back: held_back && length != BodyLength::Exact(0),
        }
    }

    /// Whether the client still waits to be asked for the body.
    pub(crate) fn is_held_back(&self) -> bool {
        self.held_back
    }

    /// The body is wanted now. Gives whether the client must be told.
    pub(crate) fn release(&mut self) -> bool {
        std::mem::take(&mut self.held_back)
    }

    /// Whether all of it was read, so that the next byte is the next request's.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.rest, Rest::Nothing)
    }

    /// How many bytes of the body were read.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read
    }

    /// Whether it is known that more than this is still to come.
    pub(crate) fn exceeds(&self, limit: u64) -> bool {
        matches!(self.rest, Rest::Exact(left) if left > limit)
    }

    /// The next piece, or `None` at the end. `idle` bounds each wait.
    pub(crate) async fn piece<R: PeerRead>(
        &mut self,
        from: &mut ClientReader<R>,
        idle: Duration,
    ) -> Result<Option<Bytes>, BodyError> {
        loop {
            match self.decode(from.buffer())? {
                Decoded::Data(data) => return Ok(Some(data)),
                Decoded::End => return Ok(None),
                Decoded::More => {}
            }
            match timeout(idle, from.fill(BODY_READ)).await {
                Err(_) => return Err(BodyError::TooSlow),
                Ok(Err(error)) => return Err(BodyError::Read(error)),
                Ok(Ok(0)) => return Err(BodyError::Truncated),
                Ok(Ok(_)) => {}
            }
        }
    }

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Decoded, ChunkError> {
        let decoded = match &mut self.rest {
            Rest::Nothing => Decoded::End,
            Rest::Exact(_) if buffer.is_empty() => Decoded::More,
            Rest::Exact(left) => {
                let here = usize::try_from(*left).map_or(buffer.len(), |n| n.min(buffer.len()));
                *left -= here as u64;
                if *left == 0 {
                    self.rest = Rest::Nothing;
                }
                Decoded::Data(buffer.split_to(here).freeze())
            }
            Rest::Chunked(decoder) => decoder.decode(buffer)?,
        };
        match &decoded {
            Decoded::Data(data) => self.read += data.len() as u64,
            Decoded::End => self.rest = Rest::Nothing,
            Decoded::More => {}
        }
        Ok(decoded)
    }

    /// The whole body, if it is no larger than `limit` and arrives within `time`.
    pub(crate) async fn collect<R: PeerRead>(
        &mut self,
        from: &mut ClientReader<R>,
        limit: usize,
        time: Duration,
    ) -> Result<Bytes, BodyError> {
        let mut whole = Bytes::new();
        let mut pieces = BytesMut::new();
        self.each(from, limit, time, |piece| {
            // One piece is the rule, and then nothing is copied.
            if whole.is_empty() && pieces.is_empty() {
                whole = piece;
            } else {
                pieces.extend_from_slice(&std::mem::take(&mut whole));
                pieces.extend_from_slice(&piece);
            }
        })
        .await?;
        Ok(if pieces.is_empty() {
            whole
        } else {
            pieces.freeze()
        })
    }

    /// Reads the whole body and drops it, under the same conditions.
    pub(crate) async fn discard<R: PeerRead>(
        &mut self,
        from: &mut ClientReader<R>,
        limit: usize,
        time: Duration,
    ) -> Result<(), BodyError> {
        self.each(from, limit, time, drop).await
    }

    /// Reads and drops the rest of a body that nobody wants, within bounds, so
    /// that a client which writes first and reads then comes to read. Gives
    /// whether its end was reached: then the connection can go on.
    pub(crate) async fn drain<R: PeerRead>(
        &mut self,
        from: &mut ClientReader<R>,
        time: Duration,
    ) -> bool {
        let start = self.read;
        let all = async {
            while self.read - start <= LINGER_BYTES {
                if !matches!(self.piece(from, time).await, Ok(Some(_))) {
                    break;
                }
            }
        };
        // Out of time is out of bounds like any other.
        drop(timeout(time, all).await);
        self.is_done()
    }

    async fn each<R: PeerRead>(
        &mut self,
        from: &mut ClientReader<R>,
        limit: usize,
        time: Duration,
        mut take: impl FnMut(Bytes),
    ) -> Result<(), BodyError> {
        if self.exceeds(limit as u64) {
            return Err(BodyError::TooLarge { limit });
        }
        let all = async {
            let mut size = 0;
            while let Some(piece) = self.piece(from, time).await? {
                size += piece.len();
                if size > limit {
                    return Err(BodyError::TooLarge { limit });
                }
                take(piece);
            }
            Ok(())
        };
        timeout(time, all).await.map_err(|_| BodyError::TooSlow)?
    }
}

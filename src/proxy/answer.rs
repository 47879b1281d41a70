//! The Engine's answer: its head, and its body piece by piece.
//!
//! It comes from `hyper` for ordinary requests, or from `tunnel`'s own reading
//! when a request that hijacks was answered in the ordinary way. Either way it
//! is read no faster than the client takes it, and an answer that ends before
//! its framing says so is an error, never an end.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use hyper::HeaderMap;
use hyper::Response;
use hyper::body::{Body, Incoming};
use hyper::ext::ReasonPhrase;
use tokio::io::AsyncReadExt;

use super::chunked::{ChunkDecoder, Decoded};
use super::limits::BODY_READ;
use super::upstream::EngineConnection;
use super::upstream::stream::{EngineRead, EngineWrite};

/// The answer broke off, or its framing is wrong.
#[derive(Debug)]
pub(crate) struct BrokenAnswer;

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct AnswerHead {
    /// The status.
    pub(crate) status: u16,
    /// The words beside it, where they are not the usual ones.
    pub(crate) reason: Option<Bytes>,
    /// The header lines.
    pub(crate) headers: HeaderMap,
}

/// A piece of an answer's body.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Some bytes.
    Data(Bytes),
    /// What follows the last of them.
    Trailers(HeaderMap),
}

/// An answer whose body has not been read yet.
pub(crate) struct Answer {
    /// Its head.
    pub(crate) head: AnswerHead,
    body: AnswerBody,
}

enum AnswerBody {
    Pooled {
        incoming: Incoming,
        connection: EngineConnection,
    },
    Raw(RawBody),
}

/// The body of an answer on a connection that was meant to be a tunnel.
pub(crate) struct RawBody {
    pub(crate) reader: EngineRead,
    /// Only held: closing it would tell the Engine that the client is gone.
    pub(crate) writer: EngineWrite,
    pub(crate) buffer: BytesMut,
    pub(crate) rest: RawRest,
}

/// How the rest of a raw body is found.
pub(crate) enum RawRest {
    Exact(u64),
    Chunked(ChunkDecoder),
    UntilEnd,
}

impl Answer {
    /// An answer that came over a pooled connection.
    pub(crate) fn pooled(response: Response<Incoming>, connection: EngineConnection) -> Self {
        let (parts, incoming) = response.into_parts();
        let reason = parts
            .extensions
            .get::<ReasonPhrase>()
            .map(|reason| Bytes::copy_from_slice(reason.as_bytes()));
        Self {
            head: AnswerHead {
                status: parts.status.as_u16(),
                reason,
                headers: parts.headers,
            },
            body: AnswerBody::Pooled {
                incoming,
                connection,
            },
        }
    }

    /// An ordinary answer to a request that hijacks.
    pub(crate) fn raw(head: AnswerHead, body: RawBody) -> Self {
        Self {
            head,
            body: AnswerBody::Raw(body),
        }
    }

    /// The length of the body, where the answer tells it.
    pub(crate) fn length(&self) -> Option<u64> {
        match &self.body {
            AnswerBody::Pooled { incoming, .. } => incoming.size_hint().exact(),
            AnswerBody::Raw(raw) => match raw.rest {
                RawRest::Exact(length) => Some(length),
                RawRest::Chunked(_) | RawRest::UntilEnd => None,
            },
        }
    }

    /// The next piece, or `None` at the end. Cancelling it loses nothing. It may
    /// take as long as it likes: events come when they come.
    pub(crate) async fn piece(&mut self) -> Option<Result<Piece, BrokenAnswer>> {
        match &mut self.body {
            AnswerBody::Pooled {
                incoming,
                connection,
            } => {
                let frame = poll_fn(|cx| connection.link.poll_frame(incoming, cx)).await?;
                Some(match frame.map(hyper::body::Frame::into_data) {
                    Ok(Ok(data)) => Ok(Piece::Data(data)),
                    Ok(Err(other)) => match other.into_trailers() {
                        Ok(trailers) => Ok(Piece::Trailers(trailers)),
                        Err(_) => Err(BrokenAnswer),
                    },
                    Err(_) => Err(BrokenAnswer),
                })
            }
            AnswerBody::Raw(raw) => raw.piece().await.map(|data| data.map(Piece::Data)),
        }
    }

    /// The next piece if it is there at once.
    pub(crate) async fn piece_at_once(&mut self) -> Option<Option<Result<Piece, BrokenAnswer>>> {
        let mut piece = pin!(self.piece());
        poll_fn(|cx| {
            Poll::Ready(match piece.as_mut().poll(cx) {
                Poll::Ready(piece) => Some(piece),
                Poll::Pending => None,
            })
        })
        .await
    }

    /// Waits for `other` while the exchange with the Engine goes on.
    pub(crate) async fn drive<T>(&mut self, other: impl Future<Output = T>) -> T {
        match &mut self.body {
            AnswerBody::Pooled { connection, .. } => connection.link.drive(other).await,
            AnswerBody::Raw(_) => other.await,
        }
    }

    /// Gives back the connection of an answer that was read to its end.
    pub(crate) fn into_connection(self) -> Option<EngineConnection> {
        match self.body {
            AnswerBody::Pooled { connection, .. } => Some(connection),
            // Opened for one request, and closed after it.
            AnswerBody::Raw(raw) => {
                drop(raw.writer);
                None
            }
        }
    }
}

impl RawBody {
    async fn piece(&mut self) -> Option<Result<Bytes, BrokenAnswer>> {
        loop {
            let decoded = match &mut self.rest {
                RawRest::Exact(0) => Ok(Decoded::End),
                RawRest::Exact(_) | RawRest::UntilEnd if self.buffer.is_empty() => {
                    Ok(Decoded::More)
                }
                RawRest::UntilEnd => Ok(Decoded::Data(self.buffer.split().freeze())),
                RawRest::Exact(left) => {
                    let here = usize::try_from(*left)
                        .map_or(self.buffer.len(), |n| n.min(self.buffer.len()));
                    *left -= here as u64;
                    Ok(Decoded::Data(self.buffer.split_to(here).freeze()))
                }
                RawRest::Chunked(decoder) => decoder.decode(&mut self.buffer),
            };
            match decoded {
                Ok(Decoded::Data(data)) => return Some(Ok(data)),
                Ok(Decoded::End) => return None,
                Ok(Decoded::More) => {}
                Err(_) => return Some(Err(BrokenAnswer)),
            }
            self.buffer.reserve(BODY_READ);
            match self.reader.read_buf(&mut self.buffer).await {
                Ok(0) if matches!(self.rest, RawRest::UntilEnd) => return None,
                Ok(0) | Err(_) => return Some(Err(BrokenAnswer)),
                Ok(_) => {}
            }
        }
    }
}

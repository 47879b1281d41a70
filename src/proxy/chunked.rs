//! The chunked coding → the bytes it carries, with no input or output of its own.
//!
//! Strict: sizes are plain hexadecimal digits, every line ends in CR LF, data is
//! followed by CR LF. Extensions and trailers are checked, bounded and dropped.
//! Used for the bodies of requests and, in `tunnel`, for an Engine's ordinary
//! answer to a request that hijacks.

use bytes::{Bytes, BytesMut};
use thiserror::Error;

use super::limits::{CHUNK_LINE_MAX, TRAILERS_MAX};

/// Why a chunked body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum ChunkError {
    #[error("a chunk's size is malformed")]
    Size,
    #[error("a chunk's extension is malformed")]
    Extension,
    #[error("a line that announces a chunk is longer than {CHUNK_LINE_MAX} bytes")]
    LineTooLong,
    #[error("a line of the chunked coding does not end in CR LF")]
    LineEnd,
    #[error("a chunk is not followed by CR LF")]
    DataEnd,
    #[error("a trailer is malformed")]
    Trailer,
    #[error("the trailers are larger than {TRAILERS_MAX} bytes")]
    TrailersTooLarge,
}

/// What could be read from the bytes that are there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// A piece of the body.
    Data(Bytes),
    /// Nothing: more bytes are needed.
    More,
    /// The body has ended, and what is left in the buffer is what follows it.
    End,
}

/// Where in the coding the next byte is.
#[derive(Clone, Copy, Debug)]
enum State {
    Size,
    Data { left: u64 },
    DataEnd,
    Trailers { read: usize },
    Ended,
}

/// Reads one chunked body.
#[derive(Debug)]
pub(crate) struct ChunkDecoder {
    state: State,
}

impl ChunkDecoder {
    /// At the beginning of a body.
    pub(crate) fn new() -> Self {
        Self { state: State::Size }
    }

    /// Takes from the front of `buffer` what belongs to the body.
    pub(crate) fn decode(&mut self, buffer: &mut BytesMut) -> Result<Decoded, ChunkError> {
        loop {
            match self.state {
                State::Size => {
                    let Some(line) = take_line(buffer, CHUNK_LINE_MAX, ChunkError::LineTooLong)?
                    else {
                        return Ok(Decoded::More);
                    };
                    self.state = match chunk_size(&line)? {
                        0 => State::Trailers { read: 0 },
                        left => State::Data { left },
                    };
                }
                State::Data { left } => {
                    if buffer.is_empty() {
                        return Ok(Decoded::More);
                    }
                    let here = usize::try_from(left).map_or(buffer.len(), |n| n.min(buffer.len()));
                    self.state = match left - here as u64 {
                        0 => State::DataEnd,
                        left => State::Data { left },
                    };
                    return Ok(Decoded::Data(buffer.split_to(here).freeze()));
                }
                State::DataEnd => match (buffer.first(), buffer.get(1)) {
                    (Some(b'\r'), Some(b'\n')) => {
                        drop(buffer.split_to(2));
                        self.state = State::Size;
                    }
                    (None, _) | (Some(b'\r'), None) => return Ok(Decoded::More),
                    _ => return Err(ChunkError::DataEnd),
                },
                State::Trailers { read } => {
                    let room = TRAILERS_MAX.saturating_sub(read);
                    let Some(line) = take_line(buffer, room, ChunkError::TrailersTooLarge)? else {
                        return Ok(Decoded::More);
                    };
                    if line.is_empty() {
                        self.state = State::Ended;
                    } else {
                        trailer(&line)?;
                        self.state = State::Trailers {
                            read: read + line.len() + 2,
                        };
                    }
                }
                State::Ended => return Ok(Decoded::End),
            }
        }
    }
}

/// Takes a line off the front, without its CR LF, once all of it is there.
fn take_line(
    buffer: &mut BytesMut,
    max: usize,
    too_long: ChunkError,
) -> Result<Option<BytesMut>, ChunkError> {
    // Nothing but the two bytes of the line end may be a control character, so
    // the first one that is found must be it.
    let control = buffer
        .iter()
        .take(max + 1)
        .position(|byte| *byte != b'\t' && byte.is_ascii_control());
    let Some(length) = control else {
        return if buffer.len() > max {
            Err(too_long)
        } else {
            Ok(None)
        };
    };
    match (buffer.get(length), buffer.get(length + 1)) {
        (Some(b'\r'), Some(b'\n')) => {
            let line = buffer.split_to(length);
            drop(buffer.split_to(2));
            Ok(Some(line))
        }
        (Some(b'\r'), None) => Ok(None),
        _ => Err(ChunkError::LineEnd),
    }
}

/// The size that a line announces.
fn chunk_size(line: &[u8]) -> Result<u64, ChunkError> {
    // Fifteen digits hold more than any body and never overflow.
    const DIGITS_MAX: usize = 15;
    let digits = line
        .iter()
        .position(|byte| !byte.is_ascii_hexdigit())
        .unwrap_or(line.len());
    let (size, rest) = line.split_at_checked(digits).ok_or(ChunkError::Size)?;
    if size.is_empty() || size.len() > DIGITS_MAX {
        return Err(ChunkError::Size);
    }
    match rest.first() {
        None | Some(b';') => {}
        Some(_) => return Err(ChunkError::Size),
    }
    if !rest.is_ascii() {
        return Err(ChunkError::Extension);
    }
    let size = std::str::from_utf8(size).map_err(|_| ChunkError::Size)?;
    u64::from_str_radix(size, 16).map_err(|_| ChunkError::Size)
}

/// A trailer must look like a header line; folded ones do not.
fn trailer(line: &[u8]) -> Result<(), ChunkError> {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    let is_name = !name.is_empty()
        && name.len() < line.len()
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte));
    if is_name {
        Ok(())
    } else {
        Err(ChunkError::Trailer)
    }
}

#[cfg(test)]
mod tests;

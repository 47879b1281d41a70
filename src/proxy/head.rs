//! Bytes of a connection → the head of a request, or a refusal.
//!
//! [`Scanner`] finds the end of the head and refuses, byte by byte, what two
//! parsers could read differently: bare line feeds, lone carriage returns,
//! control characters, folded lines, blank lines before the request line.
//! [`Head::parse`] then has `httparse` take the head apart, and both must agree
//! on where it ends. Nothing here knows what the headers mean: see `framing`
//! for the body's length and `Gate::head` for everything else.

use thiserror::Error;

use super::limits::{HEAD_MAX, HEADERS_MAX};

/// Why a request head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum HeadError {
    #[error("a line of the request head does not end in CR LF")]
    BareLineFeed,
    #[error("the request head holds a carriage return that ends no line")]
    LoneCarriageReturn,
    #[error("the request head holds a control character")]
    ControlCharacter,
    #[error(
        "this is TLS, and the listener speaks none: give it `tls`, or let the client do without"
    )]
    Tls,
    #[error("the request head holds a folded header line")]
    Folded,
    #[error("a blank line precedes the request line")]
    BlankLineFirst,
    #[error("the request head is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the request has more than {HEADERS_MAX} header lines")]
    TooManyHeaders,
    #[error("only HTTP/1.1 and HTTP/1.0 are served here")]
    Version,
    #[error("the request line is malformed")]
    RequestLine,
    #[error("a header line is malformed")]
    HeaderLine,
    #[error("the connection ended within the request head")]
    Truncated,
    #[error("the request head did not arrive in time")]
    TooSlow,
}

/// The protocol version of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// HTTP/1.0: answered, then closed. Never kept alive.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// A request head, taken apart and not yet interpreted.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    /// The method, as it came.
    pub(crate) method: &'a str,
    /// The request target, as it came.
    pub(crate) target: &'a str,
    /// The version of the request line.
    pub(crate) version: Version,
    /// The header lines in their order. Names as they came, values without the
    /// white space around them.
    pub(crate) headers: Vec<(&'a str, &'a [u8])>,
}

/// Finds the end of a head in bytes that arrive piece by piece. It remembers
/// how far it has looked, so that each byte is looked at once.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    at: usize,
    in_line: usize,
    lines: usize,
}

impl Scanner {
    /// Looks at `bytes`, which begin where the head begins and only ever grow
    /// between calls. Gives the head's length once its last byte is there.
    pub(crate) fn scan(&mut self, bytes: &[u8]) -> Result<Option<usize>, HeadError> {
        while let Some(&byte) = bytes.get(self.at) {
            if self.at >= HEAD_MAX {
                return Err(HeadError::TooLarge { limit: HEAD_MAX });
            }
            match byte {
                b'\r' => match bytes.get(self.at + 1) {
                    None => return Ok(None),
                    Some(b'\n') => {
                        self.at += 2;
                        match (self.in_line, self.lines) {
                            (0, 0) => return Err(HeadError::BlankLineFirst),
                            (0, _) => return Ok(Some(self.at)),
                            _ => {
                                self.lines += 1;
                                self.in_line = 0;
                            }
                        }
                        continue;
                    }
                    Some(_) => return Err(HeadError::LoneCarriageReturn),
                },
                b'\n' => return Err(HeadError::BareLineFeed),
                b' ' | b'\t' if self.in_line == 0 && self.lines > 0 => {
                    return Err(HeadError::Folded);
                }
                // A tab is white space within a header line, and nowhere else.
                b'\t' if self.lines > 0 => {}
                // The first byte of a handshake.
                0x16 if self.at == 0 => return Err(HeadError::Tls),
                0..=0x1f | 0x7f => return Err(HeadError::ControlCharacter),
                _ => {}
            }
            self.at += 1;
            self.in_line += 1;
        }
        Ok(None)
    }
}

impl<'a> Head<'a> {
    /// Takes apart the bytes of one head, up to and with its blank line.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, HeadError> {
        let mut slots = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut slots);
        let parsed = request.parse(bytes).map_err(|error| match error {
            httparse::Error::TooManyHeaders => HeadError::TooManyHeaders,
            httparse::Error::Version => HeadError::Version,
            httparse::Error::Token | httparse::Error::Status => HeadError::RequestLine,
            httparse::Error::HeaderName | httparse::Error::HeaderValue => HeadError::HeaderLine,
            httparse::Error::NewLine => HeadError::BareLineFeed,
        })?;
        // INVARIANT: the scanner and the parser agree on where the head ends, so
        // that nothing of the body is read as head or the other way round.
        if parsed != httparse::Status::Complete(bytes.len()) {
            return Err(HeadError::HeaderLine);
        }
        let (Some(method), Some(target), Some(version)) =
            (request.method, request.path, request.version)
        else {
            return Err(HeadError::RequestLine);
        };
        let version = match version {
            0 => Version::Http10,
            1 => Version::Http11,
            _ => return Err(HeadError::Version),
        };
        Ok(Self {
            method,
            target,
            version,
            headers: request
                .headers
                .iter()
                .map(|header| (header.name, header.value))
                .collect(),
        })
    }

    /// The values of all header lines of this name, in any case.
    pub(crate) fn values<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'a [u8]> + 'h {
        self.headers
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests;

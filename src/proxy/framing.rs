//! A head → how long the body is and what becomes of the connection after it.
//!
//! Everything that has been used to make two parties disagree about where a
//! request ends is refused: both lengths together, a length given twice, empty,
//! signed or as a list, any transfer coding but a single `chunked`, and chunks
//! on HTTP/1.0. Also refused here are the content types under which the Engine
//! would read a body as parameters or as gRPC. Nothing of what is read here is
//! forwarded: the request to the Engine is framed anew.

use thiserror::Error;

use super::head::{Head, Version};

/// Why the framing of a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum FramingError {
    #[error("the request has no Host header")]
    NoHost,
    #[error("the request has more than one Host header")]
    TwoHosts,
    #[error("the Host header is malformed")]
    Host,
    #[error("the request has both a Content-Length and a Transfer-Encoding header")]
    TwoFramings,
    #[error("the request has more than one Content-Length header")]
    TwoLengths,
    #[error("the Content-Length header is not a plain number")]
    Length,
    #[error("the only transfer coding understood is a single `chunked`")]
    Coding,
    #[error("HTTP/1.0 has no transfer codings")]
    CodingBefore11,
    #[error("the only expectation understood is `100-continue`")]
    Expectation,
    #[error("bodies of form, multipart and gRPC content types are not accepted")]
    ContentType,
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyLength {
    /// So many bytes; 0 where there is none.
    Exact(u64),
    /// As many as the chunks say.
    Chunked,
}

/// What the head says of everything around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framing<'a> {
    /// The body.
    pub(crate) length: BodyLength,
    /// Whether the connection may serve another request.
    pub(crate) keep_alive: bool,
    /// Whether the client waits to be told before it sends the body.
    pub(crate) expects_continue: bool,
    /// The protocol that the client asks to change to. HTTP/1.0 cannot ask.
    pub(crate) upgrade: Option<&'a [u8]>,
}

impl<'a> Framing<'a> {
    /// Reads the framing headers of a request.
    pub(crate) fn of(head: &Head<'a>) -> Result<Self, FramingError> {
        let modern = head.version == Version::Http11;
        host(head)?;
        content_types(head)?;
        Ok(Self {
            length: body_length(head)?,
            keep_alive: modern && !head.values("connection").any(asks_to_close),
            expects_continue: expects_continue(head)? && modern,
            upgrade: head.values("upgrade").next().filter(|_| modern),
        })
    }
}

/// HTTP/1.1 must name a host, if only an empty one; nobody may name two. What
/// the host is has no meaning on a socket, and is never forwarded.
fn host(head: &Head<'_>) -> Result<(), FramingError> {
    let mut hosts = head.values("host");
    match (hosts.next(), hosts.next()) {
        (None, _) if head.version == Version::Http11 => Err(FramingError::NoHost),
        (_, Some(_)) => Err(FramingError::TwoHosts),
        (Some(host), None) if !host.iter().all(|byte| is_host_byte(*byte)) => {
            Err(FramingError::Host)
        }
        _ => Ok(()),
    }
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!$%&'()*+,-.:;=[]_~".contains(&byte)
}

fn body_length(head: &Head<'_>) -> Result<BodyLength, FramingError> {
    let mut codings = head.values("transfer-encoding");
    let mut lengths = head.values("content-length");
    match (codings.next(), lengths.next()) {
        (Some(_), Some(_)) => Err(FramingError::TwoFramings),
        (Some(coding), None) => {
            if head.version == Version::Http10 {
                Err(FramingError::CodingBefore11)
            } else if codings.next().is_some() || !coding.eq_ignore_ascii_case(b"chunked") {
                Err(FramingError::Coding)
            } else {
                Ok(BodyLength::Chunked)
            }
        }
        (None, Some(_)) if lengths.next().is_some() => Err(FramingError::TwoLengths),
        (None, Some(length)) => number(length)
            .map(BodyLength::Exact)
            .ok_or(FramingError::Length),
        (None, None) => Ok(BodyLength::Exact(0)),
    }
}

/// Decimal digits and nothing else, within 64 bits.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn asks_to_close(value: &[u8]) -> bool {
    value
        .split(|byte| *byte == b',')
        .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
}

fn expects_continue(head: &Head<'_>) -> Result<bool, FramingError> {
    let mut expectations = head.values("expect");
    match (expectations.next(), expectations.next()) {
        (None, _) => Ok(false),
        (Some(one), None) if one.eq_ignore_ascii_case(b"100-continue") => Ok(true),
        _ => Err(FramingError::Expectation),
    }
}

/// The Engine reads form and multipart bodies as parameters and takes gRPC out
/// of its routing altogether. opgate forwards no content type of a client, so
/// this is the second lock on that door; any other type, right or wrong, passes.
fn content_types(head: &Head<'_>) -> Result<(), FramingError> {
    const REFUSED: [&[u8]; 3] = [
        b"application/x-www-form-urlencoded",
        b"multipart/",
        b"application/grpc",
    ];
    let refused = head
        .values("content-type")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .any(|kind| {
            let kind = kind.trim_ascii();
            REFUSED.iter().any(|refused| {
                kind.get(..refused.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(refused))
            })
        });
    if refused {
        return Err(FramingError::ContentType);
    }
    Ok(())
}

#[cfg(test)]
mod tests;

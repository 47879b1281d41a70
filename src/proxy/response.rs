//! The writing side of a client's connection: answers → bytes.
//!
//! Writes the Engine's answers with framing of our own, opgate's refusals in the
//! Engine's error form, and interim answers. What is there at once is written at
//! once: pieces are collected while more of them are ready and written at every
//! lull, so that a stream never waits in here.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use hyper::header::{self, HeaderName};
use hyper::{HeaderMap, StatusCode};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::answer::{Answer, AnswerHead, BrokenAnswer, Piece};
use super::head::Version;
use super::limits::{ANSWER_BUFFER, ANSWER_DIRECT};
use super::record::Entry;

/// What the client's request says of the form of its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// The version of the request.
    pub(crate) version: Version,
    /// Whether only the head of an answer was asked for.
    pub(crate) head_only: bool,
    /// Whether the connection ends with this answer.
    pub(crate) close: bool,
}

/// How an answer's end is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// There is no body whatever the header lines say.
    Nothing,
    Exact(u64),
    Chunked,
    UntilClose,
}

/// Why an answer was not delivered.
#[derive(Debug)]
pub(crate) enum RelayError {
    /// The client does not take it.
    Client,
    /// The Engine did not complete it.
    Engine,
}

impl From<io::Error> for RelayError {
    fn from(_: io::Error) -> Self {
        Self::Client
    }
}

impl From<BrokenAnswer> for RelayError {
    fn from(_: BrokenAnswer) -> Self {
        Self::Engine
    }
}

/// A client's side of a connection, as far as it is written.
#[derive(Debug)]
pub(crate) struct ClientWriter<W> {
    io: W,
    /// What is to be written: `out`, then `large`, then `after`.
    out: BytesMut,
    /// A piece that is not copied; empty where there is none.
    large: Bytes,
    after: BytesMut,
    started: bool,
}

impl<W: AsyncWrite + Unpin + Send> ClientWriter<W> {
    /// Nothing written so far.
    pub(crate) fn new(io: W) -> Self {
        Self {
            io,
            out: BytesMut::new(),
            large: Bytes::new(),
            after: BytesMut::new(),
            started: false,
        }
    }

    /// A new request is served: no byte of its answer was written.
    pub(crate) fn begin(&mut self) {
        self.started = false;
    }

    /// Whether bytes of the answer may have reached the client, so that another
    /// answer can no longer be given.
    pub(crate) fn has_started(&self) -> bool {
        self.started
    }

    /// Tells the client to send the body that it holds back.
    pub(crate) async fn ask_for_body(&mut self) -> io::Result<()> {
        self.out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        self.flush().await
    }

    /// Answers with a message in the Engine's error form.
    pub(crate) async fn refuse(
        &mut self,
        form: Form,
        status: u16,
        message: &str,
        retry_after: Option<u64>,
    ) -> io::Result<()> {
        let mut body = serde_json::json!({ "message": message }).to_string();
        body.push('\n');
        let mut headers = HeaderMap::new();
        let json = header::HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        self.push_head(
            form,
            status,
            None,
            &headers,
            Length::Exact(body.len() as u64),
        );
        if !form.head_only {
            self.out.extend_from_slice(body.as_bytes());
        }
        self.flush().await
    }

    /// Answers with a body that is there as a whole, in place of the Engine's.
    pub(crate) async fn send_whole(
        &mut self,
        form: Form,
        head: &AnswerHead,
        body: &[u8],
        entry: &Entry,
    ) -> io::Result<()> {
        let length = Length::Exact(body.len() as u64);
        self.push_head(
            form,
            head.status,
            head.reason.as_deref(),
            &head.headers,
            length,
        );
        self.out.extend_from_slice(body);
        self.flush().await?;
        entry.count_out(body.len() as u64);
        Ok(())
    }

    /// Passes an answer on, to its end.
    pub(crate) async fn relay(
        &mut self,
        form: Form,
        answer: &mut Answer,
        entry: &Entry,
    ) -> Result<(), RelayError> {
        let length = length_of(form, answer);
        let head = &answer.head;
        self.push_head(
            form,
            head.status,
            head.reason.as_deref(),
            &head.headers,
            length,
        );
        let mut written = 0;
        loop {
            let piece = if let Some(piece) = answer.piece_at_once().await {
                piece
            } else {
                answer.drive(self.flush()).await?;
                answer.piece().await
            };
            let piece = match piece.transpose() {
                Ok(piece) => piece,
                Err(broken) => {
                    // What did come is the client's, if not its end.
                    self.flush().await?;
                    return Err(broken.into());
                }
            };
            match piece {
                Some(Piece::Data(data)) if data.is_empty() => {}
                Some(Piece::Data(data)) => {
                    written += data.len() as u64;
                    // INVARIANT: never a byte more than the head has promised.
                    match length {
                        Length::Nothing => return Err(RelayError::Engine),
                        Length::Exact(length) if written > length => {
                            return Err(RelayError::Engine);
                        }
                        _ => {}
                    }
                    let size = data.len() as u64;
                    let chunked = length == Length::Chunked;
                    answer.drive(self.push_data(data, chunked)).await?;
                    entry.count_out(size);
                }
                Some(Piece::Trailers(trailers)) => {
                    if length == Length::Chunked {
                        let end = self.end();
                        end.extend_from_slice(b"0\r\n");
                        push_headers(end, &trailers, is_trailer);
                        end.extend_from_slice(b"\r\n");
                        self.flush().await?;
                        return Ok(());
                    }
                }
                None => break,
            }
        }
        match length {
            Length::Exact(length) if written < length && !form.head_only => {
                return Err(RelayError::Engine);
            }
            Length::Chunked => self.end().extend_from_slice(b"0\r\n\r\n"),
            _ => {}
        }
        self.flush().await?;
        Ok(())
    }

    async fn push_data(&mut self, data: Bytes, chunked: bool) -> io::Result<()> {
        let is_large = data.len() >= ANSWER_DIRECT;
        if is_large && !self.large.is_empty() {
            self.flush().await?;
        }
        if chunked {
            let size = format!("{:x}\r\n", data.len());
            self.end().extend_from_slice(size.as_bytes());
        }
        if is_large {
            // Not written yet: what follows it at once goes with it.
            self.large = data;
        } else {
            self.end().extend_from_slice(&data);
        }
        if chunked {
            self.end().extend_from_slice(b"\r\n");
        }
        if self.out.len() + self.after.len() >= ANSWER_BUFFER {
            self.flush().await?;
        }
        Ok(())
    }

    /// Where the next bytes go.
    fn end(&mut self) -> &mut BytesMut {
        if self.large.is_empty() {
            &mut self.out
        } else {
            &mut self.after
        }
    }

    /// Writes what was collected.
    async fn flush(&mut self) -> io::Result<()> {
        let mut all = (&mut self.out)
            .chain(&mut self.large)
            .chain(&mut self.after);
        self.io.write_all_buf(&mut all).await?;
        // An empty piece still holds the memory that it came in.
        self.large = Bytes::new();
        self.io.flush().await
    }

    /// Writes bytes that are an answer's head already: the Engine's own, before a tunnel.
    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.started = true;
        self.out.extend_from_slice(bytes);
        self.flush().await
    }

    /// Tells the client that nothing more comes.
    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        self.io.shutdown().await
    }

    /// For a tunnel: the transport.
    pub(crate) fn tunnel(&mut self) -> &mut W {
        &mut self.io
    }

    fn push_head(
        &mut self,
        form: Form,
        status: u16,
        reason: Option<&[u8]>,
        headers: &HeaderMap,
        length: Length,
    ) {
        self.started = true;
        let version: &[u8] = match form.version {
            Version::Http10 => b"HTTP/1.0 ",
            Version::Http11 => b"HTTP/1.1 ",
        };
        let usual = StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason());
        let reason = reason
            .or_else(|| usual.map(str::as_bytes))
            .unwrap_or_default();
        let out = &mut self.out;
        out.extend_from_slice(version);
        out.extend_from_slice(status.to_string().as_bytes());
        out.extend_from_slice(b" ");
        out.extend_from_slice(reason);
        out.extend_from_slice(b"\r\n");
        let named = named_by_connection(headers);
        push_headers(out, headers, |name| {
            !is_hop_by_hop(name)
                && !named.iter().any(|other| name.as_str() == other)
                // The length that a body would have had is the Engine's to say; 204
                // never has one.
                && (*name != header::CONTENT_LENGTH
                    || (length == Length::Nothing && status != 204))
        });
        match length {
            Length::Exact(length) => {
                out.extend_from_slice(format!("Content-Length: {length}\r\n").as_bytes());
            }
            Length::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
            Length::Nothing | Length::UntilClose => {}
        }
        if form.close || length == Length::UntilClose {
            out.extend_from_slice(b"Connection: close\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn length_of(form: Form, answer: &Answer) -> Length {
    if form.head_only || matches!(answer.head.status, 204 | 304) {
        Length::Nothing
    } else if let Some(length) = answer.length() {
        Length::Exact(length)
    } else if form.version == Version::Http10 {
        Length::UntilClose
    } else {
        Length::Chunked
    }
}

/// Header lines that belong to the connection with the Engine.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    const HOP_BY_HOP: [HeaderName; 6] = [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::TE,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
    ];
    HOP_BY_HOP.contains(name) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// Header lines that may not come after the body: they would have changed how it is read.
fn is_trailer(name: &HeaderName) -> bool {
    !is_hop_by_hop(name)
        && ![
            header::CONTENT_LENGTH,
            header::HOST,
            header::TRAILER,
            header::CONTENT_TYPE,
        ]
        .contains(name)
}

/// The names that `Connection` declares to be for this hop only.
fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect()
}

fn push_headers(out: &mut BytesMut, headers: &HeaderMap, keep: impl Fn(&HeaderName) -> bool) {
    for (name, value) in headers.iter().filter(|(name, _)| keep(name)) {
        push_name(out, name);
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// Names are written as the Engine writes them: Go capitalises each word.
fn push_name(out: &mut BytesMut, name: &HeaderName) {
    let mut start = true;
    for byte in name.as_str().bytes() {
        let byte = if start {
            byte.to_ascii_uppercase()
        } else {
            byte
        };
        out.extend_from_slice(&[byte]);
        start = byte == b'-';
    }
}

#[cfg(test)]
mod tests;

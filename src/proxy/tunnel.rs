//! A permit that hijacks → a tunnel between the client and the Engine, or an
//! ordinary answer.
//!
//! `hyper` knows upgrades by 101 but not the Engine's other way, a 200 after
//! which both sides just talk; so both sides are our own here. The request goes
//! alone on a new connection and no byte of the client follows it before the
//! Engine's status line says that it listens. Only 101 with the expected upgrade,
//! or 200 with one of the two stream types and no framing, makes a tunnel. Any
//! other answer is passed on as what it is, and what the client sent beyond its
//! request stays in its buffer as the next request, to be judged like any other.

use std::future::pending;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::sleep;

use super::answer::{Answer, AnswerHead, RawBody, RawRest};
use super::chunked::ChunkDecoder;
use super::client::{ClientReader, Peer, PeerRead};
use super::framing::number;
use super::head::Scanner;
use super::limits::{
    HANGUP_PROBE, HEAD_READ, TUNNEL_ABANDONED, TUNNEL_BUFFER, TUNNEL_HEAD_MAX, TUNNEL_HEADERS_MAX,
};
use super::record::Entry;
use super::response::ClientWriter;
use super::upstream::request;
use super::upstream::stream::{EngineRead, EngineWrite};
use super::upstream::{Upstream, UpstreamError};
use crate::gate::{EncodedBody, Permit};

/// The content types under which a 200 is the beginning of a stream.
const STREAM_TYPES: [&[u8]; 2] = [
    b"application/vnd.docker.raw-stream",
    b"application/vnd.docker.multiplexed-stream",
];

/// What the Engine made of a request that hijacks.
pub(crate) enum Opened {
    /// The Engine listens.
    Tunnel(Tunnel),
    /// It answered in the ordinary way.
    Ordinary(Answer),
}

/// The Engine's side of a tunnel.
pub(crate) struct Tunnel {
    /// The status, for the record.
    pub(crate) status: u16,
    /// The head of the Engine's answer, for the client as it is.
    head: Bytes,
    /// What came after the head.
    first: Bytes,
    reader: EngineRead,
    writer: EngineWrite,
}

/// Which way a tunnel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TunnelEnd {
    /// Both sides said all they had to say, or the Engine left: the client may
    /// still be reading.
    Engine,
    /// The client is gone.
    Client,
    /// The gate stops, and the client's side was taken to have ended. It may still be
    /// reading.
    Stopped,
}

/// Whether a request's `Upgrade` asks for the protocol of the operation. The
/// Engine takes any value for its own `tcp`, and the named one for the others.
pub(crate) fn asks_for(upgrade: Option<&[u8]>, token: &str) -> bool {
    upgrade.is_some_and(|asked| {
        token == "tcp" || asked.trim_ascii().eq_ignore_ascii_case(token.as_bytes())
    })
}

/// Sends the permit's request on a connection of its own and reads the head of
/// the answer.
pub(crate) async fn open(
    upstream: &Upstream,
    permit: &Permit,
    token: &str,
    upgrade: bool,
    time: Duration,
) -> Result<Opened, UpstreamError> {
    let request = write_request(permit, upgrade.then_some(token))?;
    let (mut reader, mut writer) = upstream.socket().await?.into_split();
    let exchange = async {
        // An Engine that refuses may not take all of it, and still says why.
        if writer.write_all(&request).await.is_ok() {
            // TLS keeps some of it otherwise.
            drop(writer.flush().await);
        }
        read_head(upstream, &mut reader).await
    };
    let exchanged = upstream.within(time, exchange).await;
    let (head, rest) = exchanged.inspect_err(|_| upstream.health().doubted())?;
    upstream.health().answered();
    let answer = parse(&head)?;
    if makes_tunnel(&answer, token, upgrade) {
        return Ok(Opened::Tunnel(Tunnel {
            status: answer.status,
            head,
            first: rest.freeze(),
            reader,
            writer,
        }));
    }
    // An upgrade to something else, or one that nobody asked for.
    if answer.status < 200 {
        return Err(UpstreamError::Answer);
    }
    let body = RawBody {
        rest: framing(&answer)?,
        reader,
        writer,
        buffer: rest,
    };
    Ok(Opened::Ordinary(Answer::raw(answer, body)))
}

/// The whole request, written out.
fn write_request(permit: &Permit, upgrade: Option<&str>) -> Result<Vec<u8>, UpstreamError> {
    let body = match permit.request().body() {
        EncodedBody::Empty => Bytes::new(),
        EncodedBody::Json(body) => body.clone(),
        // Nothing that hijacks streams a body before it does.
        EncodedBody::Stream { .. } => return Err(UpstreamError::Request),
    };
    let parts = request::head(permit)?;
    let mut out = Vec::with_capacity(512 + body.len());
    let mut push = |pieces: &[&[u8]]| pieces.iter().for_each(|piece| out.extend_from_slice(piece));
    let target = parts.uri.to_string();
    push(&[
        parts.method.as_str().as_bytes(),
        b" ",
        target.as_bytes(),
        b" HTTP/1.1\r\n",
    ]);
    for (name, value) in &parts.headers {
        push(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
    }
    if let Some(token) = upgrade {
        push(&[
            b"connection: Upgrade\r\nupgrade: ",
            token.as_bytes(),
            b"\r\n",
        ]);
    }
    push(&[b"\r\n", &body]);
    Ok(out)
}

/// Reads an answer's head; gives it and what came after it.
async fn read_head(
    upstream: &Upstream,
    reader: &mut EngineRead,
) -> Result<(Bytes, BytesMut), UpstreamError> {
    let mut buffer = BytesMut::with_capacity(HEAD_READ);
    let mut scanner = Scanner::default();
    loop {
        match reader.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return Err(upstream.broken()),
            Ok(_) => {}
        }
        match scanner.scan(&buffer) {
            Ok(Some(length)) => return Ok((buffer.split_to(length).freeze(), buffer)),
            Ok(None) if buffer.len() < TUNNEL_HEAD_MAX => buffer.reserve(HEAD_READ),
            Ok(None) => {
                return Err(UpstreamError::AnswerTooLarge {
                    limit: TUNNEL_HEAD_MAX,
                });
            }
            Err(_) => return Err(UpstreamError::Answer),
        }
    }
}

/// Takes an answer's head apart.
fn parse(head: &[u8]) -> Result<AnswerHead, UpstreamError> {
    let mut slots = [httparse::EMPTY_HEADER; TUNNEL_HEADERS_MAX];
    let mut response = httparse::Response::new(&mut slots);
    let parsed = response.parse(head).map_err(|_| UpstreamError::Answer)?;
    let (httparse::Status::Complete(length), Some(1), Some(status)) =
        (parsed, response.version, response.code)
    else {
        return Err(UpstreamError::Answer);
    };
    if length != head.len() {
        return Err(UpstreamError::Answer);
    }
    let mut headers = HeaderMap::new();
    for header in response.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes());
        let value = HeaderValue::from_bytes(header.value);
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(UpstreamError::Answer);
        };
        headers.append(name, value);
    }
    Ok(AnswerHead {
        status,
        reason: response
            .reason
            .map(|reason| Bytes::copy_from_slice(reason.as_bytes())),
        headers,
    })
}

/// INVARIANT: the only two answers after which bytes are relayed unseen.
fn makes_tunnel(answer: &AnswerHead, token: &str, upgrade: bool) -> bool {
    let only = |name: &str| {
        let mut values = answer.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value.as_bytes()),
            _ => None,
        }
    };
    // What has a length or a coding is a message, whatever its status says.
    if answer.headers.contains_key("content-length")
        || answer.headers.contains_key("transfer-encoding")
    {
        return false;
    }
    match answer.status {
        101 => {
            upgrade
                && only("upgrade").is_some_and(|value| value.eq_ignore_ascii_case(token.as_bytes()))
        }
        200 => {
            token == "tcp" && only("content-type").is_some_and(|kind| STREAM_TYPES.contains(&kind))
        }
        _ => false,
    }
}

/// How the body of an ordinary answer ends.
fn framing(answer: &AnswerHead) -> Result<RawRest, UpstreamError> {
    let mut lengths = answer.headers.get_all("content-length").iter();
    let mut codings = answer.headers.get_all("transfer-encoding").iter();
    if matches!(answer.status, 204 | 304) {
        return Ok(RawRest::Exact(0));
    }
    match (codings.next(), lengths.next()) {
        (None, None) => Ok(RawRest::UntilEnd),
        (Some(coding), None)
            if coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none() =>
        {
            Ok(RawRest::Chunked(ChunkDecoder::new()))
        }
        (None, Some(length)) if lengths.next().is_none() => number(length.as_bytes())
            .map(RawRest::Exact)
            .ok_or(UpstreamError::Answer),
        _ => Err(UpstreamError::Answer),
    }
}

impl Tunnel {
    /// Relays until both sides have ended, or one of them is gone. There is no
    /// limit on how long either may be silent: a shell at its prompt is silent.
    /// Each side's end travels to the other by itself. Once `farewell` resolves, the
    /// client is taken to have said all: most of what runs in the Engine ends then.
    pub(crate) async fn relay<R: PeerRead, W: AsyncWrite + Unpin + Send>(
        self,
        client_reader: &mut ClientReader<R>,
        client_writer: &mut ClientWriter<W>,
        entry: &Entry,
        farewell: impl Future<Output = ()>,
    ) -> TunnelEnd {
        let Self {
            head,
            first,
            mut reader,
            mut writer,
            ..
        } = self;
        if client_writer.send_raw(&head).await.is_err() {
            return TunnelEnd::Client;
        }
        let (client, ahead) = client_reader.tunnel();
        let patience = Some(TUNNEL_ABANDONED);
        let up = pump(client, &mut writer, ahead, patience, farewell, |bytes| {
            entry.count_in(bytes);
        });
        // What the Engine said before it left waits for as long as the client
        // reads; a client that left makes the write fail.
        let client_writer = client_writer.tunnel();
        let down = pump(
            &mut reader,
            client_writer,
            first,
            None,
            pending(),
            |bytes| {
                entry.count_out(bytes);
            },
        );
        let mut up = std::pin::pin!(up);
        let mut down = std::pin::pin!(down);
        // The side that has ended, kept to see whether its peer is still there.
        let (mut client, mut engine) = (None, None);
        let mut over = TunnelEnd::Engine;
        loop {
            tokio::select! {
                (end, reader) = &mut up, if client.is_none() => match end {
                    PumpEnd::Taken => {
                        over = TunnelEnd::Stopped;
                        client = Some(reader);
                    }
                    // Where the Engine takes no more, what it still has to say
                    // must reach the client all the same.
                    PumpEnd::Ended | PumpEnd::WriteFailed => client = Some(reader),
                    PumpEnd::ReadFailed => return TunnelEnd::Client,
                },
                (end, reader) = &mut down, if engine.is_none() => match end {
                    PumpEnd::Ended | PumpEnd::Taken => engine = Some(reader),
                    PumpEnd::WriteFailed => return TunnelEnd::Client,
                    PumpEnd::ReadFailed => return over,
                },
                () = sleep(HANGUP_PROBE), if client.is_some() || engine.is_some() => {
                    if client.as_ref().is_some_and(|client| client.peer() == Peer::Gone) {
                        return TunnelEnd::Client;
                    }
                    if engine.as_ref().is_some_and(|engine| engine.peer() == Peer::Gone) {
                        return over;
                    }
                }
            }
            if client.is_some() && engine.is_some() {
                return over;
            }
        }
    }
}

/// How one direction of a tunnel ended.
enum PumpEnd {
    /// The source ended, and the sink was told.
    Ended,
    /// The source was taken to have ended.
    Taken,
    ReadFailed,
    WriteFailed,
}

/// Resolves so long after a peer has left altogether; never without patience.
async fn left<R: PeerRead>(peer: &R, patience: Option<Duration>) {
    let Some(patience) = patience else {
        return pending().await;
    };
    while peer.peer() != Peer::Gone {
        sleep(HANGUP_PROBE).await;
    }
    sleep(patience).await;
}

/// Copies one direction, `first` first, until its source ends or is taken to. A source that
/// has left has so much patience with a sink that takes nothing. Gives the
/// source back.
async fn pump<'r, R, W>(
    from: &'r mut R,
    to: &mut W,
    first: Bytes,
    patience: Option<Duration>,
    taken: impl Future<Output = ()>,
    count: impl Fn(u64),
) -> (PumpEnd, &'r R)
where
    R: PeerRead,
    W: AsyncWrite + Unpin,
{
    let mut piece = BytesMut::from(first);
    let mut taken = std::pin::pin!(taken);
    let end = loop {
        if !piece.is_empty() {
            let size = piece.len() as u64;
            let write = async {
                to.write_all_buf(&mut piece).await?;
                to.flush().await
            };
            tokio::select! {
                biased;
                written = write => if written.is_err() {
                    break PumpEnd::WriteFailed;
                },
                () = left(from, patience) => break PumpEnd::ReadFailed,
            }
            count(size);
        }
        piece.clear();
        piece.reserve(TUNNEL_BUFFER);
        let read = tokio::select! {
            biased;
            read = from.read_buf(&mut piece) => read,
            () = &mut taken => {
                drop(to.shutdown().await);
                break PumpEnd::Taken;
            }
        };
        match read {
            Ok(0) if to.shutdown().await.is_ok() => break PumpEnd::Ended,
            Ok(0) => break PumpEnd::WriteFailed,
            Ok(_) => {}
            Err(_) => break PumpEnd::ReadFailed,
        }
    };
    (end, from)
}

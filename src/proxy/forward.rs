//! A permit → the Engine's answer at the client.
//!
//! Two things go on at once: the request's body flows to the Engine while the
//! answer flows to the client, in either order, each at the pace of the slower
//! side. When the body is through, the client is watched, so that an exchange
//! whose client has left is abandoned at the Engine as well. `forward` takes a
//! permit and nothing else that could name a request.

use std::future::{Future, pending};

use bytes::BytesMut;
use hyper::Request;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::answer::{Answer, Piece};
use super::body::{BodyError, BodyReader};
use super::client::{ClientReader, PeerRead};
use super::limits::{Limits, UPLOAD_QUEUE, VERSION_MAX};
use super::negotiation;
use super::record::Entry;
use super::rescue::Failure;
use super::response::{ClientWriter, Form, RelayError};
use super::upstream::request::{self, RequestBody};
use super::upstream::{EngineConnection, SendError, Upstream, UpstreamError};
use crate::api::Operation;
use crate::gate::{EncodedBody, Gate, Permit};

/// How an exchange ended.
#[derive(Debug)]
pub(crate) enum Forwarded {
    /// The answer was delivered to its end.
    Answered,
    /// It was not, and nothing more can be said to the client.
    Abandoned,
}

/// What an exchange is made of, beside the client.
pub(crate) struct Exchange<'e> {
    /// The client's Engine.
    pub(crate) upstream: &'e Upstream,
    pub(crate) limits: &'e Limits,
    /// When the answer must be there.
    pub(crate) deadline: Option<Instant>,
    pub(crate) permit: &'e Permit,
    pub(crate) entry: &'e Entry,
    pub(crate) form: Form,
}

impl Exchange<'_> {
    /// Sends the permit's request and passes the answer on. A failure is given
    /// back only as long as the client can still be told.
    pub(crate) async fn forward<R: PeerRead, W: AsyncWrite + Unpin + Send>(
        &self,
        reader: &mut ClientReader<R>,
        writer: &mut ClientWriter<W>,
        body: &mut BodyReader,
        connection: EngineConnection,
    ) -> Result<Forwarded, Failure> {
        let (sender, pieces) = match self.permit.request().body() {
            EncodedBody::Stream { .. } => {
                let (sender, pieces) = mpsc::channel(UPLOAD_QUEUE);
                (Some(sender), Some(pieces))
            }
            EncodedBody::Empty | EncodedBody::Json(_) => (None, None),
        };
        let request = request::request(self.permit, pieces)?;
        let limits = self.limits;
        let ended = tokio::select! {
            biased;
            answered = self.answer(writer, connection, request) => Ok(answered),
            stopped = upload(reader, body, sender, limits, self.entry) => Err(stopped),
        };
        match ended {
            Ok(Ok(connection)) => {
                // A connection with half a request on it serves no other.
                if let Some(connection) = connection
                    && body.is_done()
                {
                    self.upstream.keep(connection);
                }
                Ok(Forwarded::Answered)
            }
            Ok(Err(failure)) if !writer.has_started() => Err(failure),
            Err(Some(error)) if !writer.has_started() => Err(error.into()),
            Ok(Err(_)) | Err(_) => Ok(Forwarded::Abandoned),
        }
    }

    /// Waits for the answer and passes it on. Gives back the connection.
    async fn answer<W: AsyncWrite + Unpin + Send>(
        &self,
        writer: &mut ClientWriter<W>,
        connection: EngineConnection,
        request: Request<RequestBody>,
    ) -> Result<Option<EngineConnection>, Failure> {
        let engine = connection.version;
        let answer = self.send(connection, request);
        let mut answer = match self.permit.request().body() {
            // It comes when the upload is through, which takes what it takes.
            EncodedBody::Stream { .. } => answer.await?,
            EncodedBody::Empty | EncodedBody::Json(_) => self.in_time(answer).await??,
        };
        // A change of protocol that nobody asked for.
        if answer.head.status < 200 {
            return Err(UpstreamError::Answer.into());
        }
        self.entry.answered(answer.head.status);
        let offered = || Gate::adjust_version(engine).ok_or(UpstreamError::Answer);
        match self.permit.request().operation() {
            Operation::SystemPing | Operation::SystemPingHead => {
                let (_, newest) = offered()?;
                negotiation::adjust_ping(&mut answer.head.headers, newest);
            }
            Operation::SystemVersion if answer.head.status == 200 => {
                let (oldest, newest) = offered()?;
                let body = collect(&mut answer).await?;
                let adjusted = negotiation::adjust_version(&body, oldest, newest)
                    .ok_or(UpstreamError::Answer)?;
                writer
                    .send_whole(self.form, &answer.head, &adjusted, self.entry)
                    .await
                    .map_err(|_| UpstreamError::Answer)?;
                return Ok(answer.into_connection());
            }
            _ => {}
        }
        // One without a known length is a stream.
        match answer.length() {
            Some(_) => self.in_time(self.relay(writer, answer)).await?,
            None => self.relay(writer, answer).await,
        }
    }

    /// Waits until the deadline.
    async fn in_time<T>(&self, wait: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            done = wait => Ok(done),
            late = late(self.limits, self.deadline) => Err(late),
        }
    }

    /// Passes an answer on as it is.
    pub(crate) async fn relay<W: AsyncWrite + Unpin + Send>(
        &self,
        writer: &mut ClientWriter<W>,
        mut answer: Answer,
    ) -> Result<Option<EngineConnection>, Failure> {
        match writer.relay(self.form, &mut answer, self.entry).await {
            Ok(()) => Ok(answer.into_connection()),
            // Either way the head is out, and the client sees the connection
            // end before the answer does.
            Err(RelayError::Client | RelayError::Engine) => Err(UpstreamError::Answer.into()),
        }
    }

    /// Sends the request, once more on a new connection where that is safe.
    async fn send(
        &self,
        mut connection: EngineConnection,
        mut request: Request<RequestBody>,
    ) -> Result<Answer, UpstreamError> {
        let upstream = self.upstream;
        loop {
            let error = match connection.link.send(request).await {
                Ok(response) => {
                    upstream.health().answered();
                    return Ok(Answer::pooled(response, connection));
                }
                Err(error) => error,
            };
            upstream.health().doubted();
            // Only a connection that has waited may have been closed for a
            // reason that has nothing to do with this request.
            if !connection.kept {
                return Err(upstream.broken());
            }
            request = match error {
                SendError::Unsent(request) => *request,
                SendError::Broken if is_repeatable(self.permit) => {
                    request::request(self.permit, None)?
                }
                SendError::Broken => return Err(upstream.broken()),
            };
            let fresh = upstream.fresh().await?;
            // The permit was given for what the old connection's Engine serves.
            if fresh.version != connection.version {
                return Err(upstream.version_changed());
            }
            connection = fresh;
        }
    }
}

/// Resolves at the deadline of a request, if it has one.
pub(crate) async fn late(limits: &Limits, deadline: Option<Instant>) -> Failure {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
    Failure::Late {
        seconds: limits.request_time.unwrap_or_default().as_secs(),
    }
}

/// Whether asking twice is the same as asking once.
fn is_repeatable(permit: &Permit) -> bool {
    let request = permit.request();
    matches!(request.method(), "GET" | "HEAD")
        && !matches!(request.body(), EncodedBody::Stream { .. })
}

/// Reads the whole of a small answer.
async fn collect(answer: &mut Answer) -> Result<BytesMut, UpstreamError> {
    let mut whole = BytesMut::new();
    while let Some(piece) = answer.piece().await {
        match piece.map_err(|_| UpstreamError::Answer)? {
            Piece::Data(data) if whole.len() + data.len() > VERSION_MAX => {
                return Err(UpstreamError::AnswerTooLarge { limit: VERSION_MAX });
            }
            Piece::Data(data) => whole.extend_from_slice(&data),
            Piece::Trailers(_) => {}
        }
    }
    Ok(whole)
}

/// Feeds the body to the Engine, then watches the client. Ends only when the
/// exchange must end: with what is wrong with the body, or with nothing when the
/// client has left.
async fn upload<R: PeerRead>(
    reader: &mut ClientReader<R>,
    body: &mut BodyReader,
    sender: Option<mpsc::Sender<request::Piece>>,
    limits: &Limits,
    entry: &Entry,
) -> Option<BodyError> {
    if let Some(sender) = sender {
        match feed(reader, body, sender, limits, entry).await {
            Ok(Fed::Through) => {}
            Ok(Fed::Left) => return None,
            Err(error) => return Some(error),
        }
    }
    if body.is_done() {
        reader.watch().await;
    } else {
        // More than anybody reads, so the client is not read any further.
        reader.gone().await;
    }
    None
}

/// How feeding a body to the Engine ended.
enum Fed {
    /// The Engine has all of it, or wants no more.
    Through,
    /// The client left while the Engine did not read.
    Left,
}

async fn feed<R: PeerRead>(
    reader: &mut ClientReader<R>,
    body: &mut BodyReader,
    sender: mpsc::Sender<request::Piece>,
    limits: &Limits,
    entry: &Entry,
) -> Result<Fed, BodyError> {
    loop {
        // The Engine's pace: nothing is read while it has enough to do.
        let slot = tokio::select! {
            biased;
            slot = sender.reserve() => slot,
            () = reader.gone() => return Ok(Fed::Left),
        };
        let Ok(slot) = slot else {
            // It reads no more of it, so it answers early. A client that writes
            // first and reads then must get rid of the rest to see why.
            body.drain(reader, limits.linger_time).await;
            return Ok(Fed::Through);
        };
        let Some(data) = body.piece(reader, limits.stream_idle_time).await? else {
            slot.send(request::Piece::End);
            return Ok(Fed::Through);
        };
        entry.count_in(data.len() as u64);
        slot.send(request::Piece::Data(data));
    }
}

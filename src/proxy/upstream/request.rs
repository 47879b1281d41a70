//! A permit → the request that the Engine gets.
//!
//! Everything in it is the permit's or fixed here: the host is always `docker`,
//! the framing is made from the permit's body, nothing is the client's. A streamed
//! body comes through a bounded channel and ends only when its end was sent, so
//! that an upload that breaks off breaks off at the Engine too.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Uri};
use thiserror::Error;
use tokio::sync::mpsc;

use super::{Question, UpstreamError};
use crate::api::definition::ApiVersion;
use crate::format::is_full_id;
use crate::gate::{EncodedBody, Permit};

/// A target that `hyper` can hold.
const TARGET_MAX: usize = 65_534;

/// The `Host` of every request: the Engine never looks at it.
const HOST: HeaderValue = HeaderValue::from_static("docker");

/// A piece of an upload.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Some bytes.
    Data(Bytes),
    /// The upload is complete.
    End,
}

/// The upload broke off before its end.
#[derive(Debug, Error)]
#[error("the client did not send the whole body")]
pub(crate) struct BrokenOff;

/// The body of a request to the Engine.
#[derive(Debug)]
pub(crate) enum RequestBody {
    /// None.
    Empty,
    /// All of it, until it was taken.
    Whole(Option<Bytes>),
    /// Piece by piece.
    Stream(mpsc::Receiver<Piece>),
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Self::Stream(pieces) => pieces.poll_recv(cx).map(|piece| match piece {
                Some(Piece::Data(data)) => Some(Ok(Frame::data(data))),
                Some(Piece::End) => {
                    *self = Self::Empty;
                    None
                }
                // The sender is gone and never sent the end.
                None => Some(Err(BrokenOff)),
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Empty | Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty | Self::Whole(None) => SizeHint::with_exact(0),
            Self::Whole(Some(body)) => SizeHint::with_exact(body.len() as u64),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// The head of the request for a permit: method, target, and all headers.
pub(crate) fn head(permit: &Permit) -> Result<Parts, UpstreamError> {
    let encoded = permit.request();
    if encoded.target().len() > TARGET_MAX {
        return Err(UpstreamError::TargetTooLong);
    }
    // A permit is made of checked parts, so that none of these fails. If one
    // does, nothing is sent.
    let method =
        Method::from_bytes(encoded.method().as_bytes()).map_err(|_| UpstreamError::Request)?;
    let target: Uri = encoded
        .target()
        .parse()
        .map_err(|_| UpstreamError::Request)?;
    if target.scheme().is_some() || target.authority().is_some() {
        return Err(UpstreamError::Request);
    }
    let bodyless = !matches!(method, Method::POST | Method::PUT);
    let mut parts = Request::new(()).into_parts().0;
    parts.method = method;
    parts.uri = target;
    parts.headers.insert(header::HOST, HOST);
    for (name, value) in encoded.headers() {
        let name = HeaderName::try_from(name).map_err(|_| UpstreamError::Request)?;
        // INVARIANT: framing and the connection are decided here and nowhere
        // else; a permit that says otherwise is a mistake and goes nowhere.
        if FIXED.contains(&name) {
            return Err(UpstreamError::Request);
        }
        let value = HeaderValue::try_from(value).map_err(|_| UpstreamError::Request)?;
        parts.headers.append(name, value);
    }
    match encoded.body() {
        EncodedBody::Empty if bodyless => {}
        EncodedBody::Empty => {
            parts.headers.insert(header::CONTENT_LENGTH, 0.into());
        }
        EncodedBody::Json(body) => {
            let json = HeaderValue::from_static("application/json");
            parts.headers.insert(header::CONTENT_TYPE, json);
            parts
                .headers
                .insert(header::CONTENT_LENGTH, body.len().into());
        }
        EncodedBody::Stream { content_type } => {
            let kind = HeaderValue::from_str(content_type).map_err(|_| UpstreamError::Request)?;
            parts.headers.insert(header::CONTENT_TYPE, kind);
            let chunked = HeaderValue::from_static("chunked");
            parts.headers.insert(header::TRANSFER_ENCODING, chunked);
        }
    }
    Ok(parts)
}

/// What a permit's headers may not hold.
const FIXED: [HeaderName; 10] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::EXPECT,
    header::TE,
    header::TRAILER,
    header::PROXY_AUTHORIZATION,
];

/// The request for a permit. A streamed body comes from `pieces`.
pub(crate) fn request(
    permit: &Permit,
    pieces: Option<mpsc::Receiver<Piece>>,
) -> Result<Request<RequestBody>, UpstreamError> {
    let body = match (permit.request().body(), pieces) {
        (EncodedBody::Empty, None) => RequestBody::Empty,
        (EncodedBody::Json(body), None) => RequestBody::Whole(Some(body.clone())),
        (EncodedBody::Stream { .. }, Some(pieces)) => RequestBody::Stream(pieces),
        _ => return Err(UpstreamError::Request),
    };
    Ok(Request::from_parts(head(permit)?, body))
}

/// The request that asks an Engine about its containers.
pub(crate) fn question(
    question: Question<'_>,
    version: ApiVersion,
) -> Result<Request<RequestBody>, UpstreamError> {
    let target = match question {
        Question::Running => format!("/v{version}/containers/json"),
        // Nothing else can be a part of a path by itself.
        Question::Container(id) if is_full_id(id) => format!("/v{version}/containers/{id}/json"),
        Question::Container(_) => return Err(UpstreamError::Request),
    };
    of_the_gate(&target)
}

/// The request that asks an Engine whether it is there.
pub(crate) fn ping() -> Result<Request<RequestBody>, UpstreamError> {
    of_the_gate("/_ping")
}

/// The request that asks an Engine which versions it serves.
pub(crate) fn version() -> Result<Request<RequestBody>, UpstreamError> {
    of_the_gate("/version")
}

fn of_the_gate(target: &str) -> Result<Request<RequestBody>, UpstreamError> {
    Request::get(target)
        .header(header::HOST, HOST)
        .body(RequestBody::Empty)
        .map_err(|_| UpstreamError::Request)
}

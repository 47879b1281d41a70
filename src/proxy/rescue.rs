//! Everything that can stop a request → the status and the message that the
//! client is told, in this one place.
//!
//! 4xx is the client's, 502 and 504 the Engine's. Messages name what is wrong
//! and never a value of the request. What the gate refuses is told in the gate's
//! own words.

use thiserror::Error;

use super::body::BodyError;
use super::browser::BrowserError;
use super::framing::FramingError;
use super::head::HeadError;
use super::meter::BusyError;
use super::record::Decision;
use super::upstream::UpstreamError;
use crate::gate::Refusal;

/// What stopped a request.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Head(#[from] HeadError),
    #[error(transparent)]
    Framing(#[from] FramingError),
    #[error(transparent)]
    Browser(#[from] BrowserError),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("refused")]
    Refused(Refusal),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Busy(#[from] BusyError),
    #[error("the Engine did not answer within {seconds} s, which is the limit for a request")]
    Late { seconds: u64 },
}

impl Failure {
    /// The status that the client is told.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Head(error) => match error {
                HeadError::TooLarge { .. } | HeadError::TooManyHeaders => 431,
                HeadError::TooSlow => 408,
                HeadError::Version => 505,
                HeadError::BareLineFeed
                | HeadError::LoneCarriageReturn
                | HeadError::ControlCharacter
                | HeadError::Tls
                | HeadError::Folded
                | HeadError::BlankLineFirst
                | HeadError::RequestLine
                | HeadError::HeaderLine
                | HeadError::Truncated => 400,
            },
            Self::Framing(error) => match error {
                FramingError::Coding => 501,
                FramingError::Expectation => 417,
                FramingError::NoHost
                | FramingError::TwoHosts
                | FramingError::Host
                | FramingError::TwoFramings
                | FramingError::TwoLengths
                | FramingError::Length
                | FramingError::CodingBefore11
                | FramingError::ContentType => 400,
            },
            Self::Browser(_) => 403,
            Self::Body(error) => match error {
                BodyError::TooLarge { .. } => 413,
                BodyError::TooSlow => 408,
                BodyError::TooDeep { .. }
                | BodyError::Chunks(_)
                | BodyError::Truncated
                | BodyError::Read(_) => 400,
            },
            Self::Busy(_) => 429,
            Self::Late { .. } => 504,
            Self::Refused(refusal) => refusal.status(),
            Self::Upstream(error) => match error {
                UpstreamError::Silent { .. } => 504,
                UpstreamError::TargetTooLong => 414,
                UpstreamError::Request | UpstreamError::NoUpstream => 500,
                UpstreamError::Unreachable { .. }
                | UpstreamError::NoVersion { .. }
                | UpstreamError::VersionChanged { .. }
                | UpstreamError::Broken { .. }
                | UpstreamError::Answer
                | UpstreamError::AnswerTooLarge { .. } => 502,
            },
        }
    }

    /// The message that the client is told, which is also the record's.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.message().to_owned(),
            other => format!("opgate: {other}"),
        }
    }

    /// In how many seconds it is worth asking again, where that is known.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Busy(busy) => Some(busy.retry_after()),
            _ => None,
        }
    }

    /// What the record calls it.
    pub(crate) fn decision(&self) -> Decision {
        match self {
            Self::Body(BodyError::Truncated | BodyError::Read(_))
            | Self::Upstream(_)
            | Self::Late { .. } => Decision::Failed,
            Self::Head(_)
            | Self::Framing(_)
            | Self::Browser(_)
            | Self::Busy(_)
            | Self::Body(_)
            | Self::Refused(_) => Decision::Refused,
        }
    }
}

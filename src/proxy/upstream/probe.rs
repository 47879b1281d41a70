//! What is learnt of an Engine's health, from requests and by asking.
//!
//! An Engine that was not up is asked what a request asks it first, so that it is up
//! when a request can be served. One that was up is asked less, as it is asked again
//! and again.

use std::sync::Arc;

use super::super::health::{Health, State};
use super::{Upstream, UpstreamError, request};
use crate::shortage::is_shortage;

/// The largest answer to a ping: `OK`, or the message of an error.
const PING_MAX: usize = 16 << 10;

impl UpstreamError {
    /// Whether it says something of the Engine, and not of the gate or a request.
    pub(crate) fn is_engines(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => !is_shortage(source),
            Self::Silent { .. }
            | Self::NoVersion { .. }
            | Self::Broken { .. }
            | Self::Answer
            | Self::AnswerTooLarge { .. } => true,
            Self::VersionChanged { .. }
            | Self::TargetTooLong
            | Self::Request
            | Self::NoUpstream => false,
        }
    }
}

impl Upstream {
    /// The Engine's health.
    pub(crate) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Keeps what opening a connection says of the Engine's health.
    pub(super) fn learn<T>(&self, opened: Result<T, UpstreamError>) -> Result<T, UpstreamError> {
        match &opened {
            Ok(_) => self.health.answered(),
            Err(error) => self.health.failed(error),
        }
        opened
    }

    /// Asks the Engine whether it is there, on a connection of its own. Bounded in time.
    pub(crate) async fn probe(&self) {
        if self.health.found().state == State::Up {
            match self.within(self.time, self.ping()).await {
                Ok(true) => return self.health.answered(),
                // It answers, but as what?
                Ok(false) => {}
                Err(error) => return self.health.failed(&error),
            }
        }
        // A gate that nobody uses keeps no connection.
        drop(self.fresh().await);
    }

    /// Whether it answers a ping as an Engine does. The caller bounds the time.
    async fn ping(&self) -> Result<bool, UpstreamError> {
        let mut link = self.link().await?;
        let answer = link.send(request::ping()?).await;
        let answer = answer.map_err(|_| self.broken())?;
        let status = answer.status();
        let body = link.collect(answer.into_body(), PING_MAX).await;
        Ok(status == 200 && body.is_ok())
    }
}

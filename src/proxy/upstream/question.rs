//! What opgate itself asks an Engine about its containers.
//!
//! Each question is bounded in time and in the size of its answer, and only so many
//! are asked at a time, whoever calls.

use bytes::BytesMut;
use tokio::sync::Semaphore;

use super::{CollectError, EngineConnection, SendError, Upstream, UpstreamError, request};

/// How many questions are asked at a time.
const QUESTIONS_MAX: usize = 8;

/// The largest answer: what is said of some thousand containers.
const ANSWER_MAX: usize = 8 << 20;

static QUESTIONS: Semaphore = Semaphore::const_new(QUESTIONS_MAX);

/// What can be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question<'a> {
    /// Which containers run.
    Running,
    /// What the container of this id is.
    Container(&'a str),
}

impl Upstream {
    /// The answer; nothing where the Engine has no such thing.
    pub(crate) async fn ask(
        &self,
        question: Question<'_>,
    ) -> Result<Option<BytesMut>, UpstreamError> {
        let ask = async {
            let Ok(_permit) = QUESTIONS.acquire().await else {
                return Err(UpstreamError::Answer);
            };
            let mut connection = self.connection().await?;
            loop {
                match self.ask_over(&mut connection, question).await {
                    // The Engine may have closed it while it waited.
                    Err(UpstreamError::Broken { .. }) if connection.kept => {
                        connection = self.fresh().await?;
                    }
                    Err(error) => return Err(error),
                    Ok(answer) => {
                        self.keep(connection);
                        return Ok(answer);
                    }
                }
            }
        };
        self.within(self.time, ask).await
    }

    async fn ask_over(
        &self,
        connection: &mut EngineConnection,
        question: Question<'_>,
    ) -> Result<Option<BytesMut>, UpstreamError> {
        let version = connection.version.common().ok_or(UpstreamError::Answer)?;
        let request = request::question(question, version.max)?;
        let link = &mut connection.link;
        let response = link.send(request).await.map_err(|error| match error {
            SendError::Unsent(_) | SendError::Broken => self.broken(),
        })?;
        self.health.answered();
        let status = response.status().as_u16();
        let body = link.collect(response.into_body(), ANSWER_MAX).await;
        let body = body.map_err(|error| match error {
            CollectError::TooLarge => UpstreamError::AnswerTooLarge { limit: ANSWER_MAX },
            CollectError::Broken => self.broken(),
        })?;
        match status {
            200 => Ok(Some(body)),
            404 => Ok(None),
            _ => Err(UpstreamError::Answer),
        }
    }
}

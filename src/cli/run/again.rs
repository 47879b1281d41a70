//! A reload that failed for want of something that may be there in a moment is tried
//! again, although no file has changed: less and less often, and without saying the same
//! each time.

use std::future::pending;
use std::time::Duration;

use opgate::proxy::ListenError;
use tokio::time::{Instant, sleep_until};

use super::opened::OpenError;

/// How long after the first try there is another, and how long at most.
const FIRST: Duration = Duration::from_secs(5);
const MOST: Duration = Duration::from_mins(1);

/// Why everything stays as it was.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) why: String,
    /// Whether that may pass by itself.
    pub(super) passing: bool,
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        let passing = false;
        Self { why, passing }
    }
}

impl From<OpenError> for Refused {
    fn from(error: OpenError) -> Self {
        Self {
            why: error.to_string(),
            passing: error.is_passing(),
        }
    }
}

impl From<ListenError> for Refused {
    fn from(error: ListenError) -> Self {
        Self {
            why: error.to_string(),
            passing: error.is_passing(),
        }
    }
}

/// The next try.
#[derive(Debug, Default)]
pub(super) struct Again {
    due: Option<Instant>,
    pause: Duration,
    /// Why the last one was in vain, if that was said.
    said: Option<String>,
}

impl Again {
    /// Waits until there is to be another try. Cancelling it loses nothing.
    pub(super) async fn due(&self) {
        match self.due {
            Some(due) => sleep_until(due).await,
            None => pending().await,
        }
    }

    /// Somebody asks for a reload, or the files have changed: whatever comes of it is news.
    pub(super) fn asked(&mut self) {
        *self = Self::default();
    }

    /// A try is over: with nothing, or with what keeps it from being in force. Tells
    /// whether that is to be said.
    pub(super) fn tried(&mut self, refused: Option<&Refused>) -> bool {
        let Some(Refused { why, passing: true }) = refused else {
            self.asked();
            return true;
        };
        self.pause = self.pause.saturating_mul(2).clamp(FIRST, MOST);
        self.due = Some(Instant::now() + self.pause);
        let news = self.said.as_ref() != Some(why);
        self.said = Some(why.clone());
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(why: &str, passing: bool) -> Refused {
        Refused {
            why: why.to_owned(),
            passing,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn tries_are_less_and_less_often_and_said_once() {
        let mut again = Again::default();
        for (number, seconds) in [5, 10, 20, 40, 60, 60].into_iter().enumerate() {
            let said = again.tried(Some(&refused("few", true)));
            assert_eq!(said, number == 0);
            let start = Instant::now();
            again.due().await;
            assert_eq!(start.elapsed().as_secs(), seconds);
        }
        assert!(again.tried(Some(&refused("few others", true))));
        // Who asks is told.
        again.asked();
        assert!(again.due.is_none());
        assert!(again.tried(Some(&refused("few others", true))));
        assert!(again.due.is_some());
        for last in [Some(refused("wrong", false)), None] {
            assert!(again.tried(last.as_ref()));
            assert!(again.due.is_none());
        }
    }
}

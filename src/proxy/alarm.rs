//! A time limit for a wait that comes again and again and hardly ever takes long.
//!
//! `timeout` sets a timer for each wait and takes it back. That is a lock that
//! all threads share, and where no other timer is due earlier also a system call
//! to wake whoever waits for events: with one busy client one of the seven that
//! a request takes. An [`Alarm`] leaves its timer where it is, and looks at the
//! clock when it rings.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is set again only when it rings.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: Pin<Box<Sleep>>,
}

impl Alarm {
    /// An alarm that is not set yet.
    pub(crate) fn new() -> Self {
        Self {
            timer: Box::pin(sleep_until(Instant::now())),
        }
    }

    /// Waits for `wait`, for so long at most; gives nothing when it took longer.
    pub(crate) async fn within<T>(
        &mut self,
        time: Duration,
        wait: impl Future<Output = T>,
    ) -> Option<T> {
        let deadline = Instant::now() + time;
        let mut wait = pin!(wait);
        let timer = &mut self.timer;
        // It may ring early, for an earlier wait, but never late.
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        poll_fn(|cx| {
            if let Poll::Ready(done) = wait.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            while timer.as_mut().poll(cx).is_ready() {
                if timer.deadline() >= deadline {
                    return Poll::Ready(None);
                }
                timer.as_mut().reset(deadline);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);
    const SECOND: Duration = Duration::from_secs(1);

    /// How long a wait that never ends was let wait.
    async fn limit(alarm: &mut Alarm, time: Duration) -> Duration {
        let start = Instant::now();
        assert_eq!(alarm.within(time, pending::<()>()).await, None);
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_its_whole_time_and_no_more() {
        let mut alarm = Alarm::new();
        for time in [MINUTE, MINUTE, SECOND, MINUTE] {
            let taken = limit(&mut alarm, time).await;
            assert!(taken >= time && taken < time + SECOND, "{taken:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_left_from_an_earlier_wait_ends_no_later_one() {
        let mut alarm = Alarm::new();
        let short = alarm.within(MINUTE, tokio::time::sleep(SECOND)).await;
        assert_eq!(short, Some(()));
        let taken = limit(&mut alarm, MINUTE).await;
        assert!(taken >= MINUTE && taken < MINUTE + SECOND, "{taken:?}");
        // Left far ahead by a longer wait, it is early enough for a shorter one.
        assert_eq!(alarm.within(MINUTE, ready(1)).await, Some(1));
        let short = alarm.within(MINUTE, tokio::time::sleep(SECOND)).await;
        assert_eq!(short, Some(()));
        let taken = limit(&mut alarm, SECOND).await;
        assert!(taken >= SECOND && taken < 2 * SECOND, "{taken:?}");
    }
}

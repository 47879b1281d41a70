//! How many requests a listener or a client has under way, and how fast they come.
//!
//! A [`Meter`] counts; what it counts up to is told with each request, so that it
//! goes on over a reload. A rate is kept as the time at which the next request would
//! be on time (the generic cell rate algorithm): a burst is how far ahead of it
//! requests may be, and nothing has to be filled up while nobody asks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

use super::limits::Limits;

/// How fast requests may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In a second, in the long run.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

/// Why a request is not served now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BusyError {
    #[error("{limit} requests are under way, and more are not served at a time")]
    Many { limit: usize },
    #[error("more than {per_second} requests in a second are not served")]
    Fast { per_second: u32, wait: Duration },
}

impl BusyError {
    /// In how many seconds it is worth asking again.
    pub(crate) fn retry_after(self) -> u64 {
        match self {
            Self::Many { .. } => 1,
            Self::Fast { wait, .. } => wait.as_millis().div_ceil(1000).try_into().unwrap_or(1),
        }
    }
}

/// Counts the requests of a listener or a client.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    under_way: AtomicUsize,
    /// When the next request would be on time.
    next: Mutex<Option<Instant>>,
}

/// A request under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Meter>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Meter {
    /// Counts a request, unless that is one too many.
    pub(crate) fn begin(
        self: &Arc<Self>,
        requests: usize,
        rate: Option<Rate>,
    ) -> Result<UnderWay, BusyError> {
        let before = self.under_way.fetch_add(1, Ordering::Relaxed);
        let counted = UnderWay(Arc::clone(self));
        if before >= requests {
            return Err(BusyError::Many { limit: requests });
        }
        if let Some(rate) = rate {
            self.in_time(rate)?;
        }
        Ok(counted)
    }

    fn in_time(&self, rate: Rate) -> Result<(), BusyError> {
        let each = Duration::from_secs(1) / rate.per_second.max(1);
        let ahead = each * rate.burst.saturating_sub(1);
        let now = Instant::now();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        // After a reload it may be further ahead than this rate ever lets it be.
        let due = next.unwrap_or(now).clamp(now, now + ahead + each);
        *next = Some(due);
        let early = due.saturating_duration_since(now);
        if early > ahead {
            return Err(BusyError::Fast {
                per_second: rate.per_second,
                wait: early.saturating_sub(ahead),
            });
        }
        *next = Some(due + each);
        Ok(())
    }
}

/// The limits of a listener or a client, with what counts its requests.
#[derive(Clone, Debug)]
pub(crate) struct Metered<L> {
    pub(crate) limits: L,
    pub(crate) meter: Arc<Meter>,
}

impl<L> Metered<L> {
    pub(crate) fn new(limits: L, meter: Arc<Meter>) -> Self {
        Self { limits, meter }
    }
}

impl Metered<Arc<Limits>> {
    /// Counts a request at a listener.
    pub(crate) fn begin(&self) -> Result<UnderWay, BusyError> {
        self.meter.begin(self.limits.requests, self.limits.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 10,
        burst: 3,
    };

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_the_rate() {
        let meter = Arc::<Meter>::default();
        let mut passed = 0;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            if meter.begin(1, Some(RATE)).is_ok() {
                passed += 1;
            }
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(passed, 3 + 99, "the first is on time at once");
        // What was not used adds up to a burst and no more.
        tokio::time::advance(Duration::from_hours(1)).await;
        for _ in 0..3 {
            assert!(meter.begin(1, Some(RATE)).is_ok());
        }
        let refused = meter.begin(1, Some(RATE)).unwrap_err();
        let wait = Duration::from_millis(100);
        assert_eq!(
            refused,
            BusyError::Fast {
                per_second: 10,
                wait
            }
        );
        assert_eq!(refused.retry_after(), 1);
        tokio::time::advance(wait).await;
        assert!(meter.begin(1, Some(RATE)).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_rate_says_how_long_to_wait_and_a_faster_one_forgets() {
        let meter = Arc::<Meter>::default();
        let slow = Rate {
            per_second: 1,
            burst: 5,
        };
        for _ in 0..5 {
            assert!(meter.begin(1, Some(slow)).is_ok());
        }
        let refused = meter.begin(1, Some(slow)).unwrap_err();
        assert_eq!(refused.retry_after(), 1);
        let refused = meter.begin(1, Some(Rate { burst: 2, ..slow })).unwrap_err();
        assert_eq!(refused.retry_after(), 1);
        let fast = Rate {
            per_second: 1000,
            burst: 1,
        };
        assert!(meter.begin(1, Some(fast)).is_err());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(meter.begin(1, Some(fast)).is_ok());
    }

    #[test]
    fn requests_are_under_way_until_they_are_dropped() {
        let meter = Arc::<Meter>::default();
        let first = meter.begin(2, None).unwrap();
        let second = meter.begin(2, None).unwrap();
        let many = BusyError::Many { limit: 2 };
        assert_eq!(meter.begin(2, None).unwrap_err(), many);
        assert_eq!(meter.begin(2, None).unwrap_err(), many, "counted, too");
        // A reload may allow more, or fewer than there are.
        let third = meter.begin(3, None).unwrap();
        drop((first, second));
        assert!(meter.begin(1, None).is_err());
        drop(third);
        assert!(meter.begin(1, None).is_ok());
    }
}

//! Whether an Engine answers, as whoever asked it last has found.
//!
//! Requests tell it in passing and a probe where there are none (`upstream/probe.rs`);
//! `lookout` and the metrics read it. It informs and decides nothing: a request to an
//! Engine that is down is a try like any other.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::Notify;

use super::upstream::UpstreamError;

/// What is known of an Engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// Nobody has asked it yet.
    #[default]
    Unknown,
    /// It answers.
    Up,
    /// It does not, or nothing that can be used.
    Down,
}

/// What is known of an Engine, and since when.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) state: State,
    /// When it became so.
    pub(crate) since: SystemTime,
    /// Why it was down when it was last.
    pub(crate) reason: String,
    /// How often it has gone, and has come back.
    pub(crate) downs: u64,
    pub(crate) ups: u64,
}

impl Found {
    /// How often it has changed.
    pub(crate) fn changes(&self) -> u64 {
        self.downs.saturating_add(self.ups)
    }
}

/// The health of an Engine, for as long as the gate goes to it.
pub struct Health {
    /// The state, and [`HEARD`]: all that a request looks at.
    short: AtomicU8,
    found: Mutex<Found>,
    changed: Notify,
}

const UP: u8 = State::Up as u8;

/// Somebody has told since the probe last looked.
const HEARD: u8 = 4;

impl Default for Health {
    fn default() -> Self {
        Self {
            short: AtomicU8::new(State::Unknown as u8),
            found: Mutex::new(Found {
                state: State::Unknown,
                since: SystemTime::now(),
                reason: String::new(),
                downs: 0,
                ups: 0,
            }),
            changed: Notify::new(),
        }
    }
}

impl Health {
    /// The Engine has answered.
    pub(crate) fn answered(&self) {
        match self.short.load(Ordering::Relaxed) {
            short if short == UP | HEARD => {}
            UP => drop(self.short.fetch_or(HEARD, Ordering::Relaxed)),
            _ => self.set(State::Up, None),
        }
    }

    /// The Engine was asked in vain.
    pub(crate) fn failed(&self, error: &UpstreamError) {
        if error.is_engines() {
            self.set(State::Down, Some(error.to_string()));
        }
    }

    /// Something went wrong that says too little: the probe is to look.
    pub(crate) fn doubted(&self) {
        self.short.fetch_and(!HEARD, Ordering::Relaxed);
    }

    /// Whether somebody has told since this was last asked.
    pub(crate) fn was_heard(&self) -> bool {
        self.short.fetch_and(!HEARD, Ordering::Relaxed) & HEARD != 0
    }

    /// What is known.
    pub(crate) fn found(&self) -> Found {
        let found = self.found.lock();
        found.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the state has changed since this was last waited for. One waits.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn set(&self, state: State, reason: Option<String>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let before = found.state;
        if before != state {
            match (before, state) {
                (_, State::Down) => found.downs = found.downs.saturating_add(1),
                (State::Down, State::Up) => found.ups = found.ups.saturating_add(1),
                (_, State::Up | State::Unknown) => {}
            }
            found.state = state;
            found.since = SystemTime::now();
        }
        if let Some(reason) = reason {
            found.reason = reason;
        }
        self.short.store(state as u8 | HEARD, Ordering::Relaxed);
        drop(found);
        if before != state {
            self.changed.notify_one();
        }
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("found", &self.found())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn away(kind: io::ErrorKind) -> UpstreamError {
        UpstreamError::Unreachable {
            endpoint: "unix:///run/engine.sock".to_owned(),
            source: kind.into(),
        }
    }

    #[test]
    fn what_was_found_last_counts_and_changes_are_counted() {
        let health = Health::default();
        assert_eq!(health.found().state, State::Unknown);
        assert!(!health.was_heard());
        health.answered();
        assert_eq!(
            (health.found().state, health.found().changes()),
            (State::Up, 0)
        );
        assert!(health.was_heard() && !health.was_heard());
        health.answered();
        assert!(health.was_heard());
        for reason in [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused] {
            health.failed(&away(reason));
        }
        let found = health.found();
        assert_eq!((found.state, found.downs, found.ups), (State::Down, 1, 0));
        assert!(
            found.reason.ends_with("connection refused"),
            "{}",
            found.reason
        );
        health.answered();
        let found = health.found();
        assert_eq!((found.state, found.downs, found.ups), (State::Up, 1, 1));
        health.doubted();
        assert!(!health.was_heard());
        assert_eq!(health.found().state, State::Up);
    }

    #[test]
    fn what_is_not_the_engines_tells_nothing() {
        const TOO_MANY_FILES: i32 = 24;
        let health = Health::default();
        let shortage = UpstreamError::Unreachable {
            endpoint: String::new(),
            source: io::Error::from_raw_os_error(TOO_MANY_FILES),
        };
        for error in [
            shortage,
            UpstreamError::TargetTooLong,
            UpstreamError::Request,
            UpstreamError::NoUpstream,
        ] {
            health.failed(&error);
            assert_eq!(health.found().state, State::Unknown);
        }
        health.failed(&away(io::ErrorKind::NotFound));
        assert_eq!(health.found().state, State::Down);
    }
}

//! The Engines in force → each looked after by a task of its own: a probe where no
//! request tells whether it answers, and a word to the journal when that changes.
//!
//! An Engine has one probe at a time, and its task ends when it is not in force any
//! more. However often an Engine comes and goes, the journal is told of it only so often.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use super::health::{Found, Health, State};
use super::limits::{PROBE_FIRST, PROBE_JITTER, PROBE_PAUSE, TELL_PAUSE};
use super::upstream::Upstream;
use super::upstreams::Named;
use super::{Journal, Proxy, stopped};

/// An Engine has gone, or has come back.
#[derive(Debug)]
pub struct EngineChange<'c> {
    name: Option<&'c str>,
    endpoint: &'c str,
    now: &'c Found,
    /// How often it has changed before, of which nothing was said.
    untold: u64,
}

impl EngineChange<'_> {
    /// Its name in `upstreams`; the `upstream` of the file has none.
    pub fn name(&self) -> Option<&str> {
        self.name
    }

    /// Whether it is there now.
    pub fn is_up(&self) -> bool {
        self.now.state == State::Up
    }
}

impl fmt::Display for EngineChange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "upstream {}", name.escape_debug())?,
            None => f.write_str("the upstream")?,
        }
        if self.is_up() {
            write!(f, " is up again: the Engine answers at `{}`", self.endpoint)?;
        } else {
            write!(f, " is down: {}", self.now.reason)?;
        }
        match self.untold {
            0 => Ok(()),
            times => write!(f, " ({times} more changes before it)"),
        }
    }
}

/// An Engine that is looked after.
struct Watched {
    engine: Named,
    task: AbortHandle,
}

impl Proxy {
    /// Looks after the Engines in force until `stopping` holds `true` (or its sender is
    /// gone).
    pub async fn watch_engines(self: Arc<Self>, mut stopping: watch::Receiver<bool>) {
        let mut in_force = self.in_force.clone();
        let mut watched: Vec<Watched> = Vec::new();
        // All of them end with this.
        let mut tasks = JoinSet::new();
        loop {
            let engines = in_force.borrow_and_update().upstreams.named().to_vec();
            watched.retain(|one| {
                let stays = engines.iter().any(|engine| one.engine.is(engine));
                if !stays {
                    one.task.abort();
                }
                stays
            });
            // None begins before those that may have the same Engine have ended.
            while tasks.len() > watched.len() {
                tasks.join_next().await;
            }
            for engine in engines {
                if !watched.iter().any(|one| one.engine.is(&engine)) {
                    let journal = Arc::clone(&self.journal);
                    let task = tasks.spawn(look_after(engine.clone(), journal));
                    watched.push(Watched { engine, task });
                }
            }
            tokio::select! {
                biased;
                () = stopped(&mut stopping) => return,
                changed = in_force.changed() => if changed.is_err() {
                    return;
                },
            }
        }
    }
}

/// Without end.
async fn look_after(engine: Named, journal: Arc<dyn Journal>) {
    let Named { name, upstream } = engine;
    tokio::join!(
        probe(&upstream),
        tell(name.as_deref(), &upstream, &*journal)
    );
}

/// Asks the Engine whenever nobody else has for a while.
async fn probe(upstream: &Upstream) {
    sleep(up_to(PROBE_FIRST)).await;
    loop {
        if !upstream.health().was_heard() {
            upstream.probe().await;
            // What it has told is its own.
            upstream.health().was_heard();
        }
        sleep(PROBE_PAUSE.saturating_sub(up_to(PROBE_JITTER))).await;
    }
}

/// Tells the journal when the Engine has gone, and when it has come back.
async fn tell(name: Option<&str>, upstream: &Upstream, journal: &dyn Journal) {
    let health: &Health = upstream.health();
    let endpoint = upstream.endpoint();
    let mut told = Found {
        state: State::Unknown,
        ..health.found()
    };
    let mut next = Instant::now();
    loop {
        // Whatever happens until then is one change or none.
        sleep_until(next).await;
        let now = health.found();
        if now.state == told.state {
            health.changed().await;
            continue;
        }
        // That an Engine is there is worth a word only if it was not.
        if now.state == State::Down || told.state == State::Down {
            let changes = now.changes().saturating_sub(told.changes());
            journal.engine_changed(&EngineChange {
                name,
                endpoint: &endpoint,
                now: &now,
                untold: changes.saturating_sub(1),
            });
            next = Instant::now() + TELL_PAUSE;
        }
        told = now;
    }
}

/// Some time, never more than this, so that not all do everything at once.
fn up_to(most: Duration) -> Duration {
    let random = RandomState::new().hash_one(0u8);
    let part = u32::try_from(random % 1024).unwrap_or_default();
    most * part / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_differ_within_their_bound() {
        let second = Duration::from_secs(1);
        let times: Vec<Duration> = (0..100).map(|_| up_to(second)).collect();
        assert!(times.iter().all(|time| *time < second));
        assert!(times.iter().any(|time| *time != times[0]));
    }
}

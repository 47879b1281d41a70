//! Wake-ups of a connection to the Engine → none where its user is awake anyway.
//!
//! `hyper` connects its parts by channels and expects them to be in different
//! tasks. Here one task does everything, and each message would have it woken
//! while it runs: queued again, polled again in vain, and another thread woken to
//! help. A [`Bell`] takes such a wake-up for what it says: look once more.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// How often it is looked again at once. Whoever rings without end lets others
/// run in between, like everybody else.
const ROUNDS: usize = 8;

/// Stands between a connection and the task that uses it.
#[derive(Debug)]
pub(super) struct Bell {
    shared: Arc<Shared>,
    /// What `hyper` gets to ring with.
    waker: Waker,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rung: bool,
    /// The task, while it waits.
    waiting: Option<Waker>,
}

impl Bell {
    /// A bell that nobody waits for.
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared::default());
        Self {
            waker: Waker::from(Arc::clone(&shared)),
            shared,
        }
    }

    /// Polls `look`, and once more when it rings meanwhile.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        mut look: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        for _ in 0..ROUNDS {
            self.shared.awake();
            if let Poll::Ready(done) = look(&mut Context::from_waker(&self.waker)) {
                return Poll::Ready(done);
            }
            if self.shared.wait(cx.waker()) {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Shared {
    /// The task is here and looks.
    fn awake(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    /// The task waits from here on, unless it has rung since it began to look.
    fn wait(&self, task: &Waker) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // INVARIANT: whatever rings before this is looked at once more, whatever
        // rings after it wakes the task.
        if !state.rung {
            state.waiting = Some(task.clone());
        }
        !state.rung
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.rung = true;
        let waiting = state.waiting.take();
        drop(state);
        if let Some(task) = waiting {
            task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Task {
        woken: AtomicUsize,
    }

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.woken.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Polls once with a look that rings the first `rings` times; gives how often
    /// it looked, how often the task was woken, and what to ring with later.
    fn looks(bell: &Bell, rings: usize) -> (usize, Arc<Task>, Waker) {
        let task = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&task));
        let mut looked = 0;
        let mut ringer = None;
        let polled = bell.poll(&mut Context::from_waker(&waker), |cx| -> Poll<()> {
            looked += 1;
            if looked <= rings {
                cx.waker().wake_by_ref();
            }
            ringer = Some(cx.waker().clone());
            Poll::Pending
        });
        assert!(polled.is_pending());
        (looked, task, ringer.unwrap())
    }

    #[test]
    fn ringing_while_the_task_looks_makes_it_look_again() {
        let bell = Bell::new();
        let (looked, task, _) = looks(&bell, 2);
        assert_eq!((looked, task.woken.load(Ordering::Relaxed)), (3, 0));
    }

    #[test]
    fn ringing_while_the_task_waits_wakes_it_once() {
        let bell = Bell::new();
        let (_, task, ringer) = looks(&bell, 1);
        ringer.wake_by_ref();
        ringer.wake_by_ref();
        assert_eq!(task.woken.load(Ordering::Relaxed), 1);
        // The next wait is another one, with a task of its own.
        let (_, next, _) = looks(&bell, 0);
        ringer.wake_by_ref();
        assert_eq!(task.woken.load(Ordering::Relaxed), 1);
        assert_eq!(next.woken.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn ringing_without_end_lets_others_run() {
        let bell = Bell::new();
        let (looked, task, _) = looks(&bell, usize::MAX);
        assert_eq!((looked, task.woken.load(Ordering::Relaxed)), (ROUNDS, 1));
    }

    #[test]
    fn ringing_between_two_waits_is_not_lost() {
        let bell = Bell::new();
        let waker = Waker::noop();
        let done = bell.poll(&mut Context::from_waker(waker), |_| Poll::Ready(1));
        assert_eq!(done, Poll::Ready(1));
        bell.waker.wake_by_ref();
        // Nobody waited; who comes next looks before it waits.
        assert_eq!(looks(&bell, 0).0, 1);
    }
}

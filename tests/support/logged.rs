//! A gate that runs, and the lines of its log as they come.

use std::sync::mpsc::{Receiver, channel};

use rustix::process::{Pid, Signal, kill_process};

use super::peer::PATIENCE;
use super::start::{Running, Started};

/// A running gate; it ends with the value.
pub(crate) struct Logged {
    pub(crate) running: Running<()>,
    lines: Receiver<String>,
}

impl Logged {
    /// One that has started, and what it said until then.
    pub(crate) fn new(started: Started) -> (Self, String) {
        let Started {
            child,
            said,
            mut lines,
        } = started;
        let (sender, waiting) = channel();
        let running = Running::new(child, move || {
            while let Some(Ok(line)) = lines.next() {
                let _ = sender.send(line);
            }
        });
        let logged = Self {
            running,
            lines: waiting,
        };
        (logged, said)
    }

    /// The next line of its log with this in it.
    pub(crate) fn said(&self, what: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            if line.contains(what) {
                return line;
            }
        }
    }

    /// Asks it to read its files again.
    pub(crate) fn hang_up(&self) {
        kill_process(Pid::from_child(&self.running.child), Signal::HUP).unwrap();
    }
}

//! The log of a gate whose clients and policies are called by letters: what is judged
//! under one letter is one policy's alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use super::start::{Running, Started};

/// A running gate; it ends with the value.
pub(crate) struct Letters {
    pub(crate) running: Running<()>,
    /// What it says of itself.
    pub(crate) events: Receiver<String>,
    /// Requests whose rule is not of their client's letter.
    pub(crate) mixed: Arc<AtomicUsize>,
}

/// Follows the log of a gate that has started; gives what it said until then, too.
pub(crate) fn follow(started: Started) -> (Letters, String) {
    let Started {
        child,
        said,
        mut lines,
    } = started;
    let (sender, events) = channel();
    let mixed = Arc::<AtomicUsize>::default();
    let bad = Arc::clone(&mixed);
    let running = Running::new(child, move || {
        while let Some(Ok(line)) = lines.next() {
            let line: Value = serde_json::from_str(&line).unwrap();
            if let Some(event) = line["event"].as_str() {
                let _ = sender.send(event.to_owned());
            } else if let Some(rule) = line["rule"].as_str()
                && rule.split(' ').next().unwrap().replace('p', "c") != line["client"]
            {
                bad.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let letters = Letters {
        running,
        events,
        mixed,
    };
    (letters, said)
}

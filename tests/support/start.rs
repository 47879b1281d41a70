//! opgate as a child process that has started.

use std::error::Error;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::{JoinHandle, spawn};

/// A gate whose sockets are open.
pub(crate) struct Started {
    pub(crate) child: Child,
    /// What it said until then, without the last line of the start.
    pub(crate) said: String,
    /// What it says from then on: its log.
    pub(crate) lines: Lines<BufReader<ChildStderr>>,
}

/// A gate that runs, and whoever reads its log to the end, so that it never waits for
/// us; both end with the value.
#[derive(Debug)]
pub(crate) struct Running<T> {
    pub(crate) child: Child,
    log: Option<JoinHandle<T>>,
}

impl<T: Send + 'static> Running<T> {
    /// `read` is given the log.
    pub(crate) fn new(child: Child, read: impl FnOnce() -> T + Send + 'static) -> Self {
        Self {
            child,
            log: Some(spawn(read)),
        }
    }
}

impl<T> Running<T> {
    /// Ends it, and gives what was made of its log.
    pub(crate) fn end(&mut self) -> Option<T> {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.log.take()?.join().ok()
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts a gate with a policy file, in a shell that says `before` first, and waits
/// until it listens.
pub(crate) fn start(config: &Path, before: &str) -> Result<Started, Box<dyn Error>> {
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(format!("{before}exec \"$@\""))
        .args(["sh", env!("CARGO_BIN_EXE_opgate"), "run", "--config"])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = child.stderr.take().ok_or("no standard error")?;
    let mut lines = BufReader::new(stderr).lines();
    let mut said = String::new();
    loop {
        match lines.next() {
            // The last line of the start, written when the sockets are open.
            Some(Ok(line)) if line.starts_with("opgate: Engine at") => break,
            Some(Ok(line)) => {
                said.push_str(&line);
                said.push('\n');
            }
            _ => return Err(format!("the gate did not start:\n{said}").into()),
        }
    }
    Ok(Started { child, said, lines })
}

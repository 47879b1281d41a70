//! Records → lines on standard error: text for a person, JSON for a program.
//!
//! A thread of its own writes them: whoever reads the log slowly, or not at all,
//! must not hold up the gate. A line after a quiet spell is written at once, the
//! lines of a burst together: a thread that is woken for each of them, and writes
//! each, would cost more than judging the requests.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use opgate::api::Operation;
use opgate::gate::{Gate, ListenerId};
use opgate::proxy::{Decision, Journal, Record};
use serde::Serialize;

/// Lines that wait to be written at most; more are counted, not kept.
const LOG_QUEUE: usize = 4096;

/// Lines are collected up to this many bytes before they are written, as long as
/// more wait.
const LOG_BUFFER: usize = 64 << 10;

/// After writing all lines that waited, the thread looks for more after this.
const LOG_PAUSE: Duration = Duration::from_millis(5);

/// A line for programs.
#[derive(Serialize)]
struct Line<'r> {
    client: &'r str,
    operation: Option<&'r str>,
    path: Option<&'r str>,
    decision: &'r str,
    status: Option<u16>,
    message: Option<&'r str>,
    dropped: &'r [String],
    tunnel: bool,
    complete: bool,
    bytes_in: u64,
    bytes_out: u64,
    duration_ms: u64,
}

/// Writes a line for each request.
pub(super) struct Log {
    gate: Arc<Gate>,
    text: bool,
    lines: SyncSender<String>,
    lost: AtomicU64,
}

impl Log {
    /// The log, and the thread that writes it: it ends with the log.
    pub(super) fn new(gate: Arc<Gate>, text: bool) -> (Self, JoinHandle<()>) {
        let (lines, waiting) = sync_channel::<String>(LOG_QUEUE);
        let writer = spawn(move || write_lines(&waiting));
        let log = Self {
            gate,
            text,
            lines,
            lost: AtomicU64::new(0),
        };
        (log, writer)
    }

    fn write(&self, line: String) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0
            && self
                .lines
                .try_send(format!("opgate: {lost} lines of the log were lost"))
                .is_err()
        {
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
        if self.lines.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Log {
    /// The line of a record, without its end.
    fn line(&self, record: &Record) -> String {
        let decision = match record.decision {
            Decision::Allowed => "allow",
            Decision::Refused => "refuse",
            Decision::Failed => "fail",
        };
        let client = self.gate.client(record.listener);
        let operation = record.operation.map(Operation::name);
        let milliseconds = record.duration.as_millis();
        if !self.text {
            let line = Line {
                client,
                operation,
                path: record
                    .operation
                    .map(|operation| operation.definition().path),
                decision,
                status: record.status,
                message: record.message.as_deref(),
                dropped: &record.dropped,
                tunnel: record.tunnel,
                complete: record.complete,
                bytes_in: record.bytes_in,
                bytes_out: record.bytes_out,
                duration_ms: u64::try_from(milliseconds).unwrap_or(u64::MAX),
            };
            // Texts and numbers can always be written.
            return serde_json::to_string(&line).unwrap_or_default();
        }
        let mut line = format!("{decision:<6} {client} {}", operation.unwrap_or("-"));
        if let Some(status) = record.status {
            let _ = write!(line, " {status}");
        }
        if record.tunnel {
            line.push_str(" tunnel");
        }
        let _ = write!(line, " {milliseconds} ms");
        if let Some(message) = &record.message {
            let _ = write!(line, ": {}", message.escape_debug());
        }
        if !record.dropped.is_empty() {
            let _ = write!(line, " (dropped {})", record.dropped.join(", "));
        }
        line
    }
}

/// Writes lines until nobody can send any more.
fn write_lines(lines: &Receiver<String>) {
    let mut buffer = Vec::new();
    while let Ok(first) = lines.recv() {
        push(&mut buffer, &first);
        while buffer.len() < LOG_BUFFER
            && let Ok(line) = lines.try_recv()
        {
            push(&mut buffer, &line);
        }
        let full = buffer.len() >= LOG_BUFFER;
        // A log that cannot be written must not stop the gate.
        let _ = io::stderr().write_all(&buffer);
        buffer.clear();
        if !full {
            sleep(LOG_PAUSE);
        }
    }
}

fn push(buffer: &mut Vec<u8>, line: &str) {
    buffer.extend_from_slice(line.as_bytes());
    buffer.push(b'\n');
}

impl Journal for Log {
    fn record(&self, record: &Record) {
        self.write(self.line(record));
    }

    fn accept_failed(&self, listener: ListenerId, error: &io::Error) {
        let client = self.gate.client(listener);
        self.write(format!("opgate: client {client}: accept: {error}"));
    }
}

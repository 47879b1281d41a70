//! Records → lines on standard error: text for a person, JSON for a program.
//!
//! A thread of its own writes them: whoever reads the log slowly, or not at all,
//! must not hold up the gate. A line after a quiet spell is written at once, the
//! lines of a burst together: a thread that is woken for each of them, and writes
//! each, would cost more than judging the requests.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use opgate::api::Operation;
use opgate::proxy::{Decision, EngineChange, Journal, Record};
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
    /// When the request was over, in UTC.
    time: String,
    client: &'r str,
    operation: Option<&'r str>,
    path: Option<&'r str>,
    asked_version: Option<String>,
    decision: &'r str,
    rule: Option<String>,
    field: Option<&'r str>,
    status: Option<u16>,
    message: Option<&'r str>,
    dropped: &'r [String],
    rewritten: &'r [String],
    tunnel: bool,
    complete: bool,
    bytes_in: u64,
    bytes_out: u64,
    duration_ms: u64,
}

/// Writes a line for each request.
pub(super) struct Log {
    text: bool,
    lines: SyncSender<String>,
    lost: AtomicU64,
    handshakes: Mutex<Handshakes>,
}

/// Handshakes that failed lately.
#[derive(Debug, Default)]
struct Handshakes {
    /// When one was last told.
    told: Option<Instant>,
    /// How many were not, since.
    untold: u64,
}

/// How often a failed handshake is told: whoever can connect can make any number of them.
const HANDSHAKE_PAUSE: Duration = Duration::from_secs(1);

impl Log {
    /// The log, and the thread that writes it: it ends with the log.
    pub(super) fn new(text: bool) -> (Self, JoinHandle<()>) {
        let (lines, waiting) = sync_channel::<String>(LOG_QUEUE);
        let writer = spawn(move || write_lines(&waiting));
        let log = Self {
            text,
            lines,
            lost: AtomicU64::new(0),
            handshakes: Mutex::default(),
        };
        (log, writer)
    }

    /// The line of something that is no request.
    fn event(&self, message: &str) -> String {
        if self.text {
            return format!("opgate: {message}");
        }
        let time = timestamp(SystemTime::now());
        serde_json::json!({ "time": time, "event": message }).to_string()
    }

    /// Writes a line of something that is no request.
    pub(super) fn say(&self, message: &str) {
        self.write(self.event(message));
    }

    fn write(&self, line: String) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0
            && self
                .lines
                .try_send(self.event(&format!("{lost} lines of the log were lost")))
                .is_err()
        {
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
        if self.lines.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What was decided, in a word.
fn decision(record: &Record) -> &'static str {
    match record.decision {
        Decision::Allowed => "allow",
        Decision::Refused => "refuse",
        Decision::Failed => "fail",
    }
}

/// The line of a record for programs, without its end.
fn json(record: &Record) -> String {
    let line = Line {
        time: timestamp(SystemTime::now()),
        client: &record.client,
        operation: record.operation.map(Operation::name),
        path: record
            .operation
            .map(|operation| operation.definition().path),
        asked_version: record.pinned.map(|version| version.to_string()),
        decision: decision(record),
        rule: record.rule.as_ref().map(ToString::to_string),
        field: record.field.as_deref(),
        status: record.status,
        message: record.message.as_deref(),
        dropped: &record.dropped,
        rewritten: &record.rewritten,
        tunnel: record.tunnel,
        complete: record.complete,
        bytes_in: record.bytes_in,
        bytes_out: record.bytes_out,
        duration_ms: u64::try_from(record.duration.as_millis()).unwrap_or(u64::MAX),
    };
    // Texts and numbers can always be written.
    serde_json::to_string(&line).unwrap_or_default()
}

/// The line of a record for a person, without its end.
pub(super) fn text(record: &Record) -> String {
    let operation = record.operation.map_or("-", Operation::name);
    let mut line = format!("{:<6} {} {operation}", decision(record), record.client);
    if let Some(status) = record.status {
        let _ = write!(line, " {status}");
    }
    if record.tunnel {
        line.push_str(" tunnel");
    }
    let _ = write!(line, " {} ms", record.duration.as_millis());
    if let (Decision::Allowed, Some(rule)) = (record.decision, &record.rule) {
        let _ = write!(line, " by {rule}");
    }
    if let Some(asked) = &record.pinned {
        let _ = write!(line, " (asked for version {asked})");
    }
    if let Some(message) = &record.message {
        let _ = write!(line, ": {}", message.escape_debug());
    }
    if !record.rewritten.is_empty() {
        let _ = write!(line, " (rewrote {})", record.rewritten.join(", "));
    }
    if !record.dropped.is_empty() {
        let _ = write!(line, " (dropped {})", record.dropped.join(", "));
    }
    line
}

/// A time as RFC 3339 writes it, in UTC, to the millisecond.
pub(super) fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, milliseconds) = (since.as_secs(), since.subsec_millis());
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    // Days since 1 March of the year 0, in cycles of 400 years: the day that a
    // leap year adds is then the last of a year.
    let days = days.saturating_add(719_468);
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = cycle * 400 + year + next;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
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
        self.write(if self.text {
            text(record)
        } else {
            json(record)
        });
    }

    fn handshake_failed(&self, source: SocketAddr, error: &io::Error) {
        let untold = {
            let handshakes = self.handshakes.lock();
            let mut handshakes = handshakes.unwrap_or_else(PoisonError::into_inner);
            if handshakes
                .told
                .is_some_and(|told| told.elapsed() < HANDSHAKE_PAUSE)
            {
                handshakes.untold = handshakes.untold.saturating_add(1);
                return;
            }
            handshakes.told = Some(Instant::now());
            std::mem::take(&mut handshakes.untold)
        };
        let before = match untold {
            0 => String::new(),
            count => format!(" ({count} more before it)"),
        };
        self.say(&format!("TLS handshake with {source}: {error}{before}"));
    }

    fn accept_failed(&self, client: &str, error: &io::Error) {
        self.say(&format!("client {client}: accept: {error}"));
    }

    fn engine_changed(&self, change: &EngineChange<'_>) {
        self.say(&change.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_798_761_599, "2026-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
            (4_107_456_000, "2100-02-28T00:00:00.000Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(timestamp(time), expected);
        }
    }
}

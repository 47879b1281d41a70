//! `opgate run`: the gate itself, until it is told to stop.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use opgate::api::Operation;
use opgate::gate::{Gate, ListenerId};
use opgate::policy::{self, Address, Configuration};
use opgate::proxy::{
    self, Decision, Journal, Limits, Listener, ListenerConfig, Proxy, Record, Upstream,
};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{Failure, config, descriptors, on_terminal};

/// Reads the file, opens the listeners, and serves until SIGINT or SIGTERM.
pub(super) fn run(config: &Path) -> Result<(), Failure> {
    let configuration = config::load(config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Usage(format!("cannot start: {error}")))?;
    let served = runtime.block_on(serve(configuration));
    // Not waiting for a log that nobody reads.
    runtime.shutdown_background();
    served
}

async fn serve(configuration: Configuration) -> Result<(), Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let mut lines = String::new();
    let limits = limits(configuration.listeners.len(), &mut lines);
    let upstream = Upstream::new(&configuration.upstream, limits.engine_time)
        .map_err(|error| usage(&error))?;
    let gate = Arc::new(Gate::new(configuration.policies));
    let mut listeners = Vec::with_capacity(configuration.listeners.len());
    for (index, policy::Listener { address }) in configuration.listeners.into_iter().enumerate() {
        let id = ListenerId(index);
        let listener = Listener::bind(ListenerConfig { id, address })
            .await
            .map_err(|error| usage(&error))?;
        let at = match listener.address() {
            Address::Unix { path, mode } => {
                format!("unix://{} (mode {mode:04o})", path.display())
            }
            Address::Tcp(address) => format!("tcp://{address}"),
        };
        let _ = writeln!(lines, "opgate: client {} at {at}", gate.client(id));
        listeners.push(listener);
    }
    let _ = writeln!(
        io::stderr(),
        "{lines}opgate: Engine at unix://{}, API versions {} to {}",
        configuration.upstream.display(),
        opgate::api::OLDEST,
        opgate::api::NEWEST
    );
    // A reload will send another gate; the sender lives as long as the proxy.
    let (_reload, gate_in_force) = watch::channel(Arc::clone(&gate));
    let (log, writer) = Log::new(gate, on_terminal());
    let proxy = Arc::new(Proxy::new(gate_in_force, upstream, Arc::new(log), limits));
    let (stop, stopping) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| usage(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| usage(&error))?;
    let serving = proxy::serve(listeners, proxy, stopping);
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let _ = stop.send(true);
    serving.await;
    // The last lines are written, unless nobody takes them.
    let flushed = tokio::task::spawn_blocking(move || writer.join());
    let _ = tokio::time::timeout(FLUSH_TIME, flushed).await;
    Ok(())
}

/// The limits, within the descriptors that the process may have; says so where
/// they are too few.
fn limits(listeners: usize, lines: &mut String) -> Limits {
    let usual = Limits::default();
    let descriptors = descriptors::raise();
    let limits = usual.clone().within_descriptors(descriptors, listeners);
    if limits.connections < usual.connections {
        let _ = writeln!(
            lines,
            "opgate: {} connections at a time for each listener instead of {}: \
             {descriptors} descriptors (`ulimit -n`) are not enough for more",
            limits.connections, usual.connections
        );
    }
    limits
}

/// How long the last lines of the log may take at the end.
const FLUSH_TIME: Duration = Duration::from_secs(2);

/// Lines that wait to be written at most; more are counted, not kept.
const LOG_QUEUE: usize = 4096;

/// Writes a line for each request: text for a person, JSON for a program.
///
/// A thread of its own writes them: whoever reads the log slowly, or not at
/// all, must not hold up the gate.
struct Log {
    gate: Arc<Gate>,
    text: bool,
    lines: SyncSender<String>,
    lost: AtomicU64,
}

impl Log {
    /// The log, and the thread that writes it: it ends with the log.
    fn new(gate: Arc<Gate>, text: bool) -> (Self, JoinHandle<()>) {
        let (lines, waiting) = sync_channel::<String>(LOG_QUEUE);
        let writer = std::thread::spawn(move || {
            for line in waiting {
                // A log that cannot be written must not stop the gate.
                let _ = writeln!(io::stderr(), "{line}");
            }
        });
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
    fn line(&self, record: &Record) -> String {
        let decision = match record.decision {
            Decision::Allowed => "allow",
            Decision::Refused => "refuse",
            Decision::Failed => "fail",
        };
        let client = &record.client;
        let operation = record.operation.map(Operation::name);
        let milliseconds = record.duration.as_millis();
        if !self.text {
            return json!({
                "client": client.as_ref(),
                "operation": operation,
                "path": record.operation.map(|operation| operation.definition().path),
                "decision": decision,
                "rule": record.rule.as_ref().map(ToString::to_string),
                "field": record.field,
                "status": record.status,
                "message": record.message,
                "dropped": record.dropped,
                "tunnel": record.tunnel,
                "complete": record.complete,
                "bytes_in": record.bytes_in,
                "bytes_out": record.bytes_out,
                "duration_ms": u64::try_from(milliseconds).unwrap_or(u64::MAX),
            })
            .to_string();
        }
        let mut line = format!("{decision:<6} {client} {}", operation.unwrap_or("-"));
        if let Some(status) = record.status {
            let _ = write!(line, " {status}");
        }
        if record.tunnel {
            line.push_str(" tunnel");
        }
        let _ = write!(line, " {milliseconds} ms");
        if let (Decision::Allowed, Some(rule)) = (record.decision, &record.rule) {
            let _ = write!(line, " by {rule}");
        }
        if let Some(message) = &record.message {
            let _ = write!(line, ": {}", message.escape_debug());
        }
        if !record.dropped.is_empty() {
            let _ = write!(line, " (dropped {})", record.dropped.join(", "));
        }
        line
    }
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

//! `opgate run`: the gate itself, until it is told to stop.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use opgate::gate::{Gate, ListenerId};
use opgate::policy::{self, Address, Configuration};
use opgate::proxy::{self, Limits, Listener, ListenerConfig, Proxy, Upstream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::log::Log;
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

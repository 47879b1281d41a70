//! `opgate run`: the gate itself, until it is told to stop.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use opgate::confine::{Plan, confine};
use opgate::gate::{Gate, ListenerId};
use opgate::policy::{Address, Configuration, Metrics};
use opgate::proxy::{
    Counts, InForce, Journal, LimitTable, Limits, Listener, ListenerConfig, MetricsListener, Proxy,
    Server, Settings, TlsTable, take_over,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::engines::Environment;
use super::log::Log;
use super::{Failure, config, descriptors, on_terminal};
use again::Again;
use opened::Opened;
use reload::{PolicyFiles, Reload};
use signals::Signals;
use summary::{Source, Summary};
use systemd::{Asked, Systemd};

mod again;
mod opened;
mod reload;
mod signals;
mod summary;
mod systemd;

/// Reads the file, opens the listeners, and serves until SIGINT or SIGTERM. On SIGHUP
/// and when the file has changed, it is read again. When it is to end, requests under
/// way have so much time to end in, unless there is a second signal.
pub(super) fn run(config: &Path, grace: Duration) -> Result<(), Failure> {
    let environment = Environment::read();
    let (mut configuration, mut seen) = config::load_seen(config)?;
    let source = Source::of(&configuration);
    environment
        .complete(&mut configuration)
        .map_err(Failure::Usage)?;
    seen.look_at(configuration.certificates());
    config::runs_here(&configuration)?;
    let handed = take_over().map_err(|error| Failure::Usage(error.to_string()))?;
    let asked = Asked::by_environment().map_err(|error| Failure::Usage(error.to_string()))?;
    // What says how many processors there are can then not be read any more.
    let workers = available_parallelism().map_or(1, usize::from);
    // Before there are other threads: those that come are confined as this one is.
    let plan = Plan::of(&configuration);
    let confinement = confine(&plan);
    let summary = Summary::new(&configuration, source, confinement);
    let opened = Opened::open(configuration).map_err(|error| Failure::Usage(error.to_string()))?;
    for name in unused(&handed, &opened.configuration) {
        super::say(&format!(
            "opgate: no listener has the socket `{name}` that was handed over"
        ));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(|error| Failure::Usage(format!("cannot start: {error}")))?;
    let files = PolicyFiles::new(config, seen, environment, plan);
    let served = runtime.block_on(serve(opened, files, summary, asked, grace));
    // Not waiting for a log that nobody reads.
    runtime.shutdown_background();
    served
}

async fn serve(
    opened: Opened,
    files: PolicyFiles,
    mut summary: Summary,
    asked: Asked,
    grace: Duration,
) -> Result<(), Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let systemd = Arc::new(asked.open().map_err(|error| usage(&error))?);
    // Before anybody can know that the gate is there, so that none ends it untimely.
    let mut signals = Signals::new().map_err(|error| usage(&error))?;
    let mut hangup = signal(SignalKind::hangup()).map_err(|error| usage(&error))?;
    let mut lines = String::new();
    let descriptors = descriptors::raise();
    let metrics = opened.configuration.metrics.clone();
    let settings = settings(opened, descriptors, grace, &mut lines);
    let gate = Arc::new(Gate::new(settings.policies));
    let mut listeners = Vec::with_capacity(settings.listeners.len());
    let all = settings.listeners.into_iter().zip(&settings.tls);
    for (index, (address, tls)) in all.enumerate() {
        let id = ListenerId(index);
        let listener = Listener::bind(ListenerConfig { id, address })
            .await
            .map_err(|error| usage(&error))?;
        summary.listening(&gate.client(id), listener.address(), tls.as_ref());
        listeners.push(listener);
    }
    let metrics_listener = bind_metrics(metrics.as_ref()).await?;
    if let Some(listener) = &metrics_listener {
        summary.telling(listener);
    }
    let _ = write!(io::stderr(), "{lines}{}", summary.text(on_terminal()));
    let of_listeners = (0..).map(ListenerId).zip(settings.of_listeners);
    let tls = (0..).map(ListenerId).zip(settings.tls);
    let limits = LimitTable::new(settings.limits, of_listeners, settings.of_clients, None);
    let (in_force, looked_at) = watch::channel(Arc::new(InForce {
        gate,
        upstreams: Arc::new(settings.upstreams),
        limits: Arc::new(limits),
        tls: Arc::new(TlsTable::new(tls)),
    }));
    let (log, writer) = Log::new(on_terminal());
    let log = Arc::new(log);
    let (stop, stopping) = watch::channel(false);
    let (hush, hushed) = watch::channel(false);
    let mut told = JoinSet::new();
    let counts = metrics_listener.map(|listener| {
        let counts = Arc::new(Counts::new(Arc::<Log>::clone(&log)));
        let serving = in_force.borrow();
        let given = serving.gate.policies().given();
        counts.clients(given.map(|(client, _)| client));
        counts.engines(&serving.upstreams);
        told.spawn(listener.run(Arc::clone(&counts), hushed));
        counts
    });
    let journal: Arc<dyn Journal> = match &counts {
        Some(counts) => Arc::<Counts>::clone(counts),
        None => Arc::<Log>::clone(&log),
    };
    let proxy = Arc::new(Proxy::new(looked_at, journal));
    let watching = tokio::spawn(Arc::clone(&proxy).watch_engines(stopping.clone()));
    let mut reload = Reload {
        server: Server::new(listeners, proxy, stopping),
        in_force,
        files,
        descriptors,
        grace,
        log,
        metrics,
        counts,
        again: Again::default(),
    };
    systemd.ready().await;
    let alive = Arc::clone(&systemd);
    let living = tokio::spawn(async move { alive.live().await });
    until_stopped(&mut reload, &mut signals, &mut hangup, &systemd).await;
    let _ = stop.send(true);
    let ended = async { tokio::join!(systemd.stopping(), reload.server.ended()) };
    tokio::select! {
        _ = ended => {}
        () = signals.stop() => {}
    }
    // The numbers are told to the end. Their socket is removed, which needs no grace.
    let _ = hush.send(true);
    while told.join_next().await.is_some() {}
    drop(reload);
    living.abort();
    // It ended when the gate was told to, and has the log to let go of.
    let _ = watching.await;
    // The last lines are written, unless nobody takes them.
    let flushed = tokio::task::spawn_blocking(move || writer.join());
    let _ = tokio::time::timeout(FLUSH_TIME, flushed).await;
    Ok(())
}

/// Serves, and reloads whenever there is a reason to, until the gate is to end.
async fn until_stopped(
    reload: &mut Reload,
    signals: &mut Signals,
    hangup: &mut Signal,
    systemd: &Systemd,
) {
    loop {
        let asked = tokio::select! {
            () = reload.server.ended() => return,
            () = signals.stop() => return,
            _ = hangup.recv() => true,
            () = reload.files.changed() => true,
            () = reload.again.due() => false,
        };
        if asked {
            reload.again.asked();
        }
        systemd.reloading().await;
        let read = tokio::select! {
            read = reload.files.read() => read,
            () = signals.stop() => return,
        };
        reload.reload(read).await;
        systemd.ready().await;
    }
}

/// Opens the socket at which the metrics are told, if they are.
async fn bind_metrics(metrics: Option<&Metrics>) -> Result<Option<MetricsListener>, Failure> {
    let Some(metrics) = metrics else {
        return Ok(None);
    };
    let listener = MetricsListener::bind(metrics).await;
    listener
        .map(Some)
        .map_err(|error| Failure::Usage(error.to_string()))
}

/// The names of the sockets that were handed over for nothing.
fn unused<'n>(handed: &'n [String], configuration: &Configuration) -> Vec<&'n String> {
    let used = |handed: &String| {
        let mut listeners = configuration.listeners.iter();
        listeners.any(|one| matches!(&one.address, Address::Systemd { name, .. } if name == handed))
    };
    handed.iter().filter(|name| !used(name)).collect()
}

/// An address, as lines show it.
fn place(address: &Address) -> String {
    match address {
        Address::Unix { mode, .. } => format!("{address} (mode {mode:04o})"),
        Address::Tcp(_) | Address::Systemd { .. } => address.to_string(),
    }
}

/// What a configuration means for the proxy of a process with so many descriptors;
/// says so where they are too few.
fn settings(opened: Opened, descriptors: u64, grace: Duration, lines: &mut String) -> Settings {
    let Opened {
        configuration,
        upstreams,
        tls,
        insecure: _,
    } = opened;
    let limits = Limits {
        shutdown_grace: grace,
        ..Limits::default()
    };
    let bounds = &configuration.limits.listeners;
    let wanted: Vec<Limits> = bounds.iter().map(|one| limits.clone().with(one)).collect();
    let mut of_listeners = wanted.clone();
    // The process behind a connection is held by a descriptor of its own.
    let processes = configuration.policies.ask_for_processes();
    let for_connections = if processes {
        descriptors / 2
    } else {
        descriptors
    };
    Limits::fit_descriptors(&mut of_listeners, for_connections);
    for ((fit, wanted), listener) in of_listeners
        .iter()
        .zip(&wanted)
        .zip(&configuration.listeners)
    {
        if fit.connections < wanted.connections {
            let _ = writeln!(
                lines,
                "opgate: {} connections at a time at {} instead of {}: \
                 {descriptors} descriptors (`ulimit -n`) are not enough for more",
                fit.connections,
                place(&listener.address),
                wanted.connections
            );
        }
    }
    Settings {
        tls,
        listeners: configuration
            .listeners
            .into_iter()
            .map(|listener| listener.address)
            .collect(),
        policies: configuration.policies,
        upstreams,
        limits,
        of_listeners,
        of_clients: configuration.limits.clients,
    }
}

/// How long the last lines of the log may take at the end.
const FLUSH_TIME: Duration = Duration::from_secs(2);

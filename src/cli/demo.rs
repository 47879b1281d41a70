//! `opgate demo`: the gate in front of an Engine, with a tour of allowed and
//! refused requests.
//!
//! The Engine is the one at `DOCKER_HOST` or at the default socket, by a unix socket; where none
//! answers, a small stand-in inside the program makes up answers, and the tour
//! says so. Nothing of the tour changes anything at an Engine: what it creates
//! would need an image that does not exist. On a terminal the gate stays up
//! afterwards for the person to try; elsewhere the command ends by itself.

mod stand_in;
mod tour;

use std::fs::{self, DirBuilder};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use opgate::gate::{Gate, ListenerId};
use opgate::policy::{self, Configuration};
use opgate::proxy::{self, InForce, Journal, Limits, Listener, ListenerConfig, Proxy, Record};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::{Failure, engines, log};

/// The policy of the demo; `{gate}` and `{engine}` stand for its sockets.
const POLICY: &str = include_str!("../../policies/demo.yaml");

/// Where the Engine listens if nothing else is said.
const DEFAULT_ENGINE: &str = "/var/run/docker.sock";

/// Records that wait to be shown.
const RECORDS: usize = 256;

/// How long an Engine may take to show that it is there.
const ENGINE_TIME: Duration = Duration::from_secs(3);

/// Runs the demo. `docker_host` is what the environment says.
pub(super) fn demo(docker_host: Option<&str>, out: &mut impl Write) -> Result<(), Failure> {
    let folder = Folder::new()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Usage(format!("cannot start: {error}")))?;
    let shown = runtime.block_on(show(docker_host, folder.path(), out));
    runtime.shutdown_background();
    shown
}

async fn show(
    docker_host: Option<&str>,
    folder: &Path,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let (engine, note) = engine(docker_host, folder).await?;
    let (file, configuration) = policy_file(folder, &engine)?;
    let limits = Limits::default();
    let upstreams = engines::upstreams(configuration.engines, limits.engine_time)
        .map_err(|error| usage(&error))?;
    let in_force = InForce {
        tls: Arc::default(),
        gate: Arc::new(Gate::new(configuration.policies)),
        upstreams: Arc::new(upstreams),
        limits: Arc::new(limits.into()),
    };
    let (_reload, in_force) = watch::channel(Arc::new(in_force));
    let (sender, mut records) = mpsc::channel(RECORDS);
    let proxy = Proxy::new(in_force, Arc::new(Records(sender)));
    let mut listeners = Vec::new();
    for (index, listener) in configuration.listeners.into_iter().enumerate() {
        let config = ListenerConfig {
            id: ListenerId(index),
            address: listener.address,
        };
        let bound = Listener::bind(config)
            .await
            .map_err(|error| usage(&error))?;
        listeners.push(bound);
    }
    let socket = folder.join("opgate.sock");
    writeln!(out, "{note}")?;
    writeln!(out, "The gate:   unix://{}", socket.display())?;
    writeln!(out, "Its policy: {}", file.display())?;
    let (stop, stopping) = watch::channel(false);
    let serving = tokio::spawn(proxy::serve(listeners, Arc::new(proxy), stopping));
    let toured = tour::tour(&socket, &mut records, out).await;
    if toured.is_ok() && io::stdout().is_terminal() {
        stay(&socket, &file, &mut records, out).await?;
    }
    let _ = stop.send(true);
    // Nothing is under way, so that this takes no time.
    let _ = tokio::time::timeout(ENGINE_TIME, serving).await;
    toured
}

/// Shows what becomes of the person's own requests, until Ctrl-C.
async fn stay(
    socket: &Path,
    file: &Path,
    records: &mut mpsc::Receiver<Record>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let usage = |error: io::Error| Failure::Usage(error.to_string());
    let socket = socket.display();
    writeln!(
        out,
        "\nNow try it yourself, in another terminal; what is decided is shown here:\n\n  \
         export DOCKER_HOST=unix://{socket}\n  \
         docker ps\n  \
         docker run --rm -m 64m busybox echo hello\n  \
         docker run --rm -m 64m --privileged busybox true\n  \
         opgate explain --config {} GET /containers/json\n\n\
         Ctrl-C ends it.\n",
        file.display()
    )?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(usage)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(usage)?;
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            record = records.recv() => match record {
                Some(record) => writeln!(out, "{}", log::text(&record))?,
                None => return Ok(()),
            },
        }
    }
}

/// The Engine's socket, and what to say of it.
async fn engine(docker_host: Option<&str>, folder: &Path) -> Result<(PathBuf, String), Failure> {
    let (place, path) = match docker_host.filter(|host| !host.is_empty()) {
        None => (format!("unix://{DEFAULT_ENGINE}"), Some(DEFAULT_ENGINE)),
        Some(host) => (host.to_owned(), host.strip_prefix("unix://")),
    };
    if let Some(path) = path.map(PathBuf::from)
        && let Some(version) = tour::engine_version(&path, ENGINE_TIME).await
    {
        let note = format!("The Engine: {place} ({version})");
        return Ok((path, note));
    }
    let why = match path {
        Some(_) => "no Engine answers there",
        None => "the demo goes to unix sockets only",
    };
    let socket = folder.join("engine.sock");
    stand_in::start(&socket).map_err(|error| Failure::Usage(error.to_string()))?;
    let note = format!(
        "The Engine: {place}: {why}.\n            A stand-in inside this program answers instead; its answers are made up."
    );
    Ok((socket, note))
}

/// Writes the policy with its sockets into the folder, and reads it.
fn policy_file(folder: &Path, engine: &Path) -> Result<(PathBuf, Configuration), Failure> {
    let text = POLICY
        .replace(
            "/run/opgate/demo.sock",
            &folder.join("opgate.sock").display().to_string(),
        )
        .replace("/var/run/docker.sock", &engine.display().to_string());
    let file = folder.join("opgate.yaml");
    fs::write(&file, &text).map_err(|error| Failure::Usage(error.to_string()))?;
    // Named as a person would name it from inside the folder.
    let configuration = policy::resolve("opgate.yaml", &text)
        .map_err(|found| Failure::Findings(found.to_string()))?;
    Ok((file, configuration))
}

/// Passes records on to whoever shows them; drops them while nobody looks.
struct Records(mpsc::Sender<Record>);

impl Journal for Records {
    fn record(&self, record: &Record) {
        let _ = self.0.try_send(record.clone());
    }
}

/// A folder of our own, which goes with the demo.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let base = std::env::temp_dir();
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for attempt in 0..100_u32 {
            let name = format!("opgate-demo-{}-{attempt}", std::process::id());
            let path = base.join(name);
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
                Err(error) => {
                    last = error;
                    break;
                }
            }
        }
        let base = base.display();
        Err(Failure::Usage(format!(
            "cannot make a folder in {base}: {last}"
        )))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is a few small files in a temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

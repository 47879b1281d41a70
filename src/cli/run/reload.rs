//! Reading the policy file again while the gate runs.
//!
//! On SIGHUP at once, and when the file, or one that it includes, has changed. The
//! files are looked at every second: unlike being told of changes by the kernel,
//! that works where one file is mounted into a container, where a link is replaced
//! by another (as Kubernetes does) and on network file systems, and needs nothing
//! but what reading needs. A change counts once it has stayed for a second, so that
//! a file that is being written is not read in the middle.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use opgate::confine::Plan;
use opgate::policy::{Configuration, Metrics};
use opgate::proxy::{Changes, Counts, InForce, Server};
use tokio::sync::watch;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::sleep;

use super::super::config::{self, Looked, Seen};
use super::super::engines::Environment;
use super::super::log::Log;
use super::again::{Again, Refused};
use super::opened::Opened;
use super::{place, settings};

/// How often the files are looked at, and how long a change must have stayed.
const LOOK: Duration = Duration::from_secs(1);

/// What may be the reason where listening is denied.
const GIVEN_UP: &str = ". A gate that confines itself keeps the folders and ports that it started with: for others start it anew";

/// The policy file and those that it includes.
pub(super) struct PolicyFiles {
    path: PathBuf,
    environment: Environment,
    /// What the gate can still reach.
    plan: Plan,
    /// What they looked like when they were read.
    read: Seen,
    /// What they looked like last, if that was something else.
    last: Option<Seen>,
}

impl PolicyFiles {
    /// The files that were read from `path` on.
    pub(super) fn new(path: &Path, read: Seen, environment: Environment, plan: Plan) -> Self {
        Self {
            path: path.to_owned(),
            environment,
            plan,
            read,
            last: None,
        }
    }

    /// Reads them. Judging a large file takes a while, and reading one that is far
    /// away may never end: whoever does not want to wait can stop waiting.
    pub(super) async fn read(&self) -> Read {
        let (path, plan) = (self.path.clone(), self.plan.clone());
        let environment = self.environment.clone();
        spawn_blocking(move || read(&path, &environment, &plan)).await
    }

    /// Waits until they are no longer as they were read. Cancelling it loses nothing.
    pub(super) async fn changed(&mut self) {
        loop {
            sleep(LOOK).await;
            let read = self.read.clone();
            // Looking may take long where the files are far away.
            let Ok(now) = spawn_blocking(move || read.again()).await else {
                continue;
            };
            let settled = self.last.as_ref() == Some(&now);
            self.last = (now != self.read).then_some(now);
            if settled && self.last.is_some() {
                return;
            }
        }
    }
}

/// What reading the files gave: what they configure, or why they do not.
type Read = Result<(Result<Opened, Refused>, Seen), JoinError>;

/// Reads the files, and then the certificates that they name.
fn read(path: &Path, environment: &Environment, plan: &Plan) -> (Result<Opened, Refused>, Seen) {
    let Looked {
        resolved,
        mut seen,
        short: passing,
    } = config::resolve_seen(path, true);
    let refused = |why| Refused { why, passing };
    let opened = match resolved {
        Ok(Ok(configuration)) => open(configuration, environment, plan, &mut seen),
        Ok(Err(found)) => Err(refused(found.to_string())),
        Err(failure) => Err(refused(failure.to_string())),
    };
    (opened, seen)
}

fn open(
    mut configuration: Configuration,
    environment: &Environment,
    plan: &Plan,
    seen: &mut Seen,
) -> Result<Opened, Refused> {
    environment.complete(&mut configuration)?;
    // Before they are read: what is written meanwhile is then a change.
    seen.look_at(configuration.certificates());
    config::runs_here(&configuration).map_err(|error| error.to_string())?;
    if let Some(address) = plan.lacks(&configuration.engines) {
        let why = format!(
            "the Engine at {address} is at a port, or known by a name, that the gate gave up at its start: start it anew"
        );
        return Err(why.into());
    }
    Ok(Opened::open(configuration)?)
}

/// What a reload takes.
pub(super) struct Reload {
    pub(super) server: Server,
    pub(super) in_force: watch::Sender<Arc<InForce>>,
    pub(super) files: PolicyFiles,
    pub(super) descriptors: u64,
    pub(super) grace: Duration,
    pub(super) log: Arc<Log>,
    /// Where the numbers are told, as long as the gate runs.
    pub(super) metrics: Option<Metrics>,
    /// The numbers, where they are told.
    pub(super) counts: Option<Arc<Counts>>,
    /// What is to be tried again.
    pub(super) again: Again,
}

impl Reload {
    /// Goes by what the files say; or leaves everything as it is, and says why.
    pub(super) async fn reload(&mut self, read: Read) {
        let reloaded = self.try_reload(read).await;
        if !self.again.tried(reloaded.as_ref().err()) {
            return;
        }
        if let Some(counts) = &self.counts {
            counts.reloaded(reloaded.is_ok());
        }
        let message = match reloaded {
            Ok(said) => format!("reloaded {}: {said}", self.files.path.display()),
            Err(Refused { why, passing }) => format!(
                "not reloaded, the policies stay as they were{}: {}",
                if passing {
                    ", and it is tried again"
                } else {
                    ""
                },
                why.trim_end()
            ),
        };
        self.log.say(&message);
    }

    async fn try_reload(&mut self, read: Read) -> Result<String, Refused> {
        let (opened, seen) = read.map_err(|error| error.to_string())?;
        self.files.read = seen;
        self.files.last = None;
        // What could not be read is neither right nor wrong.
        let unread = opened.as_ref().is_err_and(|refused| refused.passing);
        if let Some(counts) = &self.counts
            && !unread
        {
            counts.read(opened.is_ok());
        }
        let opened = opened?;
        let configuration = &opened.configuration;
        if configuration.metrics != self.metrics {
            return Err("another `metrics` takes a restart".to_owned().into());
        }
        let mut said = String::new();
        if !configuration.warnings.found().is_empty() {
            let _ = writeln!(said, "{}", configuration.warnings.to_string().trim_end());
        }
        for insecure in &opened.insecure {
            let _ = writeln!(said, "insecure: {insecure}");
        }
        if let Some(counts) = &self.counts {
            // Before anybody can be one of them.
            counts.clients(configuration.policies.given().map(|(client, _)| client));
        }
        let settings = settings(opened, self.descriptors, self.grace, &mut said);
        let reloaded = self.server.reload(&self.in_force, settings).await;
        let changes = reloaded.map_err(|error| {
            let denied = error.is_denied() && self.files.plan.gives_up_places();
            let mut refused = Refused::from(error);
            if denied {
                refused.why.push_str(GIVEN_UP);
            }
            refused
        })?;
        if let Some(counts) = &self.counts {
            counts.engines(&self.in_force.borrow().upstreams);
        }
        Ok(shown(&changes) + if said.is_empty() { "" } else { "\n" } + said.trim_end())
    }
}

/// What became of the listeners.
fn shown(changes: &Changes) -> String {
    let listeners = |count: usize| if count == 1 { "listener" } else { "listeners" };
    let mut said = format!("{} {} kept", changes.kept, listeners(changes.kept));
    for address in &changes.added {
        let _ = write!(said, ", opened {}", place(address));
    }
    for error in &changes.shut {
        let _ = write!(said, ", {error}");
    }
    for address in &changes.removed {
        let _ = write!(said, ", closed {}", place(address));
    }
    said
}

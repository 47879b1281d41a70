//! A scenario, run at the Engine's own socket and through a gate → the same
//! transcript, or where the two differ.
//!
//! A scenario is a shell script (see `prelude.sh`). Each run has a folder and a
//! name of its own, and the gate has a policy of its own: every operation by its
//! bare name, but those that the scenario opens more of by the rules that do.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use opgate::api::Operation;

use super::Result;
use super::gate::{self, Gate};
use super::test_engine::{self, TestEngine};
use super::tls::TlsGate;
use super::transcript::{self, Transcript};

/// Longest run of a scenario.
const SCENARIO: Duration = Duration::from_mins(2);

/// What runs inside these is outside every field rule: a rule that says so must
/// name them.
const OPAQUE: [&str; 2] = ["Session", "Grpc"];

/// A script and what it needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// The name of its script in `scenarios/`.
    pub(crate) name: &'static str,
    /// Rules of a policy, in place of the bare names of their operations.
    pub(crate) rules: &'static [&'static str],
    /// Who else may use the Engine meanwhile.
    pub(crate) company: Company,
}

/// Whether a scenario looks at what others make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// It sees only what it makes itself.
    Welcome,
    /// It counts or lists all that there is.
    Alone,
}

/// Transcripts, to be read by a person, where a test shows its error.
struct Shown(String);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Shown {}

/// How a gate is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Unix,
    Tls,
}

/// Where docker finds an Engine, or a gate in front of one.
struct Way {
    name: &'static str,
    host: String,
    /// The folder of what is needed for TLS.
    certificates: Option<PathBuf>,
}

impl Way {
    fn unix(name: &'static str, socket: &Path) -> Self {
        Self {
            name,
            host: format!("unix://{}", socket.display()),
            certificates: None,
        }
    }
}

/// Runs the scenario both ways and wants no difference.
pub(crate) fn same(engine: &TestEngine, scenario: &Scenario, by: By) -> Result {
    static COMPANY: RwLock<()> = RwLock::new(());
    let (_several, _alone) = match scenario.company {
        Company::Welcome => (
            Some(COMPANY.read().unwrap_or_else(PoisonError::into_inner)),
            None,
        ),
        Company::Alone => (
            None,
            Some(COMPANY.write().unwrap_or_else(PoisonError::into_inner)),
        ),
    };
    let allowed = allowed(scenario.rules);
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    let direct = run(engine, &Way::unix("direct", engine.socket()), scenario.name)?;
    let through = match by {
        By::Unix => {
            let gate = Gate::start(engine.socket(), &allowed, &[])?;
            run(engine, &Way::unix("opgate", gate.socket()), scenario.name)?
        }
        By::Tls => {
            let gate = TlsGate::start(engine.socket(), &allowed)?;
            let way = Way {
                name: "opgate",
                host: gate.host(),
                certificates: Some(gate.certificates()),
            };
            run(engine, &way, scenario.name)?
        }
    };
    if let Some(difference) = transcript::difference(&direct, &through) {
        return Err(Shown(format!("{}: {difference}", scenario.name)).into());
    }
    Ok(())
}

/// Every operation, by the rule that the scenario has for it or by its name.
fn allowed(rules: &[&str]) -> Vec<String> {
    let operation = |rule: &str| rule.split(':').next().unwrap_or_default().to_owned();
    let given: Vec<String> = rules.iter().map(|rule| operation(rule)).collect();
    Operation::ALL
        .iter()
        .filter(|operation| operation.definition().span.since <= gate::LEVEL)
        .map(|operation| operation.name())
        .filter(|name| !OPAQUE.contains(name) && !given.iter().any(|given| given == name))
        .map(str::to_owned)
        .chain(rules.iter().map(|rule| (*rule).to_owned()))
        .collect()
}

/// Runs the script one way; it must hold everything that it expects.
fn run(engine: &TestEngine, way: &Way, name: &str) -> Result<Transcript> {
    static RUNS: AtomicUsize = AtomicUsize::new(100);
    let folder = tempfile::tempdir()?;
    let programs = folder.path().join("bin");
    std::fs::create_dir(&programs)?;
    std::os::unix::fs::symlink(engine.docker_cli(), programs.join("docker"))?;
    // Others may run the same scenario at the same time. All names have the same length:
    // the columns of tables depend on it.
    let number = RUNS.fetch_add(1, Ordering::Relaxed);
    let made = format!("c{}-{name}-{number}-{}", std::process::id(), way.name).replace('_', "-");
    let script = format!(
        ". {}\n. {}\n",
        scripts().join("prelude.sh").display(),
        scripts()
            .join("scenarios")
            .join(format!("{name}.sh"))
            .display()
    );
    let mut command = Command::new("bash");
    command.arg("-c").arg(script).current_dir(folder.path());
    for variable in test_engine::SETTINGS {
        command.env_remove(variable);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut programs = programs.into_os_string();
    programs.push(":");
    programs.push(path);
    command
        .env("PATH", programs)
        .env("DOCKER_CONFIG", engine.docker_config())
        .env("DOCKER_HOST", &way.host)
        .env("ENGINE", format!("unix://{}", engine.socket().display()))
        .env("SCRIPTS", scripts())
        .env("n", &made);
    if let Some(certificates) = &way.certificates {
        command
            .env("DOCKER_TLS_VERIFY", "1")
            .env("DOCKER_CERT_PATH", certificates)
            // To docker-py's library these come before what docker-py asks for.
            .env_remove("REQUESTS_CA_BUNDLE")
            .env_remove("CURL_CA_BUNDLE");
    }
    let output = test_engine::run(command, b"", SCENARIO)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    // A part of a pipeline that gives up does not end the script.
    let gave_up = said.lines().any(|line| line.starts_with("!! "));
    if gave_up || !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(Shown(format!(
            "{name}, {}: {}\n{said}{errors}",
            way.name, output.status
        ))
        .into());
    }
    Ok(Transcript::new(
        said,
        &[
            (&made, "NAME"),
            (&folder.path().display().to_string(), "FOLDER"),
            (&way.host, "HOST"),
        ],
    ))
}

/// The folder of scripts.
pub(crate) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

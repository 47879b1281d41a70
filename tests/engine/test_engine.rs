//! A real Docker Engine for the tests of one binary: started once through `tests/engine/engine.sh`, used by all tests of
//! the binary, stopped when the binary ends, however it ends.
//!
//! The script runs as a child that holds the Engine until its standard input closes, so the Engine goes with the test
//! process even when no destructor runs. Where no Engine can be had, the tests are skipped with a loud line on standard
//! error, unless `OPGATE_REQUIRE_ENGINE=1` makes that a failure. An Engine that could be had but does not start is
//! always a failure. What can be had, and which Engine is taken, is the script's business; see its head.
//!
//! Every wait here has an end: start, stop, and each run of the docker CLI.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::DirBuilder;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Longest wait for an Engine; the first one of a machine fetches its packages first.
const START: Duration = Duration::from_mins(15);
/// Longest wait for an Engine to be gone.
const STOP: Duration = Duration::from_secs(45);
/// Longest run of the docker CLI, unless a test gives its own limit.
const COMMAND: Duration = Duration::from_mins(1);
/// What the script exits with where no Engine can be had.
const UNAVAILABLE: i32 = 3;

/// What the environment may say to docker clients, and tests say themselves.
pub(crate) const SETTINGS: [&str; 6] = [
    "DOCKER_API_VERSION",
    "DOCKER_BUILDKIT",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
];

/// Which Engine a test wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// The newest that Debian has.
    Newest,
    /// The oldest that opgate serves: 20.10, API version 1.41.
    Oldest,
}

impl Variant {
    fn argument(self) -> &'static str {
        match self {
            Self::Newest => "28",
            Self::Oldest => "20.10",
        }
    }
}

/// A running Engine, with the docker CLI that belongs to it.
#[derive(Debug)]
pub(crate) struct TestEngine {
    facts: HashMap<String, String>,
    holder: Mutex<Holder>,
}

impl TestEngine {
    /// Starts the newest Engine; `None` where none can be had and none is required.
    pub(crate) fn start() -> Result<Option<Self>, EngineError> {
        Self::start_variant(Variant::Newest)
    }

    /// Starts the Engine that is asked for; `None` where it cannot be had and is not required.
    pub(crate) fn start_variant(variant: Variant) -> Result<Option<Self>, EngineError> {
        match Self::launch(variant) {
            Err(EngineError::Unavailable(reason)) if !required() => {
                skipped("ENGINE TESTS", &reason);
                Ok(None)
            }
            Err(error) => Err(error),
            Ok(engine) => Ok(Some(engine)),
        }
    }

    /// The newest Engine, shared by all tests of this binary; started by the first that asks.
    pub(crate) fn shared() -> Result<Option<&'static Self>, &'static EngineError> {
        static SHARED: OnceLock<Result<Option<TestEngine>, EngineError>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref().map(Option::as_ref)
    }

    fn launch(variant: Variant) -> Result<Self, EngineError> {
        let folder = make_folder()?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/engine.sh");
        let mut command = Command::new("bash");
        command.arg(script).args(["hold", variant.argument()]);
        command.arg(&folder);
        let mut holder = Holder::spawn(command)?;
        let facts = holder.facts(&folder)?;
        let engine = Self {
            facts,
            holder: Mutex::new(holder),
        };
        for name in [
            "OPGATE_ENGINE_SOCKET",
            "OPGATE_DOCKER_CLI",
            "OPGATE_DOCKER_CONFIG",
        ] {
            if engine.fact(name).is_empty() {
                return Err(EngineError::Failed(format!(
                    "the script printed no `{name}`"
                )));
            }
        }
        Ok(engine)
    }

    /// The Engine's own socket.
    pub(crate) fn socket(&self) -> &Path {
        Path::new(self.fact("OPGATE_ENGINE_SOCKET"))
    }

    /// The docker CLI that came with the Engine.
    pub(crate) fn docker_cli(&self) -> &Path {
        Path::new(self.fact("OPGATE_DOCKER_CLI"))
    }

    /// A configuration folder for that CLI, which knows its plugins and holds no credentials.
    pub(crate) fn docker_config(&self) -> &Path {
        Path::new(self.fact("OPGATE_DOCKER_CONFIG"))
    }

    /// The Engine's version, like `28.5.2+dfsg4`.
    pub(crate) fn version(&self) -> &str {
        self.fact("OPGATE_ENGINE_VERSION")
    }

    /// The newest API version that the Engine serves, like `1.51`.
    pub(crate) fn api_version(&self) -> &str {
        self.fact("OPGATE_ENGINE_API")
    }

    /// The first process of the namespaces that it runs in; empty where it runs in none of its own.
    pub(crate) fn first_process(&self) -> &str {
        self.fact("OPGATE_ENGINE_PIDS")
    }

    fn fact(&self, name: &str) -> &str {
        self.facts.get(name).map_or("", String::as_str)
    }

    /// A docker CLI command on `host_socket` (the Engine's own, or a gate's), without any of the caller's docker settings.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, host_socket: &Path, arguments: &[A]) -> Command {
        let mut host = std::ffi::OsString::from("unix://");
        host.push(host_socket);
        self.command_at(&host, arguments)
    }

    /// The same on a host as the CLI takes it, such as `tcp://127.0.0.1:2375`.
    pub(crate) fn command_at<A: AsRef<OsStr>>(&self, host: &OsStr, arguments: &[A]) -> Command {
        let mut command = Command::new(self.docker_cli());
        for name in SETTINGS {
            command.env_remove(name);
        }
        command.arg("--config").arg(self.docker_config());
        command.arg("--host").arg(host).args(arguments);
        command
    }

    /// Runs the docker CLI on `host_socket` without input.
    pub(crate) fn docker(
        &self,
        host_socket: &Path,
        arguments: &[&str],
    ) -> Result<Output, EngineError> {
        run(self.command(host_socket, arguments), b"", COMMAND)
    }

    /// Runs the docker CLI at a TCP address without input.
    pub(crate) fn docker_at(
        &self,
        address: &str,
        arguments: &[&str],
    ) -> Result<Output, EngineError> {
        let host = format!("tcp://{address}");
        run(self.command_at(host.as_ref(), arguments), b"", COMMAND)
    }

    /// Stops the Engine and waits until all of it is gone.
    pub(crate) fn stop(self) -> Result<(), EngineError> {
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        let status = holder.finish()?;
        if status.success() {
            Ok(())
        } else {
            Err(EngineError::Failed(format!(
                "the script ended with {status} at the stop"
            )))
        }
    }
}

/// The script's process: the Engine lives until its standard input closes.
#[derive(Debug)]
struct Holder {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    last_words: Option<JoinHandle<String>>,
}

impl Holder {
    fn spawn(mut command: Command) -> Result<Self, EngineError> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| EngineError::Failed(format!("`bash` does not start: {error}")))?;
        let input = child.stdin.take();
        let (sender, lines) = mpsc::sync_channel(64);
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        // What the script says is shown at once, and its last line is the reason when it gives up.
        let last_words = child.stderr.take().map(|errors| {
            thread::spawn(move || {
                let mut last = String::new();
                for line in BufReader::new(errors).lines().map_while(Result::ok) {
                    drop(io::stderr().write_all(format!("{line}\n").as_bytes()));
                    last = line;
                }
                last
            })
        });
        Ok(Self {
            child,
            input,
            lines,
            last_words,
        })
    }

    /// The script's `NAME=VALUE` lines, once it says that the Engine is ready.
    fn facts(&mut self, folder: &Path) -> Result<HashMap<String, String>, EngineError> {
        let end = Instant::now() + START;
        let mut facts = HashMap::new();
        loop {
            match self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(line) => match line.split_once('=') {
                    Some(("OPGATE_ENGINE_READY", _)) => return Ok(facts),
                    Some((name, value)) => {
                        facts.insert(name.to_owned(), value.to_owned());
                    }
                    None => {}
                },
                Err(RecvTimeoutError::Timeout) => {
                    drop(self.finish());
                    return Err(EngineError::TimedOut(
                        "the start of an Engine".to_owned(),
                        START,
                    ));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    drop(std::fs::remove_dir(folder));
                    return Err(self.failure()?);
                }
            }
        }
    }

    /// Why the script ended before the Engine was ready.
    fn failure(&mut self) -> Result<EngineError, EngineError> {
        let status = self.finish()?;
        let said = self.last_words.take().and_then(|words| words.join().ok());
        let reason = said
            .as_deref()
            .map(|line| {
                line.rsplit_once(": NO ENGINE HERE: ")
                    .map_or(line, |(_, reason)| reason)
            })
            .filter(|line| !line.is_empty())
            .map_or_else(|| format!("the script ended with {status}"), str::to_owned);
        Ok(if status.code() == Some(UNAVAILABLE) {
            EngineError::Unavailable(reason)
        } else {
            EngineError::Failed(reason)
        })
    }

    /// Closes the script's input, which ends the Engine, and waits for the script.
    fn finish(&mut self) -> Result<ExitStatus, EngineError> {
        drop(self.input.take());
        wait(&mut self.child, STOP, "the stop of an Engine")
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if self.input.is_some() {
            drop(self.finish());
        }
    }
}

/// Why a test has no Engine, or a command no result.
#[derive(Debug)]
pub(crate) enum EngineError {
    /// None can be had on this machine.
    Unavailable(String),
    /// One could be had, but something went wrong.
    Failed(String),
    /// Something took longer than it may.
    TimedOut(String, Duration),
}

impl fmt::Display for EngineError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(reason) => {
                write!(
                    formatter,
                    "no Engine can be had, and `OPGATE_REQUIRE_ENGINE` is set: {reason}"
                )
            }
            Self::Failed(reason) => formatter.write_str(reason),
            Self::TimedOut(what, limit) => {
                write!(
                    formatter,
                    "{what} took longer than {} seconds",
                    limit.as_secs()
                )
            }
        }
    }
}

impl std::error::Error for EngineError {}

/// Whether tests without an Engine must fail rather than be skipped.
pub(crate) fn required() -> bool {
    std::env::var_os("OPGATE_REQUIRE_ENGINE").is_some_and(|value| value != "0" && !value.is_empty())
}

/// Says loudly that tests are skipped.
pub(crate) fn skipped(what: &str, reason: &str) {
    // Not `eprintln!`, which the test harness would capture and then drop.
    let line = format!("\n=== {what} SKIPPED: {reason} ===\n");
    drop(io::stderr().write_all(line.as_bytes()));
}

/// A folder for an Engine, of this process alone. It is below `/tmp` because the Engine's sockets need short paths.
fn make_folder() -> Result<PathBuf, EngineError> {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    for _ in 0..100 {
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = PathBuf::from(format!("/tmp/opgate-{}-{number}", std::process::id()));
        match builder.create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(EngineError::Failed(format!(
                    "cannot make `{}`: {error}",
                    folder.display()
                )));
            }
        }
    }
    Err(EngineError::Failed(
        "no free folder below `/tmp`".to_owned(),
    ))
}

/// Runs `command` with `input`, and ends it when it takes longer than `limit`.
pub(crate) fn run(
    mut command: Command,
    input: &[u8],
    limit: Duration,
) -> Result<Output, EngineError> {
    let name = format!("{command:?}");
    let failed = |error: io::Error| EngineError::Failed(format!("{name}: {error}"));
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    // One thread for each pipe, so that none of them can fill up while another is waited for.
    let writer = child.stdin.take().map(|mut pipe| {
        let input = input.to_vec();
        // A command that ends without reading its input is no error here.
        thread::spawn(move || drop(pipe.write_all(&input)))
    });
    let output = collect(child.stdout.take());
    let errors = collect(child.stderr.take());
    let status = wait(&mut child, limit, &name)?;
    let end = Instant::now() + COMMAND;
    let received = |pipe: &Receiver<Vec<u8>>| {
        pipe.recv_timeout(end.saturating_duration_since(Instant::now()))
            .map_err(|_| {
                EngineError::Failed(format!("{name}: another process keeps its output open"))
            })
    };
    let result = Output {
        status,
        stdout: received(&output)?,
        stderr: received(&errors)?,
    };
    drop(writer);
    Ok(result)
}

/// Everything that comes out of `pipe`, as one message at its end.
fn collect(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            drop(pipe.read_to_end(&mut bytes));
        }
        drop(sender.send(bytes));
    });
    receiver
}

/// Waits for `child`, and kills it when it takes longer than `limit`.
fn wait(child: &mut Child, limit: Duration, what: &str) -> Result<ExitStatus, EngineError> {
    let failed = |error: io::Error| EngineError::Failed(format!("{what}: {error}"));
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(status);
        }
        if Instant::now() >= end {
            child.kill().map_err(failed)?;
            child.wait().map_err(failed)?;
            return Err(EngineError::TimedOut(what.to_owned(), limit));
        }
        thread::sleep(Duration::from_millis(10));
    }
}

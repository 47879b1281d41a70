//! Images and containers on the test Engine, which go with their values.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::test_engine::{TestEngine, run};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The longest wait for a build, and for a container to be healthy.
const TIME: Duration = Duration::from_mins(1);

/// Something that the Engine keeps until it is told otherwise.
#[derive(Debug)]
pub(crate) struct Kept<'e> {
    engine: &'e TestEngine,
    name: String,
    /// The command that removes it.
    removal: &'static [&'static str],
}

impl<'e> Kept<'e> {
    /// A container that is or will be there.
    pub(crate) fn container(engine: &'e TestEngine, name: &str) -> Self {
        Self::new(engine, name, &["rm", "--force"])
    }

    /// A volume that is or will be there.
    pub(crate) fn volume(engine: &'e TestEngine, name: &str) -> Self {
        Self::new(engine, name, &["volume", "rm", "--force"])
    }

    fn new(engine: &'e TestEngine, name: &str, removal: &'static [&'static str]) -> Self {
        Self {
            engine,
            name: name.to_owned(),
            removal,
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        let mut removal = self.removal.to_vec();
        removal.push(&self.name);
        let _ = self.engine.docker(self.engine.socket(), &removal);
    }
}

/// Runs a command and wants it to succeed; gives its standard output.
fn works(command: Command, input: &[u8]) -> Result<String> {
    let shown = format!("{command:?}");
    let output = run(command, input, TIME)?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs a docker command of the Engine's owner and wants it to succeed.
pub(crate) fn docker(engine: &TestEngine, arguments: &[&str]) -> Result<String> {
    works(engine.command(engine.socket(), arguments), b"")
}

/// Builds the image of the repository's Dockerfile, with `stage` for its first
/// stage, and gives the build's `result`: `--tag NAME` or `--output …`.
pub(crate) fn build_gate(engine: &TestEngine, stage: &Path, result: &[&str]) -> Result<()> {
    let stage = format!("build={}", stage.display());
    let mut arguments = vec!["buildx", "build", "--quiet", "--build-context", &stage];
    arguments.extend_from_slice(result);
    arguments.push(crate::build::REPOSITORY);
    docker(engine, &arguments).map(drop)
}

/// Builds an image of the docker CLI and the libraries that it needs.
pub(crate) fn build_client<'e>(engine: &'e TestEngine, name: &str) -> Result<Kept<'e>> {
    let folder = tempfile::tempdir()?;
    let cli = engine.docker_cli();
    fs::copy(cli, folder.path().join("docker"))?;
    // A static CLI names none.
    let libraries = Command::new("ldd").arg(cli).output()?;
    for word in String::from_utf8(libraries.stdout)?.split_whitespace() {
        if let Some(path) = word.strip_prefix('/') {
            let place = folder.path().join(path);
            fs::create_dir_all(place.parent().ok_or("a library is in a folder")?)?;
            fs::copy(word, place)?;
        }
    }
    let context = folder.path().to_str().ok_or("the folder is no text")?;
    let arguments = [
        "buildx", "build", "--quiet", "--tag", name, "--file", "-", context,
    ];
    let dockerfile = b"FROM scratch\nCOPY . /\nENTRYPOINT [\"/docker\"]\n";
    works(engine.command(engine.socket(), &arguments), dockerfile)?;
    Ok(Kept::new(engine, name, &["image", "rm", "--force"]))
}

/// An image that is there, and goes with the value.
pub(crate) fn image<'e>(engine: &'e TestEngine, name: &str) -> Kept<'e> {
    Kept::new(engine, name, &["image", "rm", "--force"])
}

/// Runs a line of a shell script, in which `docker` is the Engine's owner's.
pub(crate) fn shell(engine: &TestEngine, folder: &Path, script: &str) -> Result<String> {
    let programs = engine
        .docker_cli()
        .parent()
        .ok_or("the CLI has no folder")?;
    let others = std::env::var("PATH")?;
    let mut command = Command::new("sh");
    command
        .args(["-euc", script])
        .current_dir(folder)
        .env("PATH", format!("{}:{others}", programs.display()))
        .env(
            "DOCKER_HOST",
            format!("unix://{}", engine.socket().display()),
        )
        .env("DOCKER_CONFIG", engine.docker_config())
        .env_remove("DOCKER_CONTEXT");
    works(command, b"")
}

/// Waits until the Engine says that a container, which was started at `since` or
/// later, is healthy.
pub(crate) fn wait_until_healthy(engine: &TestEngine, name: &str, since: SystemTime) -> Result<()> {
    let since = since.duration_since(UNIX_EPOCH)?.as_secs();
    // The Engine tells what was and what comes, and ends the story by itself.
    let (since, until) = (since.to_string(), (since + TIME.as_secs()).to_string());
    let filter = format!("container={name}");
    let mut arguments = vec!["events", "--since", &since, "--until", &until];
    arguments.extend_from_slice(&["--filter", &filter, "--format", "{{.Action}}"]);
    let mut events = engine
        .command(engine.socket(), &arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = events.stdout.take().ok_or("no standard output")?;
    let found = BufReader::new(stdout)
        .lines()
        .map_while(std::result::Result::ok)
        .find(|action| action == "die" || action.starts_with("health_status: "));
    let _ = events.kill();
    events.wait()?;
    if found.as_deref() == Some("health_status: healthy") {
        return Ok(());
    }
    let health = ["inspect", "--format", "{{json .State}}", name];
    let state = docker(engine, &health)?;
    let Output { stderr, .. } = engine.docker(engine.socket(), &["logs", name])?;
    let log = String::from_utf8_lossy(&stderr);
    Err(format!("not healthy, but {found:?}:\n{state}\n{log}").into())
}

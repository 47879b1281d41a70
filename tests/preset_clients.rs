//! Real clients on a real Engine through the policies that are meant for them.
//!
//! A scenario is a script in `preset_clients/scenarios/` that runs the client and fails
//! if something does not come out as it must; it runs through a gate with the policy as
//! it is in `policies/`, but for the places of sockets and projects. The gate must have
//! refused what the line here names, and nothing else. `preset_clients/client.sh` gets
//! the clients that are not at hand.

#[path = "preset_clients/gate.rs"]
mod gate;
#[path = "engine/test_engine.rs"]
#[expect(dead_code, reason = "scenarios run docker by themselves")]
mod test_engine;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use gate::Gate;
use test_engine::{SETTINGS, TestEngine};

/// Longest wait for a client's packages.
const FETCH: Duration = Duration::from_mins(10);
/// Longest run of a scenario.
const SCENARIO: Duration = Duration::from_mins(3);

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What the gate's log says of a request.
#[derive(serde::Deserialize)]
struct Record {
    decision: String,
    operation: Option<String>,
    message: Option<String>,
}

/// A test for each scenario: its policy, the client to get first, and the operations
/// that it tries and is refused.
macro_rules! scenarios {
    ($($name:ident: $preset:literal, $client:expr, [$($refused:literal),* $(,)?];)*) => {
        $(
            #[test]
            fn $name() -> Result {
                run(stringify!($name), $preset, $client, &[$($refused),*])
            }
        )*
    };
}

scenarios! {
    act: "act", Some("act"), ["ContainerCreate"];
    agent: "ai-agent", None, ["ContainerArchive", "ContainerCreate", "ContainerExec", "ImagePull"];
    compose: "compose", None, ["ContainerCreate"];
    devcontainers: "devcontainers", Some("devcontainers"), ["ContainerCreate"];
    hub: "dockerspawner", Some("python"), ["ContainerCreate"];
    prometheus: "prometheus", Some("prometheus"), [];
    runner: "github-actions-runner", None, ["ContainerCreate", "NetworkPrune"];
    reaper: "testcontainers", Some("python"), ["ContainerCreate", "ContainerList"];
    traefik: "traefik", Some("traefik"), [];
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/preset_clients")
}

fn run(name: &str, preset: &str, client: Option<&str>, refused: &[&str]) -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    let Some(program) = client.map_or(Ok(Some(String::new())), fetch)? else {
        return Ok(());
    };
    let gate = Gate::start(engine.socket(), preset)?;
    let script = scripts().join(format!("scenarios/{name}"));
    let script = ["sh", "py"]
        .map(|kind| script.with_extension(kind))
        .into_iter()
        .find(|path| path.exists())
        .ok_or("no such scenario")?;
    let mut command = match script.extension() {
        Some(kind) if kind == "py" => Command::new(&program),
        _ => Command::new("bash"),
    };
    for setting in SETTINGS {
        command.env_remove(setting);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = engine.docker_cli().parent().ok_or("no folder")?;
    let path = std::env::join_paths(
        std::iter::once(tools.to_path_buf()).chain(std::env::split_paths(&path)),
    )?;
    let unix = |socket: &Path| format!("unix://{}", socket.display());
    command
        .arg(&script)
        .current_dir(gate.projects())
        .env("PATH", path)
        .env("HOME", gate.folder())
        .env("DOCKER_CONFIG", engine.docker_config())
        .env("DOCKER_HOST", unix(gate.socket()))
        .env("ENGINE", unix(engine.socket()))
        .env("GATES", gate.folder())
        .env("PROJECTS", gate.projects())
        .env("PROGRAM", &program)
        .env("n", format!("preset-{name}-{}", std::process::id()));
    let output = test_engine::run(command, b"", SCENARIO)?;
    let mut said = String::new();
    let mut found = BTreeSet::new();
    let mut allowed = 0;
    for line in gate.stop().lines().filter(|line| line.starts_with('{')) {
        let record: Record = serde_json::from_str(line)?;
        match record.decision.as_str() {
            "allow" => allowed += 1,
            "refuse" => {
                found.insert(record.operation.unwrap_or_default());
                said += &record.message.unwrap_or_default();
                said.push('\n');
            }
            // A client that went away.
            _ => {}
        }
    }
    assert!(
        output.status.success(),
        "{name} ended with {}\n{}\n{}\nand the gate refused:\n{said}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(allowed > 2, "{name} asked for little");
    let expected: BTreeSet<String> = refused.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(found, expected, "{name} was refused otherwise:\n{said}");
    Ok(())
}

/// Gets a client, where that is possible, and says where its program is.
fn fetch(client: &str) -> Result<Option<String>> {
    let mut fetch = Command::new("bash");
    fetch.arg(scripts().join("client.sh")).arg(client);
    let output = test_engine::run(fetch, b"", FETCH)?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => Ok(Some(
            String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )),
        // What the script ends with where the client cannot be had.
        Some(3) if !test_engine::required() => {
            test_engine::skipped(client, said.lines().last().unwrap_or_default());
            Ok(None)
        }
        _ => Err(said.into()),
    }
}

//! Real clients do the same through opgate as at the Engine's own socket: the
//! same scenario is run both ways, and output, errors and exit codes are
//! compared. See `clients/compare.rs` for how, and `clients/prelude.sh` for what
//! a scenario is written in.
//!
//! A new scenario is a script in `clients/scenarios/` and a line here: who else
//! may use the Engine meanwhile, and which rules it needs beyond the bare names
//! of operations. What a rule opens is what such clients cannot do without.
#![cfg(test)]

#[path = "support/certs.rs"]
#[expect(dead_code, reason = "other tests connect by themselves")]
mod certs;
#[path = "clients/compare.rs"]
mod compare;
#[path = "engine/gate.rs"]
#[expect(dead_code, reason = "raw requests are for other tests")]
mod gate;
#[path = "support/peer.rs"]
#[expect(dead_code, reason = "other tests connect by themselves")]
mod peer;
#[path = "engine/test_engine.rs"]
#[expect(dead_code, reason = "scenarios run docker by themselves")]
mod test_engine;
#[path = "clients/tls.rs"]
mod tls;
#[path = "clients/transcript.rs"]
mod transcript;

use std::process::Command;
use std::time::Duration;

use compare::{By, Company, Scenario};
use test_engine::{TestEngine, Variant};

/// Longest wait for docker-py's packages.
const FETCH: Duration = Duration::from_mins(5);

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The scenarios that also run on Engine 20.10, with the docker CLI of its time.
const ON_THE_OLD_ENGINE: &[&str] = &[
    "attach",
    "build",
    "copy",
    "events",
    "exec",
    "interactive",
    "logs",
    "run",
    "version",
];

/// Those that also run by TLS: with docker-py, and with streams and tunnels of all kinds.
const BY_TLS: &[&str] = &[
    "attach",
    "buildkit",
    "copy",
    "docker_py",
    "exec",
    "interactive",
    "large_output",
];

/// All scenarios, and a test for each.
macro_rules! scenarios {
    ($($name:ident: $company:ident, [$($rule:literal),* $(,)?];)*) => {
        const SCENARIOS: &[Scenario] = &[$(Scenario {
            name: stringify!($name),
            rules: &[$($rule),*],
            company: Company::$company,
        }),*];

        $(
            #[test]
            fn $name() -> Result {
                on_the_newest_engine(stringify!($name))
            }
        )*
    };
}

scenarios! {
    attach: Welcome, [];
    build: Welcome, [];
    // What two builds have in common is built once, under the name that it has in the first.
    buildkit: Alone, ["Grpc: { opaque: true }", "Session: { opaque: true }"];
    compose: Welcome, [
        "ContainerAttach: { query: { stdin: any } }",
        "ContainerCreate: { body: { HostConfig: { Binds: any, NetworkMode: any }, \
         NetworkingConfig: { EndpointsConfig: { keys: any, values: { Aliases: any } } } } }",
        "ContainerDelete: { query: { force: any, v: any } }",
        "VolumeDelete: { query: { force: any } }",
    ];
    copy: Welcome, [];
    disk_usage: Alone, [];
    docker_py: Welcome, ["ContainerAttach: { query: { stdin: any } }"];
    events: Welcome, [];
    exec: Welcome, [];
    exec_as: Welcome, ["ContainerExec: { body: { Privileged: any, User: any } }"];
    images: Welcome, [];
    interactive: Welcome, ["ContainerAttach: { query: { stdin: any } }"];
    large_output: Welcome, [];
    list: Welcome, [];
    logs: Welcome, [];
    manage: Welcome, [];
    mounts: Welcome, [
        "ContainerCreate: { body: { HostConfig: { Binds: any, Mounts: { each: { Source: any, Type: any } }, \
         VolumesFrom: any } } }",
    ];
    network: Welcome, [
        "ContainerCreate: { body: { HostConfig: { NetworkMode: any }, \
         NetworkingConfig: { EndpointsConfig: { keys: any, values: { Aliases: any } } } } }",
        "NetworkConnect: { body: { EndpointConfig: { Aliases: any } } }",
    ];
    ports: Welcome, [
        "ContainerCreate: { body: { HostConfig: { PortBindings: any, PublishAllPorts: any } } }",
    ];
    remove: Welcome, [
        "ContainerDelete: { query: { force: any, v: any } }",
        "ContainerTop: { query: { ps_args: any } }",
        "ImageDelete: { query: { force: any } }",
        "ImagePrune: { query: { filters: any } }",
    ];
    run: Welcome, [];
    run_options: Welcome, [
        "ContainerCreate: { body: { HostConfig: { CapAdd: any, Devices: any, Dns: any, ExtraHosts: any, \
         GroupAdd: any, NetworkMode: any, Privileged: any, Sysctls: any, Tmpfs: any, UTSMode: any }, \
         NetworkingConfig: { EndpointsConfig: { keys: any, values: { MacAddress: any } } } } }",
    ];
    stats: Welcome, [];
    version: Alone, [];
    volume: Welcome, [];
}

fn on_the_newest_engine(name: &str) -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
    compare(engine, scenario.ok_or(name)?, By::Unix)
}

#[test]
fn by_tls() -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    for name in BY_TLS {
        let scenario = SCENARIOS.iter().find(|scenario| scenario.name == *name);
        compare(engine, scenario.ok_or(*name)?, By::Tls)?;
    }
    Ok(())
}

#[test]
fn on_an_old_engine() -> Result {
    if std::env::var_os("OPGATE_TEST_OLD_ENGINE").is_none() {
        eprintln!("=== not asked for: set OPGATE_TEST_OLD_ENGINE=1 for Engine 20.10");
        return Ok(());
    }
    let Some(engine) = TestEngine::start_variant(Variant::Oldest)? else {
        return Ok(());
    };
    for name in ON_THE_OLD_ENGINE {
        let scenario = SCENARIOS.iter().find(|scenario| scenario.name == *name);
        compare(&engine, scenario.ok_or(*name)?, By::Unix)?;
    }
    engine.stop()?;
    Ok(())
}

fn compare(engine: &TestEngine, scenario: &Scenario, by: By) -> Result {
    if scenario.name == "docker_py" && !has_docker_py()? {
        return Ok(());
    }
    compare::same(engine, scenario, by)
}

/// Gets docker-py, where that is possible.
fn has_docker_py() -> Result<bool> {
    let mut fetch = Command::new(compare::scripts().join("docker_py.sh"));
    fetch.arg("fetch");
    let output = test_engine::run(fetch, b"", FETCH)?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => Ok(true),
        // What the script ends with where docker-py cannot be had.
        Some(3) if !test_engine::required() => {
            test_engine::skipped("docker_py", said.lines().last().unwrap_or_default());
            Ok(false)
        }
        _ => Err(said.into()),
    }
}

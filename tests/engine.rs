//! A real docker client, through opgate, on a real Engine.
//!
//! The Engine is brought along (see `engine/engine.sh`) or given by the
//! environment; where none can be had the tests say so loudly, and fail when
//! `OPGATE_REQUIRE_ENGINE=1`. `OPGATE_TEST_OLD_ENGINE=1` runs the tour on Engine
//! 20.10, too.

#[cfg(test)]
#[path = "support/certs.rs"]
#[expect(dead_code, reason = "other tests connect by themselves")]
mod certs;
#[cfg(test)]
#[path = "engine/containers.rs"]
mod containers;
#[path = "engine/gate.rs"]
mod gate;
#[cfg(test)]
#[path = "support/peer.rs"]
#[expect(dead_code, reason = "other tests connect by themselves")]
mod peer;
#[cfg(test)]
#[path = "engine/pin.rs"]
mod pin;
#[path = "engine/test_engine.rs"]
mod test_engine;
#[cfg(test)]
#[path = "engine/tls.rs"]
mod tls;

use std::path::Path;
use std::process::Output;

use gate::Gate;
use test_engine::{TestEngine, Variant};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What `docker run`, `ps`, `logs`, `inspect`, `stop` and `rm` need.
const ALLOWED: &[&str] = &[
    "SystemPing",
    "SystemPingHead",
    "SystemVersion",
    "SystemInfo",
    "ContainerList",
    "ContainerInspect",
    "ContainerLogs",
    "ContainerCreate",
    "ContainerAttach",
    "ContainerStart",
    "ContainerWait",
    "ContainerKill",
    "ContainerStop",
    "ContainerDelete",
];

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs the docker CLI and wants it to succeed; gives its standard output.
fn works(engine: &TestEngine, socket: &Path, arguments: &[&str]) -> Result<String> {
    let output = engine.docker(socket, arguments)?;
    assert!(
        output.status.success(),
        "docker {arguments:?}: {}",
        stderr(&output)
    );
    Ok(stdout(&output))
}

/// The whole tour: what the issue of the first gate names.
fn tour(engine: &TestEngine) -> Result {
    let gate = Gate::start(engine.socket(), ALLOWED, &[])?;
    let name = format!("tour-{}", std::process::id());
    let version = works(
        engine,
        gate.socket(),
        &["version", "-f", "{{.Server.APIVersion}}"],
    )?;
    assert_eq!(version.trim(), engine.api_version());
    assert_eq!(
        works(
            engine,
            gate.socket(),
            &["run", "--rm", "busybox", "echo", "hello"]
        )?,
        "hello\n"
    );
    let exit = [
        "run",
        "--rm",
        "busybox",
        "sh",
        "-c",
        "echo out; echo err >&2; exit 7",
    ];
    let through = engine.docker(gate.socket(), &exit)?;
    let direct = engine.docker(engine.socket(), &exit)?;
    assert_eq!(through.status.code(), Some(7));
    assert_eq!(stdout(&through), stdout(&direct));
    assert_eq!(stderr(&through), stderr(&direct));

    let script = "echo started; exec sleep 300";
    let run = ["run", "-d", "--name", &name, "busybox", "sh", "-c", script];
    let id = works(engine, gate.socket(), &run)?;
    assert_eq!(id.trim().len(), 64);
    let listed = works(engine, gate.socket(), &["ps", "--no-trunc", "-q"])?;
    assert!(listed.contains(id.trim()), "{listed}");
    let state = ["inspect", "-f", "{{.State.Status}}", &name];
    assert_eq!(works(engine, gate.socket(), &state)?, "running\n");
    // `logs -f` ends with the container, so stopping it first makes the log whole.
    assert_eq!(
        works(engine, gate.socket(), &["stop", "-t", "0", &name])?,
        format!("{name}\n")
    );
    assert_eq!(works(engine, gate.socket(), &["logs", &name])?, "started\n");
    assert_eq!(
        works(engine, gate.socket(), &["rm", &name])?,
        format!("{name}\n")
    );
    let gone = engine.docker(gate.socket(), &["inspect", "--type", "container", &name])?;
    assert!(!gone.status.success());
    Ok(())
}

#[test]
fn a_docker_client_works_through_the_gate() -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    tour(engine)
}

#[test]
fn a_docker_client_works_through_the_gate_on_an_old_engine() -> Result {
    if std::env::var_os("OPGATE_TEST_OLD_ENGINE").is_none() {
        eprintln!("=== not asked for: set OPGATE_TEST_OLD_ENGINE=1 for Engine 20.10");
        return Ok(());
    }
    let Some(engine) = TestEngine::start_variant(Variant::Oldest)? else {
        return Ok(());
    };
    assert_eq!(engine.api_version(), "1.41");
    assert!(engine.version().starts_with("20.10."));
    tour(&engine)?;
    engine.stop()?;
    Ok(())
}

#[test]
fn a_docker_client_works_through_the_gate_over_tcp() -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    let gate = Gate::start(engine.socket(), ALLOWED, &[])?;
    for arguments in [
        &["version", "-f", "{{.Server.APIVersion}}"][..],
        // The output comes through a tunnel, the exit code by another request.
        &[
            "run",
            "--rm",
            "busybox",
            "sh",
            "-c",
            "echo out; echo err >&2; exit 7",
        ],
        &["run", "--rm", "busybox", "sh", "-c", "seq 100000"],
        &["container", "inspect", "no-such-container"],
    ] {
        let through = engine.docker_at(gate.address(), arguments)?;
        let direct = engine.docker(engine.socket(), arguments)?;
        assert_eq!(through.status.code(), direct.status.code(), "{arguments:?}");
        assert!(stdout(&through) == stdout(&direct), "{arguments:?}");
        assert_eq!(stderr(&through), stderr(&direct), "{arguments:?}");
    }
    let refused = engine.docker_at(gate.address(), &["run", "--privileged", "busybox", "true"])?;
    assert!(!refused.status.success());
    assert!(stderr(&refused).contains("body.HostConfig.Privileged"));
    Ok(())
}

#[test]
fn a_client_gets_the_version_that_it_asks_for() -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    let gate = Gate::start(engine.socket(), ALLOWED, &[])?;
    let old =
        gate.get(b"GET /v1.41/version HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")?;
    assert!(old.starts_with("HTTP/1.1 200 "), "{old}");
    let too_old =
        gate.get(b"GET /v1.40/info HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")?;
    assert!(
        too_old.contains("client version 1.40 is too old. Minimum supported API version is 1.41"),
        "{too_old}"
    );
    let too_new =
        gate.get(b"GET /v1.99/info HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")?;
    let newest = format!(
        "client version 1.99 is too new. Maximum supported API version is {}",
        engine.api_version()
    );
    assert!(too_new.contains(&newest), "{too_new}");
    Ok(())
}

#[test]
fn guarded_fields_are_refused_by_name_and_make_no_container() -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    let gate = Gate::start(engine.socket(), ALLOWED, &[])?;
    let label = format!("guarded-{}", std::process::id());
    // The docker CLI's flags, and the field that each of them sets.
    let flags: &[(&[&str], &str)] = &[
        (&["--privileged"], "body.HostConfig.Privileged=true"),
        (&["-v", "/:/h"], "body.HostConfig.Binds"),
        (&["-v", "named:/h"], "body.HostConfig.Binds"),
        (
            &["--mount", "type=bind,source=/,target=/h"],
            "body.HostConfig.Mounts[].Source",
        ),
        (
            &[
                "--mount",
                "type=volume,target=/h,volume-driver=local,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/",
            ],
            "body.HostConfig.Mounts[].VolumeOptions.DriverConfig.Options",
        ),
        (&["--pid", "host"], "body.HostConfig.PidMode"),
        (&["--pid", "container:x1"], "body.HostConfig.PidMode"),
        (&["--ipc", "host"], "body.HostConfig.IpcMode"),
        (&["--ipc", "container:x1"], "body.HostConfig.IpcMode"),
        (&["--uts", "host"], "body.HostConfig.UTSMode"),
        (&["--userns", "host"], "body.HostConfig.UsernsMode"),
        (&["--cgroupns", "host"], "body.HostConfig.CgroupnsMode=host"),
        (&["--network", "host"], "body.HostConfig.NetworkMode"),
        (
            &["--network", "container:x1"],
            "body.HostConfig.NetworkMode",
        ),
        (&["--cap-add", "SYS_ADMIN"], "body.HostConfig.CapAdd"),
        (&["--device", "/dev/null"], "body.HostConfig.Devices"),
        (&["--gpus", "all"], "body.HostConfig.DeviceRequests"),
        (
            &["--device-cgroup-rule", "a *:* rwm"],
            "body.HostConfig.DeviceCgroupRules",
        ),
        (
            &["--security-opt", "seccomp=unconfined"],
            "body.HostConfig.SecurityOpt",
        ),
        (
            &["--security-opt", "apparmor=unconfined"],
            "body.HostConfig.SecurityOpt",
        ),
        (
            &["--security-opt", "label=disable"],
            "body.HostConfig.SecurityOpt",
        ),
        (
            &["--security-opt", "no-new-privileges=false"],
            "body.HostConfig.SecurityOpt",
        ),
        (
            &["--security-opt", "systempaths=unconfined"],
            "body.HostConfig.MaskedPaths",
        ),
        (&["--volumes-from", "x1"], "body.HostConfig.VolumesFrom"),
        (&["--cgroup-parent", "x"], "body.HostConfig.CgroupParent"),
        (&["--runtime", "io.x.y"], "body.HostConfig.Runtime"),
        (
            &["--sysctl", "net.ipv4.ip_forward=1"],
            "body.HostConfig.Sysctls",
        ),
        (&["--group-add", "0"], "body.HostConfig.GroupAdd"),
        (
            &["--log-driver", "syslog"],
            "body.HostConfig.LogConfig.Type",
        ),
        (&["-p", "80:80"], "body.HostConfig.PortBindings"),
        (&["-p", "127.0.0.1::80"], "body.HostConfig.PortBindings"),
        (&["-P"], "body.HostConfig.PublishAllPorts=true"),
        (&["--link", "x1"], "body.HostConfig.Links"),
        (&["--annotation", "a=b"], "body.HostConfig.Annotations"),
    ];
    for (flag, field) in flags {
        let mut arguments = vec!["run", "--rm", "--label", label.as_str()];
        arguments.extend_from_slice(flag);
        arguments.extend_from_slice(&["busybox", "true"]);
        let output = engine.docker(gate.socket(), &arguments)?;
        let said = stderr(&output);
        let refusal = format!("opgate: ContainerCreate refused for client me: {field}");
        assert_eq!(output.status.code(), Some(125), "{flag:?}: {said}");
        assert!(said.contains(&refusal), "{flag:?}: {said}");
        assert!(said.contains("no rule opens it"), "{flag:?}: {said}");
    }
    let made = ["ps", "-aq", "--filter", &format!("label={label}")];
    assert_eq!(works(engine, engine.socket(), &made)?, "");
    println!("{} guarded flags refused", flags.len());
    Ok(())
}

#[test]
fn a_volume_of_a_host_path_is_refused_by_name_and_not_made() -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    let gate = Gate::start(engine.socket(), &["SystemPingHead", "VolumeCreate"], &[])?;
    let name = format!("guarded-volume-{}", std::process::id());
    let create = [
        "volume",
        "create",
        "-d",
        "local",
        "-o",
        "type=none",
        "-o",
        "o=bind",
        "-o",
        "device=/",
        &name,
    ];
    let output = engine.docker(gate.socket(), &create)?;
    let said = stderr(&output);
    assert!(!output.status.success());
    assert!(
        said.contains("opgate: VolumeCreate refused for client me: body.DriverOpts"),
        "{said}"
    );
    let made = ["volume", "ls", "-q", "--filter", &format!("name={name}")];
    assert_eq!(works(engine, engine.socket(), &made)?, "");
    works(engine, gate.socket(), &["volume", "create", &name])?;
    works(engine, engine.socket(), &["volume", "rm", &name])?;
    Ok(())
}

#[test]
fn operations_that_no_rule_allows_are_refused_with_the_reason() -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    let gate = Gate::start(engine.socket(), ALLOWED, &["ContainerDelete"])?;
    for (arguments, operation) in [
        (&["network", "ls"][..], "NetworkList"),
        (&["volume", "ls"], "VolumeList"),
        (&["images"], "ImageList"),
        (&["rename", "x1", "x2"], "ContainerRename"),
        (&["tag", "busybox", "x1"], "ImageTag"),
        (&["system", "df"], "SystemDataUsage"),
        (&["swarm", "init"], "SwarmInit"),
    ] {
        let output = engine.docker(gate.socket(), arguments)?;
        let said = stderr(&output);
        let refusal =
            format!("opgate: {operation} refused for client me: no rule allows this operation");
        assert!(!output.status.success(), "{arguments:?}");
        assert!(said.contains(&refusal), "{arguments:?}: {said}");
    }
    let output = engine.docker(gate.socket(), &["rm", "x1"])?;
    let said = stderr(&output);
    assert!(
        said.contains(
            "opgate: ContainerDelete refused for client me: a rule denies this operation"
        ),
        "{said}"
    );
    Ok(())
}

#[test]
fn an_engine_that_is_away_is_named_and_found_again() -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let away = folder.path().join("engine.sock");
    let gate = Gate::start(&away, ALLOWED, &[])?;
    let output = engine.docker(gate.socket(), &["ps"])?;
    assert!(!output.status.success());
    let answer =
        gate.get(b"GET /v1.41/info HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")?;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(answer.contains("the Engine does not answer at"), "{answer}");
    std::os::unix::fs::symlink(engine.socket(), &away)?;
    works(engine, gate.socket(), &["ps"])?;
    Ok(())
}

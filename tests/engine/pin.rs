//! A docker client that asks for a version from before opgate's oldest.

use std::fs;

use tempfile::tempdir;

use super::gate::start::{Running, Started, start};
use super::test_engine::TestEngine;
use super::{ALLOWED, Result, stderr, stdout};

#[test]
fn a_docker_client_of_old_works_when_it_is_pinned() -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    let folder = tempdir()?;
    let dir = folder.path().display();
    let config = folder.path().join("opgate.yaml");
    // By 1.24 `docker run` learns from events that a container has ended, and removes
    // it with its volumes.
    let allowed = ALLOWED.join(", ");
    fs::write(
        &config,
        format!(
            "api: '1.51'\nlisten:\n- {{ unix: {dir}/old.sock, client: old }}\n\
             - {{ unix: {dir}/new.sock, client: new }}\nupstream: unix://{}\n\
             clients: {{ old: {{ policies: [all], api_version: pin }}, new: {{ policies: [all] }} }}\n\
             policies: {{ all: {{ allow: [{allowed}, NetworkList, SystemEvents, ContainerDelete: {{ query: {{ v: any }} }}] }} }}\n",
            engine.socket().display()
        ),
    )?;
    let Started {
        child, mut lines, ..
    } = start(&config, "")?;
    let _running = Running::new(child, move || while let Some(Ok(_)) = lines.next() {});
    let docker = |socket: &str, version: &str, arguments: &[&str]| -> Result<_> {
        let mut command = engine.command(&folder.path().join(socket), arguments);
        command.env("DOCKER_API_VERSION", version);
        Ok(command.output()?)
    };
    for version in ["1.24", "1.32", "1.40"] {
        let script = "seq 10000; echo err >&2; exit 7";
        let run = ["run", "--rm", "busybox", "sh", "-c", script];
        let ran = docker("old.sock", version, &run)?;
        assert_eq!(ran.status.code(), Some(7), "{version}: {}", stderr(&ran));
        assert_eq!(stdout(&ran).lines().count(), 10_000);
        assert_eq!(stderr(&ran), "err\n");
        let name = format!(
            "pinned-{}-{}",
            version.replace('.', "-"),
            std::process::id()
        );
        for (arguments, said) in [
            (
                &["run", "-d", "--name", &name, "busybox", "sleep", "300"][..],
                "",
            ),
            (&["ps", "--format", "{{.Names}}"], name.as_str()),
            (&["inspect", "-f", "{{.State.Status}}", &name], "running"),
            (&["stop", "-t", "0", &name], &name),
            (&["rm", &name], &name),
        ] {
            let done = docker("old.sock", version, arguments)?;
            assert!(done.status.success(), "{arguments:?}: {}", stderr(&done));
            assert!(stdout(&done).contains(said), "{arguments:?}");
        }
        let refused = docker(
            "old.sock",
            version,
            &["run", "--privileged", "busybox", "true"],
        )?;
        assert!(stderr(&refused).contains("body.HostConfig.Privileged=true is guarded"));
        let refused = docker("new.sock", version, &["ps"])?;
        let said = stderr(&refused);
        assert!(
            said.contains(&format!("client version {version} is too old")),
            "{said}"
        );
    }
    let listed = docker("old.sock", "1.28", &["network", "ls"])?;
    assert!(stdout(&listed).contains("bridge"), "{}", stderr(&listed));
    let refused = docker("old.sock", "1.27", &["network", "ls"])?;
    let said = stderr(&refused);
    assert!(
        said.contains("the containers of networks are left out"),
        "{said}"
    );
    Ok(())
}

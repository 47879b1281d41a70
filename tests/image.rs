//! The image: one static program, run as a container that may do nothing but
//! reach the Engine's socket, and used by a client in a container of its own.
//!
//! The first stage of the Dockerfile needs an image with the toolchain, which is
//! not to be had without a registry: its command is run here, and what it makes is
//! given to the Engine in place of the stage. Where no Engine can be had the tests
//! that need one say so loudly (see `engine/engine.sh`).

#[cfg(test)]
#[path = "image/build.rs"]
mod build;
#[cfg(test)]
#[path = "image/container.rs"]
mod container;
#[cfg(test)]
#[path = "image/elf.rs"]
mod elf;
#[cfg(test)]
#[expect(dead_code, reason = "other tests need more of an Engine")]
#[path = "engine/test_engine.rs"]
mod test_engine;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use serde_json::{Value, json};
use test_engine::TestEngine;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The largest image.
const SIZE_MAX: u64 = 15 << 20;

#[test]
fn the_release_is_one_static_program() -> Result {
    let program = build::program();
    assert_eq!(
        elf::needs(&std::fs::read(&program)?),
        elf::Needs {
            interpreter: false,
            libraries: 0
        }
    );
    // The test itself is not, so the question can be answered with no.
    let own = elf::needs(&std::fs::read(std::env::current_exe()?)?);
    assert!(own.interpreter && own.libraries > 0, "{own:?}");

    // In a root with nothing else in it. Only root may change roots.
    let root = Command::new("id").arg("-u").output()?.stdout == b"0\n";
    if !root {
        eprintln!("=== not root: not tried in an empty root");
        return Ok(());
    }
    let empty = tempfile::tempdir()?;
    std::fs::copy(&program, empty.path().join("opgate"))?;
    let output = Command::new("chroot")
        .arg(empty.path())
        .args(["/opgate", "--version"])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()?;
    assert_eq!(
        String::from_utf8(output.stdout)?,
        concat!("opgate ", env!("CARGO_PKG_VERSION"), "\n")
    );
    Ok(())
}

#[test]
fn an_engine_is_found_by_name_with_nothing_but_a_file_of_hosts() -> Result {
    if Command::new("id").arg("-u").output()?.stdout != b"0\n" {
        eprintln!("=== not root: not tried in an empty root");
        return Ok(());
    }
    let engine = TcpListener::bind("127.0.0.1:0")?;
    let port = engine.local_addr()?.port();
    std::thread::spawn(move || {
        for mut stream in engine.incoming().flatten() {
            let mut head = [0; 4096];
            let body = r#"{"ApiVersion":"1.51","MinAPIVersion":"1.24"}"#;
            let length = body.len();
            while stream.read(&mut head).is_ok_and(|read| read > 0) {
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
                );
            }
        }
    });
    let empty = tempfile::tempdir()?;
    std::fs::copy(build::program(), empty.path().join("opgate"))?;
    for folder in ["etc", "proc", "run"] {
        std::fs::create_dir(empty.path().join(folder))?;
    }
    std::fs::write(empty.path().join("etc/hosts"), "127.0.0.1 engine.example\n")?;
    let text = format!(
        "api: '1.51'\nlisten: [{{ unix: /run/gate.sock, client: a }}]\n\
         upstream: {{ tcp: 'engine.example:{port}', insecure: true }}\n\
         clients: {{ a: {{ policies: [p] }} }}\npolicies: {{ p: {{ allow: [SystemPing] }} }}\n"
    );
    std::fs::write(empty.path().join("opgate.yaml"), text)?;
    let mut gate = Command::new("unshare")
        .args(["--mount", "sh", "-c"])
        .arg("mount -t proc proc \"$0/proc\" && exec chroot \"$0\" /opgate run --config /opgate.yaml")
        .arg(empty.path())
        .stderr(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(gate.stderr.take().ok_or("no standard error")?).lines();
    // The last line of the start.
    let started = (lines.map_while(std::result::Result::ok))
        .any(|line| line.starts_with("opgate: Engine at tcp://engine.example"));
    let answer = started.then(|| ping(&empty.path().join("run/gate.sock")));
    gate.kill()?;
    gate.wait()?;
    let answer = answer.ok_or("the gate did not start")??;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    Ok(())
}

#[cfg(test)]
fn ping(socket: &Path) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(b"GET /_ping HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn the_first_stage_is_the_pinned_toolchain() {
    let toolchain = build::text("rust-toolchain.toml");
    let (_, rest) = toolchain.split_once("channel = \"").unwrap();
    let (version, _) = rest.split_once('"').unwrap();
    let stage = format!("\nFROM rust:{version}-slim-");
    assert!(build::text("Dockerfile").contains(&stage), "{stage}");
}

#[test]
fn the_image_holds_the_program_and_says_what_it_is() -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    let name = format!("opgate-test-config-{}", std::process::id());
    let _image = container::image(engine, &name);
    container::build_gate(engine, build::stage(), &["--tag", &name])?;
    let inspected = container::docker(engine, &["image", "inspect", &name])?;
    let inspected: Value = serde_json::from_str(&inspected)?;
    let (image, config) = (&inspected[0], &inspected[0]["Config"]);
    let size = image["Size"].as_u64().ok_or("no size")?;
    assert!(size < SIZE_MAX, "{size}");
    println!("the image has {size} bytes");
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], json!(["/opgate"]));
    assert_eq!(config["Cmd"], json!(["run"]));
    assert_eq!(config["StopSignal"], "SIGTERM");
    assert_eq!(
        config["Healthcheck"]["Test"],
        json!(["CMD", "/opgate", "health"])
    );
    assert_eq!(
        config["Labels"],
        json!({
            "org.opencontainers.image.title": env!("CARGO_PKG_NAME"),
            "org.opencontainers.image.description": env!("CARGO_PKG_DESCRIPTION"),
            "org.opencontainers.image.licenses": "Apache-2.0",
            "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
        })
    );
    // The builder's own default, and nothing of the build's.
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert_eq!(config["Env"], json!([path]));
    assert_eq!(config["Volumes"], Value::Null);
    assert_eq!(config["ExposedPorts"], Value::Null);

    let folder = tempfile::tempdir()?;
    let output = format!("type=local,dest={}", folder.path().display());
    container::build_gate(engine, build::stage(), &["--output", &output])?;
    let found = Command::new("find")
        .current_dir(folder.path())
        .args([".", "(", "-type", "f", "-o", "-empty", ")"])
        .args(["-printf", "%y %P\n"])
        .output()?;
    let found = String::from_utf8(found.stdout)?;
    let mut files: Vec<&str> = found.lines().collect();
    files.sort_unstable();
    assert_eq!(
        files,
        [
            "d run/opgate",
            "f licenses/LICENSE",
            "f licenses/NOTICE",
            "f opgate",
        ]
    );
    Ok(())
}

/// The part of the README that `mark` announces, between its fences.
#[cfg(test)]
fn readme(mark: &str) -> String {
    let readme = build::text("README.md");
    let (_, rest) = readme.split_once(mark).unwrap();
    let (_, rest) = rest.split_once("```").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    let (part, _) = rest.split_once("```").unwrap();
    part.to_owned()
}

/// The README's line that starts the gate, with names that are free here.
#[cfg(test)]
fn line_of_the_readme(engine: &TestEngine, name: &str) -> String {
    let block = readme("<!-- container -->");
    let (build, line) = block.split_once('\n').unwrap();
    assert_eq!(build, "docker build -t opgate .");
    let socket = engine.socket().display();
    let names = [
        ("--name opgate ", format!("--name {name} ")),
        ("%g /var/run/docker.sock)", format!("%g {socket})")),
        ("-v /var/run/docker.sock:", format!("-v {socket}:")),
        ("-v opgate:", format!("-v {name}:")),
        ("\n  opgate\n", format!("\n  {name}\n")),
    ];
    names.iter().fold(line.to_owned(), |line, (written, here)| {
        assert_eq!(line.matches(written).count(), 1, "{written}: {line}");
        line.replace(written, here)
    })
}

#[test]
fn a_client_container_works_through_the_gate_in_a_container() -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    let name = format!("opgate-test-{}", std::process::id());
    let client = container::build_client(engine, &format!("{name}-client"))?;
    let (_image, _volume) = (
        container::image(engine, &name),
        container::Kept::volume(engine, &name),
    );
    container::build_gate(engine, build::stage(), &["--tag", &name])?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("opgate.yaml"), readme("<!-- policy -->"))?;

    let started = SystemTime::now();
    let gate = container::Kept::container(engine, &name);
    let line = line_of_the_readme(engine, gate.name());
    container::shell(engine, folder.path(), &line)?;
    container::wait_until_healthy(engine, gate.name(), started)?;
    // What the README promises of that line.
    let confinement = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} \
                       {{.HostConfig.SecurityOpt}} {{.HostConfig.NetworkMode}}";
    let inspect = ["inspect", "--format", confinement, gate.name()];
    assert_eq!(
        container::docker(engine, &inspect)?,
        "true [ALL] [no-new-privileges] none\n"
    );

    // Neither root nor the gate's user: the group of the socket lets it in.
    let sockets = format!("{}:/run/opgate:ro", gate.name());
    let docker = |arguments: &[&str]| {
        let mut all = vec!["run", "--rm", "--read-only", "--cap-drop", "ALL"];
        all.extend_from_slice(&["--network", "none", "--user", "1000:65532"]);
        all.extend_from_slice(&["-e", "DOCKER_HOST=unix:///run/opgate/ci.sock"]);
        all.extend_from_slice(&["-v", &sockets, client.name()]);
        all.extend_from_slice(arguments);
        engine.docker(engine.socket(), &all)
    };
    let version = docker(&["version", "--format", "{{.Server.Version}}"])?;
    assert_eq!(
        String::from_utf8(version.stdout)?.trim(),
        engine.version(),
        "{}",
        String::from_utf8_lossy(&version.stderr)
    );
    let listed = docker(&["ps", "--format", "{{.Names}}"])?;
    let names = String::from_utf8(listed.stdout)?;
    assert!(names.lines().any(|line| line == gate.name()), "{names}");
    let refused = docker(&["run", "--privileged", "busybox", "true"])?;
    let said = String::from_utf8(refused.stderr)?;
    assert_eq!(refused.status.code(), Some(125), "{said}");
    let reason = "opgate: ContainerCreate refused for client ci: \
                  body.HostConfig.Privileged=true is guarded (host-escape) and no rule opens it \
                  (/etc/opgate/opgate.yaml:";
    assert!(said.contains(reason), "{said}");

    // It hears SIGTERM, though it is the first process of its namespace: one
    // that does not is killed at the end of the time, and exits with 137.
    container::docker(engine, &["stop", gate.name()])?;
    let exit = ["inspect", "--format", "{{.State.ExitCode}}", gate.name()];
    assert_eq!(container::docker(engine, &exit)?, "0\n");
    Ok(())
}

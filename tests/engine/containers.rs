//! Containers of a real Engine as clients: told by the process that calls on a unix
//! socket, and by the address on a network of the Engine.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::gate::start::{Running, Started, start};
use super::peer::Connection;
use super::test_engine::TestEngine;
use super::{Result, stderr, stdout};

const INFO: &str = "GET /info HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n";

/// The Engine as one of this host: the one of the tests has a process namespace of its
/// own, so that the numbers of its processes are others here.
fn of_this_host(engine: PathBuf, socket: &Path) -> Result {
    let listener = UnixListener::bind(socket)?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let engine = engine.clone();
            std::thread::spawn(move || {
                let mut connection = Connection::over(stream);
                while let Some((head, _)) = connection.message() {
                    let target = head.split(' ').nth(1).unwrap();
                    let (status, mut body) = asked(&engine, target).unwrap();
                    let id = body["Id"].as_str().unwrap_or_default().to_owned();
                    let pid = body.pointer_mut("/State/Pid");
                    if let Some(pid) = pid
                        && let Some(inner) = pid.as_u64().filter(|pid| *pid > 0)
                    {
                        *pid = of_host(inner, &id).unwrap_or(0).into();
                    }
                    let body = body.to_string();
                    let length = body.len();
                    let answer = format!(
                        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n\
                         Content-Length: {length}\r\n\r\n{body}"
                    );
                    if connection.send(&answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    Ok(())
}

/// Asks the Engine itself; gives status and body.
fn asked(engine: &Path, target: &str) -> Result<(String, Value)> {
    let mut stream = UnixStream::connect(engine)?;
    // By 1.0 the answer ends with the connection.
    write!(stream, "GET {target} HTTP/1.0\r\nHost: docker\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no head")?;
    let status = head.lines().next().and_then(|line| line.split_once(' '));
    let (_, status) = status.ok_or("no status")?;
    Ok((status.to_owned(), serde_json::from_str(body)?))
}

/// The number that a process of a container has here, which has this one in a namespace
/// below.
fn of_host(inner: u64, container: &str) -> Option<u64> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut found = processes.filter_map(|process| {
        let status = fs::read_to_string(process.path().join("status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("NSpid:"))?;
        let numbers: Vec<u64> = line.split_whitespace().flat_map(str::parse).collect();
        let groups = fs::read_to_string(process.path().join("cgroup")).ok()?;
        match numbers.as_slice() {
            [outer, second, _] if *second == inner && groups.contains(container) => Some(*outer),
            _ => None,
        }
    });
    found.next()
}

/// A gate on the host of the Engine, in its networks.
struct Gate {
    _running: Running<()>,
    port: String,
}

impl Gate {
    fn start(engine: &TestEngine, folder: &Path, clients: &str) -> Result<Self> {
        let dir = folder.display();
        let config = folder.join("opgate.yaml");
        let socket = match engine.first_process() {
            "" => engine.socket().to_owned(),
            _ => folder.join("engine.sock"),
        };
        if socket != engine.socket() {
            of_this_host(engine.socket().to_owned(), &socket)?;
        }
        let text = format!(
            "api: '1.51'\nlisten:\n- {{ unix: {dir}/gate.sock, mode: '0666' }}\n\
             - {{ tcp: 0.0.0.0:0, insecure: true }}\nupstream: unix://{}\n\
             clients:\n{clients}policies: {{ ping: {{ allow: [SystemPing] }} }}\n",
            socket.display()
        );
        fs::write(&config, text)?;
        let enter = match engine.first_process() {
            // It runs on this host.
            "" => String::new(),
            pid => format!("set -- nsenter --target {pid} --net -- \"$@\"; "),
        };
        let Started {
            child,
            said,
            mut lines,
        } = start(&config, &enter)?;
        let running = Running::new(child, move || while let Some(Ok(_)) = lines.next() {});
        let (_, rest) = said.split_once("tcp://0.0.0.0:").ok_or("no TCP listener")?;
        let port = rest.split([' ', '\n']).next().unwrap_or_default();
        Ok(Self {
            _running: running,
            port: port.to_owned(),
        })
    }
}

/// Containers that end with the test.
struct Containers<'e> {
    engine: &'e TestEngine,
    suffix: String,
    folder: &'e Path,
}

impl Drop for Containers<'_> {
    fn drop(&mut self) {
        let script = format!("docker ps -aq --filter label=opgate-test={}", self.suffix);
        let ids = self.docker(&script).unwrap_or_default();
        for id in ids.split_whitespace() {
            let _ = self.docker(&format!("docker rm -f {id}"));
        }
        let _ = self.docker(&format!("docker network rm net-{}", self.suffix));
        let _ = self.docker(&format!("docker rmi image-{}", self.suffix));
    }
}

impl Containers<'_> {
    /// Runs docker at the Engine's own socket; its words are separated by spaces.
    fn docker(&self, words: &str) -> Result<String> {
        let arguments: Vec<&str> = words.split(' ').skip(1).collect();
        let output = self.engine.docker(self.engine.socket(), &arguments)?;
        if !output.status.success() {
            return Err(format!("{words}: {}", stderr(&output)).into());
        }
        Ok(stdout(&output).trim().to_owned())
    }

    /// Starts a container that waits, with the host's files in it; gives its id.
    fn run(&self, name: &str, options: &str, image: &str) -> Result<String> {
        let suffix = &self.suffix;
        self.docker(&format!(
            "docker run -d --name {name}-{suffix} --label opgate-test={suffix} -v /:/host{options} \
             {image} sleep 600"
        ))
    }

    /// What a process of a container is told on the unix socket.
    fn by_socket(&self, name: &str) -> Result<String> {
        let own = std::env::current_exe()?;
        let container = format!("{name}-{}", self.suffix);
        let socket = format!(
            "OPGATE_TEST_SOCKET={}",
            self.folder.join("gate.sock").display()
        );
        let own = own.display().to_string();
        let arguments = [
            "exec",
            "-e",
            &socket,
            &container,
            "chroot",
            "/host",
            &own,
            "--exact",
            "containers::caller",
            "--nocapture",
            "--ignored",
        ];
        let output = self.engine.docker(self.engine.socket(), &arguments)?;
        Ok(stdout(&output))
    }

    /// What a container is told by TCP.
    fn by_tcp(&self, name: &str, gateway: &str, port: &str) -> Result<String> {
        let container = format!("{name}-{}", self.suffix);
        let host = format!("Host: {gateway}");
        let request = INFO.replace("Host: gate", &host).replace("\r\n", "\\r\\n");
        let script = format!("printf '{request}' | nc {gateway} {port}");
        let arguments = ["exec", &container, "sh", "-c", &script];
        let output = self.engine.docker(self.engine.socket(), &arguments)?;
        Ok(stdout(&output) + &stderr(&output))
    }
}

#[test]
#[ignore = "a part of the other, in a container"]
fn caller() {
    let Some(socket) = std::env::var_os("OPGATE_TEST_SOCKET") else {
        return;
    };
    let (status, body) = Connection::to(Path::new(&socket)).ask(INFO);
    println!("{status} {body}");
}

#[test]
fn containers_of_a_real_engine_are_told_apart() -> Result {
    let Some(engine) = TestEngine::shared()? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let suffix = std::process::id().to_string();
    let all = Containers {
        engine,
        suffix: suffix.clone(),
        folder: folder.path(),
    };
    all.docker(&format!("docker tag busybox:latest image-{suffix}"))?;
    all.docker(&format!(
        "docker network create --subnet 172.31.250.0/24 net-{suffix}"
    ))?;
    let on_net = format!(" --network net-{suffix} --ip 172.31.250.7");
    all.run("named", &on_net, "busybox")?;
    all.run(
        "labelled",
        &format!(" --label role=backup-{suffix}"),
        "busybox",
    )?;
    all.run("imaged", "", &format!("image-{suffix}"))?;
    let id = all.run("known", "", "busybox")?;
    all.run("stranger", "", "busybox")?;
    all.run("hosted", " --network host", "busybox")?;
    let clients = format!(
        "  named: {{ policies: [ping], when: {{ container: {{ name: named-{suffix} }} }} }}\n\
         \x20 labelled: {{ policies: [ping], when: {{ container: {{ name: labelled-{suffix}, labels: {{ role: backup-{suffix} }} }} }} }}\n\
         \x20 imaged: {{ policies: [ping], when: {{ container: {{ name: imaged-{suffix}, image: image-{suffix} }} }} }}\n\
         \x20 known: {{ policies: [ping], when: {{ container: {{ name: known-{suffix}, id: {id} }} }} }}\n"
    );
    let gate = Gate::start(engine, folder.path(), &clients)?;
    let is = |said: &str, client: &str| said.contains(&format!("refused for client {client}:"));
    let nobody = "no client fits this connection";

    for (name, gateway) in [
        ("named", "172.31.250.1"),
        ("labelled", "172.17.0.1"),
        ("imaged", "172.17.0.1"),
        ("known", "172.17.0.1"),
    ] {
        let said = all.by_socket(name)?;
        assert!(is(&said, name), "{name}: {said}");
        let said = all.by_tcp(name, gateway, &gate.port)?;
        assert!(is(&said, name), "{name}: {said}");
    }
    for (name, gateway) in [("stranger", "172.17.0.1"), ("hosted", "127.0.0.1")] {
        let said = all.by_socket(name)?;
        assert!(said.contains(nobody), "{name}: {said}");
        let said = all.by_tcp(name, gateway, &gate.port)?;
        assert!(said.contains(nobody), "{name}: {said}");
    }
    // Whoever is in no container.
    let (status, body) = Connection::to(&folder.path().join("gate.sock")).ask(INFO);
    assert_eq!(status, 403, "{body}");
    assert!(body.contains(nobody), "{body}");

    // The address is another's now, and so is the name.
    all.docker(&format!("docker rm -f named-{suffix}"))?;
    all.run("heir", &on_net, "busybox")?;
    let said = all.by_tcp("heir", "172.31.250.1", &gate.port)?;
    assert!(said.contains(nobody), "{said}");
    all.docker(&format!("docker rename stranger-{suffix} named-{suffix}"))?;
    let said = all.by_socket("named")?;
    assert!(is(&said, "named"), "{said}");
    Ok(())
}

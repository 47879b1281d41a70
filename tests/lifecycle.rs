//! `opgate run` from its start to its end: what it says and gives up when it starts,
//! and what becomes of its clients when it is told to stop.
#![cfg(test)]

#[path = "lifecycle/engine.rs"]
mod engine;
#[path = "lifecycle/stopping.rs"]
mod stopping;
#[path = "lifecycle/systemd.rs"]
mod systemd;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A running gate. Its folder holds its files and sockets.
struct Running {
    folder: TempDir,
    child: Child,
    log: BufReader<ChildStderr>,
    /// What it said at the start.
    said: Vec<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A policy file: `DIR` is the gate's folder.
const POLICY: &str = "api: '1.51'
listen:
  - { unix: DIR/gate.sock, client: me }
upstream: unix://DIR/engine.sock
clients: { me: { policies: [all] } }
policies:
  all:
    allow: [SystemPing, SystemInfo, SystemEvents, ContainerAttach: { query: { stdin: any } }]
";

impl Running {
    /// Starts the gate, with these arguments and variables besides.
    fn start(policy: &str, arguments: &[&str], variables: &[(&str, &Path)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start_in(folder, policy, arguments, variables)
    }

    fn start_in(
        folder: TempDir,
        policy: &str,
        arguments: &[&str],
        variables: &[(&str, &Path)],
    ) -> Self {
        let dir = folder.path().to_str().unwrap();
        let file = folder.path().join("opgate.yaml");
        fs::write(&file, policy.replace("DIR", dir)).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_opgate"))
            .args(["run", "--config"])
            .arg(&file)
            .args(arguments)
            .envs(variables.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut said = Vec::new();
        loop {
            let mut line = String::new();
            let size = log.read_line(&mut line).unwrap();
            assert_ne!(size, 0, "it did not start: {said:?}");
            let last = line.starts_with("opgate: Engine at");
            said.push(line.trim_end().replace(dir, "DIR"));
            if last {
                break;
            }
        }
        Self {
            folder,
            child,
            log,
            said,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended, and gives how.
    fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// What it said of a measure of confinement.
    fn said_of(&self, measure: &str) -> &str {
        let begin = format!("opgate: confinement: {measure} ");
        let mut lines = self.said.iter();
        lines.find_map(|line| line.strip_prefix(&begin)).unwrap()
    }

    /// What each thread's status says under a name.
    fn threads(&self, name: &str) -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let values = tasks.map(|task| {
            let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
            let mut lines = status.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
            value.unwrap().to_owned()
        });
        values.collect()
    }
}

#[test]
fn it_says_who_comes_in_what_is_insecure_and_what_it_gave_up() {
    let policy = "api: '1.51'
listen:
  - { unix: DIR/ci.sock, client: ci }
  - { unix: DIR/open.sock, mode: '0666', client: monitoring }
  - { tcp: '127.0.0.1:0', client: monitoring }
upstream: unix://DIR/engine.sock
clients:
  ci: { policies: [ping, look] }
  monitoring: { policies: [ping] }
policies:
  ping: { allow: [SystemPing] }
  look: { allow: [Container.list] }
confine: { landlock: false, seccomp: false, capabilities: false, no_new_privileges: false }
";
    let running = Running::start(policy, &[], &[]);
    let (json, text): (Vec<String>, Vec<String>) = running
        .said
        .iter()
        .cloned()
        .partition(|line| line.starts_with('{'));
    let [json] = json.as_slice() else {
        panic!("{json:?}")
    };
    let mut json: serde_json::Value = serde_json::from_str(json).unwrap();
    let address = json["listeners"][2]["address"].as_str().unwrap().to_owned();
    let port = address.strip_prefix("tcp://127.0.0.1:").unwrap();
    assert_ne!(port, "0");
    let text = text.join("\n").replace(port, "PORT");
    json["time"].take();
    json["listeners"][2]["address"] = "tcp://127.0.0.1:PORT".into();
    let json = serde_json::to_string_pretty(&json).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lifecycle/start.txt");
    let shown = format!("{text}\n\n{json}\n");
    if std::env::var_os("OPGATE_UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &shown).unwrap();
    }
    assert_eq!(shown, fs::read_to_string(&golden).unwrap());
    // What is off is off.
    assert!(
        running
            .threads("NoNewPrivs")
            .iter()
            .all(|value| value == "0")
    );
    assert!(running.threads("Seccomp").iter().all(|value| value == "0"));
}

#[test]
fn every_thread_of_a_gate_is_confined() {
    let running = Running::start(POLICY, &[], &[]);
    let threads = running.threads("NoNewPrivs");
    assert!(threads.len() > 1, "{threads:?}");
    assert!(threads.iter().all(|value| value == "1"), "{threads:?}");
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        let threads = running.threads(set);
        assert!(
            threads.iter().all(|value| value == "0000000000000000"),
            "{set}: {threads:?}"
        );
    }
    let landlock = running.said_of("landlock");
    if landlock.contains("NOT in force") {
        eprintln!("SKIPPED, NOT TESTED: this kernel has no Landlock");
    } else {
        assert!(
            landlock.ends_with("reads DIR; sockets in DIR)"),
            "{landlock}"
        );
    }
    if running.said_of("seccomp") == "in force" {
        let threads = running.threads("Seccomp");
        assert!(threads.iter().all(|value| value == "2"), "{threads:?}");
    } else {
        eprintln!(
            "SKIPPED, NOT TESTED: this kernel has no seccomp: {:?}",
            running.said
        );
    }
}

#[test]
fn root_keeps_the_one_right_without_which_another_users_files_are_closed_to_it() {
    let folder = tempfile::tempdir().unwrap();
    // Its sockets are in a folder that is its own.
    fs::create_dir(folder.path().join("own")).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let policy = POLICY.replace("DIR/gate.sock", "DIR/own/gate.sock");
    if chown(folder.path(), Some(65534), Some(65534)).is_err() {
        eprintln!("SKIPPED, NOT TESTED: only root can give its files away");
        return;
    }
    let running = Running::start_in(folder, &policy, &[], &[]);
    assert_eq!(
        running.said_of("capabilities"),
        "in force (kept DAC_OVERRIDE)"
    );
    for value in running.threads("CapPrm") {
        assert_eq!(value, "0000000000000002");
    }
}

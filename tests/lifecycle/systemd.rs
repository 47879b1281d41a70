//! What systemd is told.

use std::io::BufRead as _;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};

use super::{POLICY, Running};

/// The next thing that is told. Waits so long at most.
fn told(systemd: &UnixDatagram, seconds: u64) -> Option<String> {
    let time = Duration::from_secs(seconds);
    systemd.set_read_timeout(Some(time)).unwrap();
    let mut message = [0; 1024];
    let size = systemd.recv(&mut message).ok()?;
    Some(String::from_utf8(message[..size].to_vec()).unwrap())
}

/// A gate tells this socket everything.
fn tells_all(systemd: &UnixDatagram, address: &Path) {
    let variables = [
        ("NOTIFY_SOCKET", address),
        ("WATCHDOG_USEC", Path::new("200000")),
    ];
    let mut gate = Running::start(POLICY, &[], &variables);
    assert_eq!(told(systemd, 30).as_deref(), Some("READY=1"));
    UnixStream::connect(gate.path("gate.sock")).unwrap();
    for _ in 0..3 {
        assert_eq!(told(systemd, 30).as_deref(), Some("WATCHDOG=1"));
    }
    // A gate that does nothing says nothing, but for what it had said.
    gate.signal(Signal::STOP);
    while told(systemd, 1).is_some() {}
    gate.signal(Signal::CONT);
    assert_eq!(told(systemd, 30).as_deref(), Some("WATCHDOG=1"));
    gate.signal(Signal::TERM);
    let mut last = told(systemd, 30);
    while last.as_deref() == Some("WATCHDOG=1") {
        last = told(systemd, 30);
    }
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
    assert_eq!(gate.ended().code(), Some(0));
}

#[test]
fn it_is_told_at_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    tells_all(&systemd, &path);
}

#[test]
fn it_is_told_at_an_abstract_name_though_others_are_out_of_reach() {
    let name = format!("opgate-test-notify-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let systemd = UnixDatagram::bind_addr(&address).unwrap();
    tells_all(&systemd, Path::new(&format!("@{name}")));
}

#[test]
fn the_watchdog_of_another_process_is_not_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    let variables = [
        ("NOTIFY_SOCKET", path.as_path()),
        ("WATCHDOG_USEC", Path::new("100000")),
        ("WATCHDOG_PID", Path::new("1")),
    ];
    let _gate = Running::start(POLICY, &[], &variables);
    assert_eq!(told(&systemd, 30).as_deref(), Some("READY=1"));
    assert_eq!(told(&systemd, 1), None);
}

#[test]
fn without_the_socket_that_was_named_it_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("opgate.yaml");
    let policy = POLICY.replace("DIR", folder.path().to_str().unwrap());
    std::fs::write(&file, policy).unwrap();
    for address in ["/lost/notify", "notify"] {
        let output = Command::new(env!("CARGO_BIN_EXE_opgate"))
            .args(["run", "--config"])
            .arg(&file)
            .env("NOTIFY_SOCKET", address)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        let begin = format!("opgate: `NOTIFY_SOCKET` is `{address}`: ");
        assert!(said.starts_with(&begin), "{said}");
    }
}

#[test]
fn it_is_told_of_a_reload_which_a_confined_gate_can_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    let mut gate = Running::start(POLICY, &[], &[("NOTIFY_SOCKET", path.as_path())]);
    assert_eq!(told(&systemd, 30).as_deref(), Some("READY=1"));
    // Another file of that name, and another socket in the folder.
    let file = gate.path("opgate.yaml");
    let policy = std::fs::read_to_string(&file).unwrap();
    let policy = policy.replace("gate.sock", "other.sock");
    let new = gate.path("new.yaml");
    std::fs::write(&new, policy).unwrap();
    std::fs::rename(&new, &file).unwrap();
    gate.signal(Signal::HUP);
    let reloading = told(&systemd, 30).unwrap();
    let time = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    assert!(time.unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(told(&systemd, 30).as_deref(), Some("READY=1"));
    UnixStream::connect(gate.path("other.sock")).unwrap();
    // Whoever served it removes it when it comes to know.
    let start = Instant::now();
    while gate.path("gate.sock").exists() {
        assert!(start.elapsed() < Duration::from_secs(20));
        sleep(Duration::from_millis(5));
    }
    gate.signal(Signal::TERM);
    assert_eq!(gate.ended().code(), Some(0));
    assert!(!gate.path("other.sock").exists());
}

#[test]
fn what_lacks_descriptors_is_tried_again_and_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    let mut gate = Running::start(POLICY, &[], &[("NOTIFY_SOCKET", path.as_path())]);
    assert_eq!(told(&systemd, 30).as_deref(), Some("READY=1"));
    let tried = || {
        let reloading = told(&systemd, 30).unwrap();
        assert!(reloading.starts_with("RELOADING=1"), "{reloading}");
        assert_eq!(told(&systemd, 30).as_deref(), Some("READY=1"));
    };
    let process = Some(Pid::from_child(&gate.child));
    let limit = |current| {
        let maximum = getrlimit(Resource::Nofile).maximum;
        prlimit(process, Resource::Nofile, Rlimit { current, maximum }).unwrap();
    };
    limit(Some(1));
    gate.signal(Signal::HUP);
    tried();
    // By itself, and in vain.
    tried();
    limit(Some(1024));
    tried();
    let mut said = Vec::new();
    while !said
        .last()
        .is_some_and(|line: &String| line.contains("\"reloaded"))
    {
        let mut line = String::new();
        assert_ne!(gate.log.read_line(&mut line).unwrap(), 0, "{said:?}");
        said.push(line);
    }
    let refused: Vec<_> = said
        .iter()
        .filter(|line| line.contains("not reloaded"))
        .collect();
    let [refused] = refused[..] else {
        panic!("{said:?}");
    };
    assert!(refused.contains("and it is tried again: "), "{refused}");
    assert!(refused.contains("Too many open files"), "{refused}");
}

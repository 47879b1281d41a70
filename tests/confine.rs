//! What the gate gives up, tried from inside: a process that is confined as the gate
//! is tries what it must not do, and one that is not shows that it could.
#![cfg(test)]

use std::env;
use std::fs::{self, File};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nix::errno::Errno;
use opgate::confine::{Measure, Plan, State, confine};
use opgate::policy::{Address, Confinement};

/// What the process inside is told to be.
const INSIDE: &str = "OPGATE_TEST_INSIDE";

/// Everything off but these.
fn only(measures: &[Measure]) -> Confinement {
    let on = |measure| measures.contains(&measure);
    Confinement {
        no_new_privileges: on(Measure::NoNewPrivileges),
        capabilities: on(Measure::Capabilities),
        landlock: on(Measure::Landlock),
        seccomp: on(Measure::Seccomp),
    }
}

/// What a try ended with: `done`, or the name of an error.
fn outcome<T>(result: Result<T, Errno>) -> String {
    result.map_or_else(|error| format!("{error:?}"), |_| "done".to_owned())
}

fn system<T>(result: io::Result<T>) -> String {
    outcome(result.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0))))
}

/// The process inside: is confined, tries, and says what happened. Run by the others.
#[test]
#[ignore = "other tests run it in a process of its own"]
fn inside() {
    let Ok(told) = env::var(INSIDE) else {
        return;
    };
    let folder = PathBuf::from(env::var("OPGATE_TEST_FOLDER").unwrap());
    let measures: Vec<Measure> = EVERYTHING
        .into_iter()
        .filter(|measure| told.split(',').any(|name| name == measure.name()))
        .collect();
    let ports: Vec<u16> = told
        .split(',')
        .filter_map(|port| port.parse().ok())
        .collect();
    let socket = Address::Unix {
        path: folder.join("sockets/gate.sock"),
        mode: 0o600,
        owner: opgate::policy::Owner::default(),
    };
    let mut plan = Plan::new(only(&measures))
        .reading(&folder.join("policy/opgate.yaml"))
        .calling(&folder.join("engine.sock"))
        .listening(&socket)
        .listening(&Address::Tcp(([127, 0, 0, 1], ports[0]).into()));
    plan = plan.dialling(([127, 0, 0, 1], ports[1]).into());
    let report = confine(&plan);
    for (measure, state) in report.measures() {
        println!("{} is {state}", measure.name());
    }
    tries(&folder, &ports);
}

/// Tries everything; a line for each try.
fn tries(folder: &Path, ports: &[u16]) {
    let say = |what: &str, outcome: String| println!("{what}: {outcome}");
    // What the gate does.
    let gate = folder.join("sockets/gate.sock");
    say(
        "read policy",
        system(fs::read(folder.join("policy/opgate.yaml"))),
    );
    say(
        "read other policy",
        system(fs::read(folder.join("policy/new.yaml"))),
    );
    say("bind socket", system(UnixListener::bind(&gate)));
    say("remove socket", system(fs::remove_file(&gate)));
    say("bind again", system(UnixListener::bind(&gate)));
    say(
        "call engine",
        system(UnixStream::connect(folder.join("engine.sock"))),
    );
    say(
        "listen port",
        system(TcpListener::bind(("127.0.0.1", ports[0]))),
    );
    say(
        "dial engine",
        system(TcpStream::connect(("127.0.0.1", ports[1]))),
    );
    let thread = std::thread::Builder::new().spawn(|| system(File::open("/etc/shadow")));
    say("thread opens shadow", thread.unwrap().join().unwrap());
    // What it must not.
    say("open shadow", system(File::open("/etc/shadow")));
    say("list folder", system(fs::read_dir(folder)));
    say(
        "write policy",
        system(fs::write(folder.join("policy/opgate.yaml"), "x")),
    );
    say(
        "make file",
        system(fs::write(folder.join("sockets/file"), "x")),
    );
    say(
        "bind elsewhere",
        system(UnixListener::bind(folder.join("other.sock"))),
    );
    say(
        "listen elsewhere",
        system(TcpListener::bind(("127.0.0.1", ports[2]))),
    );
    say(
        "dial elsewhere",
        system(TcpStream::connect(("127.0.0.1", ports[3]))),
    );
    let abstract_name = format!("opgate-test-{}", ports[3]);
    say("abstract", system(abstract_socket(&abstract_name)));
    say(
        "signal",
        outcome(nix::sys::signal::kill(nix::unistd::getppid(), None)),
    );
    let files = nix::sched::CloneFlags::CLONE_FILES;
    say("unshare", outcome(nix::sched::unshare(files)));
    say("netlink socket", outcome(netlink()));
    // Without confinement, these fail for what is asked.
    let none: Option<&str> = None;
    let flags = nix::mount::MsFlags::empty();
    let lost = folder.join("lost");
    say(
        "mount",
        outcome(nix::mount::mount(none, &lost, none, flags, none)),
    );
    say("chroot", outcome(nix::unistd::chroot(&lost)));
    let this = nix::unistd::getpid();
    say("ptrace", outcome(nix::sys::ptrace::detach(this, None)));
    say(
        "setgid",
        outcome(nix::unistd::setgid(nix::unistd::getgid())),
    );
    say("spawn", system(Command::new("/bin/true").status()));
    // The last, as it ends the process where it can be done.
    say(
        "exec",
        system::<()>(Err(Command::new("/bin/echo").arg("exec: done").exec())),
    );
}

fn netlink() -> nix::Result<OwnedFd> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
    socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::empty(),
        None,
    )
}

fn abstract_socket(name: &str) -> io::Result<()> {
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
    UnixDatagram::unbound()?.connect_addr(&address)
}

/// What a process said that was confined by these measures.
struct Said(String);

impl Said {
    fn of(measures: &[Measure]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["policy", "sockets"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        for name in ["policy/opgate.yaml", "policy/new.yaml"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let _engine = UnixListener::bind(folder.path().join("engine.sock")).unwrap();
        let bound = || TcpListener::bind("127.0.0.1:0").unwrap();
        let (free, dialled, other, elsewhere) = (bound(), bound(), bound(), bound());
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port().to_string();
        let mut told: Vec<String> = [&free, &dialled, &other, &elsewhere].map(port).to_vec();
        drop((free, other));
        let name = format!("opgate-test-{}", told[3]);
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
        let _abstract = UnixDatagram::bind_addr(&address).unwrap();
        told.extend(measures.iter().map(|measure| measure.name().to_owned()));
        let Output { stdout, .. } = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "inside",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(INSIDE, told.join(","))
            .env("OPGATE_TEST_FOLDER", folder.path())
            .output()
            .unwrap();
        Self(String::from_utf8(stdout).unwrap())
    }

    fn outcome(&self, what: &str) -> &str {
        let begin = format!("{what}: ");
        let line = self.0.lines().find_map(|line| line.strip_prefix(&begin));
        line.unwrap_or_else(|| panic!("no outcome of {what}:\n{}", self.0))
    }

    fn all(&self, what: &[&str], outcome: &str) {
        for what in what {
            assert_eq!(self.outcome(what), outcome, "{what}:\n{}", self.0);
        }
    }

    /// Whether the measure is in force; says loudly if the kernel lacks it.
    fn has(&self, measure: Measure) -> bool {
        let name = measure.name();
        assert!(self.0.contains(&format!("{name} is ")), "{}", self.0);
        let there = self.0.contains(&format!("{name} is in force"));
        if !there {
            eprintln!(
                "SKIPPED, NOT TESTED: this kernel does not have {name}:\n{}",
                self.0
            );
        }
        there
    }
}

/// What the gate does, and must go on doing.
const NEEDED: [&str; 8] = [
    "read policy",
    "read other policy",
    "bind socket",
    "remove socket",
    "bind again",
    "call engine",
    "listen port",
    "dial engine",
];

/// What Landlock forbids, with the error that it answers.
const OUTSIDE: [&str; 8] = [
    "open shadow",
    "thread opens shadow",
    "list folder",
    "write policy",
    "make file",
    "bind elsewhere",
    "listen elsewhere",
    "dial elsewhere",
];

/// What Landlock forbids of other processes.
const OTHERS: [&str; 2] = ["abstract", "signal"];

/// What the filter forbids.
const CALLS: [&str; 8] = [
    "unshare",
    "netlink socket",
    "mount",
    "chroot",
    "ptrace",
    "setgid",
    "spawn",
    "exec",
];

const EVERYTHING: [Measure; 4] = [
    Measure::NoNewPrivileges,
    Measure::Capabilities,
    Measure::Landlock,
    Measure::Seccomp,
];

#[test]
fn without_confinement_all_of_it_can_be_done() {
    let said = Said::of(&[]);
    said.all(&NEEDED, "done");
    said.all(&OUTSIDE[2..], "done");
    if nix::unistd::geteuid().is_root() {
        said.all(&OUTSIDE[..2], "done");
    }
    said.all(&OTHERS, "done");
    said.all(
        &["unshare", "netlink socket", "setgid", "spawn", "exec"],
        "done",
    );
    said.all(&["mount", "chroot"], "ENOENT");
    said.all(&["ptrace"], "ESRCH");
}

#[test]
fn only_the_files_and_ports_of_the_plan_can_be_opened() {
    let said = Said::of(&[Measure::NoNewPrivileges, Measure::Landlock]);
    said.all(&NEEDED, "done");
    if !said.has(Measure::Landlock) {
        return;
    }
    let full = said.0.contains("landlock is in force (reads");
    let (files, ports) = OUTSIDE.split_at(6);
    said.all(files, "EACCES");
    said.all(&["exec"], "EACCES");
    if full {
        said.all(ports, "EACCES");
        said.all(&OTHERS, "EPERM");
    } else {
        eprintln!("PORTS AND SIGNALS NOT TESTED: this kernel's Landlock is older");
    }
}

#[test]
fn what_a_gate_never_calls_is_forbidden_and_threads_still_start() {
    let said = Said::of(&[Measure::NoNewPrivileges, Measure::Seccomp]);
    said.all(&NEEDED, "done");
    if said.has(Measure::Seccomp) {
        said.all(&CALLS, "EPERM");
    }
    // Not its business.
    said.all(&OUTSIDE[2..], "done");
}

#[test]
fn all_measures_together_leave_what_a_gate_needs() {
    let said = Said::of(&EVERYTHING);
    said.all(&NEEDED, "done");
    if said.has(Measure::Seccomp) {
        said.all(&CALLS, "EPERM");
    }
    if said.has(Measure::Landlock) {
        said.all(&OUTSIDE[..6], "EACCES");
    }
    assert!(said.has(Measure::NoNewPrivileges) && said.has(Measure::Capabilities));
}

#[test]
fn what_the_file_turns_off_is_reported() {
    // Nothing is taken away here, so that it may be asked in this process.
    let report = confine(&Plan::new(only(&[])));
    for measure in EVERYTHING {
        assert_eq!(report.state(measure), Some(&State::Off));
        assert_eq!(State::Off.to_string(), "off, as the policy file says");
    }
    assert_eq!(report.measures().len(), EVERYTHING.len());
}

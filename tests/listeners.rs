//! Where the real gate listens: whose its sockets are, and in which folders.
#![cfg(test)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::process::geteuid;
use tempfile::TempDir;

#[path = "support/handed.rs"]
mod handed;
#[path = "support/logged.rs"]
mod logged;
#[path = "support/peer.rs"]
#[expect(dead_code, reason = "other tests look at descriptors and memory")]
mod peer;
#[path = "support/start.rs"]
mod start;

use handed::hand_over;
use logged::Logged;
use peer::{Connection, PATIENCE};
use start::{Running, Started, start};

const INFO: &str = "GET /info HTTP/1.1\r\nHost: docker\r\n\r\n";

struct Gate {
    folder: TempDir,
    said: String,
    logged: Logged,
}

impl Gate {
    fn start(listen: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let config = write(folder.path(), listen);
        let (logged, said) = Logged::new(start(&config, "").unwrap());
        Self {
            folder,
            said,
            logged,
        }
    }

    fn reload(&self, listen: &str) -> String {
        write(self.folder.path(), listen);
        self.logged.hang_up();
        self.logged.said("reloaded")
    }

    /// User, group and mode of its socket.
    fn socket(&self) -> (u32, u32, u32) {
        let found = fs::symlink_metadata(self.folder.path().join("gate.sock")).unwrap();
        (found.uid(), found.gid(), found.mode() & 0o7777)
    }

    fn answers(&self) -> u16 {
        let mut connection = Connection::to(&self.folder.path().join("gate.sock"));
        connection.ask(INFO).0
    }
}

fn write(folder: &Path, listen: &str) -> std::path::PathBuf {
    let dir = folder.display();
    let config = folder.join("opgate.yaml");
    let text = format!(
        "api: '1.51'\nlisten: [{{ unix: {dir}/gate.sock, client: me, {listen} }}]\n\
         upstream: unix://{dir}/engine.sock\nclients: {{ me: {{ policies: [ping] }} }}\n\
         policies: {{ ping: {{ allow: [SystemPing] }} }}\n"
    );
    fs::write(&config, text).unwrap();
    config
}

fn is_root() -> bool {
    let root = geteuid().is_root();
    if !root {
        eprintln!("=== not root: sockets are not given to others");
    }
    root
}

#[test]
fn sockets_are_whose_the_file_says_and_reloads_change_it() {
    if !is_root() {
        return;
    }
    let gate = Gate::start("owner: 4242, group: 4343, mode: '0640'");
    assert_eq!(gate.socket(), (4242, 4343, 0o640));
    assert!(
        gate.said.contains("kept CHOWN, DAC_OVERRIDE, FOWNER"),
        "{}",
        gate.said
    );
    assert_eq!(gate.answers(), 403);
    let said = gate.reload("owner: 4242, group: 4444, mode: '0660'");
    assert!(said.contains("1 listener kept"), "{said}");
    assert_eq!(gate.socket(), (4242, 4444, 0o660));
    assert_eq!(gate.answers(), 403);
    // What is not said any more is the gate's own again.
    gate.reload("mode: '0600'");
    assert_eq!(gate.socket(), (0, 0, 0o600));
    assert_eq!(gate.answers(), 403);
    let said = gate.reload("owner: 4242, mode: '0888'");
    assert!(said.contains("not reloaded"), "{said}");
    assert_eq!(gate.socket(), (0, 0, 0o600));
    assert_eq!(gate.answers(), 403);
}

#[test]
fn a_socket_that_was_given_away_and_left_is_replaced() {
    if !is_root() {
        return;
    }
    let listen = "owner: 4242, group: 4343, mode: '0600'";
    let mut gate = Gate::start(listen);
    // Not asked to end, so that its socket stays.
    gate.logged.running.end();
    assert_eq!(gate.socket(), (4242, 4343, 0o600));
    let started = start(&gate.folder.path().join("opgate.yaml"), "").unwrap();
    gate.logged = Logged::new(started).0;
    assert_eq!(gate.answers(), 403);
}

#[test]
fn names_of_users_and_groups_are_looked_up() {
    if !is_root() {
        return;
    }
    let gate = Gate::start("owner: root, group: root");
    assert_eq!(gate.socket(), (0, 0, 0o660));
    let said = gate.reload("owner: nobody-of-this-name");
    assert!(said.contains("not reloaded"), "{said}");
    assert!(
        said.contains("there is no user `nobody-of-this-name`"),
        "{said}"
    );
    assert_eq!(gate.socket(), (0, 0, 0o660));
}

#[test]
fn a_link_in_place_of_the_socket_changes_nothing_else() {
    if !is_root() {
        return;
    }
    let gate = Gate::start("owner: 4242, mode: '0600'");
    let (socket, other) = (
        gate.folder.path().join("gate.sock"),
        gate.folder.path().join("other"),
    );
    fs::write(&other, "").unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(&socket).unwrap();
    symlink(&other, &socket).unwrap();
    let said = gate.reload("owner: 4243, mode: '0666'");
    assert!(said.contains("not reloaded"), "{said}");
    let found = fs::metadata(&other).unwrap();
    assert_eq!((found.uid(), found.mode() & 0o7777), (0, 0o600));
}

#[test]
fn folders_that_others_can_write_to_are_no_places() {
    let folder = tempfile::tempdir().unwrap();
    let config = write(folder.path(), "mode: '0600'");
    let start_in = |mode: u32, group: Option<u32>| {
        if let Some(group) = group {
            std::os::unix::fs::chown(folder.path(), None, Some(group)).unwrap();
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        match start(&config, "") {
            Ok(started) => {
                drop(Running::new(started.child, || ()));
                String::new()
            }
            Err(error) => error.to_string(),
        }
    };
    for (mode, why) in [
        (0o777, "everybody can write to it"),
        (0o755, ""),
        (0o1777, ""),
    ] {
        let said = start_in(mode, None);
        assert!(said.contains(why), "{mode:o}: {said}");
        assert_eq!(said.is_empty(), why.is_empty(), "{mode:o}: {said}");
    }
    if is_root() {
        assert!(start_in(0o770, Some(4343)).contains("another group can write to it"));
        assert_eq!(start_in(0o750, Some(4343)), "");
        assert_eq!(start_in(0o770, Some(0)), "");
        std::os::unix::fs::chown(folder.path(), Some(4242), None).unwrap();
        assert!(start_in(0o1755, None).contains("another user owns it"));
        std::os::unix::fs::chown(folder.path(), Some(0), None).unwrap();
    }
    let lost = folder.path().join("lost");
    fs::create_dir(&lost).unwrap();
    let config = write(&lost, "");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text.replace("/lost/gate.sock", "/lost/deeper/gate.sock"),
    )
    .unwrap();
    let said = start(&config, "").err().unwrap().to_string();
    assert!(
        said.contains("deeper` is no place for a socket: it is not there"),
        "{said}"
    );
}

/// A gate that is handed these sockets, by these names.
fn handed(listen: &str, sockets: &[(&str, OwnedFd)]) -> (Result<Started, String>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().display().to_string();
    let config = folder.path().join("opgate.yaml");
    let text = format!(
        "api: '1.51'\nlisten: [{listen}]\nupstream: unix://{dir}/engine.sock\n\
         clients: {{ me: {{ policies: [ping] }}, you: {{ policies: [ping] }} }}\n\
         policies: {{ ping: {{ allow: [SystemPing] }} }}\n"
    );
    fs::write(&config, text.replace("DIR", &dir)).unwrap();
    let (before, _copies) = hand_over(sockets);
    let started = start(&config, &before).map_err(|error| error.to_string());
    (started, folder)
}

fn tcp(address: &str) -> (SocketAddr, OwnedFd) {
    let socket = TcpListener::bind(address).unwrap();
    (socket.local_addr().unwrap(), socket.into())
}

#[test]
fn sockets_that_are_handed_over_are_served_and_stay_over_reloads() {
    let own = tempfile::tempdir().unwrap();
    let path = own.path().join("handed.sock");
    let unix: OwnedFd = UnixListener::bind(&path).unwrap().into();
    let (address, port) = tcp("127.0.0.1:0");
    let other = tcp("127.0.0.1:0").1;
    let both = "{ systemd: web, client: me }, { systemd: local, client: you }";
    let sockets = [("web", port), ("local", unix), ("spare", other)];
    let (started, folder) = handed(both, &sockets);
    drop(sockets);
    let (mut gate, said) = Logged::new(started.unwrap());
    assert!(said.contains("client me at systemd:web"), "{said}");
    assert!(
        said.contains("no listener has the socket `spare`"),
        "{said}"
    );
    let by_unix = || Connection::to(&path).ask(INFO).1;
    let by_tcp = || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
            .write_all(
                INFO.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
                    .as_bytes(),
            )
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(by_unix().contains("refused for client you"));
    assert!(by_tcp().contains("refused for client me"));

    let config = folder.path().join("opgate.yaml");
    let text = fs::read_to_string(&config).unwrap();
    let reload = |text: &str, expected: &str| {
        fs::write(&config, text).unwrap();
        gate.hang_up();
        let line = gate.said("reloaded");
        assert!(line.contains(expected), "{line}");
    };
    reload(
        &text.replace("systemd: local, client: you", "systemd: local, client: me"),
        "2 listeners kept",
    );
    assert!(by_unix().contains("refused for client me"));
    // A reload that fails loses none, and one that is left out can come back.
    reload(
        &text.replace(
            "{ systemd: web",
            "{ systemd: lost, client: me }, { systemd: web",
        ),
        "no socket `lost` was handed over",
    );
    assert!(by_tcp().contains("refused for client me"));
    reload(
        &text.replace(", { systemd: local, client: you }", ""),
        "closed systemd:local",
    );
    reload(&text, "opened systemd:local");
    assert!(by_unix().contains("refused for client you"));
    gate.running.end();
    // Its file is not the gate's.
    assert!(path.exists());
}

#[test]
fn what_was_handed_over_to_another_process_is_not_the_gates() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().display().to_string();
    let config = folder.path().join("opgate.yaml");
    let text = format!(
        "api: '1.51'\nlisten: [{{ unix: {dir}/gate.sock, client: me }}]\n\
         upstream: unix://{dir}/engine.sock\nclients: {{ me: {{ policies: [ping] }} }}\n\
         policies: {{ ping: {{ allow: [SystemPing] }} }}\n"
    );
    fs::write(&config, text).unwrap();
    for pid in ["", "LISTEN_PID=1", "LISTEN_PID=me"] {
        let before = format!("export LISTEN_FDS=2 {pid}; ");
        let started = start(&config, &before).unwrap();
        assert!(!started.said.contains("handed over"), "{}", started.said);
        drop(Running::new(started.child, || ()));
    }
}

#[test]
fn what_is_handed_over_must_be_what_the_file_says() {
    let refused = |listen: &str, sockets: &[(&str, OwnedFd)], expected: &str| {
        let (started, _folder) = handed(listen, sockets);
        let said = match started {
            Ok(started) => {
                drop(Running::new(started.child, || ()));
                started.said
            }
            Err(said) => said,
        };
        assert!(said.contains(expected), "{said}");
    };
    let here = || tcp("127.0.0.1:0").1;
    let everywhere = || tcp("0.0.0.0:0").1;
    refused(
        "{ systemd: web, client: me }",
        &[("other", here())],
        "no socket `web` was handed over",
    );
    refused(
        "{ systemd: web, client: me }",
        &[("web", here()), ("web", here())],
        "several sockets `web`",
    );
    refused(
        "{ systemd: web, client: me }",
        &[("web", everywhere())],
        "which other machines can reach",
    );
    refused(
        "{ systemd: web, insecure: true, client: me }",
        &[("web", everywhere())],
        "opgate: insecure: systemd:web",
    );
    let silent = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    refused(
        "{ systemd: web, client: me }",
        &[("web", silent)],
        "does not listen",
    );
}

//! Docker's own command line at every kind of listener.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::callers::Shown;
use super::gate::{At, Gate};
use super::identities::Identity;
use super::kinds::{Certificates, Kind};
use super::skipped;
use super::world::World;

/// The first `docker` in `PATH`, or the one that the environment names.
fn docker() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("OPGATE_DOCKER_CLI") {
        return Some(given.into());
    }
    let path = std::env::var_os("PATH")?;
    let mut all = std::env::split_paths(&path).map(|folder| folder.join("docker"));
    let found = all.find(|path| path.is_file());
    let required = std::env::var_os("OPGATE_REQUIRE_ENGINE");
    let required = required.is_some_and(|value| value != "0" && !value.is_empty());
    assert!(
        found.is_some() || !required,
        "`OPGATE_REQUIRE_ENGINE` is set, and there is no `docker` in PATH"
    );
    found
}

/// Somebody with a command line.
struct Somebody<'s> {
    world: &'s World,
    gate: &'s Gate,
    cli: &'s Path,
    /// Whom processes belong to.
    user: u32,
    shown: Shown,
    twin: bool,
    /// Whether it speaks TLS where none is spoken, and none where it is.
    mistaken: bool,
}

impl Somebody<'_> {
    fn run(&self, kind: Kind, arguments: &[&str]) -> Output {
        let folder = self.gate.folder().join(format!("{:?}", self.shown));
        let mut command = Command::new(self.cli);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DOCKER_") {
                command.env_remove(name);
            }
        }
        // Nobody has anything there.
        command.arg("--config").arg(self.gate.folder().join("none"));
        match self.gate.at(kind, self.twin) {
            At::Unix(path) => {
                command
                    .arg("--host")
                    .arg(format!("unix://{}", path.display()));
                if self.world.no_users.is_none() {
                    command.uid(self.user);
                }
            }
            At::Tcp(address) => {
                command.arg("--host").arg(format!("tcp://{address}"));
                if kind.tls().is_some() != self.mistaken {
                    fs::create_dir_all(&folder).unwrap();
                    fs::write(folder.join("ca.pem"), self.world.authority.pem()).unwrap();
                    if let Some(issued) = self.world.certificate(self.shown) {
                        issued.write(&folder, "cert");
                        fs::rename(folder.join("cert-key.pem"), folder.join("key.pem")).unwrap();
                    }
                    command.env("DOCKER_TLS_VERIFY", "1");
                    command.env("DOCKER_CERT_PATH", &folder);
                }
            }
        }
        command
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// That the command is refused; what it says.
    fn refused(&self, kind: Kind) -> String {
        let output = self.run(kind, &["volume", "ls"]);
        assert!(!output.status.success(), "{kind:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

/// Reads records up to one of this operation: all of them are this client's.
fn records(gate: &Gate, client: &str, operation: &str) {
    loop {
        let record = gate.record();
        assert_eq!(record["client"], client, "{record}");
        if record["operation"] == operation {
            return;
        }
    }
}

#[test]
fn a_docker_client_is_whom_its_connection_says() {
    let Some(cli) = docker() else {
        skipped("DOCKER'S COMMAND LINE", "there is no `docker` in PATH");
        return;
    };
    let world = World::new();
    let kinds: Vec<Kind> = Kind::all().collect();
    let names = |of: &dyn Fn(Kind) -> bool| {
        let names: Vec<&str> = Kind::all()
            .filter(|kind| of(*kind))
            .map(Kind::name)
            .collect();
        names.join(", ")
    };
    let asks = |kind: Kind| kind.certificates() != Certificates::Unasked;
    let twins: Vec<String> = Kind::all()
        .map(|kind| format!("{}-twin", kind.name()))
        .collect();
    let clients = format!(
        "clients:\n  it:\n    policies: [version]\n    when:\n    \
         - {{ listener: [{}], peer: {{ uid: {} }} }}\n    \
         - {{ listener: [{}], source: 127.0.0.0/8 }}\n    \
         - {{ listener: [{}], tls: {{ cn: ci }} }}\n  \
         beside: {{ policies: [ping], when: {{ listener: [{}] }} }}\n",
        names(&Kind::is_unix),
        world.it.uid,
        names(&|kind| !kind.is_unix() && !asks(kind)),
        names(&asks),
        twins.join(", ")
    );
    let gate = Gate::with(&world, Identity::Listener, &kinds, None, &clients);
    let none = gate.folder().join("none");
    fs::create_dir(&none).unwrap();
    fs::set_permissions(&none, fs::Permissions::from_mode(0o755)).unwrap();
    let it = Somebody {
        world: &world,
        gate: &gate,
        cli: &cli,
        user: world.it.uid,
        shown: Shown::Its,
        twin: false,
        mistaken: false,
    };
    for kind in Kind::all() {
        let output = it.run(kind, &["version", "--format", "{{.Server.APIVersion}}"]);
        assert!(output.status.success(), "{kind:?}: {output:?}");
        assert_eq!(output.stdout, b"1.51\n", "{kind:?}");
        records(&gate, "it", "SystemVersion");
        let said = it.refused(kind);
        assert!(
            said.contains("VolumeList refused for client it"),
            "{kind:?}: {said}"
        );
        records(&gate, "it", "VolumeList");
    }
    let beside = Somebody { twin: true, ..it };
    for kind in Kind::all() {
        let said = beside.refused(kind);
        assert!(
            said.contains("VolumeList refused for client beside"),
            "{kind:?}: {said}"
        );
        records(&gate, "beside", "VolumeList");
    }
    let nobody = Somebody {
        user: world.it.other_uid,
        shown: Shown::OtherCn,
        twin: false,
        ..beside
    };
    let told = |kind: &Kind| asks(*kind) || (kind.is_unix() && world.no_users.is_none());
    for kind in Kind::all().filter(told) {
        let said = nobody.refused(kind);
        assert!(
            said.contains("no client fits this connection"),
            "{kind:?}: {said}"
        );
        // How many requests it makes of that is its own affair.
        assert_eq!(gate.record()["client"], "-");
    }
    let forged = Somebody {
        shown: Shown::Forged,
        ..nobody
    };
    for kind in Kind::all().filter(|kind| asks(*kind)) {
        let said = forged.refused(kind);
        assert!(!said.contains("opgate"), "{kind:?}: {said}");
    }
    // Who speaks TLS to the wrong kind of listener is told so, by Docker's own words.
    let mistaken = Somebody {
        mistaken: true,
        ..it
    };
    for kind in Kind::all().filter(|kind| !kind.is_unix()) {
        let said = mistaken.refused(kind);
        let expected = match kind.tls() {
            Some(_) => "Are you trying to connect to a TLS-enabled daemon without TLS?",
            None => "server gave HTTP response to HTTPS client",
        };
        assert!(said.contains(expected), "{kind:?}: {said}");
    }
}

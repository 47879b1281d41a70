//! The gate in front of an Engine that says what a test wants to hear of containers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::containers::Engine;
use super::logged::Logged;
use super::start::start;

/// A running gate.
pub(crate) struct Gate {
    pub(crate) logged: Logged,
    pub(crate) folder: TempDir,
    pub(crate) engine: Engine,
}

impl Gate {
    /// With these listeners and clients; `DIR` is its folder.
    pub(crate) fn start(listen: &str, clients: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Other users come here, too.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let engine = Engine::default();
        engine.listen(&folder.path().join("engine.sock"));
        let config = folder.path().join("opgate.yaml");
        fs::write(&config, text(folder.path(), listen, clients)).unwrap();
        let (logged, _) = Logged::new(start(&config, "").unwrap());
        Self {
            logged,
            folder,
            engine,
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("gate.sock")
    }

    /// Goes by other listeners and clients, and waits until it does; what it says.
    pub(crate) fn reload(&self, listen: &str, clients: &str) -> String {
        let config = self.folder.path().join("opgate.yaml");
        fs::write(&config, text(self.folder.path(), listen, clients)).unwrap();
        self.logged.hang_up();
        self.logged.said("reloaded")
    }
}

pub(crate) fn text(folder: &Path, listen: &str, clients: &str) -> String {
    let dir = folder.display().to_string();
    format!(
        "api: '1.51'\nlisten:\n{listen}\nupstream: unix://{dir}/engine.sock\n{clients}\n\
         policies: {{ ping: {{ allow: [SystemPing] }} }}\n"
    )
    .replace("DIR", &dir)
}

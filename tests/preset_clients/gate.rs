//! opgate as a child process, with a policy of the folder.

use std::error::Error;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

#[path = "../support/start.rs"]
#[expect(dead_code, reason = "what it says of its start is no matter here")]
mod start;

use start::{Running, Started, start};

/// A running gate; it ends with the value.
pub(crate) struct Gate {
    running: Running<String>,
    socket: PathBuf,
    folder: TempDir,
}

impl Gate {
    /// Starts a gate in front of `engine`, and waits until it listens. Its sockets are
    /// in a folder of its own, and projects in a folder below that.
    pub(crate) fn start(engine: &Path, preset: &str) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let place = folder.path().to_str().ok_or("no path")?;
        std::fs::create_dir(folder.path().join("projects"))?;
        let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        let upstream = "upstream: unix:///var/run/docker.sock";
        let text = std::fs::read_to_string(policies.join(preset).with_extension("yaml"))?;
        assert!(text.contains(upstream));
        let text = text
            .replace(upstream, &format!("upstream: unix://{}", engine.display()))
            .replace("/run/opgate/", &format!("{place}/"))
            .replace("/srv/projects", &format!("{place}/projects"))
            .replace("/home/runner", &format!("{place}/projects"));
        let config = folder.path().join("opgate.yaml");
        std::fs::write(&config, text)?;
        let Started { child, lines, .. } = start(&config, "")?;
        let lines = lines.map_while(Result::ok);
        let running = Running::new(child, move || lines.map(|line| line + "\n").collect());
        let socket = folder.path().join(preset).with_extension("sock");
        Ok(Self {
            running,
            socket,
            folder,
        })
    }

    /// Where the client of the policy's name comes in.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Where its sockets are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the projects are that the policy speaks of.
    pub(crate) fn projects(&self) -> PathBuf {
        self.folder.path().join("projects")
    }

    /// Ends it, and gives what it said.
    pub(crate) fn stop(mut self) -> String {
        self.running.end().unwrap_or_default()
    }
}

//! opgate itself as a child process, in front of an Engine.

use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use opgate::api::definition::ApiVersion;
use tempfile::TempDir;

#[path = "../support/start.rs"]
pub(crate) mod start;

use start::{Running, Started, start};

/// The API level of its policies.
pub(crate) const LEVEL: ApiVersion = ApiVersion(51);

/// A running gate; it ends with the value.
#[derive(Debug)]
pub(crate) struct Gate {
    _running: Running<()>,
    socket: PathBuf,
    /// Where it listens on TCP, such as `127.0.0.1:40000`.
    address: String,
    _folder: TempDir,
}

impl Gate {
    /// Starts a gate in front of `engine` for a client `me` that these rules
    /// allow something and these operations are denied to, and waits until it
    /// listens.
    pub(crate) fn start(
        engine: &Path,
        allow: &[&str],
        deny: &[&str],
    ) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("gate.sock");
        let config = folder.path().join("opgate.yaml");
        let text = format!(
            "api: \"{LEVEL}\"\nlisten:\n  - unix: {}\n    client: me\n  - tcp: 127.0.0.1:0\n    client: me\nupstream: unix://{}\n\
             clients:\n  me: {{ policies: [all] }}\n\
             policies:\n  all:\n    deny: [{}]\n    allow:\n      - {}\n",
            socket.display(),
            engine.display(),
            deny.join(", "),
            allow.join("\n      - ")
        );
        std::fs::write(&config, text)?;
        let Started {
            child,
            said,
            mut lines,
        } = start(&config, "")?;
        let address = said
            .lines()
            .find_map(|line| line.split_once(" at tcp://"))
            .map(|(_, address)| address.to_owned())
            .ok_or("no TCP listener")?;
        let running = Running::new(child, move || while let Some(Ok(_)) = lines.next() {});
        Ok(Self {
            _running: running,
            socket,
            address,
            _folder: folder,
        })
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Where it listens on TCP.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Sends raw bytes and reads the answer to its end.
    pub(crate) fn get(&self, request: &[u8]) -> Result<String, Box<dyn Error>> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

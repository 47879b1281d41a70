//! opgate itself as a child process, in front of an Engine.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use opgate::api::definition::ApiVersion;
use tempfile::TempDir;

/// The API level of its policies.
pub(crate) const LEVEL: ApiVersion = ApiVersion(51);

/// A running gate; it ends with the value.
#[derive(Debug)]
pub(crate) struct Gate {
    child: Child,
    socket: PathBuf,
    /// Where it listens on TCP, such as `127.0.0.1:40000`.
    address: String,
    /// Reads the gate's log to its end, so that the gate never waits for us.
    log: Option<JoinHandle<()>>,
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
        let mut child = Command::new(env!("CARGO_BIN_EXE_opgate"))
            .args(["run", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take().ok_or("no standard error")?;
        let mut lines = BufReader::new(stderr).lines();
        let mut seen = String::new();
        loop {
            match lines.next() {
                // The last line of the start, written when the sockets are open.
                Some(Ok(line)) if line.starts_with("opgate: Engine at") => break,
                Some(Ok(line)) => {
                    seen.push_str(&line);
                    seen.push('\n');
                }
                _ => return Err(format!("the gate did not start:\n{seen}").into()),
            }
        }
        let address = seen
            .lines()
            .find_map(|line| line.split_once(" at tcp://"))
            .map(|(_, address)| address.to_owned())
            .ok_or("no TCP listener")?;
        let log = std::thread::spawn(move || while let Some(Ok(_)) = lines.next() {});
        Ok(Self {
            child,
            socket,
            address,
            log: Some(log),
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

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(log) = self.log.take() {
            let _ = log.join();
        }
    }
}

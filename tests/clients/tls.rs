//! A gate by TLS, for one client with a certificate.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Result;
use super::certs::{Authority, Wanted};
use super::gate::LEVEL;
use super::gate::start::{Running, Started, start};

/// A running gate; it ends with the value.
pub(crate) struct TlsGate {
    _running: Running<()>,
    address: String,
    folder: TempDir,
}

impl TlsGate {
    /// In front of `engine`, with these rules.
    pub(crate) fn start(engine: &Path, allow: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let authority = Authority::new("test");
        authority.gate().write(folder.path(), "server");
        // What docker looks for in DOCKER_CERT_PATH.
        let client = authority.issue(Wanted {
            names: vec!["me"],
            ..Wanted::default()
        });
        fs::write(folder.path().join("ca.pem"), authority.pem())?;
        fs::write(folder.path().join("cert.pem"), client.cert.pem())?;
        fs::write(folder.path().join("key.pem"), client.key.serialize_pem())?;
        let config = folder.path().join("opgate.yaml");
        let text = format!(
            "api: \"{LEVEL}\"\nlisten:\n  - tcp: 127.0.0.1:0\n    \
             tls: {{ cert: server.pem, key: server-key.pem, client_ca: ca.pem }}\n\
             upstream: unix://{}\nclients:\n  \
             me: {{ policies: [all], when: {{ tls: {{ cn: me }} }} }}\n\
             policies:\n  all:\n    allow:\n      - {}\n",
            engine.display(),
            allow.join("\n      - ")
        );
        fs::write(&config, text)?;
        let Started {
            child,
            said,
            mut lines,
        } = start(&config, "")?;
        let running = Running::new(child, move || while let Some(Ok(_)) = lines.next() {});
        let (_, rest) = said.split_once("tcp://").ok_or("no TCP listener")?;
        let address = rest.split([' ', '\n']).next().unwrap_or_default();
        Ok(Self {
            _running: running,
            address: address.to_owned(),
            folder,
        })
    }

    /// Where it listens, as docker takes it.
    pub(crate) fn host(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// The folder of the authority, the certificate and the key.
    pub(crate) fn certificates(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

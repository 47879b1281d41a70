//! The Engines of a gate: those of its policy file, or the one that the environment
//! names as it does for the docker client.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use opgate::policy::{Configuration, EngineAddress, Engines};
use opgate::proxy::{Endpoint, EndpointError, TcpHost, Upstream, Upstreams};
use opgate::tls::{ClientFiles, ClientTls, TlsError};
use thiserror::Error;

/// What the environment says of the Engine. It stays what it was at the start.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    host: Option<OsString>,
    cert_path: Option<OsString>,
    tls_verify: bool,
    tls: bool,
}

impl Environment {
    /// What it says now. What is empty is not said.
    pub(super) fn read() -> Self {
        let value = |name| env::var_os(name).filter(|value| !value.is_empty());
        Self {
            host: value("DOCKER_HOST"),
            cert_path: value("DOCKER_CERT_PATH"),
            tls_verify: value("DOCKER_TLS_VERIFY").is_some(),
            tls: value("DOCKER_TLS").is_some(),
        }
    }

    /// Gives a configuration its Engine if its file names none. Whatever it says of TLS,
    /// the Engine's certificate is verified.
    pub(super) fn complete(&self, configuration: &mut Configuration) -> Result<(), String> {
        if configuration.engines.by_environment() {
            let clients = configuration.engines.of_clients.len();
            configuration.engines = Engines::one(self.address()?, clients);
        }
        Ok(())
    }

    fn address(&self) -> Result<EngineAddress, String> {
        let Some(host) = &self.host else {
            return Err(
                "the policy file has no `upstream`, and DOCKER_HOST is not set: write `upstream: unix:///var/run/docker.sock`"
                    .to_owned(),
            );
        };
        let host = host.to_str().ok_or("DOCKER_HOST is not text in UTF-8")?;
        let address = EngineAddress::parse(host).map_err(|(message, help)| {
            let help = help.map(|help| format!(": {help}")).unwrap_or_default();
            format!("DOCKER_HOST: {message}{help}")
        })?;
        let EngineAddress::Tcp { host, port } = address else {
            return Ok(address);
        };
        match &self.cert_path {
            Some(folder) => {
                let folder = PathBuf::from(folder);
                Ok(EngineAddress::Tls {
                    host,
                    port,
                    files: ClientFiles {
                        ca: folder.join("ca.pem"),
                        cert: folder.join("cert.pem"),
                        key: folder.join("key.pem"),
                    },
                })
            }
            None if self.tls_verify => Err(
                "DOCKER_TLS_VERIFY is set and DOCKER_CERT_PATH is not: set it to the folder of ca.pem, cert.pem and key.pem"
                    .to_owned(),
            ),
            None if self.tls => Err(
                "DOCKER_TLS is TLS with whoever answers: set DOCKER_TLS_VERIFY and DOCKER_CERT_PATH instead"
                    .to_owned(),
            ),
            None => {
                let address = EngineAddress::Tcp { host, port };
                if address.is_open() {
                    return Err(format!(
                        "DOCKER_HOST: plain TCP to an Engine is for loopback only: set DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or write `upstream: {{ tcp: \"{}\", insecure: true }}`",
                        address.to_string().trim_start_matches("tcp://")
                    ));
                }
                Ok(address)
            }
        }
    }
}

/// Why an Engine cannot be called.
#[derive(Debug, Error)]
pub(super) enum EngineError {
    #[error("the upstream {address}: {source}")]
    Tls {
        address: String,
        #[source]
        source: TlsError,
    },
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

/// The Engines, with their certificates. Nothing is connected yet.
pub(super) fn upstreams(engines: Engines, time: Duration) -> Result<Upstreams, EngineError> {
    let Engines { all, of_clients } = engines;
    let opened = all.into_iter().map(|engine| {
        let endpoint = endpoint(engine.address)?;
        Ok((engine.name, Upstream::new(endpoint, time)?))
    });
    let opened = opened.collect::<Result<_, EngineError>>()?;
    Ok(Upstreams::new(opened, of_clients))
}

/// An Engine that can be called; certificates are read.
pub(super) fn endpoint(address: EngineAddress) -> Result<Endpoint, EngineError> {
    let shown = address.to_string();
    Ok(match address {
        EngineAddress::Unix(path) => Endpoint::Unix(path),
        EngineAddress::Tcp { host, port } => Endpoint::Tcp(TcpHost { host, port }),
        EngineAddress::Tls { host, port, files } => {
            let tls = ClientTls::load(&host, &files).map_err(|source| EngineError::Tls {
                address: shown,
                source,
            })?;
            Endpoint::Tls(TcpHost { host, port }, tls)
        }
    })
}

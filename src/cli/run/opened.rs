//! A configuration and the certificates that it names, read: everything that may still
//! be wrong with its files. Nothing is connected or listened at yet.

use opgate::policy::Configuration;
use opgate::proxy::{Limits, Upstreams};
use opgate::tls::{ServerTls, TlsError};
use thiserror::Error;

use super::super::engines::{self, EngineError};
use super::summary;

/// What the gate can be started or reloaded with.
pub(super) struct Opened {
    /// Without its Engines.
    pub(super) configuration: Configuration,
    pub(super) upstreams: Upstreams,
    /// What the handshakes of each listener go by.
    pub(super) tls: Vec<Option<ServerTls>>,
    /// What of it is open to more than was perhaps meant.
    pub(super) insecure: Vec<String>,
}

/// Why it cannot.
#[derive(Debug, Error)]
pub(super) enum OpenError {
    #[error(transparent)]
    Listener(#[from] TlsError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl OpenError {
    /// Whether it may work in a moment.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Listener(error) | Self::Engine(EngineError::Tls { source: error, .. }) => {
                error.is_passing()
            }
            Self::Engine(EngineError::Endpoint(_)) => false,
        }
    }
}

impl Opened {
    /// Reads the certificates. Where they are far away this may never end: it is not for
    /// the threads of the runtime.
    pub(super) fn open(mut configuration: Configuration) -> Result<Self, OpenError> {
        let listeners = configuration.listeners.iter();
        let tls = listeners.map(|listener| {
            let files = listener.tls.as_ref();
            files.map(ServerTls::load).transpose()
        });
        let tls = tls.collect::<Result<_, TlsError>>()?;
        let insecure = summary::insecure(&configuration);
        let engines = std::mem::take(&mut configuration.engines);
        let upstreams = engines::upstreams(engines, Limits::default().engine_time)?;
        Ok(Self {
            configuration,
            upstreams,
            tls,
            insecure,
        })
    }
}

//! A configuration and the certificates that it names, read: everything that may still
//! be wrong with its files. Nothing is connected or listened at yet.

use opgate::policy::Configuration;
use opgate::proxy::{Limits, Upstreams};
use opgate::tls::{ServerTls, TlsError};

use super::super::engines;
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

impl Opened {
    /// Reads the certificates. Where they are far away this may never end: it is not for
    /// the threads of the runtime.
    pub(super) fn open(mut configuration: Configuration) -> Result<Self, String> {
        let listeners = configuration.listeners.iter();
        let tls = listeners.map(|listener| {
            let files = listener.tls.as_ref();
            files.map(ServerTls::load).transpose()
        });
        let tls: Result<_, TlsError> = tls.collect();
        let tls = tls.map_err(|error| error.to_string())?;
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

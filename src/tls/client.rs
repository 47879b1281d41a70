//! TLS towards an Engine: whom it is trusted by, and what opgate shows of itself.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ring::digest::{Context, SHA256};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};

use super::{TlsError, certificates, private_key, unshowable};

/// The files of a connection to an Engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFiles {
    /// The authorities that the Engine's certificate may come from.
    pub ca: PathBuf,
    /// The certificate that is shown to the Engine, and its chain.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What a TLS connection to an Engine is made with. Equal where the same
/// certificates and keys are used for the same name, wherever they lay.
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    contents: Vec<u8>,
}

impl ClientTls {
    /// Reads the files, for an Engine whose certificate must be for `host`.
    pub fn load(host: &str, files: &ClientFiles) -> Result<Self, TlsError> {
        let unusable = |path: &PathBuf, reason: String| TlsError::Unusable {
            path: path.clone(),
            reason,
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| unusable(&files.cert, format!("`{host}` is not the name of a host")))?;
        let authorities = certificates(&files.ca)?;
        let chain = certificates(&files.cert)?;
        let key = private_key(&files.key)?;
        let mut contents = Context::new(&SHA256);
        // Lengths keep apart what would run together.
        let ders = authorities.iter().chain(&chain);
        for der in ders.map(AsRef::as_ref).chain([key.secret_der()]) {
            contents.update(&der.len().to_be_bytes());
            contents.update(der);
        }
        contents.update(&authorities.len().to_be_bytes());
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots
                .add(authority)
                .map_err(|error| unusable(&files.ca, error.to_string()))?;
        }
        // TLS 1.2 and 1.3, which is all that there is.
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&files.ca, error.to_string()))?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(|error| unshowable(&files.cert, &files.key, &error))?;
        Ok(Self {
            config: Arc::new(config),
            name,
            contents: contents.finish().as_ref().to_vec(),
        })
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    pub(crate) fn name(&self) -> ServerName<'static> {
        self.name.clone()
    }
}

impl PartialEq for ClientTls {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.contents == other.contents
    }
}

impl Eq for ClientTls {}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

//! The gate's own side of TLS: files → what a listener's handshakes go by.
//!
//! A session is never resumed: each connection shows its certificate anew, so that
//! one that has expired or was revoked is not good for another connection.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};

use super::{TlsError, certificates, private_key, revocation_lists, unshowable};

/// The files of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFiles {
    /// Its certificate, and those between it and an authority.
    pub cert: PathBuf,
    /// The key of the certificate.
    pub key: PathBuf,
    /// What is asked of clients.
    pub clients: Option<ClientCertificates>,
    /// Whether TLS 1.2 is refused.
    pub only_tls13: bool,
}

/// What certificates clients show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificates {
    /// The authorities that make them.
    pub ca: PathBuf,
    /// Whether a client may have none.
    pub optional: bool,
    /// Lists of certificates that were revoked.
    pub crls: Vec<PathBuf>,
}

impl ServerFiles {
    /// All of them.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let clients = self.clients.iter();
        let asked = clients.flat_map(|clients| std::iter::once(&clients.ca).chain(&clients.crls));
        [&self.cert, &self.key]
            .into_iter()
            .chain(asked)
            .map(PathBuf::as_path)
    }
}

/// What the handshakes of a listener go by.
#[derive(Clone, Debug)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    /// What verifies the certificates of clients, if they are asked for any.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
}

impl ServerTls {
    /// Reads the files.
    pub fn load(files: &ServerFiles) -> Result<Self, TlsError> {
        let chain = certificates(&files.cert)?;
        let key = private_key(&files.key)?;
        let both = [&TLS13, &TLS12];
        let versions = if files.only_tls13 {
            &both[..1]
        } else {
            &both[..]
        };
        let provider = Arc::new(default_provider());
        let unusable = |path: &Path, reason: String| TlsError::Unusable {
            path: path.to_owned(),
            reason,
        };
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(|error| unusable(&files.cert, error.to_string()))?;
        let (builder, verifier) = match &files.clients {
            None => (builder.with_no_client_auth(), None),
            Some(clients) => {
                let roots = authorities(&clients.ca)?;
                let mut lists = Vec::new();
                for path in &clients.crls {
                    lists.extend(revocation_lists(path)?);
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(
                    Arc::new(roots),
                    Arc::new(default_provider()),
                )
                .with_crls(lists)
                // A list that is out of date says nothing of who was revoked since.
                .enforce_revocation_expiration();
                let verifier = if clients.optional {
                    verifier.allow_unauthenticated()
                } else {
                    verifier
                };
                let verifier = verifier.build().map_err(|error| match error {
                    VerifierBuilderError::InvalidCrl(error) => {
                        let path = clients.crls.first().unwrap_or(&clients.ca);
                        unusable(path, format!("{error:?}"))
                    }
                    error => unusable(&clients.ca, error.to_string()),
                })?;
                let builder = builder.with_client_cert_verifier(Arc::clone(&verifier));
                (builder, Some(verifier))
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| unshowable(&files.cert, &files.key, &error))?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            verifier,
        })
    }

    /// Whether clients are asked for certificates, in a word or two.
    pub fn asked(&self) -> &'static str {
        match &self.verifier {
            Some(verifier) if verifier.client_auth_mandatory() => "required",
            Some(_) => "optional",
            None => "not asked for",
        }
    }

    /// What a handshake goes by.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Whether a connection that showed a certificate, or none, could be made now.
    pub(crate) fn fits(&self, certificate: bool) -> bool {
        match &self.verifier {
            None => !certificate,
            Some(verifier) => certificate || !verifier.client_auth_mandatory(),
        }
    }

    /// Whether this comes of the same reading of the files.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.config, &other.config)
    }

    /// Whether a handshake that shows these certificates would be accepted now.
    pub(crate) fn verifies(&self, shown: &[CertificateDer<'_>]) -> bool {
        match (&self.verifier, shown) {
            (_, []) => self.fits(false),
            (None, _) => false,
            (Some(verifier), [certificate, between @ ..]) => verifier
                .verify_client_cert(certificate, between, UnixTime::now())
                .is_ok(),
        }
    }
}

/// The authorities of a file.
fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let mut known = HashSet::new();
    for certificate in certificates(path)? {
        if !known.insert(certificate.clone()) {
            continue;
        }
        roots.add(certificate).map_err(|error| TlsError::Unusable {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
    }
    Ok(roots)
}

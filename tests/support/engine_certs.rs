//! Certificates of an Engine and of those who call it, made for a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use opgate::tls::ClientFiles;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// An authority, whose files lie in a folder.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
    name: &'static str,
}

impl Authority {
    pub(crate) fn new(folder: &Path, name: &'static str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        fs::write(folder.join(format!("{name}.pem")), issuer.as_ref().pem()).unwrap();
        Self {
            issuer,
            folder: folder.to_owned(),
            name,
        }
    }

    /// A certificate for these names, and its key; expired if `old`.
    fn issue(&self, names: &[&str], old: bool) -> (rcgen::Certificate, KeyPair) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        if old {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// The files for a caller who has a new certificate of this authority, and
    /// trusts `trusted`.
    pub(crate) fn client(&self, trusted: &Self) -> ClientFiles {
        let (cert, key) = self.issue(&["caller"], false);
        let file = |what: &str| self.folder.join(format!("{}-{what}.pem", self.name));
        fs::write(file("cert"), cert.pem()).unwrap();
        fs::write(file("key"), key.serialize_pem()).unwrap();
        ClientFiles {
            ca: trusted.folder.join(format!("{}.pem", trusted.name)),
            cert: file("cert"),
            key: file("key"),
        }
    }

    /// What an Engine with a certificate for `name` accepts callers of this
    /// authority with.
    pub(crate) fn engine(&self, name: &str, old: bool) -> TlsAcceptor {
        let (cert, key) = self.issue(&[name], old);
        let provider = Arc::new(default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.as_ref().der().clone()).unwrap();
        let callers =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .unwrap();
        let chain: Vec<CertificateDer<'static>> = vec![cert.der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(callers)
            .with_single_cert(chain, key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

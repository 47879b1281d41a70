//! Certificates for a measurement by TLS: of an authority, the gate and a client.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair,
};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};

use super::Failure;

/// The common name of the client.
const CLIENT: &str = "bench";

/// Writes `ca.pem`, and `NAME.pem` and `NAME-key.pem` of `server` and `client`.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    fs::write(folder.join("ca.pem"), params.self_signed(&key)?.pem())?;
    let issuer = Issuer::new(params, key);
    for (name, usage) in [
        ("server", ExtendedKeyUsagePurpose::ServerAuth),
        ("client", ExtendedKeyUsagePurpose::ClientAuth),
    ] {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, CLIENT);
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        let cert = params.signed_by(&key, &issuer)?;
        fs::write(folder.join(format!("{name}.pem")), cert.pem())?;
        fs::write(folder.join(format!("{name}-key.pem")), key.serialize_pem())?;
    }
    Ok(())
}

/// What the client of such a folder connects with, by TLS 1.3.
pub(crate) fn client(folder: &Path) -> Result<Arc<ClientConfig>, Failure> {
    let cert = |name: &str| CertificateDer::from_pem_file(folder.join(name));
    let mut roots = RootCertStore::empty();
    roots.add(cert("ca.pem")?)?;
    let key = PrivateKeyDer::from_pem_file(folder.join("client-key.pem"))?;
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![cert("client.pem")?], key)?;
    Ok(Arc::new(config))
}

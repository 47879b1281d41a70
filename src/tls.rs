//! Certificates, keys and revocation lists: PEM files → what TLS works with.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustls::InconsistentKeys;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use thiserror::Error;

use crate::shortage::is_shortage;
pub use client::{ClientFiles, ClientTls};
pub(crate) use facts::facts;
pub use server::{ClientCertificates, ServerFiles, ServerTls};

mod client;
mod facts;
mod server;

/// How large a file may be, in bytes: revocation lists are the largest.
const FILE_LIMIT: u64 = 16 << 20;

/// Why a file of certificates, keys or revocation lists cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// It cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It is no PEM, or damaged.
    #[error("`{path}` is not a PEM file: {source}")]
    Pem {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: PemError,
    },
    /// What is looked for is not in it.
    #[error("`{path}` holds no {what}")]
    Empty {
        /// Which.
        path: PathBuf,
        /// What is looked for.
        what: &'static str,
    },
    /// What is in it cannot be used.
    #[error("`{path}` cannot be used: {reason}")]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl TlsError {
    /// Whether it may work in a moment.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Read { source, .. } if is_shortage(source))
    }
}

/// The certificates of a file, in its order; at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    all(path, "certificate")
}

/// The private key of a file, the first that it has.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = read(path)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|source| match source {
        PemError::NoItemsFound => empty(path, "private key"),
        source => damaged(path, source),
    })
}

/// The revocation lists of a file, at least one.
pub(crate) fn revocation_lists(
    path: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    all(path, "certificate revocation list")
}

fn all<T: PemObject>(path: &Path, what: &'static str) -> Result<Vec<T>, TlsError> {
    let bytes = read(path)?;
    let items: Result<Vec<T>, PemError> = T::pem_slice_iter(&bytes).collect();
    match items {
        Ok(items) if items.is_empty() => Err(empty(path, what)),
        Ok(items) => Ok(items),
        Err(source) => Err(damaged(path, source)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    // What is no file may let whoever opens or reads it wait for ever.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is not a file")));
    }
    let mut file = file.take(FILE_LIMIT.saturating_add(1));
    file.read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_LIMIT {
        let message = format!("it is larger than {FILE_LIMIT} bytes");
        return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, message)));
    }
    Ok(bytes)
}

/// Why a certificate cannot be shown with its key.
fn unshowable(cert: &Path, key: &Path, error: &rustls::Error) -> TlsError {
    let (path, reason) = match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => (
            key,
            format!(
                "it is not the key of the certificate in `{}`",
                cert.display()
            ),
        ),
        error => (cert, error.to_string()),
    };
    TlsError::Unusable {
        path: path.to_owned(),
        reason,
    }
}

fn empty(path: &Path, what: &'static str) -> TlsError {
    TlsError::Empty {
        path: path.to_owned(),
        what,
    }
}

fn damaged(path: &Path, source: PemError) -> TlsError {
    TlsError::Pem {
        path: path.to_owned(),
        source,
    }
}

//! Certificates made for a test, and a client that shows them.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::peer::PATIENCE;

/// An authority.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What a certificate is to say.
#[derive(Default)]
pub(crate) struct Wanted<'w> {
    pub(crate) names: Vec<&'w str>,
    pub(crate) others: Vec<SanType>,
    pub(crate) serial: u64,
    pub(crate) expired: bool,
    pub(crate) until: Option<SystemTime>,
    pub(crate) server: bool,
}

/// A certificate and its key.
pub(crate) struct Issued {
    pub(crate) cert: rcgen::Certificate,
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.as_ref().pem()
    }

    pub(crate) fn issue(&self, wanted: Wanted<'_>) -> Issued {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Without any it would have a name of rcgen's.
        params.distinguished_name = rcgen::DistinguishedName::new();
        for name in wanted.names {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        params.subject_alt_names = wanted.others;
        params.extended_key_usages = vec![if wanted.server {
            ExtendedKeyUsagePurpose::ServerAuth
        } else {
            ExtendedKeyUsagePurpose::ClientAuth
        }];
        params.serial_number = Some(SerialNumber::from(wanted.serial));
        if wanted.expired {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        if let Some(until) = wanted.until {
            params.not_after = until.into();
        }
        let key = KeyPair::generate().unwrap();
        let issuer: &Issuer<'_, KeyPair> = &self.issuer;
        Issued {
            cert: params.signed_by(&key, issuer).unwrap(),
            key,
        }
    }

    /// The usual certificate of a gate on loopback.
    pub(crate) fn gate(&self) -> Issued {
        self.issue(Wanted {
            others: vec![dns("localhost"), SanType::IpAddress([127, 0, 0, 1].into())],
            server: true,
            ..Wanted::default()
        })
    }

    /// A list of these serial numbers; one that is out of date if `old`.
    pub(crate) fn revoke(&self, serials: &[u64], old: bool) -> String {
        let year = if old { 2021 } else { 2100 };
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(year, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let issuer: &Issuer<'_, KeyPair> = &self.issuer;
        params.signed_by(issuer).unwrap().pem().unwrap()
    }
}

impl Issued {
    /// Writes `NAME.pem` and `NAME-key.pem`.
    pub(crate) fn write(&self, folder: &Path, name: &str) {
        fs::write(folder.join(format!("{name}.pem")), self.cert.pem()).unwrap();
        let key = folder.join(format!("{name}-key.pem"));
        fs::write(key, self.key.serialize_pem()).unwrap();
    }
}

pub(crate) fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

pub(crate) fn uri(name: &str) -> SanType {
    SanType::URI(name.try_into().unwrap())
}

/// How a client is to connect.
pub(crate) struct Client<'c> {
    pub(crate) trusts: &'c Authority,
    pub(crate) shows: Option<&'c Issued>,
    /// TLS 1.2 alone.
    pub(crate) old: bool,
}

/// A connection by TLS.
pub(crate) struct TlsClient(pub(crate) StreamOwned<ClientConnection, TcpStream>);

impl Client<'_> {
    /// Connects, and waits until the handshake is done on this side.
    pub(crate) fn connect(&self, address: SocketAddr) -> io::Result<TlsClient> {
        TlsClient::connect(&self.config(), address)
    }

    /// What it connects with.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.trusts.issuer.as_ref().der().clone())
            .unwrap();
        let version = if self.old { &TLS12 } else { &TLS13 };
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        Arc::new(match self.shows {
            None => builder.with_no_client_auth(),
            Some(Issued { cert, key }) => {
                let chain: Vec<CertificateDer<'static>> = vec![cert.der().clone()];
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        })
    }
}

/// A client's side of a connection to a server of this name, of which nothing was said
/// yet.
pub(crate) fn hello(config: &Arc<ClientConfig>, name: &'static str) -> ClientConnection {
    let name = ServerName::try_from(name).unwrap();
    ClientConnection::new(Arc::clone(config), name).unwrap()
}

impl TlsClient {
    /// Connects, and waits until the handshake is done on this side.
    pub(crate) fn connect(config: &Arc<ClientConfig>, address: SocketAddr) -> io::Result<Self> {
        Self::over(hello(config, "localhost"), TcpStream::connect(address)?)
    }

    /// The same over a connection that is there.
    pub(crate) fn over(connection: ClientConnection, stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut stream = StreamOwned::new(connection, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self(stream))
    }

    /// Asks; gives the status and the body.
    pub(crate) fn ask(&mut self, request: &str) -> io::Result<(u16, String)> {
        self.send(request)?;
        self.answer()
    }

    pub(crate) fn send(&mut self, text: &str) -> io::Result<()> {
        self.0.write_all(text.as_bytes())?;
        self.0.flush()
    }

    /// The status and the body of the next answer.
    pub(crate) fn answer(&mut self) -> io::Result<(u16, String)> {
        answer(&mut self.0)
    }

    /// The certificate that the gate showed.
    pub(crate) fn shown(&self) -> CertificateDer<'static> {
        self.0.conn.peer_certificates().unwrap()[0].clone()
    }
}

/// The status and the body of the next answer that comes.
pub(crate) fn answer(stream: &mut impl Read) -> io::Result<(u16, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok((status, String::from_utf8(body).unwrap()))
}

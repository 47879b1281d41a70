//! A certificate that TLS has verified → what it says of who showed it.

use std::net::IpAddr;

use ring::digest::{SHA256, digest};
use x509_cert::Certificate as Parsed;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::{DirectoryString, GeneralName};

use crate::identity::Certificate;

/// `commonName`.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// What a certificate says; nothing if it cannot be read. A name that holds what no
/// name has, such as a NUL, is left out: it must not be taken for its beginning.
pub(crate) fn facts(der: &[u8]) -> Option<Certificate> {
    let parsed = Parsed::from_der(der).ok()?;
    let parsed = parsed.tbs_certificate();
    let key = parsed.subject_public_key_info().to_der().ok()?;
    let mut certificate = Certificate {
        key_sha256: digest(&SHA256, &key).as_ref().try_into().ok()?,
        expires: Some(parsed.validity().not_after.to_system_time()),
        ..Certificate::default()
    };
    let mut names = (parsed.subject().iter()).filter(|attribute| attribute.oid == COMMON_NAME);
    if let (Some(name), None) = (names.next(), names.next())
        && let Ok(text) = name.value.decode_as::<DirectoryString>()
    {
        certificate.common_name = plain(&text.value());
    }
    let alternatives = parsed.get_extension::<SubjectAltName>().ok()?;
    for name in alternatives.into_iter().flat_map(|(_, names)| names.0) {
        match name {
            GeneralName::DnsName(name) => certificate.dns.extend(plain(name.as_str())),
            GeneralName::UniformResourceIdentifier(uri) => {
                certificate.uris.extend(plain(uri.as_str()));
            }
            GeneralName::IpAddress(bytes) => {
                certificate.addresses.extend(address(bytes.as_bytes()));
            }
            _ => {}
        }
    }
    Some(certificate)
}

fn plain(name: &str) -> Option<String> {
    let odd = |c: char| c.is_control();
    (!name.is_empty() && !name.contains(odd)).then(|| name.to_owned())
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(bytes.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

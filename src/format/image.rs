//! References to images.
//!
//! Turns a text into an image id or a normalised name: registry, repository,
//! tag and digest, with `docker.io` and `library/` filled in as the Engine
//! does. Promises that a text which the Engine could take for an id is never
//! read as a name by [`ImageReference::parse`]. Leaves to others what a missing
//! tag means: `latest` when a container is made, every tag on a pull.

use super::FormatError;
use super::name::is_hex;

#[cfg(test)]
mod tests;

/// The registry of names that have none.
const DEFAULT_REGISTRY: &str = "docker.io";

/// What clients of the first registry called it; means the default one.
const LEGACY_REGISTRY: &str = "index.docker.io";

/// An image as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageReference<'a> {
    /// An id or the beginning of one: hexadecimal digits, without `sha256:`.
    /// A short one can also be a name; the Engine tries both.
    Id(&'a str),
    /// A name.
    Named(NamedImage<'a>),
}

/// The name of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedImage<'a> {
    /// The registry, `docker.io` when the text has none.
    pub registry: &'a str,
    /// The path of the repository in the registry, without `library/`.
    path: &'a str,
    /// Whether the repository is one of Docker's own: a single component on
    /// `docker.io`, where `library/` goes before it.
    official: bool,
    /// The tag, if one is given.
    pub tag: Option<&'a str>,
    /// The digest, if one is given, with its algorithm.
    pub digest: Option<&'a str>,
}

impl<'a> ImageReference<'a> {
    /// Parses a reference to an image that exists: an id or a name.
    pub fn parse(text: &'a str) -> Result<Self, FormatError> {
        if let Some((algorithm, hex)) = text.split_once(':')
            && let Some(length) = digest_length(algorithm)
        {
            // Only ids of the default algorithm can be abbreviated.
            let whole = hex.len() == length || (algorithm == "sha256" && hex.len() < length);
            return if whole && is_hex(hex) {
                Ok(Self::Id(hex))
            } else {
                Err(FormatError::new(
                    "invalid reference format: not a valid image id",
                ))
            };
        }
        if text.len() <= 64 && is_hex(text) {
            return Ok(Self::Id(text));
        }
        NamedImage::parse(text).map(Self::Named)
    }
}

impl<'a> NamedImage<'a> {
    /// Parses the name of an image for operations that take no ids.
    // Docker's CLI goes on to other kinds of objects when it finds "invalid
    // reference format" in an answer, so the reasons begin with these words.
    pub fn parse(text: &'a str) -> Result<Self, FormatError> {
        if text.len() == 64 && is_hex(text) {
            return Err(FormatError::new(
                "invalid reference format: an image id is not a name",
            ));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(valid_digest(digest)?)),
            None => (text, None),
        };
        let (registry, rest) = split_registry(rest);
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(valid_tag(tag)?)),
            None => (rest, None),
        };
        if !path.split('/').all(is_path_component) {
            return Err(FormatError::new(
                "invalid reference format: not a valid repository name",
            ));
        }
        if !is_registry(registry) {
            return Err(FormatError::new(
                "invalid reference format: not a valid registry",
            ));
        }
        if tag.is_none() && digest.is_none() && digest_length(path).is_some() {
            // `sha256` alone would be a name, but one that reads as half an id.
            return Err(FormatError::new(
                "invalid reference format: the name of a hash is not an image",
            ));
        }
        let named = Self {
            registry,
            path,
            official: registry == DEFAULT_REGISTRY && !path.contains('/'),
            tag,
            digest,
        };
        if named.name().len() > 255 {
            return Err(FormatError::new(
                "invalid reference format: the name is longer than 255 characters",
            ));
        }
        Ok(named)
    }

    /// The repository in the registry, such as `library/busybox`.
    pub fn repository(&self) -> String {
        if self.official {
            format!("library/{}", self.path)
        } else {
            self.path.to_owned()
        }
    }

    /// Registry and repository, such as `docker.io/library/busybox`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository())
    }
}

/// Splits a name without digest into its registry and the rest.
fn split_registry(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some((LEGACY_REGISTRY, rest)) => (DEFAULT_REGISTRY, rest),
        Some((first, rest))
            if first == "localhost"
                || first.contains(['.', ':'])
                || first.bytes().any(|byte| byte.is_ascii_uppercase()) =>
        {
            (first, rest)
        }
        _ => (DEFAULT_REGISTRY, name),
    }
}

/// Whether `text` is a host, an IPv4 address or an IPv6 address in brackets,
/// with or without a port.
fn is_registry(text: &str) -> bool {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let Some((address, rest)) = rest.split_once(']') else {
            return false;
        };
        let colons_and_digits = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
        if address.is_empty() || !address.bytes().all(colons_and_digits) {
            return false;
        }
        if rest.is_empty() {
            return true;
        }
        match rest.strip_prefix(':') {
            Some(port) => (None, Some(port)),
            None => return false,
        }
    } else {
        match text.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(text), None),
        }
    };
    host.is_none_or(|host| host.split('.').all(is_host_label))
        && port.is_none_or(|port| {
            (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit())
        })
}

/// Whether `text` is one label of a host name.
pub(super) fn is_host_label(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether `text` is lower-case letters and digits in groups, divided by one
/// `.`, by one or two `_` or by any number of `-`.
fn is_path_component(text: &str) -> bool {
    let in_group = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let group_at = |edge: Option<&u8>| edge.is_some_and(|&byte| in_group(byte));
    group_at(bytes.first())
        && group_at(bytes.last())
        && bytes
            .split(|&byte| in_group(byte))
            .all(|divider| match divider {
                [] | [b'.' | b'_'] | [b'_', b'_'] => true,
                dashes => dashes.iter().all(|&byte| byte == b'-'),
            })
}

/// Checks the tag of an image, or the digest that a pull may have in its place.
pub(super) fn tag_or_digest(text: &str) -> Result<&str, FormatError> {
    if text.contains(':') {
        valid_digest(text)
    } else {
        valid_tag(text)
    }
}

fn valid_tag(text: &str) -> Result<&str, FormatError> {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    if text.len() <= 128 && text.starts_with(first) && text.bytes().all(known) {
        Ok(text)
    } else {
        Err(FormatError::new(
            "invalid reference format: not a valid tag",
        ))
    }
}

fn valid_digest(text: &str) -> Result<&str, FormatError> {
    let valid = text
        .split_once(':')
        .is_some_and(|(algorithm, hex)| digest_length(algorithm) == Some(hex.len()) && is_hex(hex));
    if valid {
        Ok(text)
    } else {
        Err(FormatError::new(
            "invalid reference format: not a valid digest",
        ))
    }
}

/// How many hexadecimal digits a digest of this algorithm has.
fn digest_length(algorithm: &str) -> Option<usize> {
    match algorithm {
        "sha256" => Some(64),
        "sha384" => Some(96),
        "sha512" => Some(128),
        _ => None,
    }
}

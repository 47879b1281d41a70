//! The request target, split and decoded once.
//!
//! The path is split at `/` before it is decoded, so that an encoded slash is
//! known as one; it may only stand inside a parameter that may hold slashes.
//! Refused is whatever the Engine's router would clean, redirect or read in a
//! second way: empty and dot segments (written out or encoded), control
//! characters, a fragment, text that is not UTF-8, and every form of target but
//! the origin form. Knows nothing of operations (see `table`).

use std::borrow::Cow;
use std::fmt;

use super::RouteError;
use crate::api::definition::ApiVersion;

/// The longest target. The Engine takes its whole head within 1 MiB.
const LONGEST: usize = 1 << 20;

/// A version as a client wrote it in the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The major number.
    pub major: u16,
    /// The minor number.
    pub minor: u16,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Version {
    /// As a version of the API, unless the major number is not 1.
    pub fn api(self) -> Option<ApiVersion> {
        (self.major == 1).then_some(ApiVersion(self.minor))
    }
}

/// A segment of the decoded path.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// The decoded text.
    pub(super) text: Cow<'a, str>,
    /// Whether the slash in front of it was percent-encoded.
    pub(super) joined: bool,
}

/// A target that has one reading.
pub struct Target<'a> {
    pub(super) version: Option<Version>,
    pub(super) pieces: Vec<Piece<'a>>,
    pub(super) query: &'a str,
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl<'a> Target<'a> {
    /// Parses a raw target.
    pub fn parse(raw: &'a str) -> Result<Self, RouteError> {
        if raw.len() > LONGEST {
            return Err(RouteError::Target("is longer than 1 MiB"));
        }
        if !raw.starts_with('/') {
            return Err(RouteError::Target("must begin with a slash"));
        }
        if raw.contains('#') {
            return Err(RouteError::Target("must not contain `#`"));
        }
        if raw.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(RouteError::Target(
                "must not contain spaces or control characters",
            ));
        }
        let (path, query) = raw.split_once('?').unwrap_or((raw, ""));
        let mut pieces = Vec::with_capacity(8);
        for segment in path.split('/').skip(1) {
            let decoded = decode(segment)?;
            match decoded {
                Cow::Owned(decoded) if decoded.contains('/') => {
                    for (index, part) in decoded.split('/').enumerate() {
                        push(&mut pieces, Cow::Owned(part.to_owned()), index > 0)?;
                    }
                }
                decoded => push(&mut pieces, decoded, false)?,
            }
        }
        let version = version(&pieces)?;
        if version.is_some() {
            pieces.remove(0);
            if pieces.first().is_some_and(|piece| piece.joined) {
                return Err(RouteError::Target(
                    "has an encoded slash behind the version",
                ));
            }
        }
        Ok(Self {
            version,
            pieces,
            query,
        })
    }
}

fn push<'a>(
    pieces: &mut Vec<Piece<'a>>,
    text: Cow<'a, str>,
    joined: bool,
) -> Result<(), RouteError> {
    match text.as_ref() {
        "" => Err(RouteError::Target("has an empty path segment")),
        "." | ".." => Err(RouteError::Target("has a dot segment in its path")),
        _ => {
            pieces.push(Piece { text, joined });
            Ok(())
        }
    }
}

/// Decodes a segment, once.
fn decode(segment: &str) -> Result<Cow<'_, str>, RouteError> {
    if !segment.contains('%') {
        return Ok(Cow::Borrowed(segment));
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let decoded = rest
            .next()
            .zip(rest.next())
            .and_then(|(high, low)| crate::api::decode::hex(high, low))
            .ok_or(RouteError::Target("has a bad percent escape in its path"))?;
        if decoded < b' ' || decoded == 0x7f {
            return Err(RouteError::Target(
                "has an encoded control character in its path",
            ));
        }
        bytes.push(decoded);
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| RouteError::Target("is not UTF-8"))
}

/// Reads a version prefix, in its canonical spelling `v1.51` only. What the
/// Engine would take for a version and compare in its own way (`v1.051`,
/// `v1.51.0`, `v..`) is refused.
fn version(pieces: &[Piece<'_>]) -> Result<Option<Version>, RouteError> {
    let Some(digits) = pieces
        .first()
        .and_then(|piece| piece.text.strip_prefix('v'))
        .filter(|digits| !digits.is_empty())
        .filter(|digits| {
            digits
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
        })
    else {
        return Ok(None);
    };
    let number = |digits: &str| {
        let plain = digits == "0" || !digits.starts_with('0');
        plain.then(|| digits.parse::<u16>().ok()).flatten()
    };
    digits
        .split_once('.')
        .and_then(|(major, minor)| {
            Some(Version {
                major: number(major)?,
                minor: number(minor)?,
            })
        })
        .map(Some)
        .ok_or(RouteError::Target(
            "has a version that is not written like `v1.51`",
        ))
}

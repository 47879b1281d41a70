//! Platforms as text: `os[/architecture[/variant]]`.
//!
//! Turns the text into its parts, in lower case and with the names that the
//! Engine itself uses for the same thing. Promises ASCII and at most three
//! parts. The JSON form that other operations take is an object with fields
//! and none of this module's business.

use super::FormatError;

#[cfg(test)]
mod tests;

/// A platform.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Platform {
    /// The operating system, or `None` for the Engine's own.
    pub os: Option<String>,
    /// The architecture, or `None` for the Engine's own.
    pub architecture: Option<String>,
    /// The variant of the architecture, if one is given.
    pub variant: Option<String>,
}

/// The operating systems that may stand alone. Any other lone word is an
/// architecture.
const SYSTEMS: [&str; 6] = ["linux", "windows", "darwin", "freebsd", "netbsd", "openbsd"];

impl Platform {
    /// Parses a platform.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let valid = |part: &str| !part.is_empty() && part.bytes().all(known);
        if !text.split('/').all(valid) {
            return Err(FormatError::new("is not a platform"));
        }
        let text = text.to_ascii_lowercase();
        let mut parts = text.split('/');
        let first = parts.next().unwrap_or_default();
        let second = parts.next();
        let variant = parts.next().map(str::to_owned);
        if parts.next().is_some() {
            return Err(FormatError::new("is not a platform"));
        }
        let first = if first == "macos" { "darwin" } else { first };
        let (os, architecture) = match second {
            Some(architecture) => (Some(first), Some(architecture)),
            None if SYSTEMS.contains(&first) => (Some(first), None),
            None => (None, Some(first)),
        };
        let (architecture, implied) = match architecture {
            Some(name) => {
                let (name, implied) = usual_architecture(name);
                (Some(name.to_owned()), implied)
            }
            None => (None, None),
        };
        Ok(Self {
            os: os.map(str::to_owned),
            architecture,
            variant: variant.or(implied.map(str::to_owned)),
        })
    }
}

/// The usual name of an architecture, and the variant that the other name means.
fn usual_architecture(name: &str) -> (&str, Option<&'static str>) {
    match name {
        "x86_64" | "x86-64" => ("amd64", None),
        "aarch64" => ("arm64", None),
        "i386" | "i486" | "i586" | "i686" | "x86" => ("386", None),
        "armhf" => ("arm", Some("v7")),
        "armel" => ("arm", Some("v6")),
        _ => (name, None),
    }
}

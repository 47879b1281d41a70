//! Names of kernel settings: `net.ipv4.ip_forward`.
//!
//! Turns the keys of `Sysctls` into one spelling. The runtime accepts slashes
//! as dividers too, and then a dot is part of a component: the first divider
//! decides which form it is. Promises that a key in the slash form without
//! dots is forwarded with dots, and that no component is empty.

use std::borrow::Cow;

use super::FormatError;

#[cfg(test)]
mod tests;

/// The name of a kernel setting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SysctlKey<'a> {
    /// The name in the dotted form, in which a slash stands for a dot inside
    /// a component, as in `net.ipv4.conf.eth0/100.forwarding`.
    pub dotted: Cow<'a, str>,
}

impl<'a> SysctlKey<'a> {
    /// Parses a name in either form.
    pub fn parse(text: &'a str) -> Result<Self, FormatError> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let valid = |part: &str| !part.is_empty() && part.bytes().all(known);
        if !text.contains(['.', '/']) || !text.split(['.', '/']).all(valid) {
            return Err(FormatError::new("is not the name of a kernel setting"));
        }
        let slash_first = text.find(['.', '/']) == text.find('/');
        let dotted = if slash_first {
            let swapped = text.chars().map(|c| match c {
                '.' => '/',
                '/' => '.',
                other => other,
            });
            Cow::Owned(swapped.collect())
        } else {
            Cow::Borrowed(text)
        };
        Ok(Self { dotted })
    }
}

/// The spelling that is forwarded. With both dividers it stays as it is: not
/// every runtime knows the rule of the first one.
pub(super) fn canonical(text: &str) -> Result<Cow<'_, str>, FormatError> {
    let key = SysctlKey::parse(text)?;
    if text.contains('.') {
        Ok(Cow::Borrowed(text))
    } else {
        Ok(key.dotted)
    }
}

/// The dotted form, also of a key with both dividers.
pub(super) fn identity(text: &str) -> Cow<'_, str> {
    SysctlKey::parse(text).map_or(Cow::Borrowed(text), |key| key.dotted)
}

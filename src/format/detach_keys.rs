//! Keys that detach a terminal: `ctrl-p,ctrl-q`.
//!
//! Turns the text into the bytes that the Engine waits for. Promises its own
//! names, in lower case; a key is one of them or a single printable character.

use super::FormatError;

#[cfg(test)]
mod tests;

/// A sequence of keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DetachKeys(pub Vec<u8>);

impl DetachKeys {
    /// Parses a sequence of keys with commas between them.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        text.split(',')
            .map(key)
            .collect::<Option<Vec<u8>>>()
            .map(Self)
            .ok_or(FormatError::new("has an unknown key"))
    }
}

fn key(text: &str) -> Option<u8> {
    if text == "DEL" {
        return Some(0x7f);
    }
    match (text.strip_prefix("ctrl-"), text.as_bytes()) {
        (Some(name), _) => match name.as_bytes() {
            // The control codes are the letters without their upper bits.
            &[letter @ (b'@' | b'a'..=b'z' | b'[' | b'\\' | b']' | b'^' | b'_')] => {
                Some(letter & 0x1f)
            }
            _ => None,
        },
        (None, &[character @ b' '..=b'~']) => Some(character),
        _ => None,
    }
}

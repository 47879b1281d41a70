//! Go's folding of object keys.
//!
//! The Engine's decoder takes a key for a field when both are equal under
//! simple case folding. Field names are ASCII letters, so beside their two
//! ASCII cases only two characters fold onto them: U+017F (long s) and U+212A
//! (Kelvin sign). Everything else outside ASCII makes a key unknown.

/// The longest key that can name a field: each letter as the three bytes of a
/// Kelvin sign.
const LONGEST: usize = 3 * 64;

/// A folded key, on the stack.
#[derive(Debug)]
pub struct Folded {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Folded {
    /// Folds a key, or `None` when no field can have that name.
    pub fn of(key: &str) -> Option<Self> {
        if key.len() > LONGEST {
            return None;
        }
        let mut folded = Self {
            bytes: [0; LONGEST],
            length: 0,
        };
        if key.is_ascii() {
            let place = folded.bytes.get_mut(..key.len())?;
            place.copy_from_slice(key.as_bytes());
            place.make_ascii_lowercase();
            folded.length = key.len();
            return Some(folded);
        }
        for letter in key.chars() {
            let byte = match letter {
                '\u{17f}' => b's',
                '\u{212a}' => b'k',
                letter => u8::try_from(letter)
                    .ok()
                    .filter(u8::is_ascii)?
                    .to_ascii_lowercase(),
            };
            *folded.bytes.get_mut(folded.length)? = byte;
            folded.length = folded.length.saturating_add(1);
        }
        Some(folded)
    }

    /// The folded bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(key: &str) -> Option<Vec<u8>> {
        Folded::of(key).map(|folded| folded.as_bytes().to_vec())
    }

    #[test]
    fn ascii_case_folds() {
        assert_eq!(fold("HostConfig"), Some(b"hostconfig".to_vec()));
    }

    #[test]
    fn the_long_s_and_the_kelvin_sign_fold() {
        assert_eq!(fold("Ho\u{17f}tConfig"), Some(b"hostconfig".to_vec()));
        assert_eq!(
            fold("Networ\u{212a}ingConfig"),
            Some(b"networkingconfig".to_vec())
        );
    }

    #[test]
    fn nothing_else_outside_ascii_names_a_field() {
        assert_eq!(fold("Pr\u{131}vileged"), None);
        assert_eq!(fold("PR\u{130}VILEGED"), None);
        assert_eq!(fold("Ｐrivileged"), None);
    }

    #[test]
    fn a_key_that_is_too_long_names_no_field() {
        assert_eq!(fold(&"a".repeat(LONGEST + 1)), None);
        assert!(fold(&"a".repeat(LONGEST)).is_some());
        assert_eq!(fold(&"\u{212a}".repeat(LONGEST)), None);
    }
}

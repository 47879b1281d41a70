//! Go's folding of object keys.
//!
//! The Engine's decoder takes a key for a field when both are equal under
//! simple case folding. Field names are ASCII letters, so beside their two
//! ASCII cases only two characters fold onto them: U+017F (long s) and U+212A
//! (Kelvin sign). Everything else outside ASCII makes a key unknown.

/// Folds a key that is not ASCII, or `None` when no field can have that name.
pub fn fold(key: &str) -> Option<String> {
    key.chars()
        .map(|letter| match letter {
            '\u{17f}' => Some('s'),
            '\u{212a}' => Some('k'),
            letter if letter.is_ascii() => Some(letter.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_case_folds() {
        assert_eq!(fold("HostConfig"), Some("hostconfig".to_owned()));
    }

    #[test]
    fn the_long_s_and_the_kelvin_sign_fold() {
        assert_eq!(fold("Ho\u{17f}tConfig"), Some("hostconfig".to_owned()));
        assert_eq!(
            fold("Networ\u{212a}ingConfig"),
            Some("networkingconfig".to_owned())
        );
    }

    #[test]
    fn nothing_else_outside_ascii_names_a_field() {
        assert_eq!(fold("Pr\u{131}vileged"), None);
        assert_eq!(fold("PR\u{130}VILEGED"), None);
        assert_eq!(fold("Ｐrivileged"), None);
    }
}

//! Formats that have no parts: checks of characters and length.
//!
//! Each function takes a text that is not empty and says whether it can be what
//! it is called. Promises ASCII without white space, so that nothing here can
//! add a line, a word or an argument to what the Engine makes of it.

use super::FormatError;

#[cfg(test)]
mod tests;

/// Checks the text of a whole number.
pub(super) fn integer(text: &str) -> Result<(), FormatError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    check(valid, "is not a whole number")
}

/// Checks a point in time: seconds since 1970 with or without a fraction, a
/// date with or without a time, or a distance such as `24h`.
pub(super) fn timestamp(text: &str) -> Result<(), FormatError> {
    let known = |byte: u8| {
        byte.is_ascii_digit()
            || matches!(byte, b'.' | b':' | b'+' | b'-' | b'T' | b'Z')
            || matches!(byte, b'h' | b'm' | b's' | b'u' | b'n')
    };
    let valid = text.len() <= 64
        && text.bytes().all(known)
        && text.bytes().any(|byte| byte.is_ascii_digit());
    check(valid, "is not a point in time")
}

/// Checks the name of a log driver, which may be a plugin with a tag.
pub(super) fn log_driver(text: &str) -> Result<(), FormatError> {
    let known = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'/' | b':' | b'@')
    };
    let valid = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(known);
    check(valid, "is not the name of a log driver")
}

/// Checks the name of a runtime. A slash would make it a path.
pub(super) fn runtime(text: &str) -> Result<(), FormatError> {
    check(super::name::is_name(text), "is not the name of a runtime")
}

/// Checks the name of a host, or a template that a service makes one from.
pub(super) fn hostname(text: &str) -> Result<(), FormatError> {
    let template = text.contains("{{");
    let known = |byte: u8| byte.is_ascii_graphic() || (template && byte == b' ');
    check(
        text.len() <= 255 && text.bytes().all(known),
        "is not the name of a host",
    )
}

/// Checks an address to fetch from.
pub(super) fn url(text: &str) -> Result<(), FormatError> {
    check(
        text.bytes().all(|byte| byte.is_ascii_graphic()),
        "is not an address to fetch from",
    )
}

fn check(valid: bool, reason: &'static str) -> Result<(), FormatError> {
    if valid {
        Ok(())
    } else {
        Err(FormatError::new(reason))
    }
}

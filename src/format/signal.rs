//! Signals.
//!
//! Turns `KILL`, `sigkill` or `9` into a number. Promises ASCII spellings and
//! numbers that Linux has; 0 and signs are refused. The spelling that is
//! forwarded is in upper case with the prefix as the client has it, or a
//! number without leading zeros.

use std::borrow::Cow;

use super::{FormatError, respelt};

#[cfg(test)]
mod tests;

/// A signal by its number on Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(u8);

/// Names that stand for one number each. Several may stand for the same one.
const NAMES: [(&str, u8); 36] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("POLL", 29),
    ("PWR", 30),
    ("SYS", 31),
    ("RTMIN", REALTIME_FIRST),
    ("RTMAX", REALTIME_LAST),
];

/// The first signal that programs may give a meaning.
const REALTIME_FIRST: u8 = 34;

/// The last one.
const REALTIME_LAST: u8 = 64;

impl Signal {
    /// Parses a signal by name or number.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return match text.parse() {
                Ok(number @ 1..=REALTIME_LAST) => Ok(Self(number)),
                _ => Err(FormatError::new("is not the number of a signal")),
            };
        }
        let text = text.to_ascii_uppercase();
        let name = text.strip_prefix("SIG").unwrap_or(&text);
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|&(_, number)| number)
            .or_else(|| realtime(name))
            .map(Self)
            .ok_or(FormatError::new("is not a known signal"))
    }

    /// The number on Linux.
    pub fn number(self) -> u8 {
        self.0
    }
}

/// The spelling that is forwarded.
pub(super) fn canonical(text: &str) -> Result<Cow<'_, str>, FormatError> {
    let signal = Signal::parse(text)?;
    let spelling = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        signal.number().to_string()
    } else {
        text.to_ascii_uppercase()
    };
    Ok(respelt(text, spelling))
}

/// Counts up from the first real-time signal, or down from the last one.
fn realtime(name: &str) -> Option<u8> {
    let distance = |text: &str, most: u8| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        text.parse()
            .ok()
            .filter(|distance| plain && (1..=most).contains(distance))
    };
    if let Some(up) = name.strip_prefix("RTMIN+") {
        distance(up, 15).map(|up| REALTIME_FIRST + up)
    } else if let Some(down) = name.strip_prefix("RTMAX-") {
        distance(down, 14).map(|down| REALTIME_LAST - down)
    } else {
        None
    }
}

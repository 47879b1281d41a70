//! Rules of the device control group: `c 1:3 rwm`.
//!
//! Turns an element of `HostConfig.DeviceCgroupRules` into the devices and the
//! access it gives. Promises the Engine's own grammar: one space, lower case,
//! a number or `*` for each half of the device number.

use std::borrow::Cow;

use super::{FormatError, respelt};

#[cfg(test)]
mod tests;

/// Access to devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceRule {
    /// Which devices the numbers are of.
    pub kind: DeviceKind,
    /// The major number, or `None` for every one.
    pub major: Option<u32>,
    /// The minor number, or `None` for every one.
    pub minor: Option<u32>,
    /// Whether they may be read.
    pub read: bool,
    /// Whether they may be written.
    pub write: bool,
    /// Whether nodes for them may be made.
    pub mknod: bool,
}

/// The kind of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// `a`: both.
    All,
    /// `b`: block devices.
    Block,
    /// `c`: character devices.
    Character,
}

impl DeviceRule {
    /// Parses a rule.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let error = FormatError::new("is not a device rule");
        let mut parts = text.split(' ');
        let (Some(kind), Some(device), Some(access), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(error);
        };
        let kind = match kind {
            "a" => DeviceKind::All,
            "b" => DeviceKind::Block,
            "c" => DeviceKind::Character,
            _ => return Err(error),
        };
        let Some((major, minor)) = device.split_once(':') else {
            return Err(error);
        };
        let letters = access.bytes().all(|byte| b"rwm".contains(&byte));
        if !letters || !(1..=3).contains(&access.len()) {
            return Err(error);
        }
        Ok(Self {
            kind,
            major: number(major)?,
            minor: number(minor)?,
            read: access.contains('r'),
            write: access.contains('w'),
            mknod: access.contains('m'),
        })
    }
}

impl DeviceRule {
    /// Whether there is a device that both rules are of. A rule on both kinds is taken
    /// for one on every device.
    pub fn meets(self, other: Self) -> bool {
        let all = |rule: Self| rule.kind == DeviceKind::All;
        let half =
            |own: Option<u32>, other: Option<u32>| own.is_none() || other.is_none() || own == other;
        all(self)
            || all(other)
            || (self.kind == other.kind
                && half(self.major, other.major)
                && half(self.minor, other.minor))
    }
}

/// Half of a device number: the first and the last that it stands for.
pub fn device_numbers(text: &str) -> Result<(u32, u32), FormatError> {
    number(text).map(|number| number.map_or((0, u32::MAX), |number| (number, number)))
}

/// The spelling of half of a device number, in plain decimal.
pub(super) fn canonical_number(text: &str) -> Result<Cow<'_, str>, FormatError> {
    let number = number(text)?;
    Ok(number.map_or(Cow::Borrowed(text), |number| {
        respelt(text, number.to_string())
    }))
}

fn number(text: &str) -> Result<Option<u32>, FormatError> {
    if text == "*" {
        return Ok(None);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(number) = text.parse()
    {
        return Ok(Some(number));
    }
    Err(FormatError::new("has an invalid device number"))
}

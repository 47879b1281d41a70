//! Rules of the device control group: `c 1:3 rwm`.
//!
//! Turns an element of `HostConfig.DeviceCgroupRules` into the devices and the
//! access it gives. Promises the Engine's own grammar: one space, lower case,
//! a number or `*` for each half of the device number.

use super::FormatError;

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

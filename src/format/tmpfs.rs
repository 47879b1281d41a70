//! Mount options of a tmpfs: `rw,noexec,size=64m`.
//!
//! Turns a value of `HostConfig.Tmpfs` into what it asks for. Promises a closed
//! list of options; `bind`, `rbind` and `remount`, which the Engine's own check
//! lets pass, are refused because they do not mount a tmpfs. The Engine mounts
//! with `noexec,nosuid,nodev` unless an option says otherwise, and the last
//! option of a kind counts.

use super::FormatError;

#[cfg(test)]
mod tests;

/// What is asked of a tmpfs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a pair of mount flags, which do not depend on each other"
)]
pub struct TmpfsOptions<'a> {
    /// Whether it is read-only.
    pub read_only: bool,
    /// Whether programs on it may be run.
    pub exec: bool,
    /// Whether set-user-id bits on it have an effect.
    pub suid: bool,
    /// Whether device nodes on it work.
    pub dev: bool,
    /// Whether mounts below it travel to or from elsewhere.
    pub propagates: bool,
    /// The greatest size as it is written: digits and a unit or `%`.
    pub size: Option<&'a str>,
    /// The greatest size in pages, which undoes a size before it.
    pub blocks: Option<&'a str>,
    /// The permissions, in octal.
    pub mode: Option<&'a str>,
}

impl<'a> TmpfsOptions<'a> {
    /// Parses options; the empty text has none.
    pub fn parse(text: &'a str) -> Result<Self, FormatError> {
        let mut options = Self::default();
        if text.is_empty() {
            return Ok(options);
        }
        for option in text.split(',') {
            match option.split_once('=') {
                None => options.flag(option)?,
                Some((name, value)) => options.value(name, value)?,
            }
        }
        Ok(options)
    }

    /// The greatest size in bytes. A share of the memory is none that is known, and
    /// neither is more than there are numbers for, nor a number of pages, whose size
    /// is the machine's.
    pub fn bytes(&self) -> Option<i64> {
        let size = self.size.filter(|_| self.blocks.is_none())?;
        let digits = without_unit(size);
        let number: i64 = digits.parse().ok()?;
        let power = match size.strip_prefix(digits)? {
            "" => 0,
            "k" | "K" => 1,
            "m" | "M" => 2,
            "g" | "G" => 3,
            "t" | "T" => 4,
            "p" | "P" => 5,
            "e" | "E" => 6,
            _ => return None,
        };
        number.checked_mul(1024_i64.checked_pow(power)?)
    }

    fn flag(&mut self, option: &str) -> Result<(), FormatError> {
        match option {
            "ro" => self.read_only = true,
            "rw" => self.read_only = false,
            "exec" => self.exec = true,
            "noexec" => self.exec = false,
            "suid" => self.suid = true,
            "nosuid" => self.suid = false,
            "dev" => self.dev = true,
            "nodev" => self.dev = false,
            "shared" | "rshared" | "slave" | "rslave" => self.propagates = true,
            "private" | "rprivate" | "unbindable" | "runbindable" => self.propagates = false,
            "defaults" | "sync" | "async" | "dirsync" | "mand" | "nomand" | "atime" | "noatime"
            | "diratime" | "nodiratime" | "relatime" | "norelatime" | "strictatime"
            | "nostrictatime" => {}
            _ => return Err(FormatError::new("has an unknown mount option")),
        }
        Ok(())
    }

    fn value(&mut self, name: &str, value: &'a str) -> Result<(), FormatError> {
        let valid = match name {
            "size" => {
                self.size = Some(value);
                digits(value.strip_suffix('%').unwrap_or(without_unit(value)))
            }
            "mode" => {
                self.mode = Some(value);
                !value.is_empty() && value.bytes().all(|byte| matches!(byte, b'0'..=b'7'))
            }
            "uid" | "gid" => digits(value),
            "nr_blocks" => {
                self.blocks = Some(value);
                digits(without_unit(value))
            }
            "nr_inodes" => digits(without_unit(value)),
            "mpol" => {
                let known = |byte: u8| {
                    byte.is_ascii_lowercase()
                        || byte.is_ascii_digit()
                        || matches!(byte, b':' | b'-' | b'=')
                };
                !value.is_empty() && value.bytes().all(known)
            }
            _ => return Err(FormatError::new("has an unknown mount option")),
        };
        if valid {
            Ok(())
        } else {
            Err(FormatError::new("has an invalid value of a mount option"))
        }
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `text` without one letter for a power of 1024.
fn without_unit(text: &str) -> &str {
    text.strip_suffix(['k', 'K', 'm', 'M', 'g', 'G', 't', 'T', 'p', 'P', 'e', 'E'])
        .unwrap_or(text)
}

//! Names of users and groups, by the files that this machine keeps them in.
//!
//! Reads `/etc/passwd` and `/etc/group` and nothing else: the released program is
//! linked statically and asks no directory service. Who is known only to one is
//! written by number.

use std::fs::File;
use std::io::{self, Read};

/// The largest file that is read.
const FILE_LIMIT: u64 = 4 << 20;

/// The number of the user of this name.
pub fn user(name: &str) -> io::Result<Option<u32>> {
    Ok(number(&read("/etc/passwd")?, name))
}

/// The number of the group of this name.
pub fn group(name: &str) -> io::Result<Option<u32>> {
    Ok(number(&read("/etc/group")?, name))
}

fn read(path: &str) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut file = File::open(path)?.take(FILE_LIMIT.saturating_add(1));
    file.read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_LIMIT {
        let message = format!("`{path}` is larger than {FILE_LIMIT} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    // What people are called besides need not be UTF-8.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The third field of the first line that begins with the name. A line that is not
/// as it should be is nobody's.
fn number(text: &str, name: &str) -> Option<u32> {
    // Lines that begin so are no entries but directions for directory services.
    if name.is_empty() || name.starts_with(['+', '-']) {
        return None;
    }
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (found, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        // The last number means nobody to the kernel.
        let number = number.parse().ok().filter(|number| *number != u32::MAX)?;
        (found == name && digits).then_some(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_number_of_its_line() {
        let text = "root:x:0:0:root:/root:/bin/sh\n\
                    # comment\n\
                    +nis::::::\n\
                    broken:x\n\
                    odd:x:+5:1::/:\n\
                    large:x:99999999999:1::/:\n\
                    nobody:x:4294967295:1::/:\n\
                    ci:x:1001:1001:CI, the builder:/home/ci:/bin/sh\n\
                    ci:x:1002:1002::/:\n";
        for (name, expected) in [
            ("root", Some(0)),
            ("ci", Some(1001)),
            ("Ci", None),
            ("c", None),
            ("broken", None),
            ("odd", None),
            ("large", None),
            ("nobody", None),
            ("+nis", None),
            ("", None),
            ("ci:x", None),
        ] {
            assert_eq!(number(text, name), expected, "{name}");
        }
    }

    #[test]
    fn root_is_known_here() {
        assert_eq!(user("root").unwrap(), Some(0));
        assert_eq!(group("root").unwrap(), Some(0));
        assert_eq!(user("no such user").unwrap(), None);
    }
}

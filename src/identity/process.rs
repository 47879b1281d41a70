//! The process at the other end of a unix socket, held so that no other can take its
//! place while it is looked at.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::sys::socket::{getsockopt, sockopt};

use super::cgroup::{Membership, Unclear};

/// More than the kernel says of a process.
const TEXT_LIMIT: u64 = 64 << 10;

/// The pid namespace of the system itself has always this number.
const FIRST_NAMESPACE: &str = "pid:[4026531836]";

/// A process that connected. While this is kept, its number is not given to another.
#[derive(Debug)]
pub struct Process(OwnedFd);

impl Process {
    /// The process that connected to a socket.
    pub(crate) fn behind(socket: &impl AsFd) -> io::Result<Self> {
        Ok(Self(getsockopt(socket, sockopt::PeerPidfd)?))
    }

    /// Its number, as it is seen here; nothing once it is gone.
    fn number(&self) -> Result<u32, Unclear> {
        let path = format!("/proc/self/fdinfo/{}", self.0.as_raw_fd());
        let text = read(&path).map_err(|_| Unclear)?;
        let number = text.lines().find_map(|line| line.strip_prefix("Pid:"));
        // -1 for one that is gone, 0 for one that cannot be seen from here.
        let number = number.and_then(|number| number.trim().parse().ok());
        number.filter(|number| *number > 0).ok_or(Unclear)
    }

    /// The container that it is in.
    pub(crate) fn membership(&self) -> Result<Option<Membership>, Unclear> {
        let number = self.number()?;
        let found = membership_of(number)?;
        // What was read is its own if it is still there.
        if self.number()? == number {
            Ok(found)
        } else {
            Err(Unclear)
        }
    }
}

/// The container that the process of this number is in.
pub(crate) fn membership_of(number: u32) -> Result<Option<Membership>, Unclear> {
    let text = read(&format!("/proc/{number}/cgroup")).map_err(|_| Unclear)?;
    let stat = read(&format!("/proc/{number}/stat")).map_err(|_| Unclear)?;
    // One that exits is shown at the root of some hierarchies, in no container. Once
    // it is exiting it is so for good: it was not when its groups were read.
    if is_exiting(&stat) != Some(false) {
        return Err(Unclear);
    }
    Membership::read(&text)
}

/// Whether a process has begun to end, by its `/proc/PID/stat`.
fn is_exiting(stat: &str) -> Option<bool> {
    const EXITING: u32 = 0x4;
    // The name before the last bracket is the process's own to choose.
    let (_, rest) = stat.rsplit_once(')')?;
    // State, parent, group, session, terminal, its group, flags.
    let flags: u32 = rest.split_whitespace().nth(6)?.parse().ok()?;
    Some(flags & EXITING != 0)
}

fn read(path: &str) -> io::Result<String> {
    let mut text = String::new();
    let mut file = File::open(path)?.take(TEXT_LIMIT.saturating_add(1));
    file.read_to_string(&mut text)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > TEXT_LIMIT {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

/// Whether processes can be told here, and why not.
pub fn available() -> Result<(), String> {
    let needs = "clients by `container` on unix sockets";
    let pair = UnixStream::pair().map_err(|error| error.to_string())?;
    let process = Process::behind(&pair.0).map_err(|_| {
        format!("{needs} need Linux 6.5 or newer, whose kernel says which process calls")
    })?;
    let namespace = fs::read_link("/proc/self/ns/pid").map_err(|error| error.to_string())?;
    if namespace.as_os_str() != FIRST_NAMESPACE {
        return Err(format!(
            "{needs} need the pid namespace of the host: start the gate's own container with `pid: host`, or let it have none"
        ));
    }
    match process.membership() {
        Ok(_) => Ok(()),
        Err(Unclear) => Err(format!(
            "{needs} need `/proc`, which cannot be read: a gate that was confined without them has to be started anew"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_found_behind_any_name() {
        let stat = |name: &str, flags: u32| {
            format!("7 ({name}) S 1 7 7 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 1 0 1 1 1\n")
        };
        for name in ["a", ") S 1 7 7 0 -1 0 (", "a b", ""] {
            assert_eq!(is_exiting(&stat(name, 0x0040_0140)), Some(false), "{name}");
            assert_eq!(is_exiting(&stat(name, 0x0040_014c)), Some(true), "{name}");
        }
        for odd in ["", "7 (a", "7 (a) S 1 7 7 0 -1", "7 (a) S 1 7 7 0 -1 x 0"] {
            assert_eq!(is_exiting(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_process_that_has_ended_is_in_no_place() {
        assert!(membership_of(std::process::id()).is_ok());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let stat = format!("/proc/{}/stat", child.id());
        // Nobody has waited for it yet: it keeps its number, and is shown.
        while !fs::read_to_string(&stat).unwrap().contains(") Z ") {
            std::thread::yield_now();
        }
        assert_eq!(membership_of(child.id()), Err(Unclear));
        child.wait().unwrap();
        assert_eq!(membership_of(child.id()), Err(Unclear));
    }

    #[test]
    fn the_process_behind_a_socket_is_held() {
        let (one, other) = UnixStream::pair().unwrap();
        let Ok(process) = Process::behind(&one) else {
            return;
        };
        assert_eq!(process.number(), Ok(std::process::id()));
        drop((one, other));
        assert_eq!(process.number(), Ok(std::process::id()));
    }
}

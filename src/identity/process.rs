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
    Membership::read(&text)
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

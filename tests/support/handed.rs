//! Sockets handed over to a gate as systemd does it.

use std::fmt::Write as _;
use std::os::fd::{AsRawFd as _, OwnedFd};

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};

/// What a shell says before the gate, so that it gets these sockets by these names; and
/// what has to be kept until it has started.
pub(crate) fn hand_over(sockets: &[(&str, OwnedFd)]) -> (String, Vec<OwnedFd>) {
    // Other shells know descriptors of one digit only.
    let mut before = "exec bash -c '".to_owned();
    let mut copies = Vec::new();
    for (at, (_, socket)) in sockets.iter().enumerate() {
        // Above those that they get.
        let copy = fcntl_dupfd_cloexec(socket, 40).unwrap();
        fcntl_setfd(&copy, FdFlags::empty()).unwrap();
        let (to, from) = (at + 3, copy.as_raw_fd());
        copies.push(copy);
        write!(before, "exec {to}<&{from}; ").unwrap();
    }
    let names: Vec<&str> = sockets.iter().map(|(name, _)| *name).collect();
    let (count, names) = (names.len(), names.join(":"));
    let variables = "export LISTEN_PID=$$ LISTEN_FDS";
    let run = r#"exec "$@"' bash "$@"; "#;
    write!(before, "{variables}={count} LISTEN_FDNAMES={names}; {run}").unwrap();
    (before, copies)
}

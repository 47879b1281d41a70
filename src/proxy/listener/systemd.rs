//! Sockets that are handed over at the start, as systemd does it: by `LISTEN_FDS`,
//! `LISTEN_PID` and `LISTEN_FDNAMES`.
//!
//! They are kept for as long as the process lives: a listener serves a copy, so that
//! a reload can close it, and another can have it again. Their files are not the
//! gate's to make or to remove.

use std::env;
use std::io;
use std::net::TcpListener as StdTcpListener;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::sync::OnceLock;

use listenfd::ListenFd;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::sockopt::socket_acceptconn;
use tokio::net::{TcpListener, UnixListener};

use super::{ListenError, tcp};

/// What was handed over, with the names that it has there.
static HANDED_OVER: OnceLock<Vec<(String, Handed)>> = OnceLock::new();

#[derive(Debug)]
enum Handed {
    Unix(StdUnixListener),
    Tcp(StdTcpListener),
}

/// A copy, to be served.
pub(super) enum Copy {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// Takes over what the environment says, once, while the process has one thread; gives
/// the names.
pub fn take_over() -> io::Result<Vec<String>> {
    // Without it, they are what a parent was handed over, and are closed or others by now.
    let process = env::var("LISTEN_PID").ok().and_then(|pid| pid.parse().ok());
    if process != Some(std::process::id()) {
        return Ok(Vec::new());
    }
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut sockets = ListenFd::from_env();
    let mut taken = Vec::with_capacity(sockets.len());
    for index in 0..sockets.len() {
        // What systemd calls one without a name.
        let name = names.next().filter(|name| !name.is_empty());
        let name = name.unwrap_or("unknown").to_owned();
        let handed = match sockets.take_tcp_listener(index) {
            Ok(socket) => socket.map(Handed::Tcp),
            Err(_) => sockets.take_unix_listener(index)?.map(Handed::Unix),
        };
        let Some(handed) = handed else { continue };
        let listens = match &handed {
            Handed::Unix(socket) => ready(socket)?,
            Handed::Tcp(socket) => ready(socket)?,
        };
        if !listens {
            let message = format!("the socket `{name}` that was handed over does not listen");
            return Err(io::Error::other(message));
        }
        taken.push((name, handed));
    }
    let names = taken.iter().map(|(name, _)| name.clone()).collect();
    // A second time there is nothing in the environment.
    let _ = HANDED_OVER.set(taken);
    Ok(names)
}

/// Whether it listens; it is no other program's from now on.
fn ready(socket: impl AsFd) -> io::Result<bool> {
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    Ok(socket_acceptconn(&socket)?)
}

/// A copy of the socket of this name. Without `open` one that other machines can reach
/// is refused.
pub(super) fn open(name: &str, open: bool) -> Result<Copy, ListenError> {
    let sockets = HANDED_OVER.get().map_or(&[][..], Vec::as_slice);
    let mut found = sockets.iter().filter(|(known, _)| known == name);
    let handed = match (found.next(), found.next()) {
        (Some((_, handed)), None) => handed,
        (None, _) => return Err(ListenError::NotHandedOver(name.to_owned())),
        (Some(_), Some(_)) => return Err(ListenError::SameName(name.to_owned())),
    };
    copy(handed, name, open).map_err(|source| ListenError::System {
        address: format!("systemd:{name}"),
        source,
    })
}

fn copy(handed: &Handed, name: &str, open: bool) -> io::Result<Copy> {
    match handed {
        Handed::Unix(socket) => {
            let socket = socket.try_clone()?;
            socket.set_nonblocking(true)?;
            Ok(Copy::Unix(UnixListener::from_std(socket)?))
        }
        Handed::Tcp(socket) => {
            let address = socket.local_addr()?;
            if !open && !address.ip().to_canonical().is_loopback() {
                let message = format!(
                    "`{name}` is {address}, which other machines can reach: give the listener `tls`, or write `insecure: true`"
                );
                return Err(io::Error::other(message));
            }
            let socket = socket.try_clone()?;
            socket.set_nonblocking(true)?;
            tcp::set_options(&socket)?;
            Ok(Copy::Tcp(TcpListener::from_std(socket)?))
        }
    }
}

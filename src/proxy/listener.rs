//! A unix socket → connections, each served by a task of its own.
//!
//! The socket gets its mode before anybody can connect, replaces only a socket
//! that nobody serves any more, and is removed at the end if it is still the same
//! one. So many connections are served at a time; more wait in the kernel.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connection::Connection;
use super::limits::{ACCEPT_PAUSE, BACKLOG, STALE_PROBE};
use super::{Proxy, stopped};
use crate::gate::ListenerId;

/// Why a listener cannot be opened.
#[derive(Debug, Error)]
pub enum ListenError {
    /// The path holds something that opgate did not put there.
    #[error("`{0}` exists and is not a socket")]
    NotASocket(PathBuf),
    /// Another process accepts connections there.
    #[error("`{0}` is served by another process")]
    Served(PathBuf),
    /// The system does not allow it.
    #[error("cannot listen at `{path}`: {source}")]
    System {
        /// Where.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// The mode of a socket: who may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketMode(u32);

/// A text that is no mode.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not an octal mode such as `0660`")]
pub struct ModeError(String);

impl SocketMode {
    /// Owner and group.
    pub const DEFAULT: Self = Self(0o660);

    /// The mode with these bits, if they are no more than permissions.
    pub fn new(bits: u32) -> Option<Self> {
        (bits <= 0o777).then_some(Self(bits))
    }
}

impl FromStr for SocketMode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, ModeError> {
        let digits = matches!(text.len(), 3 | 4) && text.bytes().all(|byte| byte.is_ascii_digit());
        let mode = match u32::from_str_radix(text, 8) {
            Ok(bits) if digits => Self::new(bits),
            _ => None,
        };
        mode.ok_or_else(|| ModeError(text.to_owned()))
    }
}

/// Where to listen.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// What the gate calls this listener.
    pub id: ListenerId,
    /// The socket's path.
    pub path: PathBuf,
    /// Who may connect.
    pub mode: SocketMode,
}

/// An open listener. Clients can connect and wait; nobody is served before
/// [`serve`](super::serve).
#[derive(Debug)]
pub struct Listener {
    id: ListenerId,
    path: PathBuf,
    /// The socket's device and inode, to know it again.
    identity: Option<(u64, u64)>,
    socket: UnixListener,
}

impl Listener {
    /// Opens the socket.
    pub async fn bind(config: ListenerConfig) -> Result<Self, ListenError> {
        let ListenerConfig { id, path, mode } = config;
        make_way(&path).await?;
        let socket = open(&path, mode).map_err(|source| ListenError::System {
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            id,
            identity: identity(&path),
            path,
            socket,
        })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Accepts and serves until `stopping` says so; then removes the socket and
    /// gives the running connections their grace.
    pub(crate) async fn run(self, proxy: Arc<Proxy>, mut stopping: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(proxy.limits.connections));
        let mut connections = JoinSet::new();
        let stop = stopping.clone();
        loop {
            let accept = async {
                // Never closed, so this fails never; without a slot nobody is served.
                let slot = Arc::clone(&slots).acquire_owned().await.ok()?;
                Some(self.socket.accept().await.map(|(stream, _)| (stream, slot)))
            };
            tokio::select! {
                biased;
                () = stopped(&mut stopping) => break,
                Some(_) = connections.join_next() => {}
                accepted = accept => match accepted {
                    None => break,
                    Some(Ok((stream, slot))) => {
                        let (reader, writer) = stream.into_split();
                        let (proxy, id, stop) = (Arc::clone(&proxy), self.id, stop.clone());
                        let connection = Connection::new(reader, writer, proxy, id, stop);
                        connections.spawn(async move {
                            connection.run().await;
                            drop(slot);
                        });
                    }
                    Some(Err(error)) => self.accept_failed(&proxy, &error).await,
                },
            }
        }
        self.close();
        let all = async { while connections.join_next().await.is_some() {} };
        if timeout(proxy.limits.shutdown_grace, all).await.is_err() {
            connections.shutdown().await;
        }
    }

    /// A client that left before it was accepted is no trouble. For everything
    /// else (no descriptors, no memory) there is a pause, as trying again at once
    /// would fail at once, and kept connections make room.
    async fn accept_failed(&self, proxy: &Proxy, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        if matches!(
            error.kind(),
            ConnectionAborted | ConnectionReset | Interrupted
        ) {
            return;
        }
        proxy.journal.accept_failed(self.id, error);
        proxy.upstream.clear();
        sleep(ACCEPT_PAUSE).await;
    }

    /// Removes the socket, if it is still ours, and stops listening.
    fn close(self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            // Gone already is as good; anything else leaves a stale socket,
            // which the next start removes.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Binds, sets the mode, and only then listens: until then nobody can connect.
fn open(path: &Path, mode: SocketMode) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode.0))
        .and_then(|()| socket.listen(BACKLOG))
        .inspect_err(|_| drop(fs::remove_file(path)))
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Removes a socket that nobody serves. Anything else at the path stays.
async fn make_way(path: &Path) -> Result<(), ListenError> {
    let system = |source| ListenError::System {
        path: path.to_owned(),
        source,
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(system(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ListenError::NotASocket(path.to_owned()));
        }
        Ok(_) => {}
    }
    match timeout(STALE_PROBE, UnixStream::connect(path)).await {
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(system)
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Connected, or too busy to say: somebody is there.
        Ok(Ok(_)) | Err(_) => Err(ListenError::Served(path.to_owned())),
        Ok(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(ListenError::Served(path.to_owned()))
        }
        Ok(Err(error)) => Err(system(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal() {
        assert_eq!("0660".parse(), Ok(SocketMode(0o660)));
        assert_eq!("600".parse(), Ok(SocketMode(0o600)));
        for text in ["", "66", "0888", "+660", "01777", "rw-", "00660", "-660"] {
            assert!(text.parse::<SocketMode>().is_err(), "{text}");
        }
    }
}

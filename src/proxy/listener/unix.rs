//! A path and a mode → a listening unix socket.
//!
//! The socket gets its mode before anybody can connect, replaces only a socket
//! that nobody serves any more, and is removed at the end if it is still the same
//! one.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::time::timeout;

use super::ListenError;
use crate::identity::process::Process;
use crate::identity::{Credentials, Origin};
use crate::proxy::limits::{BACKLOG, STALE_PROBE};

/// A socket's device and inode, to know it again.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Identity(Option<(u64, u64)>);

impl Identity {
    fn of(path: &Path) -> Self {
        let found = fs::symlink_metadata(path).ok();
        Self(found.map(|found| (found.dev(), found.ino())))
    }

    /// Whether the socket at `path` is this one.
    pub(in crate::proxy) fn is_at(self, path: &Path) -> bool {
        self.0.is_some() && Self::of(path).0 == self.0
    }

    /// Removes the socket at `path` if it is this one.
    pub(in crate::proxy) fn remove(self, path: &Path) {
        if self.is_at(path) {
            // Gone already is as good; anything else leaves a stale socket,
            // which the next start removes.
            drop(fs::remove_file(path));
        }
    }
}

/// Opens the socket, in place of one that nobody serves.
pub(in crate::proxy) async fn open(
    path: &Path,
    mode: u32,
) -> Result<(UnixListener, Identity), ListenError> {
    make_way(path).await?;
    let socket = listen(path, mode).map_err(|source| system(path, source))?;
    Ok((socket, Identity::of(path)))
}

/// Who connected, as the kernel says.
pub(super) fn origin(stream: &UnixStream) -> Origin {
    match stream.peer_cred() {
        Ok(credentials) => Origin::Unix(Credentials {
            uid: credentials.uid(),
            gid: credentials.gid(),
            // One that cannot be seen from here is 0.
            pid: credentials.pid().filter(|pid| *pid > 0),
        }),
        Err(_) => Origin::Unknown,
    }
}

/// The process that connected, if it is still there.
pub(super) fn process(stream: &UnixStream) -> Option<Arc<Process>> {
    Process::behind(stream).ok().map(Arc::new)
}

/// Binds, sets the mode, and only then listens: until then nobody can connect.
fn listen(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    change_mode(path, mode)
        .and_then(|()| socket.listen(BACKLOG))
        .inspect_err(|_| drop(fs::remove_file(path)))
}

/// Gives a socket that is open another mode.
pub(super) fn set_mode(path: &Path, mode: u32) -> Result<(), ListenError> {
    change_mode(path, mode).map_err(|source| system(path, source))
}

fn change_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Removes a socket that nobody serves. Anything else at the path stays.
async fn make_way(path: &Path) -> Result<(), ListenError> {
    let served = || ListenError::Served(path.display().to_string());
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(system(path, error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ListenError::NotASocket(path.to_owned()));
        }
        Ok(_) => {}
    }
    match timeout(STALE_PROBE, UnixStream::connect(path)).await {
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| system(path, error))
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Connected, or too busy to say: somebody is there.
        Ok(Ok(_)) | Err(_) => Err(served()),
        Ok(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => Err(served()),
        Ok(Err(error)) => Err(system(path, error)),
    }
}

fn system(path: &Path, source: io::Error) -> ListenError {
    ListenError::System {
        address: path.display().to_string(),
        source,
    }
}

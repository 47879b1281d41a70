//! A path and a mode → a listening unix socket.
//!
//! The socket gets its mode before anybody can connect, replaces only a socket
//! that nobody serves any more, and is removed at the end if it is still the same
//! one.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::time::timeout;

use super::ListenError;
use crate::identity::process::Process;
use crate::identity::{Credentials, Origin};
use crate::policy::Owner;
use crate::proxy::limits::{BACKLOG, STALE_PROBE};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, chownat, fstat};
use rustix::process::{Gid, Uid, getegid, geteuid};

/// A socket's device and inode, to know it again.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Identity(Option<(u64, u64)>);

impl Identity {
    fn of(path: &Path) -> Self {
        let found = fs::symlink_metadata(path).ok();
        Self(found.map(|found| (found.dev(), found.ino())))
    }

    /// One that is at no path of ours.
    pub(super) fn of_nobody() -> Self {
        Self(None)
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
    owner: Owner,
) -> Result<(UnixListener, Identity), ListenError> {
    check_folder(path)?;
    make_way(path).await?;
    let socket = listen(path, mode, owner).map_err(|source| system(path, source))?;
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

/// Binds, sets owner and mode, and only then listens: until then nobody can connect.
fn listen(path: &Path, mode: u32, owner: Owner) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    change_access(path, mode, owner)
        .and_then(|()| socket.listen(BACKLOG))
        .inspect_err(|_| drop(fs::remove_file(path)))
}

/// Gives a socket that is open another owner and mode.
pub(super) fn set_access(path: &Path, mode: u32, owner: Owner) -> Result<(), ListenError> {
    change_access(path, mode, owner).map_err(|source| system(path, source))
}

/// Through a descriptor of the socket itself: whoever could put a link in its place
/// would otherwise choose what is changed.
fn change_access(path: &Path, mode: u32, owner: Owner) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let socket = rustix::fs::open(path, flags, Mode::empty())?;
    let found = fstat(&socket)?;
    if FileType::from_raw_mode(found.st_mode) != FileType::Socket {
        return Err(io::Error::other("it is no socket any more"));
    }
    let user = owner.user.filter(|user| *user != found.st_uid);
    let group = owner.group.filter(|group| *group != found.st_gid);
    if user.is_some() || group.is_some() {
        // Nobody gets in while it is another's with the mode of before.
        change_mode(&socket, 0)?;
        let (user, group) = (user.map(Uid::from_raw), group.map(Gid::from_raw));
        chownat(&socket, "", user, group, AtFlags::EMPTY_PATH)?;
    }
    change_mode(&socket, mode)
}

/// There is a call for descriptors like this from Linux 6.6 on; this way is older.
fn change_mode(socket: &OwnedFd, mode: u32) -> io::Result<()> {
    let permissions = fs::Permissions::from_mode(mode);
    let itself = format!("/proc/self/fd/{}", socket.as_raw_fd());
    fs::set_permissions(itself, permissions)
}

/// Others must not be able to take the place of the gate's socket: its clients would
/// be theirs.
fn check_folder(path: &Path) -> Result<(), ListenError> {
    let folder = path.parent().unwrap_or(path);
    let refused = |reason| {
        let folder = folder.to_owned();
        Err(ListenError::Folder { folder, reason })
    };
    let found = match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return refused("it is not there");
        }
        Err(error) => return Err(system(path, error)),
        Ok(found) => found,
    };
    if ![0, geteuid().as_raw()].contains(&found.uid()) {
        return refused("another user owns it: only root or the gate's own user may");
    }
    let mode = found.mode();
    if mode & 0o1000 != 0 {
        // Everybody can make files here, and nobody can replace others'.
        return Ok(());
    }
    if mode & 0o002 != 0 {
        return refused("everybody can write to it: take that away (`chmod o-w`)");
    }
    let known = [0, getegid().as_raw()].contains(&found.gid());
    if mode & 0o020 != 0 && !known {
        return refused("another group can write to it: take that away (`chmod g-w`)");
    }
    Ok(())
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

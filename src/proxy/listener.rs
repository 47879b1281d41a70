//! Addresses → listening sockets → connections, each served by a task of its own.
//!
//! How a unix socket is opened and removed is in `unix`, what is set on a TCP
//! socket in `tcp`; from the accepted connection on they are served alike. So
//! many connections are served at a time; more wait in the kernel.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::process::{getegid, geteuid};
use thiserror::Error;
use tokio::io::AsyncWrite;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::client::PeerRead;
use super::connection::Connection;
use super::limits::ACCEPT_PAUSE;
use super::{Proxy, stopped};
use crate::gate::ListenerId;
use crate::identity::{Caller, Origin};
use crate::policy::{Address, Owner};
use crate::shortage::is_shortage;
use crate::tls::ServerTls;

mod systemd;
pub(super) mod tcp;
mod tls;

pub use systemd::take_over;
pub(super) mod unix;

/// Why a listener cannot be opened.
#[derive(Debug, Error)]
pub enum ListenError {
    /// The path holds something that opgate did not put there.
    #[error("`{0}` exists and is not a socket")]
    NotASocket(PathBuf),
    /// Others could put a socket of their own in place of the gate's.
    #[error("`{folder}` is no place for a socket: {reason}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// systemd, or whoever started the gate, has handed over no such socket.
    #[error(
        "no socket `{0}` was handed over: systemd calls it so by `FileDescriptorName` in the socket's unit"
    )]
    NotHandedOver(String),
    /// It has handed over several of this name.
    #[error("several sockets `{0}` were handed over: give each a `FileDescriptorName` of its own")]
    SameName(String),
    /// Another process accepts connections there.
    #[error("`{0}` is served by another process")]
    Served(String),
    /// The system does not allow it.
    #[error("cannot listen at `{address}`: {source}")]
    System {
        /// Where.
        address: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl ListenError {
    /// Whether it may work in a moment.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::System { source, .. } if is_shortage(source))
    }

    /// Whether the system denies it.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::System { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }
}

/// Where to listen.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// What the gate calls this listener.
    pub id: ListenerId,
    /// The address. A TCP port of 0 is any that is free.
    pub address: Address,
}

/// An open listener. Clients can connect and wait; nobody is served before
/// [`serve`](super::serve).
#[derive(Debug)]
pub struct Listener {
    id: ListenerId,
    /// What was asked for: the port may be any.
    asked: Address,
    address: Address,
    socket: Socket,
}

/// What is known of a listener beside the task that serves it.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) id: ListenerId,
    /// The address that was asked for.
    pub(crate) asked: Address,
    /// The file of a unix socket.
    identity: Option<unix::Identity>,
}

impl Standing {
    /// Whether this is the place of an address.
    pub(crate) fn stands_at(&self, address: &Address) -> bool {
        match (&self.asked, address) {
            (Address::Unix { path: a, .. }, Address::Unix { path: b, .. }) => a == b,
            (Address::Tcp(a), Address::Tcp(b)) => a == b,
            // Whether it may be reached from elsewhere is looked at anew.
            (Address::Systemd { .. }, Address::Systemd { .. }) => self.asked == *address,
            _ => false,
        }
    }

    /// Whether who connects to the address still comes to this listener.
    pub(crate) fn is_there(&self) -> bool {
        match (&self.asked, &self.identity) {
            (Address::Unix { path, .. }, Some(identity)) => identity.is_at(path),
            _ => true,
        }
    }

    /// Makes it what the address at the same place asks for, but shuts out whoever
    /// that lets in newly: [`open`](Self::open) is for when other policies are in force.
    pub(crate) fn adjust(&self, address: &Address) -> Result<(), ListenError> {
        match (&self.asked, address) {
            (
                Address::Unix { path, mode, owner },
                Address::Unix {
                    mode: next,
                    owner: next_owner,
                    ..
                },
            ) if self.asked != *address => {
                let mut both = mode & next;
                if owner.user != next_owner.user {
                    both &= !0o700;
                }
                if owner.group != next_owner.group {
                    both &= !0o070;
                }
                unix::set_access(path, both, given(*owner, *next_owner))
            }
            _ => Ok(()),
        }
    }

    /// Lets in whom the address at the same place asks for.
    pub(crate) fn open(&self, address: &Address) -> Result<(), ListenError> {
        match (&self.asked, address) {
            (Address::Unix { owner: had, .. }, Address::Unix { path, mode, owner })
                if self.asked != *address =>
            {
                unix::set_access(path, *mode, given(*had, *owner))
            }
            _ => Ok(()),
        }
    }

    /// Makes it again what its own address asks for.
    pub(crate) fn restore(&self) -> Result<(), ListenError> {
        match &self.asked {
            Address::Unix { path, mode, owner } => {
                // The gate's own before, if nothing was said.
                let gates = Owner {
                    user: Some(geteuid().as_raw()),
                    group: Some(getegid().as_raw()),
                };
                unix::set_access(path, *mode, given(gates, *owner))
            }
            Address::Tcp(_) | Address::Systemd { .. } => Ok(()),
        }
    }
}

/// What a socket is given that had an owner; nothing said is the gate itself.
fn given(had: Owner, owner: Owner) -> Owner {
    Owner {
        user: (owner.user).or(had.user.map(|_| geteuid().as_raw())),
        group: (owner.group).or(had.group.map(|_| getegid().as_raw())),
    }
}

#[derive(Debug)]
enum Socket {
    Unix(UnixListener, unix::Identity),
    Tcp(TcpListener),
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream, SocketAddr),
}

impl Listener {
    /// Opens the socket.
    pub async fn bind(config: ListenerConfig) -> Result<Self, ListenError> {
        let ListenerConfig { id, address } = config;
        let asked = address.clone();
        let (address, socket) = match address {
            Address::Unix { path, mode, owner } => {
                let (socket, identity) = unix::open(&path, mode, owner).await?;
                let socket = Socket::Unix(socket, identity);
                (Address::Unix { path, mode, owner }, socket)
            }
            Address::Tcp(address) => {
                let (address, socket) = tcp::open(address)?;
                (Address::Tcp(address), Socket::Tcp(socket))
            }
            Address::Systemd { name, open } => {
                let socket = match systemd::open(&name, open)? {
                    systemd::Copy::Unix(socket) => {
                        Socket::Unix(socket, unix::Identity::of_nobody())
                    }
                    systemd::Copy::Tcp(socket) => Socket::Tcp(socket),
                };
                (Address::Systemd { name, open }, socket)
            }
        };
        Ok(Self {
            id,
            asked,
            address,
            socket,
        })
    }

    /// What a server must know of it.
    pub(crate) fn standing(&self) -> Standing {
        Standing {
            id: self.id,
            asked: self.asked.clone(),
            identity: match &self.socket {
                Socket::Unix(_, identity) => Some(*identity),
                Socket::Tcp(_) => None,
            },
        }
    }

    /// Where it listens: with the port that it got, where any was asked for.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Accepts and serves until `stopping` or `removed` says so; then closes the
    /// socket and its idle connections. Requests under way end by themselves, or
    /// within their grace from when `stopping` says so.
    pub(crate) async fn run(
        self,
        proxy: Arc<Proxy>,
        mut removed: watch::Receiver<bool>,
        mut stopping: watch::Receiver<bool>,
    ) {
        let (close, closing) = watch::channel(false);
        let mut in_force = proxy.in_force.clone();
        let mut connections = JoinSet::new();
        loop {
            let most = in_force.borrow_and_update().limits.of(self.id).connections;
            tokio::select! {
                biased;
                () = stopped(&mut stopping) => break,
                () = stopped(&mut removed) => break,
                Some(_) = connections.join_next() => {}
                Ok(()) = in_force.changed() => {}
                accepted = self.accept(), if connections.len() < most => match accepted {
                    Ok(stream) => {
                        let (proxy, closing) = (Arc::clone(&proxy), closing.clone());
                        match stream {
                            Stream::Unix(stream) => {
                                let mut caller = self.caller(unix::origin(&stream));
                                if in_force.borrow().gate.policies().ask_for_processes() {
                                    caller.process = unix::process(&stream);
                                }
                                let halves = stream.into_split();
                                connections.spawn(serve(halves, proxy, caller, closing));
                            }
                            Stream::Tcp(stream, source) => {
                                let caller = self.caller(Origin::Tcp(source));
                                let tls = in_force.borrow().tls.of(self.id).cloned();
                                if let Some(tls) = tls {
                                    let greeted = serve_tls(stream, source, tls, proxy, caller, closing);
                                    connections.spawn(greeted);
                                } else {
                                    let halves = stream.into_split();
                                    connections.spawn(serve(halves, proxy, caller, closing));
                                }
                            }
                        }
                    }
                    Err(error) => self.accept_failed(&proxy, &error).await,
                },
            }
        }
        close.send_replace(true);
        let is_ours = !*removed.borrow();
        self.close(is_ours);
        let grace = async {
            stopped(&mut stopping).await;
            let grace = in_force.borrow().limits.usual().shutdown_grace;
            sleep(grace).await;
        };
        let all = async { while connections.join_next().await.is_some() {} };
        let ended = tokio::select! {
            biased;
            () = all => true,
            () = grace => false,
        };
        if !ended {
            connections.shutdown().await;
        }
    }

    /// Whoever connected here.
    fn caller(&self, origin: Origin) -> Caller {
        Caller {
            origin,
            ..Caller::at(self.id)
        }
    }

    async fn accept(&self) -> io::Result<Stream> {
        Ok(match &self.socket {
            Socket::Unix(socket, _) => Stream::Unix(socket.accept().await?.0),
            Socket::Tcp(socket) => {
                let (stream, source) = socket.accept().await?;
                Stream::Tcp(stream, source)
            }
        })
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
        let in_force = proxy.in_force();
        let client = in_force.gate.client(self.id);
        proxy.journal.accept_failed(&client, error);
        in_force.upstreams.make_room();
        sleep(ACCEPT_PAUSE).await;
    }

    /// Stops listening. A unix socket is removed, if it is still ours.
    pub(crate) fn close(self, is_ours: bool) {
        if is_ours
            && let (Address::Unix { path, .. }, Socket::Unix(socket, identity)) =
                (&self.address, self.socket)
        {
            identity.remove(path);
            drop(socket);
        }
    }
}

/// Does the handshake and serves what comes of it. Until then a shutdown ends it.
async fn serve_tls(
    stream: TcpStream,
    source: SocketAddr,
    tls: ServerTls,
    proxy: Arc<Proxy>,
    mut caller: Caller,
    mut closing: watch::Receiver<bool>,
) {
    let greeted = {
        // On the heap, for as long as it takes.
        let greeting = Box::pin(tls::greet(stream, &tls));
        tokio::select! {
            biased;
            () = stopped(&mut closing) => return,
            greeted = greeting => greeted,
        }
    };
    drop(tls);
    match greeted {
        Ok((halves, certificate)) => {
            caller.tls = true;
            caller.certificate = certificate;
            serve(halves, proxy, caller, closing).await;
        }
        Err(error) => proxy.journal.handshake_failed(source, &error),
    }
}

async fn serve<R: PeerRead, W: AsyncWrite + Unpin + Send>(
    (reader, writer): (R, W),
    proxy: Arc<Proxy>,
    caller: Caller,
    closing: watch::Receiver<bool>,
) {
    Connection::new(reader, writer, proxy, caller, closing)
        .run()
        .await;
}

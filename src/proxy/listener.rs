//! Addresses → listening sockets → connections, each served by a task of its own.
//!
//! How a unix socket is opened and removed is in `unix`, what is set on a TCP
//! socket in `tcp`; from the accepted connection on they are served alike. So
//! many connections are served at a time; more wait in the kernel.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tokio::io::AsyncWrite;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::client::PeerRead;
use super::connection::Connection;
use super::limits::ACCEPT_PAUSE;
use super::{Proxy, stopped};
use crate::gate::ListenerId;
use crate::policy::Address;

mod tcp;
mod unix;

/// Why a listener cannot be opened.
#[derive(Debug, Error)]
pub enum ListenError {
    /// The path holds something that opgate did not put there.
    #[error("`{0}` exists and is not a socket")]
    NotASocket(PathBuf),
    /// Another process accepts connections there.
    #[error("`{0}` is served by another process")]
    Served(String),
    /// Without TLS everybody on the network could read and write what is said.
    #[error("`{0}` can be reached from other machines, and plain TCP is for loopback only")]
    NotLoopback(String),
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
    address: Address,
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Unix(UnixListener, unix::Identity),
    Tcp(TcpListener),
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Listener {
    /// Opens the socket.
    pub async fn bind(config: ListenerConfig) -> Result<Self, ListenError> {
        let ListenerConfig { id, address } = config;
        let (address, socket) = match address {
            Address::Unix { path, mode } => {
                let (socket, identity) = unix::open(&path, mode).await?;
                let socket = Socket::Unix(socket, identity);
                (Address::Unix { path, mode }, socket)
            }
            Address::Tcp(address) => {
                let (address, socket) = tcp::open(address)?;
                (Address::Tcp(address), Socket::Tcp(socket))
            }
        };
        Ok(Self {
            id,
            address,
            socket,
        })
    }

    /// Where it listens: with the port that it got, where any was asked for.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Accepts and serves until `stopping` says so; then closes the socket and
    /// gives the running connections their grace.
    pub(crate) async fn run(self, proxy: Arc<Proxy>, mut stopping: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(proxy.limits.connections));
        let mut connections = JoinSet::new();
        let stop = stopping.clone();
        loop {
            let accept = async {
                // Never closed, so this fails never; without a slot nobody is served.
                let slot = Arc::clone(&slots).acquire_owned().await.ok()?;
                Some(self.accept().await.map(|stream| (stream, slot)))
            };
            tokio::select! {
                biased;
                () = stopped(&mut stopping) => break,
                Some(_) = connections.join_next() => {}
                accepted = accept => match accepted {
                    None => break,
                    Some(Ok((stream, slot))) => {
                        let (proxy, stop) = (Arc::clone(&proxy), stop.clone());
                        match stream {
                            Stream::Unix(stream) => {
                                let halves = stream.into_split();
                                connections.spawn(serve(halves, proxy, self.id, stop, slot));
                            }
                            Stream::Tcp(stream) => {
                                let halves = stream.into_split();
                                connections.spawn(serve(halves, proxy, self.id, stop, slot));
                            }
                        }
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

    async fn accept(&self) -> io::Result<Stream> {
        Ok(match &self.socket {
            Socket::Unix(socket, _) => Stream::Unix(socket.accept().await?.0),
            Socket::Tcp(socket) => Stream::Tcp(socket.accept().await?.0),
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
        proxy.journal.accept_failed(self.id, error);
        proxy.upstream.make_room();
        sleep(ACCEPT_PAUSE).await;
    }

    /// Stops listening. A unix socket is removed, if it is still ours.
    fn close(self) {
        if let (Address::Unix { path, .. }, Socket::Unix(socket, identity)) =
            (&self.address, self.socket)
        {
            identity.remove(path);
            drop(socket);
        }
    }
}

async fn serve<R: PeerRead, W: AsyncWrite + Unpin + Send>(
    (reader, writer): (R, W),
    proxy: Arc<Proxy>,
    listener: ListenerId,
    stopping: watch::Receiver<bool>,
    slot: OwnedSemaphorePermit,
) {
    Connection::new(reader, writer, proxy, listener, stopping)
        .run()
        .await;
    drop(slot);
}

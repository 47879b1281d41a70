//! An address → a listening TCP socket.
//!
//! What is set here holds for every accepted connection, too: on Linux they
//! inherit the options of the socket that accepts them.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpSocket};

use super::ListenError;
use crate::proxy::limits::{BACKLOG, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES};

/// Opens the socket; gives also the address with the port that it got.
pub(in crate::proxy) fn open(
    address: SocketAddr,
) -> Result<(SocketAddr, TcpListener), ListenError> {
    listen(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::Served(address.to_string()),
        _ => ListenError::System {
            address: address.to_string(),
            source,
        },
    })
}

fn listen(address: SocketAddr) -> io::Result<(SocketAddr, TcpListener)> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Connections of the last run that linger do not keep the port.
    socket.set_reuseaddr(true)?;
    set_options(&socket)?;
    socket.bind(address)?;
    let socket = socket.listen(BACKLOG)?;
    Ok((socket.local_addr()?, socket))
}

/// What every accepted connection has.
pub(super) fn set_options(socket: impl AsFd) -> io::Result<()> {
    // A stream is written at every lull: there is nothing to wait for.
    sockopt::set_tcp_nodelay(&socket, true)?;
    // The other end may be cut off, and a client that left looks like one that
    // half-closed until it is asked.
    sockopt::set_socket_keepalive(&socket, true)?;
    sockopt::set_tcp_keepidle(&socket, KEEPALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(&socket, KEEPALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(&socket, KEEPALIVE_PROBES)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn connections_have_the_options_of_their_listener() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok((address, listener)) = open(address.parse().unwrap()) else {
                // No IPv6 on this machine.
                assert_eq!(address, "[::1]:0");
                continue;
            };
            assert_ne!(address.port(), 0);
            let _client = TcpStream::connect(address).await.unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            assert!(stream.nodelay().unwrap());
            assert!(sockopt::socket_keepalive(&stream).unwrap());
            assert_eq!(sockopt::tcp_keepidle(&stream).unwrap(), KEEPALIVE_IDLE);
            assert_eq!(sockopt::tcp_keepintvl(&stream).unwrap(), KEEPALIVE_INTERVAL);
            assert_eq!(sockopt::tcp_keepcnt(&stream).unwrap(), KEEPALIVE_PROBES);
        }
    }

    #[tokio::test]
    async fn taken_ports_are_refused() {
        let (address, _listener) = open("127.0.0.1:0".parse().unwrap()).unwrap();
        let error = open(address).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{address}` is served by another process")
        );
    }
}

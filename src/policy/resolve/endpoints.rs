//! Listeners, and the Engine's address.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::Resolver;
use crate::diagnostic::Code;
use crate::policy::document::ListenDocument;
use crate::policy::yaml::Name;

/// The mode of a socket where the file says nothing.
const MODE: u32 = 0o660;

/// A listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// What `when: { listener: NAME }` calls it.
    pub name: Option<Arc<str>>,
    /// Where it listens.
    pub address: Address,
}

/// Where a listener listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// At a unix socket.
    Unix {
        /// Its path.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// At a TCP socket on loopback.
    Tcp(SocketAddr),
}

impl Resolver {
    pub(super) fn listener(
        &mut self,
        listen: &ListenDocument,
        others: &[Listener],
    ) -> Option<Listener> {
        let (at, address) = match (&listen.unix, &listen.tcp) {
            (Some(unix), None) => (unix, self.unix(unix, listen.mode.as_ref())),
            (None, Some(tcp)) => {
                if let Some(mode) = &listen.mode {
                    let message = "a TCP socket has no mode";
                    self.report(Code::Listener, mode.span, message, None);
                }
                (tcp, self.tcp(tcp)?)
            }
            _ => {
                let message = "a listener has `unix` or `tcp`, one of them";
                self.report(Code::Listener, listen.span, message, None);
                return None;
            }
        };
        let same = |other: &&Listener| match (&other.address, &address) {
            (Address::Unix { path: a, .. }, Address::Unix { path: b, .. }) => a == b,
            // Port 0 is a new one each time.
            (Address::Tcp(a), Address::Tcp(b)) => a == b && a.port() != 0,
            _ => false,
        };
        if others.iter().any(|other| same(&other)) {
            let message = "another listener has the same address";
            self.report(Code::Listener, at.span, message, None);
        }
        let name = listen.name.as_ref().map(|name| {
            let taken = |other: &Listener| other.name.as_deref() == Some(name.text.as_str());
            if others.iter().any(taken) {
                let message = "another listener has the same name";
                self.report(Code::Listener, name.span, message, None);
            }
            Arc::from(name.text.as_str())
        });
        Some(Listener { name, address })
    }

    pub(super) fn unix(&mut self, unix: &Name, mode: Option<&Name>) -> Address {
        // What a socket's address holds at most on Linux.
        const LONGEST: usize = 107;
        let path = PathBuf::from(&unix.text);
        if !path.is_absolute() {
            let message = "the path of a socket must be absolute";
            let help = (unix.text.contains('$'))
                .then(|| "variables of the environment are not replaced".to_owned())
                .or_else(|| {
                    let path = unix.text.strip_prefix("unix://")?;
                    path.starts_with('/').then(|| format!("write `{path}`"))
                });
            self.report(Code::Listener, unix.span, message, help);
        } else if unix.text.len() > LONGEST {
            let message = format!("the path of a socket has at most {LONGEST} bytes");
            self.report(Code::Listener, unix.span, message, None);
        }
        let mode = mode.map_or(MODE, |mode| self.mode(mode));
        Address::Unix { path, mode }
    }

    fn tcp(&mut self, tcp: &Name) -> Option<Address> {
        match tcp.text.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Some(Address::Tcp(address)),
            Ok(_) => {
                let message = "plain TCP is for loopback only";
                let help = "whoever reaches the port is the client: listen on a unix socket, or on 127.0.0.1";
                self.report(Code::Listener, tcp.span, message, help.to_owned());
                None
            }
            Err(_) => {
                let message = format!("`{}` is not an address and a port", tcp.text);
                let help = "write `127.0.0.1:2375`".to_owned();
                self.report(Code::Listener, tcp.span, message, help);
                None
            }
        }
    }

    fn mode(&mut self, mode: &Name) -> u32 {
        let digits =
            matches!(mode.text.len(), 3 | 4) && mode.text.bytes().all(|byte| byte.is_ascii_digit());
        match u32::from_str_radix(&mode.text, 8) {
            Ok(bits) if digits && bits <= 0o777 => bits,
            _ => {
                let message = format!("`{}` is not the mode of a socket", mode.text);
                let help = "write three octal digits, such as \"0660\"".to_owned();
                self.report(Code::Listener, mode.span, message, help);
                MODE
            }
        }
    }

    pub(super) fn upstream(&mut self, upstream: &Name) -> Option<PathBuf> {
        let path = upstream
            .text
            .strip_prefix("unix://")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        if path.is_none() {
            let message = "the upstream must be a unix socket";
            let help = "write `unix:///var/run/docker.sock`".to_owned();
            self.report(Code::Upstream, upstream.span, message, help);
        }
        path
    }
}

//! Listeners.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::Resolver;
use crate::diagnostic::Code;
use crate::identity::names;
use crate::policy::document::ListenDocument;
use crate::policy::yaml::Name;
use crate::tls::ServerFiles;

/// The mode of a socket where the file says nothing.
const MODE: u32 = 0o660;

/// A listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// What `when: { listener: NAME }` calls it.
    pub name: Option<Arc<str>>,
    /// Where it listens.
    pub address: Address,
    /// The files by which it speaks TLS, if it does.
    pub tls: Option<ServerFiles>,
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
        /// Whose it is.
        owner: Owner,
    },
    /// At a TCP socket.
    Tcp(SocketAddr),
    /// At a socket that is handed over at the start.
    Systemd {
        /// What it is called there.
        name: String,
        /// Whether other machines may reach it.
        open: bool,
    },
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix { path, .. } => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Systemd { name, .. } => write!(f, "systemd:{name}"),
        }
    }
}

/// Whose a unix socket is; where nothing is said, the gate's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The user, by number.
    pub user: Option<u32>,
    /// The group, by number.
    pub group: Option<u32>,
}

impl Owner {
    /// Whether anything is said.
    pub fn is_said(self) -> bool {
        self != Self::default()
    }
}

impl Resolver {
    pub(super) fn listener(
        &mut self,
        listen: &ListenDocument,
        others: &[Listener],
    ) -> Option<Listener> {
        let (at, address) = match (&listen.unix, &listen.tcp, &listen.systemd) {
            (Some(unix), None, None) => {
                let tls = listen.tls.as_ref().map(|tls| tls.span);
                let insecure = listen.insecure.map(|(span, _)| span);
                for span in tls.into_iter().chain(insecure) {
                    let message = "a unix socket has no `tls`, and is never `insecure`";
                    self.report(Code::Listener, span, message, None);
                }
                (unix, self.unix(unix, listen))
            }
            (None, Some(tcp), None) => {
                self.no_mode(listen, "a TCP socket has no mode and no owner");
                (tcp, self.tcp(tcp, listen)?)
            }
            (None, None, Some(name)) => {
                self.no_mode(
                    listen,
                    "whoever hands the socket over gives it mode and owner",
                );
                (name, self.systemd(name, listen))
            }
            _ => {
                let message = "a listener has `unix`, `tcp` or `systemd`, one of them";
                self.report(Code::Listener, listen.span, message, None);
                return None;
            }
        };
        let same = |other: &&Listener| match (&other.address, &address) {
            (Address::Unix { path: a, .. }, Address::Unix { path: b, .. }) => a == b,
            // Port 0 is a new one each time.
            (Address::Tcp(a), Address::Tcp(b)) => a == b && a.port() != 0,
            (Address::Systemd { name: a, .. }, Address::Systemd { name: b, .. }) => a == b,
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
        let tls = listen.tls.as_ref().and_then(|tls| self.server_tls(tls));
        Some(Listener { name, address, tls })
    }

    fn unix(&mut self, unix: &Name, listen: &ListenDocument) -> Address {
        let path = self.socket(unix);
        let mode = listen.mode.as_ref().map_or(MODE, |mode| self.mode(mode));
        let user = listen.owner.as_ref();
        let group = listen.group.as_ref();
        let owner = Owner {
            user: user.and_then(|node| self.account(node, "user", names::user)),
            group: group.and_then(|node| self.account(node, "group", names::group)),
        };
        Address::Unix { path, mode, owner }
    }

    /// The path of a socket.
    pub(super) fn socket(&mut self, unix: &Name) -> PathBuf {
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
        path
    }

    fn no_mode(&mut self, listen: &ListenDocument, message: &str) {
        let mode = listen.mode.iter().map(|mode| mode.span);
        let owner = listen.owner.iter().chain(&listen.group);
        for span in mode.chain(owner.map(|node| node.span)) {
            self.report(Code::Listener, span, message, None);
        }
    }

    fn systemd(&mut self, name: &Name, listen: &ListenDocument) -> Address {
        self.not_both(listen);
        if name.text.is_empty() || name.text.contains(':') {
            let message = format!("`{}` is not the name of a socket", name.text);
            let help = "write what `FileDescriptorName` in its unit says".to_owned();
            self.report(Code::Listener, name.span, message, help);
        }
        Address::Systemd {
            name: name.text.clone(),
            open: listen.tls.is_some() || listen.insecure.is_some_and(|(_, on)| on),
        }
    }

    fn not_both(&mut self, listen: &ListenDocument) {
        if let (Some(_), Some((span, true))) = (&listen.tls, listen.insecure) {
            let message = "with `tls` nothing is insecure";
            let help = "leave `insecure` out".to_owned();
            self.report(Code::Listener, span, message, help);
        }
    }

    fn tcp(&mut self, tcp: &Name, listen: &ListenDocument) -> Option<Address> {
        self.not_both(listen);
        let Ok(address) = tcp.text.parse::<SocketAddr>() else {
            let message = format!("`{}` is not an address and a port", tcp.text);
            let help = "write `127.0.0.1:2375`".to_owned();
            self.report(Code::Listener, tcp.span, message, help);
            return None;
        };
        let insecure = listen.insecure.is_some_and(|(_, on)| on);
        if listen.tls.is_none() && !address.ip().to_canonical().is_loopback() && !insecure {
            let message = "other machines can reach plain TCP here";
            let help = "everybody on the way reads and writes what is said: give it `tls`, listen on 127.0.0.1, or write `insecure: true`";
            self.report(Code::Listener, tcp.span, message, help.to_owned());
        }
        Some(Address::Tcp(address))
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
}

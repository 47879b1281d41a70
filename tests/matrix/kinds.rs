//! The kinds of listeners, and what each of them shows of a caller.

use opgate::policy::Address;

use super::identities::Fact;

/// A kind of listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Unix,
    Tcp,
    TlsRequired,
    TlsOptional,
    /// Without `client_ca`.
    TlsServer,
    SystemdUnix,
    SystemdTcp,
    SystemdTls,
}

/// What a kind of listener has to do with a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// Callers are told apart by it.
    Yes,
    /// It is not there, which only the socket that is handed over can show.
    Never,
    /// It is not there, and a file that asks for it at such a listener alone is refused
    /// with these words.
    Refused(&'static str),
}

const NO_UNIX: &str = "`peer` is known on unix sockets only, and there is none in `listen`";
const NO_TCP: &str = "`source` is known on TCP only, and there is no such listener";
const NO_CERTIFICATES: &str =
    "there are certificates with TLS only, and no listener has `tls` with `client_ca`";

impl Kind {
    /// All of them: the one after each is said in a `match`, which does not compile for a
    /// kind that nobody has thought of.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        std::iter::successors(Some(Self::Unix), |kind| match kind {
            Self::Unix => Some(Self::Tcp),
            Self::Tcp => Some(Self::TlsRequired),
            Self::TlsRequired => Some(Self::TlsOptional),
            Self::TlsOptional => Some(Self::TlsServer),
            Self::TlsServer => Some(Self::SystemdUnix),
            Self::SystemdUnix => Some(Self::SystemdTcp),
            Self::SystemdTcp => Some(Self::SystemdTls),
            Self::SystemdTls => None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Tcp => "tcp",
            Self::TlsRequired => "tls-required",
            Self::TlsOptional => "tls-optional",
            Self::TlsServer => "tls-server",
            Self::SystemdUnix => "systemd-unix",
            Self::SystemdTcp => "systemd-tcp",
            Self::SystemdTls => "systemd-tls",
        }
    }

    pub(crate) fn is_unix(self) -> bool {
        match self {
            Self::Unix | Self::SystemdUnix => true,
            Self::Tcp
            | Self::TlsRequired
            | Self::TlsOptional
            | Self::TlsServer
            | Self::SystemdTcp
            | Self::SystemdTls => false,
        }
    }

    /// Whether systemd opens it, and who opens it else.
    pub(crate) fn is_handed_over(self) -> bool {
        match self {
            Self::SystemdUnix | Self::SystemdTcp | Self::SystemdTls => true,
            Self::Unix | Self::Tcp | Self::TlsRequired | Self::TlsOptional | Self::TlsServer => {
                false
            }
        }
    }

    /// What the listener says of TLS.
    pub(crate) fn tls(self) -> Option<&'static str> {
        match self {
            Self::Unix | Self::Tcp | Self::SystemdUnix | Self::SystemdTcp => None,
            Self::TlsRequired | Self::SystemdTls => {
                Some(", client_ca: ca.pem, client_certs: required")
            }
            Self::TlsOptional => Some(", client_ca: ca.pem, client_certs: optional"),
            Self::TlsServer => Some(""),
        }
    }

    /// Whether a caller without a certificate gets in, and one with a certificate shows it.
    pub(crate) fn certificates(self) -> Certificates {
        match self {
            Self::Unix | Self::Tcp | Self::SystemdUnix | Self::SystemdTcp | Self::TlsServer => {
                Certificates::Unasked
            }
            Self::TlsRequired | Self::SystemdTls => Certificates::Required,
            Self::TlsOptional => Certificates::Optional,
        }
    }

    /// The table of what is known where.
    pub(crate) fn shows(self, fact: Fact) -> Shows {
        match fact {
            Fact::Listener => Shows::Yes,
            Fact::Uid | Fact::Gid => match self {
                Self::Unix | Self::SystemdUnix => Shows::Yes,
                Self::SystemdTcp | Self::SystemdTls => Shows::Never,
                Self::Tcp | Self::TlsRequired | Self::TlsOptional | Self::TlsServer => {
                    Shows::Refused(NO_UNIX)
                }
            },
            Fact::Source => match self {
                Self::Tcp
                | Self::TlsRequired
                | Self::TlsOptional
                | Self::TlsServer
                | Self::SystemdTcp
                | Self::SystemdTls => Shows::Yes,
                Self::SystemdUnix => Shows::Never,
                Self::Unix => Shows::Refused(NO_TCP),
            },
            Fact::Cn | Fact::Dns | Fact::Ip | Fact::Uri | Fact::Key => match self {
                Self::TlsRequired | Self::TlsOptional | Self::SystemdTls => Shows::Yes,
                Self::Unix | Self::Tcp | Self::TlsServer | Self::SystemdUnix | Self::SystemdTcp => {
                    Shows::Refused(NO_CERTIFICATES)
                }
            },
            // By the process on a unix socket, by the address on TCP.
            Fact::Name | Fact::Id | Fact::Image | Fact::Labels => match self {
                Self::Unix
                | Self::Tcp
                | Self::TlsRequired
                | Self::TlsOptional
                | Self::TlsServer
                | Self::SystemdUnix
                | Self::SystemdTcp
                | Self::SystemdTls => Shows::Yes,
            },
            Fact::Nobodys => Shows::Never,
        }
    }

    /// Whether the loader takes it for one that TCP callers may come by.
    pub(crate) fn may_be_tcp(self) -> bool {
        !self.is_unix() || self.is_handed_over()
    }
}

/// What becomes of client certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certificates {
    Unasked,
    Optional,
    Required,
}

/// A kind of listener and the version of TLS that it is spoken to by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Way {
    pub(crate) kind: Kind,
    /// TLS 1.2.
    pub(crate) old: bool,
}

impl Way {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Kind::all().flat_map(|kind| {
            let versions: &[bool] = if kind.tls().is_some() {
                &[false, true]
            } else {
                &[false]
            };
            versions.iter().map(move |&old| Self { kind, old })
        })
    }
}

/// The kinds of listeners by the addresses that the gate itself knows: one more there has
/// to be one more here.
pub(crate) fn kinds_of(address: &Address) -> &'static [Kind] {
    match address {
        Address::Unix { .. } => &[Kind::Unix],
        Address::Tcp(_) => &[
            Kind::Tcp,
            Kind::TlsRequired,
            Kind::TlsOptional,
            Kind::TlsServer,
        ],
        Address::Systemd { .. } => &[Kind::SystemdUnix, Kind::SystemdTcp, Kind::SystemdTls],
    }
}

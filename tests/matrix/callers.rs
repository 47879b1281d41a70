//! Who calls: a caller that is to be the client `it`, and others that differ from it in
//! one thing.

use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use super::certs::{self, Client, TlsClient};
use super::gate::{At, Gate};
use super::identities::Fact;
use super::kinds::{Certificates, Kind, Way};
use super::peer::PATIENCE;
use super::source::from;
use super::wire::Wire;
use super::world::World;

/// The address of whoever is to be `it`.
pub(crate) const SOURCE: &str = "127.0.0.2";

/// Those of all others.
pub(crate) const OTHER_SOURCES: [&str; 4] = ["127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.9"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum User {
    Its,
    Other,
    InOtherGroup,
}

/// The container that somebody is in; each has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Its,
    /// Of the same image, with the same labels.
    OtherName,
    OtherImage,
    OtherLabels,
    /// None.
    Elsewhere,
}

/// What is shown for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shown {
    Its,
    OtherCn,
    OtherDns,
    OtherIp,
    OtherUri,
    OtherKey,
    Nothing,
    /// All that `it` says, by another authority of the same name.
    Forged,
}

/// In what somebody differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Listener,
    User(User),
    Place(Place),
    Shown(Shown),
}

/// Somebody who calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) user: User,
    pub(crate) place: Place,
    pub(crate) shown: Shown,
    /// By the other listener of the same kind.
    pub(crate) twin: bool,
}

impl Change {
    const OTHERS: [Self; 14] = [
        Self::Listener,
        Self::User(User::Other),
        Self::User(User::InOtherGroup),
        Self::Place(Place::OtherName),
        Self::Place(Place::OtherImage),
        Self::Place(Place::OtherLabels),
        Self::Place(Place::Elsewhere),
        Self::Shown(Shown::OtherCn),
        Self::Shown(Shown::OtherDns),
        Self::Shown(Shown::OtherIp),
        Self::Shown(Shown::OtherUri),
        Self::Shown(Shown::OtherKey),
        Self::Shown(Shown::Nothing),
        Self::Shown(Shown::Forged),
    ];

    /// Those that a listener of this kind could notice.
    pub(crate) fn at(kind: Kind) -> impl Iterator<Item = Self> {
        Self::OTHERS.into_iter().filter(move |change| match change {
            Self::None | Self::Listener | Self::Place(_) => true,
            Self::User(_) => kind.is_unix(),
            Self::Shown(Shown::Nothing) => kind.certificates() == Certificates::Optional,
            Self::Shown(_) => kind.certificates() != Certificates::Unasked,
        })
    }

    /// What is not the same by it.
    pub(crate) fn facts(self) -> &'static [Fact] {
        use Fact::{Cn, Dns, Id, Image, Ip, Key, Labels, Name, Source, Uri};
        match self {
            Self::None => &[],
            Self::Listener => &[Fact::Listener],
            Self::User(user) => match user {
                User::Its => &[],
                User::Other => &[Fact::Uid],
                User::InOtherGroup => &[Fact::Gid],
            },
            Self::Place(place) => match place {
                Place::Its => &[],
                Place::OtherName => &[Source, Name, Id],
                Place::OtherImage => &[Source, Name, Id, Image],
                Place::OtherLabels => &[Source, Name, Id, Labels],
                Place::Elsewhere => &[Source, Name, Id, Image, Labels],
            },
            Self::Shown(shown) => match shown {
                Shown::Its => &[],
                Shown::OtherCn => &[Cn, Key],
                Shown::OtherDns => &[Dns, Key],
                Shown::OtherIp => &[Ip, Key],
                Shown::OtherUri => &[Uri, Key],
                Shown::OtherKey => &[Key],
                Shown::Nothing | Shown::Forged => &[Cn, Dns, Ip, Uri, Key],
            },
        }
    }

    pub(crate) fn caller(self) -> Caller {
        let mut caller = Caller {
            user: User::Its,
            place: Place::Its,
            shown: Shown::Its,
            twin: false,
        };
        match self {
            Self::None => {}
            Self::Listener => caller.twin = true,
            Self::User(user) => caller.user = user,
            Self::Place(place) => caller.place = place,
            Self::Shown(shown) => caller.shown = shown,
        }
        caller
    }
}

impl Place {
    pub(crate) const CONTAINERS: [Self; 4] = [
        Self::Its,
        Self::OtherName,
        Self::OtherImage,
        Self::OtherLabels,
    ];

    pub(crate) fn address(self) -> &'static str {
        match self {
            Self::Its => SOURCE,
            Self::OtherName => OTHER_SOURCES[0],
            Self::OtherImage => OTHER_SOURCES[1],
            Self::OtherLabels => OTHER_SOURCES[2],
            Self::Elsewhere => OTHER_SOURCES[3],
        }
    }

    /// The id and the name of the container.
    pub(crate) fn container(self) -> Option<(String, &'static str)> {
        let (digit, name) = match self {
            Self::Its => ("a", "web"),
            Self::OtherName => ("b", "web2"),
            Self::OtherImage => ("c", "web3"),
            Self::OtherLabels => ("d", "web4"),
            Self::Elsewhere => return None,
        };
        Some((digit.repeat(64), name))
    }
}

impl Caller {
    /// What a record of nobody says of it.
    pub(crate) fn seen(self, world: &World, way: Way) -> Vec<String> {
        let mut seen = Vec::new();
        if way.kind.is_unix() {
            let (uid, gid) = match self.user {
                User::Its => (world.it.uid, world.it.gid),
                User::Other => (world.it.other_uid, world.it.gid),
                User::InOtherGroup => (world.it.uid, 60011),
            };
            seen.push(format!("a process of user {uid} and group {gid}"));
        } else {
            seen.push(format!("from {}", self.place.address()));
        }
        if way.kind.certificates() != Certificates::Unasked && self.shown != Shown::Nothing {
            let cn = if self.shown == Shown::OtherCn {
                "ci2"
            } else {
                "ci"
            };
            seen.push(format!("certificate: cn Some({cn:?})"));
        }
        seen
    }

    /// Connects, without a word yet beyond the handshake.
    pub(crate) fn connect(self, world: &World, gate: &Gate, way: Way) -> io::Result<Wire> {
        self.connect_as(world, gate, way, "localhost")
    }

    /// The same, asking for a server of this name.
    pub(crate) fn connect_as(
        self,
        world: &World,
        gate: &Gate,
        way: Way,
        server: &'static str,
    ) -> io::Result<Wire> {
        let stream = match self.plain(world, gate, way.kind) {
            Plain::Unix(stream) => return Ok(Wire::over(stream)),
            Plain::Tcp(stream) => stream,
        };
        if way.kind.tls().is_none() {
            return Ok(Wire::over(stream));
        }
        let client = Client {
            trusts: &world.authority,
            shows: world.certificate(self.shown),
            old: way.old,
        };
        Ok(Wire::over(
            TlsClient::over(certs::hello(&client.config(), server), stream)?.0,
        ))
    }

    /// Connects, and says nothing at all.
    pub(crate) fn plain(self, world: &World, gate: &Gate, kind: Kind) -> Plain {
        match gate.at(kind, self.twin) {
            At::Unix(path) => Plain::Unix(if world.no_users.is_some() {
                let stream = UnixStream::connect(path).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream
            } else {
                world.process(self.user, self.place).connect(path)
            }),
            At::Tcp(address) => Plain::Tcp(from(self.place.address(), *address)),
        }
    }
}

/// A connection of which nothing was used.
pub(crate) enum Plain {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Plain {
    pub(crate) fn wire(self) -> Wire {
        match self {
            Self::Unix(stream) => Wire::over(stream),
            Self::Tcp(stream) => Wire::over(stream),
        }
    }
}

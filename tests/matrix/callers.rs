//! Who calls: a caller that is to be the client `it`, and others that differ from it in
//! one thing.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use rcgen::{PublicKeyData as _, SanType};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use serde_json::{Value, json};

use super::certs::{Authority, Client, Issued, Wanted, dns, uri};
use super::containers::Engine;
use super::gate::{At, Gate};
use super::groups::{Group, Main};
use super::identities::Fact;
use super::kinds::{Certificates, Kind, Way};
use super::peer::PATIENCE;
use super::process::Process;

/// The address of whoever is to be `it`.
pub(crate) const SOURCE: &str = "127.0.0.2";

/// Those of all others.
pub(crate) const OTHER_SOURCES: [&str; 4] = ["127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.9"];

/// Who `it` is, as far as that is not the same everywhere.
pub(crate) struct It {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) other_uid: u32,
    /// The SHA-256 of its key.
    pub(crate) key: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum User {
    Its,
    OtherUser,
    OtherGroup,
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
        Self::User(User::OtherUser),
        Self::User(User::OtherGroup),
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
                User::OtherUser => &[Fact::Uid],
                User::OtherGroup => &[Fact::Gid],
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
    const CONTAINERS: [Self; 4] = [
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

/// All that callers are made of, the same for all gates.
pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) it: It,
    /// Why nobody can be another user.
    pub(crate) no_users: Option<&'static str>,
    /// Why no process can be in a container.
    pub(crate) no_groups: Option<String>,
    certificates: BTreeMap<Shown, Issued>,
    // Ends before the groups are removed.
    processes: Mutex<HashMap<(User, Place), Arc<Process>>>,
    mains: Vec<(Place, Main)>,
    groups: Option<Group>,
}

impl World {
    pub(crate) fn new() -> Self {
        let authority = Authority::new("own");
        let forger = Authority::new("own");
        let certificates: BTreeMap<Shown, Issued> = [
            (Shown::Its, &authority),
            (Shown::OtherCn, &authority),
            (Shown::OtherDns, &authority),
            (Shown::OtherIp, &authority),
            (Shown::OtherUri, &authority),
            (Shown::OtherKey, &authority),
            (Shown::Forged, &forger),
        ]
        .into_iter()
        .map(|(shown, authority)| (shown, authority.issue(certificate(shown))))
        .collect();
        let root = rustix::process::geteuid().is_root();
        let (uid, gid) = if root {
            (60001, 60010)
        } else {
            let gid = rustix::process::getegid().as_raw();
            (rustix::process::geteuid().as_raw(), gid)
        };
        let it = It {
            uid,
            gid,
            other_uid: 60002,
            key: key(&certificates[&Shown::Its]),
        };
        let mut world = Self {
            authority,
            it,
            no_users: (!root).then_some("only root can be somebody else"),
            no_groups: opgate::identity::process::available().err(),
            certificates,
            processes: Mutex::default(),
            mains: Vec::new(),
            groups: None,
        };
        if world.no_groups.is_none() && root {
            world.groups = Group::make();
        }
        let Some(groups) = &world.groups else {
            let why = "no control groups can be made here".to_owned();
            world.no_groups.get_or_insert(why);
            return world;
        };
        for place in Place::CONTAINERS {
            let (id, _) = place.container().unwrap();
            let main = Main::start(&groups.below(&format!("docker/{id}/init")));
            world.mains.push((place, main));
        }
        world
    }

    /// Tells an Engine of the containers, and what else it is asked.
    pub(crate) fn tell(&self, engine: &Engine) {
        for place in Place::CONTAINERS {
            let (id, name) = place.container().unwrap();
            // One whose process is not there is no trouble for callers by TCP.
            let main = self.mains.iter().find(|(at, _)| *at == place);
            let main = main.map_or(1, |(_, main)| main.0.id());
            engine.has(&id, name, main, place.address());
            let target = format!("/containers/{id}/json");
            let mut said = engine.said(&target);
            said["Config"] = match place {
                Place::OtherImage => config("ghcr.io/acme/web:2", "front"),
                Place::OtherLabels => config("ghcr.io/acme/web:1", "back"),
                Place::Its | Place::OtherName | Place::Elsewhere => {
                    config("ghcr.io/acme/web:1", "front")
                }
            };
            engine.says(&target, said);
        }
        engine.says("/info", json!({ "Name": "stand-in" }));
        engine.says("/_ping", json!("OK"));
    }

    fn process(&self, user: User, place: Place) -> Arc<Process> {
        let mut processes = self.processes.lock().unwrap();
        let process = processes
            .entry((user, place))
            .or_insert_with(|| Arc::new(self.new_process(user, place)));
        Arc::clone(process)
    }

    /// A process of its own, which nobody else uses.
    pub(crate) fn new_process(&self, user: User, place: Place) -> Process {
        let ids = match user {
            User::Its => (self.it.uid, self.it.gid),
            User::OtherUser => (self.it.other_uid, self.it.gid),
            User::OtherGroup => (self.it.uid, 60011),
        };
        let group = self.groups.as_ref().and_then(|groups| {
            let (id, _) = place.container()?;
            Some(groups.below(&format!("docker/{id}")))
        });
        Process::start(ids, group.as_deref())
    }

    pub(crate) fn certificate(&self, shown: Shown) -> Option<&Issued> {
        self.certificates.get(&shown)
    }
}

fn config(image: &str, tier: &str) -> Value {
    json!({ "Image": image, "Labels": { "role": "web", "tier": tier, "more": "1" } })
}

fn certificate(shown: Shown) -> Wanted<'static> {
    let other = |is: Shown, its: &'static str, other: &'static str| {
        if shown == is { other } else { its }
    };
    let ip: [u8; 4] = if shown == Shown::OtherIp {
        [192, 0, 2, 10]
    } else {
        [192, 0, 2, 1]
    };
    Wanted {
        names: vec![other(Shown::OtherCn, "ci", "ci2")],
        others: vec![
            dns(other(Shown::OtherDns, "ci.example.net", "ci.example.ne")),
            SanType::IpAddress(ip.into()),
            uri(other(
                Shown::OtherUri,
                "spiffe://example.net/ci",
                "spiffe://example.net/ci/",
            )),
        ],
        ..Wanted::default()
    }
}

/// The SHA-256 of a public key.
fn key(issued: &Issued) -> String {
    let spki = issued.key.subject_public_key_info();
    let digest = ring::digest::digest(&ring::digest::SHA256, &spki);
    let mut hex = String::new();
    for byte in digest.as_ref() {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}

impl Caller {
    /// What a record of nobody says of it.
    pub(crate) fn seen(self, world: &World, way: Way) -> Vec<String> {
        let mut seen = Vec::new();
        if way.kind.is_unix() {
            let (uid, gid) = match self.user {
                User::Its => (world.it.uid, world.it.gid),
                User::OtherUser => (world.it.other_uid, world.it.gid),
                User::OtherGroup => (world.it.uid, 60011),
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
            Plain::Unix(stream) => return Ok(Wire(Box::new(stream))),
            Plain::Tcp(stream) => stream,
        };
        if way.kind.tls().is_none() {
            return Ok(Wire(Box::new(stream)));
        }
        let client = Client {
            trusts: &world.authority,
            shows: world.certificate(self.shown),
            old: way.old,
        };
        Ok(Wire(Box::new(client.over(stream, server)?.0)))
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
            Self::Unix(stream) => Wire(Box::new(stream)),
            Self::Tcp(stream) => Wire(Box::new(stream)),
        }
    }
}

/// Connects from an address of loopback.
fn from(source: &str, to: SocketAddr) -> TcpStream {
    let fd = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    let source: SocketAddr = format!("{source}:0").parse().unwrap();
    bind(&fd, &source).unwrap();
    connect(&fd, &to).unwrap();
    let stream = TcpStream::from(fd);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub(crate) trait Both: Read + Write {}

impl<T: Read + Write> Both for T {}

/// A connection, whatever it is over.
pub(crate) struct Wire(Box<dyn Both>);

impl Wire {
    pub(crate) fn over(stream: UnixStream) -> Self {
        Self(Box::new(stream))
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)?;
        self.0.flush()
    }

    /// The status and the body of the next answer.
    pub(crate) fn answer(&mut self) -> io::Result<(u16, String)> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse().unwrap())
        });
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok((status, String::from_utf8(body).unwrap()))
    }

    /// Asks; gives the status and the body.
    pub(crate) fn ask(&mut self, request: &str) -> io::Result<(u16, String)> {
        self.send(request.as_bytes())?;
        self.answer()
    }

    /// All that comes until the other side ends it.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = self.0.read(&mut bytes) {
            rest.extend_from_slice(&bytes[..read]);
        }
        rest
    }
}

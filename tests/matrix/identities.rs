//! The kinds of identities: what each asks of a caller, and how a policy file says so.

use std::collections::BTreeMap;

use super::callers::{OTHER_SOURCES, SOURCE};
use super::gate::name;
use super::kinds::{Kind, Shows};
use super::world::It;

/// Something of a caller that an identity can go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fact {
    Listener,
    Uid,
    Gid,
    Source,
    Cn,
    Dns,
    Ip,
    Uri,
    Key,
    Name,
    Id,
    Image,
    Labels,
    /// What no caller of these tests has.
    Nobodys,
}

/// What makes a caller the client `it`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The listener's `client`.
    Client,
    /// The listener's `client`, which has a `when` as well.
    ClientAndWhen,
    Listener,
    Source,
    Uid,
    Gid,
    Peer,
    Cn,
    Dns,
    Ip,
    Uri,
    Key,
    Certificate,
    ContainerName,
    ContainerId,
    ContainerImage,
    ContainerLabels,
    Container,
    ListenerAndPeer,
    ListenerAndSource,
    ListenerAndTls,
    SourceAndTls,
    PeerAndContainer,
    SourceAndContainer,
    TlsAndContainer,
    /// A list, with one for each kind of listener.
    Alternatives,
    Default,
    /// A `when` that no caller has.
    Nobody,
}

impl Identity {
    /// All of them, as [`Kind::all`] does it.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        std::iter::successors(Some(Self::Client), |identity| match identity {
            Self::Client => Some(Self::ClientAndWhen),
            Self::ClientAndWhen => Some(Self::Listener),
            Self::Listener => Some(Self::Source),
            Self::Source => Some(Self::Uid),
            Self::Uid => Some(Self::Gid),
            Self::Gid => Some(Self::Peer),
            Self::Peer => Some(Self::Cn),
            Self::Cn => Some(Self::Dns),
            Self::Dns => Some(Self::Ip),
            Self::Ip => Some(Self::Uri),
            Self::Uri => Some(Self::Key),
            Self::Key => Some(Self::Certificate),
            Self::Certificate => Some(Self::ContainerName),
            Self::ContainerName => Some(Self::ContainerId),
            Self::ContainerId => Some(Self::ContainerImage),
            Self::ContainerImage => Some(Self::ContainerLabels),
            Self::ContainerLabels => Some(Self::Container),
            Self::Container => Some(Self::ListenerAndPeer),
            Self::ListenerAndPeer => Some(Self::ListenerAndSource),
            Self::ListenerAndSource => Some(Self::ListenerAndTls),
            Self::ListenerAndTls => Some(Self::SourceAndTls),
            Self::SourceAndTls => Some(Self::PeerAndContainer),
            Self::PeerAndContainer => Some(Self::SourceAndContainer),
            Self::SourceAndContainer => Some(Self::TlsAndContainer),
            Self::TlsAndContainer => Some(Self::Alternatives),
            Self::Alternatives => Some(Self::Default),
            Self::Default => Some(Self::Nobody),
            Self::Nobody => None,
        })
    }

    /// What it asks for at a kind of listener.
    pub(crate) fn asks(self, kind: Kind) -> &'static [Fact] {
        use Fact::{Cn, Dns, Gid, Id, Image, Ip, Key, Labels, Name, Source, Uid, Uri};
        match self {
            Self::Client | Self::Listener => &[Fact::Listener],
            Self::ClientAndWhen => match kind {
                Kind::Unix | Kind::SystemdUnix => &[Fact::Listener, Uid],
                Kind::Tcp
                | Kind::TlsRequired
                | Kind::TlsOptional
                | Kind::TlsServer
                | Kind::SystemdTcp
                | Kind::SystemdTls => &[Fact::Listener, Source],
            },
            Self::Source => &[Source],
            Self::Uid => &[Uid],
            Self::Gid => &[Gid],
            Self::Peer => &[Uid, Gid],
            Self::Cn => &[Cn],
            Self::Dns => &[Dns],
            Self::Ip => &[Ip],
            Self::Uri => &[Uri],
            Self::Key => &[Key],
            Self::Certificate => &[Cn, Dns, Ip, Uri, Key],
            Self::ContainerName => &[Name],
            Self::ContainerId => &[Id],
            Self::ContainerImage => &[Image],
            Self::ContainerLabels => &[Labels],
            Self::Container => &[Name, Id, Image, Labels],
            Self::ListenerAndPeer => &[Fact::Listener, Uid],
            Self::ListenerAndSource => &[Fact::Listener, Source],
            Self::ListenerAndTls => &[Fact::Listener, Cn],
            Self::SourceAndTls => &[Source, Dns],
            Self::PeerAndContainer => &[Uid, Name],
            Self::SourceAndContainer => &[Source, Image],
            Self::TlsAndContainer => &[Uri, Labels],
            Self::Alternatives => match kind {
                Kind::Unix | Kind::SystemdUnix => &[Gid],
                Kind::Tcp | Kind::TlsServer | Kind::SystemdTcp => &[Source],
                Kind::TlsRequired | Kind::TlsOptional | Kind::SystemdTls => &[Key],
            },
            // Of the others, who have a `when`.
            Self::Default => match kind {
                Kind::Unix | Kind::SystemdUnix => &[Uid],
                Kind::Tcp
                | Kind::TlsRequired
                | Kind::TlsOptional
                | Kind::TlsServer
                | Kind::SystemdTcp
                | Kind::SystemdTls => &[Source],
            },
            Self::Nobody => &[Fact::Nobodys],
        }
    }

    /// What is expected at a kind of listener: the worst of what it asks for.
    pub(crate) fn at(self, kind: Kind) -> Shows {
        let all = self.asks(kind).iter().map(|fact| kind.shows(*fact));
        all.fold(Shows::Yes, |worst, one| match (worst, one) {
            (Shows::Refused(_), _) | (_, Shows::Yes) | (Shows::Never, Shows::Never) => worst,
            (_, Shows::Refused(_)) | (Shows::Yes, Shows::Never) => one,
        })
    }

    /// Whether it goes by the listener, so that each has a twin that is another's.
    pub(crate) fn has_twins(self) -> bool {
        Kind::all().any(|kind| self.asks(kind).contains(&Fact::Listener))
    }

    pub(crate) fn goes_by_containers(self) -> bool {
        let container =
            |fact: &Fact| matches!(fact, Fact::Name | Fact::Id | Fact::Image | Fact::Labels);
        Kind::all().any(|kind| self.asks(kind).iter().any(container))
    }

    /// Whether the listeners say who it is.
    pub(crate) fn is_named(self) -> bool {
        matches!(self, Self::Client | Self::ClientAndWhen)
    }

    /// The clients of a file with listeners of these kinds.
    pub(crate) fn clients(self, kinds: &[Kind], it: &It) -> String {
        let its = match self {
            Self::Client | Self::Default => String::new(),
            _ => format!(", when: [{}]", self.alternatives(kinds, it).join(", ")),
        };
        let besides = match self {
            Self::Default => {
                let uid = it.other_uid.to_string();
                let others = by_socket(kinds, &uid, &OTHER_SOURCES.join(", "));
                format!(", when: [{}]", others.join(", "))
            }
            _ if self.is_named() || !self.has_twins() => String::new(),
            _ => {
                let twins: Vec<String> = kinds.iter().map(|kind| name(*kind, true)).collect();
                format!(", when: {{ listener: [{}] }}", twins.join(", "))
            }
        };
        format!(
            "clients:\n  it: {{ policies: [info]{its} }}\n  \
             beside: {{ policies: [ping]{besides} }}\n  guests: {{ policies: [ping] }}\n"
        )
    }

    /// The alternatives of its `when`.
    fn alternatives(self, kinds: &[Kind], it: &It) -> Vec<String> {
        if self == Self::Nobody {
            return by_socket(kinds, "60099", "192.0.2.77");
        }
        let mut asked: BTreeMap<&[Fact], Vec<&str>> = BTreeMap::new();
        for kind in kinds {
            asked.entry(self.asks(*kind)).or_default().push(kind.name());
        }
        let several = asked.len() > 1;
        let all = asked.iter().map(|(facts, names)| {
            let mut sections: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for fact in *facts {
                let (section, text) = condition(*fact, it);
                sections.entry(section).or_default().push(text);
            }
            if several || facts.contains(&Fact::Listener) {
                sections.insert("listener", vec![format!("[{}]", names.join(", "))]);
            }
            let all: Vec<String> = sections
                .iter()
                .map(|(section, texts)| match *section {
                    "listener" | "source" => format!("{section}: {}", texts[0]),
                    section => format!("{section}: {{ {} }}", texts.join(", ")),
                })
                .collect();
            format!("{{ {} }}", all.join(", "))
        });
        all.collect()
    }
}

/// A user on unix sockets, addresses on TCP.
fn by_socket(kinds: &[Kind], uid: &str, sources: &str) -> Vec<String> {
    let mut all = Vec::new();
    if kinds.iter().any(|kind| kind.is_unix()) {
        all.push(format!("{{ peer: {{ uid: {uid} }} }}"));
    }
    if kinds.iter().any(|kind| !kind.is_unix()) {
        all.push(format!("{{ source: [{sources}] }}"));
    }
    all
}

/// How a `when` says it: the section, and what stands in it.
fn condition(fact: Fact, it: &It) -> (&'static str, String) {
    match fact {
        Fact::Listener => ("listener", String::new()), // the names come later
        // One of a list is enough.
        Fact::Uid => ("peer", format!("uid: [{}, 60098]", it.uid)),
        Fact::Gid => ("peer", format!("gid: {}", it.gid)),
        Fact::Source => ("source", format!("[192.0.2.0/24, {SOURCE}/32]")),
        Fact::Cn => ("tls", "cn: ci".to_owned()),
        Fact::Dns => ("tls", "dns: [other.example.org, ci.example.net]".to_owned()),
        Fact::Ip => ("tls", "ip: 192.0.2.1".to_owned()),
        Fact::Uri => ("tls", "uri: spiffe://example.net/ci".to_owned()),
        Fact::Key => ("tls", format!("key: 'sha256:{}'", it.key)),
        Fact::Name => ("container", "name: web".to_owned()),
        Fact::Id => ("container", format!("id: {}", "a".repeat(64))),
        Fact::Image => ("container", "image: 'ghcr.io/acme/web:1'".to_owned()),
        Fact::Labels => ("container", "labels: { role: web, tier: front }".to_owned()),
        Fact::Nobodys => unreachable!("it has a `when` of its own"),
    }
}

/// Where a `when` says it.
pub(crate) fn written(fact: Fact) -> Option<&'static str> {
    Some(match fact {
        Fact::Listener => "listener",
        Fact::Uid => "peer.uid",
        Fact::Gid => "peer.gid",
        Fact::Source => "source",
        Fact::Cn => "tls.cn",
        Fact::Dns => "tls.dns",
        Fact::Ip => "tls.ip",
        Fact::Uri => "tls.uri",
        Fact::Key => "tls.key",
        Fact::Name => "container.name",
        Fact::Id => "container.id",
        Fact::Image => "container.image",
        Fact::Labels => "container.labels",
        Fact::Nobodys => return None,
    })
}

//! A gate with a listener of each kind.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use rcgen::SanType;
use rustix::net::sockopt::set_ipv6_v6only;
use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
use serde_json::Value;
use tempfile::TempDir;

use super::certs::{Wanted, dns};
use super::containers::Engine;
use super::handed::hand_over;
use super::identities::Identity;
use super::kinds::Kind;
use super::logged::Logged;
use super::start::start;
use super::world::World;

/// Where a listener is.
pub(crate) enum At {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

/// A running gate.
pub(crate) struct Gate {
    folder: TempDir,
    pub(crate) engine: Engine,
    logged: Logged,
    places: HashMap<(Kind, bool), At>,
}

/// How a listener stands in the file, but for where it is.
pub(crate) fn listener(identity: Identity, kind: Kind, twin: bool, place: &str) -> String {
    let name = name(kind, twin);
    let mut text = format!("{{ name: {name}, {place}");
    if kind == Kind::Unix {
        text += ", mode: '0666'";
    }
    if let Some(tls) = kind.tls() {
        let _ = write!(
            text,
            ", tls: {{ cert: server.pem, key: server-key.pem{tls} }}"
        );
    }
    if identity.is_named() {
        text += if twin {
            ", client: beside"
        } else {
            ", client: it"
        };
    }
    text + " }"
}

/// The whole file.
pub(crate) fn file(
    listen: &[String],
    upstream: &Path,
    default: Option<&str>,
    clients: &str,
) -> String {
    let default = default.map_or(String::new(), |client| format!("default: {client}\n"));
    format!(
        "api: '1.51'\nlisten:\n- {}\nupstream: unix://{}\n{default}{clients}\
         policies:\n  info: {{ allow: [SystemInfo] }}\n  ping: {{ allow: [SystemPing] }}\n  \
         version: {{ allow: [SystemPing, SystemPingHead, SystemVersion] }}\n",
        listen.join("\n- "),
        upstream.display(),
    )
}

pub(crate) fn name(kind: Kind, twin: bool) -> String {
    let twin = if twin { "-twin" } else { "" };
    format!("{}{twin}", kind.name())
}

impl Gate {
    pub(crate) fn start(
        world: &World,
        identity: Identity,
        kinds: &[Kind],
        default: Option<&str>,
    ) -> Self {
        let clients = identity.clients(kinds, &world.it);
        Self::with(world, identity, kinds, default, &clients)
    }

    /// With these clients.
    pub(crate) fn with(
        world: &World,
        identity: Identity,
        kinds: &[Kind],
        default: Option<&str>,
        clients: &str,
    ) -> Self {
        static COUNT: AtomicU8 = AtomicU8::new(1);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        // Other users come here, too.
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        let upstream = path.join("engine.sock");
        let engine = Engine::default();
        engine.listen(&upstream);
        world.tell(&engine);
        // An address of its own, so that no two gates get the same port.
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        assert_ne!(count, 255);
        let host = [127, 10, std::process::id().to_le_bytes()[0], count];
        let mut names: Vec<SanType> = Kind::all()
            .flat_map(|kind| [dns(kind.name()), dns(&name(kind, true))])
            .collect();
        names.extend([dns("localhost"), SanType::IpAddress(IpAddr::from(host))]);
        let server = world.authority.issue(Wanted {
            others: names,
            server: true,
            ..Wanted::default()
        });
        server.write(path, "server");
        fs::write(path.join("ca.pem"), world.authority.pem()).unwrap();

        let mut places = HashMap::new();
        let mut listeners = Vec::new();
        let mut handed: Vec<(String, OwnedFd)> = Vec::new();
        let mut held = Vec::new();
        let twins: &[bool] = if identity.has_twins() {
            &[false, true]
        } else {
            &[false]
        };
        for kind in kinds {
            for twin in twins {
                let name = name(*kind, *twin);
                let file = path.join(format!("{name}.sock"));
                let at = if kind.is_unix() {
                    At::Unix(file.clone())
                } else {
                    let (free, address) = free(*kind, host.into());
                    if kind.is_handed_over() {
                        handed.push((name.clone(), free.into()));
                    } else {
                        held.push(free);
                    }
                    At::Tcp(address)
                };
                if kind.is_unix() && kind.is_handed_over() {
                    let listener = UnixListener::bind(&file).unwrap();
                    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
                    handed.push((name.clone(), listener.into()));
                }
                let place = match &at {
                    _ if kind.is_handed_over() => format!("systemd: {name}"),
                    At::Unix(path) => format!("unix: {}", path.display()),
                    At::Tcp(address) => format!("tcp: '{address}'"),
                };
                listeners.push(listener(identity, *kind, *twin, &place));
                places.insert((*kind, *twin), at);
            }
        }
        drop(held);
        let config = path.join("opgate.yaml");
        let text = file(&listeners, &upstream, default, clients);
        fs::write(&config, &text).unwrap();
        let sockets: Vec<(&str, OwnedFd)> = handed
            .iter()
            .map(|(name, socket)| (name.as_str(), socket.try_clone().unwrap()))
            .collect();
        let (before, _copies) = if sockets.is_empty() {
            (String::new(), Vec::new())
        } else {
            hand_over(&sockets)
        };
        let started = start(&config, &before).unwrap_or_else(|why| panic!("{why}\n{text}"));
        let (logged, _) = Logged::new(started);
        Self {
            folder,
            engine,
            logged,
            places,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn at(&self, kind: Kind, twin: bool) -> &At {
        &self.places[&(kind, twin)]
    }

    /// The next record of its log.
    pub(crate) fn record(&self) -> Value {
        serde_json::from_str(&self.logged.said("\"decision\":")).unwrap()
    }

    /// The next line of its log with this in it.
    pub(crate) fn said(&self, what: &str) -> String {
        self.logged.said(what)
    }
}

/// A socket at a free port, and how it is connected to.
fn free(kind: Kind, host: Ipv4Addr) -> (TcpListener, SocketAddr) {
    if kind == Kind::SystemdTcp
        && let Some((socket, port)) = mapped(host)
    {
        return (socket, (host, port).into());
    }
    let socket = TcpListener::bind(SocketAddr::from((host, 0))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// A socket of IPv6 that IPv4 comes by, where there is IPv6: who connects has an address
/// that is written in another way.
fn mapped(host: Ipv4Addr) -> Option<(TcpListener, u16)> {
    let socket = socket(AddressFamily::INET6, SocketType::STREAM, None).ok()?;
    set_ipv6_v6only(&socket, false).ok()?;
    let address = SocketAddr::from((host.to_ipv6_mapped(), 0));
    bind(&socket, &address).ok()?;
    listen(&socket, 64).ok()?;
    let socket = TcpListener::from(socket);
    let port = socket.local_addr().ok()?.port();
    Some((socket, port))
}

//! What a gate says of itself when it starts.
//!
//! Who comes in where and is given which policies, what of that is open to more than
//! was perhaps meant, what the gate gave up, and where the Engine is: as text for
//! whoever starts it, and as one line of JSON where the log is one.

use std::fmt;
use std::time::SystemTime;

use opgate::api::{NEWEST, OLDEST};
use opgate::confine::Report;
use opgate::gate::NOBODY;
use opgate::policy::{Address, Configuration, Engine, EngineAddress, Engines};
use opgate::proxy::MetricsListener;
use serde_json::{Map, Value, json};

use opgate::tls::ServerTls;

use super::super::log::timestamp;

/// What there is to say.
pub(super) struct Summary {
    /// The clients and the names of their policies.
    clients: Vec<(String, Vec<String>)>,
    /// The clients and where they come in.
    listeners: Vec<(String, Address, Option<&'static str>)>,
    /// The Engines, and for each the clients that it is the one of.
    engines: Vec<(Engine, Vec<String>)>,
    source: Source,
    /// Where the metrics are told, and whether to other machines.
    metrics: Option<(String, bool)>,
    confinement: Report,
}

/// Who says where the Engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    File,
    Environment,
}

impl Source {
    /// Of a configuration as it was read.
    pub(super) fn of(configuration: &Configuration) -> Self {
        if configuration.engines.by_environment() {
            Self::Environment
        } else {
            Self::File
        }
    }
}

impl Summary {
    /// Of a configuration whose listeners are still to be opened.
    pub(super) fn new(configuration: &Configuration, source: Source, confinement: Report) -> Self {
        let clients = configuration.policies.given();
        Self {
            clients: clients
                .map(|(client, policies)| {
                    let policies = policies.iter().map(ToString::to_string);
                    (client.to_owned(), policies.collect())
                })
                .collect(),
            listeners: Vec::new(),
            engines: with_clients(configuration),
            source,
            metrics: None,
            confinement,
        }
    }

    /// A client's listener is open here.
    pub(super) fn listening(&mut self, client: &str, address: &Address, tls: Option<&ServerTls>) {
        let asked = tls.map(ServerTls::asked);
        self.listeners
            .push((client.to_owned(), address.clone(), asked));
    }

    /// The metrics are told here.
    pub(super) fn telling(&mut self, metrics: &MetricsListener) {
        self.metrics = Some((metrics.to_string(), metrics.is_open()));
    }

    /// All of it: for people, and on no terminal for programs as well. The last line
    /// says that clients can come.
    pub(super) fn text(&self, terminal: bool) -> String {
        let json = if terminal {
            String::new()
        } else {
            self.json() + "\n"
        };
        let source = match self.source {
            Source::File => "",
            Source::Environment => " (by DOCKER_HOST)",
        };
        let several = self.engines.len() > 1;
        let engines = self.engines.iter().map(|(engine, clients)| {
            let address = shown(&engine.address);
            match clients.as_slice() {
                [] if several => format!("{address} for nobody"),
                clients if several => format!("{address} for {}", clients.join(", ")),
                _ => format!("{address}{source}"),
            }
        });
        let engines = engines.collect::<Vec<_>>().join("; at ");
        format!("{self}{json}opgate: Engine at {engines}, API versions {OLDEST} to {NEWEST}\n")
    }

    /// One line, for programs.
    fn json(&self) -> String {
        let listeners = self.listeners.iter().map(|(client, address, tls)| {
            let mut listener = json!({ "client": client, "address": address.to_string() });
            if let (Address::Unix { mode, .. }, Some(map)) = (address, listener.as_object_mut()) {
                map.insert("mode".to_owned(), format!("{mode:04o}").into());
            }
            if let (Some(asked), Some(map)) = (tls, listener.as_object_mut()) {
                map.insert("tls".to_owned(), json!({ "client_certificates": asked }));
            }
            if let (Some(insecure), Some(map)) =
                (open_to(address, tls.is_some()), listener.as_object_mut())
            {
                map.insert("insecure".to_owned(), insecure.into());
            }
            listener
        });
        let clients = self.clients.iter();
        let clients: Map<String, Value> = clients
            .map(|(client, policies)| (client.clone(), policies.clone().into()))
            .collect();
        let measures = self.confinement.measures().iter();
        let confinement: Map<String, Value> = measures
            .map(|(measure, state)| (measure.name().to_owned(), state.to_string().into()))
            .collect();
        let engines = self
            .engines
            .iter()
            .map(|(engine, _)| engine.address.to_string());
        let engines: Vec<String> = engines.collect();
        let mut start = json!({
            "time": timestamp(SystemTime::now()),
            "event": "start",
            "version": env!("CARGO_PKG_VERSION"),
            "listeners": listeners.collect::<Vec<_>>(),
            "clients": clients,
            "upstreams": engines,
            "api": { "oldest": OLDEST.to_string(), "newest": NEWEST.to_string() },
            "confinement": confinement,
        });
        if let (Some((place, _)), Some(map)) = (&self.metrics, start.as_object_mut()) {
            map.insert("metrics".to_owned(), place.as_str().into());
        }
        start.to_string()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (client, address, tls) in &self.listeners {
            match client.as_str() {
                NOBODY => write!(f, "opgate: clients by their `when` at {address}")?,
                client => write!(f, "opgate: client {client} at {address}")?,
            }
            match address {
                Address::Unix { mode, .. } => writeln!(f, " (mode {mode:04o})")?,
                Address::Tcp(_) | Address::Systemd { .. } => match tls {
                    Some(asked) => writeln!(f, " (TLS, client certificates {asked})")?,
                    None => writeln!(f)?,
                },
            }
        }
        for (client, policies) in &self.clients {
            let policies = match policies.as_slice() {
                [] => "no policies: everything is refused".to_owned(),
                [one] => format!("the policy {one}"),
                more => format!("the policies {}", more.join(", ")),
            };
            writeln!(f, "opgate: client {client} has {policies}")?;
        }
        for (_, address, tls) in &self.listeners {
            if let Some(open) = open_to(address, tls.is_some()) {
                writeln!(f, "opgate: insecure: {address} is {open}")?;
            }
        }
        if let Some((place, open)) = &self.metrics {
            writeln!(f, "opgate: metrics at {place}")?;
            if *open {
                writeln!(
                    f,
                    "opgate: insecure: {place} tells other machines the metrics, without TLS"
                )?;
            }
        }
        for (engine, _) in &self.engines {
            if let Some(insecure) = called(&engine.address) {
                writeln!(f, "opgate: insecure: {insecure}")?;
            }
        }
        for (measure, state) in self.confinement.measures() {
            writeln!(f, "opgate: confinement: {} {state}", measure.name())?;
        }
        Ok(())
    }
}

/// The Engines, each with the names of its clients.
fn with_clients(configuration: &Configuration) -> Vec<(Engine, Vec<String>)> {
    let Engines { all, of_clients } = &configuration.engines;
    let engines = all.iter().enumerate().map(|(place, engine)| {
        let clients = configuration.policies.given().zip(of_clients);
        let its = clients.filter(|(_, of)| **of == place);
        let names = its.map(|((client, _), _)| client.to_owned());
        (engine.clone(), names.collect())
    });
    engines.collect()
}

fn shown(address: &EngineAddress) -> String {
    match address {
        EngineAddress::Tls { .. } => format!("{address} with TLS"),
        EngineAddress::Unix(_) | EngineAddress::Tcp { .. } => address.to_string(),
    }
}

/// What of a configuration is open to more than was perhaps meant.
pub(super) fn insecure(configuration: &Configuration) -> Vec<String> {
    let listeners = configuration.listeners.iter();
    let listeners = listeners.filter_map(|one| {
        let open = open_to(&one.address, one.tls.is_some())?;
        Some(format!("{} is {open}", one.address))
    });
    let engines = configuration.engines.all.iter();
    let engines = engines.filter_map(|one| called(&one.address));
    listeners.chain(engines).collect()
}

/// Who can be an Engine beside it.
fn called(address: &EngineAddress) -> Option<String> {
    address.is_open().then(|| {
        format!("{address} is called without TLS: whoever is on the way can be the Engine")
    })
}

/// To whom a listener is open beyond those whom somebody has let in.
fn open_to(address: &Address, tls: bool) -> Option<&'static str> {
    Some(match address {
        Address::Unix { mode, .. } if mode & 0o002 != 0 => {
            "open to every user who can reach its folder"
        }
        Address::Unix { .. } | Address::Systemd { open: false, .. } => return None,
        Address::Tcp(_) | Address::Systemd { .. } if tls => return None,
        Address::Systemd { .. } => {
            "open to whom its unit says, other machines among them, without TLS"
        }
        Address::Tcp(address) if !address.ip().to_canonical().is_loopback() => {
            "open to other machines, and to whoever is on the way to read and write, without TLS"
        }
        Address::Tcp(_) => "open to every process of this host, without TLS",
    })
}

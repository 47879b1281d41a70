//! From a policy file as it is written to policies that can be decided by.
//!
//! Every name is resolved against the definitions and against the names of the
//! file; everything that is wrong is reported, with its place and the nearest
//! name. A file with a mistake makes no configuration at all.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_saphyr::Spanned;

use super::document::{ListenDocument, PolicyDocument};
use super::{Client, ClientRules, Place, Policies, Rules};
use crate::api::definition::ApiVersion;
use crate::api::{NEWEST, OLDEST, Operation};
use crate::diagnostic::{Diagnostic, Diagnostics, nearest};

/// The mode of a socket where the file says nothing.
const MODE: u32 = 0o660;

/// What a file configures.
#[derive(Debug)]
pub struct Configuration {
    /// The listeners. The policies know their clients by this order.
    pub listeners: Vec<Listener>,
    /// The Engine's socket.
    pub upstream: PathBuf,
    /// The policies.
    pub policies: Policies,
}

/// A listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
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

/// Reads and resolves a file.
pub fn resolve(file: &str, text: &str) -> Result<Configuration, Diagnostics> {
    let document: PolicyDocument = serde_saphyr::from_str(text).map_err(|error| {
        let place = error
            .location()
            .map_or((1, 1), |place| (place.line(), place.column()));
        let message = error.without_snippet().to_string();
        Diagnostics::one(file, text, Diagnostic::new(place, message))
    })?;
    let mut resolver = Resolver {
        file,
        found: Vec::new(),
    };
    let configuration = resolver.document(&document);
    match configuration {
        Some(configuration) if resolver.found.is_empty() => Ok(configuration),
        _ => Err(Diagnostics::new(file, text, resolver.found)),
    }
}

struct Resolver<'f> {
    file: &'f str,
    found: Vec<Diagnostic>,
}

fn place<T>(spanned: &Spanned<T>) -> (u64, u64) {
    (spanned.referenced.line(), spanned.referenced.column())
}

impl Resolver<'_> {
    fn report<T>(&mut self, at: &Spanned<T>, message: String, help: Option<String>) {
        let mut diagnostic = Diagnostic::new(place(at), message);
        diagnostic.help = help;
        self.found.push(diagnostic);
    }

    fn document(&mut self, document: &PolicyDocument) -> Option<Configuration> {
        let mut clients = Vec::with_capacity(document.clients.len());
        for (name, client) in &document.clients {
            let mut rules = vec![Rules::default(); Operation::ALL.len()];
            for policy in &client.policies {
                let Some(document) = document.policies.get(&policy.value) else {
                    let names = document.policies.keys().map(String::as_str);
                    let help = nearest(&policy.value, names);
                    let message = format!("there is no policy `{}`", policy.value);
                    self.report(policy, message, help);
                    continue;
                };
                self.rules(&document.allow, &mut rules, |rules| &mut rules.allow);
                self.rules(&document.deny, &mut rules, |rules| &mut rules.deny);
            }
            clients.push(ClientRules {
                name: name.clone(),
                rules,
            });
        }
        // Policies that no client has are checked all the same.
        for (name, policy) in &document.policies {
            let used = document
                .clients
                .values()
                .any(|client| client.policies.iter().any(|used| used.value == *name));
            if !used {
                let mut rules = vec![Rules::default(); Operation::ALL.len()];
                self.rules(&policy.allow, &mut rules, |rules| &mut rules.allow);
                self.rules(&policy.deny, &mut rules, |rules| &mut rules.deny);
            }
        }
        self.api(&document.api);
        let (listeners, of) = self.listeners(document);
        let upstream = self.upstream(&document.upstream);
        self.found.sort_by_key(|diagnostic| diagnostic.place);
        self.found.dedup();
        Some(Configuration {
            listeners,
            upstream: upstream?,
            policies: Policies {
                clients,
                listeners: of,
            },
        })
    }

    fn rules(
        &mut self,
        names: &[Spanned<String>],
        rules: &mut [Rules],
        part: impl Fn(&mut Rules) -> &mut Option<Place>,
    ) {
        for name in names {
            let Some(operation) = Operation::from_name(&name.value) else {
                let names = Operation::ALL.iter().map(|operation| operation.name());
                let help = nearest(&name.value, names);
                let message = format!("there is no operation `{}`", name.value);
                self.report(name, message, help);
                continue;
            };
            // An operation with variants stands for all of them.
            let definition = operation.definition();
            let whole = std::iter::once(definition).chain(definition.variants());
            for definition in whole {
                let place = Place {
                    file: self.file.to_owned(),
                    line: place(name).0,
                };
                if let Some(rules) = rules.get_mut(usize::from(definition.index)) {
                    part(rules).get_or_insert(place);
                }
            }
        }
    }

    fn listeners(&mut self, document: &PolicyDocument) -> (Vec<Listener>, Vec<Client>) {
        let mut listeners: Vec<Listener> = Vec::new();
        let mut of = Vec::new();
        for listen in &document.listen {
            let names: Vec<&str> = document.clients.keys().map(String::as_str).collect();
            let client = names.iter().position(|name| *name == listen.client.value);
            if client.is_none() {
                let message = format!("there is no client `{}`", listen.client.value);
                let help = nearest(&listen.client.value, names.into_iter());
                self.report(&listen.client, message, help);
            }
            if let Some((at, address)) = self.address(listen) {
                let same = |other: &Listener| match (&other.address, &address) {
                    (Address::Unix { path: a, .. }, Address::Unix { path: b, .. }) => a == b,
                    (a, b) => a == b,
                };
                if listeners.iter().any(same) {
                    let message = "another listener has the same address".to_owned();
                    self.report(at, message, None);
                }
                listeners.push(Listener { address });
            }
            of.extend(client.map(Client));
        }
        if document.listen.is_empty() {
            self.found.push(Diagnostic::new(
                (1, 1),
                "`listen` is empty: nobody could call",
            ));
        }
        (listeners, of)
    }

    fn address<'d>(
        &mut self,
        listen: &'d ListenDocument,
    ) -> Option<(&'d Spanned<String>, Address)> {
        match (&listen.unix, &listen.tcp) {
            (Some(unix), None) => {
                let mode = match &listen.mode {
                    None => MODE,
                    Some(mode) => self.mode(mode),
                };
                let path = PathBuf::from(&unix.value);
                if !path.is_absolute() {
                    let message = "the path of a socket must be absolute".to_owned();
                    self.report(unix, message, None);
                }
                Some((unix, Address::Unix { path, mode }))
            }
            (None, Some(tcp)) => match tcp.value.parse::<SocketAddr>() {
                Ok(address) if address.ip().is_loopback() => Some((tcp, Address::Tcp(address))),
                Ok(_) => {
                    let message = "plain TCP is for loopback only".to_owned();
                    self.report(tcp, message, None);
                    None
                }
                Err(_) => {
                    let message = format!("`{}` is not an address and a port", tcp.value);
                    let help = Some("write `127.0.0.1:2375`".to_owned());
                    self.report(tcp, message, help);
                    None
                }
            },
            _ => {
                let message = "a listener has `unix` or `tcp`, one of them".to_owned();
                self.report(&listen.client, message, None);
                None
            }
        }
    }

    fn api(&mut self, level: &Spanned<String>) {
        let known = level
            .value
            .strip_prefix("1.")
            .and_then(|minor| minor.parse().ok())
            .map(ApiVersion)
            .filter(|version| (OLDEST..=NEWEST).contains(version));
        if known.is_none() {
            let message = format!("`{}` is not an API level that opgate knows", level.value);
            let help = Some(format!("write one from \"{OLDEST}\" to \"{NEWEST}\""));
            self.report(level, message, help);
        }
    }

    fn mode(&mut self, mode: &Spanned<String>) -> u32 {
        match u32::from_str_radix(&mode.value, 8) {
            Ok(bits) if bits <= 0o777 => bits,
            _ => {
                let message = format!("`{}` is not the mode of a socket", mode.value);
                let help = Some("write three octal digits, such as \"0660\"".to_owned());
                self.report(mode, message, help);
                MODE
            }
        }
    }

    fn upstream(&mut self, upstream: &Spanned<String>) -> Option<PathBuf> {
        let path = upstream
            .value
            .strip_prefix("unix://")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        if path.is_none() {
            let message = "the upstream must be a unix socket".to_owned();
            let help = Some("write `unix:///var/run/docker.sock`".to_owned());
            self.report(upstream, message, help);
        }
        path
    }
}

//! The Engines, and which client's requests go to which.
//!
//! INVARIANT: an Engine at plain TCP beyond loopback is one that the file calls
//! insecure.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Resolver;
use crate::diagnostic::{Code, Span, nearest};
use crate::policy::callers::Callers;
use crate::policy::document::{ClientDocument, PolicyDocument};
use crate::policy::engines::{Engine, EngineAddress, Engines};
use crate::policy::yaml::{Entry, Kind, Name, Node};
use crate::tls::ClientFiles;

const FORMS: &str =
    "write `unix:///var/run/docker.sock`, `tcp://HOST:PORT`, or a map with `unix` or `tcp`";

/// How many names of Engines are shown to choose from.
const SHOWN: usize = 8;

impl Resolver {
    /// The Engines, and the one of each client. Nothing where one cannot be told.
    pub(super) fn engines(&mut self, document: &PolicyDocument) -> Option<Engines> {
        let mut all: Vec<Option<Engine>> = Vec::new();
        if let Some(node) = &document.upstream {
            let address = self.engine(node);
            all.push(address.map(|address| Engine {
                name: None,
                address,
            }));
        }
        let unnamed = all.len();
        for Entry { key, value } in &document.upstreams {
            let name = Some(Arc::from(key.text.as_str()));
            let address = self.engine(value);
            all.push(address.map(|address| Engine { name, address }));
        }
        let has = |key: &str| document.keys.iter().any(|there| there == key);
        let by_environment = !has("upstream") && !has("upstreams");
        let mut of_clients = Vec::with_capacity(document.clients.len());
        for client in &document.clients {
            of_clients.push(match &client.upstream {
                Some(name) => self
                    .engine_named(document, name)
                    .map(|place| place + unnamed),
                None if unnamed > 0 || by_environment => Some(0),
                None => {
                    if !has("upstream") {
                        self.without(client);
                    }
                    None
                }
            });
        }
        self.unused_engines(document, unnamed, &of_clients);
        Some(Engines {
            all: all.into_iter().collect::<Option<_>>()?,
            of_clients: of_clients.into_iter().collect::<Option<_>>()?,
        })
    }

    /// Whose container a caller is in is told by one Engine at each listener: by another
    /// one's, the same name or label may be somebody else's.
    pub(super) fn one_engine_knows(
        &mut self,
        document: &PolicyDocument,
        callers: &Callers,
        engines: &Engines,
    ) {
        let mut reported = Vec::new();
        for place in 0..callers.listeners.len() {
            let mut clients = callers.contained(place);
            let Some(first) = clients.next() else {
                continue;
            };
            let other = clients.find(|one| engines.place(*one) != engines.place(first));
            let Some(client) = other else {
                continue;
            };
            let written = document.clients.get(client.0);
            let Some(when) = written.and_then(|client| client.when.as_ref()) else {
                continue;
            };
            if reported.contains(&client.0) {
                continue;
            }
            reported.push(client.0);
            let message = "the containers of a listener's callers must be those of one Engine";
            let help = "give clients with `container` the same `upstream`, or a listener each, by `listener` in their `when`";
            self.report(Code::When, when.key.span, message, help.to_owned());
        }
    }

    /// The place in `upstreams` of the Engine of this name.
    fn engine_named(&mut self, document: &PolicyDocument, name: &Name) -> Option<usize> {
        let names = || document.upstreams.iter().map(|one| one.key.text.as_str());
        let place = names().position(|one| one == name.text);
        if place.is_none() {
            let message = format!("there is no upstream `{}`", name.text);
            let help = nearest(&name.text, names()).unwrap_or_else(|| {
                let mut known: Vec<&str> = names().take(SHOWN + 1).collect();
                if known.len() > SHOWN {
                    known.truncate(SHOWN);
                    known.push("…");
                }
                match known.as_slice() {
                    [] => "name it in `upstreams`".to_owned(),
                    known => format!("`upstreams` has {}", known.join(", ")),
                }
            });
            self.report(Code::Upstream, name.span, message, help);
        }
        place
    }

    /// A client names no Engine, and the file has none for all.
    fn without(&mut self, client: &ClientDocument) {
        let name = &client.name;
        let message = format!("client `{}` has no upstream", name.text);
        let help = "name one of `upstreams` in the client, or write `upstream` for all".to_owned();
        self.report(Code::Upstream, name.span, message, help);
    }

    fn unused_engines(
        &mut self,
        document: &PolicyDocument,
        unnamed: usize,
        of_clients: &[Option<usize>],
    ) {
        if document.clients.is_empty() {
            return;
        }
        if let Some(node) = &document.upstream
            && !of_clients.contains(&Some(0))
        {
            let help = "leave it out: each client names another";
            let message = "no client uses this `upstream`";
            self.warn(Code::Unused, node.span, message, help);
        }
        for (place, Entry { key, .. }) in document.upstreams.iter().enumerate() {
            if !of_clients.contains(&Some(place + unnamed)) {
                let message = format!("upstream `{}` belongs to no client", key.text);
                let help = "name it as the `upstream` of a client";
                self.warn(Code::Unused, key.span, message, help);
            }
        }
    }

    /// An address in one of its forms.
    fn engine(&mut self, node: &Node) -> Option<EngineAddress> {
        match &node.kind {
            Kind::Text(text) => {
                let address = self.engine_address(node.span, EngineAddress::parse(text))?;
                self.secure(node.span, address, false)
            }
            Kind::Map(_) => self.engine_map(node),
            _ => {
                (self.reader()).expected_or(node, "the address of an Engine", Some(FORMS));
                None
            }
        }
    }

    fn engine_map(&mut self, node: &Node) -> Option<EngineAddress> {
        let (mut unix, mut tcp, mut tls, mut insecure) = (None, None, None, None);
        let mut whole = true;
        let mut reader = self.reader();
        for entry in reader.map(node, &["unix", "tcp", "tls", "insecure"]) {
            match entry.key.text.as_str() {
                "unix" => unix = Some(reader.text(&entry.value)),
                "tcp" => tcp = Some(reader.text(&entry.value)),
                "tls" => tls = Some(entry),
                _ => {
                    if let Kind::Bool(value) = entry.value.kind {
                        insecure = Some((entry.key.span, value));
                    } else {
                        reader.expected(&entry.value, "true or false");
                        whole = false;
                    }
                }
            }
        }
        let address = match (unix, tcp) {
            (Some(unix), None) => {
                let unix = unix?;
                let odd = tls
                    .map(|entry| entry.key.span)
                    .or(insecure.map(|(span, _)| span));
                if let Some(span) = odd {
                    let message = "`tls` and `insecure` are for `tcp`";
                    self.report(Code::Upstream, span, message, None);
                }
                return self.engine_address(unix.span, EngineAddress::unix(&unix.text));
            }
            (None, Some(tcp)) => {
                let tcp = tcp?;
                let address = self.engine_address(tcp.span, EngineAddress::tcp(&tcp.text));
                (tcp.span, address)
            }
            _ => {
                let message = "an upstream has `unix` or `tcp`, one of them";
                self.report(Code::Upstream, node.span, message, FORMS.to_owned());
                return None;
            }
        };
        let insecure = insecure.filter(|(_, insecure)| *insecure);
        let Some(tls) = tls else {
            let (span, address) = address;
            return self
                .secure(span, address?, insecure.is_some())
                .filter(|_| whole);
        };
        if let Some((span, _)) = insecure {
            let message = "an upstream has `tls` or is `insecure`, not both";
            self.report(Code::Upstream, span, message, None);
        }
        let files = self.client_files(tls);
        match address.1? {
            EngineAddress::Tcp { host, port } => Some(EngineAddress::Tls {
                host,
                port,
                files: files?,
            }),
            _ => None,
        }
    }

    /// The files of TLS, by paths that hold wherever the gate is started.
    fn client_files(&mut self, tls: &Entry) -> Option<ClientFiles> {
        let keys = ["ca", "cert", "key"];
        let mut found: [Option<Name>; 3] = [None, None, None];
        let mut reader = self.reader();
        let entries = reader.map(&tls.value, &keys);
        let mut lacking = Vec::new();
        for (name, place) in keys.iter().zip(&mut found) {
            match entries.iter().find(|entry| entry.key.text == *name) {
                Some(entry) => *place = reader.text(&entry.value),
                None => lacking.push(format!("`{name}`")),
            }
        }
        if !lacking.is_empty() {
            let message = format!("there is no {} in `tls`", lacking.join(", no "));
            let help = "write `tls: { ca: ca.pem, cert: cert.pem, key: key.pem }`".to_owned();
            self.report(Code::Upstream, tls.key.span, message, help);
        }
        let [ca, cert, key] = found.map(|name| name.and_then(|name| self.file_of(&name)));
        Some(ClientFiles {
            ca: ca?,
            cert: cert?,
            key: key?,
        })
    }

    /// The path of a file that a policy file names, relative to that.
    fn file_of(&mut self, name: &Name) -> Option<PathBuf> {
        if name.text.is_empty() {
            self.report(Code::Upstream, name.span, "this is no path of a file", None);
            return None;
        }
        let by = self.files.place(name.span).file;
        Some(match Path::new(&*by).parent() {
            Some(folder) => folder.join(&name.text),
            None => PathBuf::from(&name.text),
        })
    }

    fn engine_address(
        &mut self,
        span: Span,
        read: Result<EngineAddress, (String, Option<String>)>,
    ) -> Option<EngineAddress> {
        read.map_err(|(message, help)| self.report(Code::Upstream, span, message, help))
            .ok()
    }

    /// An address, unless everybody on the way could be the Engine and nobody said that
    /// this is so.
    fn secure(
        &mut self,
        span: Span,
        address: EngineAddress,
        insecure: bool,
    ) -> Option<EngineAddress> {
        if address.is_open() && !insecure {
            let message = "plain TCP to an Engine is for loopback only";
            let help = "whoever is on the way can be the Engine: write `{ tcp: HOST:PORT, tls: { ca: …, cert: …, key: … } }`, or `insecure: true` instead of `tls`";
            self.report(Code::Upstream, span, message, help.to_owned());
            return None;
        }
        Some(address)
    }
}

//! A `when` as it is written → conditions.

use std::io;
use std::net::IpAddr;

use super::{Resolver, is_empty};
use crate::diagnostic::{Code, Span, nearest};
use crate::format::{Cidr, ImageReference, ip_address, is_full_id};
use crate::identity::conditions::{Conditions, ContainerConditions, Network, TlsConditions};
use crate::identity::{image_name, names};
use crate::policy::document::ListenDocument;
use crate::policy::yaml::{Entry, Kind, Node};

/// What a `when` is made of.
const CONDITIONS: [&str; 5] = ["listener", "tls", "peer", "source", "container"];

impl Resolver {
    /// The alternatives of a `when`, each with its place.
    pub(super) fn when(
        &mut self,
        when: &Entry,
        listeners: &[&ListenDocument],
    ) -> Vec<(Span, Conditions)> {
        let nodes = match &when.value.kind {
            Kind::List(nodes) if !nodes.is_empty() => nodes.as_slice(),
            _ => std::slice::from_ref(&when.value),
        };
        let mut all = Vec::with_capacity(nodes.len());
        for node in nodes {
            // One that stands alone is best shown by its key.
            let alone = nodes.len() == 1;
            let span = if alone { when.key.span } else { node.span };
            if is_empty(&node.kind) {
                let message = "`when` says nothing, and so fits nobody";
                let help = format!(
                    "write one of {}; or leave `when` out",
                    CONDITIONS.join(", ")
                );
                self.report(Code::When, span, message, help);
                continue;
            }
            if let Some(conditions) = self.alternative(node, listeners) {
                all.push((span, conditions));
            }
        }
        all
    }

    /// Nothing where something is wrong: what is left of it would fit more callers.
    fn alternative(&mut self, node: &Node, listeners: &[&ListenDocument]) -> Option<Conditions> {
        let before = self.found.len();
        let mut conditions = Conditions::default();
        for entry in self.reader().map(node, &CONDITIONS) {
            let Entry { key, value } = entry;
            match key.text.as_str() {
                "listener" => {
                    let places =
                        self.each(value, |this, node| this.listener_named(node, listeners));
                    conditions.listeners = places;
                }
                "source" => conditions.sources = self.each(value, Self::network),
                "peer" => {
                    for entry in self.filled(value, &["uid", "gid"]) {
                        if entry.key.text == "uid" {
                            conditions.uids = self.each(&entry.value, |this, node| {
                                this.account(node, "user", names::user)
                            });
                        } else {
                            conditions.gids = self.each(&entry.value, |this, node| {
                                this.account(node, "group", names::group)
                            });
                        }
                    }
                }
                "tls" => conditions.tls = Some(self.tls_conditions(value)),
                _ => conditions.container = Some(self.container_conditions(value)),
            }
        }
        let is_error = |one: &crate::diagnostic::Diagnostic| {
            one.severity == crate::diagnostic::Severity::Error
        };
        let wrong = self.found.iter().skip(before).any(is_error);
        (!wrong && conditions != Conditions::default()).then_some(conditions)
    }

    fn tls_conditions(&mut self, node: &Node) -> TlsConditions {
        let mut tls = TlsConditions::default();
        for Entry { key, value } in self.filled(node, &["cn", "dns", "ip", "uri", "key"]) {
            match key.text.as_str() {
                "cn" => tls.cn = self.each(value, Self::word),
                "dns" => tls.dns = self.each(value, Self::dns_name),
                "ip" => tls.ip = self.each(value, Self::address),
                "uri" => tls.uri = self.each(value, Self::word),
                _ => tls.key = self.each(value, Self::key_hash),
            }
        }
        tls
    }

    fn container_conditions(&mut self, node: &Node) -> ContainerConditions {
        let mut container = ContainerConditions::default();
        for Entry { key, value } in self.filled(node, &["name", "id", "image", "labels"]) {
            match key.text.as_str() {
                "name" => container.name = self.each(value, Self::container_name),
                "id" => container.id = self.each(value, Self::container_id),
                "image" => container.image = self.each(value, Self::image_reference),
                _ => {
                    if is_empty(&value.kind) {
                        self.says_nothing(value.span);
                    }
                    for Entry { key, value } in self.reader().entries(value) {
                        if let Some(text) = self.reader().text(value) {
                            container.labels.insert(key.text.clone(), text.text);
                        }
                    }
                }
            }
        }
        container
    }

    /// The entries of a map that must have some.
    fn filled<'n>(&mut self, node: &'n Node, keys: &[&str]) -> Vec<&'n Entry> {
        if is_empty(&node.kind) {
            self.says_nothing(node.span);
            return Vec::new();
        }
        self.reader().map(node, keys)
    }

    fn says_nothing(&mut self, span: Span) {
        let message = "this condition says nothing";
        let help = "say what it is to be, or leave the condition out".to_owned();
        self.report(Code::When, span, message, help);
    }

    /// A value, or the values of a list.
    fn each<T>(
        &mut self,
        node: &Node,
        mut read: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) -> Option<Vec<T>> {
        if is_empty(&node.kind) {
            self.says_nothing(node.span);
            return None;
        }
        let nodes = match &node.kind {
            Kind::List(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(node),
        };
        Some(nodes.iter().filter_map(|node| read(self, node)).collect())
    }

    fn bad(&mut self, node: &Node, text: &str, what: &str, help: &str) {
        let message = format!("`{text}` is not {what}");
        self.report(Code::When, node.span, message, help.to_owned());
    }

    /// A text that is there.
    fn word(&mut self, node: &Node) -> Option<String> {
        let text = self.reader().text(node)?.text;
        if text.is_empty() {
            self.says_nothing(node.span);
            return None;
        }
        Some(text)
    }

    fn listener_named(&mut self, node: &Node, listeners: &[&ListenDocument]) -> Option<usize> {
        let text = self.word(node)?;
        let mut names = listeners.iter().map(|one| one.name.as_ref());
        let place = names.position(|name| name.is_some_and(|name| name.text == text));
        if place.is_none() {
            let names = listeners.iter().filter_map(|one| one.name.as_ref());
            let help = nearest(&text, names.map(|name| name.text.as_str()))
                .unwrap_or_else(|| "give a listener a name: `- name: NAME`".to_owned());
            let message = format!("there is no listener `{text}`");
            self.report(Code::When, node.span, message, help);
        }
        place
    }

    fn network(&mut self, node: &Node) -> Option<Network> {
        let text = self.word(node)?;
        let cidr = match ip_address(&text) {
            Ok(address) => Ok(Cidr {
                address,
                prefix: if address.is_ipv4() { 32 } else { 128 },
            }),
            Err(_) => Cidr::parse(&text),
        };
        if cidr.is_err() {
            self.bad(node, &text, "a subnet", "write one such as `10.0.0.0/8`");
        }
        cidr.ok().map(Network::of)
    }

    /// A user or group by number or name. A name that is not known here fits nobody.
    pub(in crate::policy::resolve) fn account(
        &mut self,
        node: &Node,
        what: &str,
        look: fn(&str) -> io::Result<Option<u32>>,
    ) -> Option<u32> {
        if let Kind::Int(number) = node.kind {
            // The last number means nobody to the kernel.
            let known = u32::try_from(number).ok().filter(|one| *one != u32::MAX);
            if known.is_none() {
                let help = format!("numbers of {what}s are from 0 to {}", u32::MAX - 1);
                self.bad(node, &number.to_string(), &format!("a {what}"), &help);
            }
            return known;
        }
        let text = self.word(node)?;
        self.accounts = true;
        let reason = match look(&text) {
            Ok(Some(number)) => return Some(number),
            Ok(None) => format!("there is no {what} `{text}` on this machine"),
            Err(error) => {
                let error = error.to_string();
                let error = error.split(" (os error").next().unwrap_or_default();
                format!("the {what} `{text}` cannot be looked up: {error}")
            }
        };
        let help = "`opgate run` needs to know it: write its number where no file of this machine has its name";
        self.warn(Code::UnknownUser, node.span, reason, help);
        None
    }

    fn dns_name(&mut self, node: &Node) -> Option<String> {
        let text = self.word(node)?;
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        if text.len() > 253 || !text.split('.').all(label) {
            let help = "write the whole name, without patterns and without a dot at its end";
            self.bad(node, &text, "the name of a host", help);
            return None;
        }
        Some(text.to_ascii_lowercase())
    }

    fn address(&mut self, node: &Node) -> Option<IpAddr> {
        let text = self.word(node)?;
        let address = ip_address(&text);
        if address.is_err() {
            self.bad(node, &text, "an IP address", "write one such as `10.0.0.1`");
        }
        address.ok().map(|address| address.to_canonical())
    }

    fn key_hash(&mut self, node: &Node) -> Option<[u8; 32]> {
        let text = self.word(node)?;
        let key = digest(text.strip_prefix("sha256:").unwrap_or(&text));
        if key.is_none() {
            let help =
                "write the 64 hexadecimal digits of the SHA-256 of the public key, in quotes";
            self.bad(node, &text, "the hash of a key", help);
        }
        key
    }

    fn container_name(&mut self, node: &Node) -> Option<String> {
        let text = self.word(node)?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if !text.bytes().all(fits) {
            let help = "write it as `docker ps` shows it, without a slash before it";
            self.bad(node, &text, "the name of a container", help);
            return None;
        }
        Some(text)
    }

    fn container_id(&mut self, node: &Node) -> Option<String> {
        let text = self.word(node)?;
        if !is_full_id(&text) {
            let help = "write all 64 digits: `docker inspect` shows them";
            self.bad(node, &text, "the whole id of a container", help);
            return None;
        }
        Some(text)
    }

    fn image_reference(&mut self, node: &Node) -> Option<String> {
        let text = self.word(node)?;
        let image = image_name(&text);
        if image.is_none() {
            let help = match ImageReference::parse(&text) {
                Ok(_) => {
                    "an id is not what a container says of its image: write the reference that it was made of"
                }
                Err(_) => "write a reference such as `docker.io/library/alpine:3`",
            };
            self.bad(node, &text, "the name of an image", help);
        }
        image
    }
}

/// 64 hexadecimal digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    let pairs = text.as_bytes().chunks_exact(2);
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let high = char::from(*pair.first()?).to_digit(16)?;
        let low = char::from(*pair.get(1)?).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(bytes)
}

//! A policy file as it is written: its sections, every name with its place.
//!
//! Takes the tree of [`yaml`](super::yaml) apart and reports keys that are
//! unknown, repeated or missing, and values of the wrong type. What a name or a
//! condition means is not looked at here (see [`resolve`](super::resolve)):
//! conditions stay trees, because only an operation's definition can read them.

use std::collections::HashMap;

use super::confinement::ConfineDocument;
use super::metrics::MetricsDocument;
use super::yaml::{Entry, Kind, Name, Node};
use crate::diagnostic::{Code, Diagnostic, Span, nearest};
use crate::request::Older;

/// A policy file.
#[derive(Debug, Default)]
pub(crate) struct PolicyDocument {
    /// The API level that the file is read as of.
    pub(crate) api: Option<Name>,
    /// Where clients come in.
    pub(crate) listen: Vec<ListenDocument>,
    /// The Engine of clients that name none.
    pub(crate) upstream: Option<Node>,
    /// Engines by name.
    pub(crate) upstreams: Vec<Entry>,
    /// Who they are.
    pub(crate) clients: Vec<ClientDocument>,
    /// The client of whoever fits none.
    pub(crate) default: Option<Name>,
    /// What they may do.
    pub(crate) policies: Vec<PolicyRulesDocument>,
    /// What shows that they do.
    pub(crate) tests: Vec<TestDocument>,
    /// Lists of values that rules name.
    pub(crate) lists: Vec<ListDocument>,
    /// What is limited where a listener or client does not say so itself.
    pub(crate) limits: Option<Node>,
    /// Files whose lists, policies, clients and tests are added.
    pub(crate) include: Vec<Name>,
    /// What the gate gives up.
    pub(crate) confine: Option<ConfineDocument>,
    /// Where the gate tells its numbers.
    pub(crate) metrics: Option<MetricsDocument>,
    /// The keys that are there, in the file or in those that it includes.
    pub(crate) keys: Vec<String>,
    /// Whether the file is a map, as it should be.
    pub(crate) is_map: bool,
}

/// The keys that a file must have, itself or by what it includes.
const NEEDED: [&str; 4] = ["api", "listen", "clients", "policies"];

/// How a client is written.
const CLIENT: &str = "write `clients: { NAME: { policies: [ … ] } }`";

/// How Engines are written.
const UPSTREAMS: &str = "write `upstreams: { NAME: unix:///run/NAME.sock }`";

/// The keys that a file can have.
const KEYS: [&str; 13] = [
    "api",
    "listen",
    "upstream",
    "upstreams",
    "clients",
    "default",
    "policies",
    "lists",
    "include",
    "tests",
    "limits",
    "confine",
    "metrics",
];

/// The keys of a listener.
const LISTENER: [&str; 11] = [
    "name", "unix", "tcp", "systemd", "tls", "insecure", "mode", "owner", "group", "client",
    "limits",
];

/// The keys of its certificates.
const TLS: [&str; 6] = [
    "cert",
    "key",
    "client_ca",
    "client_certs",
    "crl",
    "min_version",
];

/// A test.
#[derive(Debug)]
pub(crate) struct TestDocument {
    pub(crate) span: Span,
    pub(crate) name: Option<Name>,
    pub(crate) client: Option<Name>,
    pub(crate) request: Option<Node>,
    pub(crate) expect: Option<Node>,
}

/// A list of values by name.
#[derive(Debug)]
pub(crate) struct ListDocument {
    pub(crate) name: Name,
    pub(crate) nodes: Vec<Node>,
}

/// A listener.
#[derive(Debug)]
pub(crate) struct ListenDocument {
    pub(crate) span: Span,
    /// What clients call it.
    pub(crate) name: Option<Name>,
    /// The path of a unix socket.
    pub(crate) unix: Option<Name>,
    /// Or the address of a TCP socket.
    pub(crate) tcp: Option<Name>,
    /// Or the name of a socket that is handed over.
    pub(crate) systemd: Option<Name>,
    /// The certificates of a TCP socket.
    pub(crate) tls: Option<TlsDocument>,
    /// Whether plain TCP may be reached from other machines.
    pub(crate) insecure: Option<(Span, bool)>,
    /// The mode of a unix socket, in octal.
    pub(crate) mode: Option<Name>,
    /// Whose a unix socket is.
    pub(crate) owner: Option<Node>,
    pub(crate) group: Option<Node>,
    /// Whoever reaches this listener is this client.
    pub(crate) client: Option<Name>,
    pub(crate) limits: Option<Node>,
}

/// The certificates of a listener.
#[derive(Debug)]
pub(crate) struct TlsDocument {
    pub(crate) span: Span,
    pub(crate) cert: Option<Name>,
    pub(crate) key: Option<Name>,
    pub(crate) client_ca: Option<Name>,
    pub(crate) client_certs: Option<Name>,
    pub(crate) crl: Vec<Name>,
    pub(crate) min_version: Option<Name>,
}

/// A client.
#[derive(Debug)]
pub(crate) struct ClientDocument {
    pub(crate) name: Name,
    /// Names of its policies.
    pub(crate) policies: Vec<Name>,
    /// The name of its Engine.
    pub(crate) upstream: Option<Name>,
    /// Whether its requests for older versions are pinned.
    pub(crate) older: Older,
    /// Who is this client.
    pub(crate) when: Option<Entry>,
    pub(crate) limits: Option<Node>,
}

/// A policy.
#[derive(Debug)]
pub(crate) struct PolicyRulesDocument {
    pub(crate) name: Name,
    /// What is allowed.
    pub(crate) allow: Vec<RuleDocument>,
    /// What is denied, whatever allows it.
    pub(crate) deny: Vec<RuleDocument>,
}

/// A rule: an operation or a group, and what it says of them.
#[derive(Debug)]
pub(crate) struct RuleDocument {
    pub(crate) name: Name,
    pub(crate) conditions: Option<Node>,
}

/// Takes a file apart. What is wrong is added to `found`.
pub(crate) fn document(node: &Node, found: &mut Vec<Diagnostic>) -> PolicyDocument {
    let mut reader = Reader { found };
    let mut document = PolicyDocument {
        is_map: matches!(node.kind, Kind::Map(_)),
        ..PolicyDocument::default()
    };
    for entry in reader.map(node, &KEYS) {
        document.keys.push(entry.key.text.clone());
        match entry.key.text.as_str() {
            "api" => document.api = reader.written(&entry.value),
            "listen" => {
                let help = "write `- unix: /run/opgate/NAME.sock` and below it `client: NAME`";
                let listeners = reader.list_or(&entry.value, help);
                document.listen = listeners.iter().map(|node| reader.listener(node)).collect();
            }
            "upstream" => document.upstream = Some(entry.value.clone()),
            "upstreams" => {
                let entries = reader.entries_or(&entry.value, UPSTREAMS);
                document.upstreams = entries.into_iter().cloned().collect();
            }
            "clients" => {
                for entry in reader.entries_or(&entry.value, CLIENT) {
                    document.clients.push(reader.client(entry));
                }
            }
            "tests" => {
                let tests = reader.list(&entry.value);
                document.tests = tests.iter().map(|node| reader.test(node)).collect();
            }
            "default" => document.default = reader.text(&entry.value),
            "limits" => document.limits = Some(entry.value.clone()),
            "include" => document.include = reader.names(&entry.value),
            "confine" => document.confine = Some(reader.confine(entry)),
            "metrics" => document.metrics = Some(reader.metrics(entry)),
            "lists" => {
                for Entry { key, value } in reader.entries(&entry.value) {
                    document.lists.push(ListDocument {
                        name: key.clone(),
                        nodes: reader.list(value).to_vec(),
                    });
                }
            }
            _ => {
                for entry in reader.entries(&entry.value) {
                    document.policies.push(reader.policy(entry));
                }
            }
        }
    }
    document
}

/// Reports what a document lacks. A file that is empty or not a map lacks more than
/// keys.
pub(crate) fn missing_keys(document: &PolicyDocument, found: &mut Vec<Diagnostic>) {
    let mut reader = Reader { found };
    if !document.is_map {
        return;
    }
    for key in NEEDED {
        if !document.keys.iter().any(|there| there == key) {
            let newest = crate::api::NEWEST;
            let help = match key {
                "api" => {
                    format!("write `api: \"{newest}\"`, the level that the rules are written for")
                }
                "listen" => {
                    "write `listen: [{ unix: /run/opgate/NAME.sock, client: NAME }]`".to_owned()
                }
                "clients" => CLIENT.to_owned(),
                _ => "write `policies: { NAME: { allow: [ … ] } }`".to_owned(),
            };
            let message = format!("there is no `{key}`");
            reader.report(Code::MissingKey, Span::START, message, help);
        }
    }
}

/// Advice that names the one key whose last words are these: `client_ca` for `ca`.
fn ending_in(wrong: &str, keys: &[&str]) -> Option<String> {
    let ends = |key: &&&str| {
        let before = key.strip_suffix(wrong);
        !wrong.is_empty() && before.is_some_and(|before| before.ends_with('_'))
    };
    let mut meant = keys.iter().filter(ends);
    match (meant.next(), meant.next()) {
        (Some(key), None) => Some(format!("did you mean `{key}`?")),
        _ => None,
    }
}

/// Reads nodes as what they should be, and reports what they are instead.
pub(crate) struct Reader<'f> {
    pub(crate) found: &'f mut Vec<Diagnostic>,
}

impl Reader<'_> {
    pub(crate) fn report(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        let diagnostic = Diagnostic::error(code, span, message).help(help);
        self.found.push(diagnostic);
    }

    pub(crate) fn expected(&mut self, node: &Node, expected: &str) {
        self.expected_or(node, expected, None);
    }

    /// The same with advice.
    pub(crate) fn expected_or(&mut self, node: &Node, expected: &str, help: Option<&str>) {
        let message = format!("expected {expected}, found {}", node.type_name());
        let help = help.map(str::to_owned);
        self.report(Code::WrongType, node.span, message, help);
    }

    /// The entries of a map, each key once.
    pub(crate) fn entries<'n>(&mut self, node: &'n Node) -> Vec<&'n Entry> {
        self.entries_or(node, "write `KEY: …`, each key in a line without a dash")
    }

    /// The same with advice on what is no map.
    pub(crate) fn entries_or<'n>(&mut self, node: &'n Node, help: &str) -> Vec<&'n Entry> {
        let entries = match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Null => return Vec::new(),
            _ => {
                self.expected_or(node, "a map", Some(help));
                return Vec::new();
            }
        };
        let mut kept: Vec<&Entry> = Vec::with_capacity(entries.len());
        let mut lines: HashMap<&str, u64> = HashMap::with_capacity(entries.len());
        for entry in entries {
            let line = *lines
                .entry(entry.key.text.as_str())
                .or_insert(entry.key.span.line);
            // A name that is new makes one more.
            if lines.len() > kept.len() {
                kept.push(entry);
                continue;
            }
            let message = format!("`{}` stands here twice", entry.key.text);
            let help = format!("it stands in line {line}, too");
            self.report(Code::DuplicateKey, entry.key.span, message, help);
        }
        kept
    }

    /// The entries of a map that has only these keys.
    pub(crate) fn map<'n>(&mut self, node: &'n Node, keys: &[&str]) -> Vec<&'n Entry> {
        let help = format!("the keys that there can be here are {}", keys.join(", "));
        self.map_or(node, keys, &help)
    }

    /// The same with advice on what is no map.
    fn map_or<'n>(&mut self, node: &'n Node, keys: &[&str], help: &str) -> Vec<&'n Entry> {
        let mut kept = self.entries_or(node, help);
        kept.retain(|entry| {
            let known = keys.contains(&entry.key.text.as_str());
            if !known {
                let message = format!("`{}` has no meaning here", entry.key.text);
                let help = nearest(&entry.key.text, keys.iter().copied())
                    .or_else(|| ending_in(&entry.key.text, keys))
                    .unwrap_or_else(|| format!("there can be {}", keys.join(", ")));
                self.report(Code::UnknownKey, entry.key.span, message, help);
            }
            known
        });
        kept
    }

    pub(crate) fn list<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        let help = "write `[ … ]`, or each element in a line that begins with a dash";
        self.list_or(node, help)
    }

    /// The same with advice on what is no list.
    fn list_or<'n>(&mut self, node: &'n Node, help: &str) -> &'n [Node] {
        match &node.kind {
            Kind::List(nodes) => nodes,
            Kind::Null => &[],
            _ => {
                self.expected_or(node, "a list", Some(help));
                &[]
            }
        }
    }

    pub(crate) fn text(&mut self, node: &Node) -> Option<Name> {
        let Kind::Text(text) = &node.kind else {
            self.expected(node, "text");
            return None;
        };
        Some(Name {
            span: node.span,
            text: text.clone(),
        })
    }

    /// A text that may look like a number.
    fn written(&mut self, node: &Node) -> Option<Name> {
        let text = match &node.kind {
            Kind::Int(number) => number.to_string(),
            Kind::Float(written) => written.clone(),
            _ => return self.text(node),
        };
        Some(Name {
            span: node.span,
            text,
        })
    }

    /// Digits as they are written. What YAML takes for a number in another
    /// notation is none.
    fn digits(&mut self, node: &Node) -> Option<Name> {
        if let Kind::Int(number) = node.kind
            && u64::try_from(number.to_string().chars().count()) != Ok(node.span.length)
        {
            self.expected(node, "digits in quotes");
            return None;
        }
        self.written(node)
    }

    /// A list of names.
    fn names(&mut self, node: &Node) -> Vec<Name> {
        let nodes = self.list(node);
        nodes.iter().filter_map(|node| self.text(node)).collect()
    }

    fn listener(&mut self, node: &Node) -> ListenDocument {
        let mut listener = ListenDocument {
            span: node.span,
            name: None,
            unix: None,
            tcp: None,
            systemd: None,
            tls: None,
            insecure: None,
            mode: None,
            owner: None,
            group: None,
            client: None,
            limits: None,
        };
        for entry in self.map(node, &LISTENER) {
            match entry.key.text.as_str() {
                "name" => listener.name = self.text(&entry.value),
                "unix" => listener.unix = self.text(&entry.value),
                "tcp" => listener.tcp = self.text(&entry.value),
                "systemd" => listener.systemd = self.text(&entry.value),
                "tls" => listener.tls = Some(self.tls(entry)),
                "insecure" => match entry.value.kind {
                    Kind::Bool(on) => listener.insecure = Some((entry.key.span, on)),
                    _ => self.expected(&entry.value, "true or false"),
                },
                "limits" => listener.limits = Some(entry.value.clone()),
                "owner" => listener.owner = Some(entry.value.clone()),
                "group" => listener.group = Some(entry.value.clone()),
                "mode" => listener.mode = self.digits(&entry.value),
                _ => listener.client = self.text(&entry.value),
            }
        }
        listener
    }

    fn tls(&mut self, entry: &Entry) -> TlsDocument {
        let mut tls = TlsDocument {
            span: entry.key.span,
            cert: None,
            key: None,
            client_ca: None,
            client_certs: None,
            crl: Vec::new(),
            min_version: None,
        };
        for inner in self.map(&entry.value, &TLS) {
            match inner.key.text.as_str() {
                "cert" => tls.cert = self.text(&inner.value),
                "key" => tls.key = self.text(&inner.value),
                "client_ca" => tls.client_ca = self.text(&inner.value),
                "client_certs" => tls.client_certs = self.text(&inner.value),
                "min_version" => tls.min_version = self.written(&inner.value),
                _ => {
                    tls.crl = match &inner.value.kind {
                        Kind::List(lists) if lists.is_empty() => {
                            self.expected(&inner.value, "the name of a file, or several");
                            Vec::new()
                        }
                        Kind::List(_) => self.names(&inner.value),
                        _ => self.text(&inner.value).into_iter().collect(),
                    }
                }
            }
        }
        tls
    }

    fn test(&mut self, node: &Node) -> TestDocument {
        let mut test = TestDocument {
            span: node.span,
            name: None,
            client: None,
            request: None,
            expect: None,
        };
        for entry in self.map(node, &["name", "client", "request", "expect"]) {
            match entry.key.text.as_str() {
                "name" => test.name = self.text(&entry.value),
                "client" => test.client = self.text(&entry.value),
                "request" => test.request = Some(entry.value.clone()),
                _ => test.expect = Some(entry.value.clone()),
            }
        }
        test
    }

    fn client(&mut self, entry: &Entry) -> ClientDocument {
        let mut client = ClientDocument {
            name: entry.key.clone(),
            policies: Vec::new(),
            upstream: None,
            older: Older::Refused,
            when: None,
            limits: None,
        };
        let keys = ["policies", "upstream", "api_version", "when", "limits"];
        for inner in self.map_or(&entry.value, &keys, CLIENT) {
            match inner.key.text.as_str() {
                "upstream" => client.upstream = self.text(&inner.value),
                "api_version" => client.older = self.older(&inner.value),
                "when" => client.when = Some(inner.clone()),
                "limits" => client.limits = Some(inner.value.clone()),
                _ => client.policies = self.names(&inner.value),
            }
        }
        client
    }

    fn older(&mut self, node: &Node) -> Older {
        match &node.kind {
            Kind::Text(word) if word == "pin" => Older::Pinned,
            _ => {
                let message = "`api_version` is `pin` or not there";
                let help = "with `pin` every version from 1.24 on can be asked for";
                self.report(Code::WrongType, node.span, message, Some(help.to_owned()));
                Older::Refused
            }
        }
    }

    fn policy(&mut self, entry: &Entry) -> PolicyRulesDocument {
        let mut policy = PolicyRulesDocument {
            name: entry.key.clone(),
            allow: Vec::new(),
            deny: Vec::new(),
        };
        let help = "write `allow:` above the rules, and `deny:` above those that deny";
        for inner in self.map_or(&entry.value, &["allow", "deny"], help) {
            let help = match &inner.value.kind {
                Kind::Map(_) => "begin each rule with a dash: `- OPERATION: { … }`",
                _ => {
                    "write each operation or group in a line that begins with a dash: `opgate ops` lists them"
                }
            };
            let nodes = self.list_or(&inner.value, help);
            let rules = nodes.iter().filter_map(|node| self.rule(node)).collect();
            match inner.key.text.as_str() {
                "allow" => policy.allow = rules,
                _ => policy.deny = rules,
            }
        }
        policy
    }

    /// `Name`, or `Name: conditions`.
    fn rule(&mut self, node: &Node) -> Option<RuleDocument> {
        let Kind::Map(entries) = &node.kind else {
            if !matches!(node.kind, Kind::Text(_)) {
                self.expected(node, "an operation, with its conditions or without");
                return None;
            }
            let name = self.text(node)?;
            return Some(RuleDocument {
                name,
                conditions: None,
            });
        };
        let [entry] = entries.as_slice() else {
            let message = "a rule is one operation with its conditions";
            let help = "begin each operation with a dash of its own, and indent what belongs to it";
            self.report(Code::WrongType, node.span, message, help.to_owned());
            return None;
        };
        Some(RuleDocument {
            name: entry.key.clone(),
            conditions: Some(entry.value.clone()).filter(|node| !matches!(node.kind, Kind::Null)),
        })
    }
}

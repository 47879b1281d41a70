//! A policy file as it is written: its sections, every name with its place.
//!
//! Takes the tree of [`yaml`](super::yaml) apart and reports keys that are
//! unknown, repeated or missing, and values of the wrong type. What a name or a
//! condition means is not looked at here (see [`resolve`](super::resolve)):
//! conditions stay trees, because only an operation's definition can read them.

use super::yaml::{Entry, Kind, Name, Node};
use crate::diagnostic::{Code, Diagnostic, Span, nearest};

/// A policy file.
#[derive(Debug, Default)]
pub(crate) struct PolicyDocument {
    /// The API level that the file is read as of.
    pub(crate) api: Option<Name>,
    /// Where clients come in.
    pub(crate) listen: Vec<ListenDocument>,
    /// The Engine.
    pub(crate) upstream: Option<Name>,
    /// Who they are.
    pub(crate) clients: Vec<ClientDocument>,
    /// What they may do.
    pub(crate) policies: Vec<PolicyRulesDocument>,
}

/// A listener.
#[derive(Debug)]
pub(crate) struct ListenDocument {
    pub(crate) span: Span,
    /// The path of a unix socket.
    pub(crate) unix: Option<Name>,
    /// Or the address of a TCP socket, on loopback.
    pub(crate) tcp: Option<Name>,
    /// The mode of a unix socket, in octal.
    pub(crate) mode: Option<Name>,
    /// Whoever reaches this listener is this client.
    pub(crate) client: Option<Name>,
}

/// A client.
#[derive(Debug)]
pub(crate) struct ClientDocument {
    pub(crate) name: Name,
    /// Names of its policies.
    pub(crate) policies: Vec<Name>,
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
    let mut document = PolicyDocument::default();
    let keys = ["api", "listen", "upstream", "clients", "policies"];
    let mut seen = Vec::new();
    for entry in reader.map(node, &keys) {
        seen.push(entry.key.text.as_str());
        match entry.key.text.as_str() {
            "api" => document.api = reader.written(&entry.value),
            "listen" => {
                let listeners = reader.list(&entry.value);
                document.listen = listeners.iter().map(|node| reader.listener(node)).collect();
            }
            "upstream" => document.upstream = reader.text(&entry.value),
            "clients" => {
                for entry in reader.entries(&entry.value) {
                    document.clients.push(reader.client(entry));
                }
            }
            _ => {
                for entry in reader.entries(&entry.value) {
                    document.policies.push(reader.policy(entry));
                }
            }
        }
    }
    if matches!(node.kind, Kind::Map(_)) {
        for key in keys {
            if !seen.contains(&key) {
                let help = (key == "api").then(|| {
                    let newest = crate::api::NEWEST;
                    format!("write `api: \"{newest}\"`, the level that the rules are written for")
                });
                let message = format!("there is no `{key}`");
                reader.report(Code::MissingKey, Span::START, message, help);
            }
        }
    }
    document
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
        let message = format!("expected {expected}, found {}", node.type_name());
        self.report(Code::WrongType, node.span, message, None);
    }

    /// The entries of a map, each key once.
    pub(crate) fn entries<'n>(&mut self, node: &'n Node) -> Vec<&'n Entry> {
        let entries = match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Null => return Vec::new(),
            _ => {
                self.expected(node, "a map");
                return Vec::new();
            }
        };
        let mut kept: Vec<&Entry> = Vec::with_capacity(entries.len());
        for entry in entries {
            match kept.iter().find(|other| other.key.text == entry.key.text) {
                None => kept.push(entry),
                Some(first) => {
                    let message = format!("`{}` stands here twice", entry.key.text);
                    let help = format!("it stands in line {}, too", first.key.span.line);
                    self.report(Code::DuplicateKey, entry.key.span, message, help);
                }
            }
        }
        kept
    }

    /// The entries of a map that has only these keys.
    pub(crate) fn map<'n>(&mut self, node: &'n Node, keys: &[&str]) -> Vec<&'n Entry> {
        let mut kept = self.entries(node);
        kept.retain(|entry| {
            let known = keys.contains(&entry.key.text.as_str());
            if !known {
                let message = format!("`{}` has no meaning here", entry.key.text);
                let help = nearest(&entry.key.text, keys.iter().copied())
                    .unwrap_or_else(|| format!("there can be {}", keys.join(", ")));
                self.report(Code::UnknownKey, entry.key.span, message, help);
            }
            known
        });
        kept
    }

    pub(crate) fn list<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        match &node.kind {
            Kind::List(nodes) => nodes,
            Kind::Null => &[],
            _ => {
                self.expected(node, "a list");
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
            unix: None,
            tcp: None,
            mode: None,
            client: None,
        };
        for entry in self.map(node, &["unix", "tcp", "mode", "client"]) {
            match entry.key.text.as_str() {
                "unix" => listener.unix = self.text(&entry.value),
                "tcp" => listener.tcp = self.text(&entry.value),
                "mode" => listener.mode = self.digits(&entry.value),
                _ => listener.client = self.text(&entry.value),
            }
        }
        listener
    }

    fn client(&mut self, entry: &Entry) -> ClientDocument {
        let mut policies = Vec::new();
        for inner in self.map(&entry.value, &["policies"]) {
            policies = self.names(&inner.value);
        }
        ClientDocument {
            name: entry.key.clone(),
            policies,
        }
    }

    fn policy(&mut self, entry: &Entry) -> PolicyRulesDocument {
        let mut policy = PolicyRulesDocument {
            name: entry.key.clone(),
            allow: Vec::new(),
            deny: Vec::new(),
        };
        for inner in self.map(&entry.value, &["allow", "deny"]) {
            let nodes = self.list(&inner.value);
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

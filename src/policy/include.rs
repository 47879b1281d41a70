//! A policy file and the files that it includes, as one document.
//!
//! What an included file has of lists, policies, clients and tests is added to what the
//! including one has; where clients come in, where the Engine is and what the gate gives
//! up says the first file alone. A file that is included by several is read once. The texts are read
//! by whoever asks: this is told how, and knows no file system.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Place;
use super::document::{self, PolicyDocument};
use super::yaml::{self, Kind, Name, Node};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span};

/// How many files may include each other in a row.
const DEPTH: usize = 8;

/// How many files there may be.
const FILES: usize = 100;

/// A file as it was read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// What the same file is always called, by whichever path it is named.
    pub identity: PathBuf,
    /// What is in it.
    pub text: String,
}

impl SourceFile {
    /// A file that has nothing but this text.
    pub(super) fn alone(name: &str, text: &str) -> Self {
        Self {
            identity: name.into(),
            text: text.to_owned(),
        }
    }
}

/// Reads no other file.
pub(super) fn nothing(_: &Path) -> io::Result<SourceFile> {
    Err(io::Error::other("there are no other files here"))
}

/// Reads a file by its path.
pub type ReadFile<'r> = dyn Fn(&Path) -> io::Result<SourceFile> + 'r;

/// The files that were read, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Files {
    names: Vec<Arc<str>>,
    identities: Vec<PathBuf>,
    texts: Vec<String>,
}

impl Files {
    fn add(&mut self, name: &str, file: SourceFile) -> usize {
        self.names.push(name.into());
        self.identities.push(file.identity);
        self.texts.push(file.text);
        self.names.len().saturating_sub(1)
    }

    /// The place of a span.
    pub(super) fn place(&self, span: Span) -> Place {
        Place {
            file: (self.names.get(span.file)).map_or_else(|| "?".into(), Arc::clone),
            line: span.line,
        }
    }

    /// Where something stands, as one says it of another place.
    pub(super) fn from(&self, here: Span, there: Span) -> String {
        if here.file == there.file {
            format!("in line {}", there.line)
        } else {
            format!("at {}", self.place(there))
        }
    }

    /// A file that one of these names: beside it, unless the path is absolute.
    pub(super) fn beside(&self, name: &Name) -> PathBuf {
        let by = self.names.get(name.span.file).map_or("", AsRef::as_ref);
        let folder = Path::new(by).parent().unwrap_or(Path::new(""));
        folder.join(&name.text)
    }

    /// Every path by which they were read.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let named = self.names.iter().map(|name| PathBuf::from(&**name));
        named.chain(self.identities.iter().cloned()).collect()
    }

    /// What was found in them.
    pub(super) fn diagnostics(self, found: Vec<Diagnostic>) -> Diagnostics {
        let names = self.names.iter().map(AsRef::as_ref);
        Diagnostics::of_files(names.zip(self.texts.iter().map(String::as_str)), found)
    }
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Included {
    pub(super) files: Files,
    /// The files as they are written, those that are YAML.
    pub(super) nodes: Vec<Node>,
    /// Nothing if the first file could not be read.
    pub(super) document: Option<PolicyDocument>,
    /// Whether something is missing because a file could not be read.
    pub(super) incomplete: bool,
    pub(super) found: Vec<Diagnostic>,
}

/// Reads a file and what it includes.
pub(super) fn read(name: &str, file: SourceFile, read: &ReadFile<'_>) -> Included {
    let mut reading = Reading {
        read,
        done: Included::default(),
        within: Vec::new(),
    };
    let index = reading.done.files.add(name, file);
    let document = reading.file(index);
    let Reading { mut done, .. } = reading;
    done.document = document;
    if let Some(document) = &done.document {
        document::missing_keys(document, &mut done.found);
    }
    done
}

struct Reading<'r> {
    read: &'r ReadFile<'r>,
    done: Included,
    /// The files that the one that is read was included by, and itself.
    within: Vec<usize>,
}

impl Reading<'_> {
    fn report(&mut self, code: Code, span: Span, message: String, help: Option<&str>) {
        let help = help.map(str::to_owned);
        let diagnostic = Diagnostic::error(code, span, message).help(help);
        self.done.found.push(diagnostic);
    }

    /// A file with what it includes.
    fn file(&mut self, index: usize) -> Option<PolicyDocument> {
        let text = self.done.files.texts.get(index)?;
        let node = match yaml::parse(index, text) {
            Ok(node) => node,
            Err(diagnostic) => {
                self.done.found.push(diagnostic);
                self.done.incomplete = true;
                return None;
            }
        };
        let mut document = document::document(&node, &mut self.done.found);
        self.done.nodes.push(node);
        self.within.push(index);
        for include in std::mem::take(&mut document.include) {
            if let Some(included) = self.include(index, &include) {
                self.add(&mut document, included);
            }
        }
        self.within.pop();
        Some(document)
    }

    /// A file that another one includes, unless it was read already.
    fn include(&mut self, by: usize, include: &Name) -> Option<PolicyDocument> {
        let by_name = self.done.files.names.get(by).map_or("", AsRef::as_ref);
        let path = match Path::new(by_name).parent() {
            Some(folder) => folder.join(&include.text),
            None => PathBuf::from(&include.text),
        };
        let file = match (self.read)(&path) {
            Ok(file) => file,
            Err(error) => {
                let error = error.to_string();
                let reason = error.split(" (os error").next().unwrap_or_default();
                let message = format!("cannot read `{}`: {reason}", path.display());
                let help = "paths are relative to the file that includes";
                self.report(Code::Include, include.span, message, Some(help));
                self.done.incomplete = true;
                return None;
            }
        };
        let identities = &self.done.files.identities;
        if let Some(known) = identities.iter().position(|one| *one == file.identity) {
            if self.within.contains(&known) {
                let message = format!("`{}` includes itself", path.display());
                self.report(Code::Nesting, include.span, message, None);
            }
            return None;
        }
        if self.within.len() >= DEPTH || identities.len() >= FILES {
            let message = if identities.len() >= FILES {
                format!("more than {FILES} files are included")
            } else {
                format!("more than {DEPTH} files include each other here")
            };
            self.report(Code::Nesting, include.span, message, None);
            self.done.incomplete = true;
            return None;
        }
        let index = self.done.files.add(&path.display().to_string(), file);
        self.file(index)
    }

    /// Adds what an included file has.
    fn add(&mut self, document: &mut PolicyDocument, included: PolicyDocument) {
        let PolicyDocument {
            api,
            listen,
            upstream,
            upstreams,
            clients,
            default,
            policies,
            lists,
            tests,
            limits,
            include: _,
            confine,
            metrics,
            keys,
            is_map: _,
        } = included;
        document.keys.extend(keys);
        document.tests.extend(tests);
        self.equal("api", document.api.as_ref(), api);
        if let Some(upstream) = upstream {
            let own = document.upstream.as_ref();
            let text = written(&upstream);
            let same = text.is_some() && own.and_then(written) == text;
            self.same("upstream", same, upstream.span);
        }
        self.equal("default", document.default.as_ref(), default);
        if let Some(limits) = limits {
            let message = "`limits` belong into the file that includes this one".to_owned();
            self.report(Code::Include, limits.span, message, None);
        }
        let listen = listen.iter().map(|listen| ("listen", listen.span));
        let confine = confine.iter().map(|confine| ("confine", confine.span));
        let upstreams = upstreams.iter().map(|one| ("upstreams", one.key.span));
        let metrics = metrics.iter().map(|metrics| ("metrics", metrics.span));
        for (key, span) in listen.chain(confine).chain(upstreams).chain(metrics) {
            let message = format!("`{key}` belongs into the file that includes this one");
            self.report(Code::Include, span, message, None);
        }
        let once = |reading: &mut Self, what: &str, name: &Name, other: Option<&Name>| {
            let Some(other) = other else {
                return true;
            };
            let message = format!("{what} `{}` stands twice", name.text);
            let help = format!("it stands {}, too", {
                reading.done.files.from(name.span, other.span)
            });
            reading.report(Code::DuplicateKey, name.span, message, Some(&help));
            false
        };
        for client in clients {
            let mut names = document.clients.iter().map(|one| &one.name);
            let other = names.find(|name| name.text == client.name.text);
            if once(self, "client", &client.name, other) {
                document.clients.push(client);
            }
        }
        for policy in policies {
            let mut names = document.policies.iter().map(|one| &one.name);
            let other = names.find(|name| name.text == policy.name.text);
            if once(self, "policy", &policy.name, other) {
                document.policies.push(policy);
            }
        }
        for list in lists {
            let mut names = document.lists.iter().map(|one| &one.name);
            let other = names.find(|name| name.text == list.name.text);
            if once(self, "list", &list.name, other) {
                document.lists.push(list);
            }
        }
    }

    /// What only the first file says: an included one may say the same.
    fn equal(&mut self, key: &str, own: Option<&Name>, included: Option<Name>) {
        let Some(included) = included else {
            return;
        };
        let same = own.is_some_and(|own| own.text == included.text);
        self.same(key, same, included.span);
    }

    fn same(&mut self, key: &str, same: bool, span: Span) {
        if same {
            return;
        }
        let message = format!("`{key}` is not what the file that includes this one says");
        let help = format!("leave it out: the first file says for all what `{key}` is");
        self.report(Code::Include, span, message, Some(&help));
    }
}

/// The text that a node is. Paths in a map depend on the file that they stand in.
fn written(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Text(text) => Some(text),
        _ => None,
    }
}

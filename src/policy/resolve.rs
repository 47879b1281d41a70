//! From a policy file as it is written to policies that can be decided by.
//!
//! Every name is resolved against the definitions and against the names of the
//! file; everything that is wrong is reported in one go, with its place and the
//! nearest name. A file with a mistake makes no configuration at all. Listeners
//! are in `resolve/endpoints`, Engines in `resolve/upstreams`, rules in
//! `resolve/rules`; conditions in `resolve/conditions`, matchers in
//! `resolve/matchers`, and the values that they name in `resolve/values` or by the
//! names of `resolve/lists`; who is which client is in `resolve/identity`. What an unknown name may have meant is in `resolve/meant`.

mod conditions;
mod endpoints;
mod guarded;
mod identity;
mod limits;
mod lists;
mod matchers;
mod meant;
mod metrics;
mod overlaps;
mod rewrites;
mod rules;
mod shape;
mod tests;
mod tls;
mod upstreams;
mod values;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) use conditions::{KEYWORDS, fields};
pub use endpoints::{Address, Listener, Owner};
#[cfg(test)]
pub(crate) use limits::shown as shown_limit;
pub(super) use matchers::fits;
pub(super) use rewrites::{REWRITES, is_scalar, rewrite_fits};
pub(super) use rules::OPAQUE;
pub(super) use values::is_numeric;

use super::callers::Callers;
use super::document::{PolicyDocument, PolicyRulesDocument, Reader};
use super::engines::Engines;
use super::include::{self, Files, Included, ReadFile, SourceFile};
use super::limits::FileLimits;
use super::overlap::Judge;
use super::rewrite::Rewrite;
use super::yaml::{Name, Node};
use super::{Client, ClientRules, Confinement, Metrics, Policies, Rules, Test};
use crate::api::definition::ApiVersion;
use crate::api::{NEWEST, OLDEST, Operation};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity, Span, nearest};
use crate::tls::ServerFiles;
use lists::SharedList;
use overlaps::WrittenRules;
use rules::Resolved;

/// What a file configures.
#[derive(Debug)]
pub struct Configuration {
    /// The listeners. The policies know their clients by this order.
    pub listeners: Vec<Listener>,
    /// The Engines.
    pub engines: Engines,
    /// The policies.
    pub policies: Policies,
    /// What is limited.
    pub limits: FileLimits,
    /// What the gate gives up.
    pub confinement: Confinement,
    /// Where the gate tells its own numbers.
    pub metrics: Option<Metrics>,
    /// The file and those that it includes, by every path by which they were read.
    pub files: Vec<PathBuf>,
    /// The file's own tests.
    pub tests: Vec<Test>,
    /// What is odd, though not wrong.
    pub warnings: Diagnostics,
}

impl Configuration {
    /// The files of certificates and keys, of listeners and of Engines. They are not
    /// read yet.
    pub fn certificates(&self) -> impl Iterator<Item = &Path> {
        let listeners = self.listeners.iter();
        let listeners = listeners.filter_map(|listener| listener.tls.as_ref());
        let listeners = listeners.flat_map(ServerFiles::paths);
        listeners.chain(self.engines.files())
    }
}

/// Resolves a file that includes no other.
pub fn resolve(file: &str, text: &str) -> Result<Configuration, Diagnostics> {
    resolve_with(file, SourceFile::alone(file, text), &include::nothing)
}

/// Resolves a file and what it includes, which `read` reads.
pub fn resolve_with(
    file: &str,
    source: SourceFile,
    read: &ReadFile<'_>,
) -> Result<Configuration, Diagnostics> {
    resolve_and(file, source, read, |_, _| Vec::new())
}

/// Resolves a file and what it includes, with another look at how they are written.
/// It is told what was found already, and gives what else there is.
pub(super) fn resolve_and(
    file: &str,
    source: SourceFile,
    read: &ReadFile<'_>,
    look: fn(&[Node], &[Diagnostic]) -> Vec<Diagnostic>,
) -> Result<Configuration, Diagnostics> {
    let Included {
        files,
        nodes,
        document,
        incomplete,
        found,
    } = include::read(file, source, read);
    let Some(document) = document else {
        return Err(files.diagnostics(found));
    };
    let mut resolver = Resolver {
        files,
        level: NEWEST,
        denies: false,
        rewrites: Vec::new(),
        lists: Vec::new(),
        shared: 0,
        rules: WrittenRules::new(),
        judge: Judge::default(),
        accounts: false,
        found,
    };
    let made = resolver.document(&document);
    let limits = resolver.limits(&document);
    let metrics = document.metrics.as_ref().and_then(|metrics| {
        let listeners = made.as_ref().map_or(&[][..], |(listeners, ..)| listeners);
        resolver.metrics(metrics, listeners)
    });
    let tests = resolver.tests(&document);
    let more = look(&nodes, &resolver.found);
    resolver.found.extend(more);
    if incomplete {
        // It may stand in what could not be read.
        let named = [Code::UnknownPolicy, Code::UnknownClient, Code::UnknownList];
        resolver.found.retain(|one| !named.contains(&one.code));
    }
    // What is odd may only follow from what is wrong.
    if resolver
        .found
        .iter()
        .any(|one| one.severity == Severity::Error)
    {
        resolver.found.retain(|one| one.severity == Severity::Error);
    }
    let paths = resolver.files.paths();
    let diagnostics = resolver.files.diagnostics(resolver.found);
    match made {
        Some((listeners, engines, policies)) if !diagnostics.has_errors() => Ok(Configuration {
            listeners,
            engines,
            policies,
            limits,
            confinement: document.confine.map(|one| one.switches).unwrap_or_default(),
            metrics,
            files: paths,
            tests,
            warnings: diagnostics,
        }),
        _ => Err(diagnostics),
    }
}

/// Resolves one document.
struct Resolver {
    files: Files,
    /// The API level that the file is read as of.
    level: ApiVersion,
    /// Whether it is a deny whose conditions are read.
    denies: bool,
    /// What the rule that is read rewrites.
    rewrites: Vec<Rewrite>,
    /// The lists of the file.
    lists: Vec<SharedList>,
    /// How many elements of lists were put where the lists are used.
    shared: usize,
    /// The rules of all policies, as they are written.
    rules: WrittenRules,
    /// Looks for contradictions.
    judge: Judge,
    /// Whether users or groups are called by their names.
    accounts: bool,
    found: Vec<Diagnostic>,
}

impl Resolver {
    fn reader(&mut self) -> Reader<'_> {
        Reader {
            found: &mut self.found,
        }
    }

    fn report(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.reader().report(code, span, message, help);
    }

    fn warn(&mut self, code: Code, span: Span, message: impl Into<String>, help: &str) {
        let warning = Diagnostic::warning(code, span, message).help(help.to_owned());
        self.found.push(warning);
    }

    fn document(
        &mut self,
        document: &PolicyDocument,
    ) -> Option<(Vec<Listener>, Engines, Policies)> {
        if let Some(api) = &document.api {
            self.api(api);
        }
        self.lists(&document.lists);
        let policies: Vec<(&PolicyRulesDocument, Resolved)> = document
            .policies
            .iter()
            .map(|policy| (policy, self.policy(policy)))
            .collect();
        let clients = self.clients(document, &policies);
        self.overlaps(&clients);
        let (listeners, callers) = self.listeners(document);
        let engines = self.engines(document);
        if let Some(engines) = &engines {
            self.one_engine_knows(document, &callers, engines);
        }
        self.unused(document);
        self.unused_lists();
        let policies = Policies { clients, callers };
        Some((listeners, engines?, policies))
    }

    fn api(&mut self, level: &Name) {
        let known = level
            .text
            .strip_prefix("1.")
            .filter(|minor| !minor.starts_with(['0', '+']))
            .and_then(|minor| minor.parse().ok())
            .map(ApiVersion)
            .filter(|version| (OLDEST..=NEWEST).contains(version));
        if let Some(version) = known {
            self.level = version;
        } else {
            let message = format!("`{}` is not an API level that opgate knows", level.text);
            let help = format!("write one from \"{OLDEST}\" to \"{NEWEST}\"");
            self.report(Code::ApiLevel, level.span, message, help);
        }
    }

    /// Each client with the rules of its policies, in the order of the client.
    fn clients(
        &mut self,
        document: &PolicyDocument,
        policies: &[(&PolicyRulesDocument, Resolved)],
    ) -> Vec<ClientRules> {
        let mut clients = Vec::with_capacity(document.clients.len());
        for client in &document.clients {
            let mut rules = vec![Rules::default(); Operation::ALL.len()];
            let mut given: Vec<&str> = Vec::new();
            for name in &client.policies {
                if given.contains(&name.text.as_str()) {
                    let message = format!("policy `{}` is given twice", name.text);
                    self.warn(Code::Unused, name.span, message, "once is enough");
                    continue;
                }
                given.push(&name.text);
                let policy = policies
                    .iter()
                    .find(|(policy, _)| policy.name.text == name.text);
                let Some((_, resolved)) = policy else {
                    let names = policies.iter().map(|(policy, _)| policy.name.text.as_str());
                    let help = nearest(&name.text, names);
                    let message = format!("there is no policy `{}`", name.text);
                    self.report(Code::UnknownPolicy, name.span, message, help);
                    continue;
                };
                for (operation, rule) in &resolved.allow {
                    if let Some(rules) = rules.get_mut(*operation as usize) {
                        rules.allow.push(Arc::clone(rule));
                    }
                }
                for (operation, rule) in &resolved.deny {
                    if let Some(rules) = rules.get_mut(*operation as usize) {
                        rules.deny.push(Arc::clone(rule));
                    }
                }
            }
            if client.policies.is_empty() {
                let message = format!("client `{}` has no policy", client.name.text);
                let help = "everything that it asks for is refused";
                self.warn(Code::Unused, client.name.span, message, help);
            }
            clients.push(ClientRules {
                name: client.name.text.as_str().into(),
                policies: given.into_iter().map(Arc::from).collect(),
                older: client.older,
                rules,
            });
        }
        clients
    }

    /// The listeners, and who is which client there.
    fn listeners(&mut self, document: &PolicyDocument) -> (Vec<Listener>, Callers) {
        let mut listeners: Vec<Listener> = Vec::new();
        let mut callers = Callers::default();
        let mut places = Vec::new();
        for listen in &document.listen {
            let named = (listen.client.as_ref()).map(|name| self.client_named(document, name));
            if let Some(listener) = self.listener(listen, &listeners) {
                listeners.push(listener);
                // A client that there is not is nobody.
                let named = named.map(|named| named.unwrap_or(Client(usize::MAX)));
                callers.listeners.push(named);
                places.push(listen);
            }
        }
        if document.listen.is_empty() && self.found.is_empty() {
            let message = "`listen` is empty: nobody could call";
            self.report(Code::Listener, Span::START, message, None);
        }
        callers.default =
            (document.default.as_ref()).and_then(|name| self.client_named(document, name));
        self.identities(document, &places, &mut callers);
        callers.accounts = self.accounts;
        (listeners, callers)
    }

    /// The client of this name.
    fn client_named(&mut self, document: &PolicyDocument, name: &Name) -> Option<Client> {
        let names = || document.clients.iter().map(|one| one.name.text.as_str());
        let client = names().position(|client| client == name.text);
        if client.is_none() && !document.clients.is_empty() {
            let message = format!("there is no client `{}`", name.text);
            let help = nearest(&name.text, names());
            self.report(Code::UnknownClient, name.span, message, help);
        }
        client.map(Client)
    }

    /// Names that nothing refers to.
    fn unused(&mut self, document: &PolicyDocument) {
        for client in &document.clients {
            let listened = document.listen.iter().any(|listen| {
                listen
                    .client
                    .as_ref()
                    .is_some_and(|name| name.text == client.name.text)
            });
            let is_default =
                (document.default.as_ref()).is_some_and(|default| default.text == client.name.text);
            if !listened && client.when.is_none() && !is_default {
                let message = format!("client `{}` has no listener", client.name.text);
                let help = "nobody can be this client: name it in a listener, or say `when`";
                self.warn(Code::Unused, client.name.span, message, help);
            }
        }
        for policy in &document.policies {
            // What others include may have more than each of them uses.
            if policy.name.span.file > 0 {
                continue;
            }
            let given = document.clients.iter().any(|client| {
                client
                    .policies
                    .iter()
                    .any(|name| name.text == policy.name.text)
            });
            if !given {
                let message = format!("policy `{}` belongs to no client", policy.name.text);
                let help = "name it in the `policies` of a client";
                self.warn(Code::Unused, policy.name.span, message, help);
            }
        }
    }
}

//! Policies: who may call what, decided on typed values.
//!
//! [`resolve()`] turns the text of a policy file into a [`Configuration`], with
//! every name resolved against the definitions, or into diagnostics: `yaml`
//! reads the text, `include` adds what other files have, `document` takes it apart, `resolve` gives each name and
//! matcher its type. [`Policies::decide`] judges a decoded request by the rules
//! of its client and is the only maker of permits: a rule (`rule`) accepts when
//! its conditions (`condition`, `derived`, `parts`) hold for what the Engine will
//! make of the values (`slot`), and when every guarded field that is not benign
//! is one that the rule names (`guard`). Which client a caller is, is in `callers`.
//! Pure: no connection, no clock, no file system, but for the numbers of users and
//! groups that a file names.

mod callers;
mod check;
mod condition;
mod confinement;
mod decision;
mod derived;
mod diff;
mod document;
mod engines;
mod exposure;
mod guard;
mod include;
mod limits;
mod metrics;
mod overlap;
mod parts;
mod resolve;
mod rewrite;
mod risks;
mod rule;
mod schema;
mod slot;
mod test;
mod verdict;
mod witness;
mod yaml;

use std::fmt;
use std::sync::Arc;

use crate::api::Operation;
use crate::request::{Decoded, Older, Permit};
use callers::Callers;
pub use callers::Who;
pub use check::{check, check_with};
pub use confinement::Confinement;
use decision::Reason;
pub use decision::{Denial, Step, Trace};
pub use diff::{Change, Comparison, Difference, compare};
pub use engines::{Engine, EngineAddress, Engines};
pub use guard::Finding;
pub use include::{ReadFile, SourceFile};
#[cfg(test)]
pub(crate) use limits::KEYS as LIMIT_KEYS;
pub use limits::{Bounds, FileLimits};
pub use metrics::Metrics;
#[cfg(test)]
pub(crate) use resolve::shown_limit;
pub use resolve::{Address, Configuration, Listener, Owner, resolve, resolve_with};
use rewrite::Rewritten;
pub use risks::{ClientRisks, Naming, Opening, Unproven};
use rule::{Allow, Deny, Why};
pub use schema::schema;
pub use test::{Expected, Test};

/// A client, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client(usize);

impl Client {
    /// Its place in the configuration.
    pub(crate) fn place(self) -> usize {
        self.0
    }
}

/// A place in a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What a rule is called by: its policy and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleName {
    /// The policy that it is a part of.
    pub policy: Arc<str>,
    /// Where it stands.
    pub place: Place,
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.policy, self.place)
    }
}

/// What a client's policies say of an operation.
#[derive(Clone, Debug, Default)]
struct Rules {
    /// In the order in which they are tried.
    allow: Vec<Arc<Allow>>,
    deny: Vec<Arc<Deny>>,
}

/// A client: its name, and what its policies say of each operation.
#[derive(Clone, Debug)]
struct ClientRules {
    name: Arc<str>,
    /// The names of its policies, in the order in which they are tried.
    policies: Vec<Arc<str>>,
    older: Older,
    /// One for each operation.
    rules: Vec<Rules>,
}

/// The policies in force.
#[derive(Debug)]
pub struct Policies {
    clients: Vec<ClientRules>,
    /// Who is which client.
    callers: Callers,
}

impl Policies {
    /// The client that a listener names.
    #[cfg(test)]
    pub(crate) fn client(&self, listener: usize) -> Client {
        // A client that is not there may do nothing.
        self.named_by(listener).unwrap_or(Client(usize::MAX))
    }

    /// The clients, and the names of the policies that each has.
    pub fn given(&self) -> impl Iterator<Item = (&str, &[Arc<str>])> {
        let clients = self.clients.iter();
        clients.map(|client| (client.name.as_ref(), client.policies.as_slice()))
    }

    /// The client of this name.
    pub fn client_named(&self, name: &str) -> Option<Client> {
        let mut clients = self.clients.iter();
        clients
            .position(|client| client.name.as_ref() == name)
            .map(Client)
    }

    /// The names of all clients.
    pub fn client_names(&self) -> impl Iterator<Item = &str> {
        self.clients.iter().map(|client| client.name.as_ref())
    }

    /// The names of all rules that some client has, each once, in no order.
    pub fn rule_names(&self) -> Vec<Arc<RuleName>> {
        let mut names: Vec<Arc<RuleName>> = Vec::new();
        for rules in self.clients.iter().flat_map(|client| &client.rules) {
            let allow = rules.allow.iter().map(|rule| &rule.name);
            let deny = rules.deny.iter().map(|rule| &rule.name);
            names.extend(allow.chain(deny).map(Arc::clone));
        }
        names.sort_by_key(Arc::as_ptr);
        names.dedup_by(|a, b| Arc::ptr_eq(a, b));
        names
    }

    /// The rules that speak of an operation for a client, in the order in which they
    /// are asked, each with whether it denies.
    pub fn rules_of(&self, client: Client, operation: Operation) -> Vec<(Arc<RuleName>, bool)> {
        let rules = self.rules(client, operation);
        let (allow, deny) = rules.map_or((&[][..], &[][..]), |rules| (&rules.allow, &rules.deny));
        let deny = deny.iter().map(|rule| (Arc::clone(&rule.name), true));
        let allow = allow.iter().map(|rule| (Arc::clone(&rule.name), false));
        deny.chain(allow).collect()
    }

    /// The name of a client.
    pub fn client_name(&self, client: Client) -> Arc<str> {
        self.clients
            .get(client.0)
            .map_or_else(|| "?".into(), |client| Arc::clone(&client.name))
    }

    /// What becomes of a client's requests for versions that are older than what is
    /// served.
    pub fn older(&self, client: Client) -> Older {
        let client = self.clients.get(client.0);
        client.map_or(Older::Refused, |client| client.older)
    }

    fn rules(&self, client: Client, operation: Operation) -> Option<&Rules> {
        self.clients.get(client.0)?.rules.get(operation as usize)
    }

    /// Whether the client may call the operation at all.
    pub fn admit(&self, client: Client, operation: Operation) -> Result<(), Denial> {
        let Some(rules) = self.rules(client, operation) else {
            return Err(self.denial(client, operation, Reason::NotAllowed));
        };
        if let Some(deny) = rules.deny.iter().find(|deny| deny.always()) {
            let reason = Reason::Denied(Arc::clone(&deny.name), None);
            return Err(self.denial(client, operation, reason));
        }
        if rules.allow.is_empty() {
            return Err(self.denial(client, operation, Reason::NotAllowed));
        }
        Ok(())
    }

    /// Decides about a request.
    ///
    /// A deny that fires wins. Then the allowing rules are tried in order; the
    /// first that accepts the request as a whole allows it.
    pub fn decide(&self, client: Client, request: Decoded<'_>) -> Result<Permit, Denial> {
        let (rule, rewritten) = self.choose(client, &request)?;
        let name = Arc::clone(&rule.name);
        Ok(match rewritten {
            Some(Rewritten { request, changed }) => Permit::of(request, name, changed),
            None => Permit::of(request, name, Vec::new()),
        })
    }

    /// The rule that would allow a request: the decision alone, without a permit.
    pub fn allowing(
        &self,
        client: Client,
        request: &Decoded<'_>,
    ) -> Result<&Arc<RuleName>, Denial> {
        self.choose(client, request).map(|(rule, _)| &rule.name)
    }

    /// The rule that allows a request, and what the rule makes of it.
    fn choose<'a>(
        &self,
        client: Client,
        request: &Decoded<'a>,
    ) -> Result<(&Allow, Option<Rewritten<'a>>), Denial> {
        let operation = request.operation();
        let rules = self.rules(client, operation);
        let (allow, deny) = rules.map_or((&[][..], &[][..]), |rules| (&rules.allow, &rules.deny));
        for deny in deny {
            if let Some(fired) = deny.fires(request) {
                let reason = Reason::Denied(Arc::clone(&deny.name), fired.path);
                return Err(self.denial(client, operation, reason));
            }
        }
        let mut nearest: Option<(Why, &Arc<Allow>)> = None;
        for rule in allow {
            match rule.accepts(request, deny) {
                Ok(rewritten) => return Ok((rule, rewritten)),
                Err(why) => {
                    // A rule whose demands are met came nearer than one whose
                    // are not.
                    let nearer = match (&nearest, &why) {
                        (None, _)
                        | (Some((Why::Refused { .. }, _)), Why::Guarded(_) | Why::Denied { .. }) => {
                            true
                        }
                        (Some(_), _) => false,
                    };
                    if nearer {
                        nearest = Some((why, rule));
                    }
                }
            }
        }
        let reason = match nearest {
            Some((why, rule)) => Reason::Unfit(Box::new(why), Arc::clone(&rule.name)),
            None => Reason::NotAllowed,
        };
        Err(self.denial(client, operation, reason))
    }

    /// What each rule says of a request, in the order in which they are asked.
    pub fn trace(&self, client: Client, request: &Decoded<'_>) -> Trace {
        let rules = self.rules(client, request.operation());
        let (allow, deny) = rules.map_or((&[][..], &[][..]), |rules| (&rules.allow, &rules.deny));
        let denies = deny.iter().map(|deny| Step::denying(deny, request));
        let allows = (allow.iter()).map(|allow| Step::allowing(allow, deny, request));
        Trace {
            steps: denies.chain(allows).collect(),
        }
    }

    fn denial(&self, client: Client, operation: Operation, reason: Reason) -> Denial {
        Denial::new(self.client_name(client), operation, reason)
    }
}

#[cfg(test)]
mod tests;

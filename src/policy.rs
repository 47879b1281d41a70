//! Policies: who may call what, decided on typed values.
//!
//! [`document`] is a policy file as it is written, every name with its place;
//! [`resolve()`] turns it into [`Policies`], with every name resolved
//! against the definitions, or into diagnostics. [`Policies::decide`] is the
//! only maker of permits. Pure: no connection, no clock, no file system.
//!
//! This is the first part of the language: `allow` and `deny` of operations by
//! name. Guarded fields keep their benign values (see [`guard`]).

pub mod document;
pub mod guard;
mod resolve;

use std::fmt;

use crate::api::Operation;
use crate::request::{Decoded, Permit};
use guard::Finding;
pub use resolve::{Address, Configuration, Listener, resolve};

/// A client, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client(usize);

/// A place in a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What a policy says of an operation.
#[derive(Clone, Debug, Default)]
struct Rules {
    allow: Option<Place>,
    deny: Option<Place>,
}

/// A client: its name, and what its policies say of each operation.
#[derive(Clone, Debug)]
struct ClientRules {
    name: String,
    /// One for each operation.
    rules: Vec<Rules>,
}

/// The policies in force.
#[derive(Debug)]
pub struct Policies {
    clients: Vec<ClientRules>,
    /// For each listener its client.
    listeners: Vec<Client>,
}

impl Policies {
    /// The client of a listener. Every listener has one.
    pub(crate) fn client(&self, listener: usize) -> Client {
        // A listener that is not there has a client that is not there either,
        // and such a client may do nothing.
        self.listeners
            .get(listener)
            .copied()
            .unwrap_or(Client(usize::MAX))
    }

    /// The name of a client.
    pub fn client_name(&self, client: Client) -> &str {
        self.clients
            .get(client.0)
            .map_or("?", |client| client.name.as_str())
    }

    fn rules(&self, client: Client, operation: Operation) -> Option<&Rules> {
        self.clients.get(client.0)?.rules.get(operation as usize)
    }

    /// Whether the client may call the operation at all.
    pub fn admit(&self, client: Client, operation: Operation) -> Result<(), Denial> {
        let reason = match self.rules(client, operation) {
            Some(Rules {
                deny: Some(place), ..
            }) => Reason::Denied(place.clone()),
            Some(Rules { allow: Some(_), .. }) => return Ok(()),
            _ => Reason::NotAllowed,
        };
        Err(self.denial(client, operation, reason))
    }

    /// Decides about a request.
    pub fn decide(&self, client: Client, request: Decoded<'_>) -> Result<Permit, Denial> {
        let operation = request.operation();
        self.admit(client, operation)?;
        if let Some(finding) = guard::first(&request) {
            let place = self
                .rules(client, operation)
                .and_then(|rules| rules.allow.clone());
            return Err(self.denial(client, operation, Reason::Guarded(Box::new(finding), place)));
        }
        Ok(Permit::of(request))
    }

    fn denial(&self, client: Client, operation: Operation, reason: Reason) -> Denial {
        Denial {
            client: self.client_name(client).to_owned(),
            operation,
            reason,
        }
    }
}

/// Why a request is denied.
#[derive(Clone, Debug, PartialEq)]
enum Reason {
    /// No rule allows the operation.
    NotAllowed,
    /// A rule denies it.
    Denied(Place),
    /// A guarded field has a value that is not benign, and the rule that allows
    /// the operation does not name it.
    Guarded(Box<Finding>, Option<Place>),
}

/// A request that may not be forwarded, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Denial {
    client: String,
    operation: Operation,
    reason: Reason,
}

impl Denial {
    /// The operation.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The field that was the reason, if it was one.
    pub fn field(&self) -> Option<&str> {
        match &self.reason {
            Reason::Guarded(finding, _) => Some(&finding.path),
            _ => None,
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            client, operation, ..
        } = self;
        write!(f, "{operation} refused for client {client}: ")?;
        match &self.reason {
            Reason::NotAllowed => f.write_str("no rule allows this operation"),
            Reason::Denied(place) => write!(f, "a rule denies this operation ({place})"),
            Reason::Guarded(finding, place) => {
                write!(f, "{finding} and no rule opens it")?;
                match place {
                    Some(place) => write!(f, " ({place})"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for Denial {}

#[cfg(test)]
mod tests;

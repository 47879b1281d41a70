//! What was decided and why: denials for clients and records, and traces for
//! whoever wants to see every rule.
//!
//! Shows no value of a request but those that may be shown.

use std::fmt;
use std::sync::Arc;

use super::RuleName;
use super::guard::Finding;
use super::rule::{Allow, Deny, Why};
use crate::api::Operation;
use crate::request::Decoded;

/// Why a request is denied.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reason {
    /// No rule allows the operation.
    NotAllowed,
    /// A rule denies it, because of this field if one is named.
    Denied(Arc<RuleName>, Option<String>),
    /// No rule that allows the operation fits; this is the one that came nearest.
    Unfit(Box<Why>, Arc<RuleName>),
}

/// A request that may not be forwarded, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Denial {
    client: Arc<str>,
    operation: Operation,
    reason: Reason,
}

impl Denial {
    pub(super) fn new(client: Arc<str>, operation: Operation, reason: Reason) -> Self {
        Self {
            client,
            operation,
            reason,
        }
    }

    /// The operation.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The field that was the reason, if it was one.
    pub fn field(&self) -> Option<&str> {
        match &self.reason {
            Reason::Unfit(why, _) => why.path(),
            Reason::Denied(_, path) => path.as_deref(),
            Reason::NotAllowed => None,
        }
    }

    /// The rule that denied it, or the one that came nearest to allowing it.
    pub fn rule(&self) -> Option<&Arc<RuleName>> {
        match &self.reason {
            Reason::Unfit(_, rule) | Reason::Denied(rule, _) => Some(rule),
            Reason::NotAllowed => None,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { path, found, must } => write!(f, "{path}{found} {must}"),
            Self::Guarded(
                finding @ (Finding { newer: Some(_), .. } | Finding { unlisted: true, .. }),
            ) => finding.fmt(f),
            Self::Guarded(finding) => write!(f, "{finding} and no rule opens it"),
            Self::Denied { rule, path } => {
                let what = path.as_deref().unwrap_or("operation");
                write!(
                    f,
                    "as rewritten, a rule denies it for its {what} ({})",
                    rule.place
                )
            }
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
            Reason::Denied(rule, None) => {
                write!(f, "a rule denies this operation ({})", rule.place)
            }
            Reason::Denied(rule, Some(path)) => {
                write!(f, "a rule denies it for its {path} ({})", rule.place)
            }
            Reason::Unfit(why, rule) => write!(f, "{why} ({})", rule.place),
        }
    }
}

impl std::error::Error for Denial {}

/// What each rule of a client says of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The rules, in the order in which they are asked.
    pub steps: Vec<Step>,
}

/// What one rule says of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The rule.
    pub rule: Arc<RuleName>,
    /// Whether it is one that denies.
    pub denies: bool,
    /// Whether it fits the request: allows it, or denies it.
    pub fits: bool,
    /// Why it does not, or which field made it fire.
    pub why: Option<String>,
    /// The paths of what it would change in the request.
    pub rewrites: Vec<String>,
    /// The rule that denies what this one makes of the request.
    pub denied_by: Option<Arc<RuleName>>,
}

impl Step {
    pub(super) fn denying(deny: &Deny, request: &Decoded<'_>) -> Self {
        let fired = deny.fires(request);
        Self {
            rule: Arc::clone(&deny.name),
            denies: true,
            fits: fired.is_some(),
            why: fired.and_then(|fired| fired.path),
            rewrites: Vec::new(),
            denied_by: None,
        }
    }

    pub(super) fn allowing(allow: &Allow, denies: &[Arc<Deny>], request: &Decoded<'_>) -> Self {
        let (why, rewrites) = match allow.accepts(request, denies) {
            Ok(None) => (None, Vec::new()),
            Ok(Some(rewritten)) => (None, rewritten.changed),
            Err(why) => (Some(why), Vec::new()),
        };
        Self {
            rule: Arc::clone(&allow.name),
            denies: false,
            fits: why.is_none(),
            why: why.as_ref().map(ToString::to_string),
            rewrites,
            denied_by: why.and_then(|why| match why {
                Why::Denied { rule, .. } => Some(rule),
                Why::Refused { .. } | Why::Guarded(_) => None,
            }),
        }
    }
}

//! The gate itself, without any connection: a request's head and body in, a
//! permit or a refusal out.
//!
//! [`Gate::head`] tells from the head alone what the operation is, whether the
//! client may call it at all, and what is to be done with the body;
//! [`Gate::judge`] decodes the body and lets the policies decide. The proxy
//! does the rest and cannot forward anything but a [`Permit`].

use std::fmt;
use std::sync::Arc;

use crate::api::definition::{ApiVersion, BodyDef};
use crate::api::{self, Operation};
use crate::identity::{Caller, Container};
use crate::policy::{Client, Denial, Policies, RuleName, Who};
use crate::request::{DecodedHead, RequestError, VersionError};
pub use crate::request::{Encoded, EncodedBody, EngineVersion, Older, Permit, RequestHead};

/// How much is read and dropped of a body that an operation does not have.
const DISCARD_LIMIT: usize = 64 << 10;

/// What records call who is no client.
pub const NOBODY: &str = "-";

/// A listener. Where the gate is not told otherwise, by its place in the
/// configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListenerId(pub usize);

/// What to do with a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyPlan {
    /// Read it up to the limit, and drop it.
    Discard {
        /// In bytes.
        limit: usize,
    },
    /// Read it whole, within the limits of whoever reads.
    Buffer,
    /// Pass it through once the request was judged.
    Stream,
}

/// A request whose operation its client may call.
#[derive(Debug)]
pub struct Matched<'a> {
    head: DecodedHead<'a>,
    client: Client,
}

impl Matched<'_> {
    /// What to do with the body.
    pub fn body_plan(&self) -> BodyPlan {
        match self.head.definition().body {
            BodyDef::None => BodyPlan::Discard {
                limit: DISCARD_LIMIT,
            },
            BodyDef::Json { .. } => BodyPlan::Buffer,
            BodyDef::Stream { .. } => BodyPlan::Stream,
        }
    }

    /// The operation.
    pub fn operation(&self) -> Operation {
        self.head.operation()
    }
}

/// Why a request is not forwarded: what the client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    message: String,
    operation: Option<Operation>,
    field: Option<String>,
    rule: Option<Arc<RuleName>>,
    /// What records say beside the message.
    seen: Option<String>,
}

impl Refusal {
    /// A refusal with a status and a message.
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            operation: None,
            field: None,
            rule: None,
            seen: None,
        }
    }

    /// What records say of it beside the message, and nobody is told.
    pub fn seen(&self) -> Option<&str> {
        self.seen.as_deref()
    }

    pub(crate) fn having_seen(mut self, seen: impl Into<String>) -> Self {
        self.seen = Some(seen.into());
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The operation, if it was known.
    pub fn operation(&self) -> Option<Operation> {
        self.operation
    }

    /// The path of the field that it is refused for, if there is one.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The rule that denies it, or the one that came nearest to allowing it.
    pub fn rule(&self) -> Option<&Arc<RuleName>> {
        self.rule.as_ref()
    }

    fn of(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.message)
    }
}

impl std::error::Error for Refusal {}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        use crate::route::RouteError;
        match error {
            // The words that the Engine uses, which clients know.
            RequestError::Route(RouteError::NotFound) => Self::new(404, "page not found"),
            RequestError::Route(RouteError::Unsupported { .. }) => {
                Self::new(403, format!("opgate: {error}"))
            }
            RequestError::Version(error @ VersionError::Answer { .. }) => {
                Self::new(400, format!("opgate: {error}"))
            }
            RequestError::Version(error) => Self::new(400, error.to_string()),
            RequestError::Route(_) => Self::new(400, format!("opgate: {error}")),
            RequestError::Decode {
                operation,
                error: ref inner,
            } => Self {
                operation: Operation::from_name(operation),
                field: Some(inner.place.clone()),
                ..Self::new(400, format!("opgate: {error}"))
            },
        }
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self {
            field: denial.field().map(str::to_owned),
            rule: denial.rule().cloned(),
            ..Self::new(403, format!("opgate: {denial}")).of(denial.operation())
        }
    }
}

/// The gate: the policies in force.
#[derive(Debug)]
pub struct Gate {
    policies: Policies,
    /// The listeners, in the order in which the policies know them.
    listeners: Option<Vec<ListenerId>>,
}

impl Gate {
    /// A gate with these policies.
    pub fn new(policies: Policies) -> Self {
        Self {
            policies,
            listeners: None,
        }
    }

    /// A gate whose listeners are called by these names, in the order of the
    /// configuration. Any other listener has no client, and may do nothing.
    pub fn with_listeners(policies: Policies, listeners: Vec<ListenerId>) -> Self {
        Self {
            policies,
            listeners: Some(listeners),
        }
    }

    /// The place of a listener in the configuration.
    fn place(&self, listener: ListenerId) -> usize {
        match &self.listeners {
            None => listener.0,
            Some(known) => (known.iter())
                .position(|one| *one == listener)
                .unwrap_or(usize::MAX),
        }
    }

    /// Who a caller is; nothing where its container has to be known first.
    pub fn identify(&self, caller: &Caller) -> Option<Result<Client, Refusal>> {
        let who = self.policies.who(self.place(caller.listener), caller);
        self.identified(who, caller)
    }

    /// Who a caller is that is in this container, or in none.
    pub fn identify_in(
        &self,
        caller: &Caller,
        container: Option<&Container>,
    ) -> Result<Client, Refusal> {
        let place = self.place(caller.listener);
        let who = self.policies.who_in(place, caller, container);
        self.identified(who, caller)
            .unwrap_or_else(|| Err(nobody()))
    }

    /// A client that a caller may be, depending on its container: its Engine is asked.
    pub(crate) fn contained(&self, caller: &Caller) -> Option<Client> {
        self.policies.contained(self.place(caller.listener))
    }

    /// The client of a caller that is so.
    fn identified(&self, who: Who, caller: &Caller) -> Option<Result<Client, Refusal>> {
        match who {
            Who::Client(client) => Some(Ok(client)),
            Who::Contained => None,
            Who::Nobody => Some(Err(nobody().having_seen(caller.to_string()))),
            // Their names are no business of who calls.
            Who::Several(one, other) => {
                let name = |client| self.policies.client_name(client);
                let seen = format!("{} and {} fit {caller}", name(one), name(other));
                let message = "opgate: more than one client fits this connection, and so none does";
                Some(Err(Refusal::new(403, message).having_seen(seen)))
            }
        }
    }

    /// The policies.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The name of the client that a listener names; [`NOBODY`] where it names none.
    pub fn client(&self, listener: ListenerId) -> Arc<str> {
        let client = self.policies.named_by(self.place(listener));
        client.map_or_else(|| NOBODY.into(), |one| self.policies.client_name(one))
    }

    /// Judges the head of a request of whoever comes by this listener, of whom no
    /// more is known.
    pub fn head<'a>(
        &self,
        head: &RequestHead<'a>,
        listener: ListenerId,
    ) -> Result<Matched<'a>, Refusal> {
        let client = self.identify(&Caller::at(listener));
        self.head_of(head, client.unwrap_or_else(|| Err(nobody()))?)
    }

    /// Judges the head of a request of a client.
    pub fn head_of<'a>(
        &self,
        head: &RequestHead<'a>,
        client: Client,
    ) -> Result<Matched<'a>, Refusal> {
        let matched = head.route().map_err(Refusal::from)?;
        // Whoever may not call the operation at all gets no work done for it.
        let definition = matched.definition();
        let admitted = definition
            .variants()
            .any(|variant| self.policies.admit(client, variant.operation()).is_ok());
        if !admitted {
            self.policies.admit(client, definition.operation())?;
        }
        let head = DecodedHead::of(matched, head)?.with(self.policies.older(client));
        self.policies.admit(client, head.operation())?;
        Ok(Matched { head, client })
    }

    /// Judges the whole request.
    pub fn judge<'a>(
        &self,
        matched: Matched<'a>,
        body: &'a [u8],
        engine: EngineVersion,
    ) -> Result<Permit, Refusal> {
        let operation = matched.operation();
        let served = engine.common().ok_or_else(|| no_common_version(engine))?;
        let decoded = matched
            .head
            .body(body, served)
            .map_err(|error| Refusal::from(error).of(operation))?;
        Ok(self.policies.decide(matched.client, decoded)?)
    }

    /// The versions to tell clients of: those that opgate and the Engine both
    /// serve.
    pub fn adjust_version(engine: EngineVersion) -> Option<(ApiVersion, ApiVersion)> {
        engine.common().map(|common| (common.min, common.max))
    }
}

fn nobody() -> Refusal {
    Refusal::new(403, "opgate: no client fits this connection")
}

fn no_common_version(engine: EngineVersion) -> Refusal {
    Refusal::new(
        502,
        format!(
            "opgate: the Engine serves API versions {} to {}, opgate {} to {}",
            engine.min,
            engine.max,
            api::OLDEST,
            api::NEWEST
        ),
    )
}

//! What happened to a request → one [`Record`], handed to the [`Journal`].
//!
//! An [`Entry`] is opened with the request and writes its record when it is
//! dropped, so that there is no way through the proxy that leaves none: not a
//! client that went away, not a shutdown. Records hold no value of a request
//! (the gate's messages and the dropped paths are made without any).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::lookout::EngineChange;
use super::meter::UnderWay;
use crate::api::Operation;
use crate::gate::{ListenerId, Permit, Refusal};
use crate::policy::RuleName;
use crate::route::Version;

/// What was decided of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The gate permitted it, and it went to the Engine.
    Allowed,
    /// The gate refused it, or it could not be understood.
    Refused,
    /// It was neither refused nor answered by the Engine: the Engine was away,
    /// or the client left before the decision.
    Failed,
}

/// One request and what became of it.
#[derive(Clone, Debug)]
pub struct Record {
    /// The listener that it came by.
    pub listener: ListenerId,
    /// The client that asked; [`NOBODY`](crate::gate::NOBODY) where it is none.
    pub client: Arc<str>,
    /// The operation, where the request could be matched to one.
    pub operation: Option<Operation>,
    /// The version that the client asked for, where it was forwarded in a newer one.
    pub pinned: Option<Version>,
    /// What was decided.
    pub decision: Decision,
    /// The rule that allowed or denied it, or came nearest to allowing it.
    pub rule: Option<Arc<RuleName>>,
    /// The path of the field that it was refused for.
    pub field: Option<String>,
    /// The status that the client was told, if any.
    pub status: Option<u16>,
    /// The message of a refusal or failure, and for who is no client what is known of
    /// the connection. It holds no value of the request.
    pub message: Option<String>,
    /// Whether the connection became a tunnel.
    pub tunnel: bool,
    /// Whether the answer was delivered to its end.
    pub complete: bool,
    /// Bytes of the request's body, or of the client's side of the tunnel.
    pub bytes_in: u64,
    /// Bytes of the answer's body, or of the Engine's side of the tunnel.
    pub bytes_out: u64,
    /// From the end of the request's head to the end of the exchange.
    pub duration: Duration,
    /// The paths of what the gate dropped from the request.
    pub dropped: Vec<String>,
    /// The paths of what the rule changed in the request.
    pub rewritten: Vec<String>,
}

/// Where records go. Called on the runtime's threads: it must not block for long.
pub trait Journal: Send + Sync + 'static {
    /// Takes the record of a request that is over.
    fn record(&self, record: &Record);

    /// A client did not get through the handshake of TLS.
    fn handshake_failed(&self, _source: SocketAddr, _error: &io::Error) {}

    /// The listener of a client could not accept a connection and pauses before it
    /// tries again.
    fn accept_failed(&self, _client: &str, _error: &io::Error) {}

    /// An Engine has gone, or has come back.
    fn engine_changed(&self, _change: &EngineChange<'_>) {}
}

/// A record in the making.
pub(crate) struct Entry {
    record: Record,
    started: Instant,
    /// 0 for none; written while the exchange goes on, like the counts.
    status: AtomicU16,
    tunnel: AtomicBool,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    journal: Arc<dyn Journal>,
    /// Counts the request for as long as it has no record.
    under_way: (Option<UnderWay>, Option<UnderWay>),
}

impl Entry {
    /// Opens the entry of a request.
    pub(crate) fn open(journal: &Arc<dyn Journal>, listener: ListenerId, client: Arc<str>) -> Self {
        Self {
            record: Record {
                listener,
                client,
                rule: None,
                field: None,
                operation: None,
                pinned: None,
                decision: Decision::Failed,
                status: None,
                message: None,
                tunnel: false,
                complete: false,
                bytes_in: 0,
                bytes_out: 0,
                duration: Duration::ZERO,
                dropped: Vec::new(),
                rewritten: Vec::new(),
            },
            started: Instant::now(),
            status: AtomicU16::new(0),
            tunnel: AtomicBool::new(false),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            journal: Arc::clone(journal),
            under_way: (None, None),
        }
    }

    /// The request counts as one of its listener.
    pub(crate) fn hold(&mut self, under_way: UnderWay) {
        self.under_way.0 = Some(under_way);
    }

    /// It is known who asks.
    pub(crate) fn identified(&mut self, client: Arc<str>) {
        self.record.client = client;
    }

    /// The request counts as one of its client.
    pub(crate) fn hold_of_client(&mut self, under_way: Option<UnderWay>) {
        self.under_way.1 = under_way;
    }

    /// The operation is known.
    pub(crate) fn matched(&mut self, operation: Operation) {
        self.record.operation = Some(operation);
    }

    /// The gate permitted the request.
    pub(crate) fn allowed(&mut self, permit: &Permit) {
        self.record.decision = Decision::Allowed;
        self.record.pinned = permit.request().pinned();
        self.record.rule = Some(Arc::clone(permit.rule()));
        self.record.dropped = permit.request().dropped().to_vec();
        self.record.rewritten = permit.rewritten().to_vec();
    }

    /// The gate refused the request.
    pub(crate) fn refused(&mut self, refusal: &Refusal) {
        self.record.operation = refusal.operation().or(self.record.operation);
        self.record.rule = refusal.rule().cloned();
        self.record.field = refusal.field().map(str::to_owned);
        if let (Some(seen), Some(message)) = (refusal.seen(), &mut self.record.message) {
            message.push_str(": ");
            message.push_str(seen);
        }
    }

    /// The request is not answered by the Engine but by opgate.
    pub(crate) fn failed(&mut self, decision: Decision, message: &str) {
        self.record.decision = decision;
        self.record.message = Some(message.to_owned());
    }

    /// The client is told this status.
    pub(crate) fn answered(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// The connection is a tunnel from here on, which began with this status.
    pub(crate) fn tunnelled(&self, status: u16) {
        self.answered(status);
        self.tunnel.store(true, Ordering::Relaxed);
    }

    /// The answer was delivered to its end.
    pub(crate) fn completed(&mut self) {
        self.record.complete = true;
    }

    /// So many bytes of the client were read.
    pub(crate) fn count_in(&self, bytes: u64) {
        self.bytes_in.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many bytes were written to the client.
    pub(crate) fn count_out(&self, bytes: u64) {
        self.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.record.duration = self.started.elapsed();
        self.record.status = match *self.status.get_mut() {
            0 => None,
            status => Some(status),
        };
        self.record.tunnel = *self.tunnel.get_mut();
        self.record.bytes_in = *self.bytes_in.get_mut();
        self.record.bytes_out = *self.bytes_out.get_mut();
        self.journal.record(&self.record);
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

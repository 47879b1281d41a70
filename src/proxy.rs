//! The wire: bytes of clients → the gate → bytes of the Engine, and back.
//!
//! [`serve`] accepts connections on its listeners. Each is served one request at
//! a time (`connection`): the head is found and checked (`head`, `framing`, and on
//! TCP `browser`), the gate matches it, the body is read as the gate says (`body`, `chunked`), a
//! connection to the Engine is taken and its version learnt (`upstream`), the gate
//! judges, and the permit is forwarded (`forward`, `answer`, `response`) or becomes
//! a tunnel (`tunnel`). What stops a request on the way is answered from one place
//! (`rescue`); every request leaves a record (`record`); every bound is in `limits`.
//!
//! INVARIANT: nothing reaches the Engine but what `upstream::request` writes from a
//! `Permit`, the question for its version, and the bytes of a tunnel that the
//! Engine has accepted.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::gate::Gate;

mod alarm;
mod answer;
mod body;
mod browser;
mod chunked;
mod client;
mod connection;
mod forward;
mod framing;
mod head;
mod limits;
mod listener;
mod negotiation;
mod record;
mod rescue;
mod response;
mod tunnel;
mod upstream;

pub use limits::Limits;
pub use listener::{ListenError, Listener, ListenerConfig};
pub use record::{Decision, Journal, Record};
pub use upstream::{EndpointError, Upstream};

/// What all connections share.
pub struct Proxy {
    gate: watch::Receiver<Arc<Gate>>,
    upstream: Upstream,
    journal: Arc<dyn Journal>,
    limits: Limits,
}

impl Proxy {
    /// A proxy that judges each request by the gate that `gate` holds when the
    /// request begins: sending another one is a reload.
    pub fn new(
        gate: watch::Receiver<Arc<Gate>>,
        upstream: Upstream,
        journal: Arc<dyn Journal>,
        limits: Limits,
    ) -> Self {
        Self {
            gate,
            upstream,
            journal,
            limits,
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("upstream", &self.upstream)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Serves all listeners until `stopping` holds `true` (or its sender is gone).
/// Running requests then get [`Limits::shutdown_grace`] to end in.
pub async fn serve(listeners: Vec<Listener>, proxy: Arc<Proxy>, stopping: watch::Receiver<bool>) {
    let mut running = JoinSet::new();
    for listener in listeners {
        running.spawn(listener.run(Arc::clone(&proxy), stopping.clone()));
    }
    while running.join_next().await.is_some() {}
}

/// Resolves at shutdown. A sender that is gone can never say so: that counts too.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stopping| *stopping).await);
}

//! The wire: bytes of clients → the gate → bytes of the Engine, and back.
//!
//! [`serve`] accepts connections on its listeners. Each is served one request at
//! a time (`connection`): the head is found and checked (`head`, `framing`, and on
//! TCP `browser`), the gate matches it, the body is read as the gate says (`body`, `chunked`), a
//! connection to the Engine is taken and its version learnt (`upstream`), the gate
//! judges, and the permit is forwarded (`forward`, `answer`, `response`) or becomes
//! a tunnel (`tunnel`). Which client calls is told once for a connection (`identity`,
//! and `containers` where the Engine has to say). What stops a request on the way is answered from one place
//! (`rescue`); every request leaves a record (`record`), which is counted (`metrics`); every bound is in `limits`,
//! whose they are in `limit_table`, and what counts requests in `meter`.
//! What all of it goes by can be replaced while it runs (`reload`). Whether the Engines
//! answer (`health`) is learnt from requests, and by a probe where there are none (`lookout`).
//!
//! INVARIANT: nothing reaches the Engine but what `upstream::request` writes from a
//! `Permit`, the questions for its version, its containers and whether it is there, and the bytes of a
//! tunnel that the Engine has accepted.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::gate::Gate;

mod alarm;
mod answer;
mod body;
mod browser;
mod chunked;
mod client;
mod connection;
mod containers;
mod forward;
mod framing;
mod head;
mod health;
mod identity;
mod limit_table;
mod limits;
mod listener;
mod lookout;
mod meter;
mod metrics;
mod negotiation;
mod record;
mod reload;
mod rescue;
mod response;
mod tls_table;
mod tunnel;
mod upstream;
mod upstreams;

pub use health::Health;
pub use limit_table::LimitTable;
pub use limits::Limits;
pub use listener::{ListenError, Listener, ListenerConfig, take_over};
pub use lookout::EngineChange;
pub use meter::Rate;
pub use metrics::{Counts, MetricsListener};
pub use record::{Decision, Journal, Record};
pub use reload::{Changes, Server, Settings};
pub use tls_table::TlsTable;
pub use upstream::{Endpoint, EndpointError, TcpHost, Upstream};
pub use upstreams::Upstreams;

/// What all connections share.
pub struct Proxy {
    in_force: watch::Receiver<Arc<InForce>>,
    journal: Arc<dyn Journal>,
}

/// What requests are served by: all of it is replaced at once.
#[derive(Clone, Debug)]
pub struct InForce {
    /// Judges them.
    pub gate: Arc<Gate>,
    /// Where they go.
    pub upstreams: Arc<Upstreams>,
    /// What bounds them.
    pub limits: Arc<LimitTable>,
    /// By which listeners they come by TLS.
    pub tls: Arc<TlsTable>,
}

impl Proxy {
    /// A proxy that serves each request by what `in_force` holds when the
    /// request begins: sending something else is a reload.
    pub fn new(in_force: watch::Receiver<Arc<InForce>>, journal: Arc<dyn Journal>) -> Self {
        Self { in_force, journal }
    }

    /// What is in force now. A request asks once.
    fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.in_force.borrow())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("in_force", &self.in_force)
            .finish_non_exhaustive()
    }
}

/// Serves all listeners until `stopping` holds `true` (or its sender is gone).
/// Running requests then get [`Limits::shutdown_grace`] to end in. A [`Server`] does the same and can be reloaded.
pub async fn serve(listeners: Vec<Listener>, proxy: Arc<Proxy>, stopping: watch::Receiver<bool>) {
    Server::new(listeners, proxy, stopping).ended().await;
}

/// Resolves at shutdown. A sender that is gone can never say so: that counts too.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stopping| *stopping).await);
}

/// Resolves when a shutdown has used up most of its grace.
async fn farewell(stopping: &mut watch::Receiver<bool>, grace: Duration) {
    stopped(stopping).await;
    sleep(grace.saturating_sub(grace / limits::FAREWELL_PART)).await;
}

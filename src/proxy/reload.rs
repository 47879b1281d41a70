//! Other settings for a proxy that runs: all of them at once, or none.
//!
//! First everything is opened that may fail; then one store puts gate, upstream
//! and limits in force together; then what is no longer listened at is closed. A
//! request has asked for what is in force once (`connection`), so that it is
//! judged, bounded and forwarded by what stood together in one configuration.
//!
//! A listener is known by its place: the path of a unix socket, the address of a
//! TCP socket. One whose place stays is not touched, nor are its connections, but
//! for the mode of its socket. At a place that is gone nobody new is accepted and
//! idle connections end; requests under way end by themselves.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::listener::Standing;
use super::{
    InForce, LimitTable, Limits, ListenError, Listener, ListenerConfig, Proxy, TlsTable, Upstreams,
};
use crate::gate::{Gate, ListenerId};
use crate::policy::{Address, Bounds, Policies};
use crate::tls::ServerTls;

/// What a proxy is to go by from now on.
#[derive(Debug)]
pub struct Settings {
    /// Where it listens, in the order in which the policies know the listeners.
    pub listeners: Vec<Address>,
    /// What is allowed.
    pub policies: Policies,
    /// The Engines. One that is reached as before keeps its connections.
    pub upstreams: Upstreams,
    /// What bounds what belongs to no listener.
    pub limits: Limits,
    /// What bounds the requests of each listener, in the same order.
    pub of_listeners: Vec<Limits>,
    /// What the handshakes of each listener go by, in the same order.
    pub tls: Vec<Option<ServerTls>>,
    /// What bounds the requests of each client further.
    pub of_clients: Vec<(Arc<str>, Bounds)>,
}

/// What a reload did to the listeners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Where is listened now and was not before.
    pub added: Vec<Address>,
    /// Where is not listened any more.
    pub removed: Vec<Address>,
    /// What of those that stay could not be opened to new callers, and why.
    pub shut: Vec<String>,
    /// How many listeners stay open.
    pub kept: usize,
}

/// The listeners of a proxy, each served by a task of its own.
pub struct Server {
    proxy: Arc<Proxy>,
    open: Vec<Open>,
    running: JoinSet<()>,
    stopping: watch::Receiver<bool>,
    /// The listener of the next name; none was called so before.
    next: usize,
}

/// A listener that is served.
struct Open {
    standing: Standing,
    /// Gone when the listener is removed. Holds whether its place is somebody
    /// else's now.
    removed: watch::Sender<bool>,
}

impl Server {
    /// Serves these listeners until `stopping` holds `true` (or its sender is gone).
    pub fn new(
        listeners: Vec<Listener>,
        proxy: Arc<Proxy>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let mut server = Self {
            proxy,
            open: Vec::with_capacity(listeners.len()),
            running: JoinSet::new(),
            stopping,
            next: 0,
        };
        for listener in listeners {
            server.serve(listener);
        }
        server
    }

    fn serve(&mut self, listener: Listener) {
        let standing = listener.standing();
        self.next = self.next.max(standing.id.0.saturating_add(1));
        let (removed, removal) = watch::channel(false);
        self.open.push(Open { standing, removed });
        let (proxy, stopping) = (Arc::clone(&self.proxy), self.stopping.clone());
        self.running.spawn(listener.run(proxy, removal, stopping));
    }

    /// Waits until no listener is served any more. Cancelling it loses nothing.
    pub async fn ended(&mut self) {
        while self.running.join_next().await.is_some() {}
    }

    /// Goes by other settings from the next request on; `in_force` is what the
    /// proxy looks at. With an error, everything is as it was.
    pub async fn reload(
        &mut self,
        in_force: &watch::Sender<Arc<InForce>>,
        settings: Settings,
    ) -> Result<Changes, ListenError> {
        let Settings {
            listeners,
            policies,
            upstreams,
            limits,
            of_listeners,
            tls,
            of_clients,
        } = settings;
        let plan = self.plan(listeners).await?;
        let listeners = plan.names.iter().copied().zip(of_listeners);
        let limits = {
            let before = &in_force.borrow().limits;
            LimitTable::new(limits, listeners, of_clients, Some(before))
        };
        let tls = TlsTable::new(plan.names.iter().copied().zip(tls));
        let upstreams = upstreams.after(&in_force.borrow().upstreams);
        in_force.send_replace(Arc::new(InForce {
            gate: Arc::new(Gate::with_listeners(policies, plan.names)),
            upstreams: Arc::new(upstreams),
            limits: Arc::new(limits),
            tls: Arc::new(tls),
        }));
        let mut changes = Changes {
            kept: plan.kept.iter().filter(|kept| kept.is_some()).count(),
            ..Changes::default()
        };
        let before = std::mem::take(&mut self.open);
        for (mut open, kept) in before.into_iter().zip(plan.kept) {
            if let Some(address) = kept {
                if let Err(error) = open.standing.open(&address) {
                    changes.shut.push(error.to_string());
                }
                open.standing.asked = address;
                self.open.push(open);
            } else {
                if !open.standing.is_there() {
                    open.removed.send_replace(true);
                }
                changes.removed.push(open.standing.asked);
            }
        }
        for listener in plan.added {
            changes.added.push(listener.address().clone());
            self.serve(listener);
        }
        Ok(changes)
    }

    /// Opens what is not open yet. With an error, nothing more is open than before.
    async fn plan(&self, addresses: Vec<Address>) -> Result<Plan, ListenError> {
        let mut plan = Plan {
            names: Vec::with_capacity(addresses.len()),
            kept: vec![None; self.open.len()],
            added: Vec::new(),
        };
        let mut next = self.next;
        for address in addresses {
            let here = self.open.iter().zip(&mut plan.kept).find(|(open, kept)| {
                kept.is_none() && open.standing.stands_at(&address) && open.standing.is_there()
            });
            if let Some((open, kept)) = here {
                plan.names.push(open.standing.id);
                *kept = Some(address);
                continue;
            }
            let id = ListenerId(next);
            next = next.saturating_add(1);
            plan.names.push(id);
            match Listener::bind(ListenerConfig { id, address }).await {
                Ok(listener) => plan.added.push(listener),
                Err(error) => return Err(plan.undo(error)),
            }
        }
        let mut set: Vec<&Standing> = Vec::new();
        for (open, kept) in self.open.iter().zip(&plan.kept) {
            if let Some(address) = kept {
                if let Err(error) = open.standing.adjust(address) {
                    // What was possible a moment ago; there is no more to be done.
                    for open in set {
                        drop(open.restore());
                    }
                    return Err(plan.undo(error));
                }
                set.push(&open.standing);
            }
        }
        Ok(plan)
    }
}

/// What a reload is going to do to the listeners.
struct Plan {
    /// What the listeners are called, in the order of the configuration.
    names: Vec<ListenerId>,
    /// For each that is open, how it stays.
    kept: Vec<Option<Address>>,
    added: Vec<Listener>,
}

impl Plan {
    fn undo(self, error: ListenError) -> ListenError {
        for listener in self.added {
            listener.close(true);
        }
        error
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("proxy", &self.proxy)
            .field("listeners", &self.open.len())
            .finish_non_exhaustive()
    }
}

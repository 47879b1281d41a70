//! Which limits hold for whom: those of each listener, and what a client's own
//! narrow them to.

use std::collections::HashMap;
use std::sync::Arc;

use super::limits::Limits;
use super::meter::{BusyError, Meter, Metered, UnderWay};
use crate::gate::ListenerId;
use crate::policy::Bounds;

/// The limits in force.
#[derive(Clone, Debug)]
pub struct LimitTable {
    /// For a listener that has none of its own, and for what belongs to nobody.
    usual: Metered<Arc<Limits>>,
    listeners: Vec<(ListenerId, Metered<Arc<Limits>>)>,
    clients: HashMap<Arc<str>, Metered<Bounds>>,
}

impl From<Limits> for LimitTable {
    fn from(limits: Limits) -> Self {
        Self {
            usual: Metered::new(Arc::new(limits), Arc::default()),
            listeners: Vec::new(),
            clients: HashMap::new(),
        }
    }
}

impl LimitTable {
    /// Those of listeners and clients. What `before` has counted of them counts on.
    pub fn new(
        usual: Limits,
        listeners: impl IntoIterator<Item = (ListenerId, Limits)>,
        clients: impl IntoIterator<Item = (Arc<str>, Bounds)>,
        before: Option<&Self>,
    ) -> Self {
        let meter = |known: Option<&Arc<Meter>>| known.map_or_else(Arc::default, Arc::clone);
        let listeners = listeners.into_iter().map(|(id, limits)| {
            let known = before.and_then(|before| before.own(id));
            let meter = meter(known.map(|known| &known.meter));
            (id, Metered::new(Arc::new(limits), meter))
        });
        let limited = |(_, bounds): &(_, Bounds)| *bounds != Bounds::default();
        let clients = clients.into_iter().filter(limited).map(|(name, bounds)| {
            let known = before.and_then(|before| before.clients.get(&name));
            let meter = meter(known.map(|known| &known.meter));
            (name, Metered::new(bounds, meter))
        });
        Self {
            usual: Metered::new(
                Arc::new(usual),
                meter(before.map(|before| &before.usual.meter)),
            ),
            listeners: listeners.collect(),
            clients: clients.collect(),
        }
    }

    /// Those that belong to no listener.
    pub(crate) fn usual(&self) -> &Arc<Limits> {
        &self.usual.limits
    }

    /// Those of a listener.
    pub(crate) fn of(&self, listener: ListenerId) -> &Arc<Limits> {
        &self.at(listener).limits
    }

    /// Those of a client's request at a listener.
    pub(crate) fn of_request(&self, listener: ListenerId, client: &str) -> Arc<Limits> {
        let limits = self.of(listener);
        match self.clients.get(client) {
            Some(own) if limits.is_narrowed(&own.limits) => Arc::new(limits.narrowed(&own.limits)),
            _ => Arc::clone(limits),
        }
    }

    /// Counts a request at a listener, unless that is one too many.
    pub(crate) fn begin(&self, listener: ListenerId) -> Result<UnderWay, BusyError> {
        self.at(listener).begin()
    }

    /// Counts a request of a client, unless that is one too many. Nothing for one
    /// that has no limits of its own.
    pub(crate) fn begin_of(&self, client: &str) -> Result<Option<UnderWay>, BusyError> {
        let Some(Metered { limits, meter }) = self.clients.get(client) else {
            return Ok(None);
        };
        let requests = limits.requests.map_or(usize::MAX, to_usize);
        meter.begin(requests, Limits::rate(limits)).map(Some)
    }

    fn own(&self, listener: ListenerId) -> Option<&Metered<Arc<Limits>>> {
        let mut listeners = self.listeners.iter();
        let (_, own) = listeners.find(|(id, _)| *id == listener)?;
        Some(own)
    }

    fn at(&self, listener: ListenerId) -> &Metered<Arc<Limits>> {
        self.own(listener).unwrap_or(&self.usual)
    }
}

/// A bound of a file as a size in memory.
pub(super) fn to_usize(bound: u64) -> usize {
    usize::try_from(bound).unwrap_or(usize::MAX)
}

//! The Engines, and which client's requests go to which.

use std::sync::Arc;

use super::upstream::{Upstream, UpstreamError};
use crate::policy::Client;

/// The Engines of the clients.
#[derive(Clone, Debug)]
pub struct Upstreams {
    all: Vec<Arc<Upstream>>,
    /// For each client, by its place, the place of its Engine. None of them where one
    /// Engine serves all.
    of_clients: Option<Vec<usize>>,
}

impl From<Upstream> for Upstreams {
    /// One Engine for all clients.
    fn from(upstream: Upstream) -> Self {
        Self {
            all: vec![Arc::new(upstream)],
            of_clients: None,
        }
    }
}

impl Upstreams {
    /// These Engines. `of_clients` has the place of one for each client, in the order in
    /// which the policies know the clients.
    pub fn new(all: Vec<Upstream>, of_clients: Vec<usize>) -> Self {
        let all: Vec<Arc<Upstream>> = all.into_iter().map(Arc::new).collect();
        for upstream in &all {
            upstream.one_of(all.len());
        }
        Self {
            all,
            of_clients: Some(of_clients),
        }
    }

    /// The Engine of a client. INVARIANT: nobody's requests go to another's.
    pub(crate) fn of(&self, client: Client) -> Result<&Arc<Upstream>, UpstreamError> {
        let place = match &self.of_clients {
            None => Some(0),
            Some(places) => places.get(client.place()).copied(),
        };
        let upstream = place.and_then(|place| self.all.get(place));
        upstream.ok_or(UpstreamError::NoUpstream)
    }

    /// These, with the connections of those that are reached as before.
    pub(crate) fn after(mut self, before: &Self) -> Self {
        let mut free: Vec<&Arc<Upstream>> = before.all.iter().collect();
        let engines = self.all.len();
        for upstream in &mut self.all {
            if let Some(place) = free.iter().position(|one| one.is_as(upstream)) {
                *upstream = Arc::clone(free.swap_remove(place));
                upstream.one_of(engines);
            }
        }
        self
    }

    /// Closes connections that wait, to free their descriptors.
    pub(crate) fn make_room(&self) {
        for upstream in &self.all {
            upstream.make_room();
        }
    }
}

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::resolve;

    const TIME: Duration = Duration::from_secs(1);

    fn upstream(path: &str) -> Upstream {
        Upstream::new(path, TIME).unwrap()
    }

    #[test]
    fn each_client_has_its_own_and_whoever_has_none_gets_none() {
        let policies = resolve(
            "file",
            "api: '1.51'\nlisten: [{ unix: /run/a.sock, client: a }]\nupstream: unix:///run/e.sock\n\
             clients: { a: { policies: [] }, b: { policies: [] }, c: { policies: [] } }\n\
             policies: {}\n",
        )
        .unwrap()
        .policies;
        let client = |name| policies.client_named(name).unwrap();
        let all = vec![upstream("/run/one"), upstream("/run/two")];
        let upstreams = Upstreams::new(all, vec![1, 0]);
        let of = |name| upstreams.of(client(name)).map(|one| one.endpoint());
        assert_eq!(of("a").unwrap(), "unix:///run/two");
        assert_eq!(of("b").unwrap(), "unix:///run/one");
        assert!(of("c").is_err());
        assert!(Upstreams::new(Vec::new(), vec![0]).of(client("a")).is_err());
        assert!(
            Upstreams::from(upstream("/run/one"))
                .of(client("c"))
                .is_ok()
        );
    }

    #[test]
    fn those_that_stay_keep_their_connections() {
        let before = Upstreams::new(
            vec![
                upstream("/run/one"),
                upstream("/run/two"),
                upstream("/run/two"),
            ],
            vec![0],
        );
        let now = vec![
            upstream("/run/two"),
            upstream("/run/three"),
            upstream("/run/two"),
        ];
        let after = Upstreams::new(now, vec![0]).after(&before);
        let kept = |place: usize| {
            before
                .all
                .iter()
                .any(|one| Arc::ptr_eq(one, &after.all[place]))
        };
        assert_eq!([kept(0), kept(1), kept(2)], [true, false, true]);
        // None is two at once.
        assert!(!Arc::ptr_eq(&after.all[0], &after.all[2]));
    }
}

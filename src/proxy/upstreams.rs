//! The Engines, and which client's requests go to which.

use std::sync::Arc;

use super::upstream::{Upstream, UpstreamError};
use crate::policy::Client;

/// The Engines of the clients.
#[derive(Clone, Debug)]
pub struct Upstreams {
    all: Vec<Named>,
    /// For each client, by its place, the place of its Engine. None of them where one
    /// Engine serves all.
    of_clients: Option<Vec<usize>>,
}

/// An Engine, and its name; the `upstream` of the file has none.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) upstream: Arc<Upstream>,
}

impl Named {
    fn new((name, upstream): (Option<Arc<str>>, Upstream)) -> Self {
        let upstream = Arc::new(upstream);
        Self { name, upstream }
    }

    /// Whether both are one, and called the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.upstream, &other.upstream)
    }
}

impl From<Upstream> for Upstreams {
    /// One Engine for all clients.
    fn from(upstream: Upstream) -> Self {
        Self {
            all: vec![Named::new((None, upstream))],
            of_clients: None,
        }
    }
}

impl Upstreams {
    /// These Engines, with their names. `of_clients` has the place of one for each
    /// client, in the order in which the policies know the clients.
    pub fn new(all: Vec<(Option<Arc<str>>, Upstream)>, of_clients: Vec<usize>) -> Self {
        let all: Vec<Named> = all.into_iter().map(Named::new).collect();
        for Named { upstream, .. } in &all {
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
        let named = place.and_then(|place| self.all.get(place));
        let upstream = named.map(|one| &one.upstream);
        upstream.ok_or(UpstreamError::NoUpstream)
    }

    /// All of them.
    pub(crate) fn named(&self) -> &[Named] {
        &self.all
    }

    /// These, with the connections and the health of those that are reached as before.
    pub(crate) fn after(mut self, before: &Self) -> Self {
        let mut free: Vec<&Named> = before.all.iter().collect();
        let engines = self.all.len();
        for Named { name, upstream } in &mut self.all {
            let same = |one: &&Named| one.upstream.is_as(upstream);
            let called = |one: &&Named| one.name == *name && same(one);
            let place = free.iter().position(called);
            if let Some(place) = place.or_else(|| free.iter().position(same)) {
                *upstream = Arc::clone(&free.swap_remove(place).upstream);
                upstream.one_of(engines);
            }
        }
        self
    }

    /// Closes connections that wait, to free their descriptors.
    pub(crate) fn make_room(&self) {
        for Named { upstream, .. } in &self.all {
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

    fn named(name: &str, path: &str) -> (Option<Arc<str>>, Upstream) {
        (Some(name.into()), upstream(path))
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
        let all = vec![named("one", "/run/one"), named("two", "/run/two")];
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
                named("a", "/run/one"),
                named("b", "/run/two"),
                named("c", "/run/two"),
            ],
            vec![0],
        );
        let now = vec![
            named("c", "/run/two"),
            named("a", "/run/three"),
            named("d", "/run/two"),
        ];
        let after = Upstreams::new(now, vec![0]).after(&before);
        let kept = |place: usize| {
            before
                .all
                .iter()
                .any(|one| Arc::ptr_eq(&one.upstream, &after.all[place].upstream))
        };
        assert_eq!([kept(0), kept(1), kept(2)], [true, false, true]);
        // What is called the same is the same, and none is two at once.
        assert!(after.all[0].is(&before.all[2]));
        assert!(Arc::ptr_eq(&after.all[2].upstream, &before.all[1].upstream));
        assert!(!after.all[2].is(&before.all[1]));
    }
}

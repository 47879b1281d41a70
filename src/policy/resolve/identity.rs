//! Who is which client: what the clients' `when` ask, and which callers they leave
//! to which client.
//!
//! What stands in a `when` is read in `identity/read`. Here it is looked at whether a
//! condition can hold at all, whether it tells anybody apart, and whether a caller
//! could fit two clients.

mod read;

use super::Resolver;
use crate::diagnostic::{Code, Span};
use crate::identity::apart::Apart;
use crate::identity::conditions::Conditions;
use crate::policy::Client;
use crate::policy::callers::Callers;
use crate::policy::document::{ListenDocument, PolicyDocument};
use crate::policy::yaml::Kind;

/// How many alternatives clients have at most, so that each can be compared with each.
const ALTERNATIVES: usize = 1000;

/// An alternative of a `when` with its place.
struct Written {
    client: usize,
    span: Span,
    conditions: Conditions,
    /// The listeners by which it can be met, by their places.
    reach: Vec<usize>,
}

/// What can come by a listener.
#[derive(Clone, Copy)]
struct Kinds {
    unix: bool,
    tcp: bool,
    tls: bool,
}

impl Kinds {
    /// A socket that is handed over may be of either kind.
    fn of(listen: &ListenDocument) -> Self {
        let tcp = listen.unix.is_none();
        Self {
            unix: listen.tcp.is_none(),
            tcp,
            tls: listen
                .tls
                .as_ref()
                .is_some_and(|tls| tls.client_ca.is_some()),
        }
    }

    fn admits(self, conditions: &Conditions) -> bool {
        let peer = conditions.uids.is_some() || conditions.gids.is_some();
        let source = conditions.sources.is_some();
        // No connection is by both kinds of sockets.
        (self.unix || !peer)
            && (self.tcp || !source)
            && !(peer && source)
            && (self.tls || conditions.tls.is_none())
    }
}

impl Resolver {
    /// Reads the conditions of all clients into `callers`, which knows what the
    /// listeners name.
    pub(super) fn identities(
        &mut self,
        document: &PolicyDocument,
        listeners: &[&ListenDocument],
        callers: &mut Callers,
    ) {
        let mut all: Vec<Written> = Vec::new();
        for (client, written) in document.clients.iter().enumerate() {
            let mut when = Vec::new();
            if let Some(entry) = &written.when {
                for (span, conditions) in self.when(entry, listeners) {
                    let reach = reach(Client(client), &conditions, listeners, callers);
                    if reach.is_empty() && !listeners.is_empty() {
                        self.unmet(span, &conditions, listeners);
                    }
                    self.tells_nobody(span, &conditions);
                    if conditions.container.is_some() {
                        let kinds = reach.iter().filter_map(|place| listeners.get(*place));
                        let kinds: Vec<Kinds> = kinds.map(|listen| Kinds::of(listen)).collect();
                        let source = conditions.sources.is_some();
                        callers.processes |= !source && kinds.iter().any(|one| one.unix);
                        self.by_address(span, &conditions, kinds.iter().any(|one| one.tcp));
                    }
                    when.push(conditions.clone());
                    all.push(Written {
                        client,
                        span,
                        conditions,
                        reach,
                    });
                }
            }
            callers.when.push(when);
        }
        self.apart(document, &all);
        self.reachable(document, listeners, callers, &all);
    }

    /// No listener has what a condition asks for.
    fn unmet(&mut self, span: Span, conditions: &Conditions, listeners: &[&ListenDocument]) {
        let any = |has: fn(Kinds) -> bool| listeners.iter().any(|one| has(Kinds::of(one)));
        let peer = conditions.uids.is_some() || conditions.gids.is_some();
        let help = if peer && conditions.sources.is_some() {
            "`peer` is known on unix sockets, `source` on TCP: write two alternatives"
        } else if peer && !any(|kinds| kinds.unix) {
            "`peer` is known on unix sockets only, and there is none in `listen`"
        } else if conditions.sources.is_some() && !any(|kinds| kinds.tcp) {
            "`source` is known on TCP only, and there is no such listener"
        } else if conditions.tls.is_some() && !any(|kinds| kinds.tls) {
            "there are certificates with TLS only, and no listener has `tls` with `client_ca`"
        } else {
            "a listener with `client` serves that client alone, and a client that one names is not to be had elsewhere"
        };
        let message = "no listener has callers that fit these conditions";
        self.report(Code::When, span, message, help.to_owned());
    }

    /// Warns of what every caller fits.
    fn tells_nobody(&mut self, span: Span, conditions: &Conditions) {
        let all = (conditions.sources.iter().flatten()).any(|network| network.is_all());
        let alone = conditions.uids.is_none()
            && conditions.gids.is_none()
            && conditions.tls.is_none()
            && conditions.container.is_none();
        if all && alone {
            let message = "every caller comes from these addresses";
            let help = "name narrower subnets, or ask for a certificate as well";
            self.warn(Code::EveryCaller, span, message, help);
        }
    }

    /// Warns of a container that is known by its address alone.
    fn by_address(&mut self, span: Span, conditions: &Conditions, tcp: bool) {
        let peer = conditions.uids.is_some() || conditions.gids.is_some();
        if tcp && !peer && conditions.tls.is_none() {
            let message = "on TCP a container is known by its address, which others can send from";
            let help = "whoever shares its network can feign it: ask for a certificate as well, or mount a unix socket into the container";
            self.warn(Code::EveryCaller, span, message, help);
        }
    }

    /// Compares each alternative with those of other clients.
    fn apart(&mut self, document: &PolicyDocument, all: &[Written]) {
        if all.len() > ALTERNATIVES {
            let message = format!("clients have more than {ALTERNATIVES} alternatives in `when`");
            self.report(Code::When, Span::START, message, None);
            return;
        }
        let name = |client: usize| {
            let client = document.clients.get(client);
            client.map_or("?", |client| client.name.text.as_str())
        };
        for (index, one) in all.iter().enumerate() {
            let meets = |other: &&Written| {
                other.client != one.client
                    && other.reach.iter().any(|place| one.reach.contains(place))
                    && other.conditions.apart(&one.conditions) == Apart::Never
            };
            let Some(other) = all.iter().take(index).find(meets) else {
                continue;
            };
            let message = format!(
                "a caller can fit this and client `{}`, and would be neither",
                name(other.client)
            );
            let help = format!(
                "the other stands {}: let them differ in a listener, a user, a subnet, a key or the like",
                self.files.from(one.span, other.span)
            );
            self.report(Code::SeveralClients, one.span, message, help);
        }
    }

    /// Each listener has somebody to serve, and `default` something to be for.
    fn reachable(
        &mut self,
        document: &PolicyDocument,
        listeners: &[&ListenDocument],
        callers: &Callers,
        all: &[Written],
    ) {
        let open = |place: usize| callers.listeners.get(place) == Some(&None);
        for (place, listen) in listeners.iter().enumerate() {
            let served = document.default.is_some()
                || (document.clients.iter().any(|client| client.when.is_some())
                    && all.iter().any(|one| one.reach.contains(&place)));
            // What is wrong with a `when` is said already.
            let unread = document.clients.iter().zip(&callers.when);
            let unread = unread
                .into_iter()
                .any(|(client, when)| client.when.is_some() && when.is_empty());
            if open(place) && !served && !unread {
                let message = "the listener does not say who its clients are";
                let help = "write `client: NAME` with the name of a client, or say in the client `when` it is who calls".to_owned();
                self.report(Code::MissingKey, listen.span, message, help);
            }
        }
        if let Some(default) = &document.default
            && !listeners.is_empty()
            && !(0..listeners.len()).any(open)
        {
            let message = "every listener names its client: nobody gets `default`";
            let help = "leave it out, or leave `client` out of a listener";
            self.warn(Code::Unused, default.span, message, help);
        }
    }
}

/// The listeners by which a client's conditions can be met, by their places.
fn reach(
    client: Client,
    conditions: &Conditions,
    listeners: &[&ListenDocument],
    callers: &Callers,
) -> Vec<usize> {
    let is_named = callers.listeners.contains(&Some(client));
    let places = listeners.iter().enumerate().filter(|(place, listen)| {
        let named = callers.listeners.get(*place).copied().flatten();
        let serves = if is_named {
            named == Some(client)
        } else {
            named.is_none()
        };
        serves
            && (conditions.listeners.as_ref()).is_none_or(|listeners| listeners.contains(place))
            && Kinds::of(listen).admits(conditions)
    });
    places.map(|(place, _)| place).collect()
}

/// Whether there is nothing in a node.
fn is_empty(kind: &Kind) -> bool {
    match kind {
        Kind::Null => true,
        Kind::List(nodes) => nodes.is_empty(),
        Kind::Map(entries) => entries.is_empty(),
        _ => false,
    }
}

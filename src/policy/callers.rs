//! Which client a caller is.
//!
//! By the listener that names one, by what the clients' `when` ask, or by `default`.
//! A client that some listener names is only to be had there, and a listener that
//! names one serves nobody else. INVARIANT: whoever fits two clients is none.

use super::{Client, Policies};
use crate::identity::conditions::Conditions;
use crate::identity::{Caller, Container};

/// Who is which client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Callers {
    /// For each listener the client that it names.
    pub(crate) listeners: Vec<Option<Client>>,
    /// For each client the alternatives of its `when`; none where it has no `when`.
    pub(crate) when: Vec<Vec<Conditions>>,
    /// Whoever fits no client.
    pub(crate) default: Option<Client>,
    /// Whether somebody is told by the container of a process.
    pub(crate) processes: bool,
    /// Whether users or groups are called by their names.
    pub(crate) accounts: bool,
}

/// The container of a caller.
#[derive(Clone, Copy, Debug)]
enum Inside<'a> {
    /// Nobody was asked.
    Unasked,
    /// It is this one, or none.
    Known(Option<&'a Container>),
}

/// What can be said of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// It is this client.
    Client(Client),
    /// It may be, depending on the container that it is in.
    Contained,
    /// It fits none.
    Nobody,
    /// It fits these, and so is none.
    Several(Client, Client),
}

impl Callers {
    /// The clients that the listener of this place may serve, by their places.
    fn served(&self, place: usize) -> impl Iterator<Item = (Client, &[Conditions])> {
        let named = self.listeners.get(place).copied();
        let clients = self.when.iter().enumerate();
        clients.filter_map(move |(client, when)| {
            let client = Client(client);
            let serves = match named {
                Some(Some(named)) => named == client,
                // With a `when` it may be anywhere that is not somebody's own.
                Some(None) => !when.is_empty() && !self.listeners.contains(&Some(client)),
                None => false,
            };
            serves.then_some((client, when.as_slice()))
        })
    }

    /// The clients that are told by their containers at the listener of this place.
    pub(crate) fn contained(&self, place: usize) -> impl Iterator<Item = Client> {
        let here = move |one: &Conditions| {
            let places = one.listeners.as_ref();
            one.container.is_some() && places.is_none_or(|places| places.contains(&place))
        };
        let served = self.served(place);
        served.filter_map(move |(client, when)| when.iter().any(here).then_some(client))
    }

    /// Who a caller is at the listener of this place.
    fn who(&self, place: usize, caller: &Caller, inside: Inside<'_>) -> Who {
        let mut found: Option<Client> = None;
        for (client, when) in self.served(place) {
            let mut fits = when.is_empty();
            for one in when.iter().filter(|one| one.may_fit(place, caller)) {
                match (&one.container, inside) {
                    (Some(_), Inside::Unasked) => return Who::Contained,
                    (Some(_), Inside::Known(container)) => fits |= one.fits_in(container),
                    (None, _) => fits = true,
                }
            }
            if !fits {
                continue;
            }
            if let Some(first) = found {
                return Who::Several(first, client);
            }
            found = Some(client);
        }
        let default = match self.listeners.get(place) {
            Some(None) => self.default,
            // A listener's client is nobody else, and neither is who comes by none.
            Some(Some(_)) | None => None,
        };
        found.or(default).map_or(Who::Nobody, Who::Client)
    }
}

impl Policies {
    /// Who a caller is at the listener of this place, if that can be told without its
    /// container.
    pub fn who(&self, place: usize, caller: &Caller) -> Who {
        self.callers.who(place, caller, Inside::Unasked)
    }

    /// The same, with its container, or knowing that it is in none.
    pub fn who_in(&self, place: usize, caller: &Caller, container: Option<&Container>) -> Who {
        self.callers.who(place, caller, Inside::Known(container))
    }

    /// A client that is told by its container at the listener of this place: its Engine
    /// is asked for containers there, and those of all such clients are one.
    pub(crate) fn contained(&self, place: usize) -> Option<Client> {
        self.callers.contained(place).next()
    }

    /// Whether some client is told by the container of the process that calls, so
    /// that processes have to be looked at.
    pub fn ask_for_processes(&self) -> bool {
        self.callers.processes
    }

    /// Whether users or groups are called by their names.
    pub fn name_accounts(&self) -> bool {
        self.callers.accounts
    }

    /// The client that a listener names, by its place.
    pub fn named_by(&self, listener: usize) -> Option<Client> {
        self.callers.listeners.get(listener).copied().flatten()
    }
}

//! Which client a connection is, told once for the policies in force.
//!
//! What was told is kept with the connection for as long as the same gate judges, and
//! what a container tells for a second; other policies are asked anew. Nothing of a
//! request takes part in it.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::InForce;
use super::containers::container_of;
use super::rescue::Failure;
use crate::gate::{Gate, NOBODY};
use crate::identity::Caller;
use crate::policy::Client;

/// What is known of a connection.
#[derive(Debug, Default)]
pub(super) struct Identity {
    known: Option<Known>,
}

#[derive(Debug)]
struct Known {
    /// The gate whose policies tell so. It may be gone, but no other is at its place
    /// while this is kept.
    gate: Weak<Gate>,
    client: Client,
    /// When it is to be told anew, where it is by something that can pass to another.
    until: Option<Instant>,
}

/// How long a caller is taken to be in a container without asking again: its address
/// goes to the next, its process ends while others hold the connection, and names change.
const CONTAINER_TIME: Duration = Duration::from_secs(1);

impl Identity {
    /// What records call the connection, as far as that can be told without asking
    /// anybody.
    pub(super) fn name(&mut self, gate: &Arc<Gate>, caller: &Caller) -> Arc<str> {
        match self.told(gate, caller) {
            Some(Ok(client)) => gate.policies().client_name(client),
            Some(Err(_)) | None => NOBODY.into(),
        }
    }

    /// The client.
    pub(super) async fn client(
        &mut self,
        in_force: &InForce,
        caller: &Caller,
    ) -> Result<Client, Failure> {
        match self.told(&in_force.gate, caller) {
            Some(told) => told,
            None => self.ask(in_force, caller).await,
        }
    }

    /// Asks the Engine for the container, and tells by it.
    async fn ask(&mut self, in_force: &InForce, caller: &Caller) -> Result<Client, Failure> {
        let asked = Instant::now();
        let Some(asking) = in_force.gate.contained(caller) else {
            return in_force
                .gate
                .identify_in(caller, None)
                .map_err(Failure::Refused);
        };
        let engine = in_force.upstreams.of(asking)?;
        let container = container_of(engine, caller).await?;
        let told = in_force.gate.identify_in(caller, container.as_ref());
        let client = told.map_err(Failure::Refused)?;
        self.known = Some(Known {
            gate: Arc::downgrade(&in_force.gate),
            client,
            until: asked.checked_add(CONTAINER_TIME),
        });
        Ok(client)
    }

    /// Who it is, if that can be told without asking anybody.
    fn told(&mut self, gate: &Arc<Gate>, caller: &Caller) -> Option<Result<Client, Failure>> {
        if let Some(known) = &self.known
            && known.gate.as_ptr() == Arc::as_ptr(gate)
            && known.until.is_none_or(|until| Instant::now() < until)
        {
            return Some(Ok(known.client));
        }
        self.known = None;
        let told = gate.identify(caller)?;
        if let Ok(client) = told {
            self.known = Some(Known {
                gate: Arc::downgrade(gate),
                client,
                until: None,
            });
        }
        Some(told.map_err(Failure::Refused))
    }
}

//! Which client a connection is, told once for the policies in force.
//!
//! What was told is kept with the connection for as long as the same gate judges;
//! other policies are asked anew. Nothing of a request takes part in it.

use std::sync::{Arc, Weak};

use super::InForce;
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
}

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
            None => in_force
                .gate
                .identify_in(caller, None)
                .map_err(Failure::Refused),
        }
    }

    /// Who it is, if that can be told without asking anybody.
    fn told(&mut self, gate: &Arc<Gate>, caller: &Caller) -> Option<Result<Client, Failure>> {
        if let Some(known) = &self.known
            && known.gate.as_ptr() == Arc::as_ptr(gate)
        {
            return Some(Ok(known.client));
        }
        self.known = None;
        let told = gate.identify(caller)?;
        if let Ok(client) = told {
            self.known = Some(Known {
                gate: Arc::downgrade(gate),
                client,
            });
        }
        Some(told.map_err(Failure::Refused))
    }
}

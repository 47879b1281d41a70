//! Which listeners speak TLS, and by what their handshakes go.

use crate::gate::ListenerId;
use crate::identity::Caller;
use crate::tls::ServerTls;

/// The listeners that speak TLS.
#[derive(Clone, Debug, Default)]
pub struct TlsTable(Vec<(ListenerId, ServerTls)>);

impl TlsTable {
    /// A table of those of these listeners that speak it.
    pub fn new(listeners: impl IntoIterator<Item = (ListenerId, Option<ServerTls>)>) -> Self {
        let listeners = listeners.into_iter();
        Self(listeners.filter_map(|(id, tls)| Some((id, tls?))).collect())
    }

    /// What the handshakes of a listener go by, if it has any.
    pub(crate) fn of(&self, listener: ListenerId) -> Option<&ServerTls> {
        let mut listeners = self.0.iter();
        listeners.find_map(|(id, tls)| (*id == listener).then_some(tls))
    }

    /// Whether a connection that is open could be made as it was: its listener may
    /// have got TLS, or ask for certificates, since.
    pub(crate) fn admits(&self, caller: &Caller) -> bool {
        match self.of(caller.listener) {
            None => !caller.tls,
            Some(tls) => caller.tls && tls.fits(caller.certificate.is_some()),
        }
    }
}

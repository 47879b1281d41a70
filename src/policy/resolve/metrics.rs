//! Where the gate tells its own numbers.

use std::net::SocketAddr;

use super::{Address, Listener, Resolver};
use crate::diagnostic::Code;
use crate::policy::Metrics;
use crate::policy::metrics::MetricsDocument;

impl Resolver {
    /// The address of `metrics`, which no listener has.
    pub(super) fn metrics(
        &mut self,
        metrics: &MetricsDocument,
        listeners: &[Listener],
    ) -> Option<Metrics> {
        let insecure = metrics.insecure.is_some_and(|(_, on)| on);
        let (at, address) = match (&metrics.unix, &metrics.tcp) {
            (Some(unix), None) => {
                if let Some((span, _)) = metrics.insecure {
                    let message = "a unix socket is never `insecure`";
                    self.report(Code::Listener, span, message, None);
                }
                (unix, Metrics::Unix(self.socket(unix)))
            }
            (None, Some(tcp)) => {
                let Ok(address) = tcp.text.parse::<SocketAddr>() else {
                    let message = format!("`{}` is not an address and a port", tcp.text);
                    let help = "write `127.0.0.1:9323`".to_owned();
                    self.report(Code::Listener, tcp.span, message, help);
                    return None;
                };
                if !address.ip().to_canonical().is_loopback() && !insecure {
                    let message = "metrics that other machines can reach";
                    let help = "everybody who reaches the port reads who calls what: listen on 127.0.0.1 or at a unix socket, or write `insecure: true`";
                    self.report(Code::Listener, tcp.span, message, help.to_owned());
                }
                (tcp, Metrics::Tcp(address))
            }
            _ => {
                if !metrics.broken {
                    let message = "`metrics` has `unix` or `tcp`, one of them";
                    let help = "write `metrics: { tcp: 127.0.0.1:9323 }`".to_owned();
                    self.report(Code::Listener, metrics.span, message, help);
                }
                return None;
            }
        };
        let same = |other: &Listener| match (&other.address, &address) {
            (Address::Unix { path, .. }, Metrics::Unix(own)) => path == own,
            (Address::Tcp(other), Metrics::Tcp(own)) => other == own && own.port() != 0,
            _ => false,
        };
        if listeners.iter().any(same) {
            let message = "a listener has the same address";
            self.report(Code::Listener, at.span, message, None);
        }
        Some(address)
    }
}

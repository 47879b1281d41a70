//! What a file says of the gate's own numbers: `metrics`.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::document::Reader;
use super::yaml::{Entry, Kind, Name};
use crate::diagnostic::Span;

/// Where the gate tells its own numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metrics {
    /// At a unix socket.
    Unix(PathBuf),
    /// At a TCP socket: on loopback, unless the file says that it is insecure.
    Tcp(SocketAddr),
}

/// `metrics` as it is written.
#[derive(Debug)]
pub(crate) struct MetricsDocument {
    pub(crate) span: Span,
    /// The path of a unix socket.
    pub(crate) unix: Option<Name>,
    /// Or the address of a TCP socket.
    pub(crate) tcp: Option<Name>,
    /// Whether other machines may reach it, and where that stands.
    pub(crate) insecure: Option<(Span, bool)>,
    /// Whether something of it is no text, or no map, which is reported already.
    pub(crate) broken: bool,
}

impl Reader<'_> {
    pub(super) fn metrics(&mut self, entry: &Entry) -> MetricsDocument {
        let before = self.found.len();
        let mut metrics = MetricsDocument {
            span: entry.key.span,
            unix: None,
            tcp: None,
            insecure: None,
            broken: false,
        };
        for inner in self.map(&entry.value, &["unix", "tcp", "insecure"]) {
            match inner.key.text.as_str() {
                "unix" => metrics.unix = self.text(&inner.value),
                "tcp" => metrics.tcp = self.text(&inner.value),
                _ => match inner.value.kind {
                    Kind::Bool(on) => metrics.insecure = Some((inner.key.span, on)),
                    _ => self.expected(&inner.value, "true or false"),
                },
            }
        }
        metrics.broken = self.found.len() > before;
        metrics
    }
}

//! What a file limits: the keys of `limits`, and what they are set to.
//!
//! `limits` stands at the top of a file, on a listener and on a client. What a
//! listener or client does not say itself is what the top says, and what nobody
//! says is the proxy's to choose. One table says of each key what it takes.

use std::sync::Arc;

/// Limits as a file says them; nothing where it says nothing. Sizes are in bytes,
/// times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Of the head of a request.
    pub head_size: Option<u64>,
    /// Of a body that is judged.
    pub body_size: Option<u64>,
    /// How deep a JSON body may nest.
    pub json_depth: Option<u64>,
    /// From the first byte of a head to its last.
    pub head_time: Option<u64>,
    /// Between two requests of a connection.
    pub idle_time: Option<u64>,
    /// For a body that is judged.
    pub body_time: Option<u64>,
    /// From the head of a request to its answer.
    pub request_time: Option<u64>,
    /// Open at a time.
    pub connections: Option<u64>,
    /// Under way at a time.
    pub requests: Option<u64>,
    /// Requests in a second.
    pub rate: Option<u64>,
    /// Requests at once, within the rate.
    pub burst: Option<u64>,
}

/// The limits of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileLimits {
    /// One for each listener, in their order.
    pub listeners: Vec<Bounds>,
    /// One for each client, by its name.
    pub clients: Vec<(Arc<str>, Bounds)>,
}

/// What a limit is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes.
    Size,
    /// Milliseconds.
    Time,
    /// Things.
    Count,
}

/// A key of `limits`.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) least: u64,
    pub(crate) most: u64,
    /// Whether a client can have it: a connection is not yet anybody's.
    pub(crate) of_client: bool,
    pub(crate) description: &'static str,
    pub(crate) of: fn(&mut Bounds) -> &mut Option<u64>,
}

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;

/// Every key, in the order in which they are documented.
pub(crate) const KEYS: [Key; 11] = [
    Key {
        name: "head_size",
        unit: Unit::Size,
        least: 1 << 10,
        most: 1 << 20,
        of_client: false,
        description: "The largest head of a request; as large as the Engine takes if it is left out.",
        of: |bounds| &mut bounds.head_size,
    },
    Key {
        name: "body_size",
        unit: Unit::Size,
        least: 1 << 10,
        most: 64 << 20,
        of_client: true,
        description: "The largest JSON body; 4MiB if it is left out.",
        of: |bounds| &mut bounds.body_size,
    },
    Key {
        name: "json_depth",
        unit: Unit::Count,
        least: 1,
        most: 128,
        of_client: true,
        description: "How deep a JSON body may nest; 128 if it is left out.",
        of: |bounds| &mut bounds.json_depth,
    },
    Key {
        name: "head_time",
        unit: Unit::Time,
        least: SECOND,
        most: HOUR,
        of_client: false,
        description: "From the first byte of a head to its last; 30s if it is left out.",
        of: |bounds| &mut bounds.head_time,
    },
    Key {
        name: "idle_time",
        unit: Unit::Time,
        least: SECOND,
        most: 24 * HOUR,
        of_client: false,
        description: "Between two requests of a connection, and before its first; 5m if it is left out.",
        of: |bounds| &mut bounds.idle_time,
    },
    Key {
        name: "body_time",
        unit: Unit::Time,
        least: SECOND,
        most: HOUR,
        of_client: true,
        description: "For the whole of a JSON body; 1m if it is left out.",
        of: |bounds| &mut bounds.body_time,
    },
    Key {
        name: "request_time",
        unit: Unit::Time,
        least: SECOND,
        most: 24 * HOUR,
        of_client: true,
        description: "From the head of a request to its answer, streams excepted; without end if it is left out.",
        of: |bounds| &mut bounds.request_time,
    },
    Key {
        name: "connections",
        unit: Unit::Count,
        least: 1,
        most: 100_000,
        of_client: false,
        description: "Open connections, above which more wait; 1024 if it is left out.",
        of: |bounds| &mut bounds.connections,
    },
    Key {
        name: "requests",
        unit: Unit::Count,
        least: 1,
        most: 100_000,
        of_client: true,
        description: "Requests under way, streams included; 512 if it is left out.",
        of: |bounds| &mut bounds.requests,
    },
    Key {
        name: "rate",
        unit: Unit::Count,
        least: 1,
        most: 100_000,
        of_client: true,
        description: "Requests in a second; any number if it is left out.",
        of: |bounds| &mut bounds.rate,
    },
    Key {
        name: "burst",
        unit: Unit::Count,
        least: 1,
        most: 100_000,
        of_client: true,
        description: "Requests at once, before the rate counts; as many as the rate if it is left out.",
        of: |bounds| &mut bounds.burst,
    },
];

impl Bounds {
    /// These, and where they say nothing, what others say of a listener or a client.
    pub(crate) fn or(mut self, mut others: Self, of_client: bool) -> Self {
        for key in &KEYS {
            let other = *(key.of)(&mut others);
            let own = (key.of)(&mut self);
            if own.is_none() && (key.of_client || !of_client) {
                *own = other;
            }
        }
        self
    }
}

//! Every bound of the wire, in one place.
//!
//! What protects a parser is a constant; what an operator or a test may want
//! otherwise is a field of [`Limits`], whose defaults are constants too. A wait
//! without a bound is named where it happens, with the reason. Bodies that are
//! buffered for judging are bounded by the gate (`BodyPlan`), not here.

use std::time::Duration;

/// The largest request head: what the Engine's own server takes.
pub(crate) const HEAD_MAX: usize = (1 << 20) + 4096;

/// The most header lines of a request. Real clients send fewer than twenty.
pub(crate) const HEADERS_MAX: usize = 128;

/// The longest line that announces a chunk, extensions included. Extensions are
/// dropped; nobody who speaks to the Engine sends any.
pub(crate) const CHUNK_LINE_MAX: usize = 256;

/// The most bytes of trailers of a chunked request. They are dropped.
pub(crate) const TRAILERS_MAX: usize = 8192;

/// The room made for one read of a head: most heads fit.
pub(crate) const HEAD_READ: usize = 4096;

/// The room made for one read of a body.
pub(crate) const BODY_READ: usize = 64 << 10;

/// How many pieces of a streamed body (each at most [`BODY_READ`]) wait for the
/// Engine before the client is made to wait.
pub(crate) const UPLOAD_QUEUE: usize = 2;

/// How much of a client's next request is read while its last one is answered:
/// reading on is how a client that went away is noticed.
pub(crate) const WATCH_AHEAD: usize = 8 << 10;

/// Answer bytes are collected up to this before they are written, as long as
/// more are there at once; at every lull they are written whatever their size.
pub(crate) const ANSWER_BUFFER: usize = 32 << 10;

/// A piece of an answer from this size on is written from where it lies.
pub(crate) const ANSWER_DIRECT: usize = 8 << 10;

/// The buffer of one direction of a tunnel.
pub(crate) const TUNNEL_BUFFER: usize = 32 << 10;

/// The buffer in which the Engine's answers are read: an answer's head must fit.
pub(crate) const ENGINE_BUFFER: usize = 128 << 10;

/// The largest head of an answer to a request that hijacks.
pub(crate) const TUNNEL_HEAD_MAX: usize = 64 << 10;

/// The most header lines of an answer to a request that hijacks.
pub(crate) const TUNNEL_HEADERS_MAX: usize = 64;

/// The largest answer to `SystemVersion`, which is read whole.
pub(crate) const VERSION_MAX: usize = 1 << 20;

/// The most bytes of an upload that are read and dropped after it was answered.
pub(crate) const LINGER_BYTES: u64 = 64 << 20;

/// How long a client may take to read an answer of opgate's own. An answer of
/// the Engine may take as long as the client likes: a paused `logs` is normal.
pub(crate) const OWN_ANSWER_TIME: Duration = Duration::from_secs(10);

/// How often it is looked whether a peer that ended its own side has left
/// altogether.
pub(crate) const HANGUP_PROBE: Duration = Duration::from_millis(500);

/// The room of an empty buffer that a connection keeps for its next request.
pub(crate) const KEPT_BUFFER: usize = 64 << 10;

/// How long a TCP connection may be silent before the kernel asks the peer
/// whether it is there, how often it asks again, and how many times.
pub(crate) const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
pub(crate) const KEEPALIVE_PROBES: u32 = 3;

/// How long what a client said into a tunnel before it left may wait for an
/// Engine that does not read.
pub(crate) const TUNNEL_ABANDONED: Duration = Duration::from_secs(30);

/// Idle connections to the Engine that are kept for the next request. With fewer
/// than clients have requests under way, each burst would open new ones, and ask
/// each for its version.
pub(crate) const POOL_IDLE_MAX: usize = 128;

/// How old a kept connection to the Engine may be, counted from its last use.
/// Short, because the Engine's version is learnt once per connection.
pub(crate) const POOL_IDLE_AGE: Duration = Duration::from_secs(30);

/// How long a kept connection may take to show that it is ready.
pub(crate) const POOL_READY_TIME: Duration = Duration::from_millis(100);

/// Kept connections to the Engine that stay open when descriptors run out.
pub(crate) const POOL_RESERVE: usize = 4;

/// The pause before another try when there is no descriptor for a connection to
/// the Engine. Shorter than [`ACCEPT_PAUSE`]: whoever is served goes first.
pub(crate) const SHORTAGE_PAUSE: Duration = Duration::from_millis(20);

/// Descriptors that are not for connections: listeners, the runtime, the log.
const DESCRIPTORS_KEPT: usize = 64;

/// Descriptors for each client: its connection, and one to the Engine.
const DESCRIPTORS_EACH: usize = 2;

/// The pause after an `accept` that failed for want of descriptors or memory.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The pause before another try when the Engine's queue of connections is full.
pub(crate) const CONNECT_PAUSE: Duration = Duration::from_millis(10);

/// How long the process that may still serve a socket has to say so.
pub(crate) const STALE_PROBE: Duration = Duration::from_secs(2);

/// Connections that wait in the kernel for being accepted.
pub(crate) const BACKLOG: u32 = 1024;

/// What an operator may set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections of one listener at a time; more wait to be accepted.
    pub connections: usize,
    /// From the first byte of a head to its last.
    pub head_time: Duration,
    /// Between two requests of a connection, and before its first.
    pub idle_time: Duration,
    /// The whole of a body that is read before judging.
    pub body_time: Duration,
    /// Between two reads of a body that streams to the Engine. Long, because a
    /// person or a slow build may feed it.
    pub stream_idle_time: Duration,
    /// Connecting to the Engine and learning its version.
    pub engine_time: Duration,
    /// The Engine's answer to a request that hijacks. Ordinary answers have no
    /// limit: waiting for a container to stop takes what it takes.
    pub tunnel_time: Duration,
    /// Reading and dropping the rest of an upload that was answered, so that the
    /// client comes to read the answer.
    pub linger_time: Duration,
    /// How long the answer to a client may take that has ended its own side, where
    /// the transport cannot tell whether it still reads or has left (TCP).
    pub unclear_time: Duration,
    /// What running requests and tunnels get to end in at shutdown.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            head_time: Duration::from_secs(30),
            idle_time: Duration::from_mins(5),
            body_time: Duration::from_mins(1),
            stream_idle_time: Duration::from_mins(15),
            engine_time: Duration::from_secs(10),
            tunnel_time: Duration::from_mins(1),
            linger_time: Duration::from_secs(10),
            unclear_time: Duration::from_secs(2),
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// These limits with no more connections than so many descriptors are enough
    /// for. Clients above it wait in the kernel; with a descriptor too few, a
    /// client that is served could not be served any further.
    #[must_use]
    pub fn within_descriptors(self, descriptors: u64, listeners: usize) -> Self {
        let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
        // Where descriptors are few, connections that wait are closed for clients.
        let pool = POOL_IDLE_MAX.min(descriptors / 8);
        let free = descriptors.saturating_sub(DESCRIPTORS_KEPT + pool);
        let share = free / DESCRIPTORS_EACH / listeners.max(1);
        Self {
            connections: self.connections.min(share.max(1)),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_into_the_descriptors_there_are() {
        for (descriptors, listeners, connections) in [
            (0, 1, 1),
            (256, 1, 80),
            (1024, 1, 416),
            (1024, 2, 208),
            (20_000, 1, 1024),
            (20_000, 0, 1024),
            (u64::MAX, 3, 1024),
        ] {
            let limits = Limits::default().within_descriptors(descriptors, listeners);
            assert_eq!(limits.connections, connections, "{descriptors}");
        }
    }
}

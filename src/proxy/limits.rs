//! Every bound of the wire, in one place.
//!
//! What protects a parser is a constant; what an operator or a test may want
//! otherwise is a field of [`Limits`], whose defaults are constants too. A wait
//! without a bound is named where it happens, with the reason. Bodies that are
//! dropped unread are bounded by the gate (`BodyPlan`), not here.

use std::time::Duration;

use super::limit_table::to_usize;
use super::meter::Rate;
use crate::policy::Bounds;

/// The largest request head: what the Engine's own server takes.
pub(crate) const HEAD_MAX: usize = (1 << 20) + 4096;

/// The deepest JSON that is read.
pub(crate) const JSON_DEPTH_MAX: usize = 128;

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

/// How long a TLS handshake may take.
pub(crate) const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// How often it is looked whether a peer that ended its own side has left
/// altogether.
pub(crate) const HANGUP_PROBE: Duration = Duration::from_millis(500);

/// How long a TCP connection may be silent before the kernel asks the peer
/// whether it is there, how often it asks again, and how many times.
pub(crate) const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
pub(crate) const KEEPALIVE_PROBES: u32 = 3;

/// How long what a client said into a tunnel before it left may wait for an
/// Engine that does not read.
pub(crate) const TUNNEL_ABANDONED: Duration = Duration::from_secs(30);

/// The part of the grace of a shutdown that is left when tunnels are told to end.
pub(crate) const FAREWELL_PART: u32 = 4;

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

/// The pause after an `accept` that failed for want of descriptors or memory.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many addresses of an Engine's host are tried.
pub(crate) const ENGINE_ADDRESSES: usize = 8;

/// The pause before another try when the Engine's queue of connections is full.
pub(crate) const CONNECT_PAUSE: Duration = Duration::from_millis(10);

/// How long the process that may still serve a socket has to say so.
pub(crate) const STALE_PROBE: Duration = Duration::from_secs(2);

/// How long after the last look an Engine is looked after again, if no request has told
/// of it meanwhile; up to how much less it is, so that not all are asked at once; and up
/// to when it is first.
pub(crate) const PROBE_PAUSE: Duration = Duration::from_secs(10);
pub(crate) const PROBE_JITTER: Duration = Duration::from_secs(2);
pub(crate) const PROBE_FIRST: Duration = Duration::from_secs(1);

/// How long after a word on an Engine's health there is no other.
pub(crate) const TELL_PAUSE: Duration = Duration::from_secs(5);

/// Connections that wait in the kernel for being accepted.
pub(crate) const BACKLOG: u32 = 1024;

/// Connections that are told the metrics at a time; more wait in the kernel.
pub(crate) const METRICS_CONNECTIONS: usize = 16;

/// The mode of the socket of the metrics.
pub(crate) const METRICS_MODE: u32 = 0o660;

/// The largest head of who asks for them; no less is possible.
pub(crate) const METRICS_HEAD: usize = 8192;

/// How long that head may take.
pub(crate) const METRICS_HEAD_TIME: Duration = Duration::from_secs(5);

/// How long a connection that asks for them may last in all.
pub(crate) const METRICS_TIME: Duration = Duration::from_secs(10);

/// What an operator may set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections of one listener at a time; more wait to be accepted.
    pub connections: usize,
    /// The largest head of a request.
    pub head_size: usize,
    /// The largest body that is judged. The largest that real clients send is below
    /// 8 KiB; configs and secrets may hold some hundred KiB.
    pub body_size: usize,
    /// How deep such a body may nest.
    pub json_depth: usize,
    /// Requests of one listener under way at a time; more are told to come later.
    pub requests: usize,
    /// How fast the requests of one listener may come.
    pub rate: Option<Rate>,
    /// From the head of a request to the head of its answer, or to its end where its
    /// length is known; streamed bodies and tunnels have none. Waiting for a
    /// container to stop takes what it takes, so that there is none by default.
    pub request_time: Option<Duration>,
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
    /// What running requests and tunnels get to end in at shutdown. Before it is over,
    /// the Engine is told in tunnels that the client has no more to say.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            head_size: HEAD_MAX,
            body_size: 4 << 20,
            json_depth: JSON_DEPTH_MAX,
            requests: 512,
            rate: None,
            request_time: None,
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
    /// These limits, with what a file says of a listener.
    #[must_use]
    pub fn with(self, bounds: &Bounds) -> Self {
        let size = |bound: Option<u64>, usual| bound.map_or(usual, to_usize);
        let time = |bound: Option<u64>, usual| bound.map_or(usual, Duration::from_millis);
        Self {
            head_size: size(bounds.head_size, self.head_size),
            body_size: size(bounds.body_size, self.body_size),
            json_depth: size(bounds.json_depth, self.json_depth),
            head_time: time(bounds.head_time, self.head_time),
            idle_time: time(bounds.idle_time, self.idle_time),
            body_time: time(bounds.body_time, self.body_time),
            request_time: (bounds.request_time.map(Duration::from_millis)).or(self.request_time),
            connections: size(bounds.connections, self.connections),
            requests: size(bounds.requests, self.requests),
            rate: Self::rate(bounds).or(self.rate),
            ..self
        }
    }

    /// The rate that a file says.
    pub(crate) fn rate(bounds: &Bounds) -> Option<Rate> {
        let number = |bound| u32::try_from(bound).unwrap_or(u32::MAX);
        let per_second = number(bounds.rate?);
        let burst = bounds.burst.map_or(per_second, number);
        Some(Rate { per_second, burst })
    }

    /// Whether a client's own limits bound its requests further.
    pub(crate) fn is_narrowed(&self, bounds: &Bounds) -> bool {
        let size = |bound: Option<u64>, own| bound.is_some_and(|one| to_usize(one) < own);
        let time = |bound: Option<u64>, own: Option<Duration>| {
            let shorter = |one| own.is_none_or(|own| Duration::from_millis(one) < own);
            bound.is_some_and(shorter)
        };
        size(bounds.body_size, self.body_size)
            || size(bounds.json_depth, self.json_depth)
            || time(bounds.body_time, Some(self.body_time))
            || time(bounds.request_time, self.request_time)
    }

    /// These limits for a request of a client with limits of its own: the narrower
    /// counts. How many requests there are is counted for the client by itself.
    pub(crate) fn narrowed(&self, bounds: &Bounds) -> Self {
        let size = |bound: Option<u64>, own: usize| bound.map_or(own, |one| own.min(to_usize(one)));
        let time = |bound: u64| Duration::from_millis(bound);
        Self {
            body_size: size(bounds.body_size, self.body_size),
            json_depth: size(bounds.json_depth, self.json_depth),
            body_time: bounds
                .body_time
                .map_or(self.body_time, |one| self.body_time.min(time(one))),
            request_time: match (self.request_time, bounds.request_time.map(time)) {
                (Some(own), Some(other)) => Some(own.min(other)),
                (own, other) => own.or(other),
            },
            ..self.clone()
        }
    }

    /// Fewer connections for all listeners, where so many descriptors are not enough
    /// for what they may have: each gets its share. Clients above it wait in the
    /// kernel; with a descriptor too few, a client that is served could not be served
    /// any further.
    pub fn fit_descriptors(listeners: &mut [Self], descriptors: u64) {
        let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
        // Where descriptors are few, connections that wait are closed for clients.
        let pool = POOL_IDLE_MAX.min(descriptors / 8);
        let free = descriptors.saturating_sub(DESCRIPTORS_KEPT + pool);
        let wanted = |limits: &Self| limits.connections + limits.requests.min(limits.connections);
        if listeners.iter().map(wanted).sum::<usize>() <= free {
            return;
        }
        let all: usize = listeners.iter().map(|limits| limits.connections).sum();
        for limits in listeners {
            // Each connection takes one, and each request one to the Engine.
            let share = free / all.max(1) * limits.connections
                + free % all.max(1) * limits.connections / all.max(1);
            let connections = if share / 2 > limits.requests {
                share - limits.requests
            } else {
                share / 2
            };
            limits.connections = connections.clamp(1, limits.connections);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_into_the_descriptors_there_are() {
        for (descriptors, listeners, connections) in [
            (0, vec![1024], vec![1]),
            (256, vec![1024], vec![80]),
            (1024, vec![1024], vec![416]),
            (1024, vec![1024, 1024], vec![208, 208]),
            (1024, vec![1024, 10], vec![411, 4]),
            // Requests under way are fewer than connections.
            (20_000, vec![10_000], vec![10_000]),
            (10_000, vec![10_000], vec![9296]),
            (20_000, vec![1024], vec![1024]),
            (20_000, vec![], vec![]),
            (u64::MAX, vec![1024, 1024, 1024], vec![1024, 1024, 1024]),
        ] {
            let of = |connections: &usize| Limits {
                connections: *connections,
                ..Limits::default()
            };
            let mut limits: Vec<Limits> = listeners.iter().map(of).collect();
            Limits::fit_descriptors(&mut limits, descriptors);
            let fit: Vec<usize> = limits.iter().map(|limits| limits.connections).collect();
            assert_eq!(fit, connections, "{descriptors} {listeners:?}");
        }
    }

    #[test]
    fn the_narrower_of_two_limits_counts() {
        let usual = Limits::default();
        assert!(!usual.is_narrowed(&Bounds::default()));
        let wide = Bounds {
            body_size: Some(64 << 20),
            json_depth: Some(128),
            body_time: Some(3_600_000),
            ..Bounds::default()
        };
        assert!(!usual.is_narrowed(&wide));
        let narrow = Bounds {
            body_size: Some(1024),
            request_time: Some(5000),
            ..wide
        };
        let narrowed = usual.narrowed(&narrow);
        assert_eq!(narrowed.body_size, 1024);
        assert_eq!(narrowed.request_time, Some(Duration::from_secs(5)));
        assert_eq!(narrowed.body_time, usual.body_time);
    }

    #[test]
    fn what_is_left_out_is_what_the_keys_say() {
        let usual = Limits::default();
        let mut defaults = Bounds {
            head_size: None,
            body_size: Some(usual.body_size as u64),
            json_depth: Some(usual.json_depth as u64),
            head_time: Some(u64::try_from(usual.head_time.as_millis()).unwrap()),
            idle_time: Some(u64::try_from(usual.idle_time.as_millis()).unwrap()),
            body_time: Some(u64::try_from(usual.body_time.as_millis()).unwrap()),
            request_time: None,
            connections: Some(usual.connections as u64),
            requests: Some(usual.requests as u64),
            rate: None,
            burst: None,
        };
        assert_eq!(usual.clone().with(&defaults), usual);
        for key in &crate::policy::LIMIT_KEYS {
            let Some(default) = *(key.of)(&mut defaults) else {
                continue;
            };
            assert!((key.least..=key.most).contains(&default), "{}", key.name);
            let shown = crate::policy::shown_limit(default, key.unit);
            let words = format!("; {shown} if it is left out.");
            assert!(key.description.ends_with(&words), "{}: {shown}", key.name);
        }
    }
}

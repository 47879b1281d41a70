//! What the gate did, in numbers: records → counters → the text that Prometheus reads.
//!
//! [`Counts`] is a journal that counts what it passes on, and a [`MetricsListener`]
//! (`serve`) tells the counts to whoever asks. INVARIANT: what is told are names of
//! the policy file and of operations, and numbers; never a value of a request.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Decision, Journal, Record};
use crate::api::Operation;
use crate::gate::NOBODY;

mod serve;

pub use serve::MetricsListener;

/// The decisions, as they are told, in the order of their counters.
const DECISIONS: [&str; 3] = ["allowed", "refused", "failed"];

/// So many clients are counted at most that the policy has no more.
const CLIENTS_GONE: usize = 1024;

/// What is known of the Engine by the last request that went to it.
const UP: u8 = 1;
const DOWN: u8 = 2;

/// Counts records, and passes them on.
pub struct Counts {
    journal: Arc<dyn Journal>,
    /// Written at a reload only.
    clients: RwLock<BTreeMap<Arc<str>, Arc<OfClient>>>,
    reloaded: AtomicU64,
    not_reloaded: AtomicU64,
    valid: AtomicBool,
    /// In milliseconds.
    read: AtomicU64,
    /// In milliseconds, too.
    started: u64,
}

/// The counts of a client.
struct OfClient {
    /// For each operation, and last for none, one of each decision.
    requests: Box<[[AtomicU64; DECISIONS.len()]]>,
    /// [`UP`], [`DOWN`], or nothing yet.
    upstream: AtomicU8,
}

impl Default for OfClient {
    fn default() -> Self {
        let kinds = Operation::ALL.len().saturating_add(1);
        Self {
            requests: (0..kinds).map(|_| Default::default()).collect(),
            upstream: AtomicU8::new(0),
        }
    }
}

impl OfClient {
    fn count(&self, record: &Record) {
        let (decision, upstream) = match (record.decision, record.status) {
            (Decision::Allowed, Some(_)) => (0, Some(UP)),
            (Decision::Allowed, None) => (0, None),
            (Decision::Refused, _) => (1, None),
            (Decision::Failed, Some(502 | 504)) => (2, Some(DOWN)),
            (Decision::Failed, _) => (2, None),
        };
        let operation = record.operation.map(|operation| operation as usize);
        let operation = operation.unwrap_or(Operation::ALL.len());
        let counters = self.requests.get(operation);
        if let Some(counter) = counters.and_then(|counters| counters.get(decision)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(upstream) = upstream {
            self.upstream.store(upstream, Ordering::Relaxed);
        }
    }
}

impl Counts {
    /// Counts what `journal` is told. The policy was read just now.
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        let now = now();
        let nobody = (Arc::from(NOBODY), Arc::default());
        Self {
            journal,
            clients: RwLock::new(BTreeMap::from([nobody])),
            reloaded: AtomicU64::new(0),
            not_reloaded: AtomicU64::new(0),
            valid: AtomicBool::new(true),
            read: AtomicU64::new(now),
            started: now,
        }
    }

    /// There are these clients from now on. What was counted of others stays, unless
    /// there are too many of them.
    pub fn clients<'a>(&self, names: impl Iterator<Item = &'a str>) {
        let names: BTreeSet<&str> = names.chain([NOBODY]).collect();
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        for name in &names {
            if !clients.contains_key(*name) {
                clients.insert((*name).into(), Arc::default());
            }
        }
        if clients.len().saturating_sub(names.len()) > CLIENTS_GONE {
            clients.retain(|name, _| names.contains(&**name));
        }
    }

    /// The policy file was read, and this is whether it checked.
    pub fn read(&self, valid: bool) {
        self.read.store(now(), Ordering::Relaxed);
        self.valid.store(valid, Ordering::Relaxed);
    }

    /// There was a reload, and this is whether it changed what is in force.
    pub fn reloaded(&self, changed: bool) {
        let counter = if changed {
            &self.reloaded
        } else {
            &self.not_reloaded
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Journal for Counts {
    fn record(&self, record: &Record) {
        let of_client = {
            let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
            clients.get(&record.client).cloned()
        };
        if let Some(of_client) = of_client {
            of_client.count(record);
        }
        self.journal.record(record);
    }

    fn handshake_failed(&self, source: SocketAddr, error: &io::Error) {
        self.journal.handshake_failed(source, error);
    }

    fn accept_failed(&self, client: &str, error: &io::Error) {
        self.journal.accept_failed(client, error);
    }
}

/// The text that Prometheus reads. What never happened is left out.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clients = {
            let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
            clients.clone()
        };
        let help = "Requests that are over, by client (- is nobody), operation (- is unknown) and decision.";
        begin(f, "opgate_requests_total", "counter", help)?;
        let names = || Operation::ALL.iter().map(|one| one.name()).chain(["-"]);
        for (client, counts) in &clients {
            let client = Label(client);
            for (operation, counters) in names().zip(&counts.requests) {
                for (decision, counter) in DECISIONS.into_iter().zip(counters) {
                    let count = counter.load(Ordering::Relaxed);
                    if count > 0 {
                        writeln!(
                            f,
                            "opgate_requests_total{{client=\"{client}\",operation=\"{operation}\",decision=\"{decision}\"}} {count}"
                        )?;
                    }
                }
            }
        }
        let help =
            "Whether the Engine answered the last request of the client that was sent to it.";
        begin(f, "opgate_upstream_up", "gauge", help)?;
        for (client, counts) in &clients {
            let up = counts.upstream.load(Ordering::Relaxed);
            if up > 0 {
                let (client, up) = (Label(client), u8::from(up == UP));
                writeln!(f, "opgate_upstream_up{{client=\"{client}\"}} {up}")?;
            }
        }
        let help = "Reloads, by whether the policies were replaced.";
        begin(f, "opgate_reloads_total", "counter", help)?;
        for (result, counter) in [("ok", &self.reloaded), ("failed", &self.not_reloaded)] {
            let count = counter.load(Ordering::Relaxed);
            writeln!(f, "opgate_reloads_total{{result=\"{result}\"}} {count}")?;
        }
        let help = "Whether the policy file was right when it was last read.";
        begin(f, "opgate_policy_valid", "gauge", help)?;
        let valid = u8::from(self.valid.load(Ordering::Relaxed));
        writeln!(f, "opgate_policy_valid {valid}")?;
        let times = [
            (
                "opgate_policy_read_timestamp_seconds",
                "When the policy file was last read.",
                self.read.load(Ordering::Relaxed),
            ),
            (
                "opgate_process_start_time_seconds",
                "When the gate started.",
                self.started,
            ),
        ];
        for (name, help, time) in times {
            begin(f, name, "gauge", help)?;
            writeln!(f, "{name} {}.{:03}", time / 1000, time % 1000)?;
        }
        Ok(())
    }
}

fn begin(f: &mut fmt::Formatter<'_>, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(f, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

/// The value of a label, between its quotes.
struct Label<'l>(&'l str);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// Milliseconds since the epoch.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts")
            .field("reloaded", &self.reloaded)
            .field("not_reloaded", &self.not_reloaded)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::gate::ListenerId;

    struct Nowhere;

    impl Journal for Nowhere {
        fn record(&self, _: &Record) {}
    }

    fn record(client: &str, decision: Decision, status: Option<u16>) -> Record {
        Record {
            listener: ListenerId(0),
            client: client.into(),
            operation: Some(Operation::SystemPing),
            pinned: None,
            decision,
            rule: None,
            field: None,
            status,
            message: Some("message".to_owned()),
            tunnel: false,
            complete: true,
            bytes_in: 0,
            bytes_out: 0,
            duration: Duration::ZERO,
            dropped: Vec::new(),
            rewritten: Vec::new(),
        }
    }

    fn has(counts: &Counts, line: &str) -> bool {
        counts.to_string().lines().any(|one| one == line)
    }

    #[test]
    fn names_are_escaped() {
        let counts = Counts::new(Arc::new(Nowhere));
        let name = "a\"b\\c\nd";
        counts.clients([name].into_iter());
        counts.record(&record(name, Decision::Refused, Some(403)));
        let line = r#"opgate_requests_total{client="a\"b\\c\nd",operation="SystemPing",decision="refused"} 1"#;
        assert!(has(&counts, line), "{counts}");
    }

    #[test]
    fn the_engine_is_as_the_last_request_found_it() {
        let counts = Counts::new(Arc::new(Nowhere));
        counts.clients(["a", "b"].into_iter());
        counts.record(&record("a", Decision::Failed, Some(502)));
        counts.record(&record("b", Decision::Allowed, Some(200)));
        counts.record(&record("b", Decision::Refused, Some(403)));
        counts.record(&record("b", Decision::Failed, Some(400)));
        assert!(has(&counts, r#"opgate_upstream_up{client="a"} 0"#));
        assert!(has(&counts, r#"opgate_upstream_up{client="b"} 1"#));
        counts.record(&record("a", Decision::Allowed, Some(500)));
        assert!(has(&counts, r#"opgate_upstream_up{client="a"} 1"#));
    }

    #[test]
    fn counts_outlive_a_client_but_not_without_end() {
        let counts = Counts::new(Arc::new(Nowhere));
        counts.clients(["first"].into_iter());
        counts.record(&record("first", Decision::Allowed, Some(200)));
        let line =
            r#"opgate_requests_total{client="first",operation="SystemPing",decision="allowed"} 1"#;
        for number in 0..CLIENTS_GONE {
            counts.clients([number.to_string().as_str()].into_iter());
        }
        assert!(has(&counts, line));
        counts.clients(["last"].into_iter());
        assert!(!has(&counts, line));
        assert_eq!(counts.clients.read().unwrap().len(), 2);
        // Who is not known is no reason to stop.
        counts.record(&record("first", Decision::Allowed, Some(200)));
    }
}

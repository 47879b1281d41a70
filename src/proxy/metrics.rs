//! What the gate did, in numbers: records → counters → the text that Prometheus reads.
//!
//! [`Counts`] is a journal that counts what it passes on, and a [`MetricsListener`]
//! (`serve`) tells the counts to whoever asks. INVARIANT: what is told are names of
//! the policy file and of operations, and numbers; never a value of a request.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use super::health::{Found, Health, State};
use super::{Decision, EngineChange, Journal, Record, Upstreams};
use crate::api::Operation;
use crate::gate::NOBODY;

mod serve;

pub use serve::MetricsListener;

/// The decisions, as they are told, in the order of their counters.
const DECISIONS: [&str; 3] = ["allowed", "refused", "failed"];

/// So many clients are counted at most that the policy has no more.
const CLIENTS_GONE: usize = 1024;

/// Counts records, and passes them on.
pub struct Counts {
    journal: Arc<dyn Journal>,
    /// Written at a reload only.
    clients: RwLock<BTreeMap<Arc<str>, Arc<OfClient>>>,
    /// The Engines in force; [`NOBODY`] is the one without a name. Like `clients`.
    engines: RwLock<BTreeMap<Arc<str>, Arc<Health>>>,
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
}

impl Default for OfClient {
    fn default() -> Self {
        let kinds = Operation::ALL.len().saturating_add(1);
        Self {
            requests: (0..kinds).map(|_| Default::default()).collect(),
        }
    }
}

impl OfClient {
    fn count(&self, record: &Record) {
        let decision = match record.decision {
            Decision::Allowed => 0,
            Decision::Refused => 1,
            Decision::Failed => 2,
        };
        let operation = record.operation.map(|operation| operation as usize);
        let operation = operation.unwrap_or(Operation::ALL.len());
        let counters = self.requests.get(operation);
        if let Some(counter) = counters.and_then(|counters| counters.get(decision)) {
            counter.fetch_add(1, Ordering::Relaxed);
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
            engines: RwLock::default(),
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

    /// These are the Engines from now on.
    pub fn engines(&self, upstreams: &Upstreams) {
        let engines = upstreams.named().iter().map(|one| {
            let name = one.name.clone().unwrap_or_else(|| NOBODY.into());
            (name, Arc::clone(one.upstream.health()))
        });
        *self.engines.write().unwrap_or_else(PoisonError::into_inner) = engines.collect();
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

    fn engine_changed(&self, change: &EngineChange<'_>) {
        self.journal.engine_changed(change);
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
        self.engines_shown(f)?;
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

impl Counts {
    /// What is known of the Engines. One that nobody has asked yet is left out.
    fn engines_shown(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engines: Vec<(Arc<str>, Found)> = {
            let engines = self.engines.read().unwrap_or_else(PoisonError::into_inner);
            let found = engines
                .iter()
                .map(|(name, one)| (name.clone(), one.found()));
            found
                .filter(|(_, found)| found.state != State::Unknown)
                .collect()
        };
        let help = "Whether the Engine answers (- is the one without a name).";
        begin(f, "opgate_upstream_up", "gauge", help)?;
        for (name, found) in &engines {
            let (name, up) = (Label(name), u8::from(found.state == State::Up));
            writeln!(f, "opgate_upstream_up{{upstream=\"{name}\"}} {up}")?;
        }
        let help = "Since when the Engine answers, or does not.";
        let since = "opgate_upstream_since_timestamp_seconds";
        begin(f, since, "gauge", help)?;
        for (name, found) in &engines {
            let (name, time) = (Label(name), milliseconds(found.since));
            writeln!(
                f,
                "{since}{{upstream=\"{name}\"}} {}.{:03}",
                time / 1000,
                time % 1000
            )?;
        }
        let help = "How often the Engine has gone (down) and has come back (up).";
        let changes = "opgate_upstream_changes_total";
        begin(f, changes, "counter", help)?;
        for (name, found) in &engines {
            let name = Label(name);
            for (to, count) in [("down", found.downs), ("up", found.ups)] {
                writeln!(f, "{changes}{{upstream=\"{name}\",to=\"{to}\"}} {count}")?;
            }
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
    milliseconds(SystemTime::now())
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
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
    use crate::proxy::upstream::{Upstream, UpstreamError};

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
    fn engines_are_told_of_once_they_are_known() {
        let engine = |name: Option<&str>| {
            let upstream = Upstream::new("/run/engine.sock", Duration::from_secs(1));
            (name.map(Arc::from), upstream.unwrap())
        };
        let counts = Counts::new(Arc::new(Nowhere));
        let upstreams = Upstreams::new(vec![engine(None), engine(Some("far"))], vec![0]);
        counts.engines(&upstreams);
        assert!(!counts.to_string().contains("opgate_upstream_up{"));
        let health = |place: usize| upstreams.named()[place].upstream.health();
        health(0).answered();
        assert!(has(&counts, r#"opgate_upstream_up{upstream="-"} 1"#));
        assert!(!counts.to_string().contains("far"));
        let silent = || UpstreamError::Silent {
            endpoint: String::new(),
            seconds: 1,
        };
        health(1).failed(&silent());
        assert!(has(&counts, r#"opgate_upstream_up{upstream="far"} 0"#));
        let changes = |to| format!("opgate_upstream_changes_total{{upstream=\"far\",to=\"{to}\"}}");
        assert!(has(&counts, &(changes("down") + " 1")));
        assert!(has(&counts, &(changes("up") + " 0")));
        health(1).answered();
        assert!(has(&counts, r#"opgate_upstream_up{upstream="far"} 1"#));
        assert!(has(&counts, &(changes("up") + " 1")));
        // What is not in force is not told of any more.
        counts.engines(&Upstreams::new(vec![engine(Some("near"))], vec![0]));
        assert!(!counts.to_string().contains("far"));
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

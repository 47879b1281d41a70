//! A stand-in for the Engine, a client of raw bytes, and the proxy between them.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opgate::api::Operation;
use opgate::gate::{Gate, ListenerId};
use opgate::policy::Address;
use opgate::proxy::{
    Decision, InForce, Journal, Limits, Listener, ListenerConfig, Proxy, Record, Upstream, serve,
};
use tempfile::TempDir;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

// Named by path, so that other tests can take this module in, too.
#[path = "support/client.rs"]
mod client;
#[path = "support/engine.rs"]
mod engine;

pub(crate) use client::{Answer, Client, Stream};
pub(crate) use engine::{Call, Engine};

/// How clients reach the proxy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Transport {
    Unix,
    Tcp,
}

/// A gate that allows every operation and opens no guarded field.
pub(crate) fn gate() -> Gate {
    gate_without("")
}

/// A gate that allows every operation but one.
pub(crate) fn gate_without(denied: &str) -> Gate {
    let operations: Vec<String> = Operation::ALL
        .iter()
        .map(|operation| {
            let opaque = operation.definition().opaque;
            let conditions = if opaque { ": { opaque: true }" } else { "" };
            format!("{operation}{conditions}")
        })
        .collect();
    let text = format!(
        "api: '{}'\n\
         listen: [{{ unix: /nowhere/gate.sock, client: me }}]\n\
         upstream: unix:///nowhere/engine.sock\n\
         clients: {{ me: {{ policies: [all] }} }}\n\
         policies: {{ all: {{ allow: [{}], deny: [{denied}] }} }}\n",
        opgate::api::NEWEST,
        operations.join(", ")
    );
    Gate::new(opgate::policy::resolve("test", &text).unwrap().policies)
}

/// Runs a test within a time in which all of its waits must end.
pub(crate) async fn within<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), test)
        .await
        .expect("something that the test waits for did not happen")
}

/// Runs a test over each transport, each time within that time.
pub(crate) async fn over_both(test: impl AsyncFn(Transport)) {
    for transport in [Transport::Unix, Transport::Tcp] {
        within(test(transport)).await;
    }
}

/// Keeps the records.
#[derive(Default)]
pub(crate) struct Records {
    all: Mutex<Vec<Record>>,
    changed: Notify,
}

impl Journal for Records {
    fn record(&self, record: &Record) {
        self.all.lock().unwrap().push(record.clone());
        self.changed.notify_waiters();
    }
}

impl Records {
    /// Waits for so many records.
    pub(crate) async fn take(&self, count: usize) -> Vec<Record> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let all = self.all.lock().unwrap().clone();
            if all.len() >= count {
                assert_eq!(all.len(), count, "{all:#?}");
                return all;
            }
            changed.await;
        }
    }
}

/// The proxy in a folder of its own.
pub(crate) struct Setup {
    dir: TempDir,
    address: Address,
    pub(crate) records: Arc<Records>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) reload: watch::Sender<Arc<InForce>>,
    pub(crate) task: Option<JoinHandle<()>>,
}

impl Drop for Setup {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Setup {
    /// Serves at `proxy.sock` in front of `engine.sock`, which nobody serves yet.
    pub(crate) async fn start() -> Self {
        Self::start_with(Limits::default()).await
    }

    pub(crate) async fn start_with(limits: Limits) -> Self {
        Self::over_with(Transport::Unix, limits).await
    }

    pub(crate) async fn over(transport: Transport) -> Self {
        Self::over_with(transport, Limits::default()).await
    }

    pub(crate) async fn over_with(transport: Transport, limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let records = Arc::<Records>::default();
        let upstream = Upstream::new(dir.path().join("engine.sock"), limits.engine_time).unwrap();
        let (reload, in_force) = watch::channel(Arc::new(InForce {
            tls: Arc::default(),
            gate: Arc::new(gate()),
            upstreams: Arc::new(upstream.into()),
            limits: Arc::new(limits.into()),
        }));
        let journal = Arc::clone(&records);
        let proxy = Arc::new(Proxy::new(in_force, journal));
        let address = match transport {
            Transport::Unix => Address::Unix {
                path: dir.path().join("proxy.sock"),
                mode: 0o600,
                owner: opgate::policy::Owner::default(),
            },
            Transport::Tcp => Address::Tcp("127.0.0.1:0".parse().unwrap()),
        };
        let id = ListenerId(0);
        let listener = Listener::bind(ListenerConfig { id, address })
            .await
            .unwrap();
        let address = listener.address().clone();
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(serve(vec![listener], proxy, stopping));
        Self {
            dir,
            address,
            records,
            stop,
            reload,
            task: Some(task),
        }
    }

    /// Puts another gate in force.
    pub(crate) fn reload(&self, gate: Gate) {
        self.reload.send_modify(|in_force| {
            *in_force = Arc::new(InForce {
                tls: Arc::default(),
                gate: Arc::new(gate),
                ..InForce::clone(in_force)
            });
        });
    }

    pub(crate) fn engine_path(&self) -> PathBuf {
        self.dir.path().join("engine.sock")
    }

    pub(crate) fn proxy_path(&self) -> PathBuf {
        self.dir.path().join("proxy.sock")
    }

    /// Connects to the proxy.
    pub(crate) async fn connect(&self) -> std::io::Result<Stream> {
        Ok(match &self.address {
            Address::Unix { path, .. } => Stream::Unix(UnixStream::connect(path).await?),
            Address::Tcp(address) => Stream::Tcp(TcpStream::connect(address).await?),
            Address::Systemd { .. } => return Err(std::io::ErrorKind::Unsupported.into()),
        })
    }

    pub(crate) async fn client(&self) -> Client {
        Client::over(self.connect().await.unwrap())
    }
}

/// The value of a header line.
fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The head of a create, to which its framing is still to come.
pub(crate) const CREATE: &str =
    "POST /v1.51/containers/create HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n";

/// The head of an attach, to which the lines of an upgrade may still come.
pub(crate) const ATTACH: &str =
    "POST /v1.51/containers/x/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: docker\r\n";

/// The lines by which the docker CLI asks for one.
pub(crate) const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: tcp\r\n";

pub(crate) const PING: &str = "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";

/// So many bytes, of which no two neighbouring runs are alike.
pub(crate) fn pattern(size: usize) -> Vec<u8> {
    (0..size)
        .map(|at| u8::try_from(at * 31 % 251).unwrap())
        .collect()
}

/// Sends `bytes`; expects this status and a message with this in it, then the end
/// of the connection, and that nothing reached the Engine but its version.
pub(crate) async fn refused(transport: Transport, bytes: &[u8], status: u16, about: &str) {
    let setup = Setup::over(transport).await;
    let engine = Engine::plain(&setup.engine_path());
    let mut client = setup.client().await;
    client.try_send(bytes).await;
    let answer = client.answer().await;
    let shown = String::from_utf8_lossy(bytes);
    assert_eq!(answer.status, status, "{shown:?}: {answer:?}");
    assert!(answer.message().contains(about), "{shown:?}: {answer:?}");
    assert_eq!(answer.header("connection"), Some("close"), "{shown:?}");
    client.ended().await;
    assert!(engine.seen().is_empty(), "{shown:?}: {:?}", engine.seen());

    let record = &setup.records.take(1).await[0];
    assert_eq!(record.status, Some(status));
    assert_eq!(record.decision, Decision::Refused);

    let mut next = setup.client().await;
    assert_eq!(next.ask(PING).await.status, 200);
}

/// The start of an exec, with this body.
pub(crate) fn exec(body: &str, headers: &str) -> String {
    format!(
        "POST /v1.51/exec/abc/start HTTP/1.1\r\nHost:\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

//! A stand-in for the Engine, a client of raw bytes, and the proxy between them.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use opgate::api::Operation;
use opgate::gate::{Gate, ListenerId};
use opgate::policy::Address;
use opgate::proxy::{Journal, Limits, Listener, ListenerConfig, Proxy, Record, Upstream, serve};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

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

/// What the stand-in says of its versions.
pub(crate) const VERSION: &str =
    r#"{"Version":"28.5.2","ApiVersion":"1.51","MinAPIVersion":"1.24"}"#;

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

/// A request as the stand-in got it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// One connection to the stand-in.
pub(crate) struct EngineIo {
    stream: UnixStream,
    buffer: Vec<u8>,
}

impl EngineIo {
    /// Reads more; gives whether there was more.
    async fn fill(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(1..))
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..at + 2).collect();
                return Some(String::from_utf8(line[..at].to_vec()).unwrap());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    async fn head(&mut self) -> Option<String> {
        let mut head = String::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Some(head);
            }
            head.push_str(&line);
            head.push('\n');
        }
    }

    pub(crate) async fn exact(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < length {
            if !self.fill().await {
                return None;
            }
        }
        Some(self.buffer.drain(..length).collect())
    }

    /// One chunk of a chunked body; empty for the last one.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line().await?, 16).unwrap();
        let data = self.exact(size).await?;
        assert_eq!(self.line().await?, "");
        Some(data)
    }

    /// The rest of what comes, until the other side ends.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.buffer)
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// An ordinary answer.
    pub(crate) async fn answer(&mut self, status: &str, body: &str) {
        self.send(format!(
            "HTTP/1.1 {status}\r\nApi-Version: 1.51\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
    }

    pub(crate) async fn half_close(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    async fn body(&mut self, head: &str) -> Option<Vec<u8>> {
        if header(head, "transfer-encoding").is_some() {
            let mut body = Vec::new();
            loop {
                let chunk = self.chunk().await?;
                if chunk.is_empty() {
                    return Some(body);
                }
                body.extend(chunk);
            }
        }
        let length = header(head, "content-length").map_or(0, |length| length.parse().unwrap());
        self.exact(length).await
    }
}

/// What a script is told of: a request whose body was not read yet.
pub(crate) struct Call {
    pub(crate) head: String,
    pub(crate) io: EngineIo,
    engine: Arc<Shared>,
}

impl Call {
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    /// Whether the other side is still there. Waits a little when it is.
    pub(crate) async fn io_is_open(&mut self) -> bool {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let ready = self.io.stream.ready(Interest::WRITABLE).await.unwrap();
        !ready.is_write_closed()
    }

    /// Reads the body and notes the request.
    pub(crate) async fn body(&mut self) -> Option<Vec<u8>> {
        let body = self.io.body(&self.head).await?;
        self.note(&body);
        Some(body)
    }

    /// Notes the request with what was read of its body.
    pub(crate) fn note(&self, body: &[u8]) {
        self.engine.seen.lock().unwrap().push(Seen {
            head: self.head.clone(),
            body: body.to_vec(),
        });
        self.engine.changed.notify_waiters();
    }
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    changed: Notify,
    /// Connections ever accepted.
    accepted: Mutex<usize>,
    /// Connections that the other side has closed.
    closed: Mutex<usize>,
}

/// A recording stand-in for the Engine.
pub(crate) struct Engine {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Engine {
    /// Answers `GET /version` itself and leaves every other request to `script`,
    /// which gives the connection back if it goes on.
    pub(crate) fn start<F, Fut>(path: &Path, script: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + Clone + 'static,
        Fut: Future<Output = Option<EngineIo>> + Send,
    {
        Self::start_with_version(path, VERSION, script)
    }

    pub(crate) fn start_with_version<F, Fut>(path: &Path, version: &'static str, script: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + Clone + 'static,
        Fut: Future<Output = Option<EngineIo>> + Send,
    {
        let shared = Arc::<Shared>::default();
        let listener = UnixListener::bind(path).unwrap();
        let engine = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *engine.accepted.lock().unwrap() += 1;
                let (engine, script) = (Arc::clone(&engine), script.clone());
                connections.spawn(async move {
                    let mut io = EngineIo {
                        stream,
                        buffer: Vec::new(),
                    };
                    while let Some(head) = io.head().await {
                        if head.starts_with("GET /version HTTP/1.1\n") {
                            io.answer("200 OK", version).await;
                            continue;
                        }
                        let call = Call {
                            head,
                            io,
                            engine: Arc::clone(&engine),
                        };
                        match script(call).await {
                            Some(back) => io = back,
                            None => break,
                        }
                    }
                    *engine.closed.lock().unwrap() += 1;
                    engine.changed.notify_waiters();
                });
            }
        });
        Self { shared, task }
    }

    /// Answers every request with `{}` after reading its body.
    pub(crate) fn plain(path: &Path) -> Self {
        Self::start(path, |mut call: Call| async move {
            call.body().await?;
            if call.head.starts_with("HEAD") {
                call.io
                    .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
                    .await;
            } else {
                call.io.answer("200 OK", "{}").await;
            }
            Some(call.io)
        })
    }

    /// The requests that it got, without those for its version.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen()
            .iter()
            .map(|seen| seen.line().to_owned())
            .collect()
    }

    pub(crate) fn accepted(&self) -> usize {
        *self.shared.accepted.lock().unwrap()
    }

    /// Waits until something is true of it.
    pub(crate) async fn until(&self, what: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if what(self) {
                return;
            }
            changed.await;
        }
    }

    pub(crate) fn closed(&self) -> usize {
        *self.shared.closed.lock().unwrap()
    }

    pub(crate) async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
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
    pub(crate) reload: watch::Sender<Arc<Gate>>,
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
        let (reload, gates) = watch::channel(Arc::new(gate()));
        let journal = Arc::clone(&records);
        let proxy = Arc::new(Proxy::new(gates, upstream, journal, limits));
        let address = match transport {
            Transport::Unix => Address::Unix {
                path: dir.path().join("proxy.sock"),
                mode: 0o600,
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
        })
    }

    pub(crate) async fn client(&self) -> Client {
        Client {
            stream: self.connect().await.unwrap(),
            buffer: Vec::new(),
        }
    }
}

/// A connection to the proxy.
pub(crate) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// An answer as the client got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// The message of a refusal.
    pub(crate) fn message(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/json"));
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body["message"].as_str().unwrap().to_owned()
    }
}

/// A client that writes and reads bytes.
pub(crate) struct Client {
    pub(crate) stream: Stream,
    pub(crate) buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends what the other side may refuse to take to its end.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    pub(crate) async fn half_close(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    async fn fill(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(1..))
    }

    pub(crate) async fn line(&mut self) -> String {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..at + 2).collect();
                return String::from_utf8(line[..at].to_vec()).unwrap();
            }
            assert!(self.fill().await, "ended within a line: {:?}", self.buffer);
        }
    }

    /// The head of an answer.
    pub(crate) async fn head(&mut self) -> Answer {
        let mut head = String::new();
        loop {
            let line = self.line().await;
            if line.is_empty() {
                break;
            }
            head.push_str(&line);
            head.push('\n');
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head,
            body: String::new(),
        }
    }

    pub(crate) async fn exact(&mut self, length: usize) -> Vec<u8> {
        while self.buffer.len() < length {
            assert!(self.fill().await, "ended after {:?}", self.buffer);
        }
        self.buffer.drain(..length).collect()
    }

    pub(crate) async fn chunk(&mut self) -> Vec<u8> {
        let size = usize::from_str_radix(&self.line().await, 16).unwrap();
        let data = self.exact(size).await;
        assert_eq!(self.line().await, "");
        data
    }

    /// A whole answer. One to a HEAD request is read with `head`.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        let mut body = Vec::new();
        if answer.header("transfer-encoding").is_some() {
            assert_eq!(answer.header("content-length"), None);
            loop {
                let chunk = self.chunk().await;
                if chunk.is_empty() {
                    break;
                }
                body.extend(chunk);
            }
        } else if let Some(length) = answer.header("content-length") {
            let length = length.parse().unwrap();
            body = self.exact(length).await;
        }
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    pub(crate) async fn ask(&mut self, request: impl AsRef<[u8]>) -> Answer {
        self.send(request).await;
        self.answer().await
    }

    /// The rest of what comes, until the other side ends.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.buffer)
    }

    /// Asserts that nothing more comes and the connection ends.
    pub(crate) async fn ended(&mut self) {
        assert_eq!(String::from_utf8_lossy(&self.rest().await), "");
    }
}

pub(crate) const PING: &str = "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";

/// So many bytes, of which no two neighbouring runs are alike.
pub(crate) fn pattern(size: usize) -> Vec<u8> {
    (0..=250_u8).cycle().step_by(31).take(size).collect()
}

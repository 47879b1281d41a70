//! A recording stand-in for the Engine.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::header;

/// What the stand-in says of its versions.
pub(crate) const VERSION: &str =
    r#"{"Version":"28.5.2","ApiVersion":"1.51","MinAPIVersion":"1.24"}"#;

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

    /// Sends what the other side may no longer take.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
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

    /// Answers every request with `{}` after reading its body, and a wait for a
    /// container only once `went` holds `true`.
    pub(crate) fn held(path: &Path, went: watch::Receiver<bool>) -> Self {
        Self::start(path, move |mut call: Call| {
            let mut went = went.clone();
            async move {
                call.body().await?;
                if call.line().contains("wait") {
                    went.wait_for(|went| *went).await.unwrap();
                }
                call.io.answer("200 OK", "{}").await;
                Some(call.io)
            }
        })
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

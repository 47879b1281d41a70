//! Connections to the Engine.
//!
//! [`Upstream`] hands out [`EngineConnection`]s: a kept one that is still good,
//! or a new one, which first asks the Engine which API versions it serves. Each
//! connection is driven by whoever uses it (no task of its own), so dropping it
//! closes it and an abandoned request is abandoned at the Engine too. A request
//! that hijacks does not come here but goes alone on a connection of its own:
//! see `tunnel`. How a permit becomes bytes is in `upstream/request.rs`.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::{Request, Response};
use serde_json::Value;
use thiserror::Error;
use tokio::time::{sleep, timeout};

use super::health::Health;
use super::limits::{
    CONNECT_PAUSE, ENGINE_BUFFER, POOL_IDLE_AGE, POOL_IDLE_MAX, POOL_READY_TIME, POOL_RESERVE,
    SHORTAGE_PAUSE, VERSION_MAX,
};
use crate::api::definition::ApiVersion;
use crate::gate::EngineVersion;
use crate::shortage::is_shortage;
use bell::Bell;
pub use endpoint::{Endpoint, EndpointError, TcpHost};
use hearing::{Deaf, Hearing};
pub(crate) use question::Question;
use request::RequestBody;
use stream::EngineStream;

mod bell;
mod endpoint;
mod hearing;
mod probe;
mod question;
pub(crate) mod request;
pub(crate) mod stream;

/// Why the Engine gave no answer that can be passed on.
#[derive(Debug, Error)]
pub(crate) enum UpstreamError {
    #[error("the Engine does not answer at `{endpoint}`: {}", reason(source))]
    Unreachable {
        endpoint: String,
        #[source]
        source: io::Error,
    },
    #[error("the Engine does not answer at `{endpoint}`: nothing came within {seconds} s")]
    Silent { endpoint: String, seconds: u64 },
    #[error("the Engine at `{endpoint}` does not say which API versions it serves")]
    NoVersion { endpoint: String },
    #[error("the Engine at `{endpoint}` now serves other API versions: try again")]
    VersionChanged { endpoint: String },
    #[error("the Engine at `{endpoint}` closed the connection before it answered")]
    Broken { endpoint: String },
    #[error("the Engine's answer cannot be understood")]
    Answer,
    #[error("the Engine's answer is larger than {limit} bytes")]
    AnswerTooLarge { limit: usize },
    #[error("the request's target is too long to be forwarded")]
    TargetTooLong,
    #[error("the request cannot be written for the Engine")]
    Request,
    #[error("the client has no Engine")]
    NoUpstream,
}

/// The reason of a failed connection, without the system's numbers.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such socket".to_owned(),
        kind @ (io::ErrorKind::ConnectionRefused | io::ErrorKind::PermissionDenied) => {
            kind.to_string()
        }
        // Other reasons are opgate's own, such as a want of descriptors, and the
        // system says them best.
        _ => {
            let text = error.to_string();
            match text.split_once(" (os error") {
                Some((text, _)) => text.to_lowercase(),
                None => text,
            }
        }
    }
}

/// Where the Engine is, and the connections to it that wait for a request.
pub struct Upstream {
    endpoint: Endpoint,
    /// The newest last.
    idle: Mutex<Vec<Idle>>,
    /// How many may wait.
    idle_max: AtomicUsize,
    time: Duration,
    health: Arc<Health>,
}

struct Idle {
    connection: EngineConnection,
    since: Instant,
}

impl Upstream {
    /// The Engine at `endpoint`. Nothing is opened yet; `time` bounds
    /// connecting and asking for the version, together.
    pub fn new(endpoint: impl Into<Endpoint>, time: Duration) -> Result<Self, EndpointError> {
        Ok(Self {
            endpoint: endpoint.into().checked()?,
            idle: Mutex::new(Vec::new()),
            idle_max: AtomicUsize::new(POOL_IDLE_MAX),
            time,
            health: Arc::default(),
        })
    }

    /// The Engine's address as people write it.
    pub(crate) fn endpoint(&self) -> String {
        self.endpoint.to_string()
    }

    /// A connection that is ready for a request: a kept one, or a new one. Where
    /// there is no descriptor for a new one, one that somebody gives back.
    pub(crate) async fn connection(&self) -> Result<EngineConnection, UpstreamError> {
        let start = Instant::now();
        loop {
            while let Some(mut connection) = self.take_idle() {
                if connection.is_ready().await {
                    return Ok(connection);
                }
            }
            match self.fresh().await {
                Err(UpstreamError::Unreachable { source, .. })
                    if is_shortage(&source) && start.elapsed() < self.time =>
                {
                    sleep(SHORTAGE_PAUSE).await;
                }
                opened => return opened,
            }
        }
    }

    /// A new connection, for which the Engine's version is learnt.
    pub(crate) async fn fresh(&self) -> Result<EngineConnection, UpstreamError> {
        let open = async {
            let mut link = self.link().await?;
            let version = self.learn_version(&mut link).await?;
            Ok(EngineConnection {
                link,
                version,
                kept: false,
            })
        };
        self.learn(self.within(self.time, open).await)
    }

    /// What comes of asking the Engine, in this time.
    pub(crate) async fn within<T>(
        &self,
        time: Duration,
        asking: impl Future<Output = Result<T, UpstreamError>>,
    ) -> Result<T, UpstreamError> {
        let asked = timeout(time, asking).await;
        asked.unwrap_or_else(|_| Err(self.silent(time)))
    }

    /// A bare connection, for a request that hijacks.
    pub(crate) async fn socket(&self) -> Result<EngineStream, UpstreamError> {
        let open = async {
            loop {
                match self.endpoint.connect(self.time).await {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        sleep(CONNECT_PAUSE).await;
                    }
                    // A connection that waits gives its descriptor for this one.
                    Err(error) if is_shortage(&error) && self.take_idle().is_some() => {}
                    other => return other.map_err(|error| self.unreachable(error)),
                }
            }
        };
        let opened = self.within(self.time, open).await;
        // That it can be connected to does not say that it answers.
        opened.inspect_err(|error| self.health.failed(error))
    }

    /// Keeps a connection for the next request. Its last answer must have been
    /// read to the end.
    pub(crate) fn keep(&self, mut connection: EngineConnection) {
        if connection.link.is_closed() {
            return;
        }
        connection.kept = true;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // The oldest come first. Without any traffic they stay, so many at most.
        let old = idle.partition_point(|kept| kept.since.elapsed() > POOL_IDLE_AGE);
        idle.drain(..old);
        if idle.len() < self.idle_max.load(Ordering::Relaxed) {
            idle.push(Idle {
                connection,
                since: Instant::now(),
            });
        }
    }

    /// From now on this Engine is one of so many: together they keep no more connections
    /// than one alone.
    pub(crate) fn one_of(&self, engines: usize) {
        let most = (POOL_IDLE_MAX / engines.max(1)).max(1);
        self.idle_max.store(most, Ordering::Relaxed);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let surplus = idle.len().saturating_sub(most);
        idle.drain(..surplus);
    }

    /// Closes connections that wait, to free their descriptors. Some stay: a
    /// client is of no use to anybody without a connection to the Engine.
    pub(crate) fn make_room(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let surplus = idle.len().saturating_sub(POOL_RESERVE);
        idle.drain(..surplus);
    }

    fn take_idle(&self) -> Option<EngineConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = idle.pop()?;
        if newest.since.elapsed() > POOL_IDLE_AGE {
            // The others are older still.
            idle.clear();
            return None;
        }
        Some(newest.connection)
    }

    async fn link(&self) -> Result<Link, UpstreamError> {
        let stream = loop {
            match self.endpoint.line(self.time).await {
                // The kernel's queue of connections to the Engine is full: not
                // an error yet. The caller's time limit ends this.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    sleep(CONNECT_PAUSE).await;
                }
                other => break other.map_err(|error| self.unreachable(error))?,
            }
        };
        let (stream, deaf) = Hearing::new(stream);
        let (sender, connection) = Builder::new()
            .max_buf_size(ENGINE_BUFFER)
            .handshake(stream)
            .await
            .map_err(|_| self.broken())?;
        Ok(Link {
            sender,
            driver: Some(Box::pin(connection)),
            deaf,
            bell: Bell::new(),
        })
    }

    /// Asks the Engine what it serves. The caller bounds the time.
    async fn learn_version(&self, link: &mut Link) -> Result<EngineVersion, UpstreamError> {
        let no_version = || UpstreamError::NoVersion {
            endpoint: self.endpoint(),
        };
        let response = link
            .send(request::version()?)
            .await
            .map_err(|_| self.broken())?;
        if response.status() != 200 {
            return Err(no_version());
        }
        let body = link
            .collect(response.into_body(), VERSION_MAX)
            .await
            .map_err(|error| match error {
                CollectError::TooLarge => UpstreamError::AnswerTooLarge { limit: VERSION_MAX },
                CollectError::Broken => self.broken(),
            })?;
        let answer: Value = serde_json::from_slice(&body).map_err(|_| no_version())?;
        let version = |name| {
            answer
                .get(name)
                .and_then(Value::as_str)
                .and_then(api_version)
                .ok_or_else(no_version)
        };
        Ok(EngineVersion {
            min: version("MinAPIVersion")?,
            max: version("ApiVersion")?,
        })
    }

    pub(crate) fn broken(&self) -> UpstreamError {
        UpstreamError::Broken {
            endpoint: self.endpoint(),
        }
    }

    fn silent(&self, after: Duration) -> UpstreamError {
        UpstreamError::Silent {
            endpoint: self.endpoint(),
            seconds: after.as_secs(),
        }
    }

    pub(crate) fn version_changed(&self) -> UpstreamError {
        UpstreamError::VersionChanged {
            endpoint: self.endpoint(),
        }
    }

    fn unreachable(&self, source: io::Error) -> UpstreamError {
        UpstreamError::Unreachable {
            endpoint: self.endpoint(),
            source,
        }
    }

    /// Whether the same Engine is reached in the same way, with the same certificates.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        self.endpoint == other.endpoint && self.time == other.time
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// `1.51` and nothing like it.
fn api_version(text: &str) -> Option<ApiVersion> {
    let minor = text.strip_prefix("1.")?;
    if minor.is_empty() || !minor.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    minor.parse().ok().map(ApiVersion)
}

/// A connection to an Engine whose version is known.
pub(crate) struct EngineConnection {
    pub(crate) link: Link,
    /// What the Engine said when the connection was opened.
    pub(crate) version: EngineVersion,
    /// Whether it has waited for this request, so that the Engine may have
    /// closed it meanwhile.
    pub(crate) kept: bool,
}

impl EngineConnection {
    async fn is_ready(&mut self) -> bool {
        matches!(timeout(POOL_READY_TIME, self.link.ready()).await, Ok(true))
    }
}

/// What `hyper` needs to be polled, beside the request or answer that one waits for.
pub(crate) struct Link {
    sender: SendRequest<RequestBody>,
    driver: Driver,
    deaf: Deaf,
    bell: Bell,
}

/// The connection itself; gone once it has ended.
type Driver = Option<Pin<Box<Connection<Hearing, RequestBody>>>>;

/// Lets `hyper` read and write. Part of every wait on the connection.
fn poll_driver(driver: &mut Driver, cx: &mut Context<'_>) {
    if let Some(connection) = driver
        && connection.as_mut().poll(cx).is_ready()
    {
        // How it ended is told to whoever waits for the answer.
        *driver = None;
    }
}

/// Why a request got no answer.
pub(crate) enum SendError {
    /// No byte of it was sent: here it is again.
    Unsent(Box<Request<RequestBody>>),
    /// Some of it may have reached the Engine.
    Broken,
}

enum CollectError {
    TooLarge,
    Broken,
}

impl Link {
    /// Waits for `other` while the connection goes on.
    pub(crate) async fn drive<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        poll_fn(|cx| {
            self.bell.poll(cx, |cx| {
                poll_driver(&mut self.driver, cx);
                other.as_mut().poll(cx)
            })
        })
        .await
    }

    /// Sends a request and waits for the head of its answer, however long that
    /// takes: the caller also watches the client.
    pub(crate) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, SendError> {
        let answer = self.sender.try_send_request(request);
        self.drive(answer)
            .await
            .map_err(|mut error| match error.take_message() {
                Some(request) => SendError::Unsent(Box::new(request)),
                None => SendError::Broken,
            })
    }

    /// Polls for the next piece of an answer's body.
    pub(crate) fn poll_frame(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<hyper::body::Frame<Bytes>>>> {
        self.bell.poll(cx, |cx| {
            poll_driver(&mut self.driver, cx);
            Pin::new(&mut *body).poll_frame(cx)
        })
    }

    async fn collect(&mut self, mut body: Incoming, max: usize) -> Result<BytesMut, CollectError> {
        let mut whole = BytesMut::new();
        while let Some(frame) = poll_fn(|cx| self.poll_frame(&mut body, cx)).await {
            let frame = frame.map_err(|_| CollectError::Broken)?;
            if let Ok(data) = frame.into_data() {
                if whole.len() + data.len() > max {
                    return Err(CollectError::TooLarge);
                }
                whole.extend_from_slice(&data);
            }
        }
        Ok(whole)
    }

    /// Whether it can take a request; looks at what the Engine has done meanwhile.
    async fn ready(&mut self) -> bool {
        poll_fn(|cx| {
            self.bell.poll(cx, |cx| {
                poll_driver(&mut self.driver, cx);
                self.sender.poll_ready(cx)
            })
        })
        .await
        .is_ok()
    }

    fn is_closed(&self) -> bool {
        self.driver.is_none() || self.deaf.is_set() || self.sender.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_strictly() {
        assert_eq!(api_version("1.51"), Some(ApiVersion(51)));
        for text in [
            "", "1", "1.", "2.0", "1.51.0", "1.+5", "1.5a", "1.70000", "v1.51",
        ] {
            assert_eq!(api_version(text), None, "{text}");
        }
    }

    #[test]
    fn reasons_are_words() {
        const TOO_MANY_FILES: i32 = 24;
        for (number, expected) in [
            (2, "there is no such socket"),
            (13, "permission denied"),
            (111, "connection refused"),
        ] {
            assert_eq!(reason(&io::Error::from_raw_os_error(number)), expected);
        }
        let few = reason(&io::Error::from_raw_os_error(TOO_MANY_FILES));
        assert!(
            !few.contains("os error") && !few.contains("uncategorized"),
            "{few}"
        );
    }

    #[test]
    fn an_upstream_is_an_absolute_path() {
        let time = Duration::from_secs(1);
        assert!(Upstream::new("/run/engine.sock", time).is_ok());
        for path in ["", "engine.sock", &format!("/{}", "a".repeat(200))] {
            assert!(Upstream::new(path, time).is_err(), "{path}");
        }
    }
}

//! Whoever asks for the counts → their text, and nothing else.
//!
//! A small server of its own beside the proxy: it has the counts, and no way to the
//! gate or the Engine. A connection has one answer, and a time in which to have it.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Counts;
use crate::policy::{Metrics, Owner};
use crate::proxy::browser::{BrowserError, is_nobodys_domain};
use crate::proxy::limits::{
    ACCEPT_PAUSE, METRICS_CONNECTIONS, METRICS_HEAD, METRICS_HEAD_TIME, METRICS_MODE, METRICS_TIME,
};
use crate::proxy::listener::{tcp, unix};
use crate::proxy::{ListenError, stopped};

/// Where the counts are told. Open, but answers nobody before it runs.
#[derive(Debug)]
pub struct MetricsListener(Socket);

#[derive(Debug)]
enum Socket {
    Unix(UnixListener, PathBuf, unix::Identity),
    Tcp(TcpListener, SocketAddr),
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// What it may be called in a request.
#[derive(Clone, Copy, Debug)]
enum Hosts {
    Any,
    /// No name that somebody could own.
    Local,
}

impl Hosts {
    fn admit(self, request: &Request<Incoming>) -> bool {
        let mut named = request.headers().get_all(HOST).iter();
        match self {
            Self::Any => true,
            Self::Local => named.all(|host| is_nobodys_domain(host.as_bytes())),
        }
    }
}

impl MetricsListener {
    /// Opens the socket, as that of a listener is opened.
    pub async fn bind(metrics: &Metrics) -> Result<Self, ListenError> {
        Ok(Self(match metrics {
            Metrics::Unix(path) => {
                let (socket, identity) = unix::open(path, METRICS_MODE, Owner::default()).await?;
                Socket::Unix(socket, path.clone(), identity)
            }
            Metrics::Tcp(address) => {
                let (address, socket) = tcp::open(*address)?;
                Socket::Tcp(socket, address)
            }
        }))
    }

    /// Whether other machines may reach it.
    pub fn is_open(&self) -> bool {
        match &self.0 {
            Socket::Unix(..) => false,
            Socket::Tcp(_, address) => !address.ip().to_canonical().is_loopback(),
        }
    }

    /// Tells the counts until `stopping` holds `true` (or its sender is gone); then
    /// closes the socket, and removes it if it is still the same.
    pub async fn run(self, counts: Arc<Counts>, mut stopping: watch::Receiver<bool>) {
        // All connections end with this.
        let mut connections = JoinSet::new();
        let hosts = self.hosts();
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut stopping) => break,
                Some(_) = connections.join_next() => {}
                accepted = self.accept(), if connections.len() < METRICS_CONNECTIONS => {
                    let counts = Arc::clone(&counts);
                    match accepted {
                        Ok(Stream::Unix(stream)) => drop(connections.spawn(serve(stream, counts, hosts))),
                        Ok(Stream::Tcp(stream)) => drop(connections.spawn(serve(stream, counts, hosts))),
                        // No descriptors: at once there would be none again.
                        Err(_) => sleep(ACCEPT_PAUSE).await,
                    }
                }
            }
        }
        if let Socket::Unix(_, path, identity) = &self.0 {
            identity.remove(path);
        }
    }

    /// On loopback a browser of this host comes to it, too, with pages that have a name
    /// lead here. What other machines may reach is for all of them, by whatever name.
    fn hosts(&self) -> Hosts {
        match &self.0 {
            Socket::Tcp(..) if !self.is_open() => Hosts::Local,
            Socket::Unix(..) | Socket::Tcp(..) => Hosts::Any,
        }
    }

    async fn accept(&self) -> io::Result<Stream> {
        Ok(match &self.0 {
            Socket::Unix(socket, ..) => Stream::Unix(socket.accept().await?.0),
            Socket::Tcp(socket, _) => Stream::Tcp(socket.accept().await?.0),
        })
    }
}

/// The address: with the port that it got, where any was asked for.
impl fmt::Display for MetricsListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Socket::Unix(_, path, _) => write!(f, "unix://{}", path.display()),
            Socket::Tcp(_, address) => write!(f, "tcp://{address}"),
        }
    }
}

/// Answers one request.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, counts: Arc<Counts>, hosts: Hosts) {
    let service = service_fn(|request| {
        let answer = answer(&request, &counts, hosts);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(METRICS_HEAD_TIME)
        .max_buf_size(METRICS_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // What breaks or takes too long is the business of who asks.
    drop(timeout(METRICS_TIME, connection).await);
}

fn answer(request: &Request<Incoming>, counts: &Counts, hosts: Hosts) -> Response<Full<Bytes>> {
    const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    let (status, text) = match (request.uri().path(), request.method()) {
        _ if !hosts.admit(request) => {
            let text = format!("opgate: {}\n", BrowserError::Host);
            (StatusCode::FORBIDDEN, text)
        }
        ("/metrics", &Method::GET) => (StatusCode::OK, counts.to_string()),
        ("/metrics", _) => (
            StatusCode::METHOD_NOT_ALLOWED,
            "opgate: metrics are read by GET\n".to_owned(),
        ),
        _ => (
            StatusCode::NOT_FOUND,
            "opgate: there is only /metrics here\n".to_owned(),
        ),
    };
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, TEXT);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let get = HeaderValue::from_static("GET");
        answer.headers_mut().insert(ALLOW, get);
    }
    answer
}

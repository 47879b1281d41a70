//! One turn: so many connections to a socket ask the same again and again, each
//! waiting for its answer → how long every request took.

use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use super::Failure;
use super::message::Message;

/// Something to ask.
#[derive(Debug)]
pub(crate) struct Case {
    /// What it is called.
    pub(crate) name: &'static str,
    method: &'static str,
    target: &'static str,
    body: &'static str,
    /// A part of the body, and what it becomes.
    change: Option<(&'static str, &'static str)>,
    /// What must be answered.
    pub(crate) status: &'static str,
    /// Whether only a gate that judges bodies answers so.
    pub(crate) needs_body: bool,
}

/// The body of a `docker run`, as recorded.
const RUN: &str = include_str!("../requests/run.json");

/// All cases.
pub(crate) const CASES: [Case; 4] = [
    Case {
        name: "list",
        method: "GET",
        target: "/v1.51/containers/json",
        body: "",
        change: None,
        status: "200",
        needs_body: false,
    },
    Case {
        name: "create",
        method: "POST",
        target: "/v1.51/containers/create",
        body: RUN,
        change: None,
        status: "201",
        needs_body: false,
    },
    Case {
        name: "refused",
        method: "GET",
        target: "/v1.51/secrets",
        body: "",
        change: None,
        status: "403",
        needs_body: false,
    },
    Case {
        name: "privileged",
        method: "POST",
        target: "/v1.51/containers/create",
        body: RUN,
        change: Some(("\"Privileged\":false", "\"Privileged\":true")),
        status: "403",
        needs_body: true,
    },
];

impl Case {
    /// The request as the docker CLI writes it.
    pub(crate) fn request(&self) -> Result<Vec<u8>, Failure> {
        let mut body = self.body.trim_end().to_owned();
        if let Some((from, to)) = self.change {
            if !body.contains(from) {
                return Err(format!("the body of `{}` has no {from}", self.name).into());
            }
            body = body.replace(from, to);
        }
        let (method, target, length) = (self.method, self.target, body.len());
        let framing = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Length: {length}\r\nContent-Type: application/json\r\n")
        };
        Ok(format!(
            "{method} {target} HTTP/1.1\r\nHost: api.moby.localhost\r\n\
             User-Agent: Docker-Client/28.5.2 (linux)\r\n{framing}\r\n{body}"
        )
        .into_bytes())
    }
}

/// What a turn gave.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// How long each request took, in any order.
    pub(crate) times: Vec<Duration>,
    /// From the first request to the last answer.
    pub(crate) time: Duration,
    /// How often the other side closed a connection.
    pub(crate) closed: usize,
}

/// Asks. The connections are its own.
#[derive(Debug)]
pub(crate) struct Load {
    runtime: Runtime,
}

impl Load {
    /// A load generator on this thread.
    pub(crate) fn new() -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        Ok(Self { runtime })
    }

    /// Asks for `time`. An answer of another status ends it.
    pub(crate) fn turn(
        &self,
        socket: &Path,
        case: &Case,
        connections: usize,
        time: Duration,
    ) -> Result<Turn, Failure> {
        let request: Rc<[u8]> = case.request()?.into();
        let status = case.status;
        LocalSet::new().block_on(&self.runtime, async {
            let mut streams = Vec::with_capacity(connections);
            for _ in 0..connections {
                streams.push(UnixStream::connect(socket).await?);
            }
            let start = Instant::now();
            let end = start + time;
            let asking: Vec<_> = streams
                .into_iter()
                .map(|stream| {
                    let (request, socket) = (Rc::clone(&request), socket.to_owned());
                    tokio::task::spawn_local(async move {
                        ask(stream, &socket, &request, status, end)
                            .await
                            .map_err(|failure| failure.to_string())
                    })
                })
                .collect();
            let mut whole = Turn::default();
            for one in asking {
                let part = one.await??;
                whole.times.extend(part.times);
                whole.closed += part.closed;
            }
            whole.time = start.elapsed();
            Ok(whole)
        })
    }
}

async fn ask(
    mut stream: UnixStream,
    socket: &Path,
    request: &[u8],
    status: &str,
    end: Instant,
) -> Result<Turn, Failure> {
    let mut turn = Turn::default();
    let mut buffer = Vec::with_capacity(64 << 10);
    let mut begin = Instant::now();
    while begin < end {
        stream.write_all(request).await?;
        let last = loop {
            if let Some(answer) = Message::find(&buffer)? {
                if answer.start.split(' ').nth(1) != Some(status) {
                    return Err(format!("expected {status}, got `{}`", answer.start).into());
                }
                break answer.last;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Err("the connection ended before the answer did".into());
            }
        };
        buffer.clear();
        let now = Instant::now();
        turn.times.push(now - begin);
        begin = now;
        if last {
            turn.closed += 1;
            stream = UnixStream::connect(socket).await?;
        }
    }
    Ok(turn)
}

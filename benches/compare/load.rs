//! One turn: so many connections to a door ask the same again and again, each
//! waiting for its answer → how long every request took.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use super::Failure;
use super::door::{Door, Stream};
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
    /// How often the other side closed a connection that was to be kept.
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

    /// Asks for `time`, on kept connections or on a new one each time. An answer of
    /// another status ends it.
    pub(crate) fn turn(
        &self,
        door: &Door,
        case: &Case,
        connections: usize,
        time: Duration,
        anew: bool,
    ) -> Result<Turn, Failure> {
        let request: Rc<[u8]> = case.request()?.into();
        let status = case.status;
        LocalSet::new().block_on(&self.runtime, async {
            let mut streams = Vec::with_capacity(connections);
            for _ in 0..connections {
                streams.push(if anew { None } else { Some(door.open().await?) });
            }
            let start = Instant::now();
            let end = start + time;
            let asking: Vec<_> = streams
                .into_iter()
                .map(|stream| {
                    let (request, door) = (Rc::clone(&request), door.clone());
                    tokio::task::spawn_local(async move {
                        ask(stream, &door, &request, status, end)
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

    /// So many connections that have asked once and wait, as long as `during` takes.
    pub(crate) fn idle<T>(
        &self,
        door: &Door,
        case: &Case,
        connections: usize,
        during: impl FnOnce() -> T,
    ) -> Result<T, Failure> {
        let request = case.request()?;
        self.runtime.block_on(async {
            let mut streams = Vec::with_capacity(connections);
            for _ in 0..connections {
                let mut stream = door.open().await?;
                exchange(&mut stream, &mut Vec::new(), &request, case.status).await?;
                streams.push(stream);
            }
            Ok(during())
        })
    }
}

/// Asks again and again; without a stream, on a new one each time.
async fn ask(
    mut kept: Option<Stream>,
    door: &Door,
    request: &[u8],
    status: &str,
    end: Instant,
) -> Result<Turn, Failure> {
    let mut turn = Turn::default();
    let mut buffer = Vec::with_capacity(64 << 10);
    let anew = kept.is_none();
    let mut begin = Instant::now();
    while begin < end {
        let mut stream = match kept.take() {
            Some(stream) => stream,
            None => door.open().await?,
        };
        let last = exchange(&mut stream, &mut buffer, request, status).await?;
        let now = Instant::now();
        turn.times.push(now - begin);
        begin = now;
        if last && !anew {
            turn.closed += 1;
        }
        if !last && !anew {
            kept = Some(stream);
        }
    }
    Ok(turn)
}

/// Asks once, with an empty buffer, which is empty again afterwards. Gives whether the
/// other side closes the connection.
async fn exchange(
    stream: &mut Stream,
    buffer: &mut Vec<u8>,
    request: &[u8],
    status: &str,
) -> Result<bool, Failure> {
    stream.write_all(request).await?;
    stream.flush().await?;
    let last = loop {
        if let Some(answer) = Message::find(buffer)? {
            if answer.start.split(' ').nth(1) != Some(status) {
                return Err(format!("expected {status}, got `{}`", answer.start).into());
            }
            break answer.last;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err("the connection ended before the answer did".into());
        }
    };
    buffer.clear();
    Ok(last)
}

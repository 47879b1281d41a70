//! `opgate health`: whether a running gate serves.
//!
//! Asks as a client does, with `GET /_ping` at the first listener of the policy
//! file. Healthy means that a request which the policy allows would be served
//! now. That takes two: the gate must answer, and the Engine behind it. Where the
//! listener's client may call `SystemPing`, the one answer tells both. Where it
//! may not, the refusal tells that the gate lives, but not a byte of the question
//! reached the Engine: then the Engine is asked directly, at the upstream of the
//! file or of `DOCKER_HOST`. Where there are several Engines, all are asked. So health never depends on what a policy allows.
//!
//! Every answer but these two is a reason to be unhealthy: 502 and 504 when the
//! Engine is away, silent, or serves no API version that opgate knows.

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use opgate::policy::{Address, Configuration};
use opgate::proxy::Endpoint;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::engines::{self, Environment};
use super::{ConfigFile, Failure, config};

/// From connecting to the last byte of an answer. Two questions at most.
const ANSWER_TIME: Duration = Duration::from_secs(4);

/// How much of an answer is read.
const ANSWER_MAX: u64 = 16 << 10;

/// The most header lines of an answer.
const HEADERS_MAX: usize = 64;

const PING: &[u8] = b"GET /_ping HTTP/1.1\r\nHost: opgate\r\nConnection: close\r\n\r\n";

/// Whom to ask.
#[derive(Debug, Args)]
pub(super) struct Whom {
    #[command(flatten)]
    file: ConfigFile,
    /// Ask the gate at this unix socket, and read no policy file.
    #[arg(long, value_name = "PATH")]
    unix: Option<PathBuf>,
    /// Ask the gate at this address, such as `127.0.0.1:2375`, and read no policy file.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "unix")]
    tcp: Option<SocketAddr>,
}

/// Where somebody answers.
#[derive(Clone, Debug)]
enum Place {
    Unix(PathBuf),
    Tcp(SocketAddr),
    Engine(Endpoint),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Engine(endpoint) => endpoint.fmt(f),
        }
    }
}

/// Who answers at a place.
#[derive(Clone, Copy, Debug)]
enum Who {
    Gate,
    Engine,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gate => "gate",
            Self::Engine => "Engine",
        })
    }
}

/// Asks, and says on `out` what serves.
pub(super) fn health(whom: Whom, out: &mut impl Write) -> Result<(), Failure> {
    let (gate, engines) = places(whom)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Usage(format!("cannot start: {error}")))?;
    let asked = runtime.block_on(judge(&gate, &engines));
    let known = asked.map_err(unhealthy)?;
    let engine_too = match (known, engines.as_slice()) {
        (Known::Serves, [] | [_]) => String::new(),
        (Known::Refuses, []) => ", and refuses to ask the Engine".to_owned(),
        (Known::Refuses, [engine]) => format!(", and so does the Engine at {engine}"),
        (_, engines) => {
            let engines: Vec<String> = engines.iter().map(ToString::to_string).collect();
            format!(", and so do the Engines at {}", engines.join(", "))
        }
    };
    writeln!(out, "the gate at {gate} answers{engine_too}")?;
    Ok(())
}

fn unhealthy(reason: impl fmt::Display) -> Failure {
    Failure::Findings(format!("opgate: {reason}"))
}

/// The gate, and the Engines where they are known.
fn places(whom: Whom) -> Result<(Place, Vec<Place>), Failure> {
    match (whom.unix, whom.tcp) {
        (Some(path), _) => return Ok((Place::Unix(path), Vec::new())),
        (None, Some(address)) => return Ok((Place::Tcp(address), Vec::new())),
        (None, None) => {}
    }
    // A health check knows healthy (0) and unhealthy (1), and Docker keeps 2 for
    // itself: a file that cannot be read is a gate that does not serve.
    let mut configuration = config::resolve(&whom.file.config)
        .map_err(|error| Failure::Findings(error.to_string()))?
        .map_err(|found| Failure::Findings(found.to_string()))?;
    Environment::read()
        .complete(&mut configuration)
        .map_err(unhealthy)?;
    let Configuration {
        listeners, engines, ..
    } = configuration;
    // What is handed over has no address that could be known here.
    let mut addresses = listeners.into_iter().map(|listener| listener.address);
    let known = addresses.find(|address| !matches!(address, Address::Systemd { .. }));
    let gate = match known {
        Some(Address::Unix { path, .. }) => Place::Unix(path),
        Some(Address::Tcp(address)) => Place::Tcp(address),
        Some(Address::Systemd { .. }) | None => {
            let message = "opgate: the file says no address to ask at: give `--unix` or `--tcp`";
            return Err(Failure::Findings(message.to_owned()));
        }
    };
    let engines = engines.all.into_iter().map(|engine| {
        let endpoint = engines::endpoint(engine.address).map_err(unhealthy)?;
        Ok(Place::Engine(endpoint))
    });
    Ok((gate, engines.collect::<Result<_, Failure>>()?))
}

/// What the gate's answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// The Engine answered through the gate.
    Serves,
    /// The gate lives, and its client may not ping.
    Refuses,
}

/// Healthy, or why not.
async fn judge(gate: &Place, engines: &[Place]) -> Result<Known, String> {
    let known = match ask(Who::Gate, gate).await? {
        (200, _) => Known::Serves,
        (403, _) => Known::Refuses,
        (status, message) => return Err(unexpected(Who::Gate, gate, status, &message)),
    };
    if known == Known::Serves && engines.len() <= 1 {
        return Ok(known);
    }
    // All at a time: together they take no longer than one.
    let mut asked = JoinSet::new();
    for engine in engines {
        let engine = engine.clone();
        asked.spawn(async move {
            match ask(Who::Engine, &engine).await? {
                (200, _) => Ok(()),
                (status, message) => Err(unexpected(Who::Engine, &engine, status, &message)),
            }
        });
    }
    while let Some(answered) = asked.join_next().await {
        answered.map_err(|error| error.to_string())??;
    }
    Ok(known)
}

fn unexpected(who: Who, place: &Place, status: u16, message: &str) -> String {
    let message = message.escape_debug();
    format!("the {who} at {place} answers with status {status}: {message}")
}

/// The status and the message of an answer.
async fn ask(who: Who, place: &Place) -> Result<(u16, String), String> {
    let answer = match timeout(ANSWER_TIME, connect_and_ask(place)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(format!("no {who} answers at {place}: {error}")),
        Err(_) => {
            let seconds = ANSWER_TIME.as_secs();
            return Err(format!(
                "no {who} answers at {place}: nothing came within {seconds} s"
            ));
        }
    };
    parse(&answer).ok_or_else(|| format!("what answers at {place} is no {who}"))
}

async fn connect_and_ask(place: &Place) -> io::Result<Vec<u8>> {
    match place {
        Place::Unix(path) => exchange(UnixStream::connect(path).await?).await,
        Place::Tcp(address) => exchange(TcpStream::connect(address).await?).await,
        Place::Engine(endpoint) => exchange(endpoint.open(ANSWER_TIME).await?).await,
    }
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<Vec<u8>> {
    stream.write_all(PING).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Reads an answer whose body ends with the connection. Bodies in chunks have a
/// message that is not shown: opgate's own answers have a length.
fn parse(answer: &[u8]) -> Option<(u16, String)> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(answer).ok()? else {
        return None;
    };
    let message = answer
        .get(length..)
        .and_then(|body| serde_json::from_slice::<Value>(body).ok())
        .and_then(|body| Some(body.get("message")?.as_str()?.to_owned()))
        .unwrap_or_else(|| "it says no more".to_owned());
    Some((head.code?, message))
}

//! The command line of `compare drive` → what to measure.
//!
//! `--rounds N`, `--time MILLISECONDS` (of one turn), `--connections N,...`,
//! `--cases NAME,...`, `--against NAME` (may be given several times), `--idle N`
//! (connections whose memory is looked at first), `--anew` (a connection for each
//! request), `--certs FOLDER` (of a client by TLS), then `NAME=SOCKET[,PID]` for each
//! way to the Engine; `IP:PORT` for a socket is one by TLS. The way called `none` has
//! no gate, one called `opgate…` judges bodies, any other judges paths alone.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::Failure;
use super::certs;
use super::door::Door;
use super::load::{CASES, Case};

/// What to measure.
#[derive(Debug)]
pub(crate) struct Options {
    /// How often each way gets its turn.
    pub(crate) rounds: usize,
    /// How long a turn takes.
    pub(crate) time: Duration,
    /// Numbers of connections.
    pub(crate) connections: Vec<usize>,
    /// What is asked.
    pub(crate) cases: Vec<&'static Case>,
    /// The ways that the others are compared with.
    pub(crate) against: Vec<String>,
    /// How many idle connections each way gets before anything else.
    pub(crate) idle: usize,
    /// Whether each request has a connection of its own.
    pub(crate) anew: bool,
    /// The ways to the Engine.
    pub(crate) ways: Vec<Way>,
}

/// A way to the Engine.
#[derive(Debug)]
pub(crate) struct Way {
    /// What it is called.
    pub(crate) name: String,
    /// Where to connect.
    pub(crate) door: Door,
    /// The process in between, if there is one.
    pub(crate) pid: Option<u32>,
}

impl Way {
    /// Whether it looks into bodies.
    pub(crate) fn judges_bodies(&self) -> bool {
        self.name.starts_with("opgate")
    }
}

impl Options {
    /// Reads the command line.
    pub(crate) fn of(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self {
            rounds: 7,
            time: Duration::from_millis(500),
            connections: vec![1, 16, 64],
            cases: CASES.iter().collect(),
            against: Vec::new(),
            idle: 0,
            anew: false,
            ways: Vec::new(),
        };
        let mut client = None;
        while let Some(argument) = arguments.next() {
            if !argument.starts_with("--") {
                options.ways.push(way(&argument, client.as_ref())?);
                continue;
            }
            if argument == "--anew" {
                options.anew = true;
                continue;
            }
            let value = arguments
                .next()
                .ok_or_else(|| format!("{argument} needs a value"))?;
            match argument.as_str() {
                "--rounds" => options.rounds = value.parse::<usize>()?.max(1),
                "--time" => options.time = Duration::from_millis(value.parse()?),
                "--connections" => {
                    options.connections =
                        value.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                "--cases" => {
                    options.cases = value.split(',').map(case).collect::<Result<_, _>>()?;
                }
                "--against" => options.against.push(value),
                "--idle" => options.idle = value.parse()?,
                "--certs" => client = Some(certs::client(&PathBuf::from(value))?),
                _ => return Err(format!("{argument} is no option").into()),
            }
        }
        if let Some(unknown) = options
            .against
            .iter()
            .find(|name| options.place(name).is_none())
        {
            return Err(format!("nothing is called {unknown}").into());
        }
        Ok(options)
    }

    /// The place of a way.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.ways.iter().position(|way| way.name == name)
    }
}

fn case(name: &str) -> Result<&'static Case, Failure> {
    CASES
        .iter()
        .find(|case| case.name == name)
        .ok_or_else(|| format!("no case is called {name}").into())
}

fn way(text: &str, client: Option<&Arc<ClientConfig>>) -> Result<Way, Failure> {
    let (name, rest) = text.split_once('=').ok_or("a way is NAME=SOCKET[,PID]")?;
    let (socket, pid) = match rest.split_once(',') {
        Some((socket, pid)) => (socket, Some(pid.parse()?)),
        None => (rest, None),
    };
    let door = match socket.parse::<SocketAddr>() {
        Ok(address) => {
            let client = client.ok_or("TLS needs `--certs` before it")?;
            Door::Tls(address, Arc::clone(client))
        }
        Err(_) => Door::Unix(socket.into()),
    };
    Ok(Way {
        name: name.to_owned(),
        door,
        pid,
    })
}

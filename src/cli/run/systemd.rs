//! What systemd is told of the gate: that it is ready, that it reads its policy again,
//! that it stops, and again and again that it lives.
//!
//! The socket is connected to before the gate is confined, after which others are out
//! of reach. Where nobody has asked to be told, nothing is.

use std::env;
use std::ffi::OsStr;
use std::future::pending;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram as StdDatagram};
use std::process;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::net::UnixDatagram;
use tokio::time::{sleep, timeout};

/// How long it may take to tell something.
const TELL_TIME: Duration = Duration::from_secs(1);

/// Whom to tell, as the environment says.
#[derive(Debug)]
pub(super) struct Asked {
    socket: Option<StdDatagram>,
    /// How often it must be said that the gate lives.
    watchdog: Option<Duration>,
}

impl Asked {
    /// `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
    pub(super) fn by_environment() -> io::Result<Self> {
        let number = |name| env::var(name).ok().and_then(|text| text.parse().ok());
        let another = number("WATCHDOG_PID").is_some_and(|pid| pid != u64::from(process::id()));
        let microseconds = number("WATCHDOG_USEC").filter(|time| *time > 0 && !another);
        let socket = match env::var_os("NOTIFY_SOCKET") {
            Some(address) if !address.is_empty() => Some(connect(&address).map_err(|error| {
                let address = address.display();
                io::Error::new(
                    error.kind(),
                    format!("`NOTIFY_SOCKET` is `{address}`: {error}"),
                )
            })?),
            _ => None,
        };
        Ok(Self {
            socket,
            watchdog: microseconds.map(Duration::from_micros),
        })
    }

    /// The same, for use in the runtime.
    pub(super) fn open(self) -> io::Result<Systemd> {
        let socket = self.socket.map(|socket| {
            socket.set_nonblocking(true)?;
            UnixDatagram::from_std(socket)
        });
        Ok(Systemd {
            socket: socket.transpose()?,
            watchdog: self.watchdog,
        })
    }
}

/// Connects to a path, or with `@` to an abstract name.
fn connect(address: &OsStr) -> io::Result<StdDatagram> {
    let socket = StdDatagram::unbound()?;
    let address = match address.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(address)?,
        _ => return Err(io::Error::other("neither a path nor an abstract name")),
    };
    socket.connect_addr(&address)?;
    Ok(socket)
}

/// systemd, or nobody.
#[derive(Debug)]
pub(super) struct Systemd {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Systemd {
    /// The listeners are open and served, by the policy as it is.
    pub(super) async fn ready(&self) {
        self.tell("READY=1").await;
    }

    /// The policy is read again. [`ready`](Self::ready) says that this is over.
    pub(super) async fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let seconds = now.tv_sec.saturating_mul(1_000_000);
        let time = seconds.saturating_add(now.tv_nsec / 1000);
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={time}"))
            .await;
    }

    /// The gate was told to stop, and ends when its requests have.
    pub(super) async fn stopping(&self) {
        self.tell("STOPPING=1").await;
    }

    /// Says as often as is asked for that the gate lives: when it has run a task
    /// beside this one. Never ends.
    pub(super) async fn live(&self) {
        let Some(within) = self.watchdog else {
            return pending().await;
        };
        let pause = within / 2;
        loop {
            sleep(pause).await;
            if matches!(timeout(pause, tokio::spawn(async {})).await, Ok(Ok(()))) {
                self.tell("WATCHDOG=1").await;
            }
        }
    }

    async fn tell(&self, what: &str) {
        if let Some(socket) = &self.socket {
            // Who does not listen is told nothing, and the gate serves all the same.
            drop(timeout(TELL_TIME, socket.send(what.as_bytes())).await);
        }
    }
}

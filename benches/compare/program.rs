//! Programs for `benches/compare.sh`: a stand-in for the Engine, and a load
//! generator that drives several ways to it in turns.
//!
//! `compare engine SOCKET` answers like an Engine, as fast as it can.
//! `compare certs FOLDER` writes certificates for ways by TLS.
//! `compare drive [OPTIONS] NAME=SOCKET[,PID]...` prints what each way costs;
//! see `options`. None is part of opgate.

use std::process::ExitCode;

mod certs;
mod door;
mod drive;
mod engine;
mod load;
mod message;
mod options;
mod process;
mod report;

/// What goes wrong in a measurement ends it.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let done = match arguments.next().as_deref() {
        Some("engine") => engine::run(arguments),
        Some("certs") => certs::run(arguments),
        Some("drive") => options::Options::of(arguments).and_then(|options| drive::run(&options)),
        _ => Err("usage: compare engine SOCKET | compare certs FOLDER | compare drive NAME=SOCKET[,PID]...".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report::complain(&failure);
            ExitCode::FAILURE
        }
    }
}

//! The wire against a recording stand-in for the Engine: raw bytes of clients on
//! one side, raw bytes of the Engine on the other. Tests wait for events; every
//! test has one limit for all of its waits.

#[cfg(test)]
mod browsers;
#[cfg(test)]
mod engine;
#[cfg(test)]
#[path = "../support/engine_certs.rs"]
mod engine_certs;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod keep_alive;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod listener;
#[cfg(test)]
mod pipelined;
#[cfg(test)]
mod protocols;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod spellings;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tunnels;
#[cfg(test)]
mod upstreams;
#[cfg(test)]
mod versions;

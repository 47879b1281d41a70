//! What can do harm stays shut unless a rule names it, and what is secret stays
//! secret: for every guarded parameter and field of the definitions, and for
//! every entry of the list of known risks (`../definitions/risks.tsv`).
//!
//! Requests are generated from the definitions alone; `places` finds the fields
//! and writes requests and rules for them, `values` finds what is dangerous
//! there, by a reading of its own, and `canaries` puts a word into every text.

#[cfg(test)]
mod canaries;
#[cfg(test)]
mod entries;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod guarded;
#[cfg(test)]
mod list;
#[cfg(test)]
mod parts;
#[cfg(test)]
mod places;
#[cfg(test)]
mod printable;
#[cfg(test)]
mod records;
#[cfg(test)]
#[path = "../properties/samples.rs"]
#[expect(dead_code, reason = "shared with the properties")]
mod samples;
#[cfg(test)]
mod secrets;
#[cfg(test)]
#[path = "../proxy/support.rs"]
#[expect(dead_code, reason = "shared with the tests of the wire")]
mod support;
#[cfg(test)]
mod values;
#[cfg(test)]
mod wire;
#[cfg(test)]
mod witnesses;

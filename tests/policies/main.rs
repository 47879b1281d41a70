//! Policies against a second opinion: verdicts on random requests held to a small
//! evaluator of its own, policy files with mistakes put into them or that are none, and
//! what an editor says of a file.

#[cfg(test)]
mod bad;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod overlaps;
#[cfg(test)]
mod random;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod witnesses;

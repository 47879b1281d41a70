//! Policies against a second opinion: verdicts on random requests held to a small
//! evaluator of its own, and policy files with mistakes put into them.

#[cfg(test)]
mod differential;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod random;

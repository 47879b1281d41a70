//! The policies for well-known clients: what holds for each of them, besides what
//! its own tests say.

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod files;
#[cfg(test)]
#[path = "../corpus/recorded.rs"]
#[expect(dead_code, reason = "what the Engine answered is no matter here")]
mod recorded;
#[cfg(test)]
mod risks;
#[cfg(test)]
mod shut;
#[cfg(test)]
mod support;

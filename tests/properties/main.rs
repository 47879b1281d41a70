//! Properties of decoding over the definitions: every field and parameter of
//! every operation takes a valid value, nothing makes it panic, and what is
//! accepted is written in a spelling that stays the same.

#[cfg(test)]
mod examples;
#[cfg(test)]
#[path = "../corpus/reader.rs"]
mod reader;
#[cfg(test)]
mod readings;
#[cfg(test)]
mod rewrites;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod spans;
#[cfg(test)]
mod sweep;
#[cfg(test)]
#[path = "../support/translate.rs"]
mod translate;
#[cfg(test)]
mod wild;

//! A version that does not exist yet, imported with the documented command: it
//! builds, what is new in it is shown as unclassified, and is refused until a
//! rule names it.
//!
//! Works on a copy of the sources, with a build folder of its own below the
//! usual one, so that only the first run builds everything.

#[cfg(test)]
#[path = "made_up_version/swagger.rs"]
mod swagger;
#[cfg(test)]
#[path = "made_up_version/tests.rs"]
mod tests;

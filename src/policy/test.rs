//! The tests of a policy file: a request, a client, and what must become of it.
//!
//! Here they are only held; running them is the command's matter, which asks the
//! gate as the proxy would.

use serde_json::{Map, Value};

use super::Place;
use crate::example::Example;

/// A test of a policy file.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// The client that asks.
    pub client: String,
    /// The request.
    pub request: Example,
    /// What must become of it.
    pub expected: Expected,
}

/// What must become of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// It is allowed.
    Allow,
    /// It is allowed, and what is forwarded has these parts, each as a whole: of
    /// `query`, `header` and `body` those that are named.
    Forward(Map<String, Value>),
    /// It is refused, for this field if one is named.
    Deny(Option<String>),
}

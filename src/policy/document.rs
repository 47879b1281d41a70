//! A policy file as it is written: every scalar with its place.
//!
//! Read with `serde-saphyr`, which keeps source places. Unknown and repeated
//! keys are errors. Nothing is resolved here (see [`resolve`](super::resolve)).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

/// A policy file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// The API level that the file is read as of.
    pub api: Spanned<String>,
    /// Where clients come in.
    pub listen: Vec<ListenDocument>,
    /// The Engine.
    pub upstream: Spanned<String>,
    /// Who they are, by name.
    pub clients: BTreeMap<String, ClientDocument>,
    /// What they may do, by name.
    pub policies: BTreeMap<String, PolicyRulesDocument>,
}

/// A listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenDocument {
    /// The path of a unix socket.
    pub unix: Option<Spanned<String>>,
    /// Or the address of a TCP socket, on loopback.
    pub tcp: Option<Spanned<String>>,
    /// Its mode, in octal. `0660` by default.
    pub mode: Option<Spanned<String>>,
    /// Whoever reaches this listener is this client.
    pub client: Spanned<String>,
}

/// A client.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientDocument {
    /// Names of its policies.
    pub policies: Vec<Spanned<String>>,
}

/// A policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRulesDocument {
    /// Operations that are allowed.
    #[serde(default)]
    pub allow: Vec<Spanned<String>>,
    /// Operations that are denied, whatever allows them.
    #[serde(default)]
    pub deny: Vec<Spanned<String>>,
}

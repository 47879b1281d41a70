//! The recorded requests of real clients.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One recorded request.
#[derive(Clone, Deserialize)]
pub(crate) struct Recorded {
    pub(crate) n: usize,
    pub(crate) client: String,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    /// The text of a JSON body.
    pub(crate) body: Option<String>,
    /// The length of the body, which of a stream is all that is kept.
    #[serde(default)]
    pub(crate) body_len: usize,
    /// The Engine's answer.
    pub(crate) status: u16,
}

impl Recorded {
    pub(crate) fn all() -> Vec<Self> {
        let requests: Vec<Self> = include_str!("requests.ndjson")
            .lines()
            .map(|line| serde_json::from_str(line).expect("a recorded request"))
            .collect();
        assert!(
            requests
                .iter()
                .enumerate()
                .all(|(n, request)| request.n == n)
        );
        requests
    }

    /// The header lines. Headers that came twice were recorded as one; of the lists that clients send in one line, none
    /// is among these two.
    pub(crate) fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            if matches!(
                name.as_str(),
                "content-type" | "x-docker-expose-session-grpc-method"
            ) {
                headers.extend(value.split(", ").map(|value| (name.clone(), value.into())));
            } else {
                headers.push((name.clone(), value.clone().into_bytes()));
            }
        }
        headers
    }

    pub(crate) fn body(&self) -> &[u8] {
        match &self.body {
            Some(text) => text.as_bytes(),
            // Any bytes do for a stream, if only they arrive.
            None if self.body_len > 0 => b"the bytes of a stream",
            None => b"",
        }
    }
}

//! A request through routing, decoding and encoding, as the Engine would get it.

use opgate::api::definition::ApiVersion;
use opgate::request::{DecodedHead, EncodedBody, EngineVersion, RequestHead};

/// What the Engine would get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Forwarded {
    /// The operation.
    pub(crate) operation: &'static str,
    /// The target.
    pub(crate) target: String,
    /// The headers, without framing.
    pub(crate) headers: Vec<(String, String)>,
    /// The JSON body, or nothing.
    pub(crate) body: String,
    /// What was left out.
    pub(crate) dropped: Vec<String>,
}

/// Translates a request for an Engine that serves versions from 1.24 on.
pub(crate) fn translate_up_to(
    max: ApiVersion,
    method: &str,
    target: &str,
    headers: &[(&str, &[u8])],
    body: &[u8],
) -> Result<Forwarded, String> {
    let engine = EngineVersion {
        min: ApiVersion(24),
        max,
    };
    let served = engine.common().ok_or("no common version")?;
    let head = RequestHead {
        method,
        target,
        headers,
    };
    let decoded = DecodedHead::decode(&head)
        .and_then(|head| head.body(body, served))
        .map_err(|error| error.to_string())?;
    let encoded = decoded.encode();
    Ok(Forwarded {
        operation: encoded.operation().name(),
        target: encoded.target().to_owned(),
        headers: encoded.headers().to_vec(),
        body: match encoded.body() {
            EncodedBody::Json(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            EncodedBody::Empty | EncodedBody::Stream { .. } => String::new(),
        },
        dropped: encoded.dropped().to_vec(),
    })
}

//! Requests to an Engine that serves 1.24 to 1.51.

use opgate::api::definition::ApiVersion;

use crate::translate::{Forwarded, translate_up_to};

/// Translates a request.
pub(crate) fn translate(
    method: &str,
    target: &str,
    headers: &[(&str, &[u8])],
    body: &[u8],
) -> Result<Forwarded, String> {
    translate_up_to(ApiVersion(51), method, target, headers, body)
}

/// A request without body or headers.
pub(crate) fn get(target: &str) -> Result<Forwarded, String> {
    translate("GET", target, &[], b"")
}

/// A request with a JSON body.
pub(crate) fn post(target: &str, body: impl AsRef<[u8]>) -> Result<Forwarded, String> {
    let json: &[(&str, &[u8])] = &[("Content-Type", b"application/json")];
    translate("POST", target, json, body.as_ref())
}

/// The body of a container's creation, translated.
pub(crate) fn create(body: impl AsRef<[u8]>) -> Result<String, String> {
    post("/v1.51/containers/create", body).map(|forwarded| forwarded.body)
}

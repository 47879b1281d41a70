//! The Engine's answers to `SystemPing` and `SystemVersion` → the same answers
//! with the versions that both the Engine and opgate serve.
//!
//! Clients choose their API version by these answers. What the Engine serves and
//! opgate does not know would be refused, so it is not offered. Everything else
//! in the answers, and its order, stays as the Engine wrote it.

use hyper::HeaderMap;
use hyper::header::HeaderValue;
use serde_json::Value;

use crate::api::definition::ApiVersion;

/// Sets the version that a ping offers.
pub(crate) fn adjust_ping(headers: &mut HeaderMap, newest: ApiVersion) {
    if let Ok(value) = HeaderValue::try_from(newest.to_string()) {
        headers.insert("api-version", value);
    }
}

/// Sets the versions in the body of a version answer. `None` when the body is
/// not a JSON object: then there is nothing in it that a client could follow.
pub(crate) fn adjust_version(
    body: &[u8],
    oldest: ApiVersion,
    newest: ApiVersion,
) -> Option<Vec<u8>> {
    let mut answer: Value = serde_json::from_slice(body).ok()?;
    set_versions(&mut answer, oldest, newest)?;
    if let Some(Value::Array(components)) = answer.get_mut("Components") {
        for component in components {
            if component.get("Name").and_then(Value::as_str) == Some("Engine")
                && let Some(details) = component.get_mut("Details")
            {
                set_versions(details, oldest, newest);
            }
        }
    }
    let mut text = serde_json::to_vec(&answer).ok()?;
    text.push(b'\n');
    Some(text)
}

/// Sets the two fields where they are given.
fn set_versions(value: &mut Value, oldest: ApiVersion, newest: ApiVersion) -> Option<()> {
    let object = value.as_object_mut()?;
    for (name, version) in [("ApiVersion", newest), ("MinAPIVersion", oldest)] {
        if let Some(field) = object.get_mut(name) {
            *field = Value::String(version.to_string());
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_places_of_a_version_answer_are_set_and_nothing_else() {
        let body = br#"{"Platform":{"Name":""},"Components":[{"Name":"Engine","Version":"28","Details":{"ApiVersion":"1.99","MinAPIVersion":"1.24","Os":"linux"}},{"Name":"containerd","Details":{"ApiVersion":"9"}}],"Version":"28","ApiVersion":"1.99","MinAPIVersion":"1.24","Os":"linux"}"#;
        let adjusted = adjust_version(body, ApiVersion(41), ApiVersion(55)).unwrap();
        assert_eq!(
            String::from_utf8(adjusted).unwrap(),
            concat!(
                r#"{"Platform":{"Name":""},"Components":[{"Name":"Engine","Version":"28","Details":{"ApiVersion":"1.55","MinAPIVersion":"1.41","Os":"linux"}},{"Name":"containerd","Details":{"ApiVersion":"9"}}],"Version":"28","ApiVersion":"1.55","MinAPIVersion":"1.41","Os":"linux"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn what_is_no_version_answer_is_not_made_one() {
        assert_eq!(adjust_version(b"[]", ApiVersion(41), ApiVersion(55)), None);
        assert_eq!(adjust_version(b"{", ApiVersion(41), ApiVersion(55)), None);
        assert_eq!(
            adjust_version(b"{}", ApiVersion(41), ApiVersion(55)),
            Some(b"{}\n".to_vec())
        );
    }
}

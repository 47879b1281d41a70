//! A request as a client or the gate sends it → the example that means the same,
//! with typed values by name.

use serde_json::{Map, Value as Json};

use super::{Example, OwnedRequest, What};
use crate::api::decode::Parameters;
use crate::api::encode;
use crate::api::value::Value;
use crate::request::{
    Body, Decoded, DecodedHead, Encoded, EncodedBody, EngineVersion, Older, RequestError,
    RequestHead,
};

impl OwnedRequest {
    /// What is forwarded, with the bytes that are known.
    pub fn forwarded(encoded: &Encoded) -> Self {
        let mut headers = encoded.headers().to_vec();
        let body = match encoded.body() {
            EncodedBody::Json(body) => {
                headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
                body.to_vec()
            }
            EncodedBody::Empty | EncodedBody::Stream { .. } => Vec::new(),
        };
        Self {
            method: encoded.method().to_owned(),
            target: encoded.target().to_owned(),
            headers,
            body,
        }
    }

    /// Decodes the request as the gate does for a client, and looks at it.
    pub fn decode<T>(
        &self,
        engine: EngineVersion,
        older: Older,
        look: impl FnOnce(&Decoded<'_>) -> T,
    ) -> Result<T, RequestError> {
        let headers = self.header_bytes();
        let head = DecodedHead::decode(&RequestHead {
            method: &self.method,
            target: &self.target,
            headers: &headers,
        })?;
        Ok(look(&head.with(older).body(&self.body, engine)?))
    }
}

impl Example {
    /// What was understood of a request.
    pub fn understood(request: &Decoded<'_>) -> Self {
        let body = match request.body() {
            Body::Json(value) => Some(json(value)),
            Body::None | Body::Stream(_) => None,
        };
        Self {
            what: What::Operation {
                operation: request.operation(),
                version: Some(request.version().to_string()),
                path: parameters(request.path()),
                query: parameters(request.query()),
            },
            header: parameters(request.headers()),
            body,
        }
    }
}

impl Example {
    /// The path of the first thing in which two examples of one operation differ.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<String> {
        let mine = self.to_json();
        let other = other.to_json();
        first_difference(&mine, &other).map(|path| path.join("."))
    }
}

fn first_difference(mine: &Json, other: &Json) -> Option<Vec<String>> {
    let (Json::Object(a), Json::Object(b)) = (mine, other) else {
        return (mine != other).then(Vec::new);
    };
    a.keys().chain(b.keys()).find_map(|key| {
        let inner = |it: &Map<String, Json>| it.get(key).cloned().unwrap_or_default();
        let mut path = first_difference(&inner(a), &inner(b))?;
        path.insert(0, key.clone());
        Some(path)
    })
}

fn parameters(parameters: &Parameters<'_>) -> Map<String, Json> {
    let given = parameters.iter().filter(|(_, value)| !value.is_absent());
    given
        .map(|(definition, value)| (definition.name.to_owned(), json(value)))
        .collect()
}

fn json(value: &Value<'_>) -> Json {
    let mut bytes = Vec::new();
    encode::json(value, &mut bytes);
    // What was just encoded is JSON.
    serde_json::from_slice(&bytes).unwrap_or_default()
}

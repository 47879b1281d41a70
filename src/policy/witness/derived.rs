//! Values of derived fields, and the fields of a request that have them.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::values::{self, Place};
use super::{Draft, merged, texts};
use crate::policy::condition::Condition;
use crate::policy::derived::Derived;

/// Values of a derived field that fit.
pub(super) fn fits(derived: Derived, condition: &Condition) -> Vec<Option<Json>> {
    let place = Place {
        schema: derived.schema(),
        absent: derived.absent(),
        zero: derived.zero(),
    };
    let mut found = values::fits(&[condition], place);
    if found.first() != Some(&None) {
        found.insert(0, None);
    }
    found
}

/// Writes a value of a derived field into the fields that make it.
pub(super) fn put(draft: &mut Draft, derived: Derived, value: &Json) {
    let Some(body) = (match derived {
        Derived::Mounts => Some(mounts(value)),
        Derived::Networks => networks(draft, value),
        Derived::Cpus => Some(json!({ "HostConfig": { "NanoCpus": value } })),
        Derived::CpusUpdate => Some(json!({ "NanoCpus": value })),
        Derived::Reference => {
            reference(draft, value);
            None
        }
    }) else {
        return;
    };
    draft.body = Some(merged(draft.body.take(), body));
}

fn mounts(value: &Json) -> Json {
    let (mut binds, mut mounts, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for mount in value.as_array().into_iter().flatten() {
        let parts: BTreeMap<&str, String> = mount
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| match value {
                Json::String(text) => (name.as_str(), text.clone()),
                value => (name.as_str(), value.to_string()),
            })
            .collect();
        let target = parts.get("target").map_or("/data", String::as_str);
        let kind = parts.get("type").map(String::as_str);
        match (parts.get("container"), parts.get("image"), kind) {
            (Some(container), _, _) => others.push(json!(container)),
            (_, Some(image), _) => {
                mounts.push(json!({ "Type": "image", "Source": image, "Target": target }));
            }
            (_, _, Some(kind @ ("tmpfs" | "npipe" | "cluster" | "volume")))
                if !parts.contains_key("volume") || kind != "volume" =>
            {
                mounts.push(json!({ "Type": kind, "Target": target }));
            }
            (_, _, Some("volumes-from")) => others.push(json!("other")),
            (_, _, Some("bind")) if !parts.contains_key("source") => {
                let mut parts = parts.clone();
                parts.insert("source", "/".to_owned());
                binds.push(json!(texts::bind(&parts)));
            }
            _ => binds.push(json!(texts::bind(&parts))),
        }
    }
    let mut host_config = Map::new();
    for (name, list) in [
        ("Binds", binds),
        ("Mounts", mounts),
        ("VolumesFrom", others),
    ] {
        if !list.is_empty() {
            host_config.insert(name.to_owned(), Json::Array(list));
        }
    }
    json!({ "HostConfig": host_config })
}

fn networks(draft: &mut Draft, value: &Json) -> Option<Json> {
    let names = value.as_array()?;
    let mode = names.first()?;
    // What is said of some network is said of this one.
    if let Some(body) = &mut draft.body
        && let Some(Json::Object(endpoints)) = body.pointer_mut("/NetworkingConfig/EndpointsConfig")
        && let Some(endpoint) = endpoints.values().next().cloned()
    {
        endpoints.clear();
        endpoints.insert(mode.as_str()?.to_owned(), endpoint);
    }
    let mut body = json!({ "HostConfig": { "NetworkMode": mode } });
    if let Some(name) = names.get(1).and_then(Json::as_str) {
        body = merged(
            Some(body),
            json!({ "NetworkingConfig": { "EndpointsConfig": { name: {} } } }),
        );
    }
    Some(body)
}

/// Each operation writes its reference in a place of its own.
fn reference(draft: &mut Draft, value: &Json) {
    for name in ["fromImage", "repo"] {
        draft.query.insert(name.to_owned(), value.clone());
    }
    draft.path.insert("name".to_owned(), value.clone());
}

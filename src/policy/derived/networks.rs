//! `networks`: every network that a container joins when it is made.
//!
//! The mode names one, the endpoints name more, and the Engine joins them all,
//! whatever the mode says.

use std::borrow::Cow;

use super::object;
use crate::api::definition::{Kind, Schema};
use crate::api::value::Value;
use crate::format::Format;
use crate::policy::parts::text;
use crate::request::Decoded;

static ELEMENT: Schema = text(Some(Format::NetworkMode));

/// A list of networks and network modes.
pub(super) static SCHEMA: Schema = Schema::plain(Kind::List(&ELEMENT));

/// All networks of a request.
pub(super) fn value<'r>(request: &'r Decoded<'_>) -> Value<'r> {
    let mode = object(request, &["HostConfig"])
        .and_then(|host_config| host_config.get("NetworkMode"))
        .and_then(Value::as_text)
        .filter(|mode| !mode.is_empty())
        .unwrap_or("default");
    let mut networks: Vec<&str> = vec![mode];
    let endpoints =
        object(request, &["NetworkingConfig"]).and_then(|config| config.get("EndpointsConfig"));
    if let Some(Value::Map(endpoints)) = endpoints {
        for (name, _) in endpoints {
            if !networks.contains(&name.as_ref()) {
                networks.push(name);
            }
        }
    }
    Value::List(
        networks
            .into_iter()
            .map(|name| Value::Text(Cow::Borrowed(name)))
            .collect(),
    )
}

//! Who is calling: the `when` of a client.

use serde_json::{Value, json};

/// One set of conditions, or alternatives.
pub(super) fn when() -> Value {
    let conditions = conditions();
    json!({
        "description": "Who is this client: all of it must hold. A list has alternatives.",
        "anyOf": [
            conditions,
            { "type": "array", "minItems": 1, "items": conditions },
        ],
    })
}

fn conditions() -> Value {
    let account = |what: &str| {
        let description =
            format!("The effective {what} of the calling process, by number or name.");
        let number = json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX - 1 });
        one_or_more(&description, &json!({ "anyOf": [number, text()] }))
    };
    let texts = |description: &str| one_or_more(description, &text());
    map(
        "Facts of the connection.",
        &json!({
            "listener": texts("The name of the listener."),
            "source": texts("Where it connects from, on TCP: subnets such as `10.0.0.0/8`, or addresses."),
            "peer": map("The process that connected, on a unix socket.", &json!({
                "uid": account("user"),
                "gid": account("group"),
            })),
            "tls": map("What the certificate says that it showed.", &json!({
                "cn": texts("The common name of its subject, if it has exactly one."),
                "dns": texts("A name of a host, whole."),
                "ip": texts("An address."),
                "uri": texts("A URI such as a SPIFFE ID, byte for byte."),
                "key": one_or_more("The SHA-256 of its public key in hexadecimal digits, with `sha256:` before it or without.", &json!({
                    "type": "string",
                    "pattern": "^(sha256:)?[0-9a-fA-F]{64}$",
                })),
            })),
            "container": map("The container that it is in, as the Engine knows it.", &json!({
                "name": texts("Its name, without a slash."),
                "id": one_or_more("Its whole id.", &json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })),
                "image": texts("The reference that it was made of."),
                "labels": {
                    "description": "Labels that it has, all of them.",
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": { "type": "string" },
                },
            })),
        }),
    )
}

fn text() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

/// A map with some of these keys.
fn map(description: &str, properties: &Value) -> Value {
    json!({
        "description": description,
        "type": "object",
        "minProperties": 1,
        "additionalProperties": false,
        "properties": properties,
    })
}

/// A value, or a list of values one of which is enough.
fn one_or_more(description: &str, value: &Value) -> Value {
    json!({
        "description": description,
        "anyOf": [value, { "type": "array", "minItems": 1, "items": value }],
    })
}

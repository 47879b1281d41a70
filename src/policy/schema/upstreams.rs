//! Where Engines are.

use serde_json::{Value, json};

/// The Engine of clients that name none.
pub(super) fn upstream() -> Value {
    let mut schema = engine();
    if let Some(schema) = schema.as_object_mut() {
        let description = "The Engine of clients that name none, such as `unix:///var/run/docker.sock`. Without it and `upstreams`, `DOCKER_HOST` says it.";
        schema.insert("description".to_owned(), description.into());
    }
    schema
}

/// Engines by name.
pub(super) fn upstreams() -> Value {
    json!({
        "description": "Engines by name, for the `upstream` of clients.",
        "type": ["object", "null"],
        "additionalProperties": engine(),
    })
}

fn engine() -> Value {
    let file = |description: &str| {
        json!({
            "description": format!("{description}, by a path that is absolute or relative to this file."),
            "type": "string",
            "minLength": 1,
        })
    };
    let tls = json!({
        "description": "The certificates of the connection.",
        "type": "object",
        "additionalProperties": false,
        "required": ["ca", "cert", "key"],
        "properties": {
            "ca": file("The authorities that the Engine's certificate may come from"),
            "cert": file("The certificate that is shown to the Engine"),
            "key": file("Its private key"),
        },
    });
    json!({
        "anyOf": [
            {
                "type": "string",
                "pattern": r"^(unix:///|tcp://([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\]):[0-9]+$)",
                "examples": ["unix:///var/run/docker.sock", "tcp://127.0.0.1:2375"],
            },
            {
                "type": "object",
                "additionalProperties": false,
                "oneOf": [{ "required": ["unix"] }, { "required": ["tcp"] }],
                "dependentSchemas": {
                    "unix": { "properties": { "tls": false, "insecure": false } },
                    "tls": { "properties": { "insecure": { "const": false } } },
                },
                "properties": {
                    "unix": {
                        "description": "The path of a unix socket.",
                        "type": "string",
                        "pattern": "^/",
                    },
                    "tcp": {
                        "description": "The host and the port, such as `build.example:2376`.",
                        "type": "string",
                        "pattern": r"^([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\]):[0-9]+$",
                    },
                    "tls": tls,
                    "insecure": {
                        "description": "That plain TCP goes beyond loopback: whoever is on the way can be the Engine.",
                        "type": "boolean",
                    },
                },
            },
        ],
    })
}

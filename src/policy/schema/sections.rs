//! The sections of a file.

use serde_json::{Map, Value, json};

use super::Maker;
use super::rules::Side;
use crate::api::{NEWEST, OLDEST, Operation};
use crate::policy::Confinement;
use crate::policy::limits::{KEYS, Unit};

impl Maker {
    /// The whole file.
    pub(super) fn document(&mut self) -> Value {
        let (allow, deny) = (self.rules(Side::Allow), self.rules(Side::Deny));
        let policies = json!({
            "type": ["object", "null"],
            "description": "The policies, by name: what clients may do.",
            "additionalProperties": {
                "type": ["object", "null"],
                "additionalProperties": false,
                "properties": {
                    "allow": super::matchers::described(
                        allow,
                        "Operations and groups. The first rule that accepts a request as a whole allows it.",
                    ),
                    "deny": super::matchers::described(
                        deny,
                        "What is refused, whatever allows it.",
                    ),
                },
            },
        });
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "A policy file of opgate",
            "description": format!("For Engine API {OLDEST} to {NEWEST}. `opgate check` is stricter where a schema cannot be."),
            "type": ["object", "null"],
            // A file without `listen` is one that others include.
            "if": { "required": ["listen"] },
            "then": {
                "required": ["api"],
                "if": { "not": { "required": ["include"] } },
                "then": { "required": ["clients", "policies"] },
            },
            "additionalProperties": false,
            "properties": {
                "api": api(),
                "listen": listen(),
                "upstream": super::upstreams::upstream(),
                "upstreams": super::upstreams::upstreams(),
                "limits": limits(false, "What is limited where a listener or client does not say so itself."),
                "clients": clients(),
                "default": {
                    "description": "The client of whoever fits none, at listeners that name none.",
                    "type": "string",
                },
                "policies": policies,
                "lists": lists(),
                "include": {
                    "description": "Files whose lists, policies, clients and tests are added, by paths that are absolute or relative to this file.",
                    "type": ["array", "null"],
                    "items": { "type": "string" },
                },
                "tests": tests(),
                "confine": confine(),
                "metrics": metrics(),
            },
            "$defs": self.store.finish(),
        })
    }
}

/// The API level. Without quotes it is a number, of which nobody can tell `1.50`
/// from `1.5`.
fn api() -> Value {
    let minors = OLDEST.0..=NEWEST.0;
    let words: Vec<String> = minors.rev().map(|minor| format!("1.{minor}")).collect();
    let numbers = words.iter().filter_map(|word| word.parse().ok());
    let least = numbers.clone().fold(f64::INFINITY, f64::min);
    let most = numbers.fold(0.0, f64::max);
    json!({
        "description": "The API level that the file is read as of. What is newer is guarded and in no group.",
        "anyOf": [
            { "enum": words },
            { "type": "number", "minimum": least, "maximum": most },
        ],
    })
}

fn listen() -> Value {
    json!({
        "description": "Where clients come in.",
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "additionalProperties": false,
            "oneOf": [{ "required": ["unix"] }, { "required": ["tcp"] }, { "required": ["systemd"] }],
            "dependentSchemas": {
                "systemd": { "properties": { "mode": false, "owner": false, "group": false } },
                "tcp": { "properties": { "mode": false, "owner": false, "group": false } },
                "unix": { "properties": { "tls": false, "insecure": false } },
                "tls": { "properties": { "insecure": { "const": false } } },
            },
            "properties": {
                "name": {
                    "description": "What `when: { listener: NAME }` of a client calls it.",
                    "type": "string",
                },
                "unix": {
                    "description": "The path of a unix socket.",
                    "type": "string",
                    "pattern": "^/",
                },
                "tcp": {
                    "description": "An address and port, such as `127.0.0.1:2375`.",
                    "type": "string",
                },
                "systemd": {
                    "description": "The name of a socket that systemd hands over (`FileDescriptorName`).",
                    "type": "string",
                    "pattern": "^[^:]+$",
                },
                "tls": tls(),
                "insecure": {
                    "description": "Plain TCP that other machines can reach.",
                    "type": "boolean",
                },
                "mode": {
                    "description": "The mode of the socket, in octal; \"0660\" if it is left out.",
                    "type": ["string", "integer"],
                    "pattern": "^[0-7]{3,4}$",
                    "minimum": 0,
                    "maximum": 777,
                    "examples": ["0660", "0600"],
                },
                "owner": account("The user whose the socket is, by name or number."),
                "group": account("The group whose the socket is, by name or number."),
                "client": {
                    "description": "Whoever reaches this listener is this client, if its `when` fits, or nobody. Without it, it is the client whose `when` fits.",
                    "type": "string",
                },
                "limits": limits(false, "What is limited for those who come in here."),
            },
        },
    })
}

/// A user or a group.
fn account(description: &str) -> Value {
    json!({
        "description": description,
        "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": u32::MAX - 1 },
            { "type": "string", "minLength": 1 },
        ],
    })
}

/// The certificates of a listener.
fn tls() -> Value {
    let file = |description: &str| json!({ "description": description, "type": "string" });
    json!({
        "description": "The listener speaks TLS. Files are PEM; relative paths are beside the policy file.",
        "type": "object",
        "additionalProperties": false,
        "required": ["cert", "key"],
        "dependentRequired": { "client_certs": ["client_ca"], "crl": ["client_ca"] },
        "properties": {
            "cert": file("Its certificate, and those between it and an authority."),
            "key": file("The key of the certificate."),
            "client_ca": file("The authorities of the certificates that clients show."),
            "client_certs": {
                "description": "Whether a client may come without one; `required` if it is left out.",
                "enum": ["required", "optional"],
            },
            "crl": {
                "description": "Lists of revoked certificates: one for each authority.",
                "type": ["string", "array"],
                "minItems": 1,
                "items": { "type": "string" },
            },
            "min_version": {
                "description": "The oldest version of TLS; \"1.2\" if it is left out.",
                "enum": ["1.2", "1.3", 1.2, 1.3],
            },
        },
    })
}

fn clients() -> Value {
    json!({
        "description": "Who there is, by name.",
        "type": ["object", "null"],
        "additionalProperties": {
            "type": ["object", "null"],
            "additionalProperties": false,
            "properties": {
                "policies": {
                    "description": "Names of its policies, in the order in which they are tried.",
                    "type": ["array", "null"],
                    "items": { "type": "string" },
                },
                "upstream": {
                    "description": "The name of its Engine in `upstreams`; without it, it is the `upstream` of the file.",
                    "type": "string",
                },
                "api_version": {
                    "description": "`pin`: what the client asks for in a version that is older than what opgate and the Engine serve is done in the oldest that both serve, where its answers stay the same.",
                    "enum": ["pin"],
                },
                "when": super::identity::when(),
                "limits": limits(true, "What is limited for this client; the listener's limits hold, too."),
            },
        },
    })
}

/// Limits of a listener or of a client.
fn limits(of_client: bool, description: &str) -> Value {
    let keys = KEYS.iter().filter(|key| key.of_client || !of_client);
    let properties = keys.map(|key| {
        let mut schema = json!({ "description": key.description });
        let forms = match key.unit {
            Unit::Count => json!({ "type": "integer", "minimum": key.least, "maximum": key.most }),
            Unit::Size => json!({
                "type": ["integer", "string"],
                "minimum": key.least,
                "maximum": key.most,
                "examples": ["64KiB", "4MiB"],
            }),
            Unit::Time => json!({ "type": "string", "examples": ["30s", "5m"] }),
        };
        if let (Value::Object(schema), Value::Object(forms)) = (&mut schema, forms) {
            schema.extend(forms);
        }
        (key.name.to_owned(), schema)
    });
    json!({
        "description": description,
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": properties.collect::<Map<String, Value>>(),
    })
}

fn metrics() -> Value {
    json!({
        "description": "Where the gate tells its own numbers, for Prometheus.",
        "type": "object",
        "additionalProperties": false,
        "oneOf": [{ "required": ["unix"] }, { "required": ["tcp"] }],
        "dependentSchemas": { "unix": { "properties": { "insecure": false } } },
        "properties": {
            "unix": {
                "description": "The path of a unix socket; its mode is 0660.",
                "type": "string",
                "pattern": "^/",
            },
            "tcp": {
                "description": "An address and port on loopback, such as `127.0.0.1:9323`.",
                "type": "string",
            },
            "insecure": {
                "description": "Other machines may reach the port.",
                "type": "boolean",
                "default": false,
            },
        },
    })
}

fn confine() -> Value {
    let switch = |(name, description): (&str, &str)| {
        let switch = json!({ "description": description, "type": "boolean", "default": true });
        (name.to_owned(), switch)
    };
    let switches: Map<String, Value> = Confinement::MEASURES.into_iter().map(switch).collect();
    json!({
        "description": "What the gate gives up before it serves: each measure is on unless it is false.",
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": switches,
        "if": {
            "required": ["no_new_privileges"],
            "properties": { "no_new_privileges": { "const": false } },
        },
        "then": {
            "required": ["landlock", "seccomp"],
            "properties": { "landlock": { "const": false }, "seccomp": { "const": false } },
        },
    })
}

fn lists() -> Value {
    json!({
        "description": "Lists of values by name, for `{ list: NAME }` where values are written.",
        "type": ["object", "null"],
        "additionalProperties": { "type": ["array", "null"] },
    })
}

fn tests() -> Value {
    json!({
        "description": "Requests, and what must become of them: `opgate test` asks.",
        "type": ["array", "null"],
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["name", "client", "request", "expect"],
            "properties": {
                "name": { "description": "What the test shows.", "type": "string" },
                "client": { "description": "The client that asks.", "type": "string" },
                "request": { "description": "What it asks.", "anyOf": requests() },
                "expect": {
                    "description": "What must become of it.",
                    "anyOf": [
                        { "enum": ["allow", "deny"] },
                        {
                            "type": "object",
                            "minProperties": 1,
                            "maxProperties": 1,
                            "additionalProperties": false,
                            "properties": {
                                "deny": {
                                    "description": "It is refused for this field, such as `body.HostConfig.Privileged`.",
                                    "type": "string",
                                },
                                "allow": {
                                    "description": "It is allowed, and this is forwarded.",
                                    "type": "object",
                                    "minProperties": 1,
                                    "additionalProperties": false,
                                    "properties": {
                                        "query": { "type": ["object", "null"] },
                                        "header": { "type": ["object", "null"] },
                                        "body": true,
                                    },
                                },
                            },
                        },
                    ],
                },
            },
        },
    })
}

/// A request by its operation, or by its method and target.
fn requests() -> Value {
    let operations: Vec<&str> = Operation::ALL.iter().map(|one| one.name()).collect();
    let values = |description: &str| json!({ "description": description, "type": "object" });
    json!([
        {
            "type": "object",
            "required": ["operation"],
            "additionalProperties": false,
            "properties": {
                "operation": { "enum": operations },
                "version": { "description": "The API version of the path.", "type": "string" },
                "path": values("Parameters of the path; what is not given is `example`."),
                "query": values("Parameters by name, as values rather than as text."),
                "header": values("Headers by name."),
                "body": { "description": "The body." },
            },
        },
        {
            "type": "object",
            "required": ["method", "target"],
            "additionalProperties": false,
            "properties": {
                "method": { "type": "string" },
                "target": { "description": "The path with its query.", "type": "string" },
                "header": values("Headers by name."),
                "body": { "description": "The body." },
            },
        },
    ])
}

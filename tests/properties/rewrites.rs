//! Every field and parameter that a rule can set: what is forwarded is what the
//! policy says, it reads the same when it is sent again, and the rule accepts it
//! without a further change.

use opgate::api::definition::{Kind, OperationDef, Schema};
use opgate::api::{NEWEST, OLDEST};
use opgate::gate::{EncodedBody, EngineVersion, Gate, Permit, RequestHead};

use crate::samples::{json, newest, operations, places, target};

const ENGINE: EngineVersion = EngineVersion {
    min: OLDEST,
    max: NEWEST,
};

const JSON: &[(&str, &[u8])] = &[("Content-Type", b"application/json")];

/// A gate whose one client has this rule on an operation.
fn gate(definition: &OperationDef, rule: &str) -> Result<Gate, String> {
    let opaque = if definition.opaque {
        "opaque: true, "
    } else {
        ""
    };
    let name = definition.name;
    let text = format!(
        "api: '{NEWEST}'\nlisten: [{{ unix: /run/a.sock, client: me }}]\n\
         upstream: unix:///run/engine.sock\nclients: {{ me: {{ policies: [mine] }} }}\n\
         policies: {{ mine: {{ allow: [{{ {name}: {{ {opaque}{rule} }} }}] }} }}\n"
    );
    opgate::policy::resolve("rule.yaml", &text)
        .map(|configuration| Gate::new(configuration.policies))
        .map_err(|found| found.to_string())
}

fn judge(gate: &Gate, method: &str, target: &str, body: &str) -> Result<Permit, String> {
    let head = RequestHead {
        method,
        target,
        headers: JSON,
    };
    gate.head(&head, opgate::gate::ListenerId(0))
        .and_then(|matched| gate.judge(matched, body.as_bytes(), ENGINE))
        .map_err(|refusal| refusal.to_string())
}

fn body(permit: &Permit) -> String {
    match permit.request().body() {
        EncodedBody::Json(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        EncodedBody::Empty | EncodedBody::Stream { .. } => String::new(),
    }
}

/// How a place is set as a whole.
fn word(schema: &Schema) -> &'static str {
    match schema.kind {
        Kind::Map(_) => "replace",
        _ => "set",
    }
}

/// What was forwarded is accepted as it is.
fn settled(gate: &Gate, definition: &OperationDef, permit: &Permit, what: &str) {
    let request = permit.request();
    let again = judge(gate, definition.method, request.target(), &body(permit))
        .unwrap_or_else(|error| panic!("{} {what}, again: {error}", definition.name));
    assert_eq!(again.rewritten(), [""; 0], "{} {what}", definition.name);
    assert_eq!(again.request().target(), request.target(), "{what}");
    assert_eq!(body(&again), body(permit), "{what}");
}

#[test]
fn every_field_of_a_body_can_be_set() {
    let (mut set, mut refused, mut shut) = (0_usize, Vec::new(), Vec::new());
    for definition in operations() {
        for place in places(definition) {
            // Elements and entries are set with the whole of which they are part.
            let Some(path) = place.path.strip_prefix("body.") else {
                continue;
            };
            if path.contains(['[', '{']) {
                continue;
            }
            let version = place.version();
            let value = json(place.schema, version);
            let mut rule = format!("{{ {}: {value} }}", word(place.schema));
            for name in path.rsplit('.') {
                rule = format!("{{ {name}: {rule} }}");
            }
            let what = format!("{} {path}", definition.name);
            let gate = match gate(definition, &format!("body: {rule}")) {
                Ok(gate) => gate,
                Err(found) => {
                    refused.push(format!("{what}: {}", found.lines().next().unwrap()));
                    continue;
                }
            };
            let target = target(definition, version);
            let permit = match judge(&gate, definition.method, &target, "{}") {
                Ok(permit) => permit,
                Err(error) => {
                    shut.push(format!("{what}: {error}"));
                    continue;
                }
            };
            let wanted: serde_json::Value = serde_json::from_str(&place.sample()).unwrap();
            let found: serde_json::Value = serde_json::from_str(&body(&permit)).unwrap();
            assert_eq!(found, wanted, "{what}");
            assert_eq!(permit.rewritten(), [place.path.as_str()], "{what}");
            settled(&gate, definition, &permit, path);
            set += 1;
        }
    }
    println!("{set} fields were set");
    assert_eq!(refused, [""; 0]);
    // To be there at all does something, so that a rule must open the whole.
    let guarded_as_such = ["ClusterVolumeSpec is guarded", "PluginSpec is guarded"];
    shut.retain(|why: &String| !guarded_as_such.iter().any(|one| why.contains(one)));
    assert_eq!(shut, [""; 0]);
    assert!(set > 500, "{set}");
}

#[test]
fn every_parameter_can_be_set() {
    let (mut set, mut refused, mut shut) = (0_usize, Vec::new(), Vec::new());
    for definition in operations() {
        for query in definition.query {
            let version = newest(query.span);
            let schema = query.decoded();
            let value = json(schema, version);
            let rule = format!(
                "query: {{ {}: {{ {}: {value} }} }}",
                query.name,
                word(schema)
            );
            let what = format!("{} query.{}", definition.name, query.name);
            let gate = match gate(definition, &rule) {
                Ok(gate) => gate,
                Err(found) => {
                    refused.push(format!("{what}: {}", found.lines().next().unwrap()));
                    continue;
                }
            };
            let permit = match judge(&gate, definition.method, &target(definition, version), "") {
                Ok(permit) => permit,
                Err(error) => {
                    shut.push(format!("{what}: {error}"));
                    continue;
                }
            };
            assert_eq!(
                permit.rewritten(),
                [format!("query.{}", query.name)],
                "{what}"
            );
            assert!(
                permit
                    .request()
                    .target()
                    .contains(&format!("{}=", query.name)),
                "{what}"
            );
            settled(&gate, definition, &permit, query.name);
            set += 1;
        }
    }
    println!("{set} parameters were set");
    let names: Vec<&str> = (refused.iter())
        .filter_map(|why| why.split(':').next())
        .collect();
    assert_eq!(
        names,
        [
            "ImageBuild query.version",
            "ImageBuild query.session",
            "ImagePull query.fromImage"
        ]
    );
    // Where a plugin comes from must be said, too.
    shut.retain(|why: &String| !why.contains("PluginPull refused for client me: query.remote"));
    assert_eq!(shut, [""; 0]);
    assert!(set > 150, "{set}");
}

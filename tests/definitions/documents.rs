//! The documents of `spec/`, read without the generator: which operation,
//! parameter and body field is in which versions.

use std::collections::BTreeMap;
use std::path::Path;

use serde_yaml::Value;

/// First and last minor version.
pub(crate) type Span = (u16, u16);

/// Places by operation: nothing for the operation itself, `query:all`, `body.A[].B{}`.
pub(crate) type Places = BTreeMap<(String, String), Span>;

/// The newest version there is.
pub(crate) const NEWEST: u16 = 55;

/// Reads all documents.
pub(crate) fn read() -> Places {
    let mut places = Places::new();
    for minor in 41..=NEWEST {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("spec/engine-v1.{minor}.yaml"));
        let text = std::fs::read_to_string(path).unwrap();
        let document: Value = serde_yaml::from_str(&text).unwrap();
        let mut see = |operation: &str, place: String| {
            places
                .entry((operation.to_owned(), place))
                .or_insert((minor, minor))
                .1 = minor;
        };
        for item in document["paths"].as_mapping().unwrap().values() {
            for operation in item.as_mapping().unwrap().values() {
                let name = operation["operationId"].as_str().unwrap();
                see(name, String::new());
                for parameter in operation["parameters"].as_sequence().into_iter().flatten() {
                    let kind = parameter["in"].as_str().unwrap();
                    see(
                        name,
                        format!("{kind}:{}", parameter["name"].as_str().unwrap()),
                    );
                }
                let body = &operation["requestBody"]["content"]["application/json"]["schema"];
                if !body.is_null() {
                    fields(&document, body, "body", &mut |place| see(name, place));
                }
            }
        }
    }
    places
}

/// Follows references and `allOf`, and reports every named field below.
fn fields(document: &Value, schema: &Value, path: &str, see: &mut impl FnMut(String)) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        fields(
            document,
            &document["components"]["schemas"][name],
            path,
            see,
        );
    }
    for member in schema["allOf"].as_sequence().into_iter().flatten() {
        fields(document, member, path, see);
    }
    for (name, property) in schema["properties"].as_mapping().into_iter().flatten() {
        let path = format!("{path}.{}", name.as_str().unwrap());
        see(path.clone());
        fields(document, property, &path, see);
    }
    if !schema["items"].is_null() {
        fields(document, &schema["items"], &format!("{path}[]"), see);
    }
    if schema["additionalProperties"].is_mapping() {
        let path = format!("{path}{{}}");
        fields(document, &schema["additionalProperties"], &path, see);
    }
}

use super::*;
use crate::request::{DecodedHead, EngineVersion, Older, RequestHead};

fn operation_of(request: &OwnedRequest) -> Result<Operation, String> {
    let headers = request.header_bytes();
    let head = RequestHead {
        method: &request.method,
        target: &request.target,
        headers: &headers,
    };
    let decoded = DecodedHead::decode(&head).map_err(|error| error.to_string())?;
    Ok(decoded.operation())
}

#[test]
fn the_bare_request_of_an_operation_leads_back_to_it() {
    for operation in Operation::ALL {
        if !operation.definition().variants.is_empty() {
            continue;
        }
        let request = Example::of(operation).request().unwrap();
        let found = operation_of(&request);
        // What an operation demands besides its path is for the test to say.
        let demanded = found
            .as_ref()
            .is_err_and(|error| error.contains("required"));
        assert!(found == Ok(operation) || demanded, "{operation}: {found:?}");
    }
}

#[test]
fn parameters_become_what_the_definition_reads() {
    let example = json!({
        "operation": "ContainerList",
        "version": "1.51",
        "query": {"all": true, "limit": 3, "filters": {"label": ["a=b"]}},
    });
    let example = Example::from_json(&example).unwrap();
    let request = example.request().unwrap();
    assert_eq!(request.method, "GET");
    assert_eq!(
        request.target,
        "/v1.51/containers/json?all=true&limit=3&filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D"
    );
    assert_eq!(Example::from_json(&example.to_json()), Ok(example));
    let push = json!({
        "operation": "ImagePush",
        "path": {"name": "ghcr.io/acme/web"},
        "query": {"tag": "1"},
        "header": {"X-Registry-Auth": {"serveraddress": "ghcr.io"}},
    });
    let request = Example::from_json(&push).unwrap().request().unwrap();
    assert_eq!(request.target, "/images/ghcr.io/acme/web/push?tag=1");
    assert_eq!(operation_of(&request), Ok(Operation::ImagePush));
    let pull = json!({"operation": "ImagePull"});
    let request = Example::from_json(&pull).unwrap().request().unwrap();
    assert_eq!(request.target, "/images/create?fromImage=example");
    let by_target = json!({"method": "POST", "target": "/containers/x/stop", "body": {}});
    let request = Example::from_json(&by_target).unwrap().request().unwrap();
    assert_eq!(request.body, b"{}");
    assert_eq!(request.headers.len(), 1);
}

#[test]
fn what_is_no_request_is_said() {
    for (example, error) in [
        (json!([]), "a request is a map"),
        (
            json!({}),
            "a request has an `operation`, or a `method` and a `target`",
        ),
        (
            json!({"operation": "A", "method": "GET"}),
            "a request has an `operation`",
        ),
        (
            json!({"operation": "ContainerLst"}),
            "did you mean `ContainerList`?",
        ),
        (json!({"method": "GET"}), "`method` needs a `target`"),
        (json!({"operation": 1}), "`operation` must be text"),
        (
            json!({"operation": "ContainerList", "query": {"al": 1}}),
            "there is no `query.al`: did you mean `all`?",
        ),
        (
            json!({"operation": "ContainerList", "query": {"all": []}}),
            "`query.all` must be text, a number, true or false",
        ),
        (
            json!({"operation": "ContainerStop", "path": {"name": "x"}}),
            "there is no `path.name`",
        ),
        (
            json!({"operation": "SystemPing", "boddy": 1}),
            "`boddy` is not a part of a request",
        ),
        (
            json!({"operation": "SystemPing", "query": 1}),
            "`query` must be a map",
        ),
    ] {
        let found = Example::from_json(&example).unwrap_err();
        assert!(found.contains(error), "{example}: {found}");
    }
}

const ENGINE: EngineVersion = EngineVersion {
    min: crate::api::OLDEST,
    max: crate::api::NEWEST,
};

/// A value that a parameter may have.
fn sample(parameter: &ParameterDef) -> Value {
    use crate::api::definition::Kind;
    let element = match (&parameter.schema.kind, parameter.repeated) {
        (Kind::List(element), true) => element,
        _ => &parameter.schema,
    };
    match (parameter.reading, element.kind) {
        (Reading::Bool | Reading::BoolOrAbsent | Reading::StrictBool, _) => json!(true),
        (Reading::Integer, _) => json!(3),
        (Reading::Filters, _) => json!({ "label": ["a=b", "c"] }),
        (Reading::Prefix, _) => json!({ format!("{}x", parameter.name.to_lowercase()): "v" }),
        (Reading::Json, Kind::List(_)) => json!([]),
        (Reading::Json | Reading::Text, Kind::Text) => json!("x"),
        (Reading::Json | Reading::Base64Json, _) => json!({}),
        (Reading::Text, Kind::Enum(vocabulary)) => json!(vocabulary.words[0]),
        (Reading::Text, _) => json!("1"),
    }
}

/// Every parameter of every operation, asked for one at a time: what is understood
/// of the request is what was written.
#[test]
fn what_is_written_is_what_is_understood() {
    let (mut same, mut invalid) = (0, 0);
    for operation in Operation::ALL {
        let definition = operation.definition();
        if !definition.variants.is_empty() {
            continue;
        }
        let version = definition.span.until.unwrap_or(crate::api::NEWEST);
        let query = definition.query.iter().map(|one| ("query", one));
        let header = definition.headers.iter().map(|one| ("header", one));
        for (part, parameter) in query.chain(header) {
            let version = parameter.span.until.unwrap_or(version);
            let sample = sample(parameter);
            let sample = if parameter.repeated {
                json!([sample])
            } else {
                sample
            };
            let written = json!({
                "operation": operation.name(),
                "version": version.to_string(),
                part: { parameter.name: sample },
            });
            let example = Example::from_json(&written).unwrap();
            if example.check(Older::Refused).is_err() {
                // Not every text is in every format.
                invalid += 1;
                continue;
            }
            let request = example.request().unwrap();
            let understood = request
                .decode(ENGINE, Older::Refused, Example::understood)
                .unwrap();
            let found = understood.to_json()[part][parameter.name].clone();
            assert_eq!(found, sample, "{operation} {}", parameter.name);
            let again = understood.request().unwrap();
            assert_eq!(
                again
                    .decode(ENGINE, Older::Refused, Example::understood)
                    .unwrap(),
                understood
            );
            same += 1;
        }
    }
    assert!(same > 200 && invalid < 20, "{same} {invalid}");
}

#[test]
fn a_body_is_understood_whole() {
    let body = json!({ "Image": "alpine", "Env": ["A=b"], "HostConfig": { "Memory": 1, "CapDrop": ["ALL"] } });
    let written = json!({ "operation": "ContainerCreate", "version": "1.51", "body": body });
    let request = Example::from_json(&written).unwrap().request().unwrap();
    let understood = request
        .decode(ENGINE, Older::Refused, Example::understood)
        .unwrap();
    assert_eq!(understood.to_json()["body"], body);
}

#[test]
fn every_bare_request_means_something() {
    for operation in Operation::ALL {
        let definition = operation.definition();
        let version = definition.span.until.unwrap_or(crate::api::NEWEST);
        let written = json!({ "operation": operation.name(), "version": version.to_string() });
        let checked = Example::from_json(&written).unwrap().check(Older::Refused);
        assert_eq!(
            checked.is_ok(),
            definition.variants.is_empty(),
            "{operation}"
        );
    }
    let refused = json!({ "method": "GET", "target": "/../x" });
    assert_eq!(
        Example::from_json(&refused).unwrap().check(Older::Refused),
        Ok(())
    );
}

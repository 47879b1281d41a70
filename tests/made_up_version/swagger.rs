//! The newest document turned back into Swagger 2.0, as Docker publishes it, and
//! the next version made of it.

use serde_json::{Map, Value, json};

/// A Swagger 2.0 document of version 1.56: 1.55 and a few new things.
pub(crate) fn next(newest: &str) -> String {
    let document: Value = serde_yaml::from_str(newest).unwrap();
    let mut swagger = json!({
        "swagger": "2.0",
        "info": {"title": "Docker Engine API", "version": "1.56"},
        "basePath": "/v1.56",
        "consumes": ["application/json", "text/plain"],
        "produces": ["application/json", "text/plain"],
        "definitions": schema(&document["components"]["schemas"]),
        "paths": {},
    });
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            swagger["paths"][path][method] = self::operation(operation);
        }
    }
    let query = json!({"name": "widgets", "in": "query", "type": "boolean"});
    swagger["paths"]["/containers/json"]["get"]["parameters"]
        .as_array_mut()
        .unwrap()
        .push(query);
    swagger["definitions"]["HostConfig"]["allOf"][1]["properties"]["Teleport"] =
        json!({"type": "boolean"});
    // A component that is classified where it stands, at a place that is not.
    swagger["definitions"]["ContainerConfig"]["properties"]["InitMount"] =
        json!({"$ref": "#/definitions/Mount"});
    swagger["paths"]["/widgets/create"]["post"] = json!({
        "operationId": "WidgetCreate",
        "tags": ["Widget"],
        "parameters": [{
            "name": "body",
            "in": "body",
            "schema": {"type": "object", "properties": {"Size": {"type": "integer"}}},
        }],
        "responses": {"201": {"description": "made"}},
    });
    serde_yaml::to_string(&swagger).unwrap()
}

fn operation(operation: &Value) -> Value {
    let mut parameters = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let mut flat = Map::new();
        for (key, value) in parameter.as_object().unwrap() {
            match key.as_str() {
                "schema" => flat.extend(schema(value).as_object().unwrap().clone()),
                "explode" if *value == Value::Bool(true) => {
                    flat.insert("collectionFormat".into(), "multi".into());
                }
                "style" | "explode" => {}
                _ => {
                    flat.insert(key.clone(), value.clone());
                }
            }
        }
        parameters.push(Value::Object(flat));
    }
    let mut consumes = Vec::new();
    if let Some(content) = operation["requestBody"]["content"].as_object() {
        let (_, media) = content.iter().next().unwrap();
        consumes = content.keys().cloned().collect();
        parameters.push(json!({
            "name": "body",
            "in": "body",
            "required": operation["requestBody"]["required"] == Value::Bool(true),
            "schema": schema(&media["schema"]),
        }));
    }
    let mut made = json!({
        "operationId": operation["operationId"],
        "tags": operation["tags"],
        "parameters": parameters,
        "responses": {"200": {"description": "ok"}},
    });
    if !consumes.is_empty() {
        made["consumes"] = json!(consumes);
    }
    made
}

/// References and nullability as Swagger 2.0 writes them.
fn schema(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| match key.as_str() {
                "nullable" => ("x-nullable".to_owned(), value.clone()),
                "$ref" => {
                    let name = value.as_str().unwrap().rsplit('/').next().unwrap();
                    (key.clone(), format!("#/definitions/{name}").into())
                }
                _ => (key.clone(), schema(value)),
            })
            .collect(),
        Value::Array(list) => list.iter().map(schema).collect(),
        other => other.clone(),
    }
}

//! Operations for programs: everything that the definitions hold.

use opgate::api::Operation;
use opgate::api::definition::{
    Benign, BodyDef, Effect, Guard, Hijack, Kind, NullElement, OperationDef, ParameterDef, Reading,
    Risk, RiskClass, Schema, Segment, Span, Variant,
};
use serde_json::{Map, Value, json};

/// All operations.
pub(super) fn all() -> Value {
    let operations: Vec<Value> = Operation::ALL
        .iter()
        .map(|operation| self::operation(operation.definition()))
        .collect();
    let refused: Vec<Value> = opgate::api::UNSUPPORTED
        .iter()
        .map(|route| json!({"method": route.method, "path": route.path, "reason": route.reason}))
        .collect();
    json!({
        "oldest": opgate::api::OLDEST.to_string(),
        "newest": opgate::api::NEWEST.to_string(),
        "operations": operations,
        "refused_routes": refused,
    })
}

/// One operation.
pub(super) fn operation(definition: &OperationDef) -> Value {
    let hijack = match definition.hijack {
        Hijack::Never => Value::Null,
        Hijack::Always { upgrade } => json!({"upgrade": upgrade}),
        Hijack::Unless { field, upgrade } => json!({"upgrade": upgrade, "unless": field}),
    };
    let variant_of = definition.variant_of.map(|(base, when)| {
        let base = Operation::ALL
            .get(usize::from(base))
            .map(|base| base.name());
        match when {
            Variant::QueryGiven(name) => json!({"operation": base, "query_given": name}),
            Variant::QueryAbsent(name) => json!({"operation": base, "query_absent": name}),
        }
    });
    let slashes: Vec<&str> = definition
        .segments
        .iter()
        .filter_map(|segment| match segment {
            Segment::Many(name) => Some(*name),
            Segment::Literal(_) | Segment::One(_) => None,
        })
        .collect();
    let body = match definition.body {
        BodyDef::None => Value::Null,
        BodyDef::Stream { content_type } => json!({"stream": content_type}),
        BodyDef::Json { schema, required } => {
            json!({"required": required, "schema": self::schema(schema)})
        }
    };
    json!({
        "name": definition.name,
        "tag": definition.tag,
        "access": definition.access.name(),
        "method": definition.method,
        "path": definition.path,
        "since": definition.span.since.to_string(),
        "until": definition.span.until.map(|until| until.to_string()),
        "risk": classes(definition.risk),
        "hijack": hijack,
        "opaque": definition.opaque,
        "variant_of": variant_of,
        "variants": definition.variants().map(|variant| variant.name).collect::<Vec<_>>(),
        "derived": definition.derived,
        "slashes": slashes,
        "parameters": {
            "path": parameters(definition.path_parameters),
            "query": parameters(definition.query),
            "header": parameters(definition.headers),
        },
        "body": body,
        "noise": {"query": definition.query_noise, "body": definition.body_noise},
    })
}

fn parameters(parameters: &'static [ParameterDef]) -> Vec<Value> {
    parameters
        .iter()
        .map(|parameter| {
            let reading = match parameter.reading {
                Reading::Text => "text",
                Reading::Bool => "bool",
                Reading::BoolOrAbsent => "bool-or-absent",
                Reading::StrictBool => "strict-bool",
                Reading::Integer => "integer",
                Reading::Json => "json",
                Reading::Filters => "filters",
                Reading::Base64Json => "base64-json",
                Reading::Prefix => "prefix",
            };
            let mut map = place(
                parameter.name,
                parameter.decoded(),
                &parameter.risk,
                parameter.span,
            );
            map.insert("reading".into(), reading.into());
            map.insert("repeated".into(), parameter.repeated.into());
            map.insert("required".into(), parameter.required.into());
            map.insert("absent".into(), effect(parameter.absent));
            map.insert("zero".into(), effect(parameter.zero));
            Value::Object(map)
        })
        .collect()
}

/// What parameters and fields have in common.
fn place(name: &str, schema: &Schema, risk: &Risk, span: Span) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("name".into(), name.into());
    map.insert("since".into(), span.since.to_string().into());
    map.insert(
        "until".into(),
        span.until.map(|until| until.to_string()).into(),
    );
    map.insert("schema".into(), self::schema(schema));
    // Objects with fields are judged by their fields.
    let structure = matches!(schema.kind, Kind::Object(object) if !object.fields.is_empty());
    if !structure || risk.guard == Guard::Guarded {
        map.insert("risk".into(), self::risk(risk));
    }
    map
}

fn schema(schema: &Schema) -> Value {
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| {
        map.insert(key.to_owned(), value);
    };
    match schema.kind {
        Kind::Bool => put("type", "boolean".into()),
        Kind::Int { min, max } => {
            put("type", "integer".into());
            put("minimum", min.into());
            put("maximum", max.into());
        }
        Kind::Float => put("type", "number".into()),
        Kind::Text => put("type", "string".into()),
        Kind::Enum(vocabulary) => {
            put("type", "string".into());
            put("enum", vocabulary.words.into());
            put("any_case", vocabulary.any_case.into());
        }
        Kind::Bytes => put("type", "base64".into()),
        Kind::List(inner) => {
            put("type", "array".into());
            put("items", self::schema(inner));
        }
        Kind::Map(inner) => {
            put("type", "map".into());
            put("values", self::schema(inner));
        }
        Kind::Object(object) => {
            put("type", "object".into());
            let fields: Vec<Value> = object
                .fields
                .iter()
                .map(|field| {
                    let mut map = place(field.name, &field.schema, &field.risk, field.span);
                    map.insert("any_version".into(), field.any_version.into());
                    map.insert("required".into(), field.required.into());
                    map.insert("absent".into(), effect(field.absent));
                    map.insert("zero".into(), effect(field.zero));
                    Value::Object(map)
                })
                .collect();
            put("fields", fields.into());
        }
    }
    if let Some(format) = schema.format {
        put("format", format.name().into());
    }
    if let Some((least, most)) = schema.items {
        put("items_from", least.into());
        put("items_to", most.into());
    }
    match schema.null {
        NullElement::Refused => {}
        NullElement::Empty => put("null_element", "empty".into()),
        NullElement::Kept => put("null_element", "keep".into()),
    }
    if schema.text_or_list {
        put("text_or_list", true.into());
    }
    if schema.printable {
        put("printable", true.into());
    }
    Value::Object(map)
}

fn risk(risk: &Risk) -> Value {
    let guard = match risk.guard {
        Guard::Open => "open",
        Guard::Guarded => "guarded",
        Guard::Unclassified => "unclassified",
    };
    let benign: Vec<Value> = risk
        .benign
        .iter()
        .map(|benign| match benign {
            Benign::Absent => Value::Null,
            Benign::Bool(value) => (*value).into(),
            Benign::Int(value) => (*value).into(),
            Benign::Text(text) => (*text).into(),
            Benign::Empty => json!([]),
            Benign::Each(words) => json!({"each": words}),
            Benign::Keys(words) => json!({"keys": words}),
        })
        .collect();
    json!({"guard": guard, "classes": classes(risk.classes), "benign": benign})
}

fn classes(classes: &[RiskClass]) -> Vec<&'static str> {
    classes.iter().map(|class| class.name()).collect()
}

fn effect(effect: Effect) -> Value {
    match effect {
        Effect::Nothing => "nothing".into(),
        Effect::Unlimited => "unlimited".into(),
        Effect::Image => "image".into(),
        Effect::Unchanged => "unchanged".into(),
        Effect::Value => "value".into(),
        Effect::Default(text) => json!({"default": text}),
    }
}

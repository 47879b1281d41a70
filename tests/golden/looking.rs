//! Ways of looking into definitions by name.

use opgate::api::definition::{
    ApiVersion, BodyDef, FieldDef, Kind, LeadsTo, ObjectDef, OperationDef, ParameterDef,
    RouteGroup, Schema, Segment, Span,
};

/// The operation of this name.
pub(crate) fn operation(operations: &'static [OperationDef], name: &str) -> &'static OperationDef {
    operations
        .iter()
        .find(|operation| operation.name == name)
        .unwrap_or_else(|| panic!("there is no operation `{name}`"))
}

/// The schema of an operation's body.
pub(crate) fn body(operation: &OperationDef) -> &'static Schema {
    match operation.body {
        BodyDef::Json { schema, .. } => schema,
        BodyDef::None | BodyDef::Stream { .. } => panic!("`{}` has no JSON body", operation.name),
    }
}

pub(crate) fn object(schema: &Schema) -> &'static ObjectDef {
    match schema.kind {
        Kind::Object(object) => object,
        _ => panic!("{schema:?} is no object"),
    }
}

/// What a list or a map holds.
pub(crate) fn inner(schema: &Schema) -> &'static Schema {
    match schema.kind {
        Kind::List(inner) | Kind::Map(inner) => inner,
        _ => panic!("{schema:?} holds nothing"),
    }
}

/// A field by its path, such as `Mounts[].Type`.
pub(crate) fn field(operation: &OperationDef, path: &str) -> &'static FieldDef {
    let mut found = None;
    let mut schema = body(operation);
    for step in path.split('.') {
        let name = step.trim_end_matches(['[', ']', '{', '}']);
        let field = object(schema)
            .fields
            .iter()
            .find(|field| field.name == name)
            .unwrap_or_else(|| panic!("there is no field `{path}`"));
        schema = &field.schema;
        for _ in 0..(step.len() - name.len()) / 2 {
            schema = inner(schema);
        }
        found = Some(field);
    }
    found.unwrap()
}

pub(crate) fn parameter(parameters: &'static [ParameterDef], name: &str) -> &'static ParameterDef {
    parameters
        .iter()
        .find(|parameter| parameter.name == name)
        .unwrap_or_else(|| panic!("there is no parameter `{name}`"))
}

pub(crate) fn names(fields: &[FieldDef]) -> Vec<&str> {
    fields.iter().map(|field| field.name).collect()
}

pub(crate) fn parameter_names(parameters: &[ParameterDef]) -> Vec<&str> {
    parameters.iter().map(|parameter| parameter.name).collect()
}

/// The routes as text, in the order in which they are tried.
pub(crate) fn routes(groups: &[RouteGroup]) -> Vec<String> {
    let mut lines = Vec::new();
    for group in groups {
        for route in group.routes {
            let segments: Vec<String> = route
                .segments
                .iter()
                .map(|segment| match segment {
                    Segment::Literal(text) => (*text).to_owned(),
                    Segment::One(name) => format!("{{{name}}}"),
                    Segment::Many(name) => format!("{{{name}…}}"),
                })
                .collect();
            assert_eq!(
                segments.first().map(String::as_str),
                Some(group.first),
                "a route is in the group of its first segment"
            );
            let leads_to = match route.leads_to {
                LeadsTo::Operation(place) => place.to_string(),
                LeadsTo::Unsupported(place) => format!("refused {place}"),
            };
            lines.push(format!(
                "{} /{} {leads_to}",
                group.method,
                segments.join("/")
            ));
        }
    }
    lines
}

pub(crate) fn span(since: u16, until: Option<u16>) -> Span {
    Span {
        since: ApiVersion(since),
        until: until.map(ApiVersion),
    }
}

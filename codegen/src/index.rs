//! The index: what an API is, a line each, for people and for diffs.
//!
//! One line for every operation, parameter and body field, with its type, risk
//! and versions. A new API version is reviewed as the diff of this text.

use std::fmt::Write;

use crate::ir::{
    Api, Benign, Body, Field, Guard, Kind, Operation, Parameter, Reading, Risk, Schema, Segment,
    Span,
};

/// The index of an API.
pub fn index(api: &Api) -> String {
    let mut text = String::new();
    let mut operations: Vec<&Operation> = api.operations.iter().collect();
    operations.sort_by(|a, b| a.name.cmp(&b.name));
    for operation in operations {
        self::operation(&mut text, operation);
    }
    for route in &api.unsupported {
        line(
            &mut text,
            format_args!("refused: {} {}", route.method, route.path),
        );
    }
    text
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(content);
    text.push('\n');
}

fn operation(text: &mut String, operation: &Operation) {
    let mut facts = vec![
        operation
            .access
            .clone()
            .unwrap_or_else(|| "UNCLASSIFIED".to_owned()),
    ];
    if !operation.risk.is_empty() {
        facts.push(operation.risk.join(","));
    }
    if let Some(hijack) = &operation.hijack {
        let unless = hijack
            .unless
            .as_ref()
            .map_or_else(String::new, |field| format!(" unless {field}"));
        facts.push(format!("hijacks to {}{unless}", hijack.upgrade));
    }
    if operation.opaque {
        facts.push("opaque".to_owned());
    }
    if let Some((base, _)) = &operation.variant_of {
        facts.push(format!("variant of {base}"));
    }
    if let Body::Stream(content_type) = &operation.body {
        facts.push(format!("body {content_type}"));
    }
    let slashes = operation
        .segments
        .iter()
        .filter_map(|segment| match segment {
            Segment::Many(name) => Some(name.as_str()),
            _ => None,
        });
    let slashes: Vec<&str> = slashes.collect();
    if !slashes.is_empty() {
        facts.push(format!("{} may hold slashes", slashes.join(",")));
    }
    line(
        text,
        format_args!(
            "{}: {} {} [{}]{}",
            operation.name,
            operation.method,
            operation.path,
            facts.join("; "),
            versions(operation.span),
        ),
    );
    for (place, parameters) in [
        ("path", &operation.path_parameters),
        ("query", &operation.query),
        ("header", &operation.headers),
    ] {
        for parameter in parameters {
            self::parameter(text, &operation.name, place, parameter);
        }
    }
    if let Body::Json { schema, .. } = &operation.body {
        match &schema.kind {
            Kind::Object(_) => {}
            _ => line(
                text,
                format_args!("{} body {}", operation.name, describe(schema)),
            ),
        }
        fields(text, &operation.name, "body", schema, operation.span);
    }
}

fn parameter(text: &mut String, operation: &str, place: &str, parameter: &Parameter) {
    let reading = match parameter.reading {
        Reading::Text | Reading::Bool | Reading::Integer => "",
        Reading::BoolOrAbsent => " empty-is-absent",
        Reading::StrictBool => " strict",
        Reading::Json => " json",
        Reading::Filters => " filters",
        Reading::Base64Json => " base64 json",
        Reading::Prefix => " prefix",
    };
    line(
        text,
        format_args!(
            "{operation} {place}:{} {}{reading}{} {}{}",
            parameter.name,
            describe(&parameter.schema),
            if parameter.required { " required" } else { "" },
            risk(&parameter.risk),
            versions(parameter.span),
        ),
    );
    fields(
        text,
        operation,
        &format!("{place}:{}", parameter.name),
        &parameter.schema,
        parameter.span,
    );
}

fn fields(text: &mut String, operation: &str, path: &str, schema: &Schema, outer: Span) {
    match &schema.kind {
        Kind::List(element) => {
            fields(text, operation, &format!("{path}[]"), element, outer);
        }
        Kind::Map(value) => fields(text, operation, &format!("{path}{{}}"), value, outer),
        Kind::Object(object) => {
            for field in &object.fields {
                self::field(text, operation, path, field, outer);
            }
        }
        _ => {}
    }
}

fn field(text: &mut String, operation: &str, path: &str, field: &Field, outer: Span) {
    let path = format!("{path}.{}", field.name);
    let risk = match &field.schema.kind {
        Kind::Object(object) if !object.fields.is_empty() && field.risk.guard.is_none() => {
            String::new()
        }
        _ => format!(" {}", risk(&field.risk)),
    };
    line(
        text,
        format_args!(
            "{operation} {path} {}{risk}{}",
            describe(&field.schema),
            if field.span == outer {
                String::new()
            } else {
                versions(field.span)
            },
        ),
    );
    fields(text, operation, &path, &field.schema, field.span);
}

fn describe(schema: &Schema) -> String {
    let mut text = schema.type_name();
    if let Some(format) = format(schema) {
        let _ = write!(text, " <{format}>");
    }
    if schema.text_or_list {
        text.push_str(" or text");
    }
    text
}

/// The format of a schema, or of the elements inside.
fn format(schema: &Schema) -> Option<&str> {
    schema.format.as_deref().or_else(|| match &schema.kind {
        Kind::List(inner) | Kind::Map(inner) => format(inner),
        _ => None,
    })
}

fn risk(risk: &Risk) -> String {
    let classes = risk.classes.join(",");
    match risk.guard {
        None => "UNCLASSIFIED".to_owned(),
        Some(Guard::Open) if classes.is_empty() => "open".to_owned(),
        Some(Guard::Open) => format!("open({classes})"),
        Some(Guard::Guarded) => {
            let benign: Vec<String> = risk.benign.iter().map(self::benign).collect();
            format!("guarded({classes}) benign {}", benign.join(" "))
        }
    }
}

fn benign(benign: &Benign) -> String {
    match benign {
        Benign::Absent => "absent".to_owned(),
        Benign::Bool(value) => value.to_string(),
        Benign::Int(value) => value.to_string(),
        Benign::Text(text) => format!("{text:?}"),
        Benign::Empty => "empty".to_owned(),
        Benign::Each(words) => format!("each({})", words.join(",")),
        Benign::Keys(words) => format!("keys({})", words.join(",")),
    }
}

fn versions(span: Span) -> String {
    match span.until {
        None if span.since <= 41 => String::new(),
        None => format!(" 1.{}-", span.since),
        Some(until) => format!(" 1.{}-1.{until}", span.since),
    }
}

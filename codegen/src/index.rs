//! The index: what an API is, a line each, for people and for diffs.
//!
//! One line for every operation, parameter and body field, with its type, risk
//! and versions, and with whatever else a definition says that is not the rule:
//! formats, what null, absence and zero mean, what may be shown. A new API
//! version is reviewed as the diff of this text, and so is a change of the
//! overlay: nothing that it says is left out.

use std::fmt::Write;

use crate::ir::{
    Api, Benign, Body, Effect, Field, Guard, Kind, NullElement, Operation, Parameter, Reading,
    Risk, Schema, Segment, Span, Variant,
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
    if let Some((base, when)) = &operation.variant_of {
        let when = match when {
            Variant::QueryGiven(name) => format!("with {name}"),
            Variant::QueryAbsent(name) => format!("without {name}"),
        };
        facts.push(format!("variant of {base} {when}"));
    }
    if !operation.derived.is_empty() {
        facts.push(format!("derives {}", operation.derived.join(",")));
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
    for (place, names) in [
        ("query", &operation.query_noise),
        ("body", &operation.body_noise),
    ] {
        if !names.is_empty() {
            line(
                text,
                format_args!("{} drops {place}:{}", operation.name, names.join(",")),
            );
        }
    }
    for (place, parameters) in [
        ("path", &operation.path_parameters),
        ("query", &operation.query),
        ("header", &operation.headers),
    ] {
        for parameter in parameters {
            self::parameter(text, &operation.name, place, parameter);
        }
    }
    if let Body::Json { schema, required } = &operation.body {
        line(
            text,
            format_args!(
                "{} body {}{}",
                operation.name,
                describe(schema),
                if *required { " required" } else { "" },
            ),
        );
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
            "{operation} {place}:{} {}{reading}{}{}{}{} {}{}",
            parameter.name,
            describe(&parameter.schema),
            if parameter.repeated { " repeated" } else { "" },
            if parameter.first_wins {
                " first-wins"
            } else {
                ""
            },
            if parameter.required { " required" } else { "" },
            effects(&parameter.absent, &parameter.zero),
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
            "{operation} {path} {}{}{}{risk}{}{}",
            describe(&field.schema),
            if field.required { " required" } else { "" },
            effects(&field.absent, &field.zero),
            if field.any_version {
                " any-version"
            } else {
                ""
            },
            if field.span == outer {
                String::new()
            } else {
                versions(field.span)
            },
        ),
    );
    fields(text, operation, &path, &field.schema, field.span);
}

/// A type, from the outside to the inside, with what is said on each level.
fn describe(schema: &Schema) -> String {
    let mut text = match &schema.kind {
        Kind::List(_) => "list".to_owned(),
        Kind::Map(_) => "map".to_owned(),
        _ => schema.type_name(),
    };
    // The format of a map is that of its keys.
    if let Some(format) = &schema.format {
        let _ = write!(text, " <{format}>");
    }
    if let Some((least, most)) = schema.items {
        let _ = write!(text, " ({least} to {most})");
    }
    if matches!(&schema.kind, Kind::Object(object) if object.drop_unknown) {
        text.push_str(" drops-unknown");
    }
    text.push_str(match schema.null {
        NullElement::Refused => "",
        NullElement::Empty => " null-is-empty",
        NullElement::Kept => " or-null",
    });
    if schema.printable {
        text.push_str(" shown");
    }
    if schema.text_or_list {
        text.push_str(" or-text");
    }
    if let Kind::List(inner) | Kind::Map(inner) = &schema.kind {
        let _ = write!(text, " of {}", describe(inner));
    }
    text
}

/// What absence and zero mean, where that is something.
fn effects(absent: &Effect, zero: &Effect) -> String {
    let name = |effect: &Effect| match effect {
        Effect::Nothing => "nothing".to_owned(),
        Effect::Unlimited => "unlimited".to_owned(),
        Effect::Image => "image".to_owned(),
        Effect::Unchanged => "unchanged".to_owned(),
        Effect::Value => "value".to_owned(),
        Effect::Default(text) => format!("{text:?}"),
    };
    match (absent, zero) {
        (Effect::Nothing, Effect::Nothing) => String::new(),
        (absent, zero) if absent == zero => format!(" absent,zero={}", name(absent)),
        (Effect::Nothing, zero) => format!(" zero={}", name(zero)),
        (absent, zero) => format!(" absent={} zero={}", name(absent), name(zero)),
    }
}

fn risk(risk: &Risk) -> String {
    let classes = risk.classes.join(",");
    let benign: Vec<String> = risk.benign.iter().map(self::benign).collect();
    let guard = match risk.guard {
        None => return "UNCLASSIFIED".to_owned(),
        Some(Guard::Open) if classes.is_empty() => "open".to_owned(),
        Some(Guard::Open) => format!("open({classes})"),
        Some(Guard::Guarded) => format!("guarded({classes})"),
    };
    if risk.guard == Some(Guard::Open) && benign.is_empty() {
        return guard;
    }
    format!("{guard} benign {}", benign.join(" "))
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

//! Operations for people, in 80 columns.

use std::collections::BTreeMap;
use std::io::{self, Write};

use opgate::api::Operation;
use opgate::api::definition::{
    AccessClass, Benign, BodyDef, Guard, Hijack, Kind, OperationDef, ParameterDef, Risk, RiskClass,
    Schema, Segment, Span, Variant,
};

/// The width of a terminal that everything fits.
const WIDTH: usize = 80;
/// The width of a field's name with its indentation.
const NAME: usize = 32;
/// The width of a type.
const TYPE: usize = 20;

/// All operations, by group.
pub(super) fn all(out: &mut impl Write) -> io::Result<()> {
    let mut tags: BTreeMap<&str, BTreeMap<AccessClass, Vec<&str>>> = BTreeMap::new();
    for operation in Operation::ALL {
        let definition = operation.definition();
        tags.entry(definition.tag)
            .or_default()
            .entry(definition.access)
            .or_default()
            .push(definition.name);
    }
    for (tag, groups) in &tags {
        for (access, names) in groups {
            let group = match access {
                AccessClass::Single => format!("{tag} (in no group)"),
                access => format!("{tag}.{}", access.name()),
            };
            wrap(out, &format!("{group:<24}"), names)?;
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "{} operations of API versions {} to {}. One of them: opgate ops NAME",
        Operation::ALL.len(),
        opgate::api::OLDEST,
        opgate::api::NEWEST
    )
}

/// Words behind a label, in lines that fit.
fn wrap(out: &mut impl Write, label: &str, words: &[&str]) -> io::Result<()> {
    let mut line = label.trim_end().to_owned();
    let indent = label.chars().count();
    for (index, word) in words.iter().enumerate() {
        if index > 0 && line.chars().count().saturating_add(1 + word.len()) > WIDTH {
            writeln!(out, "{line}")?;
            line = String::new();
        }
        let length = line.chars().count();
        let gap = if length < indent { indent - length } else { 1 };
        line.push_str(&" ".repeat(gap));
        line.push_str(word);
    }
    writeln!(out, "{line}")
}

/// One operation with everything it takes.
pub(super) fn one(definition: &OperationDef, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{}  {} {}",
        definition.name, definition.method, definition.path
    )?;
    let group = match definition.access {
        AccessClass::Single => "none: allowed by its own name only".to_owned(),
        access => format!("{}.{}", definition.tag, access.name()),
    };
    fact(out, "group", &group)?;
    fact(out, "versions", &versions(definition.span))?;
    if !definition.risk.is_empty() {
        fact(out, "risk", &classes(definition.risk))?;
    }
    if let Some((base, when)) = definition.variant_of {
        let base = Operation::ALL
            .get(usize::from(base))
            .map_or("?", |operation| operation.name());
        let when = match when {
            Variant::QueryGiven(name) => format!("{base} with query parameter {name}"),
            Variant::QueryAbsent(name) => format!("{base} without query parameter {name}"),
        };
        fact(out, "variant of", &when)?;
    }
    let variants: Vec<&str> = definition.variants().map(|variant| variant.name).collect();
    if !variants.is_empty() {
        fact(out, "variants", &variants.join(", "))?;
    }
    match definition.hijack {
        Hijack::Never => {}
        Hijack::Always { upgrade } => {
            fact(out, "tunnel", &format!("always ({upgrade})"))?;
        }
        Hijack::Unless { field, upgrade } => {
            fact(
                out,
                "tunnel",
                &format!("unless {field} is true ({upgrade})"),
            )?;
        }
    }
    if definition.opaque {
        fact(
            out,
            "opaque",
            "what runs inside is outside every field rule",
        )?;
    }
    for (title, parameters) in [
        ("Path", definition.path_parameters),
        ("Query", definition.query),
        ("Headers", definition.headers),
    ] {
        if parameters.is_empty() {
            continue;
        }
        writeln!(out, "\n{title}")?;
        for parameter in parameters {
            self::parameter(definition, parameter, out)?;
        }
    }
    match definition.body {
        BodyDef::None => {}
        BodyDef::Stream { content_type } => {
            writeln!(out, "\nBody: a stream of bytes ({content_type})")?;
        }
        BodyDef::Json { schema, .. } => {
            match schema.kind {
                Kind::Object(_) => writeln!(out, "\nBody")?,
                _ => writeln!(out, "\nBody: {}", describe(schema))?,
            }
            fields(schema, definition.span, 1, out)?;
        }
    }
    writeln!(
        out,
        "\nA GUARDED field keeps a benign value (absent or zero, where no other is listed)\n\
         unless a rule names it."
    )
}

fn fact(out: &mut impl Write, name: &str, value: &str) -> io::Result<()> {
    writeln!(out, "  {name:<11} {value}")
}

fn parameter(
    operation: &OperationDef,
    parameter: &'static ParameterDef,
    out: &mut impl Write,
) -> io::Result<()> {
    let slashes = operation
        .segments
        .iter()
        .any(|segment| matches!(segment, Segment::Many(name) if *name == parameter.name));
    let mut notes = Vec::new();
    if parameter.required {
        notes.push("required".to_owned());
    }
    if slashes {
        notes.push("may hold slashes".to_owned());
    }
    notes.extend(later(parameter.span, operation.span));
    line(
        out,
        1,
        parameter.name,
        parameter.decoded(),
        Some(&parameter.risk),
        &notes,
    )?;
    fields(parameter.decoded(), parameter.span, 2, out)
}

/// The fields inside a schema, as a tree.
fn fields(schema: &Schema, outer: Span, depth: usize, out: &mut impl Write) -> io::Result<()> {
    match schema.kind {
        Kind::List(inner) | Kind::Map(inner) => fields(inner, outer, depth, out),
        Kind::Object(object) => {
            for field in object.fields {
                let mut notes: Vec<String> = later(field.span, outer).into_iter().collect();
                if field.any_version {
                    notes.push("read in all versions".to_owned());
                }
                let structure =
                    matches!(field.schema.kind, Kind::Object(inner) if !inner.fields.is_empty());
                let risk =
                    (!structure || field.risk.guard == Guard::Guarded).then_some(&field.risk);
                line(out, depth, field.name, &field.schema, risk, &notes)?;
                fields(&field.schema, field.span, depth.saturating_add(1), out)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What is known of the field or parameter at a path, in few words.
pub(in crate::cli) fn facts(definition: &OperationDef, path: &str) -> Option<String> {
    let mut pieces = path.split('.');
    let place = pieces.next()?;
    let said = |schema: &Schema, risk: &Risk| {
        let mut words = format!("{}, {}", describe(schema), guard(risk));
        if risk.guard == Guard::Guarded {
            let benign = if usual(risk) {
                "absent or zero".to_owned()
            } else {
                benign(risk)
            };
            words.push_str("; benign: ");
            words.push_str(&benign);
        }
        words
    };
    let parameters = match place {
        "path" => definition.path_parameters,
        "query" => definition.query,
        "header" => definition.headers,
        "body" => &[],
        _ => return None,
    };
    let plain = |piece: &str| piece.trim_end_matches(['[', ']', '{', '}']).to_owned();
    if place != "body" {
        let name = plain(pieces.next()?);
        let found = parameters.iter().find(|parameter| parameter.name == name)?;
        return Some(said(found.decoded(), &found.risk));
    }
    let BodyDef::Json { mut schema, .. } = definition.body else {
        return None;
    };
    let mut found = None;
    for piece in pieces {
        while let Kind::List(inner) | Kind::Map(inner) = schema.kind {
            schema = inner;
        }
        let Kind::Object(object) = schema.kind else {
            // Parts of a text: what is known of the text.
            break;
        };
        let name = plain(piece);
        let field = object.fields.iter().find(|field| field.name == name)?;
        schema = &field.schema;
        found = Some(said(schema, &field.risk));
    }
    found
}

/// One line, and more where it does not fit.
fn line(
    out: &mut impl Write,
    depth: usize,
    name: &str,
    schema: &Schema,
    risk: Option<&Risk>,
    notes: &[String],
) -> io::Result<()> {
    let name = format!("{}{name}", "  ".repeat(depth));
    let mut columns = format!("{name:<NAME$} {:<TYPE$}", describe(schema));
    let mut rest: Vec<String> = Vec::new();
    if let Some(risk) = risk {
        rest.push(guard(risk));
    }
    rest.extend(notes.iter().cloned());
    if columns.trim_end().chars().count() > NAME.saturating_add(TYPE).saturating_add(1)
        && !rest.is_empty()
    {
        writeln!(out, "{}", columns.trim_end())?;
        columns = " ".repeat(NAME.saturating_add(TYPE).saturating_add(1));
    }
    let rest = rest.join(", ");
    let words: Vec<&str> = rest.split(' ').filter(|word| !word.is_empty()).collect();
    wrap(out, &format!("{columns} "), &words)?;
    if let Some(risk) = risk
        && matches!(risk.guard, Guard::Guarded)
        && !usual(risk)
    {
        let benign = benign(risk);
        let words: Vec<&str> = benign.split(' ').collect();
        let label = format!("{}benign:", "  ".repeat(depth.saturating_add(1)));
        wrap(out, &format!("{label} "), &words)?;
    }
    Ok(())
}

/// Whether just absence and the zero value are benign.
fn usual(risk: &Risk) -> bool {
    matches!(
        risk.benign,
        [
            Benign::Absent,
            Benign::Bool(false) | Benign::Int(0) | Benign::Text("") | Benign::Empty
        ]
    )
}

fn guard(risk: &Risk) -> String {
    let classes = classes(risk.classes);
    match risk.guard {
        Guard::Open if classes.is_empty() => "open".to_owned(),
        Guard::Open => format!("open ({classes})"),
        Guard::Guarded => format!("GUARDED ({classes})"),
        Guard::Unclassified => "UNCLASSIFIED".to_owned(),
    }
}

fn benign(risk: &Risk) -> String {
    let values: Vec<String> = risk
        .benign
        .iter()
        .map(|benign| match benign {
            Benign::Absent => "absent".to_owned(),
            Benign::Bool(value) => value.to_string(),
            Benign::Int(value) => value.to_string(),
            Benign::Text(text) => format!("{text:?}"),
            Benign::Empty => "empty".to_owned(),
            Benign::Each(words) => format!("only {}", words.join("|")),
            Benign::Keys(words) => format!("only keys {}", words.join("|")),
        })
        .collect();
    if values.is_empty() {
        return "nothing".to_owned();
    }
    values.join(", ")
}

fn classes(classes: &[RiskClass]) -> String {
    let names: Vec<&str> = classes.iter().map(|class| class.name()).collect();
    names.join(", ")
}

/// The type of a schema in few words.
pub(in crate::cli) fn describe(schema: &Schema) -> String {
    let mut text = match schema.kind {
        Kind::Bool => "bool".to_owned(),
        Kind::Int { min: 0, .. } => "uint".to_owned(),
        Kind::Int { .. } => "int".to_owned(),
        Kind::Float => "float".to_owned(),
        Kind::Text => schema
            .format
            .map_or("text", opgate::format::Format::name)
            .to_owned(),
        Kind::Enum(vocabulary) => vocabulary.words.join("|"),
        Kind::Bytes => "base64".to_owned(),
        Kind::List(inner) => format!("[{}]", describe(inner)),
        Kind::Map(inner) => {
            let key = schema.format.map_or("text", opgate::format::Format::name);
            format!("{{{key}: {}}}", describe(inner))
        }
        Kind::Object(_) => "object".to_owned(),
    };
    if matches!(schema.kind, Kind::Int { .. })
        && let Some(format) = schema.format
    {
        format.name().clone_into(&mut text);
    }
    if schema.text_or_list {
        text.push_str(" or text");
    }
    text
}

fn versions(span: Span) -> String {
    match span.until {
        None => format!("{} and later", span.since),
        Some(until) => format!("{} to {until}", span.since),
    }
}

/// The versions of something, unless it is as old as what holds it.
fn later(span: Span, outer: Span) -> Option<String> {
    if span == outer {
        return None;
    }
    Some(match span.until {
        None => format!("since {}", span.since),
        Some(until) => format!("until {until}"),
    })
}

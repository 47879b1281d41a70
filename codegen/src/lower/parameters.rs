//! Parameters, and the templates of the paths that hold some of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::annotations::KNOWN;
use super::schemas::Within;
use super::{Lowering, flag, text};
use crate::ir::{Effect, Kind, Parameter, Reading, Schema, Segment};

/// An operation's parameters, by where they are.
#[derive(Default)]
pub(super) struct Parameters {
    pub(super) path: Vec<Parameter>,
    pub(super) query: Vec<Parameter>,
    pub(super) headers: Vec<Parameter>,
    /// Path parameters that may hold slashes.
    many: Vec<String>,
}

impl Lowering<'_> {
    pub(super) fn parameters(&mut self, map: &Map<String, Value>, place: &str) -> Parameters {
        let mut parameters = Parameters::default();
        let list = map.get("parameters").and_then(Value::as_array);
        for (number, parameter) in list.into_iter().flatten().enumerate() {
            let place = format!("{place}.parameters[{number}]");
            let Value::Object(parameter) = parameter else {
                self.complain(&place, "a parameter must be an object");
                continue;
            };
            let Some(lowered) = self.parameter(parameter, &place) else {
                continue;
            };
            if flag(parameter, "x-opgate-slashes") && text(parameter, "in") != Some("path") {
                self.complain(&place, "`x-opgate-slashes` is for path parameters");
            }
            let same = match text(parameter, "in") {
                Some("path") => &parameters.path,
                Some("query") => &parameters.query,
                _ => &parameters.headers,
            };
            if same.iter().any(|other| other.name == lowered.name) {
                let message = format!("parameter `{}` is there twice", lowered.name);
                self.complain(&place, message);
            }
            match text(parameter, "in") {
                Some("path") => {
                    if flag(parameter, "x-opgate-slashes") {
                        parameters.many.push(lowered.name.clone());
                    }
                    parameters.path.push(lowered);
                }
                Some("query") => parameters.query.push(lowered),
                Some("header") => parameters.headers.push(lowered),
                other => self.complain(
                    &place,
                    format!(
                        "a parameter in `{}` is not understood",
                        other.unwrap_or("?")
                    ),
                ),
            }
        }
        parameters
    }

    fn parameter(&mut self, map: &Map<String, Value>, place: &str) -> Option<Parameter> {
        const PARAMETER_KEYS: &[&str] = &["name", "in", "required", "schema", "style", "explode"];
        self.check_keys(map, PARAMETER_KEYS, KNOWN, "a parameter", place);
        self.no_field(map, place);
        let Some(name) = text(map, "name") else {
            self.complain(place, "a parameter without a name");
            return None;
        };
        let Some(schema) = map.get("schema") else {
            self.complain(place, "a parameter without a schema");
            return None;
        };
        let mut overrides = BTreeMap::new();
        let mut within = Within {
            references: Vec::new(),
            path: String::new(),
            overrides: &mut overrides,
        };
        let (mut schema, said) = self.schema(schema, &format!("{place}.schema"), &mut within)?;
        // What is said of the parameter may sit on it or on its schema.
        let mut all = said;
        for (key, value) in map.iter().filter(|(key, _)| key.starts_with("x-opgate-")) {
            all.insert(key.clone(), value.clone());
        }
        let (format, printable) = (schema.format.take(), schema.printable);
        self.annotate_schema(&mut schema, &all, place);
        schema.format = schema.format.or(format);
        schema.printable |= printable;
        let reading = self.reading(&all, &schema, place)?;
        let repeated = flag(&all, "x-opgate-repeated")
            || (reading == Reading::Text && matches!(schema.kind, Kind::List(_)));
        if repeated && !matches!(schema.kind, Kind::List(_)) {
            schema = Schema::plain(Kind::List(Box::new(schema)));
        }
        // The format and the openness of a repeated parameter are its elements'.
        if repeated && let Kind::List(element) = &mut schema.kind {
            if let Some(format) = schema.format.take() {
                element.format = Some(format);
            }
            element.printable |= schema.printable;
        }
        let absent = self
            .effect(&all, "x-opgate-absent", place)
            .unwrap_or(Effect::Nothing);
        let zero = self.effect(&all, "x-opgate-zero", place);
        Some(Parameter {
            name: name.to_owned(),
            reading,
            repeated,
            first_wins: flag(&all, "x-opgate-first-wins"),
            risk: self.risk(&all, &schema.kind, place),
            span: self.span,
            required: flag(map, "required"),
            zero: zero.unwrap_or_else(|| absent.clone()),
            absent,
            schema,
        })
    }

    fn reading(
        &mut self,
        said: &Map<String, Value>,
        schema: &Schema,
        place: &str,
    ) -> Option<Reading> {
        let base = match &schema.kind {
            Kind::List(element) => &element.kind,
            kind => kind,
        };
        let reading = match text(said, "x-opgate-reading") {
            None => match base {
                Kind::Bool => Reading::Bool,
                Kind::Int(_) => Reading::Integer,
                Kind::Text | Kind::Enum { .. } => Reading::Text,
                _ => {
                    self.complain_help(
                        place,
                        "how the Engine reads this parameter is not known",
                        "say it with `x-opgate-reading`",
                    );
                    return None;
                }
            },
            Some("text") => Reading::Text,
            Some("bool") => Reading::Bool,
            Some("bool-or-absent") => Reading::BoolOrAbsent,
            Some("strict-bool") => Reading::StrictBool,
            Some("integer") => Reading::Integer,
            Some("json") => Reading::Json,
            Some("filters") => Reading::Filters,
            Some("base64-json") => Reading::Base64Json,
            Some("prefix") => Reading::Prefix,
            Some(other) => {
                self.complain(
                    place,
                    format!("`x-opgate-reading: {other}` is not understood"),
                );
                return None;
            }
        };
        let fits = match reading {
            Reading::Text => matches!(base, Kind::Text | Kind::Enum { .. }),
            Reading::Bool | Reading::BoolOrAbsent | Reading::StrictBool => {
                matches!(base, Kind::Bool)
            }
            Reading::Integer => matches!(base, Kind::Int(_)),
            Reading::Filters | Reading::Prefix => matches!(base, Kind::Text),
            Reading::Json | Reading::Base64Json => {
                !matches!(schema.kind, Kind::Text | Kind::Enum { .. })
            }
        };
        if !fits {
            self.complain_help(
                place,
                format!("a `{}` is not read that way", schema.type_name()),
                "correct the parameter's schema or its `x-opgate-reading`",
            );
            return None;
        }
        Some(reading)
    }

    pub(super) fn segments(
        &mut self,
        path: &str,
        parameters: &Parameters,
        place: &str,
    ) -> Vec<Segment> {
        let mut segments = Vec::new();
        for piece in path.split('/').skip(1) {
            let name = piece
                .strip_prefix('{')
                .and_then(|piece| piece.strip_suffix('}'));
            match name {
                None if piece.is_empty() || piece.contains(['{', '}']) => {
                    self.complain(place, format!("path segment `{piece}` is not understood"));
                }
                None => segments.push(Segment::Literal(piece.to_owned())),
                Some(name) => {
                    if !parameters.path.iter().any(|known| known.name == name) {
                        self.complain(place, format!("path parameter `{name}` is not declared"));
                    }
                    segments.push(if parameters.many.iter().any(|many| many == name) {
                        Segment::Many(name.to_owned())
                    } else {
                        Segment::One(name.to_owned())
                    });
                }
            }
        }
        for parameter in &parameters.path {
            let name = &parameter.name;
            let placed = segments.iter().any(|segment| {
                matches!(segment, Segment::One(known) | Segment::Many(known) if known == name)
            });
            if !placed {
                self.complain(place, format!("path parameter `{name}` is not in the path"));
            }
        }
        let many = segments
            .iter()
            .filter(|segment| matches!(segment, Segment::Many(_)))
            .count();
        if many > 1 {
            self.complain(place, "only one path parameter may hold slashes");
        }
        if !matches!(segments.first(), Some(Segment::Literal(_))) {
            self.complain(place, "a path must begin with a literal segment");
        }
        segments
    }
}

//! Operations: paths, parameters, bodies, variants.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::schemas::Within;
use super::{Lowering, entries, flag, text, texts};
use crate::ir::{
    Api, Body, Effect, Hijack, Kind, Operation, Parameter, Reading, Schema, Segment, Unsupported,
    Variant,
};

const METHODS: &[&str] = &["get", "head", "post", "put", "delete", "options", "patch"];

/// Keys of an operation that are understood, or known to say nothing of requests.
const OPERATION_KEYS: &[&str] = &[
    "operationId",
    "parameters",
    "requestBody",
    "responses",
    "tags",
    "x-opgate-access",
    "x-opgate-body",
    "x-opgate-derived",
    "x-opgate-fields",
    "x-opgate-hijack",
    "x-opgate-noise",
    "x-opgate-opaque",
    "x-opgate-risk",
    "x-opgate-unsupported",
    "x-opgate-variants",
];

/// The access classes there are.
const ACCESS: &[&str] = &[
    "list", "inspect", "content", "interact", "create", "change", "delete", "outbound", "single",
];

/// An operation's parameters, by where they are.
#[derive(Default)]
struct Parameters {
    path: Vec<Parameter>,
    query: Vec<Parameter>,
    headers: Vec<Parameter>,
    /// Path parameters that may hold slashes.
    many: Vec<String>,
}

impl Lowering<'_> {
    pub(super) fn api(&mut self) -> Api {
        let document = self.document;
        let mut api = Api {
            newest: self.span.since,
            ..Api::default()
        };
        if document.get("paths").and_then(Value::as_object).is_none() {
            self.complain("paths", "a description without paths");
        }
        for (path, item) in entries(document.get("paths")) {
            for (method, operation) in entries(Some(item)) {
                let place = format!("paths.{path}.{method}");
                if !METHODS.contains(&method.as_str()) {
                    self.complain(&place, format!("`{method}` of a path is not understood"));
                    continue;
                }
                let Value::Object(operation) = operation else {
                    self.complain(&place, "an operation must be an object");
                    continue;
                };
                self.operation(&mut api, path, method, operation, &place);
            }
        }
        api
    }

    fn operation(
        &mut self,
        api: &mut Api,
        path: &str,
        method: &str,
        map: &Map<String, Value>,
        place: &str,
    ) {
        for key in map.keys() {
            if !OPERATION_KEYS.contains(&key.as_str()) {
                self.complain_help(
                    place,
                    format!("`{key}` of an operation is not understood"),
                    "remove it with an overlay action, or teach the generator what it means",
                );
            }
        }
        let method = method.to_ascii_uppercase();
        let parameters = self.parameters(map, place);
        let segments = self.segments(path, &parameters, place);
        if let Some(reason) = text(map, "x-opgate-unsupported") {
            api.unsupported.push(Unsupported {
                method,
                path: path.to_owned(),
                segments,
                reason: reason.to_owned(),
            });
            return;
        }
        let Some(name) = text(map, "operationId") else {
            self.complain_help(
                place,
                "an operation without `operationId`",
                "give it one with an overlay action",
            );
            return;
        };
        let body = self.body(map, place);
        let noise = map.get("x-opgate-noise");
        let operation = Operation {
            name: name.to_owned(),
            tag: texts(map.get("tags"))
                .into_iter()
                .next()
                .unwrap_or_default(),
            method,
            path: path.to_owned(),
            segments,
            span: self.span,
            access: self.access(map, place),
            risk: match map.get("x-opgate-risk") {
                Some(Value::Object(said)) => self.risk_classes(said, place),
                _ => Vec::new(),
            },
            hijack: self.hijack(map, place),
            variant_of: None,
            variants: Vec::new(),
            opaque: flag(map, "x-opgate-opaque"),
            derived: texts(map.get("x-opgate-derived")),
            query_noise: texts(noise.and_then(|noise| noise.get("query"))),
            body_noise: texts(noise.and_then(|noise| noise.get("body"))),
            path_parameters: parameters.path,
            query: parameters.query,
            headers: parameters.headers,
            body,
        };
        self.variants(api, operation, map.get("x-opgate-variants"), place);
    }

    fn access(&mut self, map: &Map<String, Value>, place: &str) -> Option<String> {
        let access = text(map, "x-opgate-access")?;
        if !ACCESS.contains(&access) {
            self.complain_help(
                place,
                format!("there is no access class `{access}`"),
                &format!("the classes are {}", ACCESS.join(", ")),
            );
        }
        Some(access.to_owned())
    }

    fn hijack(&mut self, map: &Map<String, Value>, place: &str) -> Option<Hijack> {
        let said = map.get("x-opgate-hijack")?.as_object()?;
        let upgrade = text(said, "upgrade").unwrap_or_default();
        if !["tcp", "h2c", "websocket"].contains(&upgrade) {
            self.complain(
                place,
                "`x-opgate-hijack` needs `upgrade: tcp|h2c|websocket`",
            );
        }
        let unless = text(said, "unless").map(str::to_owned);
        if unless.is_none() && text(said, "when") != Some("always") {
            self.complain(
                place,
                "`x-opgate-hijack` needs `when: always` or `unless: FIELD`",
            );
        }
        Some(Hijack {
            unless,
            upgrade: upgrade.to_owned(),
        })
    }

    /// Pushes the operation, and its variants behind it.
    fn variants(
        &mut self,
        api: &mut Api,
        mut base: Operation,
        variants: Option<&Value>,
        place: &str,
    ) {
        let mut made = Vec::new();
        for (name, said) in entries(variants) {
            let Value::Object(said) = said else {
                self.complain(place, format!("variant `{name}` must be an object"));
                continue;
            };
            let when = match (text(said, "query-given"), text(said, "query-absent")) {
                (Some(query), None) => Variant::QueryGiven(query.to_owned()),
                (None, Some(query)) => Variant::QueryAbsent(query.to_owned()),
                _ => {
                    self.complain(
                        place,
                        format!("variant `{name}` needs either `query-given` or `query-absent`"),
                    );
                    continue;
                }
            };
            let parameters = texts(said.get("parameters"));
            for parameter in &parameters {
                let known = |list: &[Parameter]| list.iter().any(|known| known.name == *parameter);
                if !known(&base.query) && !known(&base.headers) {
                    self.complain(
                        place,
                        format!("variant `{name}` names `{parameter}`, which the operation lacks"),
                    );
                }
            }
            let mut variant = base.clone();
            name.clone_into(&mut variant.name);
            variant.variant_of = Some((base.name.clone(), when));
            // What only the other variant reads is dropped: the Engine does not
            // look at it.
            let dropped = variant
                .query
                .iter()
                .filter(|parameter| !parameters.contains(&parameter.name))
                .map(|parameter| parameter.name.clone());
            variant.query_noise = base.query_noise.iter().cloned().chain(dropped).collect();
            let keep = |parameter: &Parameter| parameters.contains(&parameter.name);
            variant.query.retain(keep);
            variant.headers.retain(keep);
            if !flag(said, "body") {
                variant.body = Body::None;
            }
            variant.derived.extend(texts(said.get("derived")));
            base.variants.push(name.clone());
            made.push(variant);
        }
        api.operations.push(base);
        api.operations.append(&mut made);
    }

    fn parameters(&mut self, map: &Map<String, Value>, place: &str) -> Parameters {
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
        for key in map.keys() {
            if !PARAMETER_KEYS.contains(&key.as_str())
                && !super::annotations::KNOWN.contains(&key.as_str())
            {
                self.complain(place, format!("`{key}` of a parameter is not understood"));
            }
        }
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

    fn body(&mut self, map: &Map<String, Value>, place: &str) -> Body {
        let overridden = map.get("x-opgate-body");
        match overridden {
            Some(Value::String(word)) if word == "none" => return Body::None,
            Some(Value::Object(said)) if text(said, "stream").is_some() => {
                return Body::Stream(text(said, "stream").unwrap_or_default().to_owned());
            }
            Some(_) => {
                self.complain_help(
                    place,
                    "`x-opgate-body` is not understood",
                    "write `none` or `{stream: TYPE}`",
                );
            }
            None => {}
        }
        let Some(request) = map.get("requestBody") else {
            return Body::None;
        };
        let place = format!("{place}.requestBody");
        let Some(content) = request.get("content").and_then(Value::as_object) else {
            self.complain(&place, "a request body without content");
            return Body::None;
        };
        let Some(schema) = content
            .get("application/json")
            .and_then(|media| media.get("schema"))
        else {
            let Some(content_type) = content.keys().next() else {
                self.complain(&place, "a request body without content types");
                return Body::None;
            };
            return Body::Stream(content_type.clone());
        };
        let mut overrides: BTreeMap<String, (Value, bool)> = entries(map.get("x-opgate-fields"))
            .map(|(path, change)| (path.clone(), (change.clone(), false)))
            .collect();
        let mut within = Within {
            references: Vec::new(),
            path: String::new(),
            overrides: &mut overrides,
        };
        let place = format!("{place}.content.application/json.schema");
        let lowered = self.schema(schema, &place, &mut within);
        if lowered.is_some() {
            for (path, _) in overrides.iter().filter(|(_, (_, used))| !used) {
                self.complain_help(
                    &place,
                    format!("`x-opgate-fields` names `{path}`, which the body does not have"),
                    "correct the path, or bound the overlay action to the versions that have it",
                );
            }
        }
        match lowered {
            Some((schema, _)) => Body::Json {
                schema,
                required: request.get("required").and_then(Value::as_bool) == Some(true),
            },
            None => Body::None,
        }
    }

    fn segments(&mut self, path: &str, parameters: &Parameters, place: &str) -> Vec<Segment> {
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

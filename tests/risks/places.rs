//! Every parameter and field that a rule can name, with a request that holds a
//! value there and little else, and the rule that names it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use opgate::api::NEWEST;
use opgate::api::definition::{
    ApiVersion, Benign, Effect, FieldDef, Guard, Kind, ObjectDef, OperationDef, ParameterDef,
    Reading, Risk, Schema, Span,
};
use serde_json::{Map, Value, json};

use crate::samples;
use crate::values;

/// Where a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Path,
    Query,
    Header,
    Body,
}

/// A step on the way to a place.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Into a field or parameter of this name. Beside it stand fields that must
    /// not be absent, with harmless values.
    Field {
        name: &'static str,
        schema: &'static Schema,
        risk: &'static Risk,
        beside: Vec<(&'static str, Value)>,
    },
    /// Into an element of a list.
    Element,
    /// Into a map's value, under this key.
    Value(String),
}

/// A parameter or field.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) operation: &'static OperationDef,
    pub(crate) part: Part,
    /// The parameter, unless it is the body.
    pub(crate) parameter: Option<&'static ParameterDef>,
    /// The path, as messages write it.
    pub(crate) path: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) schema: &'static Schema,
    pub(crate) risk: &'static Risk,
    pub(crate) span: Span,
    /// Whether an Engine that has it reads it in requests of all versions.
    pub(crate) any_version: bool,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// Whether a leaf of this risk is one that rules must name.
fn is_guarded(risk: &Risk, schema: &Schema) -> bool {
    let structure = matches!(schema.kind, Kind::Object(object) if !object.fields.is_empty());
    match risk.guard {
        Guard::Open => false,
        Guard::Guarded => true,
        // Objects with fields are judged by these.
        Guard::Unclassified => !structure,
    }
}

impl Place {
    /// Whether a rule must name it before it may be anything but benign.
    pub(crate) fn is_guarded(&self) -> bool {
        is_guarded(self.risk, self.schema)
    }

    /// A version that has it.
    pub(crate) fn version(&self) -> ApiVersion {
        samples::newest(self.span)
    }

    /// Whether it is no part of a request like this one.
    pub(crate) fn is_lacking_in(&self, request: &Request) -> bool {
        let version = request.version().unwrap_or(NEWEST);
        !self.any_version && !self.span.contains(version)
    }

    /// The place as `Operation path`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.operation.name, self.path)
    }

    /// Whether `other` is this place, around it, or inside of it.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let within = |outer: &str, inner: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '{']))
        };
        within(&self.path, &other.path) || within(&other.path, &self.path)
    }

    /// The guarded lists, maps and objects that it is inside of, outermost first.
    pub(crate) fn around(&self) -> Vec<Self> {
        let inner = self.steps.len().saturating_sub(1);
        let fields = self.steps[..inner].iter().enumerate();
        let fields = fields.filter_map(|(at, step)| match step {
            Step::Field { schema, risk, .. } if is_guarded(risk, schema) => Some(Self {
                path: path(self.part, &self.steps[..=at]),
                steps: self.steps[..=at].to_vec(),
                schema,
                risk,
                ..self.clone()
            }),
            _ => None,
        });
        let inside = self.part == Part::Body && !self.steps.is_empty();
        let body = list_body(self.operation).filter(|_| inside);
        body.into_iter().chain(fields).collect()
    }

    /// What a rule says that opens this place and all that is in it.
    pub(crate) fn rule(&self) -> Value {
        let Kind::List(element) = self.schema.kind else {
            return self.rule_with(json!("any"));
        };
        let Kind::Object(object) = element.kind else {
            return self.rule_with(json!("any"));
        };
        // `any` on a list opens what is of the list's own classes.
        let within = |field: &FieldDef| {
            let mut classes = field.risk.classes.iter();
            classes.all(|class| self.risk.classes.contains(class))
        };
        if object.fields.iter().all(within) {
            return self.rule_with(json!("any"));
        }
        let fields = object.fields.iter();
        let fields = fields.map(|field| (field.name.to_owned(), json!("any")));
        self.rule_with(json!({ "each": fields.collect::<Map<_, _>>() }))
    }

    /// What a rule says that names this place, with this matcher.
    pub(crate) fn rule_with(&self, matcher: Value) -> Value {
        let mut inner = matcher;
        let last = self.steps.len().saturating_sub(1);
        for (at, step) in self.steps.iter().enumerate().rev() {
            inner = match step {
                Step::Element => json!({ "each": inner }),
                Step::Value(_) => json!({ "keys": "any", "values": inner }),
                Step::Field {
                    name, schema, risk, ..
                } => {
                    // A guarded object is a leaf of its own: it is named, too.
                    if at < last
                        && is_guarded(risk, schema)
                        && matches!(schema.kind, Kind::Object(_))
                    {
                        inner["any_of"] = there_or_not();
                    }
                    json!({ *name: inner })
                }
            };
        }
        let part = match self.part {
            Part::Path => "path",
            Part::Query => "query",
            Part::Header => "header",
            Part::Body => "body",
        };
        let mut rule = Map::new();
        rule.insert(part.to_owned(), inner);
        let opens_a_session = self.operation.name == "ImageBuild"
            && ["query.session", "query.version"].contains(&self.path.as_str());
        if self.operation.opaque || opens_a_session {
            rule.insert("opaque".to_owned(), true.into());
        }
        self.with_always(rule)
    }

    /// What a rule says that opens what is around this place, and not the place.
    pub(crate) fn rule_around(&self) -> Option<Value> {
        let around = self.around().pop()?;
        let matcher = match around.schema.kind {
            Kind::List(_) => json!({ "each": "required" }),
            Kind::Map(_) => json!({ "keys": "any" }),
            _ => json!({ "any_of": there_or_not() }),
        };
        Some(around.rule_with(matcher))
    }

    fn with_always(&self, mut rule: Map<String, Value>) -> Value {
        for parameter in always(self.operation) {
            let query = rule.entry("query").or_insert_with(|| json!({}));
            query[parameter.name] = "any".into();
        }
        Value::Object(rule)
    }

    /// A request with this value at the place.
    pub(crate) fn request(&self, value: &Value) -> Request {
        self.spelled(value, &str::to_owned)
    }

    /// A request with this value at the place, its keys and names spelled so.
    pub(crate) fn spelled(&self, value: &Value, spell: &dyn Fn(&str) -> String) -> Request {
        let mut request = bare_in(self.operation, self.version());
        let own = |parameter: &ParameterDef| {
            self.parameter
                .is_some_and(|own| std::ptr::eq(own, parameter))
        };
        for parameter in always(self.operation).filter(|parameter| !own(parameter)) {
            let text = samples::parameter(parameter);
            request.add_query(parameter.name, &text);
        }
        let Some(parameter) = self.parameter else {
            request.body = write(&self.steps, value, spell);
            return request;
        };
        // The one that tells the variant stands there already.
        if request.target.contains(&format!("?{}=", parameter.name)) {
            let (path, _) = request.target.split_once('?').unwrap_or_default();
            request.target = format!("{path}?");
        }
        let name = spell(parameter.name);
        let texts = texts(parameter, &self.steps[1..], value, spell);
        for (key, text) in texts {
            match self.part {
                Part::Query => request.add_query(&name, &text),
                Part::Header => request.headers.push((format!("{name}{key}"), text)),
                Part::Path => request.target = self.path_with(&text),
                Part::Body => unreachable!("the body is no parameter"),
            }
        }
        request
    }
}

impl Place {
    /// The target with this text as the path parameter.
    fn path_with(&self, text: &str) -> String {
        let mut target = format!("/v{}", self.version());
        for piece in self.operation.path.split('/').skip(1) {
            target.push('/');
            let name = piece
                .strip_prefix('{')
                .and_then(|name| name.strip_suffix('}'));
            let parameters = self.operation.path_parameters.iter();
            let found = name.and_then(|name| parameters.clone().find(|one| one.name == name));
            match found {
                Some(found) if self.parameter.is_some_and(|own| std::ptr::eq(own, found)) => {
                    target.push_str(&samples::escape(text));
                }
                Some(found) => {
                    let sample = samples::formatted(found.schema.format);
                    target.push_str(&samples::escape(sample));
                }
                None => target.push_str(piece),
            }
        }
        let bare = samples::target(self.operation, self.version());
        let (_, query) = bare.split_once('?').unwrap_or_default();
        format!("{target}?{query}")
    }
}

impl Request {
    fn add_query(&mut self, name: &str, text: &str) {
        let divider = if self.target.ends_with('?') { "" } else { "&" };
        let pair = format!("{divider}{name}={}", samples::escape(text));
        self.target.push_str(&pair);
    }

    /// The version in front of the path.
    fn version(&self) -> Option<ApiVersion> {
        let (minor, _) = self.target.strip_prefix("/v1.")?.split_once('/')?;
        minor.parse().ok().map(ApiVersion)
    }

    /// Without the version in front of the path.
    pub(crate) fn unversioned(&self) -> Self {
        let (_, rest) = self.target.split_once("/v").unwrap();
        let (_, rest) = rest.split_once('/').unwrap();
        Self {
            target: format!("/{rest}"),
            ..self.clone()
        }
    }

    /// With another version.
    pub(crate) fn in_version(&self, version: &str) -> Self {
        let Self { target, .. } = self.unversioned();
        Self {
            target: format!("/v{version}{target}"),
            ..self.clone()
        }
    }
}

/// A choice that fits any object, and opens the object itself.
fn there_or_not() -> Value {
    json!(["absent", "required"])
}

/// A request of an operation that says as little as possible.
pub(crate) fn bare(operation: &'static OperationDef) -> Request {
    bare_in(operation, samples::newest(operation.span))
}

/// The same in a version.
pub(crate) fn bare_in(operation: &'static OperationDef, version: ApiVersion) -> Request {
    Request {
        method: operation.method,
        target: samples::target(operation, version),
        headers: Vec::new(),
        body: String::new(),
    }
}

/// Parameters that are guarded and have no benign value, not even absence: rules
/// of the operation name them or allow nothing.
pub(crate) fn always(operation: &OperationDef) -> impl Iterator<Item = &'static ParameterDef> {
    operation.query.iter().filter(|parameter| {
        parameter.risk.guard == Guard::Guarded && parameter.risk.benign.is_empty()
    })
}

/// The texts of a parameter with this value, each with what its name ends in.
fn texts(
    parameter: &ParameterDef,
    steps: &[Step],
    value: &Value,
    spell: &dyn Fn(&str) -> String,
) -> Vec<(String, String)> {
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if parameter.repeated {
        let values = match (steps, value) {
            ([], Value::Array(values)) => values.as_slice(),
            (_, value) => std::slice::from_ref(value),
        };
        let steps = steps.get(1..).unwrap_or_default();
        let text = |value: &Value| match parameter.reading {
            Reading::Json => write(steps, value, spell),
            _ => plain(value),
        };
        return values
            .iter()
            .map(|value| (String::new(), text(value)))
            .collect();
    }
    let text = match (parameter.reading, value) {
        (Reading::Prefix, Value::Object(entries)) => {
            return entries
                .iter()
                .map(|(key, value)| (key.clone(), plain(value)))
                .collect();
        }
        (Reading::Json | Reading::Filters, value) => write(steps, value, spell),
        (Reading::Base64Json, value) => URL_SAFE.encode(write(steps, value, spell)),
        (_, value) => plain(value),
    };
    vec![(String::new(), text)]
}

/// JSON with this value at the end of some steps.
pub(crate) fn write(steps: &[Step], value: &Value, spell: &dyn Fn(&str) -> String) -> String {
    let Some((first, rest)) = steps.split_first() else {
        return value.to_string();
    };
    let inner = write(rest, value, spell);
    match first {
        Step::Element => format!("[{inner}]"),
        Step::Value(key) => format!("{{{key:?}:{inner}}}"),
        Step::Field { name, beside, .. } => {
            format!("{{{}\"{}\":{inner}}}", entries(beside), spell(name))
        }
    }
}

/// The beginning of an object: these entries, and room for more.
pub(crate) fn entries(entries: &[(&str, Value)]) -> String {
    entries
        .iter()
        .fold(String::new(), |mut out, (name, value)| {
            let _ = write!(out, "{name:?}:{value},");
            out
        })
}

/// The path of some steps.
fn path(part: Part, steps: &[Step]) -> String {
    let mut path = match part {
        Part::Path => "path",
        Part::Query => "query",
        Part::Header => "header",
        Part::Body => "body",
    }
    .to_owned();
    for step in steps {
        match step {
            Step::Element => path.push_str("[]"),
            Step::Value(_) => path.push_str("{}"),
            Step::Field { name, .. } => {
                path.push('.');
                path.push_str(name);
            }
        }
    }
    path
}

/// Every parameter and field of every operation.
pub(crate) fn places() -> Vec<Place> {
    samples::operations().flat_map(of_operation).collect()
}

/// Those that are guarded.
pub(crate) fn guarded() -> Vec<Place> {
    let mut places = places();
    places.retain(Place::is_guarded);
    places
}

fn of_operation(operation: &'static OperationDef) -> Vec<Place> {
    let mut found = Vec::new();
    for (part, parameters) in [
        (Part::Path, operation.path_parameters),
        (Part::Query, operation.query),
        (Part::Header, operation.headers),
    ] {
        for parameter in parameters {
            let step = Step::Field {
                name: parameter.name,
                schema: &parameter.schema,
                risk: &parameter.risk,
                beside: Vec::new(),
            };
            let place = Place {
                operation,
                part,
                parameter: Some(parameter),
                path: path(part, std::slice::from_ref(&step)),
                steps: vec![step],
                schema: &parameter.schema,
                risk: &parameter.risk,
                span: parameter.span,
                any_version: false,
            };
            found.push(place.clone());
            place.inside(place.schema, place.risk, &mut found);
        }
    }
    if let Some(schema) = samples::body(operation) {
        found.extend(list_body(operation));
        let body = whole_body(operation, schema, &WHOLE);
        body.inside(schema, &WHOLE, &mut found);
    }
    found
}

/// A body as such carries no risk.
static WHOLE: Risk = Risk {
    guard: Guard::Open,
    classes: &[],
    benign: &[],
};

/// A body that is a list is guarded as long as it holds anything.
static LIST: Risk = Risk {
    guard: Guard::Guarded,
    classes: &[],
    benign: &[Benign::Empty],
};

/// The body of an operation that takes a list.
fn list_body(operation: &'static OperationDef) -> Option<Place> {
    samples::body(operation)
        .filter(|schema| matches!(schema.kind, Kind::List(_)))
        .map(|schema| whole_body(operation, schema, &LIST))
}

fn whole_body(
    operation: &'static OperationDef,
    schema: &'static Schema,
    risk: &'static Risk,
) -> Place {
    Place {
        operation,
        part: Part::Body,
        parameter: None,
        path: "body".to_owned(),
        steps: Vec::new(),
        schema,
        risk,
        span: operation.span,
        any_version: false,
    }
}

impl Place {
    fn step(&self, step: Step) -> Self {
        let mut place = self.clone();
        place.steps.push(step);
        place.path = path(place.part, &place.steps);
        place
    }

    /// The fields below a value of this schema; `risk` is that of the field.
    fn inside(&self, schema: &'static Schema, risk: &'static Risk, found: &mut Vec<Self>) {
        match schema.kind {
            Kind::List(element) if schema.items.is_none() => {
                self.step(Step::Element).inside(element, risk, found);
            }
            Kind::Map(value) => {
                let key = harmless_key(risk).map_or_else(|| values::key(schema), str::to_owned);
                self.step(Step::Value(key)).inside(value, risk, found);
            }
            Kind::Object(object) => {
                for field in object.fields {
                    let beside = beside(object, field);
                    let mut place = self.step(Step::Field {
                        name: field.name,
                        schema: &field.schema,
                        risk: &field.risk,
                        beside,
                    });
                    place.schema = &field.schema;
                    place.risk = &field.risk;
                    place.span = field.span;
                    place.any_version = field.any_version;
                    found.push(place.clone());
                    place.inside(&field.schema, &field.risk, found);
                }
            }
            _ => {}
        }
    }
}

/// A key that a map may always have.
fn harmless_key(risk: &Risk) -> Option<&'static str> {
    risk.benign.iter().find_map(|benign| match benign {
        Benign::Keys(keys) => keys.first().copied(),
        _ => None,
    })
}

/// Fields that an object must have beside another, so that only this one does
/// harm: those whose absence is not benign.
fn beside(object: &ObjectDef, field: &FieldDef) -> Vec<(&'static str, Value)> {
    object
        .fields
        .iter()
        .filter(|other| other.name != field.name && other.risk.guard == Guard::Guarded)
        .filter(|other| !other.risk.benign.contains(&Benign::Absent))
        .filter(|other| match other.absent {
            Effect::Default(word) => !other.risk.benign.contains(&Benign::Text(word)),
            _ => true,
        })
        .filter_map(|other| Some((other.name, values::benign(other.risk.benign.first()?))))
        .collect()
}

//! Conditions: from what a rule writes to typed matchers.
//!
//! A condition is read at a place ([`At`]): a parameter, a field, an element, a
//! part. The place's definition says which fields and matchers there can be, and
//! what a value must look like. Whatever does not fit is reported; what comes out
//! is only used when nothing was.

use super::rewrites::REWRITES;
use super::shape::is_passed_by_absence;
use super::values::Amount;
use super::{Resolver, meant};
use crate::api::definition::{
    BodyDef, Effect, FieldDef, Guard, Kind as SchemaKind, ObjectDef, OperationDef, ParameterDef,
    Risk, Schema,
};
use crate::diagnostic::{Code, SHOWN, Span, nearest};
use crate::format::Format;
use crate::policy::condition::{Condition, FieldCondition, Untagged, join};
use crate::policy::derived::{Derived, untagged};
use crate::policy::parts;
use crate::policy::rewrite::Place;
use crate::policy::rule::Conditions;
use crate::policy::slot::zero_of_inner;
use crate::policy::yaml::{Entry, Kind, Node};

/// The words that are matchers. Where a field or part is called by one of them
/// (the `image` of a mount), the word is the field.
pub(crate) const KEYWORDS: &[&str] = &[
    "any",
    "absent",
    "required",
    "equal",
    "not",
    "all_of",
    "any_of",
    "min",
    "max",
    "glob",
    "cidr",
    "under",
    "image",
    "each",
    "starts_with",
    "contains",
    "subset",
    "max_items",
    "keys",
    "values",
    "list",
];

/// Where a condition stands.
#[derive(Clone)]
pub(super) struct At {
    pub(super) schema: &'static Schema,
    pub(super) absent: Effect,
    pub(super) zero: Effect,
    /// The guarded leaf that it is, if it is one.
    pub(super) risk: Option<&'static Risk>,
    pub(super) path: String,
    /// Whether the condition is turned into its opposite.
    pub(super) negated: bool,
    /// What an image without tag and digest means here.
    pub(super) untagged: Untagged,
    /// Where a rewrite of it acts, if a rule may rewrite it here.
    pub(super) rewritable: Option<Place>,
}

/// The fields or parts of what has this type.
pub(crate) fn fields(schema: &Schema) -> Option<&'static ObjectDef> {
    match schema.kind {
        SchemaKind::Object(definition) => Some(definition),
        SchemaKind::Text => parts::definition(schema.format?),
        _ => None,
    }
}

impl At {
    pub(super) fn field(&self, index: usize, field: &'static FieldDef) -> Self {
        let rewritable = match (&self.rewritable, self.schema.kind) {
            (Some(Place::Body(path)), SchemaKind::Object(_)) => {
                let mut path = path.clone();
                path.push(index);
                Some(Place::Body(path))
            }
            _ => None,
        };
        Self {
            schema: &field.schema,
            absent: field.absent,
            zero: field.zero,
            risk: Some(&field.risk),
            path: join(&self.path, field.name),
            negated: self.negated,
            untagged: self.untagged,
            rewritable,
        }
    }

    fn parameter(place: &str, index: usize, parameter: &'static ParameterDef) -> Self {
        Self {
            rewritable: match place {
                "query" => Some(Place::Query(index)),
                "header" => Some(Place::Header(index)),
                _ => None,
            },
            schema: parameter.decoded(),
            absent: parameter.absent,
            zero: parameter.zero,
            risk: Some(&parameter.risk),
            path: join(place, parameter.name),
            negated: false,
            untagged: Untagged::Latest,
        }
    }

    fn whole(schema: &'static Schema, path: &str, untagged: Untagged) -> Self {
        Self {
            schema,
            absent: Effect::Nothing,
            zero: zero_of_inner(schema),
            risk: None,
            path: path.to_owned(),
            negated: false,
            untagged,
            rewritable: None,
        }
    }

    pub(super) fn inner(&self, schema: &'static Schema, piece: &str) -> Self {
        Self {
            negated: self.negated,
            // What a guarded list or map holds is of its class.
            risk: self.risk,
            ..Self::whole(schema, &join(&self.path, piece), self.untagged)
        }
    }

    /// The same place under a matcher, where nothing can be rewritten.
    pub(super) fn fixed(&self) -> Self {
        Self {
            rewritable: None,
            ..self.clone()
        }
    }

    /// Whether its absence means what the image or the Engine decides.
    fn is_others(&self) -> bool {
        match self.absent {
            Effect::Image => true,
            Effect::Default(words) => words.contains(' '),
            _ => false,
        }
    }

    /// The fields or parts that there are.
    fn fields(&self) -> Option<&'static ObjectDef> {
        fields(self.schema)
    }

    /// Whether there is a field or part of this name.
    fn has_field(&self, name: &str) -> bool {
        self.fields()
            .is_some_and(|object| object.fields.iter().any(|field| field.name == name))
    }

    /// What there is, for messages.
    pub(super) fn kind(&self) -> String {
        let plain = match (self.schema.kind, self.schema.format) {
            (SchemaKind::Int { .. }, Some(Format::Bytes)) => "a number of bytes",
            (SchemaKind::Int { .. }, Some(Format::Duration)) => "a duration",
            (SchemaKind::Int { .. }, Some(Format::Seconds)) => "a number of seconds",
            (SchemaKind::Int { .. }, Some(Format::Cpus)) => "a number of CPUs",
            (SchemaKind::Text, Some(format)) => {
                return format!("text of the format `{}`", format.name());
            }
            (SchemaKind::Bool, _) => "true or false",
            (SchemaKind::Int { .. }, _) => "an integer",
            (SchemaKind::Float, _) => "a number",
            (SchemaKind::Text, _) => "text",
            (SchemaKind::Enum(_), _) => "a word",
            (SchemaKind::Bytes, _) => "base64 text",
            (SchemaKind::List(_), _) => "a list",
            (SchemaKind::Map(_), _) => "a map",
            (SchemaKind::Object(_), _) => "an object",
        };
        plain.to_owned()
    }
}

impl Resolver {
    /// One of the places that a rule can speak of: `path`, `query`, `header`,
    /// `body`, or a derived field.
    pub(super) fn place(
        &mut self,
        operation: &'static OperationDef,
        entry: &Entry,
        conditions: &mut Conditions,
    ) {
        let (key, node) = (entry.key.text.as_str(), &entry.value);
        match key {
            "path" => {
                let found = self.parameters(operation.path_parameters, key, node);
                conditions.path.extend(found);
            }
            "query" => {
                let found = self.parameters(operation.query, key, node);
                conditions.query.extend(found);
            }
            "header" => {
                let found = self.parameters(operation.headers, key, node);
                conditions.header.extend(found);
            }
            "body" => match operation.body {
                BodyDef::Json { schema, .. } => {
                    let at = At {
                        rewritable: Some(Place::Body(Vec::new())),
                        ..At::whole(schema, key, Untagged::Latest)
                    };
                    conditions.body = self.condition(node, &at);
                }
                BodyDef::None | BodyDef::Stream { .. } => {
                    let message = format!("{} has no body with fields", operation.name);
                    self.report(Code::UnknownField, entry.key.span, message, None);
                }
            },
            name => match Derived::of(operation, name) {
                Some(derived) => {
                    let at = At {
                        rewritable: (derived == Derived::Mounts).then_some(Place::Mounts),
                        absent: derived.absent(),
                        zero: derived.zero(),
                        ..At::whole(derived.schema(), name, untagged(operation))
                    };
                    if let Some(condition) = self.condition(node, &at) {
                        if derived == Derived::Networks && !condition.opens() {
                            self.not_whole(entry.key.span, &at);
                        }
                        conditions.derived.push((derived, condition));
                    }
                }
                None => self.unknown_place(operation, entry),
            },
        }
    }

    fn unknown_place(&mut self, operation: &OperationDef, entry: &Entry) {
        let name = &entry.key.text;
        let has = [
            ("path", !operation.path_parameters.is_empty()),
            ("query", !operation.query.is_empty()),
            ("header", !operation.headers.is_empty()),
            ("body", matches!(operation.body, BodyDef::Json { .. })),
        ];
        let places = has.into_iter().filter(|(_, has)| *has);
        let names = places.map(|(place, _)| place);
        let names = names
            .chain(operation.derived.iter().copied())
            .chain(["fields"]);
        let all: Vec<&str> = names.collect();
        let help = meant::in_operation(operation, name)
            .or_else(|| nearest(name, all.iter().copied()))
            .unwrap_or_else(|| {
                format!(
                    "there can be {}; `opgate ops {}` shows what is in them",
                    all.join(", "),
                    operation.name
                )
            });
        let message = format!("`{name}` is not a part of {}", operation.name);
        self.report(Code::UnknownField, entry.key.span, message, help);
    }

    fn parameters(
        &mut self,
        definitions: &'static [ParameterDef],
        place: &str,
        node: &Node,
    ) -> Vec<FieldCondition> {
        let mut conditions = Vec::new();
        for entry in self.reader().entries(node) {
            let name = entry.key.text.as_str();
            let same = |definition: &&ParameterDef| {
                definition.name == name
                    || (place == "header" && definition.name.eq_ignore_ascii_case(name))
            };
            let Some(index) = definitions.iter().position(|definition| same(&definition)) else {
                let names = definitions.iter().map(|definition| definition.name);
                self.unknown_field(entry, place, names, None);
                continue;
            };
            let Some(definition) = definitions.get(index) else {
                continue;
            };
            if definition.span.since > self.level {
                self.too_new(entry.key.span, name, definition.span.since);
                continue;
            }
            let at = At::parameter(place, index, definition);
            if let Some(condition) = self.leaf(&entry.value, &at, entry.key.span) {
                conditions.push(FieldCondition {
                    index,
                    name: definition.name,
                    condition,
                });
            }
        }
        conditions
    }

    fn unknown_field<'n>(
        &mut self,
        entry: &Entry,
        path: &str,
        names: impl Iterator<Item = &'n str> + Clone,
        inside: Option<String>,
    ) {
        let message = format!("`{path}` has no `{}`", entry.key.text);
        let all: Vec<&str> = names.clone().collect();
        let near = nearest(&entry.key.text, names).or(inside);
        let help = near.unwrap_or_else(|| match all.as_slice() {
            [] => "there is nothing in it".to_owned(),
            all if all.len() <= 8 => format!("there can be {}", all.join(", ")),
            _ => "`opgate ops OPERATION` lists what there is".to_owned(),
        });
        self.report(Code::UnknownField, entry.key.span, message, help);
    }

    /// A condition on a field or parameter, which must open it if it is guarded.
    fn leaf(&mut self, node: &Node, at: &At, span: Span) -> Option<Condition> {
        let before = self.rewrites.len();
        let condition = self.condition(node, at)?;
        let object =
            matches!(at.schema.kind, SchemaKind::Object(object) if !object.fields.is_empty());
        let guarded = at.risk.is_some_and(|risk| risk.guard != Guard::Open);
        let harmless = self.writes_harmless(before, at);
        if guarded && !object && !at.negated && !harmless && !condition.opens_a(at.schema) {
            self.not_whole(span, at);
        }
        if guarded && !at.negated && !harmless {
            self.values_of_keys(&condition, at, span);
        }
        let as_such = at.risk.is_some_and(|risk| risk.guard == Guard::Guarded);
        if as_such && object && !self.denies && !at.negated && !harmless && !condition.opens() {
            let message = format!(
                "`{}` is guarded as such, and naming what is in it does not open it",
                at.path
            );
            self.warn(Code::NeverMatches, span, message, "add `required: true`");
        }
        if self.denies && !at.negated && at.is_others() && is_passed_by_absence(&condition) {
            let message = format!(
                "what `{}` is without being set nobody knows here, and the deny would not fire",
                at.path
            );
            let help = "write `any_of: [absent, { not: … }]`, or demand a value in the allow";
            self.report(Code::DenyShape, span, message, help.to_owned());
        }
        Some(condition)
    }

    /// What a node says of the value at a place.
    pub(super) fn condition(&mut self, node: &Node, at: &At) -> Option<Condition> {
        match &node.kind {
            Kind::Map(_) => self.map(node, at),
            Kind::Null => {
                let message = format!("nothing is said of `{}`", at.path);
                let help = "write `absent` if it must not be set, `any` if it may be anything";
                self.report(Code::WrongType, node.span, message, help.to_owned());
                None
            }
            Kind::Text(text) if text == "any" => self.any(node, at),
            Kind::Text(text) if text == "absent" => Some(Condition::Absent),
            Kind::Text(text) if text == "required" => Some(Condition::Required),
            Kind::List(_) | Kind::Text(_) | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => {
                self.one_of(node, at)
            }
        }
    }

    /// A plain value, or a list of which one must be the value.
    pub(super) fn one_of(&mut self, node: &Node, at: &At) -> Option<Condition> {
        match at.schema.kind {
            SchemaKind::List(_) | SchemaKind::Map(_) | SchemaKind::Object(_) => {
                let message = format!(
                    "`{}` is {}, and cannot be a plain value",
                    at.path,
                    at.kind()
                );
                let help = match at.schema.kind {
                    SchemaKind::List(_) => {
                        "write `subset: [ … ]` (nothing else), `contains: …` (among others) or `each: …`"
                    }
                    SchemaKind::Map(_) => "write `keys: …`, `values: …` or `contains: { KEY: … }`",
                    _ => "name its fields",
                };
                self.report(Code::WrongMatcher, node.span, message, help.to_owned());
                return None;
            }
            _ => {}
        }
        let nodes = self.values(node)?;
        if nodes.is_empty() {
            let message = "a choice of nothing fits nothing";
            self.report(Code::EmptyRange, node.span, message, None);
            return None;
        }
        let mut literals = Vec::with_capacity(nodes.len());
        for node in nodes.iter() {
            self.reference(node, at);
            literals.push(self.literal(node, at)?);
        }
        Some(Condition::OneOf(literals))
    }

    /// Matchers by name, and fields.
    fn map(&mut self, node: &Node, at: &At) -> Option<Condition> {
        let mut all = Vec::new();
        let mut fields = Vec::new();
        let mut bounds: (Option<Amount>, Option<Amount>) = (None, None);
        let mut whole = true;
        let rewrites = self.rewrites.len();
        let mut rewritten = None;
        let entries = self.reader().entries(node);
        if entries.is_empty() {
            let message = format!("nothing is said of `{}`", at.path);
            self.report(Code::WrongType, node.span, message, None);
            return None;
        }
        for entry in entries {
            let known = match entry.key.text.as_str() {
                "min" => {
                    bounds.0 = self.amount(entry, at);
                    bounds.0.is_some()
                }
                "max" => {
                    bounds.1 = self.amount(entry, at);
                    bounds.1.is_some()
                }
                name if KEYWORDS.contains(&name) && !at.has_field(name) => {
                    match self.keyword(entry, at) {
                        Some(condition) => {
                            all.push(condition);
                            true
                        }
                        None => false,
                    }
                }
                name if REWRITES.contains(&name) && !at.has_field(name) => {
                    match self.rewrite(entry, at) {
                        Some(condition) => {
                            all.push(condition);
                            rewritten = Some(entry.key.span);
                            true
                        }
                        None => false,
                    }
                }
                _ => match self.named(entry, at) {
                    Some(field) => {
                        fields.push(field);
                        true
                    }
                    None => false,
                },
            };
            whole &= known;
        }
        if bounds.0.is_some() || bounds.1.is_some() {
            all.push(self.range(bounds, node.span)?);
        }
        if !fields.is_empty() {
            all.push(Condition::Fields(fields));
        }
        if let Some(span) = rewritten {
            if self.rewrites.len() > rewrites.saturating_add(1) {
                let message = format!("`{}` is rewritten twice", at.path);
                let help = "one of `set`, `replace`, `default`, `remove`, `append`, `map`; \
                            and nothing in an object that is rewritten as a whole";
                self.report(Code::Rewrite, span, message, help.to_owned());
                whole = false;
            }
            whole &= !whole || self.fits_itself(&all, at, span);
        }
        match (whole, all.len()) {
            (false, _) => None,
            (true, 1) => all.pop(),
            (true, _) => Some(Condition::AllOf(all)),
        }
    }

    /// A condition on a field or part by name.
    fn named(&mut self, entry: &Entry, at: &At) -> Option<FieldCondition> {
        let name = entry.key.text.as_str();
        let Some(definition) = at.fields() else {
            let message = format!("there is no matcher `{name}`");
            let help = meant::matcher(name, at);
            self.report(Code::UnknownMatcher, entry.key.span, message, help);
            return None;
        };
        let (index, field) = self.field_named(entry, definition, &at.path)?;
        let at = at.field(index, field);
        let condition = self.leaf(&entry.value, &at, entry.key.span)?;
        Some(FieldCondition {
            index,
            name: field.name,
            condition,
        })
    }

    /// The field of an object that an entry names, if the file may speak of it.
    pub(super) fn field_named(
        &mut self,
        entry: &Entry,
        definition: &'static ObjectDef,
        path: &str,
    ) -> Option<(usize, &'static FieldDef)> {
        let name = entry.key.text.as_str();
        let mut fields = definition.fields.iter().enumerate();
        let Some((index, field)) = fields.find(|(_, field)| field.name == name) else {
            let names = definition.fields.iter().map(|field| field.name);
            // More findings are not shown to people, and looking is slow.
            let few = self.found.len() < SHOWN;
            let inside = few.then(|| meant::in_body(definition, name)).flatten();
            self.unknown_field(entry, path, names, inside);
            return None;
        };
        if field.span.since > self.level {
            self.too_new(entry.key.span, name, field.span.since);
            return None;
        }
        Some((index, field))
    }
}

//! Guarded fields: they keep a benign value unless a rule names them.
//!
//! Walks the values of a request beside their definitions and beside what a rule
//! says of them, and finds the first that is guarded (or that nobody has
//! classified yet, or that is newer than the policy) and not benign, and that
//! the rule does not open. Objects with fields are judged by their fields; lists
//! and maps by themselves and, element by element, by what they hold.
//!
//! Under a rule that admits listed fields only, whatever is set to anything but
//! zero must be named, open or not. Path parameters are always there and need no
//! name; a derived field stands for the fields that it is made of, and the parts
//! of mounts and texts go with what they are parts of.

use std::fmt;

use super::condition::{Condition, FieldCondition, is_key, join};
use super::derived::Derived;
use super::parts;
use super::rule::Conditions;
use super::slot::Slot;
use crate::api::definition::{
    ApiVersion, Benign, BodyDef, Effect, FieldDef, Guard, Kind, Risk, RiskClass, Schema, Span,
};
use crate::api::shown;
use crate::api::value::{Object, Value};
use crate::format::Format;
use crate::request::{Body, Decoded};

/// A guarded field with a value that is not benign.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Its path: `body.HostConfig.Privileged`, `query.force`.
    pub path: String,
    /// Its value, where it may be shown.
    pub shown: Option<String>,
    /// What it can do; nothing when it is unclassified.
    pub classes: &'static [RiskClass],
    /// The version that it is new in, if the policy is older.
    pub newer: Option<ApiVersion>,
    /// Whether it needs no rule by itself, but the rule admits listed fields only.
    pub unlisted: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let Some(shown) = &self.shown {
            write!(f, "={shown}")?;
        }
        if let Some(version) = self.newer {
            return write!(f, " is new in API {version}, after the policy's level");
        }
        if self.unlisted {
            return f.write_str(" is not listed by the rule, which admits listed fields only");
        }
        f.write_str(" is guarded")?;
        if self.classes.is_empty() {
            return f.write_str(" (unclassified)");
        }
        for (index, class) in self.classes.iter().enumerate() {
            f.write_str(if index == 0 { " (" } else { ", " })?;
            f.write_str(class.name())?;
        }
        f.write_str(")")
    }
}

/// The first guarded field of a request that is not benign and not opened.
/// `derived` is the value of each derived field that the rule names, `level` what
/// the policy is read as of.
pub(crate) fn first(
    request: &Decoded<'_>,
    opened: &Conditions,
    derived: &[Value<'_>],
    level: ApiVersion,
) -> Option<Finding> {
    let walk = Walk {
        level,
        derived: &opened.derived,
        listed: opened.listed,
        values: None,
    };
    let whole = walk.unlisted();
    let places = [
        (whole, "path", request.path(), &opened.path),
        (walk, "query", request.query(), &opened.query),
        (walk, "header", request.headers(), &opened.header),
    ];
    for (walk, place, parameters, conditions) in places {
        for (index, (definition, value)) in parameters.iter().enumerate() {
            let Some(found) = walk.leaf(
                Slot::parameter(definition, value),
                &definition.risk,
                definition.span,
                &named(conditions, index),
                &mut Trail(vec![place, definition.name]),
            ) else {
                continue;
            };
            return Some(found.at(&join(place, definition.name)));
        }
    }
    let body: Vec<&Condition> = opened.body.iter().collect();
    let found = match (request.body(), request.definition().body) {
        (Body::Json(value), BodyDef::Json { schema, .. }) => {
            let inside = || walk.inside(Slot::inner(schema, value), &body, &mut Trail::default());
            match value {
                Value::Object(_) => inside(),
                _ => whole_body(value, request, &body).or_else(inside),
            }
        }
        // A value without a definition is nothing that anybody could open.
        (Body::Json(value), _) => whole_body(value, request, &[]),
        (Body::None | Body::Stream(_), _) => None,
    };
    if let Some(found) = found {
        return Some(found.at("body"));
    }
    let mut derived = opened.derived.iter().zip(derived);
    derived.find_map(|((derived, condition), value)| {
        let slot = derived.slot(value);
        whole
            .inside(slot, &[condition], &mut Trail::default())
            .map(|found| found.at(derived.name()))
    })
}

/// A body that is not an object is guarded as long as it holds anything: it has no
/// field of its own to carry a class. Such lists are the privileges and settings of
/// plugins.
fn whole_body(
    value: &Value<'_>,
    request: &Decoded<'_>,
    conditions: &[&Condition],
) -> Option<Finding> {
    let empty = match value {
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    };
    let opened = conditions.iter().any(|condition| condition.opens());
    (!empty && !opened).then(|| Finding {
        path: String::new(),
        shown: None,
        classes: request.definition().risk,
        newer: None,
        unlisted: false,
    })
}

impl Finding {
    /// The same finding with what leads to it in front of its path.
    fn at(mut self, outer: &str) -> Self {
        self.path = join(outer, &self.path);
        self
    }
}

/// What is said of a field by name.
fn named(conditions: &[FieldCondition], index: usize) -> Vec<&Condition> {
    conditions
        .iter()
        .filter(|field| field.index == index)
        .map(|field| &field.condition)
        .collect()
}

/// The names that lead to where the walk is: from the body, or `query` or `header`
/// and the name of a parameter.
#[derive(Default)]
struct Trail(Vec<&'static str>);

impl Trail {
    fn within<T>(&mut self, name: &'static str, look: impl FnOnce(&mut Self) -> T) -> T {
        self.0.push(name);
        let seen = look(self);
        self.0.pop();
        seen
    }

    /// Whether this is where a dotted path leads.
    fn is(&self, path: &str) -> bool {
        let mut names = self.0.iter();
        path.split('.').all(|name| {
            let (name, list) = name
                .strip_suffix("[]")
                .map_or((name, false), |name| (name, true));
            names.next() == Some(&name) && (!list || names.next() == Some(&"[]"))
        }) && names.next().is_none()
    }
}

/// A walk under one rule.
#[derive(Clone, Copy)]
struct Walk<'r> {
    level: ApiVersion,
    derived: &'r [(Derived, Condition)],
    /// Whether the rule admits listed fields only.
    listed: bool,
    /// What the values of a guarded map can do that is not benign as a whole.
    values: Option<&'static [RiskClass]>,
}

impl Walk<'_> {
    /// The same walk where no name is needed.
    fn unlisted(self) -> Self {
        Self {
            listed: false,
            ..self
        }
    }

    fn object(
        &self,
        object: &Object<'_>,
        conditions: &[&Condition],
        trail: &mut Trail,
    ) -> Option<Finding> {
        object
            .fields()
            .enumerate()
            .find_map(|(index, (definition, value))| {
                if self.is_plainly_harmless(definition, value) {
                    return None;
                }
                let inner = of_field(conditions, index);
                trail
                    .within(definition.name, |trail| {
                        self.field(definition, value, &inner, trail)
                    })
                    .map(|found| found.at(definition.name))
            })
    }

    /// Whether a field is harmless whatever a rule says, and holds nothing that
    /// could be otherwise. Most fields of most requests are.
    fn is_plainly_harmless(&self, definition: &FieldDef, value: &Value<'_>) -> bool {
        let risk = &definition.risk;
        if value.is_absent() {
            // What is guarded even so is judged as any other value.
            let benign = || (risk.benign.iter()).any(|one| matches!(one, Benign::Absent));
            return risk.guard != Guard::Guarded || benign();
        }
        if self.listed {
            return false;
        }
        let empty = match value {
            Value::List(list) => list.is_empty(),
            Value::Map(map) => map.is_empty(),
            Value::Object(_) => false,
            Value::Text(_) => {
                (definition.schema.format).is_none_or(|it| parts::definition(it).is_none())
            }
            _ => true,
        };
        risk.guard == Guard::Open && definition.span.since <= self.level && empty
    }

    fn field(
        &self,
        definition: &'static FieldDef,
        value: &Value<'_>,
        conditions: &[&Condition],
        trail: &mut Trail,
    ) -> Option<Finding> {
        let slot = Slot::field(definition, value);
        // An object with fields is judged by them; if it is not there, so are
        // they, and what their absence means goes with it. Some are guarded as
        // such: to be there at all does something.
        if let Kind::Object(inner) = definition.schema.kind
            && !inner.fields.is_empty()
        {
            value.as_object()?;
            let newer = definition.span.since > self.level;
            if definition.risk.guard != Guard::Guarded && !newer {
                return self.inside(slot, conditions, trail);
            }
        }
        self.leaf(slot, &definition.risk, definition.span, conditions, trail)
    }

    fn leaf(
        &self,
        slot: Slot<'_, '_>,
        risk: &Risk,
        span: Span,
        conditions: &[&Condition],
        trail: &mut Trail,
    ) -> Option<Finding> {
        let newer = (span.since > self.level).then_some(span.since);
        let harmless = match risk.guard {
            // Not even `any` speaks of what came after the policy.
            _ if newer.is_some() => slot.value.is_zero(),
            Guard::Open => true,
            Guard::Unclassified => slot.value.is_zero(),
            Guard::Guarded => {
                is_benign(risk, slot.value) || defaults_to_benign(risk, &slot.absent, slot.value)
            }
        };
        let shut = !harmless && (newer.is_some() || !self.opens(conditions, slot, trail));
        // What every client says of every request needs no name.
        let usual = || risk.guard == Guard::Open && is_benign(risk, slot.value);
        let unlisted = || {
            self.listed && !slot.value.is_zero() && !usual() && !self.lists(conditions, slot, trail)
        };
        if shut || unlisted() {
            return Some(Finding {
                path: String::new(),
                shown: shown::value(slot.schema, slot.value),
                classes: risk.classes,
                newer: newer.filter(|_| shut),
                unlisted: !shut,
            });
        }
        let values = (!harmless && newer.is_none()).then_some(risk.classes);
        Self { values, ..*self }.inside(slot, conditions, trail)
    }

    /// Whether the rule opens the leaf that the walk is at.
    fn opens(&self, conditions: &[&Condition], slot: Slot<'_, '_>, trail: &Trail) -> bool {
        conditions.iter().any(|condition| opens(condition, slot))
            || self
                .derived
                .iter()
                .flat_map(|(derived, _)| derived.covers())
                .any(|path| trail.is(path))
    }

    /// Whether the rule names the leaf that the walk is at. An object is judged by
    /// its fields.
    fn lists(&self, conditions: &[&Condition], slot: Slot<'_, '_>, trail: &Trail) -> bool {
        matches!(slot.schema.kind, Kind::Object(object) if !object.fields.is_empty())
            || conditions.iter().any(|condition| names(condition, slot))
            || self
                .derived
                .iter()
                .flat_map(|(derived, _)| derived.covers().iter().chain(derived.stands_for()))
                .any(|path| trail.is(path))
    }

    /// What lists, maps, objects and texts with parts hold.
    ///
    /// Of a choice, one branch that fits must pass as a whole.
    fn inside(
        &self,
        slot: Slot<'_, '_>,
        conditions: &[&Condition],
        trail: &mut Trail,
    ) -> Option<Finding> {
        if conditions.is_empty() {
            return self.parts(slot, conditions, trail);
        }
        let flat = flatten(conditions);
        let choice = flat.iter().enumerate().find_map(|(at, one)| match one {
            Condition::AnyOf(any) => Some((at, any)),
            _ => None,
        });
        let Some((at, any)) = choice else {
            return self.parts(slot, &flat, trail);
        };
        let mut first = None;
        for branch in any.iter().filter(|branch| branch.matches(slot).allows()) {
            let mut chosen = flat.clone();
            if let Some(place) = chosen.get_mut(at) {
                *place = branch;
            }
            match self.inside(slot, &chosen, trail) {
                None => return None,
                found => first = first.or(found),
            }
        }
        first.or_else(|| {
            let mut rest = flat;
            rest.remove(at);
            self.inside(slot, &rest, trail)
        })
    }

    /// A value of a guarded map: it is opened by what is said of it, or benign in all
    /// its parts, or not there.
    fn value(
        &self,
        slot: Slot<'_, '_>,
        classes: &'static [RiskClass],
        conditions: &[&Condition],
        trail: &mut Trail,
    ) -> Option<Finding> {
        if slot.value.is_zero() || conditions.iter().any(|one| opens(one, slot)) {
            return None;
        }
        let parts = match slot.value {
            Value::Text(text) => slot
                .schema
                .format
                .and_then(|format| parts::of(format, text)),
            _ => None,
        };
        match parts {
            Some(parts) => self.unlisted().object(&parts, conditions, trail),
            None => Some(Finding {
                path: String::new(),
                shown: shown::value(slot.schema, slot.value),
                classes,
                newer: None,
                unlisted: false,
            }),
        }
    }

    fn parts(
        &self,
        slot: Slot<'_, '_>,
        conditions: &[&Condition],
        trail: &mut Trail,
    ) -> Option<Finding> {
        match (slot.schema.kind, slot.value) {
            (Kind::List(element), Value::List(values)) => {
                if !holds_objects(element) && !conditions.iter().any(|one| is_inside(one)) {
                    return None;
                }
                trail
                    .within("[]", |trail| {
                        values.iter().enumerate().find_map(|(index, value)| {
                            let inner = of_element(conditions, index);
                            self.inside(Slot::inner(element, value), &inner, trail)
                        })
                    })
                    .map(|found| found.at("[]"))
            }
            (Kind::Map(element), Value::Map(values)) => {
                // Who names the keys alone says nothing of the values.
                let said = conditions
                    .iter()
                    .any(|one| !matches!(one, Condition::Keys(..)) && opens(one, slot));
                let classes = self.values.filter(|_| !said && !holds_objects(element));
                let walk = Self {
                    values: None,
                    ..*self
                };
                trail
                    .within("{}", |trail| {
                        values.iter().find_map(|(key, value)| {
                            let inner = of_entry(conditions, key, slot.schema.format);
                            let slot = Slot::inner(element, value);
                            classes
                                .and_then(|classes| walk.value(slot, classes, &inner, trail))
                                .or_else(|| walk.inside(slot, &inner, trail))
                        })
                    })
                    .map(|found| found.at("{}"))
            }
            (Kind::Object(_), Value::Object(object)) => self.object(object, conditions, trail),
            // A text with parts that are named one by one.
            (Kind::Text, Value::Text(text)) if conditions.iter().any(|one| names_parts(one)) => {
                let format = slot.schema.format?;
                let parts = parts::of(format, text)?;
                self.unlisted().object(&parts, conditions, trail)
            }
            _ => None,
        }
    }
}

/// The conditions without the `all_of` around them.
fn flatten<'c>(conditions: &[&'c Condition]) -> Vec<&'c Condition> {
    let mut flat = Vec::with_capacity(conditions.len());
    for condition in conditions {
        match condition {
            Condition::AllOf(all) => flat.extend(flatten(&all.iter().collect::<Vec<_>>())),
            condition => flat.push(*condition),
        }
    }
    flat
}

/// Whether a condition opens a leaf with this value: of a choice, a branch that
/// fits must.
fn opens(condition: &Condition, slot: Slot<'_, '_>) -> bool {
    match condition {
        Condition::AnyOf(any) => any
            .iter()
            .any(|branch| branch.matches(slot).allows() && opens(branch, slot)),
        Condition::AllOf(all) => all.iter().any(|one| opens(one, slot)),
        condition => condition.opens_a(slot.schema),
    }
}

/// Whether a condition on a leaf with this value names it: of a choice, a branch
/// that fits must.
fn names(condition: &Condition, slot: Slot<'_, '_>) -> bool {
    match condition {
        Condition::AnyOf(any) => any
            .iter()
            .any(|branch| branch.matches(slot).allows() && names(branch, slot)),
        // A rewrite may leave nothing to be judged.
        Condition::AllOf(all) => all.is_empty() || all.iter().any(|one| names(one, slot)),
        _ => true,
    }
}

/// What is said of a field.
fn of_field<'c>(conditions: &[&'c Condition], index: usize) -> Vec<&'c Condition> {
    let mut of_field = Vec::new();
    for condition in conditions {
        match condition {
            Condition::Fields(fields) => of_field.extend(named(fields, index)),
            // Whatever it holds was allowed on purpose.
            Condition::Any | Condition::Exactly(_) => of_field.push(*condition),
            _ => {}
        }
    }
    of_field
}

/// What is said of the element at a place.
fn of_element<'c>(conditions: &[&'c Condition], index: usize) -> Vec<&'c Condition> {
    conditions
        .iter()
        .filter_map(|condition| match condition {
            Condition::Each(each) => Some(each.as_ref()),
            Condition::Begins { with, .. } => with.get(index),
            Condition::Any | Condition::Exactly(_) => Some(*condition),
            _ => None,
        })
        .collect()
}

/// What is said of the value of a key.
fn of_entry<'c>(
    conditions: &[&'c Condition],
    key: &str,
    format: Option<Format>,
) -> Vec<&'c Condition> {
    conditions
        .iter()
        .filter_map(|condition| match condition {
            Condition::Values(values) => Some(values.as_ref()),
            Condition::Entry(name, value) if is_key(format, key, name) => Some(value.as_ref()),
            Condition::Any | Condition::Exactly(_) => Some(*condition),
            _ => None,
        })
        .collect()
}

fn names_parts(condition: &Condition) -> bool {
    match condition {
        Condition::Fields(_) => true,
        Condition::AllOf(all) | Condition::AnyOf(all) => all.iter().any(names_parts),
        // It speaks of parts, and opens none of them.
        Condition::Not(inner) => names_parts(inner),
        _ => false,
    }
}

/// Whether a condition says something of what a list holds, part by part.
fn is_inside(condition: &Condition) -> bool {
    match condition {
        Condition::Each(each) => names_parts(each),
        Condition::Begins { with, .. } => with.iter().any(names_parts),
        _ => false,
    }
}

/// Whether anything in there can be guarded by itself.
pub(crate) fn holds_objects(schema: &Schema) -> bool {
    match schema.kind {
        Kind::Object(_) => true,
        Kind::List(inner) | Kind::Map(inner) => holds_objects(inner),
        _ => false,
    }
}

/// Whether an absent value stands for a default that is itself benign.
pub(crate) fn defaults_to_benign(risk: &Risk, absent: &Effect, value: &Value<'_>) -> bool {
    let Effect::Default(word) = absent else {
        return false;
    };
    value.is_absent()
        && risk
            .benign
            .iter()
            .any(|benign| matches!(benign, Benign::Text(text) if text == word))
}

/// Whether a value is one that needs no rule.
pub(crate) fn is_benign(risk: &Risk, value: &Value<'_>) -> bool {
    risk.benign.iter().any(|benign| is(benign, value))
}

fn is(benign: &Benign, value: &Value<'_>) -> bool {
    match (benign, value) {
        (Benign::Absent, value) => value.is_absent(),
        (Benign::Bool(benign), Value::Bool(value)) => benign == value,
        (Benign::Int(benign), Value::Int(value)) => benign == value,
        (Benign::Text(benign), Value::Text(text)) => benign == text,
        (Benign::Empty, Value::List(list)) => list.is_empty(),
        (Benign::Empty, Value::Map(map)) => map.is_empty(),
        (Benign::Empty, Value::Object(object)) => {
            object.fields().all(|(_, value)| value.is_absent())
        }
        (Benign::Each(words), Value::List(list)) => list.iter().all(|value| match value {
            Value::Text(text) => words.contains(&text.as_ref()),
            Value::List(_) => is(benign, value),
            _ => false,
        }),
        (Benign::Keys(words), Value::Map(entries)) => {
            entries.iter().all(|(key, _)| words.contains(&key.as_ref()))
        }
        _ => false,
    }
}

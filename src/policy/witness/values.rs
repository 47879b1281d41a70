//! A condition → values that fit it: the least first, then those that are at its
//! edges.
//!
//! What is proposed is a guess; what is kept was asked of the condition itself.

use serde_json::{Map, Value as Json, json};

use super::samples::{self, DIGEST, MOST};
use super::texts;
use crate::api::definition::{Effect, Kind, Schema};
use crate::api::value::Value;
use crate::api::{decode, encode};
use crate::policy::condition::{
    ABSENT, Condition, FieldCondition, ImageMatcher, ImagePattern, Network, Range, key_schema,
};
use crate::policy::guard::holds_objects;
use crate::policy::slot::Slot;

/// How many objects are proposed for one place.
const MOST_OBJECTS: usize = 1000;

/// How many values of a choice are looked at.
const MOST_PROPOSED: usize = 4096;

/// How many conditions on one value are put together.
const MOST_TOGETHER: usize = 12;

/// Where a value stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) schema: &'static Schema,
    pub(super) absent: Effect,
    pub(super) zero: Effect,
}

impl Place {
    /// An element, a map's value or a body.
    pub(super) fn inner(schema: &'static Schema) -> Self {
        Self {
            schema,
            absent: Effect::Nothing,
            zero: Effect::Value,
        }
    }
}

/// Values that fit all the conditions; `None` is that there is no value.
pub(super) fn fits(conditions: &[&Condition], place: Place) -> Vec<Option<Json>> {
    let proposed = match conditions {
        [only] => propose(only, place),
        several => all_of(several, place),
    };
    // What does the most is tried, whatever form the rule has.
    let worst = match place.schema.kind {
        Kind::Text | Kind::Enum(_) => samples::of(place.schema),
        _ => Vec::new(),
    };
    let mut kept: Vec<Option<Json>> = Vec::new();
    let proposed = proposed.into_iter().chain(worst).map(Some);
    for value in std::iter::once(None).chain(proposed) {
        let fits = |condition: &&Condition| admits(condition, place, value.as_ref());
        if !kept.contains(&value) && conditions.iter().all(fits) {
            kept.push(value);
        }
        // Each field of an object has values of its own.
        let most = if holds_objects(place.schema) {
            MOST_OBJECTS
        } else {
            MOST
        };
        if kept.len() == most {
            break;
        }
    }
    kept
}

/// Whether an allow may rely on that the value fits.
fn admits(condition: &Condition, place: Place, value: Option<&Json>) -> bool {
    let slot = |value| Slot {
        schema: place.schema,
        absent: place.absent,
        zero: place.zero,
        value,
    };
    let verdict = match value {
        None => condition.matches(slot(&ABSENT)),
        // The gate is asked about what is made here and not in the definitions.
        Some(_) if !is_defined(place.schema) => return true,
        Some(value) => {
            let bytes = value.to_string();
            let decoded = decode::json(
                place.schema,
                bytes.as_bytes(),
                "value",
                &[],
                &mut Vec::new(),
            );
            match decoded {
                Ok(value) => condition.matches(slot(&value)),
                Err(_) => return false,
            }
        }
    };
    verdict.allows()
}

/// Whether a value can be decoded: parts and derived fields are never sent.
fn is_defined(schema: &Schema) -> bool {
    match schema.kind {
        Kind::Object(object) => object.fields.is_empty() || !object.lookup.is_empty(),
        Kind::List(inner) | Kind::Map(inner) => is_defined(inner),
        _ => true,
    }
}

/// A decoded value as JSON.
pub(super) fn json_of(value: &Value<'_>) -> Option<Json> {
    let mut bytes = Vec::new();
    encode::json(value, &mut bytes);
    serde_json::from_slice(&bytes).ok()
}

fn propose(condition: &Condition, place: Place) -> Vec<Json> {
    let schema = place.schema;
    match condition {
        Condition::Any | Condition::Absent | Condition::Required | Condition::MaxItems(_) => {
            samples::of(schema)
        }
        Condition::Not(inner) => {
            let mut values = samples::of(schema);
            values.extend(propose(inner, place));
            values
        }
        Condition::OneOf(literals) => {
            let literals = literals.iter();
            literals.filter_map(|one| json_of(one.value())).collect()
        }
        Condition::Exactly(value) => json_of(value).into_iter().collect(),
        Condition::Range(range) => numbers(*range, schema),
        Condition::Glob(globs) => globs.iter().map(|glob| filled(glob.written())).collect(),
        Condition::Under(roots) => {
            let below = |root: &String| [root.clone(), format!("{}/x", root.trim_end_matches('/'))];
            roots.iter().flat_map(below).map(Json::from).collect()
        }
        Condition::Within(networks) => {
            let shown = networks.iter().map(Network::shown);
            let address = |text: String| match text.split_once('/') {
                Some((address, _)) => vec![json!(address), json!(text)],
                None => vec![json!(text)],
            };
            shown.flat_map(address).collect()
        }
        Condition::Image(image) => images(image),
        Condition::Each(inner) | Condition::Contains(inner) => {
            let Kind::List(element) = schema.kind else {
                return Vec::new();
            };
            let values: Vec<Json> = fits(&[inner], Place::inner(element))
                .into_iter()
                .flatten()
                .collect();
            let rest = samples::rests(element);
            let whole = values.iter().take(8).flat_map(|value| {
                rest.iter()
                    .map(|rest| super::merged(Some(rest.clone()), value.clone()))
            });
            let elements = values.iter().cloned().chain(whole);
            let lists = elements.map(|element| json!([element]));
            std::iter::once(json!([])).chain(lists).collect()
        }
        Condition::Begins { with, .. } => beginnings(with, schema),
        Condition::Keys(..) | Condition::Values(_) | Condition::Entry(..) => {
            maps(condition, schema)
        }
        Condition::AllOf(all) => all_of(&all.iter().collect::<Vec<_>>(), place),
        Condition::AnyOf(any) => {
            let all = any.iter().flat_map(|one| propose(one, place));
            all.take(MOST_PROPOSED).collect()
        }
        Condition::Fields(fields) => match schema.kind {
            Kind::Object(_) => objects(fields, schema),
            _ => texts::composed(fields, schema),
        },
    }
}

/// What each of several conditions proposes, and what two of them say together.
fn all_of(conditions: &[&Condition], place: Place) -> Vec<Json> {
    let parts: Vec<Vec<Json>> = (conditions.iter().take(MOST_TOGETHER))
        .map(|condition| propose(condition, place))
        .collect();
    let mut values: Vec<Json> = parts.iter().flatten().cloned().collect();
    for (index, part) in parts.iter().enumerate() {
        for other in parts.iter().skip(index.saturating_add(1)) {
            let few =
                |some: &'_ [Json], most: usize| some.iter().take(most).cloned().collect::<Vec<_>>();
            let pairs = [
                (few(part, 4), few(other, 64)),
                (few(part, 64), few(other, 4)),
            ];
            for (a, b) in pairs
                .iter()
                .flat_map(|(a, b)| a.iter().flat_map(move |a| b.iter().map(move |b| (a, b))))
            {
                let (Json::Object(a), Json::Object(b)) = (a, b) else {
                    continue;
                };
                let both = a.iter().chain(b);
                values.push(Json::Object(
                    both.map(|(key, value)| (key.clone(), value.clone()))
                        .collect(),
                ));
                // The keys of one with what the other has for values.
                if let Some(value) = b.values().next() {
                    let keys = a.keys().map(|key| (key.clone(), value.clone()));
                    values.push(Json::Object(keys.collect()));
                }
                if let Some(value) = a.values().next() {
                    let keys = b.keys().map(|key| (key.clone(), value.clone()));
                    values.push(Json::Object(keys.collect()));
                }
            }
        }
    }
    values
}

fn numbers(range: Range, schema: &Schema) -> Vec<Json> {
    let (min, max) = (range.min.unwrap_or(1), range.max);
    let ends = [max.unwrap_or(min.saturating_add(1000)), min, 0];
    ends.into_iter()
        .filter_map(|number| i64::try_from(number).ok())
        .map(|number| match schema.kind {
            Kind::Text => json!(number.to_string()),
            _ => json!(number),
        })
        .flat_map(|value| match (&value, schema.format) {
            (Json::String(text), Some(crate::format::Format::Port)) => {
                vec![json!(format!("{text}/tcp"))]
            }
            _ => vec![value],
        })
        .collect()
}

/// A text of a form.
fn filled(form: &str) -> Json {
    json!(form.replace("**", "x").replace(['*', '?'], "x"))
}

fn images(image: &ImageMatcher) -> Vec<Json> {
    let names: Vec<String> = if image.names.is_empty() {
        vec!["example".to_owned()]
    } else {
        let written = image.names.iter().map(ImagePattern::written);
        written
            .map(|form| form.replace("**", "x").replace(['*', '?'], "x"))
            .collect()
    };
    let mut values = Vec::new();
    for name in names {
        let tags = image.tags.iter().map(|tag| filled(tag.written()));
        for tag in tags.filter_map(|tag| tag.as_str().map(str::to_owned)) {
            values.push(json!(format!("{name}:{tag}")));
            values.push(json!(format!("{name}:{tag}@{DIGEST}")));
        }
        values.push(json!(format!("{name}:latest")));
        values.push(json!(format!("{name}@{DIGEST}")));
        values.push(json!(name));
    }
    values.push(json!(DIGEST));
    values
}

fn beginnings(with: &[Condition], schema: &Schema) -> Vec<Json> {
    let Kind::List(element) = schema.kind else {
        return Vec::new();
    };
    let options: Vec<Vec<Option<Json>>> = with
        .iter()
        .map(|condition| {
            let mut values = fits(&[condition], Place::inner(element));
            values.retain(Option::is_some);
            values
        })
        .collect();
    let chosen = variations(&options).into_iter();
    chosen
        .map(|values| Json::Array(values.into_iter().flatten().collect()))
        .collect()
}

fn maps(condition: &Condition, schema: &Schema) -> Vec<Json> {
    let Kind::Map(inner) = schema.kind else {
        return Vec::new();
    };
    let values = || samples::of(inner).into_iter();
    match condition {
        Condition::Keys(format, condition) => {
            let keys = fits(&[condition], Place::inner(key_schema(*format)));
            let keys = keys.into_iter().flatten();
            keys.filter_map(|key| key.as_str().map(str::to_owned))
                .flat_map(|key| {
                    values()
                        .map(move |value| json!({ key.as_str(): value }))
                        .take(8)
                })
                .collect()
        }
        Condition::Values(condition) => {
            let fitting = fits(&[condition], Place::inner(inner))
                .into_iter()
                .flatten();
            let keys = samples::texts(schema.format).iter().take(4);
            fitting
                .flat_map(|value| keys.clone().map(move |key| json!({ *key: value.clone() })))
                .collect()
        }
        Condition::Entry(name, condition) => fits(&[condition], Place::inner(inner))
            .into_iter()
            .flatten()
            .map(|value| json!({ name.as_str(): value }))
            .collect(),
        _ => Vec::new(),
    }
}

/// Objects whose fields fit.
fn objects(fields: &[FieldCondition], schema: &Schema) -> Vec<Json> {
    let Kind::Object(definition) = schema.kind else {
        return Vec::new();
    };
    let (names, options) = by_field(fields, definition);
    let chosen = variations(&options).into_iter();
    chosen
        .map(|values| {
            let entries = names.iter().zip(values);
            let there = entries.filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
            Json::Object(there.collect::<Map<_, _>>())
        })
        .collect()
}

/// For each field that is spoken of, its name and the values that fit.
pub(super) fn by_field(
    fields: &[FieldCondition],
    definition: &'static crate::api::definition::ObjectDef,
) -> (Vec<&'static str>, Vec<Vec<Option<Json>>>) {
    let mut names = Vec::new();
    let mut options = Vec::new();
    for (index, field) in definition.fields.iter().enumerate() {
        let said: Vec<&Condition> = fields
            .iter()
            .filter(|one| one.index == index)
            .map(|one| &one.condition)
            .collect();
        if said.is_empty() {
            continue;
        }
        let place = Place {
            schema: &field.schema,
            absent: field.absent,
            zero: field.zero,
        };
        names.push(field.name);
        options.push(fits(&said, place));
    }
    (names, options)
}

/// Choices of one option for each place: the first of each, then with one of them
/// another; then the same beginning with the second of each. None if a place has
/// no option.
pub(super) fn variations(options: &[Vec<Option<Json>>]) -> Vec<Vec<Option<Json>>> {
    let Some(first) = options
        .iter()
        .map(|options| options.first().cloned())
        .collect::<Option<Vec<_>>>()
    else {
        return Vec::new();
    };
    let set = |options: &Vec<Option<Json>>| options.iter().find(|one| one.is_some()).cloned();
    let second: Vec<Option<Json>> = (options.iter().zip(&first))
        .map(|(options, first)| set(options).unwrap_or_else(|| first.clone()))
        .collect();
    let mut found = vec![first.clone()];
    for base in [first, second] {
        found.push(base.clone());
        for (index, options) in options.iter().enumerate() {
            for option in options {
                let mut changed = base.clone();
                if let Some(place) = changed.get_mut(index) {
                    place.clone_from(option);
                }
                found.push(changed);
            }
        }
    }
    found
}

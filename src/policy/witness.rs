//! Requests that a rule might allow, made from what it says.
//!
//! A search, not a proof: of each thing that a rule speaks of, the values at the
//! edges of what it says are tried one at a time, over the least request that
//! fits, and every other field once. Whoever uses the requests asks the policies
//! about each of them.

mod derived;
mod probes;
mod samples;
mod texts;
mod values;

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::Rules;
use super::condition::{Condition, FieldCondition};
use super::rule::{Conditions, Deny, When};
use crate::api::definition::{ApiVersion, BodyDef, Kind, OperationDef, ParameterDef, Reading};
use crate::example::Example;
use values::{Place, fits, variations};

/// How many requests are made for one rule.
const MOST: usize = 4000;

/// How many times a rule may be asked about a request, so that many rules do not
/// take for ever.
const ASKED: usize = 2_000_000;

/// How many requests are made for a rule, however many rules there are.
const LEAST: usize = 8;

/// What was made of rules.
pub(super) struct Search {
    /// The requests.
    pub(super) examples: Vec<Example>,
    /// Whether there were more than could be asked about.
    pub(super) cut: bool,
}

/// A request that is being made.
#[derive(Clone, Debug, Default, PartialEq)]
struct Draft {
    path: Map<String, Json>,
    query: Map<String, Json>,
    header: Map<String, Json>,
    body: Option<Json>,
    version: Option<ApiVersion>,
}

/// What a value of a draft is for.
enum Slot {
    Path(&'static str),
    Query(&'static str),
    Header(&'static str),
    Body,
    Derived(super::derived::Derived),
}

impl Draft {
    fn put(&mut self, slot: &Slot, value: Option<Json>) {
        let Some(value) = value else {
            return;
        };
        let (map, name) = match slot {
            Slot::Path(name) => (&mut self.path, name),
            Slot::Query(name) => (&mut self.query, name),
            Slot::Header(name) => (&mut self.header, name),
            Slot::Body => {
                self.body = Some(merged(self.body.take(), value));
                return;
            }
            Slot::Derived(derived) => return derived::put(self, *derived, &value),
        };
        map.insert((*name).to_owned(), value);
    }

    /// The draft with what another one has besides, or otherwise.
    fn over(mut self, other: Self) -> Self {
        self.path.extend(other.path);
        self.query.extend(other.query);
        self.header.extend(other.header);
        self.version = other.version.or(self.version);
        if let Some(body) = other.body {
            self.body = Some(merged(self.body.take(), body));
        }
        self
    }

    fn example(mut self, definition: &OperationDef) -> Option<Example> {
        // A reference is written into the parameter that the operation has for it.
        let known = |all: &[ParameterDef], name: &String| all.iter().any(|it| it.name == name);
        (self.path).retain(|name, _| known(definition.path_parameters, name));
        (self.query).retain(|name, _| known(definition.query, name));
        let mut request = json!({ "operation": definition.name });
        let object = request.as_object_mut()?;
        if let Some(version) = self.version.or(definition.span.until) {
            object.insert("version".to_owned(), json!(version.to_string()));
        }
        for (name, map) in [
            ("path", self.path),
            ("query", self.query),
            ("header", self.header),
        ] {
            if !map.is_empty() {
                object.insert(name.to_owned(), Json::Object(map));
            }
        }
        if let Some(body) = self.body {
            object.insert("body".to_owned(), body);
        }
        Example::from_json(&request).ok()
    }
}

/// One value over another: fields beside each other, anything else instead.
fn merged(below: Option<Json>, above: Json) -> Json {
    match (below, above) {
        (Some(Json::Object(mut below)), Json::Object(above)) => {
            for (key, value) in above {
                let inner = below.remove(&key);
                below.insert(key, merged(inner, value));
            }
            Json::Object(below)
        }
        (_, above) => above,
    }
}

/// Requests of the operation for which the rules may differ from other rules, or
/// which they may allow though they do harm. `allowed` tells whether a request is
/// allowed: the others are made from one that is. What `others` deny is tried, too;
/// and `each` field by itself, where rules can differ in fields that neither names.
pub(super) fn examples(
    definition: &'static OperationDef,
    rules: &Rules,
    others: &[Arc<Deny>],
    each: bool,
    allowed: impl Fn(&Example) -> bool,
) -> Search {
    let asked = rules.allow.len().saturating_mul(
        (rules.allow.len())
            .saturating_add(rules.deny.len())
            .saturating_add(others.len()),
    );
    let most = (ASKED / asked.max(1)).clamp(LEAST, MOST);
    let ends = probes::ends(definition);
    let probes = if each {
        probes::of(definition)
    } else {
        Vec::new()
    };
    let all = rules.deny.iter().chain(others);
    let denied: Vec<Draft> = all
        .flat_map(|deny| match &deny.when {
            When::Always => Vec::new(),
            When::All(all) => vec![all.iter().collect::<Vec<_>>()],
            When::Any(any) => any.iter().map(|one| vec![one]).collect(),
        })
        .flat_map(|conditions| drafts(definition, &conditions, &ends))
        .take(MOST)
        .collect();
    let mut search = Search {
        examples: Vec::new(),
        cut: false,
    };
    for rule in &rules.allow {
        let drafts = drafts(definition, &[&rule.conditions], &ends);
        let passes = |draft: &&Draft| {
            let example = (*draft).clone().example(definition);
            example.is_some_and(|example| allowed(&example))
        };
        let mut first = drafts.iter().take(most);
        let base = first.find(passes).or(drafts.first()).cloned();
        let base = base.unwrap_or_default();
        let over = |draft: Draft| base.clone().over(draft);
        let struck = denied.iter().cloned().map(over);
        let probes = probes.iter().cloned().map(over);
        let mut all = drafts.iter().cloned().chain(struck).chain(probes);
        let some = all.by_ref().take(most);
        (search.examples).extend(some.filter_map(|draft| draft.example(definition)));
        search.cut |= all.next().is_some();
    }
    search
}

/// Parameters in one place of a request: what they are, and what is said of them.
type PlaceOf = (
    &'static [ParameterDef],
    fn(&'static str) -> Slot,
    fn(&Conditions) -> &Vec<FieldCondition>,
);

/// Drafts that fit conditions, as far as can be seen here; each again in the versions
/// that are the last to have something.
fn drafts(
    definition: &'static OperationDef,
    all: &[&Conditions],
    ends: &[ApiVersion],
) -> Vec<Draft> {
    let mut slots = Vec::new();
    let mut options = Vec::new();
    let places: [PlaceOf; 3] = [
        (definition.path_parameters, Slot::Path, |it| &it.path),
        (definition.query, Slot::Query, |it| &it.query),
        (definition.headers, Slot::Header, |it| &it.header),
    ];
    for (parameters, slot, fields) in places {
        for (index, parameter) in parameters.iter().enumerate() {
            let said: Vec<&Condition> = (all.iter())
                .flat_map(|conditions| fields(conditions))
                .filter(|field| field.index == index)
                .map(|field| &field.condition)
                .collect();
            let path = matches!(slot(""), Slot::Path(_));
            if said.is_empty() && (path || !parameter.required) {
                continue;
            }
            options.push(parameter_values(parameter, &said));
            slots.push(slot(parameter.name));
        }
    }
    if let BodyDef::Json { schema, .. } = definition.body {
        let said: Vec<&Condition> = all.iter().filter_map(|it| it.body.as_ref()).collect();
        let mut values = fits(&said, Place::inner(schema));
        if values.first() == Some(&None) {
            // An object that says nothing is as good as none.
            let empty = if matches!(schema.kind, Kind::List(_)) {
                json!([])
            } else {
                json!({})
            };
            values.insert(0, Some(empty));
        }
        options.push(values);
        slots.push(Slot::Body);
    }
    for (derived, condition) in all.iter().flat_map(|it| &it.derived) {
        options.push(derived::fits(*derived, condition));
        slots.push(Slot::Derived(*derived));
    }
    let chosen = variations(&options).into_iter();
    let mut drafts: Vec<Draft> = chosen
        .map(|values| {
            let mut draft = Draft::default();
            for (slot, value) in slots.iter().zip(values) {
                draft.put(slot, value);
            }
            draft
        })
        .collect();
    let older: Vec<Draft> = ends
        .iter()
        .flat_map(|version| {
            let of_version = |draft: &Draft| Draft {
                version: Some(*version),
                ..draft.clone()
            };
            drafts.iter().map(of_version).collect::<Vec<_>>()
        })
        .collect();
    drafts.extend(older);
    drafts
}

/// Values of a parameter.
fn parameter_values(parameter: &'static ParameterDef, said: &[&Condition]) -> Vec<Option<Json>> {
    let place = Place {
        schema: parameter.decoded(),
        absent: parameter.absent,
        zero: parameter.zero,
    };
    let mut values = if said.is_empty() {
        samples::of(place.schema).into_iter().map(Some).collect()
    } else {
        fits(said, place)
    };
    if parameter.required {
        values.retain(Option::is_some);
    }
    // Headers that are one parameter share the beginning of their names.
    if matches!(parameter.reading, Reading::Prefix) {
        for value in values.iter_mut().flatten() {
            if let Json::Object(map) = value {
                let names = std::mem::take(map).into_iter();
                *map = names
                    .map(|(name, value)| {
                        if name.starts_with(parameter.name) {
                            (name, value)
                        } else {
                            (format!("{}{name}", parameter.name), value)
                        }
                    })
                    .collect();
            }
        }
    }
    values
}

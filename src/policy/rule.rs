//! Rules: an operation with conditions, and whether a request fits.

use std::sync::Arc;

use super::RuleName;
use super::condition::{ABSENT, Condition, FieldCondition, join};
use super::derived::Derived;
use super::guard::{self, Finding};
use super::rewrite::{self, Rewrite, Rewritten};
use super::slot::Slot;
use super::verdict::Verdict;
use crate::api::decode::Parameters;
use crate::api::definition::{ApiVersion, BodyDef};
use crate::api::value::Value;
use crate::request::{Body, Decoded};

/// What a rule says of the parts of a request. Nothing said is nothing demanded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) path: Vec<FieldCondition>,
    pub(crate) query: Vec<FieldCondition>,
    pub(crate) header: Vec<FieldCondition>,
    pub(crate) body: Option<Condition>,
    pub(crate) derived: Vec<(Derived, Condition)>,
    /// Of an allow: whether only what is named may be set.
    pub(crate) listed: bool,
}

/// A rule that allows.
#[derive(Debug)]
pub(crate) struct Allow {
    pub(crate) name: Arc<RuleName>,
    pub(crate) conditions: Conditions,
    /// What it changes in a request before it judges it.
    pub(crate) rewrites: Vec<Rewrite>,
    /// The level that its policy is read as of.
    pub(crate) level: ApiVersion,
}

/// A rule that denies.
#[derive(Debug)]
pub(crate) struct Deny {
    pub(crate) name: Arc<RuleName>,
    pub(crate) when: When,
}

/// When a rule denies.
#[derive(Debug)]
pub(crate) enum When {
    /// Whatever the request is.
    Always,
    /// When all of these hold.
    All(Vec<Conditions>),
    /// When one of these holds.
    Any(Vec<Conditions>),
}

/// A deny that fired.
#[derive(Debug)]
pub(crate) struct Fired {
    /// The field that it fired for; none if it denies the operation as such.
    pub(crate) path: Option<String>,
}

/// Why a rule does not allow a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Why {
    /// A value is not what the rule demands.
    Refused {
        /// Its path.
        path: String,
        /// It, as far as it may be shown.
        found: String,
        /// What it must be.
        must: String,
    },
    /// A guarded field is not benign and not named by the rule.
    Guarded(Finding),
    /// A rule denies what this one makes of the request.
    Denied {
        /// The rule that denies.
        rule: Arc<RuleName>,
        /// The field that it denies it for; none if it denies the operation.
        path: Option<String>,
    },
}

impl Why {
    /// The path of the field.
    pub(crate) fn path(&self) -> Option<&str> {
        match self {
            Self::Refused { path, .. } => Some(path),
            Self::Guarded(finding) => Some(&finding.path),
            Self::Denied { path, .. } => path.as_deref(),
        }
    }
}

impl Allow {
    /// Whether the rule accepts the request as a whole. A rule that rewrites is
    /// asked about what it makes of the request, and that is what it gives back:
    /// it must pass the denies as the request itself did.
    pub(crate) fn accepts<'a>(
        &self,
        request: &Decoded<'a>,
        denies: &[Arc<Deny>],
    ) -> Result<Option<Rewritten<'a>>, Why> {
        if self.rewrites.is_empty() {
            return self.judge(request).map(|()| None);
        }
        let rewritten = rewrite::apply(&self.rewrites, request)?;
        self.judge(&rewritten.request)?;
        let fired = denies
            .iter()
            .find_map(|deny| Some((deny, deny.fires(&rewritten.request)?)));
        match fired {
            Some((deny, fired)) => Err(Why::Denied {
                rule: Arc::clone(&deny.name),
                path: fired.path,
            }),
            None => Ok(Some(rewritten)),
        }
    }

    fn judge(&self, request: &Decoded<'_>) -> Result<(), Why> {
        // The guard looks at the same values as the conditions.
        let derived = self.conditions.derived_values(request);
        if !self.conditions.verdict_with(request, &derived).allows() {
            return Err(self.conditions.why(request));
        }
        match guard::first(request, &self.conditions, &derived, self.level) {
            Some(finding) => Err(Why::Guarded(finding)),
            None => Ok(()),
        }
    }
}

impl Deny {
    /// Whether the rule denies the request.
    pub(crate) fn fires(&self, request: &Decoded<'_>) -> Option<Fired> {
        let fires = |conditions: &Conditions| conditions.verdict(request).denies();
        match &self.when {
            When::Always => Some(Fired { path: None }),
            When::All(all) if all.iter().all(fires) => Some(Fired {
                path: all.first().map(Conditions::path),
            }),
            When::All(_) => None,
            When::Any(any) => any.iter().find(|one| fires(one)).map(|one| Fired {
                path: Some(one.path()),
            }),
        }
    }

    /// Whether it denies every request of the operation.
    pub(crate) fn always(&self) -> bool {
        matches!(self.when, When::Always)
    }
}

impl Conditions {
    fn verdict(&self, request: &Decoded<'_>) -> Verdict {
        self.verdict_with(request, &self.derived_values(request))
    }

    /// The value of each derived field that is named, in order.
    fn derived_values<'r>(&self, request: &'r Decoded<'_>) -> Vec<Value<'r>> {
        let derived = self.derived.iter();
        derived.map(|(derived, _)| derived.value(request)).collect()
    }

    fn verdict_with(&self, request: &Decoded<'_>, derived: &[Value<'_>]) -> Verdict {
        let body = self
            .body
            .as_ref()
            .map(|condition| with_body(request, |slot| condition.matches(slot)));
        let derived = self.derived.iter().zip(derived);
        let derived =
            derived.map(|((derived, condition), value)| condition.matches(derived.slot(value)));
        Verdict::all(
            parameters(request.path(), &self.path)
                .chain(parameters(request.query(), &self.query))
                .chain(parameters(request.headers(), &self.header))
                .chain(body)
                .chain(derived),
        )
    }

    /// Why they do not all hold.
    fn why(&self, request: &Decoded<'_>) -> Why {
        let places = [
            ("path", request.path(), &self.path),
            ("query", request.query(), &self.query),
            ("header", request.headers(), &self.header),
        ];
        let of_parameter = places.iter().find_map(|(place, parameters, conditions)| {
            conditions.iter().find_map(|field| {
                let (definition, value) = parameters.at(field.index)?;
                let slot = Slot::parameter(definition, value);
                let failure = field.condition.failure(slot)?;
                Some(failure.at(&join(place, definition.name)))
            })
        });
        let failure = of_parameter
            .or_else(|| {
                let condition = self.body.as_ref()?;
                let failure = with_body(request, |slot| condition.failure(slot))?;
                Some(failure.at("body"))
            })
            .or_else(|| {
                self.derived.iter().find_map(|(derived, condition)| {
                    let value = derived.value(request);
                    let failure = condition.failure(derived.slot(&value))?;
                    Some(failure.at(derived.name()))
                })
            });
        match failure {
            Some(failure) => Why::Refused {
                path: failure.path,
                found: failure.found,
                must: failure.must,
            },
            // Conditions that do not hold fail somewhere.
            None => Why::Refused {
                path: "the request".to_owned(),
                found: String::new(),
                must: "must fit the rule".to_owned(),
            },
        }
    }

    /// The path of the first thing that they speak of.
    fn path(&self) -> String {
        let parameter = [
            ("path", &self.path),
            ("query", &self.query),
            ("header", &self.header),
        ];
        let parameter = parameter
            .iter()
            .find_map(|(place, fields)| Some(join(place, &first_path(fields.first()?))));
        let body = || self.body.as_ref().map(|body| join("body", &leaf(body)));
        let derived = || {
            self.derived
                .first()
                .map(|(derived, _)| derived.name().to_owned())
        };
        parameter.or_else(body).or_else(derived).unwrap_or_default()
    }
}

fn first_path(field: &FieldCondition) -> String {
    join(field.name, &leaf(&field.condition))
}

/// The path that a condition leads to.
fn leaf(condition: &Condition) -> String {
    match condition {
        Condition::Fields(fields) => fields.first().map(first_path).unwrap_or_default(),
        Condition::Contains(inner) | Condition::Each(inner) => join("[]", &leaf(inner)),
        Condition::Values(inner) => join("{}", &leaf(inner)),
        Condition::AllOf(all) | Condition::AnyOf(all) => all.first().map(leaf).unwrap_or_default(),
        _ => String::new(),
    }
}

fn parameters<'c>(
    parameters: &'c Parameters<'_>,
    conditions: &'c [FieldCondition],
) -> impl Iterator<Item = Verdict> {
    conditions
        .iter()
        .map(|field| match parameters.at(field.index) {
            Some((definition, value)) => {
                field.condition.matches(Slot::parameter(definition, value))
            }
            None => Verdict::No,
        })
}

/// The body as a value; a body that is not there is a value that is not there.
fn with_body<T>(request: &Decoded<'_>, look: impl FnOnce(Slot<'_, '_>) -> T) -> T {
    static NOTHING: crate::api::definition::Schema =
        crate::api::definition::Schema::plain(crate::api::definition::Kind::Bool);
    let schema = match request.definition().body {
        BodyDef::Json { schema, .. } => schema,
        BodyDef::None | BodyDef::Stream { .. } => &NOTHING,
    };
    match request.body() {
        Body::Json(value) => look(Slot::inner(schema, value)),
        Body::None | Body::Stream(_) => look(Slot::inner(schema, &ABSENT)),
    }
}

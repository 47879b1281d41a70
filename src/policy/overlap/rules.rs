//! Two rules of one client and operation: whether one makes the other moot, and
//! whether both could accept a request and rewrite it differently.

use super::opening::Needs;
use super::{Aside, Judge, Spot, is_always};
use crate::api::definition::{BodyDef, Guard, Kind, OperationDef, ParameterDef};
use crate::api::value::Value;
use crate::policy::condition::{Condition, FieldCondition, Literal, join};
use crate::policy::derived::Derived;
use crate::policy::guard::is_benign;
use crate::policy::rewrite::{Action, Place, Rewrite};
use crate::policy::rule::Conditions;

/// What a rule says of an operation.
#[derive(Clone, Copy)]
pub(in crate::policy) struct Rule<'r> {
    pub(in crate::policy) operation: &'static OperationDef,
    pub(in crate::policy) conditions: &'r Conditions,
    pub(in crate::policy) rewrites: &'r [Rewrite],
}

/// Parameters of one place, with what two rules say of them.
type Parameters<'r> = (
    &'static [ParameterDef],
    &'r [FieldCondition],
    &'r [FieldCondition],
);

impl<'r> Rule<'r> {
    fn parameters(self, other: Rule<'r>) -> [Parameters<'r>; 3] {
        let (own, theirs) = (self.conditions, other.conditions);
        [
            (self.operation.path_parameters, &own.path, &theirs.path),
            (self.operation.query, &own.query, &theirs.query),
            (self.operation.headers, &own.header, &theirs.header),
        ]
    }

    fn body(self) -> Option<Spot> {
        match self.operation.body {
            BodyDef::Json { schema, .. } => Some(Spot::whole(schema)),
            BodyDef::None | BodyDef::Stream { .. } => None,
        }
    }

    fn derived(self, derived: Derived) -> Option<&'r Condition> {
        let mut all = self.conditions.derived.iter();
        all.find(|(own, _)| *own == derived)
            .map(|(_, condition)| condition)
    }

    /// Whether both make the same of a request.
    fn rewrites_as(self, other: Self) -> bool {
        self.rewrites.len() == other.rewrites.len()
            && (self.rewrites.iter()).all(|one| other.rewrites.contains(one))
    }
}

/// Two conditions on one place hold, or one is not said at all.
fn both<'c>(
    own: Option<&'c Condition>,
    theirs: Option<&'c Condition>,
    compare: impl FnOnce(&'c Condition, &'c Condition) -> bool,
) -> bool {
    match (own, theirs) {
        (Some(own), Some(theirs)) => compare(own, theirs),
        (Some(own), None) => is_always(own),
        (None, _) => true,
    }
}

impl Judge {
    /// Whether a rule accepts every request that another accepts, and makes the same
    /// of it.
    pub(in crate::policy) fn makes_moot(&self, rule: Rule<'_>, other: Rule<'_>) -> bool {
        // A strict rule admits less where a lax one opens without naming.
        let strict = rule.conditions.listed;
        if !self.step() || (strict && !other.conditions.listed) || !rule.rewrites_as(other) {
            return false;
        }
        let needs = if strict { Needs::All } else { Needs::Guarded };
        let of_parameters = rule.parameters(other).into_iter();
        let mut of_parameters = of_parameters.flat_map(|(definitions, own, theirs)| {
            definitions
                .iter()
                .enumerate()
                .map(move |(index, definition)| {
                    let at = Spot::parameter(definition);
                    (at, said(own, index), said(theirs, index))
                })
        });
        of_parameters.all(|(at, own, theirs)| self.accepts_more(own, theirs, at, needs))
            && rule.body().is_none_or(|at| {
                let (own, theirs) = (&rule.conditions.body, &other.conditions.body);
                self.accepts_more(own.as_ref(), theirs.as_ref(), at, needs)
            })
            && Derived::ALL.into_iter().all(|derived| {
                let at = Spot::derived(derived);
                self.accepts_more(rule.derived(derived), other.derived(derived), at, needs)
            })
    }

    /// Whether one condition admits and opens whatever another does.
    fn accepts_more(
        &self,
        own: Option<&Condition>,
        theirs: Option<&Condition>,
        at: Spot,
        needs: Needs,
    ) -> bool {
        let nothing = Condition::AllOf(Vec::new());
        both(own, theirs, |own, theirs| self.covers(own, theirs, at))
            && theirs
                .is_none_or(|theirs| self.opens_as_much(own.unwrap_or(&nothing), theirs, at, needs))
    }

    /// Whether two rules could accept the same request and rewrite it differently.
    pub(in crate::policy) fn conflict(&self, rule: Rule<'_>, other: Rule<'_>) -> bool {
        let alike = || {
            rule.rewrites_as(other)
                || (self.maps_nothing(rule, other) && self.maps_nothing(other, rule))
        };
        self.step() && !alike() && !self.apart(rule, other)
    }

    /// Whether all that a rule rewrites and another one does not is the sources of
    /// mounts, and of such that the other one does not accept.
    fn maps_nothing(&self, rule: Rule<'_>, other: Rule<'_>) -> bool {
        let own = rule.rewrites.iter();
        own.filter(|one| !other.rewrites.contains(one)).all(|one| {
            let Action::Map(paths) = &one.action else {
                return false;
            };
            let mapped = Condition::Under(paths.iter().map(|(from, _)| from.clone()).collect());
            let refused = match other.derived(Derived::Mounts) {
                Some(mounts) => {
                    let at = Spot::whole(Derived::Mounts.schema());
                    bind_of(mapped)
                        .is_some_and(|bind| self.disjoint(mounts, &bind, at, &Aside::NOTHING))
                }
                None => {
                    !(other.conditions.body.as_ref()).is_some_and(|body| may_name_mounts(body, 0))
                }
            };
            one.place == Place::Mounts
                && refused
                && (other.rewrites.iter()).all(|other| other.place != Place::Mounts)
        })
    }

    /// Whether no request is accepted by both, for certain. Each rule judges what it
    /// makes of a request: what one of them rewrites says nothing.
    fn apart(&self, rule: Rule<'_>, other: Rule<'_>) -> bool {
        let rewrites = || rule.rewrites.iter().chain(other.rewrites);
        let of_parameters = rule.parameters(other).into_iter().enumerate();
        let mut of_parameters = of_parameters.flat_map(|(place, (definitions, own, theirs))| {
            definitions
                .iter()
                .enumerate()
                .map(move |(index, definition)| (place, index, definition, own, theirs))
        });
        let by_parameters = of_parameters.any(|(place, index, definition, own, theirs)| {
            let rewritten = rewrites().any(|rewrite| match rewrite.place {
                Place::Query(at) => place == 1 && at == index,
                Place::Header(at) => place == 2 && at == index,
                Place::Body(_) | Place::Mounts => false,
            });
            let at = Spot::parameter(definition);
            match (said(own, index), said(theirs, index)) {
                _ if rewritten => false,
                (Some(own), Some(theirs)) => self.disjoint(own, theirs, at, &Aside::NOTHING),
                (Some(one), None) | (None, Some(one)) => is_shut_out(one, at),
                (None, None) => false,
            }
        });
        // A mount that is mapped may be anywhere in the host configuration.
        let mounts = rewrites().any(|rewrite| rewrite.place == Place::Mounts);
        let paths = rewrites().filter_map(|rewrite| match &rewrite.place {
            Place::Body(path) => Some(path.as_slice()),
            _ => None,
        });
        let aside = Aside {
            paths: paths.collect(),
        };
        let untouched = !mounts && aside.paths.is_empty();
        let in_body = || {
            let at = rule.body().filter(|_| !mounts)?;
            let own = rule.conditions.body.as_ref();
            let theirs = other.conditions.body.as_ref();
            let nothing = Condition::Fields(Vec::new());
            let plain = rule.conditions.derived.is_empty() && other.conditions.derived.is_empty();
            let (own, theirs) = (own.unwrap_or(&nothing), theirs.unwrap_or(&nothing));
            let shut = plain && (shuts(own, theirs, at, &aside) || shuts(theirs, own, at, &aside));
            Some(shut || self.disjoint(own, theirs, at, &aside))
        };
        let by_derived = || {
            Derived::ALL.into_iter().any(|derived| {
                let at = Spot::derived(derived);
                let rewritten = match derived {
                    Derived::Reference => {
                        rewrites().any(|rewrite| matches!(rewrite.place, Place::Query(_)))
                    }
                    _ => !untouched,
                };
                match (rule.derived(derived), other.derived(derived)) {
                    (Some(own), Some(theirs)) if !rewritten => {
                        self.disjoint(own, theirs, at, &Aside::NOTHING)
                    }
                    _ => false,
                }
            })
        };
        by_parameters || in_body() == Some(true) || by_derived()
    }

    /// The path of something that no request can have, if the rule demands it.
    pub(in crate::policy) fn impossible(&self, rule: Rule<'_>) -> Option<String> {
        let places = ["path", "query", "header"];
        let of_parameters = places.into_iter().zip(rule.parameters(rule));
        let mut of_parameters = of_parameters.flat_map(|(place, (definitions, own, _))| {
            own.iter().filter_map(move |field| {
                Some((place, Spot::parameter(definitions.get(field.index)?), field))
            })
        });
        let in_parameters = of_parameters.find_map(|(place, at, field)| {
            let found = self.contradiction(&field.condition, at)?;
            Some(join(&join(place, field.name), &found))
        });
        let in_body = || {
            let body = rule.conditions.body.as_ref()?;
            let found = self.contradiction(body, rule.body()?)?;
            Some(join("body", &found))
        };
        let in_derived = || {
            rule.conditions
                .derived
                .iter()
                .find_map(|(derived, condition)| {
                    let found = self.contradiction(condition, Spot::derived(*derived))?;
                    Some(join(derived.name(), &found))
                })
        };
        in_parameters.or_else(in_body).or_else(in_derived)
    }
}

/// What is said of the parameter at a place.
fn said(fields: &[FieldCondition], index: usize) -> Option<&Condition> {
    let mut fields = fields.iter();
    fields
        .find(|field| field.index == index)
        .map(|field| &field.condition)
}

/// Whether a guarded place must be what a rule that says nothing of it refuses.
fn is_shut_out(condition: &Condition, at: Spot) -> bool {
    let Some(risk) = at.risk.filter(|risk| risk.guard == Guard::Guarded) else {
        return false;
    };
    match condition {
        Condition::OneOf(literals) => {
            at.is_plain()
                && (literals.iter()).all(|one| {
                    at.is_value(one)
                        // The same value may be written in another way.
                        && (at.is_literal() || matches!(one.value(), Value::Bool(_) | Value::Int(_)))
                        && !is_benign(risk, one.value())
                })
        }
        _ => false,
    }
}

/// Whether `own` demands of a guarded field what only a rule that names it admits,
/// and `theirs` does not name it.
fn shuts(own: &Condition, theirs: &Condition, at: Spot, aside: &Aside<'_>) -> bool {
    let (Condition::Fields(own), Condition::Fields(theirs)) = (own, theirs) else {
        return false;
    };
    own.iter().any(|field| {
        let (Some(inner), Some(aside)) = (at.of(field), aside.below(field.index)) else {
            return false;
        };
        let mut same = theirs.iter().filter(|other| other.index == field.index);
        if let Some(other) = same.next() {
            return shuts(&field.condition, &other.condition, inner, &aside);
        }
        let nothing = Condition::Fields(Vec::new());
        (aside.paths.is_empty() && is_shut_out(&field.condition, inner))
            || shuts(&field.condition, &nothing, inner, &aside)
    })
}

/// A condition on `mounts` that some mount is a bind with such a source.
fn bind_of(source: Condition) -> Option<Condition> {
    let Kind::List(mount) = Derived::Mounts.schema().kind else {
        return None;
    };
    let Kind::Object(mount) = mount.kind else {
        return None;
    };
    let bind = Literal::new(Value::Text("bind".into()), "bind".to_owned());
    let fields = [("type", Condition::OneOf(vec![bind])), ("source", source)];
    let fields = fields.map(|(name, condition)| {
        let index = mount.fields.iter().position(|field| field.name == name)?;
        Some(FieldCondition {
            index,
            name,
            condition,
        })
    });
    let fields: Option<Vec<FieldCondition>> = fields.into_iter().collect();
    Some(Condition::Contains(Box::new(Condition::Fields(fields?))))
}

/// Whether a body's condition could open binds or mounts for the guard.
fn may_name_mounts(condition: &Condition, depth: usize) -> bool {
    match condition {
        Condition::Fields(fields) => fields.iter().any(|field| match depth {
            0 => field.name == "HostConfig" && may_name_mounts(&field.condition, 1),
            _ => matches!(field.name, "Binds" | "Mounts"),
        }),
        Condition::AllOf(all) | Condition::AnyOf(all) => {
            all.iter().any(|one| may_name_mounts(one, depth))
        }
        Condition::Absent | Condition::Required | Condition::Not(_) => false,
        _ => true,
    }
}

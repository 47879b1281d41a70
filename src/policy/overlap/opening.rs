//! Whether one condition opens for the guard whatever another one opens.
//!
//! The guard walks as the conditions are built (see [`guard`](crate::policy::guard)):
//! fields by fields, lists by what is said of each element. Where the two conditions
//! are built differently, nothing is certain.

use super::{Judge, Spot};
use crate::api::definition::{Guard, Kind, Schema};
use crate::policy::condition::Condition;

/// What needs to be opened.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Needs {
    /// What is guarded.
    Guarded,
    /// Everything: the rule admits listed fields only.
    All,
}

impl Judge {
    /// Whether `a` opens whatever `b` opens.
    pub(super) fn opens_as_much(
        &self,
        a: &Condition,
        b: &Condition,
        at: Spot,
        needs: Needs,
    ) -> bool {
        use Condition as C;
        if !self.step() {
            return false;
        }
        if a == b || matches!(a, C::Any) || !opens_something(b, at, needs) {
            return true;
        }
        match (a, b) {
            (_, C::AllOf(all)) => all.iter().all(|b| self.opens_as_much(a, b, at, needs)),
            (C::AllOf(all), _) => all.iter().any(|a| self.opens_as_much(a, b, at, needs)),
            (C::Fields(own), C::Fields(other)) => other.iter().all(|field| {
                let Some(inner) = at.of(field) else {
                    return false;
                };
                let mut same = own.iter().filter(|own| own.index == field.index);
                !opens_something(&field.condition, inner, needs)
                    || same.any(|own| {
                        self.opens_as_much(&own.condition, &field.condition, inner, needs)
                    })
            }),
            (C::Each(a), C::Each(b)) => at
                .inner()
                .is_some_and(|inner| self.opens_as_much(a, b, inner, needs)),
            // Where nothing is inside, a leaf is open or not.
            (a, _) => {
                let keys = matches!(at.schema.kind, Kind::Map(_)) && names_keys(a);
                !holds_more(at.schema) && !names_fields(a) && !keys && a.opens()
            }
        }
    }
}

/// Whether a condition could open anything that needs it.
fn opens_something(condition: &Condition, at: Spot, needs: Needs) -> bool {
    if needs == Needs::All {
        return true;
    }
    match condition {
        // Naming a part opens the text, too.
        Condition::Fields(_) if matches!(at.schema.kind, Kind::Text) => {
            at.risk.is_none_or(|risk| risk.guard != Guard::Open)
        }
        Condition::Fields(fields) => fields.iter().any(|field| {
            at.of(field)
                .is_none_or(|inner| opens_something(&field.condition, inner, needs))
        }),
        Condition::AllOf(all) | Condition::AnyOf(all) => {
            all.iter().any(|one| opens_something(one, at, needs))
        }
        _ => {
            let open = at.risk.is_some_and(|risk| risk.guard == Guard::Open);
            !open || holds_more(at.schema)
        }
    }
}

/// Whether a value has fields or parts, or elements that have some.
fn holds_more(schema: &Schema) -> bool {
    match schema.kind {
        Kind::Object(object) => !object.fields.is_empty(),
        Kind::List(inner) | Kind::Map(inner) => {
            matches!(inner.kind, Kind::Object(_) | Kind::List(_) | Kind::Map(_))
                && holds_more(inner)
        }
        _ => false,
    }
}

/// Whether it opens keys, and maybe nothing of their values.
fn names_keys(condition: &Condition) -> bool {
    match condition {
        Condition::Keys(..) => true,
        Condition::AllOf(all) | Condition::AnyOf(all) => all.iter().any(names_keys),
        _ => false,
    }
}

fn names_fields(condition: &Condition) -> bool {
    match condition {
        Condition::Fields(_) => true,
        Condition::AllOf(all) | Condition::AnyOf(all) => all.iter().any(names_fields),
        Condition::Not(inner) | Condition::Each(inner) => names_fields(inner),
        Condition::Begins { with, .. } => with.iter().any(names_fields),
        _ => false,
    }
}

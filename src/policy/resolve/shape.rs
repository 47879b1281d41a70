//! The shape of conditions: how many things they say, and of how much.
//!
//! A deny with several conditions could be read in two ways, and one that speaks
//! of every element would not fire where one element is as bad as can be.

use crate::policy::condition::Condition;
use crate::policy::rule::Conditions;

impl Conditions {
    /// How many things are said.
    pub(super) fn leaves(&self) -> usize {
        let fields = self.path.iter().chain(&self.query).chain(&self.header);
        let fields: usize = fields.map(|field| leaves(&field.condition)).sum();
        let derived: usize = self.derived.iter().map(|(_, one)| leaves(one)).sum();
        fields
            .saturating_add(self.body.as_ref().map_or(0, leaves))
            .saturating_add(derived)
    }

    /// Whether something is said of every element or entry.
    pub(super) fn has_universal(&self) -> bool {
        let fields = self.path.iter().chain(&self.query).chain(&self.header);
        let mut conditions = fields
            .map(|field| &field.condition)
            .chain(&self.body)
            .chain(self.derived.iter().map(|(_, one)| one));
        conditions.any(is_universal)
    }
}

/// How many things a condition says. A choice says one.
fn leaves(condition: &Condition) -> usize {
    match condition {
        Condition::Fields(fields) => fields.iter().map(|field| leaves(&field.condition)).sum(),
        Condition::AllOf(all) => all.iter().map(leaves).sum(),
        Condition::Contains(inner) | Condition::Values(inner) | Condition::Entry(_, inner) => {
            leaves(inner)
        }
        _ => 1,
    }
}

/// Whether a condition asks for what is not so, and not for absence as well: where
/// nobody knows what absence means, it does not hold then.
pub(super) fn is_passed_by_absence(condition: &Condition) -> bool {
    match condition {
        Condition::Not(inner) => !matches!(**inner, Condition::Absent | Condition::Required),
        Condition::AllOf(all) => all.iter().any(is_passed_by_absence),
        Condition::AnyOf(any) => {
            let absent = any.iter().any(|one| matches!(one, Condition::Absent));
            !absent && any.iter().any(is_passed_by_absence)
        }
        _ => false,
    }
}

fn is_universal(condition: &Condition) -> bool {
    match condition {
        Condition::Each(_) | Condition::Keys(..) | Condition::Values(_) => true,
        Condition::Fields(fields) => fields.iter().any(|field| is_universal(&field.condition)),
        Condition::AllOf(all) | Condition::AnyOf(all) => all.iter().any(is_universal),
        Condition::Contains(inner) | Condition::Entry(_, inner) => is_universal(inner),
        _ => false,
    }
}

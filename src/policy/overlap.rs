//! What two conditions have in common, as far as it is certain.
//!
//! [`Judge::covers`] says that whatever fits one condition fits another, too,
//! [`Judge::disjoint`] that nothing fits both, [`Judge::contradiction`] that nothing
//! fits at all. Each says yes only if it is sure, so that what is built on them
//! (see `overlap/rules`) passes over a mistake rather than seeing one that is not
//! there. What conditions open for the guard is compared in `overlap/opening`.

mod opening;
mod rules;

use std::cell::Cell;

pub(super) use rules::Rule;

use super::condition::{Condition, FieldCondition, Literal, join, key_schema};
use super::derived::Derived;
use super::parts;
use super::slot::{Effective, Slot, zero_of_inner};
use super::verdict::Verdict;
use crate::api::definition::{Effect, FieldDef, Kind, ObjectDef, ParameterDef, Risk, Schema};
use crate::api::value::Value;
use crate::format::{Format, is_under};

/// How much is looked at in all. Files that people write take a thousandth of it.
const STEPS: u32 = 500_000;

/// Where conditions stand: what the values are, and what their absence means.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    schema: &'static Schema,
    absent: Effect,
    zero: Effect,
    /// What it can do, if it is a field or a parameter.
    risk: Option<&'static Risk>,
}

impl Spot {
    /// A body, a derived field, an element.
    fn whole(schema: &'static Schema) -> Self {
        Self {
            schema,
            absent: Effect::Nothing,
            zero: zero_of_inner(schema),
            risk: None,
        }
    }

    fn derived(derived: Derived) -> Self {
        Self {
            absent: derived.absent(),
            zero: derived.zero(),
            ..Self::whole(derived.schema())
        }
    }

    fn field(field: &'static FieldDef) -> Self {
        Self {
            schema: &field.schema,
            absent: field.absent,
            zero: field.zero,
            risk: Some(&field.risk),
        }
    }

    fn parameter(parameter: &'static ParameterDef) -> Self {
        Self {
            schema: parameter.decoded(),
            absent: parameter.absent,
            zero: parameter.zero,
            risk: Some(&parameter.risk),
        }
    }

    fn slot<'v, 'a>(self, value: &'v Value<'a>) -> Slot<'v, 'a> {
        Slot {
            schema: self.schema,
            absent: self.absent,
            zero: self.zero,
            value,
        }
    }

    /// The fields or parts that there are.
    fn fields(self) -> Option<&'static ObjectDef> {
        match self.schema.kind {
            Kind::Object(definition) => Some(definition),
            Kind::Text => parts::definition(self.schema.format?),
            _ => None,
        }
    }

    fn of(self, field: &FieldCondition) -> Option<Self> {
        self.fields()?.fields.get(field.index).map(Self::field)
    }

    fn inner(self) -> Option<Self> {
        match self.schema.kind {
            Kind::List(inner) | Kind::Map(inner) => Some(Self::whole(inner)),
            _ => None,
        }
    }

    /// Whether a value that is not there, or zero, may be left as it is.
    fn is_left(self) -> bool {
        self.absent == Effect::Unchanged || self.zero == Effect::Unchanged
    }

    /// Whether absence stands for nothing that a value could be equal to.
    fn is_plain(self) -> bool {
        let plain = |effect| match effect {
            Effect::Nothing | Effect::Image => true,
            // What is described rather than named nobody knows.
            Effect::Default(words) => words.contains(' '),
            Effect::Value | Effect::Unlimited | Effect::Unchanged => false,
        };
        plain(self.absent) && (plain(self.zero) || self.zero == Effect::Value)
    }

    /// Whether all spellings of a value are the same text.
    fn is_literal(self) -> bool {
        matches!(self.schema.kind, Kind::Text | Kind::Enum(_)) && self.schema.format.is_none()
    }

    /// What a condition says of a literal.
    fn ask(self, condition: &Condition, literal: &Literal) -> Verdict {
        condition.matches(self.slot(literal.value()))
    }

    /// Whether a condition accepts no value that is equal to a literal. What image
    /// could be meant by an id nobody knows, and no rule accepts what it does not
    /// know.
    fn never(self, condition: &Condition, literal: &Literal) -> bool {
        let verdict = self.ask(condition, literal);
        match self.schema.format {
            Some(Format::ImageReference) => !verdict.allows(),
            _ => verdict == Verdict::No,
        }
    }

    /// Whether a literal is a value, and neither zero nor a default.
    fn is_value(self, literal: &Literal) -> bool {
        matches!(self.slot(literal.value()).effective(), Effective::Value(_))
    }
}

/// Compares conditions, within bounds.
#[derive(Default)]
pub(super) struct Judge {
    steps: Cell<u32>,
}

impl Judge {
    /// Whether there was too much to look at: what is certain then is not known.
    pub(super) fn is_tired(&self) -> bool {
        self.steps.get() > STEPS
    }

    fn step(&self) -> bool {
        self.steps.set(self.steps.get().saturating_add(1));
        !self.is_tired()
    }

    /// Whether everything that `b` admits `a` admits, too.
    fn covers(&self, a: &Condition, b: &Condition, at: Spot) -> bool {
        use Condition as C;
        if !self.step() {
            return false;
        }
        match (a, b) {
            (C::Any, _) => true,
            (a, b) if a == b => true,
            (C::AllOf(all), _) => all.iter().all(|a| self.covers(a, b, at)),
            (_, C::AnyOf(any)) => any.iter().all(|b| self.covers(a, b, at)),
            (C::Fields(own), C::Fields(other)) => {
                own.iter().all(|field| self.covers_field(field, other, at))
            }
            (_, C::AllOf(all)) if all.iter().any(|b| self.covers(a, b, at)) => true,
            // Of several fields one could fit in part.
            (C::AnyOf(any), _) if at.fields().is_none() => {
                any.iter().any(|a| self.covers(a, b, at))
            }
            (C::Each(a), C::Each(b))
            | (C::Contains(a), C::Contains(b))
            | (C::Values(a), C::Values(b)) => {
                at.inner().is_some_and(|inner| self.covers(a, b, inner))
            }
            (C::Keys(own, a), C::Keys(other, b)) => {
                own == other && self.covers(a, b, Spot::whole(key_schema(*own)))
            }
            (C::Entry(own, a), C::Entry(other, b)) => {
                own == other && at.inner().is_some_and(|inner| self.covers(a, b, inner))
            }
            (C::MaxItems(a), C::MaxItems(b)) => a >= b,
            (C::Range(a), C::Range(b)) => a.covers(*b),
            (C::Glob(a), C::Glob(b)) => b.iter().all(|b| a.iter().any(|a| a.covers(b))),
            (C::Under(a), C::Under(b)) => b.iter().all(|b| a.iter().any(|a| is_under(b, a))),
            (C::Image(a), C::Image(b)) => a.covers(b),
            (C::OneOf(_) | C::Range(_) | C::Image(_), C::OneOf(literals)) => {
                literals.iter().all(|one| at.ask(a, one) == Verdict::Yes)
            }
            (C::Glob(_), C::OneOf(literals)) if at.is_literal() => {
                literals.iter().all(|one| at.ask(a, one) == Verdict::Yes)
            }
            (C::Not(own), C::OneOf(literals)) if matches!(**own, C::OneOf(_) | C::Range(_)) => {
                literals.iter().all(|one| at.ask(a, one) == Verdict::Yes)
            }
            (C::Not(own), C::Not(other)) => match (&**own, &**other) {
                (C::OneOf(own), C::OneOf(other)) => own.iter().all(|one| other.contains(one)),
                _ => false,
            },
            (C::Required, _) => at.is_plain() && is_something(b, at),
            _ => false,
        }
    }

    fn covers_field(&self, field: &FieldCondition, others: &[FieldCondition], at: Spot) -> bool {
        let Some(inner) = at.of(field) else {
            return false;
        };
        let mut same = others.iter().filter(|other| other.index == field.index);
        is_always(&field.condition)
            || same.any(|other| self.covers(&field.condition, &other.condition, inner))
    }

    /// Whether nothing fits both. What is below `aside` does not count.
    fn disjoint(&self, a: &Condition, b: &Condition, at: Spot, aside: &Aside<'_>) -> bool {
        use Condition as C;
        if !self.step() || aside.is_here() {
            return false;
        }
        let half = |a: &Condition, b: &Condition| match (a, b) {
            (C::AllOf(all), _) => all.iter().any(|a| self.disjoint(a, b, at, aside)),
            (C::AnyOf(any), _) => any.iter().all(|a| self.disjoint(a, b, at, aside)),
            (C::MaxItems(0), C::Contains(_) | C::Entry(..)) | (C::Absent, C::Required) => true,
            (C::Absent, b) => at.is_plain() && is_something(b, at),
            // What nobody changes fits everything.
            _ if at.is_left() => false,
            // What fits in part in one direction need not in the other.
            (C::OneOf(literals), C::OneOf(others)) => {
                let apart = |a: &[Literal], b| a.iter().all(|one| at.never(b, one));
                apart(literals, b) && apart(others, a)
            }
            (C::OneOf(literals), C::Range(_) | C::Image(_)) => {
                literals.iter().all(|one| at.never(b, one))
            }
            (C::OneOf(literals), C::Glob(_)) if at.is_literal() => {
                literals.iter().all(|one| at.ask(b, one) == Verdict::No)
            }
            (C::Not(a), b) => self.covers(a, b, at),
            (C::Each(a), C::Contains(b)) => at
                .inner()
                .is_some_and(|inner| self.disjoint(a, b, inner, &Aside::NOTHING)),
            _ => false,
        };
        if half(a, b) || half(b, a) {
            return true;
        }
        match (a, b) {
            (C::Fields(own), C::Fields(other)) => own.iter().any(|field| {
                let (Some(inner), Some(aside)) = (at.of(field), aside.below(field.index)) else {
                    return false;
                };
                let mut same = other.iter().filter(|other| other.index == field.index);
                same.any(|other| self.disjoint(&field.condition, &other.condition, inner, &aside))
            }),
            _ if at.is_left() => false,
            (C::Range(a), C::Range(b)) => a.disjoint(*b),
            (C::Glob(a), C::Glob(b)) => a.iter().all(|a| b.iter().all(|b| a.disjoint(b))),
            (C::Under(a), C::Under(b)) => {
                let apart = |a: &str, b: &str| !is_under(a, b) && !is_under(b, a);
                a.iter().all(|a| b.iter().all(|b| apart(a, b)))
            }
            (C::Image(a), C::Image(b)) => a.disjoint(b),
            (C::Entry(own, a), C::Entry(other, b)) => {
                own == other
                    && at
                        .inner()
                        .is_some_and(|inner| self.disjoint(a, b, inner, &Aside::NOTHING))
            }
            _ => false,
        }
    }

    /// The path of something that no value can be, if a condition demands it.
    fn contradiction(&self, condition: &Condition, at: Spot) -> Option<String> {
        use Condition as C;
        match condition {
            C::AllOf(all) => {
                let within = || all.iter().find_map(|one| self.contradiction(one, at));
                let mut firsts = all.iter().enumerate();
                let pair = firsts.find_map(|(index, one)| {
                    let later = all.iter().skip(index.saturating_add(1));
                    let mut later = later.take_while(|_| self.step());
                    later.find_map(|other| self.clash(one, other, at))
                });
                pair.or_else(within)
            }
            C::AnyOf(any) => {
                let mut found = any.iter().map(|one| self.contradiction(one, at));
                let first = found.next().flatten()?;
                found.all(|one| one.is_some()).then_some(first)
            }
            C::Fields(fields) => fields.iter().find_map(|field| {
                let found = self.contradiction(&field.condition, at.of(field)?)?;
                Some(join(field.name, &found))
            }),
            C::Contains(inner) => {
                let found = self.contradiction(inner, at.inner()?)?;
                Some(join("[]", &found))
            }
            C::Entry(_, inner) => {
                let found = self.contradiction(inner, at.inner()?)?;
                Some(join("{}", &found))
            }
            C::Not(inner) if is_always(inner) => Some(String::new()),
            _ => None,
        }
    }

    /// Where two conditions that must both hold cannot.
    fn clash(&self, a: &Condition, b: &Condition, at: Spot) -> Option<String> {
        if let (Condition::Fields(own), Condition::Fields(other)) = (a, b) {
            return own.iter().find_map(|field| {
                let inner = at.of(field)?;
                let mut same = other.iter().filter(|other| other.index == field.index);
                let found =
                    same.find_map(|other| self.clash(&field.condition, &other.condition, inner))?;
                Some(join(field.name, &found))
            });
        }
        self.disjoint(a, b, at, &Aside::NOTHING).then(String::new)
    }
}

/// Places that do not count, as the fields that lead to them.
struct Aside<'p> {
    paths: Vec<&'p [usize]>,
}

impl<'p> Aside<'p> {
    const NOTHING: Aside<'static> = Aside { paths: Vec::new() };

    fn is_here(&self) -> bool {
        self.paths.iter().any(|path| path.is_empty())
    }

    /// What of it is below a field; nothing if the field is in it.
    fn below(&self, field: usize) -> Option<Aside<'p>> {
        let below = self
            .paths
            .iter()
            .filter_map(|path| match path.split_first() {
                Some((first, rest)) if *first == field => Some(rest),
                _ => None,
            });
        let below = Aside {
            paths: below.collect(),
        };
        (!below.is_here()).then_some(below)
    }
}

/// Whether a condition always holds.
fn is_always(condition: &Condition) -> bool {
    match condition {
        Condition::Any => true,
        Condition::AllOf(all) => all.iter().all(is_always),
        _ => false,
    }
}

/// Whether only a value that is there and not zero fits, where absence is plain.
fn is_something(condition: &Condition, at: Spot) -> bool {
    match condition {
        Condition::OneOf(literals) => literals.iter().all(|one| at.is_value(one)),
        Condition::Required
        | Condition::Under(_)
        | Condition::Image(_)
        | Condition::Contains(_)
        | Condition::Entry(..) => true,
        Condition::Range(range) => range.min.is_some_and(|min| min > 0),
        _ => false,
    }
}

#[cfg(test)]
mod tests;

//! A value at its place in a definition, and what the Engine will make of it.
//!
//! Matchers judge effects: an absent `Memory` and a `Memory` of 0 are both no
//! limit at all, an absent `User` is the image's. What absence and zero mean is
//! the definition's to say; this only looks it up.

use crate::api::definition::{Effect, FieldDef, Kind, ParameterDef, Schema};
use crate::api::value::Value;

/// A value with what its definition says of it.
#[derive(Clone, Copy)]
pub(crate) struct Slot<'v, 'a> {
    pub(crate) schema: &'static Schema,
    pub(crate) absent: Effect,
    pub(crate) zero: Effect,
    pub(crate) value: &'v Value<'a>,
}

/// What the Engine makes of a value.
#[derive(Clone, Copy)]
pub(crate) enum Effective<'v, 'a> {
    /// Nothing: the feature is not used.
    Unset,
    /// There is no limit.
    Unlimited,
    /// Something that only the Engine or the image knows.
    Unknown(&'static str),
    /// What the object already has.
    Unchanged,
    /// The Engine's own default.
    Default(&'static str),
    /// The value itself.
    Value(&'v Value<'a>),
}

impl<'v, 'a> Slot<'v, 'a> {
    /// The value of a field.
    pub(crate) fn field(field: &'static FieldDef, value: &'v Value<'a>) -> Self {
        Self {
            schema: &field.schema,
            absent: field.absent,
            zero: field.zero,
            value,
        }
    }

    /// The value of a parameter.
    pub(crate) fn parameter(parameter: &'static ParameterDef, value: &'v Value<'a>) -> Self {
        Self {
            schema: parameter.decoded(),
            absent: parameter.absent,
            zero: parameter.zero,
            value,
        }
    }

    /// An element of a list, a map's value, or a body: nothing but itself.
    pub(crate) fn inner(schema: &'static Schema, value: &'v Value<'a>) -> Self {
        Self {
            schema,
            absent: Effect::Nothing,
            zero: zero_of_inner(schema),
            value,
        }
    }

    /// What the Engine makes of the value.
    pub(crate) fn effective(&self) -> Effective<'v, 'a> {
        let effect = if self.value.is_absent() {
            self.absent
        } else if self.value.is_zero() {
            self.zero
        } else if self.is_negative() && self.zero == Effect::Unlimited {
            // Where nothing is no limit, less than nothing is none either.
            return Effective::Unlimited;
        } else {
            return Effective::Value(self.value);
        };
        match effect {
            Effect::Nothing => Effective::Unset,
            Effect::Unlimited => Effective::Unlimited,
            Effect::Image => Effective::Unknown("the image's own"),
            Effect::Unchanged => Effective::Unchanged,
            // A default that is described rather than named.
            Effect::Default(words) if words.contains(' ') => Effective::Unknown(words),
            Effect::Default(word) => Effective::Default(word),
            Effect::Value if self.value.is_absent() => Effective::Unset,
            Effect::Value => Effective::Value(self.value),
        }
    }

    fn is_negative(&self) -> bool {
        matches!(self.schema.kind, Kind::Int { .. }) && matches!(self.value, Value::Int(..0))
    }
}

/// What zero means inside of a list or a map: nobody but the definition of a field
/// can say that a list without elements is something.
pub(crate) fn zero_of_inner(schema: &Schema) -> Effect {
    match schema.kind {
        Kind::List(_) | Kind::Map(_) => Effect::Nothing,
        _ => Effect::Value,
    }
}

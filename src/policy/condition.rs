//! Conditions: what a rule says of a value, resolved against its definition.
//!
//! A [`Condition`] is a tree beside the tree of a definition: fields by their
//! place in it, lists, maps, and typed matchers at the leaves. [`Condition::matches`]
//! tells whether a value fits; it judges effects (see [`slot`](super::slot)), so
//! that an absent limit is no limit. What a condition opens for the guard is in
//! [`opens`](Condition::opens); why a value does not fit, in `failure`.
//! Resolving makes sure that a matcher fits the type; here one that does not
//! never allows.

mod failure;
mod glob;
mod image;
mod literal;
mod range;

use std::borrow::Cow;

pub(crate) use failure::join;
pub(crate) use glob::Glob;
pub(crate) use image::{ImageMatcher, ImagePattern, Untagged};
pub(crate) use literal::Literal;
pub(crate) use range::Range;

use super::parts;
use super::slot::{Effective, Slot};
use super::verdict::Verdict;
use crate::api::definition::{Kind, Schema};
use crate::api::value::Value;
use crate::format::{Format, is_under};

/// What a rule says of a value.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// Whatever it is.
    Any,
    /// It is not set.
    Absent,
    /// It is set, and not to zero.
    Required,
    /// It is equal in effect to one of these.
    OneOf(Vec<Literal>),
    /// It is a number, or a range of numbers, within these bounds.
    Range(Range),
    /// It has one of these forms.
    Glob(Vec<Glob>),
    /// It is one of these paths, or below one.
    Under(Vec<String>),
    /// It is an image like this.
    Image(ImageMatcher),
    /// It does not fit.
    Not(Box<Condition>),
    /// All of these hold.
    AllOf(Vec<Condition>),
    /// One of these holds.
    AnyOf(Vec<Condition>),
    /// Of a list: every element fits.
    Each(Box<Condition>),
    /// Of a list: some element fits.
    Contains(Box<Condition>),
    /// Of a list: there are at most so many elements.
    MaxItems(usize),
    /// Of a map: every key fits.
    Keys(Option<Format>, Box<Condition>),
    /// Of a map: every value fits.
    Values(Box<Condition>),
    /// Of a map: there is this key, and its value fits.
    Entry(String, Box<Condition>),
    /// Of an object: each of these fields fits.
    Fields(Vec<FieldCondition>),
}

/// A condition on a field or parameter.
#[derive(Clone, Debug)]
pub(crate) struct FieldCondition {
    /// Its place in the definition.
    pub(crate) index: usize,
    /// Its name.
    pub(crate) name: &'static str,
    /// What is said of it.
    pub(crate) condition: Condition,
}

/// What a key of a map is, as far as matchers care.
static KEY: Schema = Schema::plain(Kind::Text);

/// Text of the format that keys have.
pub(crate) fn key_schema(format: Option<Format>) -> &'static Schema {
    macro_rules! keys {
        ($($format:ident),*) => {
            match format {
                $(Some(Format::$format) => {
                    static OWN: Schema = parts::text(Some(Format::$format));
                    &OWN
                })*
                _ => &KEY,
            }
        };
    }
    keys!(
        Port,
        ContainerPath,
        SysctlKey,
        NetworkReference,
        RegistryHost
    )
}

/// Whether two keys are the same to the Engine.
fn is_key(format: Option<Format>, key: &str, name: &str) -> bool {
    key == name || format.is_some_and(|format| format.identity(key) == format.identity(name))
}

/// A value that is not there.
pub(crate) static ABSENT: Value<'static> = Value::Absent;

impl Condition {
    /// Whether the value fits.
    pub(crate) fn matches(&self, slot: Slot<'_, '_>) -> Verdict {
        match self {
            Self::Any => Verdict::Yes,
            Self::Not(condition) => condition.matches(slot).not(),
            Self::AllOf(all) => Verdict::all(all.iter().map(|one| one.matches(slot))),
            Self::AnyOf(any) => Verdict::any(any.iter().map(|one| one.matches(slot))),
            Self::Fields(fields) => match self::fields(slot) {
                Some(object) => Verdict::all(
                    fields
                        .iter()
                        .map(|field| object.with(field, |slot| field.condition.matches(slot))),
                ),
                None => Verdict::No,
            },
            Self::Absent => match slot.effective() {
                // Read as the Engine does: zero and absence are the same where
                // they mean the same.
                Effective::Value(_) => Verdict::No,
                _ => Verdict::Yes,
            },
            Self::Required => Verdict::of(matches!(slot.effective(), Effective::Value(_))),
            _ => self.of_effective(slot),
        }
    }

    fn of_effective(&self, slot: Slot<'_, '_>) -> Verdict {
        let effective = slot.effective();
        match effective {
            Effective::Unknown(_) => return Verdict::Unknown,
            Effective::Unchanged => return Verdict::Untouched,
            _ => {}
        }
        match self {
            Self::OneOf(literals) => Verdict::any(
                literals
                    .iter()
                    .map(|literal| literal.equals(effective, slot)),
            ),
            Self::Range(range) => Verdict::of(range.admits(effective, slot.schema.format)),
            Self::Glob(globs) => of_text(effective, |text| {
                let text = spelt(text, slot.schema.format);
                Verdict::of(globs.iter().any(|glob| glob.matches(&text)))
            }),
            Self::Under(roots) => of_text(effective, |path| under(path, roots)),
            Self::Image(image) => of_text(effective, |text| image.matches(text)),
            Self::Each(condition) => Verdict::all(
                elements(slot).map(|(schema, value)| condition.matches(Slot::inner(schema, value))),
            ),
            Self::Contains(condition) => Verdict::any(
                elements(slot).map(|(schema, value)| condition.matches(Slot::inner(schema, value))),
            ),
            Self::MaxItems(most) => Verdict::of(match slot.value {
                Value::List(list) => list.len() <= *most,
                Value::Map(map) => map.len() <= *most,
                _ => true,
            }),
            Self::Keys(format, condition) => {
                Verdict::all(entries(slot).map(|(key, _, _)| condition.of_key(*format, key)))
            }
            Self::Values(condition) => Verdict::all(
                entries(slot)
                    .map(|(_, schema, value)| condition.matches(Slot::inner(schema, value))),
            ),
            Self::Entry(name, condition) => Verdict::any(
                entries(slot)
                    .filter(|(key, _, _)| is_key(slot.schema.format, key, name))
                    .map(|(_, schema, value)| condition.matches(Slot::inner(schema, value))),
            ),
            Self::Any
            | Self::Absent
            | Self::Required
            | Self::Not(_)
            | Self::AllOf(_)
            | Self::AnyOf(_)
            | Self::Fields(_) => Verdict::No,
        }
    }

    fn of_key(&self, format: Option<Format>, key: &str) -> Verdict {
        let key = Value::Text(Cow::Borrowed(key));
        self.matches(Slot::inner(key_schema(format), &key))
    }

    /// Whether the condition opens the guarded leaf that it stands on: whether
    /// it says something of everything that the leaf may hold.
    pub(crate) fn opens(&self) -> bool {
        match self {
            Self::Any
            | Self::Absent
            | Self::Required
            | Self::OneOf(_)
            | Self::Range(_)
            | Self::Glob(_)
            | Self::Under(_)
            | Self::Image(_)
            | Self::Not(_)
            | Self::Each(_)
            | Self::Keys(..) => true,
            Self::Contains(_)
            | Self::MaxItems(_)
            | Self::Values(_)
            | Self::Entry(..)
            | Self::Fields(_) => false,
            Self::AllOf(all) => all.iter().any(Self::opens),
            Self::AnyOf(any) => any.iter().all(Self::opens),
        }
    }
}

/// The fields of an object, of a text with parts, or of nothing.
pub(crate) enum Fields<'v, 'a> {
    /// Those of an object that is there.
    Object(&'v crate::api::value::Object<'a>),
    /// Those of an object that was made for the purpose.
    Parts(crate::api::value::Object<'a>),
    /// An object that is not there has no field that is.
    Absent(&'static crate::api::definition::ObjectDef),
}

impl Fields<'_, '_> {
    /// Looks at one field.
    pub(crate) fn with<T>(
        &self,
        field: &FieldCondition,
        look: impl FnOnce(Slot<'_, '_>) -> T,
    ) -> T {
        let (definition, object) = match self {
            Self::Object(object) => (object.definition(), Some(*object)),
            Self::Parts(object) => (object.definition(), Some(object)),
            Self::Absent(definition) => (*definition, None),
        };
        let value = object
            .and_then(|object| object.at(field.index))
            .unwrap_or(&ABSENT);
        match definition.fields.get(field.index) {
            Some(field) => look(Slot::field(field, value)),
            // Resolving takes the place from the definition.
            None => look(Slot::inner(&KEY, &ABSENT)),
        }
    }
}

/// The fields of a value, if it has any.
pub(crate) fn fields<'v>(slot: Slot<'v, '_>) -> Option<Fields<'v, 'v>> {
    match (slot.value, slot.schema.kind) {
        (Value::Object(object), _) => Some(Fields::Object(object)),
        (value, Kind::Object(definition)) if value.is_absent() => Some(Fields::Absent(definition)),
        (Value::Text(text), _) => parts::of(slot.schema.format?, text).map(Fields::Parts),
        _ => None,
    }
}

/// What a text matcher says: of a text, or of the word that stands for one.
fn of_text(effective: Effective<'_, '_>, fits: impl FnOnce(&str) -> Verdict) -> Verdict {
    match effective {
        Effective::Value(Value::Text(text)) => fits(text),
        Effective::Default(word) => fits(word),
        _ => Verdict::No,
    }
}

/// The spelling that forms are held against: that of the place which a path
/// leads to.
fn spelt(text: &str, format: Option<Format>) -> Cow<'_, str> {
    match format {
        Some(format @ (Format::HostPath | Format::MountSource | Format::ContainerPath)) => {
            format.identity(text)
        }
        _ => Cow::Borrowed(text),
    }
}

/// Whether a path is below one of some roots.
///
/// Where a relative path leads is for the Engine to say. Often it is the root, so
/// nobody may rely on that it leads anywhere else.
fn under(path: &str, roots: &[String]) -> Verdict {
    let below = |path: &str| roots.iter().any(|root| is_under(path, root));
    if path.starts_with('/') {
        Verdict::of(below(path))
    } else if below(&format!("/{path}")) {
        Verdict::Partly
    } else {
        Verdict::No
    }
}

/// The elements of a list. A list that is not there has none.
pub(crate) fn elements<'v, 'a>(
    slot: Slot<'v, 'a>,
) -> impl Iterator<Item = (&'static Schema, &'v Value<'a>)> {
    let element = match slot.schema.kind {
        Kind::List(element) => element,
        _ => &KEY,
    };
    let values = match slot.value {
        Value::List(values) => values.as_slice(),
        _ => &[],
    };
    values.iter().map(move |value| (element, value))
}

/// The entries of a map. A map that is not there has none.
pub(crate) fn entries<'v, 'a>(
    slot: Slot<'v, 'a>,
) -> impl Iterator<Item = (&'v str, &'static Schema, &'v Value<'a>)> {
    let inner = match slot.schema.kind {
        Kind::Map(inner) => inner,
        _ => &KEY,
    };
    let entries = match slot.value {
        Value::Map(entries) => entries.as_slice(),
        _ => &[],
    };
    entries
        .iter()
        .map(move |(key, value)| (key.as_ref(), inner, value))
}

//! Conditions: what a rule says of a value, resolved against its definition.
//!
//! A [`Condition`] is a tree beside the tree of a definition: fields by their
//! place in it, lists, maps, and typed matchers at the leaves. [`Condition::matches`]
//! tells whether a value fits; it judges effects (see [`slot`](super::slot)), so
//! that an absent limit is no limit. What a condition opens for the guard is in
//! [`opens`](Condition::opens); why a value does not fit, in `failure`.
//! Resolving makes sure that a matcher fits the type; here one that does not
//! never allows.

mod cidr;
mod failure;
mod glob;
mod image;
mod literal;
mod range;

use std::borrow::Cow;

pub(crate) use cidr::Network;
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
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    /// Whatever it is.
    Any,
    /// It is not set.
    Absent,
    /// It is set, and not to zero.
    Required,
    /// It is equal in effect to one of these.
    OneOf(Vec<Literal>),
    /// It is this value, which the rule has set.
    Exactly(Value<'static>),
    /// It is a number, or a range of numbers, within these bounds.
    Range(Range),
    /// It has one of these forms.
    Glob(Vec<Glob>),
    /// It is one of these paths, or below one.
    Under(Vec<String>),
    /// It is an address or a subnet in one of these.
    Within(Vec<Network>),
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
    /// Of a list: it begins with elements that fit these, in this order; if it is
    /// `whole`, there are no more.
    Begins {
        /// What each of the first elements must be.
        with: Vec<Condition>,
        /// Whether they are all.
        whole: bool,
    },
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
#[derive(Clone, Debug, PartialEq)]
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
pub(crate) fn is_key(format: Option<Format>, key: &str, name: &str) -> bool {
    key == name || format.is_some_and(|format| format.identity(key) == format.identity(name))
}

/// Whether a key is the one that a rule names, all of it or in part, as a range of
/// ports has each of them.
fn same_key(format: Option<Format>, key: &str, name: &str) -> Verdict {
    if is_key(format, key, name) {
        return Verdict::Yes;
    }
    match format {
        Some(format @ Format::Port) => literal::same_text(format, name, key),
        _ => Verdict::No,
    }
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
            // A text that is not there has no parts, and may still mean something.
            Self::Fields(_) if let Some(verdict) = left_to_others(slot) => verdict,
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
            Self::Exactly(value) => Verdict::of(slot.value == value),
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
            Self::Range(range) => range.admits(effective, slot.schema.format),
            Self::Glob(globs) => of_text(effective, |text| {
                let spelt = spelt(text, slot.schema.format);
                let fits = |text: &str| globs.iter().any(|glob| glob.matches(text));
                match slot.schema.format {
                    Some(format) if !fits(&spelt) && literal::may_fit(format, text, fits) => {
                        Verdict::Partly
                    }
                    _ => Verdict::of(fits(&spelt)),
                }
            }),
            Self::Under(roots) => of_text(effective, |path| under(path, roots, slot.schema.format)),
            Self::Within(networks) => of_text(effective, |text| {
                Network::parse(text).map_or(Verdict::No, |inner| {
                    Verdict::any(networks.iter().map(|network| network.admits(inner)))
                })
            }),
            Self::Image(image) => of_text(effective, |text| image.matches(text)),
            Self::Each(condition) => Verdict::all(
                elements(slot).map(|(schema, value)| condition.matches(Slot::inner(schema, value))),
            ),
            Self::Begins { with, whole } => begins(slot, with, *whole),
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
            Self::Entry(name, condition) => {
                Verdict::any(entries(slot).filter_map(|(key, schema, value)| {
                    let same = same_key(slot.schema.format, key, name);
                    (same != Verdict::No)
                        .then(|| condition.matches(Slot::inner(schema, value)).and(same))
                }))
            }
            Self::Any
            | Self::Absent
            | Self::Required
            | Self::Exactly(_)
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

    /// Whether the condition opens a guarded leaf of this type. Of a text, naming
    /// parts does: each of them is then judged by itself.
    pub(crate) fn opens_a(&self, schema: &Schema) -> bool {
        match self {
            Self::Fields(_) => matches!(schema.kind, Kind::Text),
            Self::AllOf(all) => all.iter().any(|one| one.opens_a(schema)),
            Self::AnyOf(any) => any.iter().all(|one| one.opens_a(schema)),
            _ => self.opens(),
        }
    }

    /// Whether the condition opens the guarded leaf that it stands on: whether
    /// it says something of everything that the leaf may hold.
    pub(crate) fn opens(&self) -> bool {
        match self {
            Self::Any
            | Self::Absent
            | Self::Required
            | Self::OneOf(_)
            | Self::Exactly(_)
            | Self::Range(_)
            | Self::Glob(_)
            | Self::Under(_)
            | Self::Within(_)
            | Self::Image(_)
            | Self::Not(_)
            | Self::Begins { whole: true, .. }
            | Self::Each(_)
            | Self::Keys(..) => true,
            Self::Contains(_)
            | Self::Begins { whole: false, .. }
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
        (_, Kind::Text) => {
            let format = slot.schema.format?;
            match slot.effective() {
                Effective::Value(Value::Text(text)) => parts::of(format, text).map(Fields::Parts),
                Effective::Default(word) => parts::of(format, word).map(Fields::Parts),
                Effective::Unset => parts::definition(format).map(Fields::Absent),
                _ => None,
            }
        }
        _ => None,
    }
}

/// What parts say of a text that the image, the Engine or the object itself decides.
fn left_to_others(slot: Slot<'_, '_>) -> Option<Verdict> {
    match (slot.schema.kind, slot.effective()) {
        (Kind::Text, Effective::Unknown(_)) => Some(Verdict::Unknown),
        (Kind::Text, Effective::Unchanged) => Some(Verdict::Untouched),
        _ => None,
    }
}

/// Whether a list begins with elements that fit.
fn begins(slot: Slot<'_, '_>, with: &[Condition], whole: bool) -> Verdict {
    let mut own = elements(slot);
    let first = Verdict::all(with.iter().map(|condition| match own.next() {
        Some((schema, value)) => condition.matches(Slot::inner(schema, value)),
        None => Verdict::No,
    }));
    if first != Verdict::No && whole && own.next().is_some() {
        return Verdict::No;
    }
    first
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
/// nobody may rely on that it leads anywhere else. Of the host, who has a folder has
/// what is in it.
fn under(path: &str, roots: &[String], format: Option<Format>) -> Verdict {
    let of_host = matches!(format, Some(Format::HostPath | Format::MountSource));
    let around = |path: &str| of_host && roots.iter().any(|root| is_under(root, path));
    let below = |path: &str| roots.iter().any(|root| is_under(path, root));
    if path.starts_with('/') {
        match below(path) {
            false if around(path) => Verdict::Partly,
            below => Verdict::of(below),
        }
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

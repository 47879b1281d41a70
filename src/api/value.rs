//! Decoded values: what the Engine would make of a request, typed.
//!
//! A [`Value`] is only made by [`decode`](super::decode), under a schema; what
//! the schema says (ranges, vocabularies, formats) holds for it. Texts are
//! borrowed from the request where they need no change.
//!
//! Values are secret unless a definition says otherwise, so none of these types
//! shows its content through `Debug`.

use std::borrow::Cow;
use std::fmt;

use super::definition::{FieldDef, ObjectDef};
use super::fold::fold;
use super::hash;

/// A value.
#[derive(Clone, PartialEq, Default)]
pub enum Value<'a> {
    /// Not there.
    #[default]
    Absent,
    /// `null`: where a field is expected the same as absence, but seen.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits 64 bits with a sign.
    Int(i64),
    /// An integer beyond that.
    Uint(u64),
    /// A number.
    Float(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Value<'a>>),
    /// A map, in the order of the request, without repeated keys.
    Map(Vec<(Cow<'a, str>, Value<'a>)>),
    /// An object.
    Object(Object<'a>),
}

/// An object: a value for each field of its definition.
#[derive(Clone)]
pub struct Object<'a> {
    definition: &'static ObjectDef,
    values: Box<[Value<'a>]>,
}

impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.definition, other.definition) && self.values == other.values
    }
}

impl<'a> Value<'a> {
    /// Whether nothing was said: the value is absent or null.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent | Self::Null)
    }

    /// Whether the value is what Go calls zero.
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Absent | Self::Null => true,
            Self::Bool(value) => !value,
            Self::Int(value) => *value == 0,
            Self::Uint(value) => *value == 0,
            Self::Float(value) => *value == 0.0,
            Self::Text(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Map(map) => map.is_empty(),
            // An object that is there says something, even if it is empty.
            Self::Object(_) => false,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "absent",
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Object(_) => "object",
        })
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self
            .fields()
            .filter(|(_, value)| !value.is_absent())
            .map(|(field, _)| field.name);
        f.debug_set().entries(names).finish()
    }
}

impl<'a> Object<'a> {
    /// An object without any value.
    pub(crate) fn empty(definition: &'static ObjectDef) -> Self {
        Self {
            definition,
            values: definition.fields.iter().map(|_| Value::Absent).collect(),
        }
    }

    /// An object that was not decoded but made, with a value for each field.
    pub(crate) fn with(
        definition: &'static ObjectDef,
        values: impl IntoIterator<Item = Value<'a>>,
    ) -> Self {
        Self {
            definition,
            values: values.into_iter().collect(),
        }
    }

    /// Its definition.
    pub fn definition(&self) -> &'static ObjectDef {
        self.definition
    }

    /// The value of the field at this place of the definition.
    pub(crate) fn at(&self, index: usize) -> Option<&Value<'a>> {
        self.values.get(index)
    }

    /// Each field with its value.
    pub fn fields(&self) -> impl Iterator<Item = (&'static FieldDef, &Value<'a>)> {
        self.definition.fields.iter().zip(&self.values)
    }

    /// The value of the field of this name.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        let index = self.definition.find(name)?;
        self.values.get(index).filter(|value| !value.is_absent())
    }

    /// The same object with every value changed.
    pub(super) fn map<'b>(self, change: impl FnMut(Value<'a>) -> Value<'b>) -> Object<'b> {
        Object {
            definition: self.definition,
            values: self.values.into_iter().map(change).collect(),
        }
    }

    /// Each field with its value, to be changed.
    pub(super) fn fields_mut(
        &mut self,
    ) -> impl Iterator<Item = (&'static FieldDef, &mut Value<'a>)> {
        self.definition.fields.iter().zip(&mut self.values)
    }

    /// The place of the field at an index.
    pub(crate) fn slot(&mut self, index: usize) -> Option<&mut Value<'a>> {
        self.values.get_mut(index)
    }
}

impl ObjectDef {
    /// The index of the field that a key names to the Engine.
    pub fn find(&self, key: &str) -> Option<usize> {
        if key.is_ascii() {
            return self.find_ascii(key);
        }
        self.find_ascii(&fold(key)?)
    }

    fn find_ascii(&self, key: &str) -> Option<usize> {
        let size = self.lookup.len();
        if size == 0 {
            // An object that is never decoded has no table.
            return None;
        }
        debug_assert_eq!(size, hash::slots(self.fields.len()));
        let mut slot = hash::slot(key.as_bytes(), size);
        // Half of the slots are empty, so the search is short.
        loop {
            let index = *self.lookup.get(slot)?;
            if index == hash::EMPTY {
                return None;
            }
            let index = usize::from(index);
            let field = self.fields.get(index)?;
            if field.name == key || field.name.eq_ignore_ascii_case(key) {
                return Some(index);
            }
            slot = slot.wrapping_add(1) & size.wrapping_sub(1);
        }
    }
}

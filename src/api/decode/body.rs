//! JSON under a schema, in one pass and without an intermediate tree.
//!
//! `serde_json` reads the text (strict JSON and UTF-8, no lone surrogates, 128
//! levels at most) and hands every token to the schema. What is wrong is noted
//! in the [`Context`], because an error of serde cannot carry a place.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::super::definition::{Kind, NullElement, ObjectDef, Schema};
use super::super::value::{Object, Value};
use super::{DecodeError, Versions, drop_name, expected, shown};
use crate::format::Format;

/// The most values of one JSON text: fields of objects, there or not, elements
/// of lists and entries of maps. Bounds memory, since an element that is two
/// bytes of text can be an object of many fields.
const BUDGET: usize = 1 << 16;

/// How decoding of one JSON text goes.
struct Context<'n> {
    /// Known noise: dotted paths that may be dropped.
    noise: &'n [&'static str],
    /// Paths of what was dropped.
    dropped: RefCell<Vec<String>>,
    /// How many more values there may be.
    budget: Cell<usize>,
    /// What decides which fields there are, if not all of them are there.
    versions: Option<Versions>,
    /// Whether there was a field that these versions do not have.
    lacking: Cell<bool>,
    /// The first thing that was wrong, with its path.
    wrong: RefCell<Option<(String, Cow<'static, str>)>>,
}

/// Where decoding is: the last piece of the path, and what leads to it.
struct Frame<'f> {
    outer: Option<&'f Frame<'f>>,
    piece: &'static str,
}

/// Decodes the body of a request, and takes out what its version does not have.
pub fn body<'a>(
    schema: &'static Schema,
    bytes: &'a [u8],
    noise: &[&'static str],
    versions: Versions,
    dropped: &mut Vec<String>,
) -> Result<Value<'a>, DecodeError> {
    text(schema, bytes, "body", noise, Some(versions), dropped)
}

/// How deep a JSON text nests, if it is one: lists and objects in each other.
pub fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                // To the end of the text; what is escaped does not end it.
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

/// Decodes one JSON text. A `null` is [`Value::Null`]: nothing was said.
///
/// `place` is what the path of an error begins with (`body`); the paths of
/// dropped names are added to `dropped`, with the same beginning.
pub fn json<'a>(
    schema: &'static Schema,
    bytes: &'a [u8],
    place: &str,
    noise: &[&'static str],
    dropped: &mut Vec<String>,
) -> Result<Value<'a>, DecodeError> {
    text(schema, bytes, place, noise, None, dropped)
}

fn text<'a>(
    schema: &'static Schema,
    bytes: &'a [u8],
    place: &str,
    noise: &[&'static str],
    versions: Option<Versions>,
    dropped: &mut Vec<String>,
) -> Result<Value<'a>, DecodeError> {
    let context = Context {
        noise,
        versions,
        lacking: Cell::new(false),
        budget: Cell::new(BUDGET),
        dropped: RefCell::default(),
        wrong: RefCell::default(),
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(DecodeError::new(place, "is not UTF-8"));
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let seed = Seed {
        schema,
        context: &context,
        frame: None,
    };
    let value = seed
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    let join = |path: &str| super::query::join(place, path);
    match value {
        Ok(mut value) => {
            for path in context.dropped.into_inner() {
                drop_name(dropped, join(&path));
            }
            // Few bodies hold such a field, so most need no second look.
            if let Some(versions) = versions
                && context.lacking.get()
            {
                versions.of_fields(place, &mut value, dropped)?;
            }
            Ok(value)
        }
        Err(error) => Err(match context.wrong.into_inner() {
            Some((path, reason)) => DecodeError::new(join(&path), reason),
            // What remains are errors of the syntax, whose texts name a line
            // and a column and nothing of the content.
            None if error.is_syntax() || error.is_eof() => {
                DecodeError::new(place, format!("not JSON: {error}"))
            }
            None => DecodeError::new(place, "not JSON that can be understood"),
        }),
    }
}

impl Context<'_> {
    /// Notes what is wrong at a place.
    fn fail<E: de::Error>(
        &self,
        frame: Option<&Frame<'_>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> E {
        let mut wrong = self.wrong.borrow_mut();
        if wrong.is_none() {
            *wrong = Some((path(frame), reason.into()));
        }
        E::custom("refused")
    }
}

/// A place as a path.
fn path(frame: Option<&Frame<'_>>) -> String {
    let mut pieces = Vec::new();
    let mut next = frame;
    while let Some(frame) = next {
        pieces.push(frame.piece);
        next = frame.outer;
    }
    let mut path = String::new();
    for piece in pieces.iter().rev() {
        if !path.is_empty() && !piece.starts_with(['[', '{']) {
            path.push('.');
        }
        path.push_str(piece);
    }
    path
}

/// Decodes a value under a schema.
#[derive(Clone, Copy)]
struct Seed<'c> {
    schema: &'static Schema,
    context: &'c Context<'c>,
    frame: Option<&'c Frame<'c>>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Seed<'_> {
    fn unexpected<E: de::Error>(self, found: &str) -> E {
        let reason = format!("expected {}, found {found}", expected(self.schema));
        self.fail(reason)
    }

    fn fail<E: de::Error>(self, reason: impl Into<Cow<'static, str>>) -> E {
        self.context.fail(self.frame, reason)
    }

    /// Takes so many values off the budget.
    fn spend<E: de::Error>(self, values: usize) -> Result<(), E> {
        match self.context.budget.get().checked_sub(values) {
            Some(left) => {
                self.context.budget.set(left);
                Ok(())
            }
            None => Err(self.fail(format!("makes it more than {BUDGET} values"))),
        }
    }

    fn text<E: de::Error>(self, text: Cow<'_, str>) -> Result<Value<'_>, E> {
        if let Kind::List(element) = self.schema.kind
            && self.schema.text_or_list
        {
            let value = super::text(element, text).map_err(|reason| self.fail(reason))?;
            return Ok(Value::List(vec![value]));
        }
        super::text(self.schema, text).map_err(|reason| self.fail(reason))
    }

    /// A null where an element or a map's value is expected.
    fn null_element<E: de::Error>(self, element: &'static Schema) -> Result<Value<'static>, E> {
        match (element.null, element.kind) {
            (NullElement::Kept, _) => Ok(Value::Null),
            (NullElement::Empty, Kind::Object(definition)) => {
                self.spend(definition.fields.len())?;
                Ok(Value::Object(Object::empty(definition)))
            }
            (NullElement::Empty, Kind::List(_)) => Ok(Value::List(Vec::new())),
            (NullElement::Empty, Kind::Map(_)) => Ok(Value::Map(Vec::new())),
            _ => Err(self.fail("must not be null here")),
        }
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(expected(self.schema))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value<'de>, E> {
        match self.schema.kind {
            Kind::Bool => Ok(Value::Bool(value)),
            _ => Err(self.unexpected("a boolean")),
        }
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value<'de>, E> {
        match self.schema.kind {
            Kind::Int { min, max } => {
                if value < min || u64::try_from(value).is_ok_and(|value| value > max) {
                    return Err(self.fail(range(min, max)));
                }
                Ok(Value::Int(value))
            }
            #[expect(
                clippy::cast_precision_loss,
                reason = "the Engine reads the number as a float, too"
            )]
            Kind::Float => Ok(Value::Float(value as f64)),
            _ => Err(self.unexpected("a number")),
        }
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value<'de>, E> {
        match (i64::try_from(value), self.schema.kind) {
            (Ok(value), _) => self.visit_i64(value),
            (Err(_), Kind::Int { max, .. }) if value <= max => Ok(Value::Uint(value)),
            (Err(_), Kind::Int { min, max }) => Err(self.fail(range(min, max))),
            #[expect(
                clippy::cast_precision_loss,
                reason = "the Engine reads the number as a float, too"
            )]
            (Err(_), Kind::Float) => Ok(Value::Float(value as f64)),
            (Err(_), _) => Err(self.unexpected("a number")),
        }
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value<'de>, E> {
        match self.schema.kind {
            Kind::Float => Ok(Value::Float(value)),
            Kind::Int { .. } => {
                Err(self
                    .fail("must be an integer, without fraction or exponent, of at most 64 bits"))
            }
            _ => Err(self.unexpected("a number")),
        }
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Value<'de>, E> {
        self.text(Cow::Borrowed(text))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value<'de>, E> {
        self.text(Cow::Owned(text.to_owned()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value<'de>, A::Error> {
        let Kind::List(element) = self.schema.kind else {
            return Err(self.unexpected("a list"));
        };
        let frame = Frame {
            outer: self.frame,
            piece: "[]",
        };
        let seed = Seed {
            schema: element,
            context: self.context,
            frame: Some(&frame),
        };
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(seed)? {
            seed.spend(1)?;
            values.push(match value {
                Value::Null => seed.null_element(element)?,
                value => value,
            });
        }
        if let Some((least, most)) = self.schema.items
            && !(least..=most).contains(&values.len())
        {
            return Err(self.fail(format!("must have {least} to {most} elements")));
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value<'de>, A::Error> {
        match self.schema.kind {
            Kind::Object(definition) => self.object(definition, map).map(Value::Object),
            Kind::Map(value) => self.map(value, map),
            _ => Err(self.unexpected("an object")),
        }
    }
}

impl Seed<'_> {
    fn object<'de, A: MapAccess<'de>>(
        self,
        definition: &'static ObjectDef,
        mut map: A,
    ) -> Result<Object<'de>, A::Error> {
        self.spend(definition.fields.len())?;
        let mut object = Object::empty(definition);
        let mut next = 0;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            // Clients mostly keep the order of the definition.
            let index = match definition.fields.get(next) {
                Some(field) if field.name == key => Some(next),
                _ => definition.find(&key),
            };
            let Some((index, field)) =
                index.and_then(|index| Some((index, definition.fields.get(index)?)))
            else {
                self.unknown(definition, &key, &mut map)?;
                continue;
            };
            next = index.saturating_add(1);
            let frame = Frame {
                outer: self.frame,
                piece: field.name,
            };
            let seed = Seed {
                schema: &field.schema,
                context: self.context,
                frame: Some(&frame),
            };
            let Some(slot) = object.slot(index) else {
                continue;
            };
            if let Some(versions) = self.context.versions
                && !versions.have(field.span, field.any_version)
            {
                self.context.lacking.set(true);
            }
            if !matches!(slot, Value::Absent) {
                let reason = "is given twice (keys are compared without regard to case)";
                return Err(seed.fail(reason));
            }
            map.next_value_seed(Fill { seed, slot })?;
        }
        Ok(object)
    }

    /// A name that the definition does not have.
    fn unknown<'de, A: MapAccess<'de>>(
        self,
        definition: &ObjectDef,
        key: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let empty = map.next_value_seed(EmptySeed)?;
        let mut path = path(self.frame);
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&shown(key));
        if empty || definition.drop_unknown || self.context.noise.contains(&path.as_str()) {
            drop_name(&mut self.context.dropped.borrow_mut(), path);
            return Ok(());
        }
        let mut wrong = self.context.wrong.borrow_mut();
        wrong.get_or_insert((path, "is not a field of the Engine API".into()));
        Err(de::Error::custom("refused"))
    }

    fn map<'de, A: MapAccess<'de>>(
        self,
        schema: &'static Schema,
        mut map: A,
    ) -> Result<Value<'de>, A::Error> {
        let frame = Frame {
            outer: self.frame,
            piece: "{}",
        };
        let seed = Seed {
            schema,
            context: self.context,
            frame: Some(&frame),
        };
        let mut entries: Vec<(Cow<'de, str>, Value<'de>)> = Vec::new();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            seed.spend(1)?;
            let key = match self.schema.format {
                None => key,
                Some(format) => super::canonical(format, key).map_err(|reason| {
                    let reason = format!("a key is not a valid {}: {reason}", format.name());
                    seed.fail(reason)
                })?,
            };
            let value = match map.next_value_seed(seed)? {
                Value::Null => seed.null_element(schema)?,
                value => value,
            };
            entries.push((key, value));
        }
        if repeated(&entries, self.schema.format) {
            return Err(seed.fail("a key is given twice"));
        }
        Ok(Value::Map(entries))
    }
}

/// Decodes a field's value right into its slot: passing values up through the
/// layers of a deserializer costs more than reading them.
struct Fill<'c, 's, 'de> {
    seed: Seed<'c>,
    slot: &'s mut Value<'de>,
}

impl<'de> DeserializeSeed<'de> for Fill<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fill<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.seed.expecting(f)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        *self.slot = self.seed.visit_bool(value)?;
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        *self.slot = self.seed.visit_i64(value)?;
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        *self.slot = self.seed.visit_u64(value)?;
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        *self.slot = self.seed.visit_f64(value)?;
        Ok(())
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<(), E> {
        *self.slot = self.seed.visit_borrowed_str(text)?;
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        *self.slot = self.seed.visit_str(text)?;
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        *self.slot = Value::Null;
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        *self.slot = self.seed.visit_seq(list)?;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        *self.slot = self.seed.visit_map(map)?;
        Ok(())
    }
}

/// Whether a key is there twice, be it in two spellings.
fn repeated(entries: &[(Cow<'_, str>, Value<'_>)], format: Option<Format>) -> bool {
    let mut keys: Vec<Cow<'_, str>> = entries
        .iter()
        .map(|(key, _)| match format {
            None => Cow::Borrowed(key.as_ref()),
            Some(format) => format.identity(key),
        })
        .collect();
    keys.sort_unstable();
    keys.windows(2)
        .any(|pair| matches!(pair, [first, second] if first == second))
}

fn range(min: i64, max: u64) -> String {
    format!("must be from {min} to {max}")
}

/// Reads a key, borrowed where it is written without escapes.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: de::Error>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

/// Passes over a value and tells whether it was empty: null, false, 0, "", []
/// or {}.
struct EmptySeed;

impl<'de> DeserializeSeed<'de> for EmptySeed {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EmptySeed {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<bool, E> {
        Ok(!value)
    }

    fn visit_i64<E>(self, value: i64) -> Result<bool, E> {
        Ok(value == 0)
    }

    fn visit_u64<E>(self, value: u64) -> Result<bool, E> {
        Ok(value == 0)
    }

    fn visit_f64<E>(self, value: f64) -> Result<bool, E> {
        Ok(value == 0.0)
    }

    fn visit_str<E>(self, text: &str) -> Result<bool, E> {
        Ok(text.is_empty())
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let mut empty = true;
        while list.next_element_seed(EmptySeed)?.is_some() {
            empty = false;
        }
        Ok(empty)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut empty = true;
        while map.next_key::<de::IgnoredAny>()?.is_some() {
            map.next_value_seed(EmptySeed)?;
            empty = false;
        }
        Ok(empty)
    }
}

//! JSON under a schema, in one pass and without an intermediate tree.
//!
//! `serde_json` reads the text (strict JSON and UTF-8, no lone surrogates, 128
//! levels at most) and hands every token to the schema. What is wrong is noted
//! in the [`Context`], because an error of serde cannot carry a place.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::super::definition::{Kind, NullElement, ObjectDef, Schema};
use super::super::value::{Object, Value};
use super::{DecodeError, expected, shown};

/// How decoding of one JSON text goes.
struct Context<'n> {
    /// Known noise: dotted paths that may be dropped.
    noise: &'n [&'static str],
    /// Where decoding is.
    path: RefCell<Vec<&'static str>>,
    /// Paths of what was dropped.
    dropped: RefCell<Vec<String>>,
    /// The first thing that was wrong, with its path.
    wrong: RefCell<Option<(String, Cow<'static, str>)>>,
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
    let context = Context {
        noise,
        path: RefCell::default(),
        dropped: RefCell::default(),
        wrong: RefCell::default(),
    };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed {
        schema,
        context: &context,
    };
    let value = seed
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    let join = |path: &str| match path.chars().next() {
        None => place.to_owned(),
        Some('[' | '{') => format!("{place}{path}"),
        Some(_) => format!("{place}.{path}"),
    };
    match value {
        Ok(value) => {
            let paths = context.dropped.into_inner();
            dropped.extend(paths.iter().map(|path| join(path)));
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
    /// Notes what is wrong at the present place.
    fn fail<E: de::Error>(&self, reason: impl Into<Cow<'static, str>>) -> E {
        let mut wrong = self.wrong.borrow_mut();
        if wrong.is_none() {
            *wrong = Some((self.path(), reason.into()));
        }
        E::custom("refused")
    }

    /// The present place as a path.
    fn path(&self) -> String {
        let mut path = String::new();
        for piece in self.path.borrow().iter() {
            if !path.is_empty() && !piece.starts_with(['[', '{']) {
                path.push('.');
            }
            path.push_str(piece);
        }
        path
    }

    fn inside<T>(&self, piece: &'static str, run: impl FnOnce() -> T) -> T {
        self.path.borrow_mut().push(piece);
        let done = run();
        self.path.borrow_mut().pop();
        done
    }
}

/// Decodes a value under a schema.
#[derive(Clone, Copy)]
struct Seed<'c> {
    schema: &'static Schema,
    context: &'c Context<'c>,
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
        self.context.fail(reason)
    }

    fn text<'de, E: de::Error>(self, text: Cow<'de, str>) -> Result<Value<'de>, E> {
        if let Kind::List(element) = self.schema.kind
            && self.schema.text_or_list
        {
            let value = super::text(element, text).map_err(|reason| self.context.fail(reason))?;
            return Ok(Value::List(vec![value]));
        }
        super::text(self.schema, text).map_err(|reason| self.context.fail(reason))
    }

    /// A null where an element or a map's value is expected.
    fn null_element<E: de::Error>(self, element: &'static Schema) -> Result<Value<'static>, E> {
        match (element.null, element.kind) {
            (NullElement::Kept, _) => Ok(Value::Null),
            (NullElement::Empty, Kind::Object(definition)) => {
                Ok(Value::Object(Object::empty(definition)))
            }
            (NullElement::Empty, Kind::List(_)) => Ok(Value::List(Vec::new())),
            (NullElement::Empty, Kind::Map(_)) => Ok(Value::Map(Vec::new())),
            _ => Err(self.context.fail("must not be null here")),
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
                    return Err(self.context.fail(range(min, max)));
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
            (Err(_), Kind::Int { min, max }) => Err(self.context.fail(range(min, max))),
            (Err(_), _) => Err(self.unexpected("a number")),
        }
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value<'de>, E> {
        match self.schema.kind {
            Kind::Float => Ok(Value::Float(value)),
            Kind::Int { .. } => Err(self
                .context
                .fail("must be an integer, without fraction or exponent, of at most 64 bits")),
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
        let seed = Seed {
            schema: element,
            ..self
        };
        let mut values = Vec::new();
        self.context.inside("[]", || {
            while let Some(value) = list.next_element_seed(seed)? {
                values.push(match value {
                    Value::Null => self.null_element(element)?,
                    value => value,
                });
            }
            Ok(())
        })?;
        if let Some((least, most)) = self.schema.items
            && !(least..=most).contains(&values.len())
        {
            return Err(self
                .context
                .fail(format!("must have {least} to {most} elements")));
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
        let mut object = Object::empty(definition);
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let field = definition
                .find(&key)
                .and_then(|index| Some((index, definition.fields.get(index)?)));
            let Some((index, field)) = field else {
                self.unknown(definition, &key, &mut map)?;
                continue;
            };
            let seed = Seed {
                schema: &field.schema,
                ..self
            };
            self.context.path.borrow_mut().push(field.name);
            let value = map.next_value_seed(seed)?;
            if let Some(slot) = object.slot(index) {
                if !matches!(slot, Value::Absent) {
                    return Err(self
                        .context
                        .fail("is given twice (keys are compared without regard to case)"));
                }
                *slot = value;
            }
            self.context.path.borrow_mut().pop();
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
        let mut path = self.context.path();
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&shown(key));
        if empty || definition.drop_unknown || self.context.noise.contains(&path.as_str()) {
            self.context.dropped.borrow_mut().push(path);
            return Ok(());
        }
        let mut wrong = self.context.wrong.borrow_mut();
        if wrong.is_none() {
            *wrong = Some((path, "is not a field of the Engine API".into()));
        }
        Err(de::Error::custom("refused"))
    }

    fn map<'de, A: MapAccess<'de>>(
        self,
        schema: &'static Schema,
        mut map: A,
    ) -> Result<Value<'de>, A::Error> {
        let seed = Seed { schema, ..self };
        let mut entries: Vec<(Cow<'de, str>, Value<'de>)> = Vec::new();
        self.context.inside("{}", || {
            while let Some(key) = map.next_key_seed(KeySeed)? {
                let key = match self.schema.format {
                    None => key,
                    Some(format) => super::canonical(format, key).map_err(|reason| {
                        let reason = format!("a key is not a valid {}: {reason}", format.name());
                        self.context.fail(reason)
                    })?,
                };
                let value = match map.next_value_seed(seed)? {
                    Value::Null => self.null_element(schema)?,
                    value => value,
                };
                entries.push((key, value));
            }
            if repeated(&entries) {
                return Err(self.context.fail("a key is given twice"));
            }
            Ok(())
        })?;
        Ok(Value::Map(entries))
    }
}

/// Whether a key is there twice.
fn repeated(entries: &[(Cow<'_, str>, Value<'_>)]) -> bool {
    let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_ref()).collect();
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

//! The query, parameter by parameter, as the Engine reads each.
//!
//! Pairs are split at `&` only, keys are compared exactly, `+` is a space. A
//! semicolon, a bad escape or a text that is not UTF-8 is refused: the Engine
//! refuses it or drops the pair, depending on the operation.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::super::definition::{Kind, ParameterDef, Reading, Schema};
use super::super::value::Value;
use super::{DecodeError, drop_name, shown};

/// The most parameters of a query: what newer Engines take.
const PAIRS: usize = 10_000;

/// Values of parameters, one for each definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters<'a> {
    definitions: &'static [ParameterDef],
    values: Vec<Value<'a>>,
}

impl PartialEq for ParameterDef {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl<'a> Parameters<'a> {
    /// No values yet.
    pub(crate) fn new(definitions: &'static [ParameterDef]) -> Self {
        Self {
            definitions,
            values: definitions.iter().map(|_| Value::Absent).collect(),
        }
    }

    /// Each parameter with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static ParameterDef, &Value<'a>)> {
        self.definitions.iter().zip(&self.values)
    }

    /// The parameter at this place of the definition, with its value.
    pub(crate) fn at(&self, index: usize) -> Option<(&'static ParameterDef, &Value<'a>)> {
        self.definitions.get(index).zip(self.values.get(index))
    }

    /// The value of the parameter of this name, if it was given.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.iter()
            .find(|(definition, _)| definition.name == name)
            .map(|(_, value)| value)
            .filter(|value| !value.is_absent())
    }

    /// Each parameter with its value, to be changed.
    pub(super) fn iter_mut(
        &mut self,
    ) -> impl Iterator<Item = (&'static ParameterDef, &mut Value<'a>)> {
        self.definitions.iter().zip(&mut self.values)
    }

    /// The value at this place of the definition, to be changed.
    pub(crate) fn at_mut(&mut self, index: usize) -> Option<&mut Value<'a>> {
        self.values.get_mut(index)
    }

    pub(crate) fn slot(
        &mut self,
        mut found: impl FnMut(&ParameterDef) -> bool,
    ) -> Option<(&'static ParameterDef, &mut Value<'a>)> {
        self.definitions
            .iter()
            .zip(&mut self.values)
            .find(|(definition, _)| found(definition))
    }
}

/// Decodes a query under these definitions. Names of what was dropped are added
/// to `dropped` as `query.NAME`.
pub fn query<'a>(
    definitions: &'static [ParameterDef],
    noise: &[&str],
    query: &'a str,
    dropped: &mut Vec<String>,
) -> Result<Parameters<'a>, DecodeError> {
    let mut parameters = Parameters::new(definitions);
    if query.contains(';') {
        return Err(DecodeError::new("query", "must not contain a semicolon"));
    }
    let mut pairs = 0_usize;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        pairs = pairs.saturating_add(1);
        if pairs > PAIRS {
            let reason = format!("has more than {PAIRS} parameters");
            return Err(DecodeError::new("query", reason));
        }
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        let name = unescape(name).map_err(|reason| DecodeError::new("query", reason))?;
        let place = || format!("query.{}", shown(&name));
        let text = unescape(text).map_err(|reason| DecodeError::new(place(), reason))?;
        let Some((definition, slot)) = parameters.slot(|definition| definition.name == name) else {
            if text.is_empty() || noise.contains(&name.as_ref()) {
                drop_name(dropped, place());
                continue;
            }
            return Err(DecodeError::new(
                place(),
                "is not a parameter of this operation of the Engine API",
            ));
        };
        if definition.repeated {
            let value = one(definition, text)
                .map_err(|error| DecodeError::new(join(&place(), &error.place), error.reason))?;
            match (slot, value) {
                (Value::List(values), value) => values.push(value),
                (slot, value) => *slot = Value::List(vec![value]),
            }
            continue;
        }
        if !matches!(slot, Value::Absent) {
            if definition.first_wins {
                drop_name(dropped, format!("{} (second value)", place()));
                continue;
            }
            return Err(DecodeError::new(place(), "is given twice"));
        }
        let mut inside = Vec::new();
        *slot = parameter_text(definition, text, &mut inside)
            .map_err(|error| DecodeError::new(join(&place(), &error.place), error.reason))?;
        for path in inside {
            drop_name(dropped, join(&place(), &path));
        }
        // Seen, though it says nothing: a second one is refused all the same.
        if slot.is_absent() {
            *slot = Value::Null;
        }
    }
    Ok(parameters)
}

/// Puts the place inside a parameter behind the parameter's own.
pub(super) fn join(place: &str, inner: &str) -> String {
    match inner {
        "" => place.to_owned(),
        path if place.is_empty() => path.to_owned(),
        path if path.starts_with(['[', '{']) => format!("{place}{path}"),
        path => format!("{place}.{path}"),
    }
}

/// One value of a repeated parameter.
pub(super) fn one<'a>(
    definition: &'static ParameterDef,
    text: Cow<'a, str>,
) -> Result<Value<'a>, DecodeError> {
    let element: &'static Schema = match &definition.schema.kind {
        Kind::List(element) => element,
        _ => &definition.schema,
    };
    match definition.reading {
        Reading::Json => match json(element, &text, &mut Vec::new())? {
            Value::Absent | Value::Null => Err(DecodeError::new("", "must not be null here")),
            value => Ok(value),
        },
        _ => super::text(element, text).map_err(|reason| DecodeError::new("", reason)),
    }
}

/// What the text of a parameter means to the Engine.
pub(super) fn parameter_text<'a>(
    definition: &'static ParameterDef,
    text: Cow<'a, str>,
    dropped: &mut Vec<String>,
) -> Result<Value<'a>, DecodeError> {
    let here = |reason: Cow<'static, str>| DecodeError::new("", reason);
    let empty = text.is_empty();
    match definition.reading {
        Reading::Bool => Ok(Value::Bool(boolean(&text))),
        // To all others an empty text and no text are the same.
        _ if empty => Ok(Value::Absent),
        Reading::Text => super::text(&definition.schema, text).map_err(here),
        Reading::BoolOrAbsent => Ok(Value::Bool(boolean(&text))),
        Reading::StrictBool => match text.as_ref() {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Value::Bool(false)),
            _ => Err(here("must be true or false".into())),
        },
        Reading::Integer => integer(&definition.schema, &text).map_err(here),
        Reading::Json => match json(&definition.schema, &text, dropped)? {
            // To the Engine it is an object without fields, which it refuses.
            Value::Absent if matches!(definition.schema.kind, Kind::Object(_)) => {
                Err(here("must not be null here".into()))
            }
            value => Ok(value),
        },
        Reading::Filters => filters(&text).map_err(here),
        Reading::Base64Json | Reading::Prefix => Err(here("is only understood in a header".into())),
    }
}

/// The Engine's `BoolValue`: a few words are false, everything else is true.
fn boolean(text: &str) -> bool {
    let text = text.trim_matches(|letter: char| letter.is_whitespace());
    !["", "0", "no", "false", "none"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

/// Go's `Atoi`: a sign and decimal digits.
fn integer<'a>(schema: &Schema, text: &str) -> Result<Value<'a>, Cow<'static, str>> {
    let Kind::Int { min, max } = schema.kind else {
        return Err("is not an integer".into());
    };
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] if min < 0 => (true, text.trim_start_matches('-')),
        [b'+', ..] if min < 0 => (false, text.trim_start_matches('+')),
        _ => (false, text),
    };
    let signs = text.len().saturating_sub(digits.len());
    if signs > 1 || digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("must be a decimal integer".into());
    }
    let out_of_range = || Cow::Owned(format!("must be from {min} to {max}"));
    let magnitude: i128 = digits.parse().map_err(|_| out_of_range())?;
    let value = if negative { -magnitude } else { magnitude };
    if value < i128::from(min) || value > i128::from(max) {
        return Err(out_of_range());
    }
    match (i64::try_from(value), u64::try_from(value)) {
        (Ok(value), _) => Ok(Value::Int(value)),
        (_, Ok(value)) => Ok(Value::Uint(value)),
        _ => Err(out_of_range()),
    }
}

/// The white space of JSON.
const JSON_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// JSON inside a parameter. The values are copied out of the unescaped text.
fn json<'a>(
    schema: &'static Schema,
    text: &str,
    dropped: &mut Vec<String>,
) -> Result<Value<'a>, DecodeError> {
    if text.trim_matches(JSON_SPACE) == "null" {
        return Ok(Value::Absent);
    }
    super::json(schema, text.as_bytes(), "", &[], dropped).map(owned)
}

/// A value that borrows nothing.
pub(super) fn owned<'a>(value: Value<'_>) -> Value<'a> {
    match value {
        Value::Absent => Value::Absent,
        Value::Null => Value::Null,
        Value::Bool(value) => Value::Bool(value),
        Value::Int(value) => Value::Int(value),
        Value::Uint(value) => Value::Uint(value),
        Value::Float(value) => Value::Float(value),
        Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
        Value::List(list) => Value::List(list.into_iter().map(owned).collect()),
        Value::Map(map) => Value::Map(
            map.into_iter()
                .map(|(key, value)| (Cow::Owned(key.into_owned()), owned(value)))
                .collect(),
        ),
        Value::Object(object) => Value::Object(object.map(owned)),
    }
}

/// The `filters` parameter: an object of lists of texts, or of objects from
/// texts to true. Both become a map from the filter's name to its terms.
///
/// What widens a filter without looking like it is refused: a name given twice,
/// a name with null, a term with false.
fn filters<'a>(text: &str) -> Result<Value<'a>, Cow<'static, str>> {
    static TERMS: Schema = Schema::plain(Kind::Text);
    static LIST: Schema = Schema::plain(Kind::List(&TERMS));
    static LISTS: Schema = Schema::plain(Kind::Map(&LIST));
    static FLAG: Schema = Schema::plain(Kind::Bool);
    static FLAGS: Schema = Schema::plain(Kind::Map(&FLAG));
    static MAPS: Schema = Schema::plain(Kind::Map(&FLAGS));
    if text.trim_matches(JSON_SPACE) == "null" {
        return Ok(Value::Absent);
    }
    let decode =
        |schema: &'static Schema| super::json(schema, text.as_bytes(), "", &[], &mut Vec::new());
    // The Engine, too, tries the maps first and takes one form for all names.
    let filters = match decode(&MAPS) {
        Ok(filters) => filters,
        Err(_) => decode(&LISTS).map_err(|error| error.reason)?,
    };
    let Value::Map(entries) = owned(filters) else {
        return Err("must be an object".into());
    };
    let mut names = Vec::with_capacity(entries.len());
    for (name, terms) in entries {
        let terms: Vec<Value<'_>> = match terms {
            Value::List(terms) => {
                let mut seen = BTreeSet::new();
                terms
                    .into_iter()
                    .filter(|term| seen.insert(term.as_text().map(str::to_owned)))
                    .collect()
            }
            Value::Map(terms) => terms
                .into_iter()
                .map(|(term, wanted)| match wanted {
                    Value::Bool(true) => Ok(Value::Text(term)),
                    _ => Err(Cow::Borrowed("a term must be given as true")),
                })
                .collect::<Result<_, _>>()?,
            _ => return Err("must be an object of lists or objects".into()),
        };
        // A name without terms is not the same as no name: the Engine refuses
        // it or finds nothing, where without it a prune takes all.
        names.push((name, Value::List(terms)));
    }
    Ok(if names.is_empty() {
        Value::Absent
    } else {
        Value::Map(names)
    })
}

/// Undoes percent-encoding in a part of the query.
fn unescape(text: &str) -> Result<Cow<'_, str>, &'static str> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = rest.next().zip(rest.next());
                digits
                    .and_then(|(high, low)| hex(high, low))
                    .ok_or("has a bad percent escape")?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| "is not UTF-8")
}

/// The byte that two hexadecimal digits stand for.
pub(crate) fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(high)?.checked_mul(16)?.checked_add(digit(low)?)?).ok()
}

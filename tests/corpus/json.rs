//! JSON text as Go's decoder meets it: every entry of an object is kept in its order, also when a name comes twice, and
//! what may follow the value is what the Engine lets follow. What a value means is left to `go`.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// A JSON value.
#[derive(Clone, Debug)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// One value, and nothing behind it: `json.Unmarshal`.
    pub(super) fn whole(text: &[u8]) -> Result<Self, String> {
        // Go reads bytes that are not UTF-8 as U+FFFD.
        serde_json::from_str(&String::from_utf8_lossy(text)).map_err(|error| error.to_string())
    }

    /// One value with the bytes that the Engine lets follow: white space, or anything that starts with a closing
    /// bracket, which `json.Decoder.More` takes for the end.
    pub(super) fn first(text: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(text);
        let mut values = serde_json::Deserializer::from_str(&text).into_iter::<Self>();
        let value = match values.next() {
            Some(value) => value.map_err(|error| error.to_string())?,
            None => return Err("unexpected end of JSON".to_owned()),
        };
        let rest = text.get(values.byte_offset()..).unwrap_or_default();
        match rest
            .trim_start_matches([' ', '\t', '\r', '\n'])
            .chars()
            .next()
        {
            None | Some('}' | ']') => Ok(value),
            Some(_) => Err("unexpected content after JSON".to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            object.push(entry);
        }
        Ok(Json::Object(object))
    }
}

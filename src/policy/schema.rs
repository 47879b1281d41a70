//! The JSON Schema of a policy file, for editors and for the first pass of
//! `check`.
//!
//! Generated from the same definitions, and asked the same questions, as
//! [`resolve`](super::resolve()): which fields there are, which matchers fit a
//! type, what a value may look like. The resolver stays the judge. Where a schema
//! cannot say what the resolver says (a unit, a reference, the level of a file, a
//! name of the file itself) it is wider, never narrower: what the resolver
//! accepts, it accepts. The sections of a file are in `sections`, who is calling in `identity`, rules in
//! `rules`, conditions in `matchers`, what rewrites take in `values`; `words`
//! describes, `store` keeps each definition once.

mod identity;
mod matchers;
mod rules;
mod sections;
mod store;
mod upstreams;
mod values;
mod words;

use std::collections::HashMap;

use matchers::Mode;
use serde_json::Value;
use store::Store;

use crate::api::definition::{Kind, Schema};
use crate::format::Format;

/// The schema (draft 2020-12).
pub fn schema() -> Value {
    let mut maker = Maker::default();
    maker.document()
}

/// Makes the schema.
#[derive(Default)]
struct Maker {
    /// The definitions that are referred to.
    store: Store,
    /// What was made already, and would be made anew for each matcher over it.
    made: HashMap<Key, Value>,
}

/// What a schema is made for: a type, and for a condition what else decides.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Value(String),
    Condition(String, bool, Mode),
}

/// A text that is the same for types that are the same.
fn shape(schema: &Schema) -> String {
    let kind = match schema.kind {
        Kind::List(element) => format!("[{}]{:?}", shape(element), schema.items),
        Kind::Map(inner) => format!("{{{}}}", shape(inner)),
        Kind::Object(object) => format!("{:p}", std::ptr::from_ref(object)),
        Kind::Enum(words) => format!("{:p}", std::ptr::from_ref(words)),
        scalar => format!("{scalar:?}"),
    };
    let format = schema.format.map_or("", Format::name);
    format!("{kind} {format}")
}

#[cfg(test)]
mod tests;

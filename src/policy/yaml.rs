//! The text of a policy file → a tree of nodes, each with its place.
//!
//! Read with `serde-saphyr`, which keeps source places. Scalars keep the text
//! as it is written beside what YAML makes of it, so that `1.50` stays `1.50`.
//! Anchors, aliases, merges and tags are not part of a policy: what a rule says
//! stands where the rule stands. Repeated keys are kept and reported by whoever
//! reads the map.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::{DuplicateKeyPolicy, Location, MergeKeyPolicy, Options, Spanned};

use crate::diagnostic::{Code, Diagnostic, Span};

/// The deepest nesting. Policies need about fifteen levels.
const DEPTH: usize = 64;

/// A node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Int(i128),
    /// A number with a fraction, as it is written.
    Float(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Name,
    pub(crate) value: Node,
}

/// A text with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) span: Span,
    pub(crate) text: String,
}

impl Node {
    /// The node as JSON, as an editor sees it: of a key that stands twice the
    /// first counts, as it does for whoever reads a file; a number with a fraction
    /// is a number, whatever zeros it is written with, and so is one that is too
    /// large, or none (`.nan`), as near as can be.
    pub(crate) fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => (*value).into(),
            Kind::Int(number) => i64::try_from(*number)
                .map(Value::from)
                .or_else(|_| u64::try_from(*number).map(Value::from))
                .unwrap_or_else(|_| float(&number.to_string())),
            Kind::Float(text) => float(text),
            Kind::Text(text) => text.as_str().into(),
            Kind::List(nodes) => nodes.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => {
                let mut map = Map::new();
                for entry in entries {
                    map.entry(entry.key.text.as_str())
                        .or_insert_with(|| entry.value.to_json());
                }
                Value::Object(map)
            }
        }
    }

    /// Whether something at this place is the node, or in it.
    pub(crate) fn holds(&self, span: Span) -> bool {
        self.span == span
            || match &self.kind {
                Kind::List(nodes) => nodes.iter().any(|node| node.holds(span)),
                Kind::Map(entries) => entries
                    .iter()
                    .any(|entry| entry.key.span == span || entry.value.holds(span)),
                _ => false,
            }
    }

    /// What kind of node it is, for messages.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Int(_) => "a number",
            Kind::Float(_) => "a number that is too large or not whole",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }
}

/// A number as JSON has it.
fn float(text: &str) -> Value {
    let number = text.parse::<f64>().unwrap_or(f64::MAX);
    let number = if number.is_nan() { f64::MAX } else { number };
    number.clamp(f64::MIN, f64::MAX).into()
}

/// Reads the text of a file, which is the number `file` of those that are read.
pub(crate) fn parse(file: usize, text: &str) -> Result<Node, Diagnostic> {
    let mut options = Options::default();
    options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
    options.merge_keys = MergeKeyPolicy::Error;
    options.reject_unsupported_tags = true;
    options.strict_booleans = true;
    options.leading_zero_numbers_as_strings = true;
    options.underscored_numbers_as_strings = true;
    options.alias_limits.max_total_replayed_events = 0;
    options.with_snippet = false;
    if let Some(budget) = &mut options.budget {
        budget.max_depth = DEPTH;
    }
    let read: Result<Spanned<Raw>, _> = serde_saphyr::from_str_with_options(text, options);
    match read {
        Ok(node) => Ok(Places { file, text }.finish(node)),
        Err(error) => {
            let start = Span {
                file,
                ..Span::START
            };
            let places = Places { file, text };
            let span = error.location().map_or(start, |place| places.span(&place));
            let message = error.without_snippet().to_string();
            let mut message = message.lines().next().unwrap_or_default();
            // The place is shown by itself.
            if let Some((before, _)) = message.rsplit_once(" at line ") {
                message = before;
            }
            // The limits that keep these out speak of numbers.
            if message.starts_with("alias ") {
                message = "anchors and aliases are not part of a policy";
            } else if message.contains("merge keys") {
                message = "merge keys are not part of a policy";
            } else if message.starts_with("multiple YAML documents") {
                message = "a policy file is one document";
            } else if message.starts_with("budget breached: Depth")
                || message.starts_with("recursion limit")
            {
                message = "this is nested deeper than policies are";
            }
            Err(Diagnostic::error(Code::Yaml, span, message))
        }
    }
}

/// What serde reads, before places are worked out.
enum Raw {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Int(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Int(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Raw, E> {
        Ok(Raw::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Raw::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

/// Works out places in a file.
#[derive(Clone, Copy)]
struct Places<'t> {
    file: usize,
    text: &'t str,
}

impl<'t> Places<'t> {
    fn finish(self, node: Spanned<Raw>) -> Node {
        let place = node.referenced;
        let kind = match node.value {
            Raw::Null => Kind::Null,
            Raw::Bool(value) => Kind::Bool(value),
            Raw::Int(value) => Kind::Int(value),
            Raw::Float(value) => {
                let written = self.written(&place);
                Kind::Float(written.map_or_else(|| value.to_string(), str::to_owned))
            }
            Raw::Text(value) => Kind::Text(value),
            Raw::List(nodes) => {
                Kind::List(nodes.into_iter().map(|node| self.finish(node)).collect())
            }
            Raw::Map(entries) => Kind::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| Entry {
                        key: Name {
                            span: self.span(&key.referenced),
                            text: key.value,
                        },
                        value: self.finish(value),
                    })
                    .collect(),
            ),
        };
        Node {
            span: self.span(&place),
            kind,
        }
    }

    /// The text of a node as it is written.
    fn written(self, place: &Location) -> Option<&'t str> {
        let from = usize::try_from(place.span().byte_offset()?).ok()?;
        let length = usize::try_from(place.span().byte_len()?).ok()?;
        self.text.get(from..from.checked_add(length)?)
    }

    fn span(self, place: &Location) -> Span {
        let length = self.written(place).map_or(1, |written| {
            written
                .lines()
                .next()
                .unwrap_or_default()
                .trim_end()
                .chars()
                .count()
        });
        Span {
            file: self.file,
            line: place.line().max(1),
            column: place.column().max(1),
            length: u64::try_from(length).unwrap_or(1).max(1),
        }
    }
}

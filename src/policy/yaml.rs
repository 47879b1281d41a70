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

/// Reads a text.
pub(crate) fn parse(text: &str) -> Result<Node, Diagnostic> {
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
        Ok(node) => Ok(finish(node, text)),
        Err(error) => {
            let span = error
                .location()
                .map_or(Span::START, |place| span(&place, text));
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

fn finish(node: Spanned<Raw>, text: &str) -> Node {
    let place = node.referenced;
    let kind = match node.value {
        Raw::Null => Kind::Null,
        Raw::Bool(value) => Kind::Bool(value),
        Raw::Int(value) => Kind::Int(value),
        Raw::Float(value) => {
            Kind::Float(written(&place, text).map_or_else(|| value.to_string(), str::to_owned))
        }
        Raw::Text(value) => Kind::Text(value),
        Raw::List(nodes) => Kind::List(nodes.into_iter().map(|node| finish(node, text)).collect()),
        Raw::Map(entries) => Kind::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    key: Name {
                        span: span(&key.referenced, text),
                        text: key.value,
                    },
                    value: finish(value, text),
                })
                .collect(),
        ),
    };
    Node {
        span: span(&place, text),
        kind,
    }
}

/// The text of a node as it is written.
fn written<'t>(place: &Location, text: &'t str) -> Option<&'t str> {
    let from = usize::try_from(place.span().byte_offset()?).ok()?;
    let length = usize::try_from(place.span().byte_len()?).ok()?;
    text.get(from..from.checked_add(length)?)
}

fn span(place: &Location, text: &str) -> Span {
    let length = written(place, text).map_or(1, |written| {
        written
            .lines()
            .next()
            .unwrap_or_default()
            .trim_end()
            .chars()
            .count()
    });
    Span {
        line: place.line().max(1),
        column: place.column().max(1),
        length: u64::try_from(length).unwrap_or(1).max(1),
    }
}

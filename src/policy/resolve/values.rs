//! Values that rules name: checked as the same value in a request would be.

use std::borrow::Cow;

use super::conditions::At;
use super::{Resolver, meant};
use crate::api::decode;
use crate::api::definition::{Effect, Kind as SchemaKind, Schema};
use crate::api::value::Value;
use crate::diagnostic::{Code, Span, nearest};
use crate::format::Format;
use crate::policy::condition::Literal;
use crate::policy::yaml::{Entry, Kind, Node};

/// Units of sizes, in bytes.
pub(super) const BYTES: &[(&str, i128)] = &[
    ("b", 1),
    ("k", 1 << 10),
    ("kb", 1 << 10),
    ("kib", 1 << 10),
    ("m", 1 << 20),
    ("mb", 1 << 20),
    ("mib", 1 << 20),
    ("g", 1 << 30),
    ("gb", 1 << 30),
    ("gib", 1 << 30),
    ("t", 1 << 40),
    ("tb", 1 << 40),
    ("tib", 1 << 40),
];

/// Units of durations, in nanoseconds.
pub(super) const DURATION: &[(&str, i128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A number with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amount {
    pub(super) value: i128,
    pub(super) span: Span,
}

/// Whether `min` and `max` fit what has this type, and means this when it is absent.
pub(crate) fn is_numeric(schema: &Schema, absent: Effect) -> bool {
    match (schema.kind, schema.format) {
        (SchemaKind::Int { .. }, _)
        | (
            SchemaKind::Text,
            Some(
                Format::Bytes
                | Format::Duration
                | Format::Seconds
                | Format::DeviceNumber
                | Format::HostPort
                | Format::Port,
            ),
        ) => true,
        // A number of lines, or all of them.
        (SchemaKind::Text, None) => absent == Effect::Default("all"),
        _ => false,
    }
}

/// Whether it is the path of a file.
fn is_path(schema: &Schema) -> bool {
    matches!(
        schema.format,
        Some(Format::HostPath | Format::MountSource | Format::ContainerPath)
    )
}

impl Resolver {
    /// A value that the place can have.
    pub(super) fn literal(&mut self, node: &Node, at: &At) -> Option<Literal> {
        let written = written(node);
        let value = match at.schema.kind {
            SchemaKind::Bool => match node.kind {
                Kind::Bool(value) => Some(Value::Bool(value)),
                _ => None,
            },
            SchemaKind::Int { min, max } => {
                let number = self.number(node, at)?;
                let fits = number >= i128::from(min) && number <= i128::from(max);
                if !fits {
                    let message = format!("`{}` is from {min} to {max}", at.path);
                    self.report(Code::BadValue, node.span, message, None);
                    return None;
                }
                match (i64::try_from(number), u64::try_from(number)) {
                    (Ok(number), _) => Some(Value::Int(number)),
                    (_, Ok(number)) => Some(Value::Uint(number)),
                    _ => None,
                }
            }
            #[expect(clippy::cast_precision_loss, reason = "the Engine reads a float, too")]
            SchemaKind::Float => match &node.kind {
                Kind::Int(number) => Some(Value::Float(*number as f64)),
                Kind::Float(text) => text.parse().ok().map(Value::Float),
                _ => None,
            },
            SchemaKind::Text | SchemaKind::Enum(_) | SchemaKind::Bytes => {
                return self.text_literal(node, at, &written);
            }
            SchemaKind::List(_) | SchemaKind::Map(_) | SchemaKind::Object(_) => None,
        };
        let Some(value) = value else {
            let word = match &node.kind {
                Kind::Text(text) => text.to_ascii_lowercase(),
                _ => String::new(),
            };
            if matches!(at.schema.kind, SchemaKind::Bool)
                && let Some(meant) = truth(&word)
            {
                let help = format!("write `{meant}`, without quotes");
                self.reader()
                    .expected_or(node, "true or false", Some(&help));
                return None;
            }
            let expected = match at.schema.kind {
                SchemaKind::Bool => "true or false",
                SchemaKind::Float => "a number",
                _ => "a plain value",
            };
            self.reader().expected(node, expected);
            return None;
        };
        self.finish(Literal::new(value, written), node, at)
    }

    fn text_literal(&mut self, node: &Node, at: &At, written: &str) -> Option<Literal> {
        // A number or a word such as `true` is text where text is expected.
        if matches!(node.kind, Kind::List(_) | Kind::Map(_) | Kind::Null) {
            self.reader().expected(node, "text");
            return None;
        }
        match decode::text(at.schema, Cow::Borrowed(written)) {
            Ok(_) if is_path(at.schema) && written.contains('*') => {
                let message = format!("`{written}` is a path, and `*` stands for itself");
                let help = meant::value(written, at);
                self.report(Code::BadValue, node.span, message, help);
                None
            }
            Ok(value) => {
                let text = match (value.as_text().unwrap_or_default(), at.zero) {
                    // The empty text is the default that it stands for.
                    ("", Effect::Default(word)) if !word.contains(' ') => word.to_owned(),
                    (text, _) => text.to_owned(),
                };
                let literal = Literal::new(Value::Text(text.into()), written.to_owned());
                self.finish(literal, node, at)
            }
            Err(reason) => {
                let message = format!("`{}` cannot be `{written}`: it {reason}", at.path);
                let help = match at.schema.kind {
                    SchemaKind::Enum(vocabulary) => {
                        nearest(written, vocabulary.words.iter().copied())
                    }
                    _ => meant::value(written, at),
                };
                self.report(Code::BadValue, node.span, message, help);
                None
            }
        }
    }

    /// A value that stands for what the image or the Engine decides is none to
    /// compare with.
    fn finish(&mut self, literal: Literal, node: &Node, at: &At) -> Option<Literal> {
        if literal.is_nothing(at.zero) {
            let whose = match at.zero {
                Effect::Image => "what the image says",
                Effect::Unchanged => "that nothing changes",
                Effect::Default(words) => words,
                _ => "something else",
            };
            let message = format!("for `{}` this value means {whose}", at.path);
            let help = "write `absent` if it must not be set".to_owned();
            self.report(Code::BadValue, node.span, message, help);
            return None;
        }
        Some(literal)
    }

    /// A bound of a range.
    pub(super) fn amount(&mut self, entry: &Entry, at: &At) -> Option<Amount> {
        if !is_numeric(at.schema, at.absent) {
            let message = format!(
                "`{}` does not fit `{}`, which is no number",
                entry.key.text, at.path
            );
            self.report(Code::WrongMatcher, entry.key.span, message, None);
            return None;
        }
        let value = self.number(&entry.value, at)?;
        Some(Amount {
            value,
            span: entry.value.span,
        })
    }

    /// A number, with a unit where the place has one.
    fn number(&mut self, node: &Node, at: &At) -> Option<i128> {
        let units: &[(&str, i128)] = match at.schema.format {
            Some(Format::Bytes) => BYTES,
            Some(Format::Duration) => DURATION,
            Some(Format::Seconds) => &[("s", 1), ("m", 60), ("h", 3600)],
            _ => &[],
        };
        match &node.kind {
            Kind::Int(_) | Kind::Float(_) if at.schema.format == Some(Format::Cpus) => {
                let number = billionths(&written(node));
                if number.is_none() {
                    let message = format!("`{}` is not a number of CPUs", written(node));
                    let help = "write one such as 2 or 0.5, in plain decimal".to_owned();
                    self.report(Code::BadValue, node.span, message, help);
                }
                number
            }
            Kind::Int(number) => Some(*number),
            Kind::Text(text) if !units.is_empty() => {
                let number = with_unit(text, units);
                if number.is_none() {
                    let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
                    let message = format!("`{text}` is not an amount");
                    let help = meant::value(text, at).unwrap_or_else(|| {
                        format!(
                            "write a whole number, with a unit or without: {}",
                            names.join(", ")
                        )
                    });
                    self.report(Code::BadValue, node.span, message, help);
                }
                number
            }
            _ => {
                self.reader().expected(node, "a whole number");
                None
            }
        }
    }
}

/// `512MiB`, `1h30m`, `2g`: whole numbers with units, one after the other.
pub(super) fn with_unit(text: &str, units: &[(&str, i128)]) -> Option<i128> {
    let mut sum: i128 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(digits)?;
        let after = after.trim_start();
        let letters = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(letters)?;
        let number: i128 = number.parse().ok()?;
        let size = match unit {
            "" if sum == 0 && after.is_empty() => 1,
            unit => {
                units
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case(unit))?
                    .1
            }
        };
        sum = sum.checked_add(number.checked_mul(size)?)?;
        rest = after.trim_start();
    }
    Some(sum)
}

/// `2`, `0.5`: a number with at most nine digits behind the point.
fn billionths(text: &str) -> Option<i128> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 9 {
        return None;
    }
    format!("{whole}{part:0<9}").parse().ok()
}

/// What a word says that stands for true or false elsewhere.
fn truth(word: &str) -> Option<bool> {
    match word {
        "true" | "yes" | "on" | "y" => Some(true),
        "false" | "no" | "off" | "n" => Some(false),
        _ => None,
    }
}

/// A plain value as it is written.
fn written(node: &Node) -> String {
    match &node.kind {
        Kind::Bool(value) => value.to_string(),
        Kind::Int(number) => number.to_string(),
        Kind::Float(text) | Kind::Text(text) => text.clone(),
        Kind::Null | Kind::List(_) | Kind::Map(_) => String::new(),
    }
}

//! Why a value does not fit a condition: the first place that does not, what is
//! there as far as it may be shown, and what must be there.
//!
//! Shows no value of a request but those that may be shown.

use std::fmt::Write as _;

use super::{Condition, elements, entries, fields};
use crate::api::shown;
use crate::format::Format;
use crate::policy::slot::{Effective, Slot};
use crate::policy::verdict::Verdict;

/// The most words of a list that a message shows.
const WORDS: usize = 4;

/// A value that a rule does not admit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Its path, without the place that it begins at.
    pub(crate) path: String,
    /// It, as far as it may be shown, and what it means to the Engine.
    pub(crate) found: String,
    /// What it must be.
    pub(crate) must: String,
}

impl Failure {
    /// The same, with what leads to it in front of its path.
    pub(crate) fn at(mut self, outer: &str) -> Self {
        self.path = join(outer, &self.path);
        self
    }
}

/// Puts a path behind what leads to it.
pub(crate) fn join(outer: &str, path: &str) -> String {
    let divider = if path.is_empty() || path.starts_with(['[', '{']) {
        ""
    } else {
        "."
    };
    format!("{outer}{divider}{path}")
}

impl Condition {
    /// Why the value does not fit, if it does not.
    pub(crate) fn failure(&self, slot: Slot<'_, '_>) -> Option<Failure> {
        if self.matches(slot).allows() {
            return None;
        }
        let inner = match self {
            Self::Fields(own) => fields(slot).and_then(|object| {
                own.iter().find_map(|field| {
                    object
                        .with(field, |slot| field.condition.failure(slot))
                        .map(|failure| failure.at(field.name))
                })
            }),
            Self::AllOf(all) => all.iter().find_map(|one| one.failure(slot)),
            Self::Each(condition) => elements(slot)
                .find_map(|(schema, value)| condition.failure(Slot::inner(schema, value)))
                .map(|failure| failure.at("[]")),
            Self::Values(condition) => entries(slot)
                .find_map(|(_, schema, value)| condition.failure(Slot::inner(schema, value)))
                .map(|failure| failure.at("{}")),
            _ => None,
        };
        Some(inner.unwrap_or_else(|| Failure {
            path: String::new(),
            found: found(slot),
            must: format!(
                "{}{}",
                self.must(slot.schema.format),
                self.why_not(slot).unwrap_or_default()
            ),
        }))
    }

    /// What a value has of what it must not be, where that does not show.
    fn why_not(&self, slot: Slot<'_, '_>) -> Option<&'static str> {
        let Self::Not(inner) = self else { return None };
        match (inner.matches(slot), slot.effective()) {
            (Verdict::Partly, _) if matches!(**inner, Self::Under(_)) => Some(", and holds one"),
            (Verdict::Partly | Verdict::Unknown, Effective::Value(_)) => Some(", and could be"),
            _ => None,
        }
    }

    /// What a value must be to fit.
    pub(crate) fn must(&self, format: Option<Format>) -> String {
        match self {
            Self::Any => "may be anything".to_owned(),
            Self::Absent => "must not be set".to_owned(),
            Self::Required => "must be set".to_owned(),
            Self::OneOf(literals) => {
                let words = literals.iter().map(super::Literal::written);
                format!("must be {}", one_of(words))
            }
            Self::Exactly(_) => "must be what the rule sets".to_owned(),
            Self::Range(range) => match (range.min, range.max) {
                (Some(min), Some(max)) => {
                    format!(
                        "must be from {} to {}",
                        amount(min, format),
                        amount(max, format)
                    )
                }
                (Some(min), None) => format!("must be at least {}", amount(min, format)),
                (None, Some(max)) => format!("must be at most {}", amount(max, format)),
                (None, None) => "must be a number".to_owned(),
            },
            Self::Glob(globs) => {
                format!(
                    "must have the form {}",
                    one_of(globs.iter().map(super::Glob::written))
                )
            }
            Self::Under(roots) => {
                format!(
                    "must be a path below {}",
                    one_of(roots.iter().map(String::as_str))
                )
            }
            Self::Within(networks) => {
                let networks: Vec<String> = networks.iter().map(super::Network::shown).collect();
                format!("must be in {}", one_of(networks.iter().map(String::as_str)))
            }
            Self::Image(image) => image_must(image),
            Self::Begins { with, whole } => {
                let count = with.len();
                if *whole {
                    format!("must be the {count} elements that the rule names")
                } else {
                    format!("must begin with the {count} elements that the rule names")
                }
            }
            Self::Not(condition) => match condition.as_ref() {
                Self::Contains(inner) => {
                    format!(
                        "must have no element that {}",
                        inner.must(format).replacen("must be", "is", 1)
                    )
                }
                condition => condition.must(format).replacen("must ", "must not ", 1),
            },
            Self::AllOf(all) => all.first().map_or_else(String::new, |one| one.must(format)),
            Self::AnyOf(any) => {
                let all: Vec<String> = any.iter().map(|one| one.must(format)).collect();
                all.join(", or ")
            }
            Self::Each(condition) => format!("each element {}", condition.must(format)),
            Self::Contains(condition) => {
                format!(
                    "must have an element that {}",
                    condition.must(format).replacen("must be", "is", 1)
                )
            }
            Self::MaxItems(most) => format!("must have at most {most} elements"),
            Self::Keys(format, condition) => format!("each key {}", condition.must(*format)),
            Self::Values(condition) => format!("each value {}", condition.must(format)),
            Self::Entry(key, _) => format!("must have a fitting `{key}`"),
            Self::Fields(_) => "must have parts that it lacks".to_owned(),
        }
    }
}

fn image_must(image: &super::ImageMatcher) -> String {
    let mut must = "must be an image".to_owned();
    if !image.names.is_empty() {
        let names = image.names.iter().map(super::ImagePattern::written);
        let _ = write!(must, " like {}", one_of(names));
    }
    if !image.tags.is_empty() {
        let _ = write!(
            must,
            " with a tag like {}",
            one_of(image.tags.iter().map(super::Glob::written))
        );
    }
    if image.digest {
        must.push_str(" with a digest");
    }
    must
}

/// `a`, `a or b`, `one of a, b, c and 3 more`.
fn one_of<'w>(words: impl ExactSizeIterator<Item = &'w str>) -> String {
    let more = words.len().saturating_sub(WORDS);
    let shown: Vec<&str> = words
        .take(WORDS)
        .map(|word| if word.is_empty() { "\"\"" } else { word })
        .collect();
    match (shown.as_slice(), more) {
        ([], _) => "nothing at all".to_owned(),
        ([one], 0) => (*one).to_owned(),
        ([one, other], 0) => format!("{one} or {other}"),
        (all, 0) => format!("one of {}", all.join(", ")),
        (all, more) => format!("one of {} and {more} more", all.join(", ")),
    }
}

/// A number with the unit that its format has.
fn amount(number: i128, format: Option<Format>) -> String {
    if format == Some(Format::Cpus)
        && let Some(cpus) = shown::cpus(number)
    {
        return cpus;
    }
    let units: &[(i128, &str)] = match format {
        Some(Format::Bytes) => &[
            (1 << 40, "TiB"),
            (1 << 30, "GiB"),
            (1 << 20, "MiB"),
            (1 << 10, "KiB"),
        ],
        Some(Format::Duration) => &[
            (3_600_000_000_000, "h"),
            (60_000_000_000, "m"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
        ],
        Some(Format::Seconds) => &[(3600, "h"), (60, "m"), (1, "s")],
        _ => &[],
    };
    units
        .iter()
        .find(|(size, _)| number != 0 && number.checked_rem(*size) == Some(0))
        .and_then(|(size, unit)| Some(format!("{}{unit}", number.checked_div(*size)?)))
        .unwrap_or_else(|| number.to_string())
}

/// What is there: `=value` where it may be shown, and what it means.
fn found(slot: Slot<'_, '_>) -> String {
    let mut found =
        shown::value(slot.schema, slot.value).map_or_else(String::new, |shown| format!("={shown}"));
    let effect = match slot.effective() {
        Effective::Unlimited => "no limit",
        Effective::Unknown(words) | Effective::Default(words) => words,
        Effective::Unset | Effective::Unchanged => "",
        Effective::Value(_) => return found,
    };
    let absent = if slot.value.is_absent() { "absent" } else { "" };
    let divider = if absent.is_empty() || effect.is_empty() {
        ""
    } else {
        ": "
    };
    if !absent.is_empty() || !effect.is_empty() {
        let _ = write!(found, " ({absent}{divider}{effect})");
    }
    found
}

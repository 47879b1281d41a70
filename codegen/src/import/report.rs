//! What one version adds, removes and changes against another, by the names of
//! operations, parameters and body fields, and which of it nobody has classified
//! yet. Printed for whoever imports a version and must decide about it: new
//! things stay guarded until the overlay says what they are.

use super::outline::{Operation, Outline, outline};
use crate::error::Error;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// The difference between two versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The version compared with.
    pub from: String,
    /// The version itself.
    pub to: String,
    /// What differs, in the order of the documents.
    pub operations: Vec<ChangedOperation>,
}

/// An operation that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedOperation {
    /// Its `operationId`.
    pub name: String,
    /// Its method and path, the old ones where it is gone.
    pub route: String,
    /// What became of the operation itself; `None` when only places differ.
    pub change: Option<Change>,
    /// Whether it is new, or moved, and not classified.
    pub unclassified: bool,
    /// Its parameters and body fields that differ.
    pub places: Vec<ChangedPlace>,
}

/// A parameter or body field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedPlace {
    /// `query:x`, `header:x`, `path:x`, `body`, `body.HostConfig.X`.
    pub place: String,
    /// What became of it.
    pub change: Change,
    /// Whether it is there and nobody has classified it.
    pub unclassified: bool,
}

/// What became of an operation (by its route) or of a place (by its type).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added {
        /// What it is.
        now: String,
    },
    /// It is gone.
    Removed {
        /// What it was.
        before: String,
    },
    /// It is another than before.
    Changed {
        /// What it was.
        before: String,
        /// What it is.
        now: String,
    },
}

/// Compares two documents. `classified` tells of an operation and a place of it
/// whether the overlay classifies it; the place of the operation itself is empty.
pub fn report(
    previous: &Value,
    new: &Value,
    classified: &dyn Fn(&str, &str) -> bool,
) -> Result<Report, Error> {
    let version = |document: &Value| {
        let version = document.pointer("/info/version").and_then(Value::as_str);
        version.unwrap_or_default().to_owned()
    };
    let outline_of = |document: &Value| {
        outline(document).map_err(|message| Error::new(version(document), "", message))
    };
    Ok(Report {
        from: version(previous),
        to: version(new),
        operations: compare(&outline_of(previous)?, &outline_of(new)?, classified),
    })
}

fn compare(
    before: &Outline,
    now: &Outline,
    classified: &dyn Fn(&str, &str) -> bool,
) -> Vec<ChangedOperation> {
    let nothing = Operation::default();
    let mut changed = Vec::new();
    for (name, operation) in now {
        let old = before.get(name);
        let change = match old {
            None => Some(Change::Added {
                now: operation.route.clone(),
            }),
            Some(old) => Change::between(Some(&old.route), Some(&operation.route)),
        };
        let places = compare_places(old.unwrap_or(&nothing), operation, &|place| {
            classified(name, place)
        });
        if change.is_some() || !places.is_empty() {
            let unclassified = change.is_some() && !classified(name, "");
            changed.push((
                operation.position,
                ChangedOperation {
                    name: name.clone(),
                    route: operation.route.clone(),
                    change,
                    unclassified,
                    places,
                },
            ));
        }
    }
    for (name, operation) in before.iter().filter(|(name, _)| !now.contains_key(*name)) {
        let gone = ChangedOperation {
            name: name.clone(),
            route: operation.route.clone(),
            change: Some(Change::Removed {
                before: operation.route.clone(),
            }),
            unclassified: false,
            places: Vec::new(),
        };
        changed.push((operation.position, gone));
    }
    changed.sort_by_key(|(position, _)| *position);
    changed
        .into_iter()
        .map(|(_, operation)| operation)
        .collect()
}

fn compare_places(
    before: &Operation,
    now: &Operation,
    classified: &dyn Fn(&str) -> bool,
) -> Vec<ChangedPlace> {
    let old: BTreeMap<&str, &str> = pairs(before).collect();
    let new: BTreeMap<&str, &str> = pairs(now).collect();
    let gone = pairs(before).filter(|(place, _)| !new.contains_key(place));
    pairs(now)
        .chain(gone)
        .filter_map(|(place, _)| {
            let change = Change::between(old.get(place).copied(), new.get(place).copied())?;
            Some(ChangedPlace {
                place: place.to_owned(),
                unclassified: new.contains_key(place) && !classified(place),
                change,
            })
        })
        .collect()
}

fn pairs(operation: &Operation) -> impl Iterator<Item = (&str, &str)> {
    let places = operation.places.iter();
    places.map(|(place, said)| (place.as_str(), said.as_str()))
}

impl Change {
    /// What became of a thing; `None` when it is what it was.
    fn between(before: Option<&str>, now: Option<&str>) -> Option<Self> {
        match (before, now) {
            (None, Some(now)) => Some(Self::Added { now: now.into() }),
            (Some(before), None) => Some(Self::Removed {
                before: before.into(),
            }),
            (Some(before), Some(now)) if before != now => Some(Self::Changed {
                before: before.into(),
                now: now.into(),
            }),
            _ => None,
        }
    }

    fn sign(&self) -> char {
        match self {
            Self::Added { .. } => '+',
            Self::Removed { .. } => '-',
            Self::Changed { .. } => '~',
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { now } => f.write_str(now),
            Self::Removed { before } => f.write_str(before),
            Self::Changed { before, now } => write!(f, "{before} -> {now}"),
        }
    }
}

impl Report {
    /// Everything that is there and not classified: operation and place.
    pub fn unclassified(&self) -> impl Iterator<Item = (&str, &str)> {
        self.operations.iter().flat_map(|operation| {
            let places = operation.places.iter().filter(|place| place.unclassified);
            let places = places.map(|place| (operation.name.as_str(), place.place.as_str()));
            let itself = operation
                .unclassified
                .then_some((operation.name.as_str(), ""));
            itself.into_iter().chain(places)
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, .. } = self;
        writeln!(f, "{to} compared with {from}")?;
        if self.operations.is_empty() {
            return writeln!(f, "  nothing that a request can hold differs");
        }
        for operation in &self.operations {
            operation.fmt(f)?;
        }
        let mut unclassified = self.unclassified().peekable();
        if unclassified.peek().is_some() {
            writeln!(
                f,
                "  unclassified, and guarded until the overlay says more:"
            )?;
        }
        for (operation, place) in unclassified {
            writeln!(f, "{}", format!("    {operation} {place}").trim_end())?;
        }
        Ok(())
    }
}

impl fmt::Display for ChangedOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = self.change.as_ref().map_or(' ', Change::sign);
        match &self.change {
            Some(change @ Change::Changed { .. }) => writeln!(f, "{sign} {}  {change}", self.name)?,
            _ => writeln!(f, "{sign} {}  {}", self.name, self.route)?,
        }
        let widest = self.places.iter().map(|place| place.place.len()).max();
        let width = widest.unwrap_or_default().min(60);
        for ChangedPlace { place, change, .. } in &self.places {
            writeln!(f, "    {} {place:width$}  {change}", change.sign())?;
        }
        Ok(())
    }
}

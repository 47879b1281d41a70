//! Applies `spec/overlay.yaml` to a description.
//!
//! The file has the form of an `OpenAPI` Overlay: a list of actions, each with a
//! `JSONPath` target and either an `update` to merge there or `remove: true`. To
//! that come three keys of our own: why the action is there, how many places it
//! must match in every description of its range of versions, and that range.
//! An action that matches fewer or more places is an error, and so is an update
//! that makes a key nobody said would be new: a typo must not pass for a
//! correction.

use serde::Deserialize;
use serde_json::{Map, Value};
use serde_json_path::JsonPath;

use crate::error::{Error, Errors};

/// The overlay, checked and ready to be applied.
#[derive(Debug)]
pub struct Overlay {
    file: String,
    classified: u16,
    actions: Vec<Action>,
}

#[derive(Debug)]
struct Action {
    place: String,
    target: JsonPath,
    versions: Versions,
    matches: usize,
    adds: bool,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Update(Value),
    Remove,
}

/// A range of minor versions, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    first: u16,
    last: u16,
}

impl Versions {
    const ALL: Self = Self {
        first: 0,
        last: u16::MAX,
    };

    /// Whether a minor version is in the range.
    pub fn contains(self, minor: u16) -> bool {
        (self.first..=self.last).contains(&minor)
    }

    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        let first = if first.is_empty() { 0 } else { minor(first)? };
        let last = if last.is_empty() {
            u16::MAX
        } else {
            minor(last)?
        };
        (first <= last).then_some(Self { first, last })
    }
}

/// The minor version of a text such as `1.51`.
fn minor(text: &str) -> Option<u16> {
    text.strip_prefix("1.")?.parse().ok()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    overlay: String,
    #[serde(rename = "info")]
    _info: Value,
    #[serde(rename = "x-opgate-classified")]
    classified: Option<String>,
    actions: Vec<ActionDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionDocument {
    target: String,
    #[serde(rename = "x-opgate-why")]
    why: String,
    #[serde(rename = "x-opgate-matches")]
    matches: usize,
    #[serde(rename = "x-opgate-versions")]
    versions: Option<String>,
    #[serde(rename = "x-opgate-adds", default)]
    adds: bool,
    update: Option<Value>,
    #[serde(default)]
    remove: bool,
}

impl Overlay {
    /// An overlay that changes nothing.
    pub fn empty() -> Self {
        Self {
            file: String::new(),
            classified: 0,
            actions: Vec::new(),
        }
    }

    /// Reads an overlay.
    pub fn parse(text: &str, file: &str) -> Result<Self, Errors> {
        let document: Document = crate::document::read(text, file)?;
        let mut errors = Errors::default();
        if !document.overlay.starts_with("1.") {
            errors.push(
                Error::new(
                    file,
                    "overlay",
                    format!("version `{}` is not supported", document.overlay),
                )
                .help("write `overlay: 1.0.0`"),
            );
        }
        let mut actions = Vec::with_capacity(document.actions.len());
        for (number, action) in document.actions.into_iter().enumerate() {
            let place = format!("actions[{number}] (target `{}`)", action.target);
            match Action::check(action, &place) {
                Ok(action) => actions.push(action),
                Err((message, help)) => {
                    errors.push(Error::new(file, place, message).help(help));
                }
            }
        }
        let classified = document.classified.as_deref().map_or(Some(0), minor);
        if classified.is_none() {
            errors.push(
                Error::new(file, "x-opgate-classified", "is not a version")
                    .help("write the newest version that was looked at, such as \"1.55\""),
            );
        }
        errors.or(Self {
            file: file.to_owned(),
            classified: classified.unwrap_or(0),
            actions,
        })
    }

    /// The newest version whose structure somebody has looked at: see
    /// [`settle`](crate::settle).
    pub fn classified(&self) -> u16 {
        self.classified
    }

    /// Applies every action whose range has this version.
    pub fn apply(&self, document: &mut Value, minor: u16) -> Result<(), Errors> {
        let mut errors = Errors::default();
        for action in self
            .actions
            .iter()
            .filter(|action| action.versions.contains(minor))
        {
            if let Err((message, help)) = action.apply(document, minor) {
                errors.push(Error::new(&self.file, &action.place, message).help(help));
            }
        }
        errors.or(())
    }
}

type Complaint = (String, &'static str);

impl Action {
    fn check(action: ActionDocument, place: &str) -> Result<Self, Complaint> {
        if action.why.trim().is_empty() {
            return Err((
                "`x-opgate-why` is empty".into(),
                "say in a sentence why the description needs this",
            ));
        }
        let target = JsonPath::parse(&action.target).map_err(|error| {
            (
                format!("the target is not a JSONPath: {error}"),
                "see RFC 9535 for the form of a target",
            )
        })?;
        let versions = match &action.versions {
            None => Versions::ALL,
            Some(text) => Versions::parse(text).ok_or_else(|| {
                (
                    format!("`{text}` is not a range of versions"),
                    "write `1.44-`, `-1.51` or `1.42-1.51`",
                )
            })?,
        };
        let change = match (action.update, action.remove) {
            (Some(update), false) => Change::Update(update),
            (None, true) => Change::Remove,
            _ => {
                return Err((
                    "an action has either `update` or `remove: true`".into(),
                    "split it into two actions",
                ));
            }
        };
        Ok(Self {
            place: place.to_owned(),
            target,
            versions,
            matches: action.matches,
            adds: action.adds,
            change,
        })
    }

    fn apply(&self, document: &mut Value, minor: u16) -> Result<(), Complaint> {
        let mut pointers: Vec<String> = self
            .target
            .query_located(document)
            .iter()
            .map(|node| node.location().to_json_pointer())
            .collect();
        if pointers.len() != self.matches {
            return Err((
                format!(
                    "matches {} places in version 1.{minor}, not {}",
                    pointers.len(),
                    self.matches
                ),
                "correct the target or `x-opgate-matches`, or bound `x-opgate-versions` \
                 to the versions that have it",
            ));
        }
        // Elements of one list are removed from its end, so that the places of
        // those before them stay what they were.
        pointers.reverse();
        for pointer in pointers {
            match &self.change {
                Change::Update(update) => {
                    let Some(place) = document.pointer_mut(&pointer) else {
                        continue;
                    };
                    merge(place, update, self.adds, &pointer)?;
                }
                Change::Remove => remove(document, &pointer),
            }
        }
        Ok(())
    }
}

/// Merges an update into a place: objects merge, a list takes the update as one
/// more element, everything else is replaced.
fn merge(place: &mut Value, update: &Value, adds: bool, at: &str) -> Result<(), Complaint> {
    match (place, update) {
        (Value::Object(place), Value::Object(update)) => merge_object(place, update, adds, at),
        (Value::Array(place), update) => {
            place.push(update.clone());
            Ok(())
        }
        (place, update) => {
            *place = update.clone();
            Ok(())
        }
    }
}

fn merge_object(
    place: &mut Map<String, Value>,
    update: &Map<String, Value>,
    adds: bool,
    at: &str,
) -> Result<(), Complaint> {
    for (key, value) in update {
        let inside = format!("{at}/{key}");
        match place.get_mut(key) {
            Some(Value::Object(old)) if value.is_object() => {
                if let Value::Object(new) = value {
                    merge_object(old, new, adds || key.starts_with("x-opgate-"), &inside)?;
                }
            }
            Some(old) => *old = value.clone(),
            None if adds || key.starts_with("x-opgate-") => {
                place.insert(key.clone(), value.clone());
            }
            None => {
                return Err((
                    format!("the update would make `{inside}`, which is not there"),
                    "correct the name, or say `x-opgate-adds: true` if it is meant to be new",
                ));
            }
        }
    }
    Ok(())
}

fn remove(document: &mut Value, pointer: &str) {
    let Some((parent, key)) = pointer.rsplit_once('/') else {
        return;
    };
    let name = key.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.shift_remove(&name);
        }
        Some(Value::Array(list)) => {
            if let Ok(index) = name.parse::<usize>()
                && index < list.len()
            {
                list.remove(index);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;

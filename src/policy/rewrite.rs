//! Rewrites: what a rule changes in a request before it judges it.
//!
//! A rule that rewrites is asked about the request as it would be forwarded: its
//! rewrites are done on a copy of the decoded values, and its conditions, the
//! guard and the denies judge that copy as they judge any request. Nothing else
//! of the request changes, and the next rule sees it as it came. What is written
//! stands in the policy and was checked against the definitions when it was read;
//! a value that the version of the request does not have makes the rule unfit,
//! because the Engine would pass over it.

use std::borrow::Cow;

use super::condition::{Literal, is_key};
use super::rule::Why;
use super::slot::{Effective, Slot};
use super::verdict::Verdict;
use crate::api::definition::{Effect, Kind, Schema};
use crate::api::value::{Object, Value};
use crate::format::{clean_path, is_under};
use crate::request::Decoded;

/// What is rewritten, and how.
#[derive(Clone, Debug)]
pub(crate) struct Rewrite {
    pub(crate) place: Place,
    pub(crate) action: Action,
    /// What messages and records call it.
    pub(crate) path: String,
    /// What the place holds.
    pub(crate) schema: &'static Schema,
    pub(crate) absent: Effect,
    pub(crate) zero: Effect,
}

/// Where a rewrite acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A parameter of the query, by its place in the definition.
    Query(usize),
    /// A header.
    Header(usize),
    /// A field of the body, by the places of the fields that lead to it.
    Body(Vec<usize>),
    /// Every mount of a host's path: binds and mounts.
    Mounts,
}

/// What a rewrite does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// It is this, whatever it was.
    Set(Value<'static>),
    /// A map has these entries, whatever they were; the others stay.
    SetKeys(Vec<(String, Value<'static>)>),
    /// It is this if the client leaves it out.
    Default(Value<'static>),
    /// It is not there.
    Remove,
    /// A map has none of these keys.
    RemoveKeys(Vec<String>),
    /// A list has none of these elements.
    RemoveElements(Vec<Literal>),
    /// A list has these elements, too.
    Append(Vec<Value<'static>>),
    /// The lists of a map have these elements, too.
    AppendEntries(Vec<(String, Vec<Value<'static>>)>),
    /// Sources of mounts at or below the first path are at or below the second.
    Map(Vec<(String, String)>),
}

impl PartialEq for Rewrite {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place && self.action == other.action
    }
}

/// A request that a rule has rewritten, and the paths of what is different.
pub(crate) struct Rewritten<'a> {
    pub(crate) request: Decoded<'a>,
    pub(crate) changed: Vec<String>,
}

/// Does the rewrites of a rule on a copy of a request.
pub(crate) fn apply<'a>(rewrites: &[Rewrite], request: &Decoded<'a>) -> Result<Rewritten<'a>, Why> {
    let mut request = request.clone();
    let mut changed = Vec::new();
    for rewrite in rewrites {
        if rewrite.apply(&mut request)? {
            changed.push(rewrite.path.clone());
        }
    }
    // What the version lacks the Engine would pass over.
    if let Some(path) = request.take_out_other_versions() {
        return Err(Why::Refused {
            path,
            found: String::new(),
            must: "is set by the rule, and not in this version".to_owned(),
        });
    }
    Ok(Rewritten { request, changed })
}

impl Rewrite {
    /// Whether it changed anything.
    fn apply(&self, request: &mut Decoded<'_>) -> Result<bool, Why> {
        let value = match &self.place {
            Place::Query(index) => request.query_mut().at_mut(*index),
            Place::Header(index) => request.headers_mut().at_mut(*index),
            Place::Body(path) => {
                let create = self.action.creates();
                let body = request.body_mut(create);
                body.and_then(|body| below(body, path, create))
            }
            Place::Mounts => {
                let Action::Map(paths) = &self.action else {
                    return Ok(false);
                };
                return Ok(request
                    .body_mut(false)
                    .is_some_and(|body| map_mounts(body, paths)));
            }
        };
        let Some(value) = value else {
            return Ok(false);
        };
        let changed = self.change(value);
        if let (Some((_, most)), Value::List(list)) = (self.schema.items, value)
            && list.len() > most
        {
            return Err(Why::Refused {
                path: self.path.clone(),
                found: String::new(),
                must: format!("has more than {most} elements with what the rule appends"),
            });
        }
        Ok(changed)
    }

    /// What it writes, if that is a value for its place as a whole.
    pub(crate) fn written(&self) -> Option<Value<'static>> {
        match &self.action {
            Action::Set(value) | Action::Default(value) => Some(value.clone()),
            Action::Append(elements) => Some(Value::List(elements.clone())),
            Action::Remove => Some(Value::Absent),
            Action::SetKeys(_)
            | Action::RemoveKeys(_)
            | Action::RemoveElements(_)
            | Action::AppendEntries(_)
            | Action::Map(_) => None,
        }
    }

    fn change(&self, value: &mut Value<'_>) -> bool {
        match &self.action {
            Action::Set(to) => replace(value, to),
            Action::Default(to) => self.is_left_out(value) && replace(value, to),
            Action::Remove => {
                let was = !matches!(value, Value::Absent);
                *value = Value::Absent;
                was
            }
            Action::SetKeys(entries) => map_in(value).is_some_and(|map| {
                let mut changed = false;
                for (key, to) in entries {
                    changed |= self.set_key(map, key, to);
                }
                changed
            }),
            Action::RemoveKeys(keys) => match value {
                Value::Map(map) => retain(map, |(key, _)| {
                    !keys
                        .iter()
                        .any(|name| is_key(self.schema.format, key, name))
                }),
                _ => false,
            },
            Action::RemoveElements(literals) => match (value, self.schema.kind) {
                (Value::List(list), Kind::List(element)) => retain(list, |value| {
                    let slot = Slot::inner(element, value);
                    let same = |literal: &Literal| literal.equals(slot.effective(), slot);
                    !Verdict::any(literals.iter().map(same)).denies()
                }),
                _ => false,
            },
            Action::Append(elements) => append(value, elements),
            Action::AppendEntries(entries) => map_in(value).is_some_and(|map| {
                let mut changed = false;
                for (key, elements) in entries {
                    changed |= self.append_to(map, key, elements);
                }
                changed
            }),
            Action::Map(paths) => map_list(value, paths),
        }
    }

    /// Whether a value is what it would be if the client said nothing.
    fn is_left_out(&self, value: &Value<'_>) -> bool {
        let slot = Slot {
            schema: self.schema,
            absent: self.absent,
            zero: self.zero,
            value,
        };
        value.is_absent() || !matches!(slot.effective(), Effective::Value(_))
    }

    /// Sets one key of a map, in whatever spelling it stood there.
    fn set_key(&self, map: &mut Entries<'_>, key: &str, to: &Value<'static>) -> bool {
        let same = |known: &str| is_key(self.schema.format, known, key);
        let mut own = map.iter().filter(|(known, _)| same(known));
        if let (Some((_, value)), None) = (own.next(), own.next())
            && value == to
        {
            return false;
        }
        map.retain(|(known, _)| !same(known));
        map.push((key.to_owned().into(), to.clone()));
        true
    }

    /// Appends to the list of one key.
    fn append_to(&self, map: &mut Entries<'_>, key: &str, elements: &[Value<'static>]) -> bool {
        let mut own = map.iter_mut();
        if let Some((_, list)) = own.find(|(known, _)| is_key(self.schema.format, known, key)) {
            return append(list, elements);
        }
        map.push((key.to_owned().into(), Value::List(elements.to_vec())));
        true
    }
}

impl Action {
    /// Whether it makes what leads to its place.
    fn creates(&self) -> bool {
        match self {
            Self::Set(_)
            | Self::SetKeys(_)
            | Self::Default(_)
            | Self::Append(_)
            | Self::AppendEntries(_) => true,
            Self::Remove | Self::RemoveKeys(_) | Self::RemoveElements(_) | Self::Map(_) => false,
        }
    }
}

/// The value at a path of fields. Objects on the way are made where they are not
/// there, if `create` says so.
fn below<'v, 'a>(
    mut value: &'v mut Value<'a>,
    path: &[usize],
    create: bool,
) -> Option<&'v mut Value<'a>> {
    let mut kind = None;
    for index in path {
        if create
            && value.is_absent()
            && let Some(Kind::Object(definition)) = kind
        {
            *value = Value::Object(Object::empty(definition));
        }
        let Value::Object(object) = value else {
            return None;
        };
        kind = Some(object.definition().fields.get(*index)?.schema.kind);
        value = object.slot(*index)?;
    }
    Some(value)
}

fn replace(value: &mut Value<'_>, to: &Value<'static>) -> bool {
    let changed = *value != *to;
    if changed {
        *value = to.clone();
    }
    changed
}

type Entries<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// The map in a value that is one, or is not there.
fn map_in<'v, 'a>(value: &'v mut Value<'a>) -> Option<&'v mut Entries<'a>> {
    if value.is_absent() {
        *value = Value::Map(Vec::new());
    }
    match value {
        Value::Map(map) => Some(map),
        _ => None,
    }
}

/// Keeps what `keep` says, and tells whether anything went.
fn retain<T>(list: &mut Vec<T>, keep: impl Fn(&T) -> bool) -> bool {
    let before = list.len();
    list.retain(keep);
    list.len() != before
}

/// Adds what is not there yet to a list that is there or not.
fn append(value: &mut Value<'_>, elements: &[Value<'static>]) -> bool {
    if value.is_absent() {
        *value = Value::List(Vec::new());
    }
    let Value::List(list) = value else {
        return false;
    };
    let before = list.len();
    for element in elements {
        if !list.iter().any(|known| known == element) {
            list.push(element.clone());
        }
    }
    list.len() != before
}

/// Maps the sources of all mounts of a body.
fn map_mounts(body: &mut Value<'_>, paths: &[(String, String)]) -> bool {
    let Some(host_config) = named(body, "HostConfig") else {
        return false;
    };
    let mut changed = false;
    for name in ["Binds", "Mounts"] {
        changed |= named(host_config, name).is_some_and(|list| map_list(list, paths));
    }
    changed
}

fn named<'v, 'a>(value: &'v mut Value<'a>, name: &str) -> Option<&'v mut Value<'a>> {
    let Value::Object(object) = value else {
        return None;
    };
    object.slot(object.definition().find(name)?)
}

/// Maps the sources of a list of binds or mounts.
fn map_list(list: &mut Value<'_>, paths: &[(String, String)]) -> bool {
    let Value::List(list) = list else {
        return false;
    };
    let mut changed = false;
    for value in list {
        changed |= match value {
            Value::Text(bind) => map_bind(bind, paths),
            Value::Object(_) => map_mount(value, paths),
            _ => false,
        };
    }
    changed
}

/// `source:target`: what is before the first colon, if it is a path.
fn map_bind(bind: &mut Cow<'_, str>, paths: &[(String, String)]) -> bool {
    let Some((source, rest)) = bind.split_once(':') else {
        return false;
    };
    let Some(to) = mapped(source, paths) else {
        return false;
    };
    *bind = format!("{to}:{rest}").into();
    true
}

fn map_mount(mount: &mut Value<'_>, paths: &[(String, String)]) -> bool {
    // Where the type is missing the Engine takes a bind, or refuses.
    let binds = match named(mount, "Type") {
        Some(Value::Text(kind)) => matches!(kind.as_ref(), "" | "bind"),
        _ => true,
    };
    let Some(Value::Text(source)) = named(mount, "Source").filter(|_| binds) else {
        return false;
    };
    let Some(to) = mapped(source, paths) else {
        return false;
    };
    *source = to.into();
    true
}

/// Where a path leads: by the longest of the paths that it is at or below.
fn mapped(source: &str, paths: &[(String, String)]) -> Option<String> {
    if !source.starts_with('/') {
        return None;
    }
    let source = clean_path(source);
    let fitting = paths.iter().filter(|(from, _)| is_under(&source, from));
    let (from, to) = fitting.max_by_key(|(from, _)| from.len())?;
    let rest = source.strip_prefix(from.trim_end_matches('/'))?;
    let mapped = clean_path(&format!("{to}{rest}")).into_owned();
    (mapped != source).then_some(mapped)
}

//! Rewrites: `set`, `replace`, `default`, `remove`, `append` and `map`.
//!
//! Each is read at its place as a matcher is, and checked as the same value in a
//! request would be. What a rewrite makes of a value is also a condition, so that
//! the rewritten request satisfies the rule by what it says and not by being
//! trusted.

use std::borrow::Cow;

use super::Resolver;
use super::conditions::At;
use super::lists::is_list_name;
use crate::api::definition::{Kind as SchemaKind, OperationDef, Schema, Variant};
use crate::api::value::{Object, Value};
use crate::diagnostic::{Code, Span};
use crate::format::Format;
use crate::policy::condition::{Condition, Literal};
use crate::policy::guard;
use crate::policy::rewrite::{Action, Place, Rewrite};
use crate::policy::slot::Slot;
use crate::policy::yaml::{Entry, Kind, Name, Node};

/// The words that are rewrites.
pub(crate) const REWRITES: &[&str] = &["set", "replace", "default", "remove", "append", "map"];

/// What a rewrite does, and what is so once it is done.
type Read = (Action, Condition);

/// A condition that always holds and opens nothing.
fn nothing() -> Condition {
    Condition::AllOf(Vec::new())
}

impl Resolver {
    /// A rewrite of the value at a place. It is kept for the rule; what comes back
    /// is the condition that it makes true.
    pub(super) fn rewrite(&mut self, entry: &Entry, at: &At) -> Option<Condition> {
        let word = entry.key.text.as_str();
        if self.denies {
            let message = format!("a deny cannot rewrite: `{word}` belongs into an allow");
            self.report(Code::DenyShape, entry.key.span, message, None);
            return None;
        }
        let Some(place) = &at.rewritable else {
            let message = format!("`{word}` cannot be said of `{}`", at.path);
            let help = "rewrites are for parameters and for fields of the body, each by its name, \
                        and not for what stands under a matcher";
            self.report(Code::Rewrite, entry.key.span, message, help.to_owned());
            return None;
        };
        if *place == Place::Mounts && word != "map" {
            let message = format!("`{}` can be rewritten by `map` only", at.path);
            let help = "write the others at the fields themselves, such as `HostConfig.Mounts`";
            self.report(Code::Rewrite, entry.key.span, message, help.to_owned());
            return None;
        }
        let (action, implied) = self.read_rewrite(entry, at)?;
        self.rewrites.push(Rewrite {
            place: place.clone(),
            action,
            path: at.path.clone(),
            schema: at.schema,
            absent: at.absent,
            zero: at.zero,
        });
        Some(implied)
    }

    /// Whether what the rewrites since `before` write at a place needs nobody's leave,
    /// so that the rule need not open it.
    pub(super) fn writes_harmless(&self, before: usize, at: &At) -> bool {
        let mut rewrites = self.rewrites.iter().skip(before);
        rewrites.any(|rewrite| {
            let value = rewrite.written();
            at.rewritable.as_ref() == Some(&rewrite.place)
                && at
                    .risk
                    .zip(value)
                    .is_some_and(|(risk, value)| guard::is_benign(risk, &value))
        })
    }

    fn read_rewrite(&mut self, entry: &Entry, at: &At) -> Option<Read> {
        let node = &entry.value;
        match (entry.key.text.as_str(), at.schema.kind, &node.kind) {
            ("set", SchemaKind::Map(inner), _) => {
                let entries = self.map_entries(node, at, inner)?;
                let implied = entries
                    .iter()
                    .map(|(key, value)| {
                        let exactly = Condition::Exactly(value.clone());
                        Condition::Entry(key.clone(), Box::new(exactly))
                    })
                    .collect();
                Some((Action::SetKeys(entries), Condition::AllOf(implied)))
            }
            ("set" | "replace", ..) => {
                let (value, implied) = self.value_and_condition(node, at)?;
                Some((Action::Set(value), implied))
            }
            ("default", ..) => {
                let value = self.value(node, at)?;
                Some((Action::Default(value), nothing()))
            }
            ("remove", ..) => self.remove(node, at),
            ("append", SchemaKind::List(element), _) => {
                let elements = self.elements(node, at, element)?;
                let implied = elements.iter().map(contains).collect();
                Some((Action::Append(elements), Condition::AllOf(implied)))
            }
            ("append", SchemaKind::Map(inner), _) if matches!(inner.kind, SchemaKind::List(_)) => {
                self.append_entries(node, at, inner)
            }
            ("map", SchemaKind::List(element), _)
                if has_sources(element, at.rewritable == Some(Place::Mounts)) =>
            {
                Some((Action::Map(self.paths(node)?), nothing()))
            }
            (word, ..) => {
                let message = format!(
                    "`{word}` does not fit `{}`, which is {}",
                    at.path,
                    at.kind()
                );
                let help = match word {
                    "append" => "`append` adds to a list",
                    _ => "`map` changes the sources of `mounts`, `Binds` and `Mounts`",
                };
                self.report(Code::WrongMatcher, entry.key.span, message, help.to_owned());
                None
            }
        }
    }

    /// The whole, or some keys or elements of it.
    fn remove(&mut self, node: &Node, at: &At) -> Option<Read> {
        match (at.schema.kind, &node.kind) {
            (_, Kind::Bool(true)) => Some((Action::Remove, Condition::Absent)),
            (SchemaKind::Map(_), _) if is_list(node) => {
                let keys = self.values(node)?;
                let keys = keys.iter().map(|key| {
                    let key = self.reader().text(key)?;
                    self.key(&key, at)
                });
                let keys = keys.collect::<Option<Vec<String>>>()?;
                Some((Action::RemoveKeys(keys), nothing()))
            }
            (SchemaKind::List(element), _) if is_scalar(element) && is_list(node) => {
                let at = at.inner(element, "[]");
                let nodes = self.values(node)?;
                let literals = nodes.iter().map(|node| self.literal(node, &at));
                let literals = literals.collect::<Option<Vec<Literal>>>()?;
                Some((Action::RemoveElements(literals), nothing()))
            }
            (kind, _) => {
                let expected = match kind {
                    SchemaKind::Map(_) => "true, or a list of keys",
                    SchemaKind::List(element) if is_scalar(element) => {
                        "true, or a list of elements"
                    }
                    _ => "true",
                };
                self.reader().expected(node, expected);
                None
            }
        }
    }

    fn append_entries(&mut self, node: &Node, at: &At, inner: &'static Schema) -> Option<Read> {
        let mut lists = Vec::new();
        let mut implied = Vec::new();
        for (key, value) in self.map_entries(node, at, inner)? {
            let Value::List(elements) = value else {
                continue;
            };
            let all = elements.iter().map(contains).collect();
            let all = Box::new(Condition::AllOf(all));
            implied.push(Condition::Entry(key.clone(), all));
            lists.push((key, elements));
        }
        Some((Action::AppendEntries(lists), Condition::AllOf(implied)))
    }

    /// What a value is written as, and the condition that it is so.
    fn value_and_condition(&mut self, node: &Node, at: &At) -> Option<(Value<'static>, Condition)> {
        if is_scalar(at.schema) {
            let literal = self.literal(node, at)?;
            let value = literal.value().clone();
            return Some((value, Condition::OneOf(vec![literal])));
        }
        let value = self.value(node, at)?;
        Some((value.clone(), Condition::Exactly(value)))
    }

    /// A value as a request could have it here.
    fn value(&mut self, node: &Node, at: &At) -> Option<Value<'static>> {
        match at.schema.kind {
            SchemaKind::List(element) => {
                let elements = self.elements(node, at, element)?;
                if let Some((least, most)) = at.schema.items
                    && !(least..=most).contains(&elements.len())
                {
                    let message = format!("`{}` has from {least} to {most} elements", at.path);
                    self.report(Code::BadValue, node.span, message, None);
                    return None;
                }
                Some(Value::List(elements))
            }
            SchemaKind::Map(inner) => {
                let entries = self.map_entries(node, at, inner)?;
                let entries = entries.into_iter();
                Some(Value::Map(
                    entries.map(|(key, value)| (key.into(), value)).collect(),
                ))
            }
            SchemaKind::Object(definition) => {
                if !matches!(node.kind, Kind::Map(_)) {
                    self.reader().expected(node, "a map of fields");
                    return None;
                }
                let mut object = Object::empty(definition);
                for entry in self.reader().entries(node) {
                    let (index, field) = self.field_named(entry, definition, &at.path)?;
                    let value = self.value(&entry.value, &at.field(index, field))?;
                    if let Some(slot) = object.slot(index) {
                        *slot = value;
                    }
                }
                Some(Value::Object(object))
            }
            _ => Some(self.literal(node, at)?.value().clone()),
        }
    }

    fn elements(
        &mut self,
        node: &Node,
        at: &At,
        element: &'static Schema,
    ) -> Option<Vec<Value<'static>>> {
        if !is_list(node) {
            self.reader().expected(node, "a list");
            return None;
        }
        let at = at.inner(element, "[]");
        let nodes = match &node.kind {
            // What is a list itself is no more than one element.
            Kind::List(nodes) if !is_scalar(element) => Cow::Borrowed(nodes.as_slice()),
            _ => self.values(node)?,
        };
        nodes.iter().map(|node| self.value(node, &at)).collect()
    }

    fn map_entries(
        &mut self,
        node: &Node,
        at: &At,
        inner: &'static Schema,
    ) -> Option<Vec<(String, Value<'static>)>> {
        if !matches!(node.kind, Kind::Map(_)) {
            self.reader().expected(node, "a map");
            return None;
        }
        let below = at.inner(inner, "{}");
        let mut entries = Vec::new();
        for entry in self.reader().entries(node) {
            let key = self.key(&entry.key, at)?;
            entries.push((key, self.value(&entry.value, &below)?));
        }
        Some(entries)
    }

    /// A key of a map, in its canonical spelling.
    pub(super) fn key(&mut self, name: &Name, at: &At) -> Option<String> {
        let Some(format) = at.schema.format else {
            return Some(name.text.clone());
        };
        match format.canonical(&name.text) {
            Ok(key) => Some(key.into_owned()),
            Err(error) => {
                let message = format!("`{}` is not a {}: {error}", name.text, format.name());
                self.report(Code::BadValue, name.span, message, None);
                None
            }
        }
    }

    /// `FROM: TO`, both paths of the host.
    fn paths(&mut self, node: &Node) -> Option<Vec<(String, String)>> {
        let mut paths: Vec<(String, String)> = Vec::new();
        for entry in self.reader().entries(node) {
            let from = self.host_path(entry.key.span, &entry.key.text)?;
            let to = self.reader().text(&entry.value)?;
            let to_path = self.host_path(to.span, &to.text)?;
            if to_path.contains(':') {
                let message = format!("`{}` has a colon, which ends a source", to.text);
                self.report(Code::BadValue, to.span, message, None);
                return None;
            }
            if paths.iter().any(|(other, _)| *other == from) {
                let message = format!("`{}` is mapped twice", entry.key.text);
                self.report(Code::DuplicateKey, entry.key.span, message, None);
                return None;
            }
            paths.push((from, to_path));
        }
        if paths.is_empty() {
            self.reader().expected(node, "a map from paths to paths");
            return None;
        }
        Some(paths)
    }

    /// Whether what a field is rewritten to fits what is said of it besides.
    pub(super) fn fits_itself(&mut self, all: &[Condition], at: &At, span: Span) -> bool {
        let Some(rewrite) = self.rewrites.last() else {
            return true;
        };
        let fits = |value: &Value<'static>, counts: fn(&Condition) -> bool| {
            let slot = Slot {
                schema: at.schema,
                absent: at.absent,
                zero: at.zero,
                value,
            };
            let mut all = all.iter().filter(|condition| counts(condition));
            all.all(|condition| condition.matches(slot).allows())
        };
        let Some(value) = rewrite.written() else {
            return true;
        };
        let (fits, what) = match &rewrite.action {
            Action::Set(_) => (fits(&value, |_| true), "set to"),
            Action::Default(_) => (fits(&value, |_| true), "without being set"),
            // What the client sends besides may make it fit or not.
            Action::Append(_) => {
                let each = |condition: &Condition| matches!(condition, Condition::Each(_));
                (fits(&value, each), "with what is appended")
            }
            _ => return true,
        };
        if !fits {
            let message = format!(
                "what `{}` is {what} does not fit the rest of the rule",
                at.path
            );
            let help = "the rewritten request is judged by the same rule and would be refused";
            self.report(Code::Rewrite, span, message, help.to_owned());
        }
        fits
    }

    /// What may not be rewritten, because it says what the request is.
    pub(super) fn unchangeable(&mut self, definition: &OperationDef, span: Span) {
        let decides = definition
            .variant_of
            .map(|(_, Variant::QueryGiven(name) | Variant::QueryAbsent(name))| name);
        let mut wrong = Vec::new();
        for rewrite in &self.rewrites {
            let parameter = match rewrite.place {
                Place::Query(index) => definition.query.get(index),
                Place::Header(index) => definition.headers.get(index),
                Place::Body(_) | Place::Mounts => None,
            };
            let Some(parameter) = parameter else { continue };
            let removes = rewrite.action == Action::Remove;
            if decides == Some(parameter.name) || (parameter.required && removes) {
                wrong.push(rewrite.path.clone());
            }
        }
        for path in wrong {
            let message = format!("`{path}` makes the request what it is, and stays");
            self.report(Code::Rewrite, span, message, None);
        }
    }
}

/// Whether a rewrite fits what has this type; of `mounts`, only one does.
pub(crate) fn rewrite_fits(word: &str, schema: &Schema, mounts: bool) -> bool {
    match (word, schema.kind) {
        ("map", SchemaKind::List(element)) => has_sources(element, mounts),
        ("map", _) => false,
        _ if mounts => false,
        ("append", SchemaKind::Map(inner)) => matches!(inner.kind, SchemaKind::List(_)),
        ("append", kind) => matches!(kind, SchemaKind::List(_)),
        _ => true,
    }
}

fn contains(element: &Value<'static>) -> Condition {
    Condition::Contains(Box::new(Condition::Exactly(element.clone())))
}

/// Whether a list is written, or named.
fn is_list(node: &Node) -> bool {
    matches!(node.kind, Kind::List(_)) || is_list_name(node)
}

pub(crate) fn is_scalar(schema: &Schema) -> bool {
    !matches!(
        schema.kind,
        SchemaKind::List(_) | SchemaKind::Map(_) | SchemaKind::Object(_)
    )
}

/// Whether a list holds mounts.
fn has_sources(element: &Schema, mounts: bool) -> bool {
    let is_mount = |field: &&crate::api::definition::FieldDef| {
        field.name == "Source" && field.schema.format == Some(Format::MountSource)
    };
    match element.kind {
        SchemaKind::Object(object) => mounts || object.fields.iter().any(|it| is_mount(&it)),
        _ => element.format == Some(Format::Bind),
    }
}

//! Lists by name: `lists:` of a file, and `{ list: NAME }` where values are written.
//!
//! A list that is named stands for its elements, each at its own place, so that
//! what is wrong with one is shown where it is written; a note says where the list
//! is used. Lists can be made of other lists. What a list may hold is for the
//! matcher to say that uses it.

use std::borrow::Cow;

use super::Resolver;
use crate::diagnostic::{Code, Span, nearest};
use crate::policy::document::ListDocument;
use crate::policy::yaml::{Kind, Name, Node};

/// How many lists may stand in each other.
const DEPTH: usize = 8;

/// How many elements the lists of a file may come to, wherever they are used.
const ELEMENTS: usize = 100_000;

/// A list, with the elements of the lists that it names.
#[derive(Debug)]
pub(super) struct SharedList {
    name: Name,
    /// None if something is wrong with it.
    nodes: Option<Vec<Node>>,
    /// How many lists stand in each other here, this one among them.
    depth: usize,
    /// Where it was used last.
    used: Option<Span>,
}

/// The name of the list that a node stands for.
fn used_by(node: &Node) -> Option<&Node> {
    match &node.kind {
        Kind::Map(entries) => match entries.as_slice() {
            [entry] if entry.key.text == "list" => Some(&entry.value),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a node stands for a list.
pub(super) fn is_list_name(node: &Node) -> bool {
    used_by(node).is_some()
}

impl Resolver {
    /// Reads the lists of a file.
    pub(super) fn lists(&mut self, documents: &[ListDocument]) {
        self.lists = documents
            .iter()
            .map(|document| SharedList {
                name: document.name.clone(),
                nodes: None,
                depth: 0,
                used: None,
            })
            .collect();
        for index in 0..documents.len() {
            self.fill(index, documents, &mut Vec::new());
        }
    }

    /// Puts the elements of a list together, unless that was done already. `within`
    /// are the lists that it is wanted for.
    fn fill(&mut self, index: usize, documents: &[ListDocument], within: &mut Vec<usize>) {
        let (Some(document), Some(list)) = (documents.get(index), self.lists.get(index)) else {
            return;
        };
        if list.depth > 0 {
            return;
        }
        within.push(index);
        let mut nodes = Some(Vec::new());
        let mut depth = 1;
        for node in &document.nodes {
            let Some(name) = used_by(node) else {
                if let Some(nodes) = &mut nodes {
                    nodes.push(node.clone());
                }
                continue;
            };
            let inner = self.list_named(name).filter(|inner| {
                let circle = within.contains(inner);
                if circle {
                    let message = format!("the list `{}` holds itself", document.name.text);
                    self.report(Code::Nesting, name.span, message, None);
                } else if within.len() < DEPTH {
                    self.fill(*inner, documents, within);
                }
                !circle
            });
            let inner = inner.and_then(|inner| self.lists.get(inner));
            depth = depth.max(inner.map_or(0, |inner| inner.depth).saturating_add(1));
            let inner = inner.map(|inner| inner.nodes.clone().unwrap_or_default());
            nodes = match (nodes, inner) {
                (Some(mut nodes), Some(inner)) => {
                    nodes.extend(inner);
                    Some(nodes)
                }
                _ => None,
            };
            if depth > DEPTH || within.len() >= DEPTH {
                let message = format!("more than {DEPTH} lists stand in each other here");
                self.report(Code::Nesting, name.span, message, None);
                nodes = None;
            }
            if nodes.as_ref().is_some_and(|nodes| nodes.len() > ELEMENTS) {
                self.too_many(name.span);
                nodes = None;
            }
        }
        within.pop();
        if let Some(list) = self.lists.get_mut(index) {
            (list.nodes, list.depth) = (nodes, depth);
        }
    }

    fn too_many(&mut self, span: Span) {
        let message = format!("the lists come to more than {ELEMENTS} elements here");
        self.report(Code::Nesting, span, message, None);
    }

    /// The list of this name.
    fn list_named(&mut self, name: &Node) -> Option<usize> {
        let name = self.reader().text(name)?;
        let mut lists = self.lists.iter_mut().enumerate();
        let found = lists.find(|(_, list)| list.name.text == name.text);
        if let Some((index, list)) = found {
            list.used = Some(name.span);
            return Some(index);
        }
        let names = self.lists.iter().map(|list| list.name.text.as_str());
        let help = nearest(&name.text, names)
            .unwrap_or_else(|| format!("write `lists: {{ {}: [ … ] }}`", name.text));
        let message = format!("there is no list `{}`", name.text);
        self.report(Code::UnknownList, name.span, message, help);
        None
    }

    /// The values that a node writes: one, a list of them, or a list by its name.
    pub(super) fn values<'n>(&mut self, node: &'n Node) -> Option<Cow<'n, [Node]>> {
        let nodes = match &node.kind {
            Kind::List(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(node),
        };
        if !nodes.iter().any(is_list_name) {
            return Some(Cow::Borrowed(nodes));
        }
        let mut values = Vec::with_capacity(nodes.len());
        let mut known = true;
        for node in nodes {
            let Some(name) = used_by(node) else {
                values.push(node.clone());
                continue;
            };
            let list = self.list_named(name);
            let list = list.and_then(|list| self.lists.get(list));
            let Some(nodes) = list.and_then(|list| list.nodes.as_ref()) else {
                known = false;
                continue;
            };
            self.shared = self.shared.saturating_add(nodes.len());
            if self.shared > ELEMENTS {
                self.too_many(name.span);
                return None;
            }
            values.extend_from_slice(nodes);
        }
        known.then_some(Cow::Owned(values))
    }

    /// Says of what was found since there were `before` findings which list it is
    /// about, and where that is used.
    pub(super) fn note_lists(&mut self, before: usize) {
        for found in self.found.iter_mut().skip(before) {
            let mut lists = self.lists.iter();
            let list = lists.find_map(|list| {
                let stands = |node: &Node| node.holds(found.span);
                let stands = list.nodes.as_ref()?.iter().any(stands);
                list.used.filter(|_| stands).map(|used| (list, used))
            });
            if let Some((list, used)) = list {
                let place = self.files.from(found.span, used);
                let note = format!("`{}` is used {place}", list.name.text);
                found.note = Some(note);
            }
        }
    }

    /// Lists that nothing uses.
    pub(super) fn unused_lists(&mut self) {
        let unused: Vec<Name> = self
            .lists
            .iter()
            .filter(|list| list.used.is_none() && list.name.span.file == 0)
            .map(|list| list.name.clone())
            .collect();
        for name in unused {
            let message = format!("list `{}` is used nowhere", name.text);
            let help = format!("write `{{ list: {} }}` where values are written", name.text);
            self.warn(Code::Unused, name.span, message, &help);
        }
    }
}

//! The tests of a file: requests that can be asked, and expectations that say
//! something.

use serde_json::{Map, Value};

use super::Resolver;
use crate::api::Operation;
use crate::api::definition::{BodyDef, Kind as SchemaKind, ObjectDef, OperationDef, Schema};
use crate::diagnostic::{Code, Span, nearest};
use crate::example::Example;
use crate::policy::document::{PolicyDocument, TestDocument};
use crate::policy::parts;
use crate::policy::test::{Expected, Test};
use crate::policy::yaml::{Kind, Name, Node};
use crate::request::Older;

impl Resolver {
    /// The tests of a file.
    pub(super) fn tests(&mut self, document: &PolicyDocument) -> Vec<Test> {
        let mut tests: Vec<Test> = Vec::with_capacity(document.tests.len());
        for test in &document.tests {
            let Some(found) = self.test(test, document) else {
                continue;
            };
            if let Some(first) = tests.iter().find(|other| other.name == found.name) {
                let message = format!("there are two tests `{}`", found.name);
                let help = format!("the first stands at {}", first.place);
                self.report(Code::DuplicateKey, test.span, message, help);
            }
            tests.push(found);
        }
        tests
    }

    fn test(&mut self, test: &TestDocument, document: &PolicyDocument) -> Option<Test> {
        let missing = [
            ("name", test.name.is_none()),
            ("client", test.client.is_none()),
            ("request", test.request.is_none()),
            ("expect", test.expect.is_none()),
        ];
        for (key, missing) in missing {
            if missing {
                let message = format!("the test has no `{key}`");
                let help = (key == "expect")
                    .then(|| "write `expect: allow`, `deny` or `{ deny: PATH }`".to_owned());
                self.report(Code::MissingKey, test.span, message, help);
            }
        }
        if let Some(client) = &test.client {
            let names = document.clients.iter();
            let mut names = names.map(|client| client.name.text.as_str());
            if !names.clone().any(|name| name == client.text) {
                let message = format!("there is no client `{}`", client.text);
                let help = nearest(&client.text, &mut names);
                self.report(Code::UnknownClient, client.span, message, help);
            }
        }
        let request = test.request.as_ref()?;
        let of_client = |client: &Name| {
            let mut clients = document.clients.iter();
            clients.find(|one| one.name.text == client.text)
        };
        let client = test.client.as_ref().and_then(of_client);
        let older = client.map_or(Older::Refused, |client| client.older);
        let example = self.request(request, older)?;
        let expected = self.expected(test.expect.as_ref()?, &example, older)?;
        Some(Test {
            name: test.name.as_ref()?.text.clone(),
            place: self.files.place(test.span),
            client: test.client.as_ref()?.text.clone(),
            request: example,
            expected,
        })
    }

    /// A request that means something.
    fn request(&mut self, node: &Node, older: Older) -> Option<Example> {
        if !self.plain(node) {
            return None;
        }
        let example = match Example::from_json(&node.to_json()) {
            Ok(example) => example,
            Err(error) => {
                self.report(Code::Test, node.span, error, None);
                return None;
            }
        };
        match example.check(older) {
            Ok(()) => Some(example),
            Err(mistake) => {
                let span = place(node, &mistake.at);
                self.report(Code::Test, span, mistake.message, mistake.help);
                None
            }
        }
    }

    /// Whether a node is what JSON can say: no key twice, no number beyond it.
    fn plain(&mut self, node: &Node) -> bool {
        let before = self.found.len();
        match &node.kind {
            Kind::List(nodes) => nodes.iter().for_each(|node| {
                self.plain(node);
            }),
            Kind::Map(_) => {
                for entry in self.reader().entries(node) {
                    self.plain(&entry.value);
                }
            }
            Kind::Int(number) => {
                if i64::try_from(*number).is_err() && u64::try_from(*number).is_err() {
                    self.reader().expected(node, "a number of at most 64 bits");
                }
            }
            Kind::Float(written) => {
                if !written.parse().is_ok_and(f64::is_finite) {
                    self.reader().expected(node, "a number as JSON has it");
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Text(_) => {}
        }
        self.found.len() == before
    }

    fn expected(&mut self, node: &Node, example: &Example, older: Older) -> Option<Expected> {
        let word = match &node.kind {
            Kind::Text(word) => word.as_str(),
            _ => "",
        };
        let entries = match &node.kind {
            Kind::Map(_) => self.reader().map(node, &["allow", "deny"]),
            _ => Vec::new(),
        };
        let operation = match (example.decoded(older), word, entries.as_slice()) {
            (Ok((operation, _)), ..) => Some(operation),
            (Err(_), "deny", _) => return Some(Expected::Deny(None)),
            (Err(error), "allow", _) => {
                let message = format!("this request is never allowed: {error}");
                self.report(Code::Test, node.span, message, None);
                return None;
            }
            (Err(error), _, [entry]) if entry.key.text == "allow" => {
                let message = format!("this request is never allowed: {error}");
                self.report(Code::Test, entry.key.span, message, None);
                return None;
            }
            (Err(_), ..) => None,
        };
        match word {
            "allow" => return Some(Expected::Allow),
            "deny" => return Some(Expected::Deny(None)),
            _ => {}
        }
        let [entry] = entries.as_slice() else {
            let message = "this does not say what must become of the request";
            let help = "write `allow`, `deny`, `{ deny: PATH }` or `{ allow: { body: … } }`";
            self.report(Code::Test, node.span, message, help.to_owned());
            return None;
        };
        if entry.key.text == "deny" {
            let path = self.reader().text(&entry.value)?;
            if let Some(operation) = operation {
                self.denied_path(&path.text, operation.definition(), path.span);
            }
            return Some(Expected::Deny(Some(path.text)));
        }
        let parts = self
            .reader()
            .map(&entry.value, &["query", "header", "body"]);
        if parts.is_empty() {
            let message = "this does not say what is forwarded";
            let help = "write `allow` alone, or name `body`, `query` or `header`".to_owned();
            self.report(Code::Test, entry.value.span, message, help);
            return None;
        }
        let mut forwarded = Map::new();
        for part in parts {
            if self.plain(&part.value) {
                forwarded.insert(part.key.text.clone(), part.value.to_json());
            }
        }
        self.forwarded(&entry.value, &forwarded, operation?, (example, older))?;
        Some(Expected::Forward(forwarded))
    }

    /// Looks whether such a request could be forwarded at all.
    fn forwarded(
        &mut self,
        node: &Node,
        parts: &Map<String, Value>,
        operation: Operation,
        (asked, older): (&Example, Older),
    ) -> Option<()> {
        let mut written = parts.clone();
        // No body at all is written as null.
        written.retain(|_, value| !value.is_null());
        written.insert("operation".to_owned(), operation.name().into());
        if let Some(version) = asked.to_json().get("version") {
            written.insert("version".to_owned(), version.clone());
        }
        let wrong = match Example::from_json(&Value::Object(written)) {
            Err(error) => Some((node.span, error, None)),
            Ok(example) => match (example.check(older), example.decoded(older)) {
                (Err(mistake), _) => {
                    Some((place(node, &mistake.at), mistake.message, mistake.help))
                }
                (Ok(()), Ok((_, dropped))) => dropped.first().map(|dropped| {
                    let message = format!("`{dropped}` is never forwarded");
                    (node.span, message, None)
                }),
                (Ok(()), Err(_)) => None,
            },
        };
        match wrong {
            None => Some(()),
            Some((span, message, help)) => {
                self.report(Code::Test, span, message, help);
                None
            }
        }
    }

    /// A path that the operation has.
    fn denied_path(&mut self, path: &str, definition: &'static OperationDef, span: Span) {
        let (place, rest) = path.split_once('.').unwrap_or((path, ""));
        let parameters = match place {
            "path" => definition.path_parameters,
            "query" => definition.query,
            "header" => definition.headers,
            _ => &[],
        };
        let place = place.trim_end_matches("[]");
        let known = match (place, definition.body) {
            ("body", BodyDef::Json { schema, .. }) => {
                rest.is_empty() || leads_somewhere(schema, rest)
            }
            _ if definition.derived.contains(&place) => true,
            _ => parameters.iter().any(|parameter| {
                let inner = rest.strip_prefix(parameter.name);
                inner.is_some_and(|inner| inner.is_empty() || inner.starts_with(['.', '[', '{']))
            }),
        };
        if !known {
            let message = format!("{} has no `{path}`", definition.name);
            let help = meant(path, definition)
                .unwrap_or_else(|| format!("`opgate ops {}` lists what there is", definition.name));
            self.report(Code::UnknownField, span, message, help);
        }
    }
}

/// The place of what is at these keys of a node, or of what is nearest to it.
fn place(node: &Node, keys: &[String]) -> Span {
    let (mut node, mut span) = (node, node.span);
    for key in keys {
        let Kind::Map(entries) = &node.kind else {
            break;
        };
        let Some(entry) = entries.iter().find(|entry| entry.key.text == *key) else {
            break;
        };
        (node, span) = (&entry.value, entry.key.span);
    }
    span
}

/// The path that was probably meant, to the first name that is wrong.
fn meant(path: &str, definition: &'static OperationDef) -> Option<String> {
    let (place, rest) = path.split_once('.').unwrap_or((path, ""));
    let near = |name: &str, names: &[&'static str]| nearest(name, names.iter().copied());
    let parameters = match place {
        "path" => definition.path_parameters,
        "query" => definition.query,
        "header" => definition.headers,
        "body" => {
            let BodyDef::Json { schema, .. } = definition.body else {
                return None;
            };
            let mut object = object(schema)?;
            for piece in rest.split('.') {
                let name = piece.split(['[', '{']).next().unwrap_or(piece);
                let Some(field) = object.fields.iter().find(|field| field.name == name) else {
                    let names: Vec<&str> = object.fields.iter().map(|field| field.name).collect();
                    return near(name, &names);
                };
                let mut schema = &field.schema;
                while let SchemaKind::List(inner) | SchemaKind::Map(inner) = schema.kind {
                    schema = inner;
                }
                object = self::object(schema)?;
            }
            return None;
        }
        _ => {
            let places = ["path", "query", "header", "body"];
            let names = places.iter().chain(definition.derived).copied();
            return nearest(place.trim_end_matches("[]"), names);
        }
    };
    let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name).collect();
    near(rest, &names)
}

/// Whether a path of names, `[]` and `{}` leads to something.
fn leads_somewhere(mut schema: &'static Schema, path: &str) -> bool {
    for piece in path.split('.') {
        let end = piece.find(['[', '{']).unwrap_or(piece.len());
        let (name, mut inner) = piece.split_at(end);
        let Some(object) = object(schema) else {
            return false;
        };
        let Some(field) = object.fields.iter().find(|field| field.name == name) else {
            return false;
        };
        schema = &field.schema;
        while !inner.is_empty() {
            (schema, inner) = match (
                schema.kind,
                inner.strip_prefix("[]"),
                inner.strip_prefix("{}"),
            ) {
                (SchemaKind::List(element), Some(rest), _) => (element, rest),
                (SchemaKind::Map(value), _, Some(rest)) => (value, rest),
                // Parts of a text in a list, or a key.
                _ => return true,
            };
        }
    }
    true
}

fn object(schema: &'static Schema) -> Option<&'static ObjectDef> {
    match schema.kind {
        SchemaKind::Object(object) => Some(object),
        SchemaKind::Text => parts::definition(schema.format?),
        _ => None,
    }
}

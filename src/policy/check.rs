//! The first pass of `check`: a file against the schema that editors use.
//!
//! The resolver has the better words, so that what both complain of is said by
//! the resolver alone. Only where it is silent (it stops at the first mistake of a
//! value, the schema does not) a finding of the schema is shown, at the place that
//! it is about.

use std::collections::HashSet;
use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::LocationSegment;
use jsonschema::{Draft, JsonType, PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::resolve::resolve_and;
use super::yaml::{Kind, Node};
use super::{Configuration, ReadFile, SourceFile, include, schema};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity, Span};

/// Checks a file that includes no other, in both ways: what it configures, or what
/// is wrong with it.
pub fn check(file: &str, text: &str) -> Result<Configuration, Diagnostics> {
    check_with(file, SourceFile::alone(file, text), &include::nothing)
}

/// Checks a file and what it includes, which `read` reads.
pub fn check_with(
    file: &str,
    source: SourceFile,
    read: &ReadFile<'_>,
) -> Result<Configuration, Diagnostics> {
    resolve_and(file, source, read, unsaid)
}

/// The weight of a file up to which each mistake is looked for. An error of the
/// schema holds what it is about and the errors inside of it.
const HEAVIEST: usize = 300_000;

/// Built once. It takes longer than reading a file.
static VALIDATOR: LazyLock<Result<Validator, String>> = LazyLock::new(|| {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        // This engine takes no longer than its text is long.
        .with_pattern_options(PatternOptions::regex())
        .build(&schema())
        .map_err(|error| error.to_string())
});

/// What the schema finds in some files, and nobody has said.
fn unsaid(files: &[Node], said: &[Diagnostic]) -> Vec<Diagnostic> {
    let validator = match &*VALIDATOR {
        Ok(validator) => validator,
        Err(error) => {
            let message = format!("the schema of policy files cannot be used: {error}");
            return vec![Diagnostic::error(Code::Schema, Span::START, message)];
        }
    };
    // What is odd is not what is wrong.
    let is_error = |one: &&Diagnostic| one.severity == Severity::Error;
    let said: HashSet<Span> = said.iter().filter(is_error).map(|one| one.span).collect();
    let found = files
        .iter()
        .flat_map(|node| in_file(validator, node, &said));
    found.collect()
}

fn in_file(validator: &Validator, node: &Node, said: &HashSet<Span>) -> Vec<Diagnostic> {
    let json = node.to_json();
    if validator.is_valid(&json) {
        return Vec::new();
    }
    if weight(node, 1) > HEAVIEST {
        // What is wrong is still wrong, if nobody has said so.
        let message = "the schema of policy files does not allow something in this file";
        let whole = Diagnostic::error(Code::Schema, node.span, message);
        let is_said = said.iter().any(|span| span.file == node.span.file);
        return if is_said { Vec::new() } else { vec![whole] };
    }
    let mut findings = Vec::new();
    for error in validator.iter_errors(&json) {
        collect(&error, &mut findings);
    }
    if findings.is_empty() {
        return Vec::new();
    }
    let mut places = Places::default();
    places.find(node, said, &mut Vec::new());
    // What a file lacks is said at its beginning; one that is included may lack all.
    let beginning = |span: &Span| (span.file, span.line, span.column) == (0, 1, 1);
    places.beginning = node.span.file > 0 || said.iter().any(beginning);
    findings.retain(|finding| !places.speak_of(&finding.path));
    let diagnostics = findings.into_iter().map(|finding| {
        let span = span(node, &finding.path);
        Diagnostic::error(Code::Schema, span, finding.message)
    });
    diagnostics.collect()
}

/// How much there is in a file, each thing as often as it stands in others.
fn weight(node: &Node, depth: usize) -> usize {
    let below = |node: &Node| weight(node, depth.saturating_add(1));
    let inner: usize = match &node.kind {
        Kind::List(nodes) => nodes.iter().map(below).sum(),
        Kind::Map(entries) => entries.iter().map(|entry| below(&entry.value)).sum(),
        _ => 0,
    };
    inner.saturating_add(depth)
}

/// A step into a map or list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    Key(String),
    Element(usize),
}

/// Something that the schema does not allow.
#[derive(Debug)]
struct Finding {
    path: Vec<Step>,
    message: String,
}

/// Where the diagnostics stand that there are already.
#[derive(Default)]
struct Places {
    paths: HashSet<Vec<Step>>,
    /// What they stand in.
    around: HashSet<Vec<Step>>,
    beginning: bool,
}

impl Places {
    fn find(&mut self, node: &Node, said: &HashSet<Span>, path: &mut Vec<Step>) {
        let mut inner = |here: &mut Self, step: Step, key: Option<Span>, node: &Node| {
            path.push(step);
            if said.contains(&node.span) || key.is_some_and(|key| said.contains(&key)) {
                here.paths.insert(path.clone());
                for end in 1..path.len() {
                    here.around.extend(path.get(..end).map(<[Step]>::to_vec));
                }
            }
            here.find(node, said, path);
            path.pop();
        };
        match &node.kind {
            Kind::Map(entries) => {
                for entry in entries {
                    let step = Step::Key(entry.key.text.clone());
                    inner(self, step, Some(entry.key.span), &entry.value);
                }
            }
            Kind::List(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    inner(self, Step::Element(index), None, node);
                }
            }
            _ => {}
        }
    }

    /// Whether a diagnostic is about a place, something in it or what it is in.
    fn speak_of(&self, path: &[Step]) -> bool {
        if path.is_empty() {
            return self.beginning;
        }
        let mut within = (1..=path.len()).filter_map(|end| path.get(..end));
        self.around.contains(path) || within.any(|place| self.paths.contains(place))
    }
}

/// The findings that an error of the schema comes down to.
fn collect(error: &ValidationError<'_>, findings: &mut Vec<Finding>) {
    let path: Vec<Step> = error
        .instance_path()
        .segments()
        .map(|segment| match segment {
            LocationSegment::Property(key) => Step::Key(key.into_owned()),
            LocationSegment::Index(index) => Step::Element(index),
        })
        .collect();
    let message = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for key in unexpected {
                let mut path = path.clone();
                path.push(Step::Key(key.clone()));
                let message = format!("`{key}` has no meaning here");
                findings.push(Finding { path, message });
            }
            return;
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            // The form that was meant is the one whose errors are further in.
            let depth = error.instance_path().segments().count();
            let is_deep = |error: &ValidationError<'_>| {
                error.instance_path().segments().count() > depth || is_of_keys(error)
            };
            let meant = context.iter().find(|errors| errors.iter().all(is_deep));
            if let Some(errors) = meant {
                for error in errors {
                    collect(error, findings);
                }
                return;
            }
            "this has none of the forms that it can have here".to_owned()
        }
        ValidationErrorKind::Required { property } => match property {
            Value::String(name) => format!("there is no `{name}`"),
            _ => "something is missing here".to_owned(),
        },
        ValidationErrorKind::Type { kind } => {
            let types: Vec<&str> = match kind {
                TypeKind::Single(one) => vec![type_name(*one)],
                TypeKind::Multiple(set) => set.iter().map(type_name).collect(),
            };
            format!("expected {}", types.join(" or "))
        }
        ValidationErrorKind::Enum { .. } | ValidationErrorKind::Constant { .. } => {
            "this is not one of the values that there can be here".to_owned()
        }
        ValidationErrorKind::Pattern { pattern } => {
            format!("this does not have the form `{pattern}`")
        }
        ValidationErrorKind::Minimum { limit } => format!("this is less than {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("this is more than {limit}"),
        other => format!(
            "this is against `{}` of the schema of policy files",
            other.keyword()
        ),
    };
    findings.push(Finding { path, message });
}

/// A type, as messages call it.
fn type_name(of: JsonType) -> &'static str {
    match of {
        JsonType::Array => "a list",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Null => "nothing",
        JsonType::Number => "a number",
        JsonType::Object => "a map",
        JsonType::String => "text",
    }
}

/// Whether an error is about the keys of a map rather than about its being one.
fn is_of_keys(error: &ValidationError<'_>) -> bool {
    matches!(
        error.kind(),
        ValidationErrorKind::AdditionalProperties { .. } | ValidationErrorKind::Required { .. }
    )
}

/// The place of a value; of an entry whose value is nothing, its key's.
fn span(node: &Node, path: &[Step]) -> Span {
    let mut node = node;
    let mut span = node.span;
    for step in path {
        let inner = match (&node.kind, step) {
            (Kind::Map(entries), Step::Key(key)) => {
                let entry = entries.iter().find(|entry| entry.key.text == *key);
                entry.map(|entry| (&entry.value, entry.key.span))
            }
            (Kind::List(nodes), Step::Element(index)) => {
                nodes.get(*index).map(|node| (node, node.span))
            }
            _ => None,
        };
        let Some((value, key)) = inner else {
            return span;
        };
        node = value;
        span = match (step, &value.kind) {
            (Step::Key(_), Kind::Null | Kind::Map(_) | Kind::List(_)) => key,
            _ => value.span,
        };
    }
    span
}

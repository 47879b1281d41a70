//! What a condition must not open by the way: references that can be passed by,
//! guarded fields under `any`, and the networks beside a network mode.

use std::fmt::Write as _;

use super::Resolver;
use super::conditions::At;
use crate::api::definition::{
    ApiVersion, Guard, Kind as SchemaKind, ObjectDef, OperationDef, RiskClass, Schema,
};
use crate::diagnostic::{Code, Span};
use crate::format::Format;
use crate::policy::condition::{Condition, join};
use crate::policy::derived::Derived;
use crate::policy::parts;
use crate::policy::rule::Conditions;
use crate::policy::yaml::{Kind, Node};

impl Resolver {
    /// Containers, and what is found in the same way, can be called by several
    /// names; a network by its name or by the beginning of its id. What is to
    /// keep a request out could be passed by so.
    pub(super) fn reference(&mut self, node: &Node, at: &At) {
        let Some(format) = at.schema.format else {
            return;
        };
        let what = match format {
            Format::ContainerReference | Format::VolumesFrom | Format::Link => "a container",
            Format::NetworkReference | Format::NetworkMode => "a network",
            Format::PidMode | Format::IpcMode => {
                let names =
                    matches!(&node.kind, Kind::Text(text) if text.starts_with("container:"));
                if !names {
                    return;
                }
                "a container"
            }
            _ => return,
        };
        let (message, help) = match (&node.kind, what) {
            (Kind::Text(text), "a network") if !text.starts_with("container:") => {
                let word = matches!(text.as_str(), "" | "default" | "bridge" | "host" | "none");
                let could_be_id = text.bytes().all(|byte| byte.is_ascii_hexdigit());
                // The Engine joins nobody to the host's network by its id.
                let keeps_out = self.keeps_out(at) && text != "host";
                if !keeps_out && (word || !could_be_id) {
                    return;
                }
                if keeps_out {
                    (
                        "a network can be given by the beginning of its id, too, so that this can be passed by",
                        "say which networks are allowed",
                    )
                } else {
                    (
                        "this name could be the beginning of another network's id",
                        "give the network a name that is not only digits and letters from a to f",
                    )
                }
            }
            _ => (
                "a container can be called by its name, its id, or the beginning of its id",
                "a matcher on it could be passed by and is not offered: a rule without one is for every container",
            ),
        };
        self.report(Code::Reference, node.span, message, help.to_owned());
    }

    /// Whether what fits here is kept out: by `not`, or by a deny.
    pub(super) fn keeps_out(&self, at: &At) -> bool {
        at.negated != self.denies
    }

    /// `any` is for leaves, and for lists and maps of one class.
    pub(super) fn any(&mut self, node: &Node, at: &At) -> Option<Condition> {
        let own = at
            .risk
            .filter(|risk| risk.guard != Guard::Open)
            .map(|risk| risk.classes);
        let mut wide = Vec::new();
        collect_guarded(at.schema, self.level, &at.path, own, &mut wide);
        if let Some(format) = at.schema.format
            && matches!(at.schema.kind, SchemaKind::Text)
            && let Some(definition) = parts::definition(format)
            && own.is_none()
        {
            fields_guarded(definition, self.level, &at.path, own, &mut wide);
        }
        if wide.is_empty() {
            return Some(Condition::Any);
        }
        let more = wide.len().saturating_sub(6);
        wide.truncate(6);
        let mut list = wide.join(", ");
        if more > 0 {
            let _ = write!(list, " and {more} more");
        }
        let message = format!("`any` would open all that is guarded in `{}`", at.path);
        let help = format!("name what is to be open: {list}");
        self.report(Code::AnyTooWide, node.span, message, help);
        None
    }

    /// An allow that names the keys of a guarded map says what values they may have,
    /// unless each of them is judged by fields or parts.
    pub(super) fn values_of_keys(&mut self, condition: &Condition, at: &At, span: Span) {
        let SchemaKind::Map(inner) = at.schema.kind else {
            return;
        };
        let has_parts = |format| parts::definition(format).is_some();
        let by_itself = matches!(inner.kind, SchemaKind::List(_) | SchemaKind::Object(_))
            || inner.format.is_some_and(has_parts);
        if self.denies || by_itself || !names_keys_alone(condition) {
            return;
        }
        let message = format!(
            "`{}` is guarded, and this does not say which values its keys may have",
            at.path
        );
        let help = "add `values: …` or `contains: { KEY: … }`; `values: any` stands for all";
        self.report(Code::NotWhole, span, message, help.to_owned());
    }

    /// An allow that names a guarded list says something of all that it may hold.
    pub(super) fn not_whole(&mut self, span: Span, at: &At) {
        if self.denies {
            return;
        }
        let path = &at.path;
        let (message, help) = match at.schema.kind {
            SchemaKind::Map(_) => (
                format!("`{path}` is guarded, and this does not say which keys it may have"),
                "add `keys: …`; `keys: any` stands for all",
            ),
            SchemaKind::List(_) => (
                format!("`{path}` is guarded, and this does not say what else it may hold"),
                "add `each: …` or `subset: …`, or write `any`",
            ),
            _ => (
                format!("`{path}` is guarded, and this does not say what it may be"),
                "name the values that it may have, or write `any`",
            ),
        };
        self.report(Code::NotWhole, span, message, help.to_owned());
    }
}

/// A container joins what its endpoints name, whatever its mode says: who says
/// which modes there may be, says it of all networks.
pub(super) fn follow_network_mode(operation: &'static OperationDef, conditions: &mut Conditions) {
    let named = conditions
        .derived
        .iter()
        .any(|(derived, _)| *derived == Derived::Networks);
    if named || Derived::of(operation, Derived::Networks.name()).is_none() {
        return;
    }
    let Some(body) = &conditions.body else {
        return;
    };
    let Some(mode) = field(body, "HostConfig").and_then(|host| field(host, "NetworkMode")) else {
        return;
    };
    if says_which(mode) {
        let each = Condition::Each(Box::new(mode.clone()));
        conditions.derived.push((Derived::Networks, each));
    }
}

/// Whether a condition on a map says which keys there may be, and nothing of values.
fn names_keys_alone(condition: &Condition) -> bool {
    match condition {
        Condition::Keys(..) => true,
        Condition::AllOf(all) => {
            all.iter().any(names_keys_alone) && !all.iter().any(speaks_of_values)
        }
        Condition::AnyOf(any) => any.iter().any(names_keys_alone),
        _ => false,
    }
}

fn speaks_of_values(condition: &Condition) -> bool {
    match condition {
        Condition::Keys(..) => false,
        Condition::Values(_) | Condition::Entry(..) => true,
        Condition::AllOf(all) => all.iter().any(speaks_of_values),
        Condition::AnyOf(any) => any.iter().all(speaks_of_values),
        condition => condition.opens(),
    }
}

/// Whether a condition says which values there may be, rather than whether there
/// is one.
fn says_which(condition: &Condition) -> bool {
    match condition {
        Condition::OneOf(_) | Condition::Any | Condition::Fields(_) => true,
        Condition::Not(inner) => says_which(inner),
        Condition::AllOf(all) | Condition::AnyOf(all) => {
            !all.is_empty() && all.iter().all(says_which)
        }
        _ => false,
    }
}

/// What is said of a field of an object.
fn field<'c>(condition: &'c Condition, name: &str) -> Option<&'c Condition> {
    match condition {
        Condition::Fields(fields) => {
            let mut fields = fields.iter();
            fields
                .find(|field| field.name == name)
                .map(|field| &field.condition)
        }
        Condition::AllOf(all) => all.iter().find_map(|one| field(one, name)),
        _ => None,
    }
}

/// The guarded leaves below a schema whose classes go beyond `own`.
fn collect_guarded(
    schema: &Schema,
    level: ApiVersion,
    path: &str,
    own: Option<&'static [RiskClass]>,
    found: &mut Vec<String>,
) {
    match schema.kind {
        SchemaKind::List(inner) => collect_guarded(inner, level, &join(path, "[]"), own, found),
        SchemaKind::Map(inner) => collect_guarded(inner, level, &join(path, "{}"), own, found),
        SchemaKind::Object(object) => fields_guarded(object, level, path, own, found),
        _ => {}
    }
}

fn fields_guarded(
    object: &ObjectDef,
    level: ApiVersion,
    path: &str,
    own: Option<&'static [RiskClass]>,
    found: &mut Vec<String>,
) {
    for field in object.fields {
        // What is newer stays guarded, `any` or not.
        if field.span.since > level {
            continue;
        }
        let path = join(path, field.name);
        let within = own.is_some_and(|own| {
            field.risk.classes.iter().all(|class| own.contains(class))
                && field.risk.guard == Guard::Guarded
        });
        // An object with fields is judged by them, unless it is guarded as such.
        let by_fields =
            matches!(field.schema.kind, SchemaKind::Object(object) if !object.fields.is_empty());
        let judged = match field.risk.guard {
            Guard::Open => false,
            Guard::Guarded => true,
            Guard::Unclassified => !by_fields,
        };
        if judged && !within {
            found.push(path.clone());
        }
        collect_guarded(&field.schema, level, &path, own, found);
    }
}

//! Rules: operations and groups by name, with their conditions.

use std::sync::Arc;

use super::Resolver;
use super::guarded::follow_network_mode;
use super::meant;
use super::overlaps::WrittenRule;
use crate::api::Operation;
use crate::api::definition::{AccessClass, OperationDef};
use crate::diagnostic::{Code, Span};
use crate::policy::RuleName;
use crate::policy::condition::Condition;
use crate::policy::document::{PolicyRulesDocument, RuleDocument};
use crate::policy::rule::{Allow, Conditions, Deny, When};
use crate::policy::yaml::{Kind, Name, Node};

/// Parameters that hand a build to a session, in which field rules do not hold.
pub(crate) const OPAQUE: [(Operation, &str); 2] = [
    (Operation::ImageBuild, "session"),
    (Operation::ImageBuild, "version"),
];

/// The rules of a policy, each under every operation that it speaks of.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) allow: Vec<(Operation, Arc<Allow>)>,
    pub(super) deny: Vec<(Operation, Arc<Deny>)>,
}

impl Resolver {
    pub(super) fn policy(&mut self, policy: &PolicyRulesDocument) -> Resolved {
        let mut resolved = Resolved::default();
        for rule in &policy.allow {
            let before = self.found.len();
            let first = resolved.allow.len();
            let name = self.rule_name(policy, rule);
            for definition in self.operations(rule) {
                let conditions = self.allow(definition, rule);
                let allow = Allow {
                    name: Arc::clone(&name),
                    conditions,
                    rewrites: std::mem::take(&mut self.rewrites),
                    level: self.level,
                };
                resolved
                    .allow
                    .push((definition.operation(), Arc::new(allow)));
            }
            let own = resolved.allow.get(first..).unwrap_or_default();
            self.impossible(before, own);
            self.note_lists(before);
        }
        for rule in &policy.deny {
            let before = self.found.len();
            let name = self.rule_name(policy, rule);
            for definition in self.operations(rule) {
                self.denies = true;
                let when = self.deny(definition, rule);
                self.denies = false;
                let deny = Deny {
                    name: Arc::clone(&name),
                    when,
                };
                resolved.deny.push((definition.operation(), Arc::new(deny)));
            }
            self.note_lists(before);
        }
        if policy.allow.is_empty() && policy.deny.is_empty() {
            let message = format!("policy `{}` says nothing", policy.name.text);
            let help = "list operations under `allow`";
            self.warn(Code::Unused, policy.name.span, message, help);
        }
        resolved
    }

    fn rule_name(&mut self, policy: &PolicyRulesDocument, rule: &RuleDocument) -> Arc<RuleName> {
        let name = Arc::new(RuleName {
            policy: policy.name.text.as_str().into(),
            place: self.files.place(rule.name.span),
        });
        let Name { text, span } = &rule.name;
        let rule = WrittenRule::new(Arc::clone(&name), text, *span);
        self.rules.insert(Arc::as_ptr(&name), rule);
        name
    }

    /// The operations that a rule speaks of.
    fn operations(&mut self, rule: &RuleDocument) -> Vec<&'static OperationDef> {
        let name = &rule.name;
        if let Some((tag, class)) = name.text.split_once('.') {
            if let Some(conditions) = &rule.conditions
                && !says_only_listed(conditions)
            {
                let message = "a group has no fields of its own";
                let help = "give the operations of the group rules of their own".to_owned();
                self.report(Code::GroupConditions, conditions.span, message, help);
            }
            return self.group(name, tag, class);
        }
        let Some(operation) = Operation::from_name(&name.text) else {
            let help = meant::operation(&name.text);
            let message = format!("there is no operation `{}`", name.text);
            self.report(Code::UnknownOperation, name.span, message, help);
            return Vec::new();
        };
        let definition = operation.definition();
        if definition.span.since > self.level {
            self.too_new(name.span, &name.text, definition.span.since);
            return Vec::new();
        }
        // An operation with variants stands for all of them.
        if definition.variants.is_empty() {
            vec![definition]
        } else {
            definition.variants().collect()
        }
    }

    pub(super) fn too_new(
        &mut self,
        span: Span,
        name: &str,
        since: crate::api::definition::ApiVersion,
    ) {
        let message = format!("`{name}` is new in API {since}");
        let help = format!(
            "the file is read as of {}: raise `api` to \"{since}\" to speak of it",
            self.level
        );
        self.report(Code::NotAtLevel, span, message, help);
    }

    /// The operations of a group that are there at the level of the file.
    fn group(&mut self, name: &Name, tag: &str, class: &str) -> Vec<&'static OperationDef> {
        let in_group = |definition: &OperationDef| {
            definition.access != AccessClass::Single && !definition.opaque
        };
        let all = || {
            Operation::ALL
                .iter()
                .map(|operation| operation.definition())
        };
        let members: Vec<&'static OperationDef> = all()
            .filter(|definition| {
                in_group(definition)
                    && definition.tag == tag
                    && definition.access.name() == class
                    && definition.span.since <= self.level
            })
            .collect();
        if members.is_empty() {
            let mut names: Vec<String> = all()
                .filter(|definition| in_group(definition))
                .map(|definition| format!("{}.{}", definition.tag, definition.access.name()))
                .collect();
            names.sort_unstable();
            names.dedup();
            let help = meant::group(&name.text, &names);
            let message = format!("there is no group `{}`", name.text);
            self.report(Code::UnknownOperation, name.span, message, help);
        }
        members
    }

    fn allow(&mut self, definition: &'static OperationDef, rule: &RuleDocument) -> Conditions {
        let mut opaque = false;
        let mut conditions = Conditions::default();
        let group = rule.name.text.contains('.');
        if let Some(node) = &rule.conditions {
            let help = format!(
                "without conditions write `- {}`; conditions are `{}: {{ … }}`",
                rule.name.text, rule.name.text
            );
            for entry in self.reader().entries_or(node, &help) {
                match (entry.key.text.as_str(), &entry.value.kind) {
                    ("fields", Kind::Text(word)) if word == "listed" => conditions.listed = true,
                    ("fields", _) => self.reader().expected(&entry.value, "`listed`"),
                    // Whose conditions these are was asked already.
                    _ if group => {}
                    ("opaque", Kind::Bool(value)) => opaque = *value,
                    ("opaque", _) => self.reader().expected(&entry.value, "true or false"),
                    _ => self.place(definition, entry, &mut conditions),
                }
            }
            follow_network_mode(definition, &mut conditions);
            self.unchangeable(definition, rule.name.span);
        }
        self.opaque(definition, rule, &conditions, opaque);
        conditions
    }

    /// What voids field rules is allowed with `opaque: true` only.
    fn opaque(
        &mut self,
        definition: &OperationDef,
        rule: &RuleDocument,
        conditions: &Conditions,
        opaque: bool,
    ) {
        let parameter = OPAQUE.iter().find(|(operation, name)| {
            *operation == definition.operation()
                && (conditions.query.iter()).any(|field| {
                    field.name == *name && !matches!(field.condition, Condition::Absent)
                })
        });
        let what = match parameter {
            _ if definition.opaque => rule.name.text.clone(),
            Some((_, name)) => format!("query.{name}"),
            None => {
                if opaque {
                    let message = format!("nothing of this {} is opaque", definition.name);
                    self.report(Code::Opaque, rule.name.span, message, None);
                }
                return;
            }
        };
        if !opaque {
            let message = format!("`{what}` opens a session in which no field rule holds");
            let help = format!(
                "what runs inside can build, push and ask for entitlements: if that is meant, write `{}: {{ opaque: true, … }}`",
                rule.name.text
            );
            self.report(Code::Opaque, rule.name.span, message, help);
        }
    }

    fn deny(&mut self, definition: &'static OperationDef, rule: &RuleDocument) -> When {
        let Some(node) = &rule.conditions else {
            return When::Always;
        };
        let entries = self.reader().entries(node);
        let combined = match entries.as_slice() {
            [only] if matches!(only.key.text.as_str(), "all_of" | "any_of") => Some(*only),
            _ => None,
        };
        let Some(combined) = combined else {
            return When::All(vec![self.deny_conditions(definition, node)]);
        };
        let parts: Vec<Conditions> = self
            .reader()
            .list(&combined.value)
            .iter()
            .map(|part| self.deny_conditions(definition, part))
            .collect();
        if parts.is_empty() {
            let message = "there is nothing in it";
            self.report(Code::DenyShape, combined.key.span, message, None);
        }
        match combined.key.text.as_str() {
            "all_of" => When::All(parts),
            _ => When::Any(parts),
        }
    }

    /// One condition of a deny.
    fn deny_conditions(&mut self, definition: &'static OperationDef, node: &Node) -> Conditions {
        let mut conditions = Conditions::default();
        let before = self.found.len();
        for entry in self.reader().entries(node) {
            if entry.key.text == "fields" {
                let message = "a deny admits nothing: `fields: listed` belongs into an allow";
                self.report(Code::DenyShape, entry.key.span, message, None);
                return conditions;
            }
            self.place(definition, entry, &mut conditions);
        }
        let count = conditions.leaves();
        // A condition that is wrong is one, too.
        if count != 1 && !(count == 0 && self.has_errors(before)) {
            let message = if count == 0 {
                "the deny has no condition"
            } else {
                "a deny with several conditions must say whether all or any of them count"
            };
            let help = "write `all_of: [ … ]` or `any_of: [ … ]` around them".to_owned();
            self.report(Code::DenyShape, node.span, message, help);
        }
        if conditions.has_universal() {
            let message = "a deny asks whether there is something, not whether everything is so";
            let help = "write `contains` for `each` and `subset`".to_owned();
            self.report(Code::DenyShape, node.span, message, help);
        }
        conditions
    }
}

/// Whether a rule says `fields: listed` and nothing else, as it may of a group.
fn says_only_listed(node: &Node) -> bool {
    match &node.kind {
        Kind::Map(entries) => {
            !entries.is_empty() && entries.iter().all(|entry| entry.key.text == "fields")
        }
        _ => false,
    }
}

//! Rules that say nothing, or contradict each other: found once all rules of all
//! clients are known.
//!
//! A rule may be moot for one client and count for another, or for one operation of
//! a group and not for the others: it is reported only if it is moot for all.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Resolver;
use crate::api::Operation;
use crate::diagnostic::{Code, Diagnostic, Severity, Span};
use crate::policy::overlap::{Judge, Rule};
use crate::policy::rule::Allow;
use crate::policy::{ClientRules, RuleName, Rules};

/// A rule as it is written, with what its uses come to.
#[derive(Debug)]
pub(super) struct WrittenRule {
    /// It holds the name, so that nothing else comes to be where that is.
    name: Arc<RuleName>,
    /// The operation or group, as it is written.
    text: String,
    span: Span,
    /// Of an allow: whether nothing is wrong with it.
    right: bool,
    /// Whether some client is affected by it.
    counts: bool,
    /// What makes it moot where it does not count.
    moot: Option<Moot>,
}

/// All rules, by their names.
pub(super) type WrittenRules = BTreeMap<*const RuleName, WrittenRule>;

/// Why a rule is moot.
#[derive(Clone, Debug)]
enum Moot {
    /// Another rule allows all that it allows.
    Allowed(Arc<RuleName>),
    /// The operation is denied.
    Denied(Arc<RuleName>),
    /// Another rule denies the operation already.
    DeniedTwice(Arc<RuleName>),
    /// Nothing allows the operation.
    Nothing,
}

impl WrittenRule {
    pub(super) fn new(name: Arc<RuleName>, text: &str, span: Span) -> Self {
        Self {
            name,
            text: text.to_owned(),
            span,
            right: false,
            counts: false,
            moot: None,
        }
    }
}

/// An allow as it is compared with others.
fn compared(allow: &Allow, operation: Operation) -> Rule<'_> {
    Rule {
        operation: operation.definition(),
        conditions: &allow.conditions,
        rewrites: &allow.rewrites,
    }
}

impl Resolver {
    /// What an allow demands that no request can have, once it is right by itself:
    /// `before` findings were there before it was read. A deny fires for what fits in
    /// part, and that may fit what seems to exclude each other.
    pub(super) fn impossible(&mut self, before: usize, allows: &[(Operation, Arc<Allow>)]) {
        if self.has_errors(before) {
            return;
        }
        for (operation, allow) in allows {
            let path = self.judge.impossible(compared(allow, *operation));
            let Some(rule) = self.written(&allow.name) else {
                continue;
            };
            let span = rule.span;
            rule.right = path.is_none();
            if let Some(path) = path {
                let message = format!(
                    "`{path}` cannot be all that is said of it, so that this allows nothing"
                );
                self.report(Code::NeverMatches, span, message, None);
                return;
            }
        }
    }

    /// Whether there are errors behind the first findings.
    pub(super) fn has_errors(&self, before: usize) -> bool {
        let mut found = self.found.iter().skip(before);
        found.any(|one| one.severity == Severity::Error)
    }

    fn written(&mut self, name: &Arc<RuleName>) -> Option<&mut WrittenRule> {
        let rule = self.rules.get_mut(&Arc::as_ptr(name));
        rule.filter(|rule| Arc::ptr_eq(&rule.name, name))
    }

    /// What the rules of each client make of each other.
    pub(super) fn overlaps(&mut self, clients: &[ClientRules]) {
        let (conflicts, moot) = (Judge::default(), Judge::default());
        // What is moot may only follow from what is wrong.
        let right = !self.has_errors(0);
        for client in clients {
            for (rules, operation) in client.rules.iter().zip(Operation::ALL) {
                let before = conflicts.is_tired() || moot.is_tired();
                self.conflicts(&conflicts, rules, operation);
                if right {
                    self.moot(&moot, rules, operation);
                }
                if !before && (conflicts.is_tired() || moot.is_tired()) {
                    self.not_compared(rules, operation);
                }
            }
        }
        if self.judge.is_tired() {
            let first = self.rules.values().map(|rule| rule.span).min();
            let message = "the rules are too long to find all that they cannot allow";
            self.warn_of_length(first, message.to_owned());
        }
        if moot.is_tired() {
            return;
        }
        let rules = std::mem::take(&mut self.rules);
        for rule in rules.values() {
            if let Some(moot) = rule.moot.as_ref().filter(|_| !rule.counts) {
                self.report_moot(rule, moot, &rules);
            }
        }
        self.rules = rules;
    }

    /// Says that not all rules were compared, at the first that may not have been.
    fn not_compared(&mut self, rules: &Rules, operation: Operation) {
        let first = rules.allow.first().map(|rule| Arc::clone(&rule.name));
        let span = first.and_then(|name| self.written(&name).map(|rule| rule.span));
        let message = format!(
            "the rules for {operation} are too many, or too long, to compare each with all others"
        );
        self.warn_of_length(span, message);
    }

    fn warn_of_length(&mut self, span: Option<Span>, message: String) {
        let help = "what is shadowed, never matches or conflicts was not all found: say the same in fewer rules, or in lists";
        self.warn(
            Code::NotCompared,
            span.unwrap_or(Span::START),
            message,
            help,
        );
    }

    fn report_moot(&mut self, rule: &WrittenRule, moot: &Moot, rules: &WrittenRules) {
        let WrittenRule { text, span, .. } = rule;
        let by = |name: &Arc<RuleName>| {
            let by = rules.get(&Arc::as_ptr(name));
            by.map_or_else(String::new, |by| {
                format!("`{}` {}", by.text, self.files.from(*span, by.span))
            })
        };
        let (code, message, help, note) = match moot {
            Moot::Allowed(name) => (
                Code::Shadowed,
                format!("what this `{text}` allows is allowed without it"),
                "take it away, or say less in the other rule",
                Some(format!("{} allows all of it", by(name))),
            ),
            Moot::Denied(name) => (
                Code::Shadowed,
                format!("`{text}` is denied whatever this says"),
                "a deny wins over every allow",
                Some(format!("the deny is {}", by(name))),
            ),
            Moot::DeniedTwice(name) => (
                Code::Shadowed,
                format!("what this `{text}` denies is denied without it"),
                "take it away",
                Some(format!("the other deny is {}", by(name))),
            ),
            Moot::Nothing => (
                Code::NeverMatches,
                format!("nothing allows `{text}`, so that this deny never fires"),
                "what no rule allows is refused anyway",
                None,
            ),
        };
        let mut warning = Diagnostic::warning(code, *span, message).help(help.to_owned());
        warning.note = note;
        self.found.push(warning);
    }

    /// Two rules that could accept the same request and rewrite it differently.
    fn conflicts(&mut self, judge: &Judge, rules: &Rules, operation: Operation) {
        if rules.allow.iter().all(|rule| rule.rewrites.is_empty()) {
            return;
        }
        let right: Vec<&Arc<Allow>> = (rules.allow.iter())
            .filter(|rule| self.written(&rule.name).is_some_and(|rule| rule.right))
            .collect();
        for (index, later) in right.iter().enumerate() {
            if judge.is_tired() {
                return;
            }
            let mut earlier = right.iter().take(index);
            let other = earlier.find(|earlier| {
                judge.conflict(compared(earlier, operation), compared(later, operation))
            });
            // What is not certain any more is no mistake.
            let Some(other) = other.filter(|_| !judge.is_tired()) else {
                continue;
            };
            let other = self.written(&other.name).map(|rule| rule.span);
            let later = self.written(&later.name).map(|rule| rule.span);
            let (Some(other), Some(later)) = (other, later) else {
                continue;
            };
            let message =
                format!("two rules could allow the same {operation} and rewrite it differently");
            let help = "the first would count: give them conditions that exclude each other, or let both rewrite alike";
            let note = format!("the other one is {}", self.files.from(later, other));
            let conflict = Diagnostic::error(Code::Conflict, later, message)
                .help(help.to_owned())
                .note(note);
            self.found.push(conflict);
        }
    }

    /// Marks the rules of an operation that count, and what makes the others moot.
    fn moot(&mut self, judge: &Judge, rules: &Rules, operation: Operation) {
        let always = rules.deny.iter().position(|deny| deny.always());
        let denied = always.and_then(|at| rules.deny.get(at));
        let mut found: Vec<(&Arc<RuleName>, Option<Moot>)> = Vec::new();
        for (index, allow) in rules.allow.iter().enumerate() {
            let moot = match denied {
                Some(deny) => Some(Moot::Denied(Arc::clone(&deny.name))),
                None => moot_by(judge, &rules.allow, index, operation)
                    .map(|by| Moot::Allowed(Arc::clone(&by.name))),
            };
            found.push((&allow.name, moot));
        }
        for (index, deny) in rules.deny.iter().enumerate() {
            let moot = match (denied, always) {
                _ if rules.allow.is_empty() => Some(Moot::Nothing),
                (Some(by), Some(at)) if at != index => {
                    Some(Moot::DeniedTwice(Arc::clone(&by.name)))
                }
                _ => None,
            };
            found.push((&deny.name, moot));
        }
        for (name, moot) in found {
            if let Some(rule) = self.written(name) {
                rule.counts |= moot.is_none();
                rule.moot = rule.moot.take().or(moot);
            }
        }
    }
}

/// The rule that makes another one moot: an earlier one, or a later one if neither
/// rewrites.
fn moot_by<'r>(
    judge: &Judge,
    rules: &'r [Arc<Allow>],
    index: usize,
    operation: Operation,
) -> Option<&'r Arc<Allow>> {
    let rule = rules.get(index).filter(|_| !judge.is_tired())?;
    let own = compared(rule, operation);
    rules.iter().enumerate().find_map(|(at, other)| {
        if at == index || Arc::ptr_eq(&other.name, &rule.name) {
            return None;
        }
        let theirs = compared(other, operation);
        let moot = judge.makes_moot(theirs, own)
            && (at < index || (own.rewrites.is_empty() && !judge.makes_moot(own, theirs)));
        moot.then_some(other)
    })
}

//! `limits`: of the file, of its listeners, and of its clients.

use std::sync::Arc;

use super::Resolver;
use super::values::{BYTES, DURATION, with_unit};
use crate::diagnostic::Code;
use crate::policy::document::PolicyDocument;
use crate::policy::limits::{Bounds, FileLimits, KEYS, Key, Unit};
use crate::policy::yaml::{Kind, Node};

/// Nanoseconds in a millisecond.
const MILLISECOND: i128 = 1_000_000;

impl Resolver {
    /// The limits of each listener and client.
    pub(super) fn limits(&mut self, document: &PolicyDocument) -> FileLimits {
        let usual = self.bounds(document.limits.as_ref(), false);
        self.burst_has_rate(document.limits.as_ref(), &usual);
        let mut limits = FileLimits::default();
        for listen in &document.listen {
            let own = self.bounds(listen.limits.as_ref(), false);
            let bounds = own.or(usual.clone(), false);
            self.burst_has_rate(listen.limits.as_ref(), &bounds);
            limits.listeners.push(bounds);
        }
        for client in &document.clients {
            let own = self.bounds(client.limits.as_ref(), true);
            let bounds = own.or(usual.clone(), true);
            self.burst_has_rate(client.limits.as_ref(), &bounds);
            let name: Arc<str> = client.name.text.as_str().into();
            limits.clients.push((name, bounds));
        }
        limits
    }

    fn bounds(&mut self, node: Option<&Node>, of_client: bool) -> Bounds {
        let mut bounds = Bounds::default();
        let Some(node) = node else {
            return bounds;
        };
        let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
        for entry in self.reader().map(node, &names) {
            let Some(key) = KEYS.iter().find(|key| key.name == entry.key.text) else {
                continue;
            };
            if of_client && !key.of_client {
                let message = format!("`{}` is a limit of listeners", key.name);
                let help = "what comes before a request is nobody's yet: write it on the listener";
                self.report(Code::Limit, entry.key.span, message, help.to_owned());
                continue;
            }
            *(key.of)(&mut bounds) = self.bound(key, &entry.value);
        }
        bounds
    }

    /// The value of a limit.
    fn bound(&mut self, key: &Key, node: &Node) -> Option<u64> {
        let amount = match (&node.kind, key.unit) {
            (Kind::Int(number), Unit::Size | Unit::Count) => Some(*number),
            (Kind::Text(text), Unit::Size) => with_unit(text, BYTES),
            (Kind::Text(text), Unit::Time) => with_unit(text, DURATION)
                .filter(|_| text.ends_with(|last: char| last.is_ascii_alphabetic()))
                .map(|nanoseconds| nanoseconds / MILLISECOND),
            _ => None,
        };
        let Some(amount) = amount else {
            let expected = match key.unit {
                Unit::Size => "a number of bytes, such as `64KiB`",
                Unit::Time => "a duration with its unit, such as `30s`",
                Unit::Count => "a whole number",
            };
            let message = format!("`{}` is {expected}", key.name);
            self.report(Code::Limit, node.span, message, None);
            return None;
        };
        let bound = u64::try_from(amount).ok();
        let bound = bound.filter(|bound| (key.least..=key.most).contains(bound));
        if bound.is_none() {
            let (least, most) = (shown(key.least, key.unit), shown(key.most, key.unit));
            let message = format!("`{}` is from {least} to {most}", key.name);
            self.report(Code::Limit, node.span, message, None);
        }
        bound
    }

    /// A burst is one of a rate.
    fn burst_has_rate(&mut self, node: Option<&Node>, bounds: &Bounds) {
        let Some(Kind::Map(entries)) = node.map(|node| &node.kind) else {
            return;
        };
        let written = |name: &str| entries.iter().find(|entry| entry.key.text == name);
        if let Some(burst) = written("burst")
            && bounds.rate.is_none()
            && written("rate").is_none()
        {
            let message = "`burst` without a `rate` limits nothing";
            let help = "write how many requests there may be in a second, too".to_owned();
            self.report(Code::Limit, burst.key.span, message, help);
        }
    }
}

/// A bound in the largest unit that it is a whole number of.
pub(crate) fn shown(bound: u64, unit: Unit) -> String {
    let units: &[(u64, &str)] = match unit {
        Unit::Size => &[(1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")],
        Unit::Time => &[(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")],
        Unit::Count => &[],
    };
    let fits = |(size, _): &&(u64, &str)| bound.is_multiple_of(*size);
    match units.iter().find(fits) {
        Some((size, name)) => format!("{}{name}", bound / size),
        None => bound.to_string(),
    }
}

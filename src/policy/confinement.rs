//! What a file says of the gate's own confinement: `confine`.

use super::document::Reader;
use super::yaml::{Entry, Kind};
use crate::diagnostic::{Code, Span};

/// By which measures the gate gives up what it does not need. All of them are on
/// where a file says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the file"
)]
pub struct Confinement {
    /// No program that is started gets more rights than the gate has.
    pub no_new_privileges: bool,
    /// The rights of root are dropped.
    pub capabilities: bool,
    /// Only the gate's own files and ports can be opened.
    pub landlock: bool,
    /// System calls that a gate has no use for are forbidden.
    pub seccomp: bool,
}

impl Default for Confinement {
    fn default() -> Self {
        Self {
            no_new_privileges: true,
            capabilities: true,
            landlock: true,
            seccomp: true,
        }
    }
}

impl Confinement {
    /// The measures and what they do, as files name them.
    pub(super) const MEASURES: [(&str, &str); 4] = [
        (
            "no_new_privileges",
            "No program that is started gets more rights than the gate has.",
        ),
        ("capabilities", "The rights of root are dropped."),
        (
            "landlock",
            "Only the gate's own files and ports can be opened, where the kernel has Landlock.",
        ),
        (
            "seccomp",
            "System calls that a gate has no use for are forbidden, such as those that start programs.",
        ),
    ];

    fn set(&mut self, measure: &str, on: bool) {
        match measure {
            "no_new_privileges" => self.no_new_privileges = on,
            "capabilities" => self.capabilities = on,
            "landlock" => self.landlock = on,
            _ => self.seccomp = on,
        }
    }
}

/// `confine` as it is written.
#[derive(Debug)]
pub(crate) struct ConfineDocument {
    pub(crate) span: Span,
    pub(crate) switches: Confinement,
}

impl Reader<'_> {
    pub(super) fn confine(&mut self, entry: &Entry) -> ConfineDocument {
        let mut switches = Confinement::default();
        let mut off = None;
        for inner in self.map(&entry.value, &Confinement::MEASURES.map(|(name, _)| name)) {
            let Kind::Bool(on) = inner.value.kind else {
                self.expected(&inner.value, "true or false");
                continue;
            };
            switches.set(&inner.key.text, on);
            if inner.key.text == "no_new_privileges" && !on {
                off = Some(inner.key.span);
            }
        }
        if let Some(span) = off
            && (switches.landlock || switches.seccomp)
        {
            let message = "`landlock` and `seccomp` cannot be had without `no_new_privileges`";
            let help = "turn both of them off as well, or leave it on".to_owned();
            self.report(Code::Confine, span, message, help);
        }
        ConfineDocument {
            span: entry.key.span,
            switches,
        }
    }
}

//! What the gate gives up before it serves anybody.
//!
//! [`confine`] takes a [`Plan`], which says what the gate goes on needing, and takes
//! away the rest: new privileges, capabilities, files and ports (`filesystem`, by
//! Landlock), and system calls that a gate has no use for (`calls`, by seccomp). Each
//! is by a switch of its own, and the [`Report`] says of each what became of it: what
//! the kernel lacks is reported, and no reason not to serve.
//!
//! INVARIANT: called while the process has one thread. Capabilities and Landlock are
//! a thread's own, and what threads are started later inherit them.

use std::fmt;

mod calls;
mod capabilities;
mod filesystem;
mod plan;

pub use plan::Plan;

/// What became of each measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report(Vec<(Measure, State)>);

/// A way of giving something up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// No program that is started gets more rights than the gate has.
    NoNewPrivileges,
    /// The rights of root, one by one.
    Capabilities,
    /// Files and ports.
    Landlock,
    /// System calls.
    Seccomp,
}

/// What became of a measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// In force, and what is left or lacking.
    InForce(String),
    /// The policy file turns it off.
    Off,
    /// It cannot be had, and why.
    Missing(String),
}

impl Measure {
    /// What it is called, in policy files as well.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoNewPrivileges => "no_new_privileges",
            Self::Capabilities => "capabilities",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InForce(detail) if detail.is_empty() => f.write_str("in force"),
            Self::InForce(detail) => write!(f, "in force ({detail})"),
            Self::Off => f.write_str("off, as the policy file says"),
            Self::Missing(reason) => write!(f, "NOT in force: {reason}"),
        }
    }
}

impl Report {
    /// The measures with their states, in the order in which they were taken.
    pub fn measures(&self) -> &[(Measure, State)] {
        &self.0
    }

    /// The state of a measure.
    pub fn state(&self, measure: Measure) -> Option<&State> {
        let mut measures = self.0.iter();
        measures.find_map(|(one, state)| (*one == measure).then_some(state))
    }
}

/// Gives up what the plan does not need, for good.
pub fn confine(plan: &Plan) -> Report {
    let switches = plan.switches();
    let no_new_privileges = || match rustix::thread::set_no_new_privs(true) {
        Ok(()) => State::InForce(String::new()),
        Err(error) => State::Missing(error.to_string()),
    };
    let mut report = Report(Vec::with_capacity(4));
    let mut take = |measure, on: bool, how: &dyn Fn() -> State| {
        report
            .0
            .push((measure, if on { how() } else { State::Off }));
    };
    take(
        Measure::NoNewPrivileges,
        switches.no_new_privileges,
        &no_new_privileges,
    );
    take(Measure::Capabilities, switches.capabilities, &|| {
        capabilities::drop_unneeded(plan)
    });
    take(Measure::Landlock, switches.landlock, &|| {
        filesystem::restrict(plan)
    });
    // The last: it forbids what the others are done by.
    take(Measure::Seccomp, switches.seccomp, &|| calls::forbid(plan));
    report
}

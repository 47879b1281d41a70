//! `cpus`: how many CPUs a container may use at once.
//!
//! `NanoCpus` says it in one number, `CpuQuota` and `CpuPeriod` as a share of time,
//! and either of them undoes the other: a negative quota lifts what `NanoCpus` limits,
//! and a short period makes much of a small quota. Shares and sets of CPUs are no
//! limit.

use super::object;
use crate::api::definition::{Kind, Schema};
use crate::api::value::{Object, Value};
use crate::format::Format;
use crate::request::Decoded;

/// A number of CPUs, in billionths of one.
pub(super) static SCHEMA: Schema = {
    let mut schema = Schema::plain(Kind::INT64);
    schema.format = Some(Format::Cpus);
    schema
};

/// Billionths of a CPU.
const CPU: i128 = 1_000_000_000;

/// The period that the Engine takes where none is given, in microseconds.
const PERIOD: i128 = 100_000;

/// No limit.
const UNLIMITED: Value<'static> = Value::Int(-1);

/// How many CPUs a new container gets. Nothing is said of none.
pub(super) fn created<'r>(request: &'r Decoded<'_>) -> Value<'r> {
    let limits = Limits::of(object(request, &["HostConfig"]));
    if limits.is_lifted() {
        UNLIMITED
    } else if limits.nano == 0 && limits.quota == 0 {
        // Without a quota a period limits nothing.
        Value::Absent
    } else {
        limits.cpus()
    }
}

/// How many CPUs an update gives; nothing if it leaves them alone. A quota or a period
/// by itself joins what only the Engine knows of, and has no limit that is certain.
pub(super) fn updated<'r>(request: &'r Decoded<'_>) -> Value<'r> {
    let limits = Limits::of(object(request, &[]));
    match limits {
        Limits {
            nano: 0,
            quota: 0,
            period: 0,
        } => Value::Absent,
        Limits {
            nano: 1..,
            quota: 0,
            period: 0,
        }
        | Limits {
            nano: 0..,
            quota: 1..,
            period: 1..,
        } => limits.cpus(),
        _ => UNLIMITED,
    }
}

/// What a request says of limits; zero is nothing, as absence is.
struct Limits {
    nano: i128,
    quota: i128,
    period: i128,
}

impl Limits {
    fn of(object: Option<&Object<'_>>) -> Self {
        let given = |name: &str| match object.and_then(|object| object.get(name)) {
            Some(Value::Int(number)) => (*number).into(),
            Some(Value::Uint(number)) => (*number).into(),
            _ => 0,
        };
        Self {
            nano: given("NanoCpus"),
            quota: given("CpuQuota"),
            period: given("CpuPeriod"),
        }
    }

    /// Whether one of them is less than nothing, which lifts a limit or is refused.
    fn is_lifted(&self) -> bool {
        self.nano < 0 || self.quota < 0 || self.period < 0
    }

    /// The most that they come to. Engines refuse a number of CPUs beside a quota or
    /// a period; one that took both would make a quota of it by its own period.
    fn cpus(&self) -> Value<'static> {
        let period = if self.period == 0 {
            PERIOD
        } else {
            self.period
        };
        let own = self.nano.saturating_mul(PERIOD).div_euclid(CPU);
        if own == 0 && self.quota == 0 {
            // So small a number is a quota of zero, which is none.
            return UNLIMITED;
        }
        let most = self
            .nano
            .max(share(self.quota, period))
            .max(share(own, period));
        i64::try_from(most).map_or(UNLIMITED, Value::Int)
    }
}

/// What a quota of a period is, rounded up.
fn share(quota: i128, period: i128) -> i128 {
    let time = quota.saturating_mul(CPU);
    let cpus = time.checked_div(period).unwrap_or(i128::MAX);
    let rest = time.checked_rem(period).unwrap_or(0);
    cpus.saturating_add(i128::from(rest > 0))
}

//! Derived fields: what several fields of a request say together.
//!
//! A rule that names `mounts` judges binds, mounts and volumes of others as one
//! list; `networks` is every network that a container joins, `cpus` how many CPUs it may
//! use, and `reference` the image that a request is about. Each has a definition as a field has, so that
//! matchers and the guard work on it as on any other; and each says which fields
//! of the body it stands for.

mod cpus;
mod mounts;
mod networks;
mod reference;

pub(crate) use reference::untagged;

use crate::api::Operation;
use crate::api::definition::{Effect, OperationDef, Schema};
use crate::api::value::{Object, Value};
use crate::policy::slot::{Slot, zero_of_inner};
use crate::request::{Body, Decoded};

/// A derived field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Derived {
    Mounts,
    Networks,
    /// The CPUs of a new container.
    Cpus,
    /// The CPUs that an update leaves a container.
    CpusUpdate,
    Reference,
}

impl Derived {
    /// Every derived field.
    pub(crate) const ALL: [Self; 5] = [
        Self::Mounts,
        Self::Networks,
        Self::Cpus,
        Self::CpusUpdate,
        Self::Reference,
    ];

    /// The derived field of this name, where the operation has it.
    pub(crate) fn of(operation: &OperationDef, name: &str) -> Option<Self> {
        if !operation.derived.contains(&name) {
            return None;
        }
        if name == Self::Cpus.name() && operation.operation() == Operation::ContainerUpdate {
            return Some(Self::CpusUpdate);
        }
        Self::ALL.into_iter().find(|derived| derived.name() == name)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mounts => "mounts",
            Self::Networks => "networks",
            Self::Cpus | Self::CpusUpdate => "cpus",
            Self::Reference => "reference",
        }
    }

    /// What it holds.
    pub(crate) fn schema(self) -> &'static Schema {
        match self {
            Self::Mounts => &mounts::SCHEMA,
            Self::Networks => &networks::SCHEMA,
            Self::Cpus | Self::CpusUpdate => &cpus::SCHEMA,
            Self::Reference => &reference::SCHEMA,
        }
    }

    /// Its value in a request.
    pub(crate) fn value<'r>(self, request: &'r Decoded<'_>) -> Value<'r> {
        match self {
            Self::Mounts => mounts::value(request),
            Self::Networks => networks::value(request),
            Self::Cpus => cpus::created(request),
            Self::CpusUpdate => cpus::updated(request),
            Self::Reference => reference::value(request),
        }
    }

    /// The guarded fields of the body that it stands for, as dotted paths.
    pub(crate) fn covers(self) -> &'static [&'static str] {
        match self {
            Self::Mounts => &[
                "HostConfig.Binds",
                "HostConfig.VolumesFrom",
                "HostConfig.Mounts[].Type",
                "HostConfig.Mounts[].Source",
                "HostConfig.Mounts[].BindOptions.Propagation",
            ],
            Self::Networks => &["HostConfig.NetworkMode", "NetworkingConfig.EndpointsConfig"],
            Self::Cpus | Self::CpusUpdate | Self::Reference => &[],
        }
    }

    /// What else it is made of: paths of the body, or of parameters. They need no
    /// rule, but a rule that admits listed fields only lists them with it.
    pub(crate) fn stands_for(self) -> &'static [&'static str] {
        match self {
            Self::Mounts => &[
                "HostConfig.Mounts",
                "HostConfig.Mounts[].Target",
                "HostConfig.Mounts[].ReadOnly",
            ],
            Self::Networks => &[],
            Self::Cpus => &[
                "HostConfig.NanoCpus",
                "HostConfig.CpuQuota",
                "HostConfig.CpuPeriod",
            ],
            Self::CpusUpdate => &["NanoCpus", "CpuQuota", "CpuPeriod"],
            Self::Reference => &["query.fromImage", "query.repo", "query.tag"],
        }
    }

    /// What it means that there is none.
    pub(crate) fn absent(self) -> Effect {
        match self {
            Self::Cpus => Effect::Unlimited,
            Self::CpusUpdate => Effect::Unchanged,
            Self::Mounts | Self::Networks | Self::Reference => Effect::Nothing,
        }
    }

    /// What zero means, and less.
    pub(crate) fn zero(self) -> Effect {
        match self {
            Self::Cpus | Self::CpusUpdate => Effect::Unlimited,
            Self::Mounts | Self::Networks | Self::Reference => zero_of_inner(self.schema()),
        }
    }

    /// The value as a slot.
    pub(crate) fn slot<'v, 'a>(self, value: &'v Value<'a>) -> Slot<'v, 'a> {
        Slot {
            schema: self.schema(),
            absent: self.absent(),
            zero: self.zero(),
            value,
        }
    }
}

/// The object at a path of the body.
fn object<'r, 'a>(request: &'r Decoded<'a>, path: &[&str]) -> Option<&'r Object<'a>> {
    let Body::Json(value) = request.body() else {
        return None;
    };
    let mut object = value.as_object()?;
    for name in path {
        object = object.get(name)?.as_object()?;
    }
    Some(object)
}

/// The elements of a list, if there is one.
fn list<'v, 'a>(value: Option<&'v Value<'a>>) -> &'v [Value<'a>] {
    match value {
        Some(Value::List(values)) => values,
        _ => &[],
    }
}

/// A text that lives as long as what it is taken from.
fn borrowed<'v>(value: Option<&'v Value<'_>>) -> Value<'v> {
    match value.and_then(Value::as_text) {
        Some(text) if !text.is_empty() => Value::Text(text.into()),
        _ => Value::Absent,
    }
}

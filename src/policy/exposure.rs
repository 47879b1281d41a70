//! What a request sets that is guarded: everything in it that a rule had to open.
//!
//! Other than the [`guard`](super::guard), which asks whether a rule opens a
//! value and stops at the first that it does not, this knows no rule and finds
//! all. Mounts are judged as the one list that policies name, whatever field they
//! stand in.

use super::condition::join;
use super::derived::Derived;
use super::guard::{defaults_to_benign, is_benign};
use super::slot::Slot;
use crate::api::definition::{BodyDef, Guard, Kind, ObjectDef, Risk, RiskClass};
use crate::api::value::{Object, Value};
use crate::format::{Format, NamespaceMode};
use crate::request::{Body, Decoded};

/// A guarded thing that a request sets to something that is not benign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exposure {
    /// Its path, as policies write it: `body.HostConfig.CapAdd`, `mounts[].source`.
    pub(crate) path: String,
    /// What it can do.
    pub(crate) classes: Vec<RiskClass>,
}

/// Everything guarded that the request sets.
pub(crate) fn of(request: &Decoded<'_>) -> Vec<Exposure> {
    let mut walk = Walk {
        found: Vec::new(),
        mounts: Derived::of(request.definition(), Derived::Mounts.name()).is_some(),
    };
    let places = [
        ("path", request.path()),
        ("query", request.query()),
        ("header", request.headers()),
    ];
    for (place, parameters) in places {
        for (definition, value) in parameters.iter() {
            let path = join(place, definition.name);
            walk.leaf(&path, Slot::parameter(definition, value), &definition.risk);
        }
    }
    if let (Body::Json(value), BodyDef::Json { schema, .. }) =
        (request.body(), request.definition().body)
    {
        // A list has no field of its own to carry a class.
        if !matches!(value, Value::Object(_)) && !value.is_zero() {
            walk.found.push(Exposure {
                path: "body".to_owned(),
                classes: request.definition().risk.to_vec(),
            });
        }
        walk.inside("body", Slot::inner(schema, value));
    }
    if walk.mounts {
        let mounts = Derived::Mounts.value(request);
        walk.mounts = false;
        walk.inside(Derived::Mounts.name(), Derived::Mounts.slot(&mounts));
    }
    walk.found
}

struct Walk {
    found: Vec<Exposure>,
    /// Whether what `mounts` covers is left to it.
    mounts: bool,
}

impl Walk {
    fn object(&mut self, path: &str, object: &Object<'_>) {
        for (definition, value) in object.fields() {
            let inner = join(path, definition.name);
            let covered = |field: &&str| inner.strip_prefix("body.") == Some(field);
            if self.mounts && Derived::Mounts.covers().iter().any(covered) {
                continue;
            }
            let slot = Slot::field(definition, value);
            if has_fields(definition.schema.kind) {
                if value.is_absent() {
                    continue;
                }
                if definition.risk.guard != Guard::Guarded {
                    self.inside(&inner, slot);
                    continue;
                }
            }
            self.leaf(&inner, slot, &definition.risk);
        }
    }

    fn leaf(&mut self, path: &str, slot: Slot<'_, '_>, risk: &Risk) {
        let harmless = risk.guard == Guard::Open
            || is_benign(risk, slot.value)
            || defaults_to_benign(risk, &slot.absent, slot.value);
        if !harmless {
            self.found.push(Exposure {
                path: path.to_owned(),
                classes: narrowed(risk.classes, slot),
            });
        }
        self.inside(path, slot);
    }

    fn inside(&mut self, path: &str, slot: Slot<'_, '_>) {
        match (slot.schema.kind, slot.value) {
            (Kind::List(element), Value::List(values)) => {
                let path = join(path, "[]");
                for value in values {
                    self.inside(&path, Slot::inner(element, value));
                }
            }
            (Kind::Map(element), Value::Map(entries)) => {
                let path = join(path, "{}");
                for (_, value) in entries {
                    self.inside(&path, Slot::inner(element, value));
                }
            }
            (Kind::Object(_), Value::Object(object)) => self.object(path, object),
            _ => {}
        }
    }
}

fn has_fields(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Object(ObjectDef {
            fields: [_, ..],
            ..
        })
    )
}

/// What a value can do, where that depends on it: only the host's own network is
/// the host's, a network of its own reaches networks and containers.
fn narrowed(classes: &[RiskClass], slot: Slot<'_, '_>) -> Vec<RiskClass> {
    let mut classes = classes.to_vec();
    if slot.schema.format == Some(Format::NetworkMode)
        && let Some(text) = slot.value.as_text()
        && NamespaceMode::network(text) != Ok(NamespaceMode::Host)
    {
        classes.retain(|class| *class != RiskClass::HostEscape);
    }
    classes
}

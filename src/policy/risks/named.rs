//! What a rule names that is guarded, as far as the rule itself tells.

use super::Opening;
use crate::api::definition::{
    BodyDef, FieldDef, Guard, Kind, OperationDef, Risk, RiskClass, Schema,
};
use crate::format::Format;
use crate::policy::condition::{Condition, FieldCondition, join};
use crate::policy::derived::Derived;
use crate::policy::guard::is_benign;
use crate::policy::rule::Allow;

/// A guarded thing that a rule names.
pub(super) struct Named {
    /// Its path, as policies write it.
    pub(super) path: String,
    /// What it can do.
    pub(super) classes: &'static [RiskClass],
    /// Whether it is a part of `mounts`, whatever names it.
    mounts: bool,
}

impl Named {
    /// Whether a witness shows what it is open for. Which class a value has may
    /// depend on it, so any class of the field will do for the classes that no
    /// value that the rule admits can have.
    pub(super) fn is_shown_by(&self, opening: &Opening) -> bool {
        let Some(field) = &opening.field else {
            return false;
        };
        let mounts = Derived::Mounts.name();
        field == &self.path
            || field.starts_with(&format!("{}[", self.path))
            || field.starts_with(&format!("{}{{", self.path))
            || field.starts_with(&format!("{}.", self.path))
            || (self.mounts && field.starts_with(mounts))
    }
}

/// Everything guarded that a rule names with something else than benign values.
pub(super) fn guarded(rule: &Allow, definition: &'static OperationDef) -> Vec<Named> {
    let conditions = &rule.conditions;
    let mut found = Vec::new();
    let places = [
        ("path", definition.path_parameters, &conditions.path),
        ("query", definition.query, &conditions.query),
        ("header", definition.headers, &conditions.header),
    ];
    for (place, parameters, fields) in places {
        for field in fields {
            if let Some(parameter) = parameters.get(field.index) {
                let path = join(place, field.name);
                let schema = parameter.decoded();
                leaf(&path, schema, &parameter.risk, &field.condition, &mut found);
                inside(&path, schema, &field.condition, &mut found);
            }
        }
    }
    if let (BodyDef::Json { schema, .. }, Some(condition)) = (definition.body, &conditions.body) {
        let list = matches!(schema.kind, Kind::List(_) | Kind::Map(_));
        if list && may_open(condition, schema) && !matches!(condition, Condition::Absent) {
            found.push(Named {
                path: "body".to_owned(),
                classes: definition.risk,
                mounts: false,
            });
        }
        inside("body", schema, condition, &mut found);
    }
    for (derived, condition) in &conditions.derived {
        inside(derived.name(), derived.schema(), condition, &mut found);
        if *derived == Derived::Networks {
            networks(definition, condition, &mut found);
        }
    }
    let covered = |path: &str| {
        let field = path.strip_prefix("body.");
        Derived::Mounts.covers().iter().any(|it| field == Some(it))
    };
    let mounts = Derived::of(definition, Derived::Mounts.name()).is_some();
    for named in &mut found {
        named.mounts = mounts && (covered(&named.path) || named.path.starts_with("mounts"));
    }
    found
}

fn leaf(
    path: &str,
    schema: &Schema,
    risk: &'static Risk,
    condition: &Condition,
    found: &mut Vec<Named>,
) {
    if risk.guard != Guard::Open && may_open(condition, schema) && !is_benign_only(risk, condition)
    {
        found.push(Named {
            path: path.to_owned(),
            classes: risk.classes,
            mounts: false,
        });
    }
}

/// Whether a condition may open a leaf of this type for some value: of a choice, one
/// branch is enough.
fn may_open(condition: &Condition, schema: &Schema) -> bool {
    match condition {
        Condition::AllOf(all) | Condition::AnyOf(all) => {
            all.iter().any(|one| may_open(one, schema))
        }
        condition => condition.opens_a(schema),
    }
}

/// The modes that `networks` opens, unless it admits none that does harm.
fn networks(definition: &'static OperationDef, condition: &Condition, found: &mut Vec<Named>) {
    fn of_each(risk: &Risk, condition: &Condition) -> bool {
        match condition {
            Condition::Each(inner) => is_benign_only(risk, inner),
            Condition::AllOf(all) => all.iter().any(|one| of_each(risk, one)),
            Condition::AnyOf(any) => any.iter().all(|one| of_each(risk, one)),
            condition => is_benign_only(risk, condition),
        }
    }
    let BodyDef::Json { schema, .. } = definition.body else {
        return;
    };
    for covered in Derived::Networks.covers() {
        let mut names = covered.split('.');
        let field = names.try_fold((schema, None), |(schema, _), name| match schema.kind {
            Kind::Object(object) => {
                let field = object.fields.iter().find(|field| field.name == name)?;
                Some((&field.schema, Some(field)))
            }
            _ => None,
        });
        let Some((_, Some(FieldDef { risk, schema, .. }))) = field else {
            continue;
        };
        // Every network of the list is a mode as well; the endpoints go with it.
        if matches!(schema.kind, Kind::Text) && !of_each(risk, condition) {
            found.push(Named {
                path: join("body", covered),
                classes: risk.classes,
                mounts: false,
            });
        }
    }
}

fn inside(path: &str, schema: &'static Schema, condition: &Condition, found: &mut Vec<Named>) {
    match (condition, schema.kind) {
        (Condition::AllOf(all) | Condition::AnyOf(all), _) => {
            for one in all {
                inside(path, schema, one, found);
            }
        }
        (Condition::Each(inner), Kind::List(element)) => {
            inside(&join(path, "[]"), element, inner, found);
        }
        (Condition::Begins { with, .. }, Kind::List(element)) => {
            for one in with {
                inside(&join(path, "[]"), element, one, found);
            }
        }
        (Condition::Values(inner) | Condition::Entry(_, inner), Kind::Map(element)) => {
            inside(&join(path, "{}"), element, inner, found);
        }
        (Condition::Fields(fields), Kind::Object(object)) => {
            for FieldCondition {
                index, condition, ..
            } in fields
            {
                let Some(field) = object.fields.get(*index) else {
                    continue;
                };
                let FieldDef { name, risk, .. } = field;
                let path = join(path, name);
                let object =
                    matches!(field.schema.kind, Kind::Object(inner) if !inner.fields.is_empty());
                if !object {
                    leaf(&path, &field.schema, risk, condition, found);
                }
                inside(&path, &field.schema, condition, found);
            }
        }
        _ => {}
    }
}

/// Whether everything that the condition admits is benign.
fn is_benign_only(risk: &Risk, condition: &Condition) -> bool {
    match condition {
        Condition::Absent => true,
        Condition::OneOf(literals) => literals.iter().all(|it| is_benign(risk, it.value())),
        Condition::Exactly(value) => is_benign(risk, value),
        Condition::AllOf(all) => all.iter().any(|one| is_benign_only(risk, one)),
        Condition::AnyOf(any) => any.iter().all(|one| is_benign_only(risk, one)),
        _ => false,
    }
}

/// Whether the rule lets images run by their names.
pub(super) fn goes_by_image_name(rule: &Allow, definition: &'static OperationDef) -> bool {
    fn within(schema: &'static Schema, condition: &Condition) -> bool {
        match (condition, schema.kind) {
            (Condition::AllOf(all) | Condition::AnyOf(all), _) => {
                all.iter().any(|one| within(schema, one))
            }
            (Condition::Fields(fields), Kind::Object(object)) => fields.iter().any(|field| {
                object
                    .fields
                    .get(field.index)
                    .is_some_and(|it| within(&it.schema, &field.condition))
            }),
            (condition, Kind::Text) if schema.format == Some(Format::ImageReference) => !matches!(
                condition,
                Condition::Any | Condition::Absent | Condition::Required
            ),
            _ => false,
        }
    }
    let BodyDef::Json { schema, .. } = definition.body else {
        return false;
    };
    let body = rule.conditions.body.as_ref();
    body.is_some_and(|condition| within(schema, condition))
}

//! Every parameter and field once, by itself.

use serde_json::{Value as Json, json};

use super::{Draft, Slot, samples};
use crate::api::definition::{ApiVersion, BodyDef, Kind, ObjectDef, OperationDef, Schema, Span};

/// How deep fields are looked for.
const DEPTH: usize = 8;

/// A draft for each parameter and field, with a value that says something.
pub(super) fn of(definition: &'static OperationDef) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let query = definition.query.iter().map(|it| (it, Slot::Query(it.name)));
    let headers = definition
        .headers
        .iter()
        .map(|it| (it, Slot::Header(it.name)));
    for (parameter, slot) in query.chain(headers) {
        let mut draft = Draft {
            version: parameter.span.until,
            ..Draft::default()
        };
        let value = super::parameter_values(parameter, &[]).into_iter().next();
        draft.put(&slot, value.flatten());
        drafts.push(draft);
    }
    if let BodyDef::Json { schema, .. } = definition.body {
        let mut bodies = Vec::new();
        values(schema, definition.span, DEPTH, &mut bodies);
        drafts.extend(bodies.into_iter().map(|(span, body)| Draft {
            body: Some(body),
            version: span.until,
            ..Draft::default()
        }));
    }
    drafts
}

/// Values of a schema with one thing in them each, and the versions that have it.
fn values(schema: &'static Schema, span: Span, depth: usize, found: &mut Vec<(Span, Json)>) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    let mut wrap = |inner: &'static Schema, around: &dyn Fn(Json) -> Json| {
        let mut within = Vec::new();
        values(inner, span, depth, &mut within);
        found.extend(
            within
                .into_iter()
                .map(|(span, value)| (span, around(value))),
        );
    };
    match schema.kind {
        Kind::Object(ObjectDef { fields, .. }) if !fields.is_empty() => {
            for field in *fields {
                let mut within = Vec::new();
                values(&field.schema, field.span, depth, &mut within);
                let named = |(span, value)| (span, json!({ field.name: value }));
                found.extend(within.into_iter().map(named));
            }
        }
        Kind::List(inner) if matches!(inner.kind, Kind::Object(_)) => {
            wrap(inner, &|value| json!([value]));
        }
        Kind::Map(inner) if matches!(inner.kind, Kind::Object(_)) => {
            if let Some(key) = samples::texts(schema.format).first() {
                wrap(inner, &|value| json!({ *key: value }));
            }
        }
        _ => {
            let value = samples::of(schema).into_iter().next();
            found.extend(value.map(|value| (span, value)));
        }
    }
}

/// The versions that were the last to have some field or parameter.
pub(super) fn ends(definition: &'static OperationDef) -> Vec<ApiVersion> {
    let parameters = definition.query.iter().chain(definition.headers);
    let mut ends: Vec<ApiVersion> = parameters.filter_map(|it| it.span.until).collect();
    if let BodyDef::Json { schema, .. } = definition.body {
        let mut fields = Vec::new();
        values(schema, definition.span, DEPTH, &mut fields);
        ends.extend(fields.iter().filter_map(|(span, _)| span.until));
    }
    ends.retain(|end| Some(*end) != definition.span.until);
    ends.sort_unstable();
    ends.dedup();
    ends
}

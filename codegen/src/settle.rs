//! What the union cannot see field by field.
//!
//! Nothing is in more versions than what holds it. And a new field that refers
//! to a known component brings that component's classification to a place that
//! nobody has looked at: below a field that is newer than the newest classified
//! version, nothing counts as classified, unless the overlay classifies the
//! field itself.

use crate::ir::{Api, Body, Kind, Object, Risk, Schema, Span};

/// Settles spans and classification. `classified` is the newest version whose
/// structure somebody has looked at.
pub fn settle(api: &mut Api, classified: u16) {
    for operation in &mut api.operations {
        let outer = operation.span;
        for parameter in operation
            .path_parameters
            .iter_mut()
            .chain(&mut operation.query)
            .chain(&mut operation.headers)
        {
            parameter.span = within(parameter.span, outer);
            schema(&mut parameter.schema, parameter.span, classified, false);
        }
        if let Body::Json { schema: body, .. } = &mut operation.body {
            // A new operation is named by a policy that knows it, or by none.
            schema(body, outer, classified, false);
        }
    }
}

fn within(inner: Span, outer: Span) -> Span {
    Span {
        since: inner.since.max(outer.since),
        until: match (inner.until, outer.until) {
            (Some(inner), Some(outer)) => Some(inner.min(outer)),
            (inner, outer) => inner.or(outer),
        },
    }
}

fn schema(schema: &mut Schema, outer: Span, classified: u16, strange: bool) {
    match &mut schema.kind {
        Kind::List(inner) | Kind::Map(inner) => self::schema(inner, outer, classified, strange),
        Kind::Object(object) => self::object(object, outer, classified, strange),
        _ => {}
    }
}

fn object(object: &mut Object, outer: Span, classified: u16, strange: bool) {
    for field in &mut object.fields {
        field.span = within(field.span, outer);
        if strange {
            field.risk = Risk::default();
        }
        let new = field.span.since > classified && field.span.since > outer.since;
        let strange = strange || (new && field.risk.guard.is_none());
        schema(&mut field.schema, field.span, classified, strange);
    }
}

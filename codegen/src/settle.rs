//! What the union cannot see field by field.
//!
//! Nothing is in more versions than what holds it, and what came together with a
//! field that is read in requests of all versions is read in them, too. And a new
//! field that refers to a known component brings that component's classification
//! to a place that nobody has looked at: below a field that is newer than the
//! newest classified version, nothing counts as classified, unless the overlay
//! classifies the field itself.

use crate::ir::{Api, Body, Kind, Object, Risk, Schema, Span};

/// What holds a value.
#[derive(Clone, Copy)]
struct Outer {
    span: Span,
    any_version: bool,
    /// Whether nobody has looked at what is in it.
    strange: bool,
}

impl Outer {
    fn of(span: Span) -> Self {
        Self {
            span,
            any_version: false,
            strange: false,
        }
    }
}

/// Settles spans and classification. `classified` is the newest version whose
/// structure somebody has looked at.
pub fn settle(api: &mut Api, classified: u16) {
    for operation in &mut api.operations {
        let outer = Outer::of(operation.span);
        for parameter in operation
            .path_parameters
            .iter_mut()
            .chain(&mut operation.query)
            .chain(&mut operation.headers)
        {
            parameter.span = within(parameter.span, outer.span);
            schema(&mut parameter.schema, Outer::of(parameter.span), classified);
        }
        if let Body::Json { schema: body, .. } = &mut operation.body {
            // A new operation is named by a policy that knows it, or by none.
            schema(body, outer, classified);
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

fn schema(schema: &mut Schema, outer: Outer, classified: u16) {
    match &mut schema.kind {
        Kind::List(inner) | Kind::Map(inner) => self::schema(inner, outer, classified),
        Kind::Object(object) => self::object(object, outer, classified),
        _ => {}
    }
}

fn object(object: &mut Object, outer: Outer, classified: u16) {
    for field in &mut object.fields {
        field.span = within(field.span, outer.span);
        field.any_version |= outer.any_version && field.span == outer.span;
        if outer.strange {
            field.risk = Risk::default();
        }
        let new = field.span.since > classified && field.span.since > outer.span.since;
        let inner = Outer {
            span: field.span,
            any_version: field.any_version,
            strange: outer.strange || (new && field.risk.guard.is_none()),
        };
        schema(&mut field.schema, inner, classified);
    }
}

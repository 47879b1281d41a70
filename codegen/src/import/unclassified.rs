//! Which operations, parameters and body fields nobody has classified, read from
//! the API as the overlay leaves it. An object with named fields is classified by
//! its fields, and elements of lists and maps by the field that holds them, unless
//! they have fields of their own. What the overlay took out of the API, or moved
//! elsewhere in it, cannot be sent and needs no classification.

use crate::ir::{Api, Body, Kind, Object, Operation, Parameter, Schema};
use std::collections::BTreeSet;

/// The places that are not classified.
#[derive(Debug, Default)]
pub struct Unclassified {
    places: BTreeSet<(String, String)>,
}

impl Unclassified {
    /// Reads them from an API.
    pub fn of(api: &Api) -> Self {
        let mut unclassified = Self::default();
        for operation in &api.operations {
            unclassified.operation(operation);
        }
        unclassified
    }

    /// Whether a place of an operation is among them; the operation itself is the
    /// empty place.
    pub fn contains(&self, operation: &str, place: &str) -> bool {
        // A set of pairs is asked with an owned pair; a report asks a few hundred
        // times at most.
        let pair = (operation.to_owned(), place.to_owned());
        self.places.contains(&pair)
    }

    fn insert(&mut self, operation: &str, place: String) {
        self.places.insert((operation.to_owned(), place));
    }

    fn operation(&mut self, operation: &Operation) {
        let name = &operation.name;
        if operation.access.is_none() {
            self.insert(name, String::new());
        }
        // Path parameters and the body as a whole are what the operation is
        // about, and so classified with it.
        self.parameters(name, "query", &operation.query);
        self.parameters(name, "header", &operation.headers);
        if let Body::Json { schema, .. } = &operation.body {
            self.below(name, "body", schema);
        }
    }

    fn parameters(&mut self, operation: &str, place: &str, parameters: &[Parameter]) {
        for parameter in parameters {
            if parameter.risk.guard.is_none() {
                self.insert(operation, format!("{place}:{}", parameter.name));
            }
        }
    }

    fn fields(&mut self, operation: &str, path: &str, object: &Object) {
        for field in &object.fields {
            let path = format!("{path}.{}", field.name);
            let by_its_fields =
                matches!(&field.schema.kind, Kind::Object(inner) if !inner.fields.is_empty());
            if field.risk.guard.is_none() && !by_its_fields {
                self.insert(operation, path.clone());
            }
            self.below(operation, &path, &field.schema);
        }
    }

    /// What is inside of a value.
    fn below(&mut self, operation: &str, path: &str, schema: &Schema) {
        match &schema.kind {
            Kind::Object(object) => self.fields(operation, path, object),
            Kind::List(element) => self.below(operation, &format!("{path}[]"), element),
            Kind::Map(value) => self.below(operation, &format!("{path}{{}}"), value),
            _ => {}
        }
    }
}

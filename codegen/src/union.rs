//! One definition out of all versions.
//!
//! Every operation, parameter and field learns the first and the last version
//! that has it. Where two versions disagree about what a thing is (a text here,
//! a list there) nothing is guessed: an overlay action must settle it.

use crate::error::{Error, Errors};
use crate::ir::{Api, Body, Field, Kind, Object, Operation, Parameter, Schema, Span};

/// Unites versions. They come in ascending order, each with its minor version.
pub fn unite(versions: impl IntoIterator<Item = (u16, Api)>) -> Result<Api, Errors> {
    let mut united = Api::default();
    let mut union = Union {
        minor: 0,
        previous: 0,
        errors: Errors::default(),
    };
    for (minor, api) in versions {
        union.minor = minor;
        united.newest = minor;
        union.operations(&mut united.operations, api.operations);
        union.previous = minor;
        for route in api.unsupported {
            if !united.unsupported.contains(&route) {
                united.unsupported.push(route);
            }
        }
    }
    union.errors.or(united)
}

struct Union {
    /// The version that is being added.
    minor: u16,
    /// The version that was added before it.
    previous: u16,
    errors: Errors,
}

/// A thing with a name that versions have or lack.
trait Named {
    fn name(&self) -> &str;
    fn span(&mut self) -> &mut Span;
}

macro_rules! named {
    ($($type:ty),*) => {$(
        impl Named for $type {
            fn name(&self) -> &str {
                &self.name
            }
            fn span(&mut self) -> &mut Span {
                &mut self.span
            }
        }
    )*};
}
named!(Operation, Parameter, Field);

impl Union {
    fn conflict(&mut self, place: &str, message: &str) {
        self.errors.push(
            Error::new(
                "spec",
                place,
                format!(
                    "version 1.{} disagrees with those before: {message}",
                    self.minor
                ),
            )
            .help("settle it with an overlay action"),
        );
    }

    /// Merges a list of named things: `new` is the list of this version.
    ///
    /// The order is the newest version's; what it no longer has comes last.
    fn named<T: Named>(
        &mut self,
        old: &mut Vec<T>,
        new: Vec<T>,
        place: &str,
        mut merge: impl FnMut(&mut Self, &mut T, T),
    ) {
        let minor = self.minor;
        let mut gone = std::mem::take(old);
        for mut item in new {
            let known = gone.iter().position(|known| known.name() == item.name());
            if let Some(position) = known {
                let mut known = gone.remove(position);
                if let Some(until) = known.span().until {
                    // A span has no holes.
                    self.conflict(
                        &format!("{place}{}", item.name()),
                        &format!("it was gone after 1.{until} and is back"),
                    );
                }
                item.span().since = known.span().since;
                known.span().until = None;
                merge(self, &mut known, item);
                old.push(known);
            } else {
                *item.span() = Span {
                    since: minor,
                    until: None,
                };
                old.push(item);
            }
        }
        for mut item in gone {
            let span = item.span();
            if span.until.is_none() {
                span.until = Some(self.previous);
            }
            old.push(item);
        }
    }

    fn operations(&mut self, old: &mut Vec<Operation>, new: Vec<Operation>) {
        self.named(old, new, "", |union, old, new| {
            let place = new.name.clone();
            if (&old.method, &old.path) != (&new.method, &new.path) {
                union.conflict(&place, "its method or path changed");
            }
            if old.segments != new.segments {
                union.conflict(&place, "its path parameters changed");
            }
            let mut merged = Operation {
                span: old.span,
                path_parameters: std::mem::take(&mut old.path_parameters),
                query: std::mem::take(&mut old.query),
                headers: std::mem::take(&mut old.headers),
                body: std::mem::replace(&mut old.body, Body::None),
                ..new.clone()
            };
            for (kind, old, new) in [
                ("path", &mut merged.path_parameters, new.path_parameters),
                ("query", &mut merged.query, new.query),
                ("header", &mut merged.headers, new.headers),
            ] {
                union.parameters(old, new, &format!("{place} {kind}"));
            }
            union.body(&mut merged.body, new.body, &place);
            *old = merged;
        });
    }

    fn parameters(&mut self, old: &mut Vec<Parameter>, new: Vec<Parameter>, place: &str) {
        self.named(old, new, &format!("{place}:"), |union, old, new| {
            let place = format!("{place}:{}", new.name);
            union.schema(&mut old.schema, &new.schema, &place);
            let merged = Parameter {
                schema: old.schema.clone(),
                span: old.span,
                ..new
            };
            if merged.reading != old.reading || merged.repeated != old.repeated {
                union.conflict(&place, "it is read in another way");
            }
            if merged.risk != old.risk {
                union.conflict(&place, "its risk is said differently");
            }
            *old = merged;
        });
    }

    fn body(&mut self, old: &mut Body, new: Body, place: &str) {
        let place = format!("{place} body");
        match (&mut *old, new) {
            (
                Body::Json { schema, required },
                Body::Json {
                    schema: new,
                    required: now,
                },
            ) => {
                self.schema(schema, &new, &place);
                *required = now;
            }
            (Body::Stream(old), Body::Stream(new)) if *old == new => {}
            (Body::None, Body::None) => {}
            _ => self.conflict(&place, "it is of another kind"),
        }
    }

    fn schema(&mut self, old: &mut Schema, new: &Schema, place: &str) {
        if (&old.format, old.null, old.text_or_list) != (&new.format, new.null, new.text_or_list) {
            self.conflict(place, "its format or what null means is said differently");
        }
        old.printable = new.printable;
        old.items = new.items.or(old.items);
        match (&mut old.kind, &new.kind) {
            (Kind::Enum { words: old, .. }, Kind::Enum { words: new, .. }) => {
                let mut words = new.clone();
                words.extend(old.iter().filter(|word| !new.contains(word)).cloned());
                *old = words;
            }
            // A vocabulary that a version opens or closes is the newest version's.
            (old @ (Kind::Enum { .. } | Kind::Text), new @ (Kind::Enum { .. } | Kind::Text)) => {
                *old = new.clone();
            }
            (Kind::List(old), Kind::List(new)) => self.schema(old, new, &format!("{place}[]")),
            (Kind::Map(old), Kind::Map(new)) => {
                self.schema(old, new, &format!("{place}{{}}"));
            }
            (Kind::Object(old), Kind::Object(new)) => self.object(old, new.clone(), place),
            (old, new) if old == new => {}
            (old, new) => {
                let message = format!(
                    "it was {} and is {}",
                    Schema::plain(old.clone()).type_name(),
                    Schema::plain(new.clone()).type_name()
                );
                self.conflict(place, &message);
            }
        }
    }

    fn object(&mut self, old: &mut Object, new: Object, place: &str) {
        old.drop_unknown = new.drop_unknown;
        let inside = format!("{place}.");
        self.named(&mut old.fields, new.fields, &inside, |union, old, new| {
            let place = format!("{place}.{}", new.name);
            union.schema(&mut old.schema, &new.schema, &place);
            if old.risk != new.risk {
                union.conflict(&place, "its risk is said differently");
            }
            let merged = Field {
                schema: old.schema.clone(),
                span: old.span,
                ..new
            };
            *old = merged;
        });
    }
}

#[cfg(test)]
mod tests;

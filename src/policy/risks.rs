//! What policies open, risk class by risk class, each with a request that shows it.
//!
//! A witness is a request that the policies allow and that sets, as it would be
//! forwarded, something guarded of the class; or one of an operation that does
//! harm whatever its fields are. What a rule names and no witness was found for
//! is told apart: nobody has shown it shut.

mod named;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::exposure::{self, Exposure};
use super::rewrite::Rewritten;
use super::{Client, Denial, Policies, RuleName, witness};
use crate::api::Operation;
use crate::api::definition::{AccessClass, BodyDef, Guard, Kind, OperationDef, RiskClass, Schema};
use crate::example::Example;
use crate::request::{Decoded, EngineVersion, Older};

/// What a client may do that does harm.
#[derive(Clone, Debug)]
pub struct ClientRisks {
    /// The client's name.
    pub client: Arc<str>,
    /// What its policies open, by class.
    pub openings: Vec<Opening>,
    /// Operations with more rules than could be searched whole.
    pub cut: Vec<Operation>,
    /// What its policies name and no request was found for, by class.
    pub unproven: Vec<Unproven>,
    /// Rules that go by the name of an image, if somebody can give that name to
    /// an image of their own.
    pub by_name: Vec<Arc<RuleName>>,
    /// Who can: the clients and the operations, with their rules.
    pub naming: Vec<Naming>,
}

/// Something that a policy opens.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// What it can do.
    pub class: RiskClass,
    /// Through which operation.
    pub operation: Operation,
    /// Through which parameter or field; none if the operation does it by itself.
    pub field: Option<String>,
    /// The rule that allows it.
    pub rule: Arc<RuleName>,
    /// A request that is allowed.
    pub witness: Example,
}

/// Something that a policy names, without a request that shows what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unproven {
    /// What it can do.
    pub class: RiskClass,
    /// Through which operation.
    pub operation: Operation,
    /// Through which parameter or field; none if it is the operation itself, of which no
    /// request was found that is allowed.
    pub field: Option<String>,
    /// The rule that names it.
    pub rule: Arc<RuleName>,
}

/// An operation that gives an image a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// Whose it is.
    pub client: Arc<str>,
    /// What it is.
    pub operation: Operation,
    /// The rule that allows it.
    pub rule: Arc<RuleName>,
}

/// Operations that can give any image a name.
const NAMING: [Operation; 6] = [
    Operation::ImageTag,
    Operation::ImageLoad,
    Operation::ImageBuild,
    Operation::ImageCommit,
    Operation::ImageImport,
    Operation::Grpc,
];

impl Policies {
    /// What each client's policies open.
    pub fn risks(&self) -> Vec<ClientRisks> {
        let mut all: Vec<ClientRisks> = (0..self.clients.len())
            .map(|index| self.risks_of(Client(index)))
            .collect();
        let naming: Vec<Naming> = (0..self.clients.len())
            .flat_map(|index| self.naming_of(Client(index)))
            .collect();
        if !naming.is_empty() {
            for risks in all.iter_mut().filter(|risks| !risks.by_name.is_empty()) {
                risks.naming.clone_from(&naming);
            }
        }
        all
    }

    fn risks_of(&self, client: Client) -> ClientRisks {
        let mut risks = ClientRisks {
            client: self.client_name(client),
            openings: Vec::new(),
            cut: Vec::new(),
            unproven: Vec::new(),
            by_name: Vec::new(),
            naming: Vec::new(),
        };
        for operation in Operation::ALL {
            if self.admit(client, operation).is_err() {
                continue;
            }
            let Some(rules) = self.rules(client, operation) else {
                continue;
            };
            let definition = operation.definition();
            let own = own_classes(definition);
            let first = risks.openings.len();
            let mut seen = BTreeSet::new();
            let allowed = |example: &Example| self.allows(client, example);
            let search = witness::examples(definition, rules, &[], false, allowed);
            if search.cut {
                risks.cut.push(operation);
            }
            for example in search.examples {
                let found = self.permitted(client, &example, |rule, forwarded| {
                    (Arc::clone(rule), exposure::of(forwarded))
                });
                let Some((rule, exposed)) = found else {
                    continue;
                };
                let fields = exposed
                    .into_iter()
                    .map(|Exposure { path, classes }| (Some(path), classes));
                for (field, classes) in fields.chain([(None, own.clone())]) {
                    for class in classes {
                        if !seen.insert((class, field.clone())) {
                            continue;
                        }
                        risks.openings.push(Opening {
                            class,
                            operation,
                            field: field.clone(),
                            rule: Arc::clone(&rule),
                            witness: example.clone(),
                        });
                    }
                }
            }
            let found = risks.openings.get(first..).unwrap_or_default();
            for rule in &rules.allow {
                let named = named::guarded(rule, definition).into_iter();
                let unseen = named.filter(|named| !found.iter().any(|it| named.is_shown_by(it)));
                let unseen = unseen.map(|named| (Some(named.path), named.classes));
                let none = found.iter().all(|opening| opening.field.is_some());
                let itself = none.then_some((None, own.as_slice()));
                for (field, classes) in unseen.chain(itself) {
                    for class in classes.iter().copied() {
                        let unproven = Unproven {
                            class,
                            operation,
                            field: field.clone(),
                            rule: Arc::clone(&rule.name),
                        };
                        if !risks.unproven.contains(&unproven) {
                            risks.unproven.push(unproven);
                        }
                    }
                }
                if named::goes_by_image_name(rule, definition)
                    && !risks.by_name.contains(&rule.name)
                {
                    risks.by_name.push(Arc::clone(&rule.name));
                }
            }
        }
        risks.openings.sort_by_key(|opening| opening.class);
        risks.unproven.sort_by_key(|unproven| unproven.class);
        risks
    }

    fn naming_of(&self, client: Client) -> Vec<Naming> {
        let mut naming = Vec::new();
        for operation in NAMING {
            let Some(rules) = self.rules(client, operation) else {
                continue;
            };
            if self.admit(client, operation).is_err() {
                continue;
            }
            naming.extend(rules.allow.first().map(|rule| Naming {
                client: self.client_name(client),
                operation,
                rule: Arc::clone(&rule.name),
            }));
        }
        naming
    }

    /// Whether a request is allowed.
    pub(super) fn allows(&self, client: Client, example: &Example) -> bool {
        self.permitted(client, example, |_, _| ()).is_some()
    }

    /// If a request is allowed: what is seen of it as it would be forwarded.
    fn permitted<T>(
        &self,
        client: Client,
        example: &Example,
        look: impl FnOnce(&Arc<RuleName>, &Decoded<'_>) -> T,
    ) -> Option<T> {
        let seen = self.judged(client, example, |judged| {
            judged.ok().map(|(rule, forwarded)| look(rule, forwarded))
        });
        seen?
    }

    /// What is seen of the verdict on a request: the rule that allows it and the request
    /// as it would be forwarded, or the denial. Nothing, if it is none of the operation
    /// that it names.
    pub(super) fn judged<T>(
        &self,
        client: Client,
        example: &Example,
        look: impl FnOnce(Result<(&Arc<RuleName>, &Decoded<'_>), Denial>) -> T,
    ) -> Option<T> {
        let request = example.request().ok()?;
        let seen = request.decode(EngineVersion::EVERY, Older::Refused, |decoded| {
            if example.operation() != Some(decoded.operation()) {
                return None;
            }
            Some(match self.choose(client, decoded) {
                Ok((rule, Some(Rewritten { request, .. }))) => look(Ok((&rule.name, &request))),
                Ok((rule, None)) => look(Ok((&rule.name, decoded))),
                Err(denial) => look(Err(denial)),
            })
        });
        seen.ok()?
    }
}

/// The classes that an operation has by itself. One that can do as much as its
/// guarded fields let it has only what these do not have.
fn own_classes(definition: &OperationDef) -> Vec<RiskClass> {
    let by_fields = |class: &RiskClass| {
        matches!(class, RiskClass::HostEscape | RiskClass::Privilege)
            && definition.access != AccessClass::Single
            && has_guarded(definition, *class)
    };
    let own = definition.risk.iter();
    own.filter(|class| !by_fields(class)).copied().collect()
}

/// Whether some guarded parameter or field has the class.
fn has_guarded(definition: &OperationDef, class: RiskClass) -> bool {
    fn inside(schema: &Schema, class: RiskClass) -> bool {
        match schema.kind {
            Kind::Object(object) => object.fields.iter().any(|field| {
                (field.risk.guard != Guard::Open && field.risk.classes.contains(&class))
                    || inside(&field.schema, class)
            }),
            Kind::List(inner) | Kind::Map(inner) => inside(inner, class),
            _ => false,
        }
    }
    let mut parameters = definition.query.iter().chain(definition.headers);
    parameters.any(|it| it.risk.guard != Guard::Open && it.risk.classes.contains(&class))
        || matches!(definition.body, BodyDef::Json { schema, .. } if inside(schema, class))
}

#[cfg(test)]
mod tests;

//! Operations, parameters, schemas and objects as tokens.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::names::{Names, camel};
use crate::error::{Error, Errors};
use crate::hash;
use crate::ir::{
    Api, Benign, Body, Effect, Field, Guard, Hijack, Kind, NullElement, Object, Operation,
    Parameter, Reading, Risk, Schema, Segment, Span, Variant,
};

/// Collects the objects that operations refer to.
pub(super) struct Definitions<'n> {
    names: &'n mut Names,
    known: Vec<(Object, Ident)>,
    tokens: Vec<TokenStream>,
    errors: Errors,
}

impl<'n> Definitions<'n> {
    pub(super) fn new(names: &'n mut Names) -> Self {
        Self {
            names,
            known: Vec::new(),
            tokens: Vec::new(),
            errors: Errors::default(),
        }
    }

    pub(super) fn finish(self) -> (TokenStream, Errors) {
        let tokens = self.tokens;
        (quote!(#(#tokens)*), self.errors)
    }

    pub(super) fn operation(
        &mut self,
        api: &Api,
        index: usize,
        operation: &Operation,
    ) -> TokenStream {
        let Operation {
            name,
            tag,
            method,
            path,
            opaque,
            derived,
            query_noise,
            body_noise,
            ..
        } = operation;
        let place = |name: &str| {
            let index = api.operations.iter().position(|other| other.name == name);
            Literal::usize_unsuffixed(index.unwrap_or_default())
        };
        let index = Literal::usize_unsuffixed(index);
        let segments = segments(&operation.segments);
        let span = span(operation.span);
        // An operation that nobody classified is in no group.
        let access = format_ident!("{}", camel(operation.access.as_deref().unwrap_or("single")));
        let risk = classes(&operation.risk);
        let variant_of = match &operation.variant_of {
            None => quote!(None),
            Some((base, when)) => {
                let base = place(base);
                let when = match when {
                    Variant::QueryGiven(name) => quote!(Variant::QueryGiven(#name)),
                    Variant::QueryAbsent(name) => quote!(Variant::QueryAbsent(#name)),
                };
                quote!(Some((#base, #when)))
            }
        };
        let variants = operation.variants.iter().map(|name| place(name));
        let path_parameters = self.parameters(&operation.path_parameters, name);
        let query = self.parameters(&operation.query, name);
        let headers = self.parameters(&operation.headers, name);
        let body = match &operation.body {
            Body::None => quote!(BodyDef::None),
            Body::Stream(content_type) => quote!(BodyDef::Stream { content_type: #content_type }),
            Body::Json { schema, required } => {
                let schema = self.schema(schema, name);
                quote!(BodyDef::Json { schema: &#schema, required: #required })
            }
        };
        let hijack = match &operation.hijack {
            None => quote!(Hijack::Never),
            Some(Hijack {
                unless: None,
                upgrade,
            }) => quote!(Hijack::Always { upgrade: #upgrade }),
            Some(Hijack {
                unless: Some(field),
                upgrade,
            }) => quote!(Hijack::Unless { field: #field, upgrade: #upgrade }),
        };
        quote! {
            OperationDef {
                index: #index,
                name: #name,
                tag: #tag,
                method: #method,
                path: #path,
                segments: #segments,
                span: #span,
                access: AccessClass::#access,
                risk: #risk,
                variant_of: #variant_of,
                variants: &[#(#variants),*],
                path_parameters: #path_parameters,
                query: #query,
                headers: #headers,
                body: #body,
                hijack: #hijack,
                opaque: #opaque,
                derived: &[#(#derived),*],
                query_noise: &[#(#query_noise),*],
                body_noise: &[#(#body_noise),*],
            }
        }
    }

    fn parameters(&mut self, parameters: &[Parameter], operation: &str) -> TokenStream {
        let parameters = parameters.iter().map(|parameter| {
            let Parameter {
                name,
                repeated,
                first_wins,
                required,
                ..
            } = parameter;
            let schema = self.schema(&parameter.schema, &format!("{operation}.{name}"));
            let reading = reading(parameter.reading);
            let risk = risk(&parameter.risk);
            let span = span(parameter.span);
            let absent = effect(&parameter.absent);
            let zero = effect(&parameter.zero);
            quote! {
                ParameterDef {
                    name: #name,
                    schema: #schema,
                    reading: Reading::#reading,
                    repeated: #repeated,
                    first_wins: #first_wins,
                    risk: #risk,
                    span: #span,
                    required: #required,
                    absent: #absent,
                    zero: #zero,
                }
            }
        });
        quote!(&[#(#parameters),*])
    }

    fn schema(&mut self, schema: &Schema, place: &str) -> TokenStream {
        let kind = match &schema.kind {
            Kind::Bool => quote!(Kind::Bool),
            Kind::Int(integer) => {
                let name = format_ident!("{}", integer.name().to_ascii_uppercase());
                quote!(Kind::#name)
            }
            Kind::Float => quote!(Kind::Float),
            Kind::Text => quote!(Kind::Text),
            Kind::Enum { words, any_case } => quote! {
                Kind::Enum(&Vocabulary { words: &[#(#words),*], any_case: #any_case, wide: None })
            },
            Kind::Bytes => quote!(Kind::Bytes),
            Kind::List(element) => {
                let element = self.schema(element, place);
                quote!(Kind::List(&#element))
            }
            Kind::Map(value) => {
                let value = self.schema(value, place);
                quote!(Kind::Map(&#value))
            }
            Kind::Object(object) => {
                let object = self.object(object, place);
                quote!(Kind::Object(&#object))
            }
        };
        let format = match &schema.format {
            None => quote!(None),
            Some(format) => {
                let format = format_ident!("{}", camel(format));
                quote!(Some(Format::#format))
            }
        };
        let null = match schema.null {
            NullElement::Refused => quote!(NullElement::Refused),
            NullElement::Empty => quote!(NullElement::Empty),
            NullElement::Kept => quote!(NullElement::Kept),
        };
        let (text_or_list, printable) = (schema.text_or_list, schema.printable);
        let items = match schema.items {
            None => quote!(None),
            Some((least, most)) => {
                let least = Literal::usize_unsuffixed(least);
                let most = Literal::usize_unsuffixed(most);
                quote!(Some((#least, #most)))
            }
        };
        quote! {
            Schema {
                kind: #kind,
                format: #format,
                null: #null,
                text_or_list: #text_or_list,
                printable: #printable,
                items: #items,
            }
        }
    }

    fn object(&mut self, object: &Object, place: &str) -> Ident {
        if let Some((_, ident)) = self.known.iter().find(|(known, _)| known == object) {
            return ident.clone();
        }
        let ident = format_ident!("{}", self.names.object(place));
        let lookup = self.lookup(object, place);
        let fields: Vec<TokenStream> = object
            .fields
            .iter()
            .map(|field| {
                let Field {
                    name,
                    any_version,
                    required,
                    ..
                } = field;
                let schema = self.schema(&field.schema, &format!("{place}.{name}"));
                let risk = risk(&field.risk);
                let span = span(field.span);
                let absent = effect(&field.absent);
                let zero = effect(&field.zero);
                quote! {
                    FieldDef {
                        name: #name,
                        schema: #schema,
                        risk: #risk,
                        span: #span,
                        any_version: #any_version,
                        required: #required,
                        absent: #absent,
                        zero: #zero,
                    }
                }
            })
            .collect();
        let drop_unknown = object.drop_unknown;
        self.tokens.push(quote! {
            static #ident: ObjectDef = ObjectDef {
                fields: &[#(#fields),*],
                lookup: &[#(#lookup),*],
                drop_unknown: #drop_unknown,
            };
        });
        self.known.push((object.clone(), ident.clone()));
        ident
    }

    /// The hash table of an object's fields. Names that fold alike would be one
    /// field to the Engine.
    fn lookup(&mut self, object: &Object, place: &str) -> Vec<Literal> {
        let mut names: Vec<String> = object
            .fields
            .iter()
            .map(|field| field.name.to_ascii_lowercase())
            .collect();
        let size = hash::slots(names.len());
        let mut slots = vec![hash::EMPTY; size];
        for (index, name) in names.iter().enumerate() {
            let start = hash::slot(name.as_bytes(), size);
            let free = (start..size)
                .chain(0..start)
                .find(|slot| slots.get(*slot) == Some(&hash::EMPTY));
            if let (Some(slot), Ok(index)) = (
                free.and_then(|slot| slots.get_mut(slot)),
                u16::try_from(index),
            ) {
                *slot = index;
            }
        }
        names.sort();
        for pair in names.windows(2) {
            if let [first, second] = pair
                && first == second
            {
                self.errors.push(
                    Error::new("spec", place, format!("two fields fold to `{first}`"))
                        .help("the Engine reads them as one: remove one with an overlay action"),
                );
            }
        }
        slots.into_iter().map(Literal::u16_unsuffixed).collect()
    }
}

pub(super) fn segments(segments: &[Segment]) -> TokenStream {
    let segments = segments.iter().map(|segment| match segment {
        Segment::Literal(text) => quote!(Segment::Literal(#text)),
        Segment::One(name) => quote!(Segment::One(#name)),
        Segment::Many(name) => quote!(Segment::Many(#name)),
    });
    quote!(&[#(#segments),*])
}

fn span(span: Span) -> TokenStream {
    let since = Literal::u16_unsuffixed(span.since);
    let until = match span.until {
        None => quote!(None),
        Some(until) => {
            let until = Literal::u16_unsuffixed(until);
            quote!(Some(ApiVersion(#until)))
        }
    };
    quote!(Span { since: ApiVersion(#since), until: #until })
}

fn classes(classes: &[String]) -> TokenStream {
    let classes = classes
        .iter()
        .map(|class| format_ident!("{}", camel(class)));
    quote!(&[#(RiskClass::#classes),*])
}

fn risk(risk: &Risk) -> TokenStream {
    let guard = match risk.guard {
        None => quote!(Guard::Unclassified),
        Some(Guard::Open) => quote!(Guard::Open),
        Some(Guard::Guarded) => quote!(Guard::Guarded),
    };
    let classes = classes(&risk.classes);
    let benign = risk.benign.iter().map(|benign| match benign {
        Benign::Absent => quote!(Benign::Absent),
        Benign::Bool(value) => quote!(Benign::Bool(#value)),
        Benign::Int(value) => {
            let value = Literal::i64_unsuffixed(*value);
            quote!(Benign::Int(#value))
        }
        Benign::Text(text) => quote!(Benign::Text(#text)),
        Benign::Empty => quote!(Benign::Empty),
        Benign::Each(words) => quote!(Benign::Each(&[#(#words),*])),
        Benign::Keys(words) => quote!(Benign::Keys(&[#(#words),*])),
    });
    quote!(Risk { guard: #guard, classes: #classes, benign: &[#(#benign),*] })
}

fn effect(effect: &Effect) -> TokenStream {
    match effect {
        Effect::Nothing => quote!(Effect::Nothing),
        Effect::Unlimited => quote!(Effect::Unlimited),
        Effect::Image => quote!(Effect::Image),
        Effect::Unchanged => quote!(Effect::Unchanged),
        Effect::Default(text) => quote!(Effect::Default(#text)),
        Effect::Value => quote!(Effect::Value),
    }
}

fn reading(reading: Reading) -> Ident {
    format_ident!("{reading:?}")
}

//! Prints the definitions as Rust: data only, nothing is decided here.
//!
//! The output is one file: `enum Operation`, the table of operations, the route
//! table and one `static` for each distinct object. Equal objects are printed
//! once. Same input, same bytes: no order depends on a hash, and nothing of the
//! machine or the day gets in.

mod definitions;
mod names;
mod routes;

use std::collections::BTreeSet;

use proc_macro2::{Literal, TokenStream, TokenTree};
use quote::{format_ident, quote};

use crate::error::{Error, Errors};
use crate::ir::{Api, Operation};

/// The types of `api::definition` that tables are made of.
const DEFINITION_TYPES: &[&str] = &[
    "AccessClass",
    "ApiVersion",
    "Benign",
    "BodyDef",
    "Effect",
    "FieldDef",
    "Guard",
    "Hijack",
    "Kind",
    "LeadsTo",
    "NullElement",
    "ObjectDef",
    "OperationDef",
    "ParameterDef",
    "Reading",
    "Risk",
    "RiskClass",
    "Route",
    "RouteGroup",
    "Schema",
    "Segment",
    "Span",
    "UnsupportedRoute",
    "Variant",
    "Vocabulary",
];

/// Where the generated file finds the types it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// In the crate that includes it.
    Crate,
    /// In `opgate`, from outside (golden files).
    Opgate,
}

/// Prints the definitions.
///
/// `header` is put on top as comment lines: where the input came from.
pub fn emit(api: &Api, header: &[String], root: Root) -> Result<String, Errors> {
    let mut names = names::Names::default();
    let mut definitions = definitions::Definitions::new(&mut names);
    let operations: Vec<TokenStream> = api
        .operations
        .iter()
        .enumerate()
        .map(|(index, operation)| definitions.operation(api, index, operation))
        .collect();
    let (objects, mut errors) = definitions.finish();
    let routes = match routes::routes(api) {
        Ok(routes) => routes,
        Err(more) => {
            errors.0.extend(more.0);
            TokenStream::new()
        }
    };
    errors.or(())?;
    let enumeration = enumeration(api);
    let count = Literal::usize_unsuffixed(api.operations.len());
    let newest = Literal::u16_unsuffixed(api.newest);
    let tables = quote! {
        /// The newest version of the API that is described.
        pub const NEWEST: ApiVersion = ApiVersion(#newest);
        #enumeration
        /// Every operation's definition, in the order of [`Operation::ALL`].
        pub static OPERATIONS: [OperationDef; #count] = [#(#operations),*];
        #routes
        #objects
    };
    let imports = imports(&tables, root);
    let tokens = quote!(#imports #tables);
    let file = syn::parse2::<syn::File>(tokens).map_err(|error| {
        Errors::from(
            Error::new(
                "spec",
                "",
                format!("the generated code does not parse: {error}"),
            )
            .help("this is a mistake of the generator"),
        )
    })?;
    let mut text = String::new();
    for line in header {
        text.push_str("// ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&prettyplease::unparse(&file));
    Ok(text)
}

/// Imports of the types that the tables are made of, and of no others.
fn imports(tables: &TokenStream, root: Root) -> TokenStream {
    let root = match root {
        Root::Crate => format_ident!("crate"),
        Root::Opgate => format_ident!("opgate"),
    };
    let mut used = BTreeSet::new();
    identifiers(tables.clone(), &mut used);
    let types = DEFINITION_TYPES
        .iter()
        .filter(|name| used.contains(**name))
        .map(|name| format_ident!("{name}"));
    let format = used
        .contains("Format")
        .then(|| quote!(use #root::format::Format;));
    quote!(use #root::api::definition::{#(#types),*}; #format)
}

/// Every identifier in some tokens.
fn identifiers(tokens: TokenStream, found: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => identifiers(group.stream(), found),
            TokenTree::Ident(ident) => {
                found.insert(ident.to_string());
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// `enum Operation` and what leads from it to the table and back.
fn enumeration(api: &Api) -> TokenStream {
    let variant = |operation: &Operation| format_ident!("{}", operation.name);
    let variants: Vec<_> = api.operations.iter().map(variant).collect();
    let docs = api.operations.iter().map(|operation| {
        let kind = match &operation.variant_of {
            Some((base, _)) => format!(", a variant of `{base}`"),
            None => String::new(),
        };
        format!(" `{} {}`{kind}.", operation.method, operation.path)
    });
    let count = Literal::usize_unsuffixed(variants.len());
    quote! {
        /// An operation of the Engine API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Operation {
            #(#[doc = #docs] #variants),*
        }

        impl Operation {
            /// Every operation.
            pub const ALL: [Self; #count] = [#(Self::#variants),*];
        }
    }
}

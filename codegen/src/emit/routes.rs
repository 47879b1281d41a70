//! The route table.
//!
//! Routes are grouped by method and first segment. Inside a group the more
//! specific come first: the Engine, too, tries a route with more literal
//! segments before the one whose parameter would swallow them. Two routes with
//! equally many literals that take the same path are an error.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::definitions::segments;
use crate::error::{Error, Errors};
use crate::ir::{Api, Segment};

struct Route<'a> {
    method: &'a str,
    path: &'a str,
    segments: &'a [Segment],
    leads_to: TokenStream,
}

pub(super) fn routes(api: &Api) -> Result<TokenStream, Errors> {
    let mut routes = collect(api);
    routes.sort_by(|a, b| {
        let key = |route: &Route<'_>| {
            let literals = literals(route.segments);
            let parameters = route.segments.len().saturating_sub(literals);
            (
                route.method.to_owned(),
                first(route.segments).to_owned(),
                std::cmp::Reverse(literals),
                parameters,
                route.path.to_owned(),
            )
        };
        key(a).cmp(&key(b))
    });
    apart(&routes)?;
    let groups = routes
        .chunk_by(|a, b| a.method == b.method && first(a.segments) == first(b.segments))
        .map(|group| {
            let (method, first) = group
                .first()
                .map(|route| (route.method, first(route.segments)))
                .unwrap_or_default();
            let routes = group.iter().map(|route| {
                let segments = segments(route.segments);
                let leads_to = &route.leads_to;
                quote!(Route { segments: #segments, leads_to: #leads_to })
            });
            quote!(RouteGroup { method: #method, first: #first, routes: &[#(#routes),*] })
        });
    let unsupported = api.unsupported.iter().map(|route| {
        let (method, path, reason) = (&route.method, &route.path, &route.reason);
        let segments = segments(&route.segments);
        quote! {
            UnsupportedRoute {
                method: #method,
                path: #path,
                segments: #segments,
                reason: #reason,
            }
        }
    });
    Ok(quote! {
        /// The route table: groups by method and first segment, in that order.
        pub static ROUTES: &[RouteGroup] = &[#(#groups),*];

        /// Routes that the Engine serves and opgate always refuses.
        pub static UNSUPPORTED: &[UnsupportedRoute] = &[#(#unsupported),*];
    })
}

fn collect(api: &Api) -> Vec<Route<'_>> {
    let operations = api
        .operations
        .iter()
        .enumerate()
        .filter(|(_, operation)| operation.variant_of.is_none())
        .map(|(index, operation)| {
            let index = Literal::usize_unsuffixed(index);
            Route {
                method: &operation.method,
                path: &operation.path,
                segments: &operation.segments,
                leads_to: quote!(LeadsTo::Operation(#index)),
            }
        });
    let unsupported = api.unsupported.iter().enumerate().map(|(index, route)| {
        let index = Literal::usize_unsuffixed(index);
        Route {
            method: &route.method,
            path: &route.path,
            segments: &route.segments,
            leads_to: quote!(LeadsTo::Unsupported(#index)),
        }
    });
    operations.chain(unsupported).collect()
}

fn first(segments: &[Segment]) -> &str {
    match segments.first() {
        Some(Segment::Literal(text)) => text,
        _ => "",
    }
}

fn literals(segments: &[Segment]) -> usize {
    segments
        .iter()
        .filter(|segment| matches!(segment, Segment::Literal(_)))
        .count()
}

/// Whether no two routes of equal rank take the same path: which of them is
/// tried first would then be chance.
fn apart(routes: &[Route<'_>]) -> Result<(), Errors> {
    let mut errors = Errors::default();
    for (place, b) in routes.iter().enumerate() {
        for a in routes.iter().take(place) {
            if a.method == b.method
                && literals(a.segments) == literals(b.segments)
                && overlap(a.segments, b.segments)
            {
                errors.push(
                    Error::new(
                        "spec",
                        format!("paths.{}.{}", b.path, b.method.to_ascii_lowercase()),
                        format!("cannot be told apart from `{}`", a.path),
                    )
                    .help("the route table needs them to differ in a literal segment"),
                );
            }
        }
    }
    errors.or(())
}

/// Whether there is a path that both templates take.
fn overlap(a: &[Segment], b: &[Segment]) -> bool {
    use Segment::{Literal, Many, One};
    match (a, b) {
        ([], []) => true,
        ([], _) | (_, []) => false,
        // A parameter with slashes ends here or takes one more segment.
        ([Many(_), rest @ ..], [Many(_), others @ ..]) => {
            overlap(rest, others) || overlap(a, others) || overlap(rest, b)
        }
        ([Many(_), rest @ ..], [_, others @ ..]) => overlap(rest, others) || overlap(a, others),
        ([_, rest @ ..], [Many(_), others @ ..]) => overlap(rest, others) || overlap(rest, b),
        ([Literal(x), ..], [Literal(y), ..]) if x != y => false,
        ([Literal(_) | One(_), rest @ ..], [_, others @ ..]) => overlap(rest, others),
    }
}

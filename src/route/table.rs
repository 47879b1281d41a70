//! The route table: from a decoded path to an operation.
//!
//! The table is generated. A group has the routes of one method and one first
//! segment, the more specific first, which is the order in which the Engine
//! tries them. A parameter that may hold slashes takes as many segments as the
//! template leaves it, like the Engine's greedy pattern.

use super::target::{Piece, Target};
use super::{MatchedOperation, RouteError};
use crate::api::decode::Parameters;
use crate::api::definition::{LeadsTo, Route, Segment};
use crate::api::value::Value;
use crate::api::{ROUTES, UNSUPPORTED, at};

/// Finds the operation of a method and a target.
pub fn route<'a>(method: &str, target: &Target<'a>) -> Result<MatchedOperation<'a>, RouteError> {
    let first = target
        .pieces
        .first()
        .map(|piece| piece.text.as_ref())
        .ok_or(RouteError::NotFound)?;
    let group = ROUTES
        .iter()
        .find(|group| group.method == method && group.first == first)
        .ok_or(RouteError::NotFound)?;
    let route = group
        .routes
        .iter()
        .find(|route| fits(route, &target.pieces))
        .ok_or(RouteError::NotFound)?;
    let index = match route.leads_to {
        LeadsTo::Operation(index) => index,
        LeadsTo::Unsupported(index) => {
            return Err(UNSUPPORTED.get(usize::from(index)).map_or(
                RouteError::NotFound,
                |route| RouteError::Unsupported {
                    method: route.method,
                    path: route.path,
                    reason: route.reason,
                },
            ));
        }
    };
    let definition = at(index).definition();
    let mut path = Parameters::new(definition.path_parameters);
    for (name, text) in parameters(route, &target.pieces)? {
        let Some((parameter, slot)) = path.slot(|parameter| parameter.name == name) else {
            continue;
        };
        let text = match parameter.schema.format {
            None => text,
            Some(format) => match format.canonical(&text) {
                Ok(text) => text.into_owned(),
                Err(error) => {
                    return Err(RouteError::Parameter {
                        operation: definition.name,
                        name: parameter.name,
                        reason: format!("is not a valid {}: {}", format.name(), error.reason),
                    });
                }
            },
        };
        *slot = Value::Text(text.into());
    }
    Ok(MatchedOperation {
        definition,
        version: target.version,
        path,
        query: target.query,
    })
}

/// How many segments the parameter with slashes takes, if there is one.
fn width(route: &Route, pieces: &[Piece<'_>]) -> Option<usize> {
    let others = route.segments.len().checked_sub(1)?;
    pieces.len().checked_sub(others).filter(|width| *width > 0)
}

/// Each segment of the template with the pieces it takes, or `None` when the
/// path has not the template's shape.
fn spans<'t, 'p, 'a>(
    route: &'t Route,
    pieces: &'p [Piece<'a>],
) -> Option<Vec<(&'t Segment, &'p [Piece<'a>])>> {
    let width = width(route, pieces)?;
    let mut rest = pieces;
    let mut spans = Vec::with_capacity(route.segments.len());
    for segment in route.segments {
        let take = match segment {
            Segment::Many(_) => width,
            Segment::Literal(_) | Segment::One(_) => 1,
        };
        let (taken, left) = rest.split_at_checked(take)?;
        spans.push((segment, taken));
        rest = left;
    }
    rest.is_empty().then_some(spans)
}

fn fits(route: &Route, pieces: &[Piece<'_>]) -> bool {
    spans(route, pieces).is_some_and(|spans| {
        spans.iter().all(|(segment, taken)| match segment {
            Segment::Literal(text) => taken.iter().all(|piece| piece.text == *text),
            Segment::One(_) | Segment::Many(_) => true,
        })
    })
}

/// The parameters' texts. A slash that was encoded belongs to a parameter that
/// may hold slashes; anywhere else it is refused.
fn parameters(
    route: &Route,
    pieces: &[Piece<'_>],
) -> Result<Vec<(&'static str, String)>, RouteError> {
    let mut found = Vec::new();
    for (segment, taken) in spans(route, pieces).ok_or(RouteError::NotFound)? {
        if taken.first().is_some_and(|piece| piece.joined) {
            return Err(RouteError::Target(
                "has an encoded slash outside a name that may hold one",
            ));
        }
        if let Segment::One(name) | Segment::Many(name) = segment {
            let texts: Vec<&str> = taken.iter().map(|piece| piece.text.as_ref()).collect();
            found.push((*name, texts.join("/")));
        }
    }
    Ok(found)
}

//! The Engine's rules for targets, queries and bodies, one named test each:
//! what has one meaning is understood as the Engine does and written in one
//! spelling; everything else is refused, with its place.

#[cfg(test)]
mod edges;
#[cfg(test)]
mod json;
#[cfg(test)]
mod query;
#[cfg(test)]
mod requests;
#[cfg(test)]
#[path = "../corpus/routes.rs"]
mod routes;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod target;
#[cfg(test)]
#[path = "../support/translate.rs"]
mod translate;
#[cfg(test)]
mod values;
#[cfg(test)]
mod versions;

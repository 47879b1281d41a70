//! Routing: from method and raw target to one operation, or a refusal.
//!
//! `target` splits and decodes the target once and refuses what the Engine's
//! router could read in another way. `table` finds the route whose template
//! the decoded path has, in the Engine's own order. What comes out is a
//! [`MatchedOperation`]: the operation's definition with its path parameters,
//! the version that was asked for, and the query still as text.

mod table;
mod target;

use std::fmt;

pub use table::route;
pub use target::{Target, Version};

use crate::api::decode::Parameters;
use crate::api::definition::OperationDef;

/// A request whose operation is known.
pub struct MatchedOperation<'a> {
    /// The operation's definition.
    definition: &'static OperationDef,
    /// The version in the path, if there was one.
    version: Option<Version>,
    /// The path parameters.
    path: Parameters<'a>,
    /// The query, without its question mark.
    query: &'a str,
}

impl fmt::Debug for MatchedOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MatchedOperation")
            .field("operation", &self.definition.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl<'a> MatchedOperation<'a> {
    /// The operation's definition. An operation with variants is not yet one of
    /// them: only its decoded query tells.
    pub fn definition(&self) -> &'static OperationDef {
        self.definition
    }

    /// The version in the path, if there was one.
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// The query, without its question mark.
    pub fn query(&self) -> &'a str {
        self.query
    }

    /// The path parameters.
    pub fn path(&self) -> &Parameters<'a> {
        &self.path
    }

    /// Gives up the path parameters.
    pub fn into_path(self) -> Parameters<'a> {
        self.path
    }
}

/// Why a target leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// The target has more than one reading, or none.
    Target(&'static str),
    /// No operation has this method and path. The Engine's own words.
    NotFound,
    /// The Engine serves this route, and opgate never does.
    Unsupported {
        /// The method.
        method: &'static str,
        /// The path template.
        path: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// A path parameter is not what it must be.
    Parameter {
        /// The operation.
        operation: &'static str,
        /// The parameter.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(reason) => write!(f, "the request target {reason}"),
            Self::NotFound => f.write_str("page not found"),
            Self::Unsupported {
                method,
                path,
                reason,
            } => write!(f, "{method} {path} is never allowed: {reason}"),
            Self::Parameter {
                operation,
                name,
                reason,
            } => write!(f, "{operation}: path.{name}: {reason}"),
        }
    }
}

impl std::error::Error for RouteError {}

//! The definitions of the Engine API, and what decodes and encodes by them.
//!
//! The tables are generated from `spec/` at build time ([`OPERATIONS`],
//! [`ROUTES`]); the types they are made of are in [`definition`]. [`decode`] is
//! the only door by which a request's query, headers and body become typed
//! values ([`value`]), and [`encode`] the only one by which values become bytes
//! for the Engine. Nothing in here knows of policies or of connections.

pub mod decode;
pub mod definition;
pub mod encode;
pub mod fold;
#[path = "../codegen/src/hash.rs"]
mod hash;
pub mod shown;
pub mod value;

mod generated {
    include!(concat!(env!("OUT_DIR"), "/definitions.rs"));
}

use std::fmt;

use definition::{ApiVersion, OperationDef, Span};
pub use generated::{NEWEST, OPERATIONS, Operation, ROUTES, UNSUPPORTED};

/// The oldest version that is served.
pub const OLDEST: ApiVersion = ApiVersion(41);

impl Operation {
    /// Its definition.
    #[expect(
        clippy::indexing_slicing,
        reason = "the enumeration and the table are generated from one list"
    )]
    pub fn definition(self) -> &'static OperationDef {
        &OPERATIONS[self as usize]
    }

    /// The operation of this name, exactly as the API spells it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.name() == name)
    }

    /// Its name, as the API spells it.
    pub fn name(self) -> &'static str {
        self.definition().name
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl OperationDef {
    /// The operation that this defines.
    pub fn operation(&self) -> Operation {
        at(self.index)
    }

    /// Its variants.
    pub fn variants(&self) -> impl Iterator<Item = &'static OperationDef> {
        self.variants.iter().map(|index| at(*index).definition())
    }
}

/// The operation at this place of the table.
///
/// The generated tables refer to operations by place; places outside it do not
/// occur, and would be the first operation.
pub(crate) fn at(index: u16) -> Operation {
    Operation::ALL
        .get(usize::from(index))
        .copied()
        .unwrap_or(Operation::ALL[0])
}

impl Span {
    /// Whether a version has it.
    pub fn contains(self, version: ApiVersion) -> bool {
        self.since <= version && self.until.is_none_or(|until| version <= until)
    }
}

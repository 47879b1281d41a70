//! The registry of diagnostic codes: stable names for kinds of mistakes.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// The kind of a diagnostic.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])* $variant,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its name, which does not change.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

codes! {
    /// The file is not YAML, or uses a part of YAML that policies do without.
    Yaml = "yaml",
    /// A key that has no meaning where it stands.
    UnknownKey = "unknown-key",
    /// A key that stands twice in one map.
    DuplicateKey = "duplicate-key",
    /// A key that must be there and is not.
    MissingKey = "missing-key",
    /// A value of another type than is expected.
    WrongType = "wrong-type",
    /// An API level that opgate does not know.
    ApiLevel = "api-level",
    /// An address, path or mode of a listener.
    Listener = "listener",
    /// An address of the Engine.
    Upstream = "upstream",
    /// A name of a client that the file does not have.
    UnknownClient = "unknown-client",
    /// A name of a policy that the file does not have.
    UnknownPolicy = "unknown-policy",
    /// An operation or group that the API does not have.
    UnknownOperation = "unknown-operation",
    /// A parameter, field or part that the operation does not have.
    UnknownField = "unknown-field",
    /// An operation, parameter or field that the file's API level lacks.
    NotAtLevel = "not-at-level",
    /// A matcher that nothing is called by.
    UnknownMatcher = "unknown-matcher",
    /// A matcher that does not fit what it is to match.
    WrongMatcher = "wrong-matcher",
    /// A value that the matched field can never have.
    BadValue = "bad-value",
    /// A range that admits nothing.
    EmptyRange = "empty-range",
    /// `any` over an object whose guarded fields must be named one by one.
    AnyTooWide = "any-too-wide",
    /// A guarded list or map is named without saying what it may hold.
    NotWhole = "not-whole",
    /// A matcher on a reference that a name or an id could stand for.
    Reference = "reference",
    /// An operation or parameter that voids field rules, without `opaque: true`.
    Opaque = "opaque",
    /// A deny whose conditions could be read in two ways.
    DenyShape = "deny-shape",
    /// Conditions on a group of operations.
    GroupConditions = "group-conditions",
    /// A listener, client or policy that nothing uses or that allows nothing.
    Unused = "unused",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

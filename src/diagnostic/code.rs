//! The registry of diagnostic codes: stable names for kinds of mistakes.

use std::fmt;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// The kind of a diagnostic.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
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

            /// What it stands for, in a sentence.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii(),)+
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
    /// A limit that is out of range, or where it limits nothing.
    Limit = "limit",
    /// An address of the Engine.
    Upstream = "upstream",
    /// A measure of the gate's confinement that another needs.
    Confine = "confine",
    /// A condition on who is calling that says nothing, cannot be read or never holds.
    When = "when",
    /// Two clients that the same caller would fit.
    SeveralClients = "several-clients",
    /// A condition on who is calling that every caller fits, or that others can feign.
    EveryCaller = "every-caller",
    /// A user or group that this machine does not have.
    UnknownUser = "unknown-user",
    /// A name of a client that the file does not have.
    UnknownClient = "unknown-client",
    /// A name of a policy that the file does not have.
    UnknownPolicy = "unknown-policy",
    /// A name of a list that the file does not have.
    UnknownList = "unknown-list",
    /// A file that cannot be included, or says what only the first file says.
    Include = "include",
    /// Lists or files that hold themselves, or too many in each other.
    Nesting = "nesting",
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
    /// A rewrite that contradicts itself, or stands where nothing can be rewritten.
    Rewrite = "rewrite",
    /// An operation or parameter that voids field rules, without `opaque: true`.
    Opaque = "opaque",
    /// A deny whose conditions could be read in two ways.
    DenyShape = "deny-shape",
    /// Conditions on a group of operations.
    GroupConditions = "group-conditions",
    /// A test that asks or expects nothing, or what there is not.
    Test = "test",
    /// A condition that nothing fits, or a rule that never counts.
    NeverMatches = "never-matches",
    /// A rule that another one makes moot.
    Shadowed = "shadowed",
    /// Two rules that could allow the same request and rewrite it differently.
    Conflict = "conflict",
    /// More rules, or longer ones, than are compared with each other.
    NotCompared = "not-compared",
    /// What the schema of policy files does not allow, and nothing else speaks of.
    Schema = "schema",
    /// A listener, client, policy or list that nothing uses or that allows nothing.
    Unused = "unused",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

//! What a definition is: the types that the generated tables are made of.
//!
//! An [`OperationDef`] is everything opgate knows of one operation of the
//! Engine API: how it is routed, which parameters and which body it takes, what
//! each of them means to the Engine and what it can do to the host. The tables
//! themselves are generated from `spec/` (see `build.rs`); nothing here is
//! specific to one operation.

use std::fmt;

use crate::format::Format;

/// A version of the Engine API, such as `1.51`. The major number has always
/// been 1, so only the minor one is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion(pub u16);

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

/// The versions of the description that have a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first version that has it. Versions before 1.41 are not imported, so
    /// 1.41 also stands for "always".
    pub since: ApiVersion,
    /// The last version that has it, or `None` when the newest still does.
    pub until: Option<ApiVersion>,
}

/// What an operation does, as policies group them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccessClass {
    /// Lists objects or counts them.
    List,
    /// Reads one object.
    Inspect,
    /// Reads what objects hold: logs, archives, image data.
    Content,
    /// Talks to a running process: attach, exec.
    Interact,
    /// Makes new objects.
    Create,
    /// Changes objects.
    Change,
    /// Removes objects.
    Delete,
    /// Makes the Engine talk to other hosts.
    Outbound,
    /// In no group: allowed only by its own name.
    Single,
}

impl AccessClass {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Inspect => "inspect",
            Self::Content => "content",
            Self::Interact => "interact",
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
            Self::Outbound => "outbound",
            Self::Single => "single",
        }
    }
}

/// What can go wrong when a field or an operation is open to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RiskClass {
    /// Control of, or direct access to, the host.
    HostEscape,
    /// More rights inside a container or the API.
    Privilege,
    /// Reaches or impersonates other containers.
    CrossContainer,
    /// Data leaves, or secrets become readable.
    Exfiltration,
    /// Network reach or exposure.
    Network,
    /// Denial of service or quota bypass.
    Resource,
    /// Survives restarts or poisons later use.
    Persistence,
    /// Reveals information.
    InfoLeak,
}

impl RiskClass {
    /// Every class, the gravest first.
    pub const ALL: [Self; 8] = [
        Self::HostEscape,
        Self::Privilege,
        Self::CrossContainer,
        Self::Exfiltration,
        Self::Network,
        Self::Resource,
        Self::Persistence,
        Self::InfoLeak,
    ];

    /// The class of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::HostEscape => "host-escape",
            Self::Privilege => "privilege",
            Self::CrossContainer => "cross-container",
            Self::Exfiltration => "exfiltration",
            Self::Network => "network",
            Self::Resource => "resource",
            Self::Persistence => "persistence",
            Self::InfoLeak => "info-leak",
        }
    }
}

/// Whether a rule must name a field before it may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Leaves what the request makes within the default confinement.
    Open,
    /// Goes beyond it: keeps a benign value unless a rule names the field.
    Guarded,
    /// Nobody has looked at it yet: treated as guarded.
    Unclassified,
}

/// The risk of a field or parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Risk {
    /// Whether a rule must name it.
    pub guard: Guard,
    /// What it can do. Empty for what is harmless.
    pub classes: &'static [RiskClass],
    /// The values that a guarded field may always have.
    pub benign: &'static [Benign],
}

/// A value, or a set of values, that does no harm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Benign {
    /// The field is absent (or null, which means the same).
    Absent,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A text, byte for byte.
    Text(&'static str),
    /// `[]` or `{}`.
    Empty,
    /// A list, or a list of lists, whose every text is one of these.
    Each(&'static [&'static str]),
    /// A map whose every key is one of these.
    Keys(&'static [&'static str]),
}

/// The kind of value a schema stands for.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// An integer within these bounds, both included.
    Int {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: u64,
    },
    /// A finite number.
    Float,
    /// Text.
    Text,
    /// Text out of a closed vocabulary.
    Enum(&'static Vocabulary),
    /// Bytes, written in the standard base64 alphabet with padding.
    Bytes,
    /// A list.
    List(&'static Schema),
    /// A map from text to values.
    Map(&'static Schema),
    /// An object with named fields.
    Object(&'static ObjectDef),
}

impl Kind {
    /// Go's `int64`, and `int` wherever the Engine runs.
    pub const INT64: Self = Self::int(i64::MIN, i64::MAX.unsigned_abs());
    /// Go's `int32`.
    pub const INT32: Self = Self::int(-0x8000_0000, 0x7fff_ffff);
    /// Go's `uint64`.
    pub const UINT64: Self = Self::int(0, u64::MAX);
    /// Go's `uint32`.
    pub const UINT32: Self = Self::int(0, 0xffff_ffff);
    /// Go's `uint16`.
    pub const UINT16: Self = Self::int(0, 0xffff);

    const fn int(min: i64, max: u64) -> Self {
        Self::Int { min, max }
    }
}

/// A closed vocabulary.
#[derive(Debug)]
pub struct Vocabulary {
    /// The words, in their canonical spelling.
    pub words: &'static [&'static str],
    /// Whether the Engine reads them in any case. ASCII case only is accepted,
    /// and the canonical spelling is forwarded.
    pub any_case: bool,
    /// A word that may stand for any of the others, if there is one.
    pub wide: Option<&'static str>,
}

/// What a value may look like.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Its kind.
    pub kind: Kind,
    /// For text: what the text says. For a map: what its keys say.
    pub format: Option<Format>,
    /// What `null` is where this is a list's element or a map's value.
    pub null: NullElement,
    /// Whether a single text stands for a list of one.
    pub text_or_list: bool,
    /// Whether the text may be shown in logs and messages.
    pub printable: bool,
    /// The smallest and largest number of elements of a list.
    pub items: Option<(usize, usize)>,
}

impl Schema {
    /// A schema of this kind, nothing else said.
    pub const fn plain(kind: Kind) -> Self {
        Self {
            kind,
            format: None,
            null: NullElement::Refused,
            text_or_list: false,
            printable: false,
            items: None,
        }
    }
}

/// What `null` means where an element or a map's value is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullElement {
    /// Nothing that can be relied on: refused.
    Refused,
    /// An empty object, list or map, and forwarded as such.
    Empty,
    /// A value of its own, forwarded as `null`.
    Kept,
}

/// What an absent or a zero value means to the Engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the feature is not used.
    Nothing,
    /// No limit at all.
    Unlimited,
    /// What the image says.
    Image,
    /// What the object already has: nothing changes.
    Unchanged,
    /// The Engine's own default, named here.
    Default(&'static str),
    /// The zero is a value like any other (`false`, `0`).
    Value,
}

/// An object's definition.
#[derive(Debug)]
pub struct ObjectDef {
    /// Its fields, in the order in which they are written.
    pub fields: &'static [FieldDef],
    /// The hash table of the fields' names: indexes, or empty slots.
    pub lookup: &'static [u16],
    /// Whether names that the definition does not have are dropped rather than
    /// refused (registry credentials: the Engine ignores them too).
    pub drop_unknown: bool,
}

/// A field of an object.
#[derive(Debug)]
pub struct FieldDef {
    /// Its name, exactly as the Engine writes it.
    pub name: &'static str,
    /// What it holds.
    pub schema: Schema,
    /// What it can do.
    pub risk: Risk,
    /// The versions that have it.
    pub span: Span,
    /// Whether an Engine that has it reads it in requests of all versions, not of
    /// those alone.
    pub any_version: bool,
    /// Whether the description requires it (the Engine's decoder does not).
    pub required: bool,
    /// What its absence means.
    pub absent: Effect,
    /// What its zero value means.
    pub zero: Effect,
}

/// How the Engine reads a query parameter or header.
#[derive(Clone, Copy, Debug)]
pub enum Reading {
    /// The text itself. An empty text is the same as absence.
    Text,
    /// False for empty, `0`, `no`, `false`, `none` in any case, true otherwise.
    Bool,
    /// As [`Reading::Bool`], but an empty value is absence.
    BoolOrAbsent,
    /// `strconv.ParseBool`: twelve spellings and the empty text.
    StrictBool,
    /// A decimal integer; empty is absence.
    Integer,
    /// JSON text in the shape of the schema.
    Json,
    /// The `filters` parameter: an object of lists, or of maps to booleans.
    Filters,
    /// Base64 (URL alphabet) of JSON text in the shape of the schema.
    Base64Json,
    /// All headers whose names begin with the parameter's, as a map.
    Prefix,
}

/// A path, query or header parameter.
#[derive(Debug)]
pub struct ParameterDef {
    /// Its name. Header names are matched in any case.
    pub name: &'static str,
    /// What it holds.
    pub schema: Schema,
    /// How its text becomes a value.
    pub reading: Reading,
    /// Whether it may be given several times (the schema is then a list).
    pub repeated: bool,
    /// Whether a second occurrence is dropped rather than refused.
    pub first_wins: bool,
    /// What it can do.
    pub risk: Risk,
    /// The versions that have it.
    pub span: Span,
    /// Whether it is required.
    pub required: bool,
    /// What its absence means.
    pub absent: Effect,
    /// What its zero value means.
    pub zero: Effect,
}

impl ParameterDef {
    /// What its value is once it is decoded: `filters` is a map from names to
    /// lists of terms, headers with a common beginning are a map to their texts.
    pub fn decoded(&'static self) -> &'static Schema {
        static TEXT: Schema = Schema::plain(Kind::Text);
        static TERMS: Schema = Schema::plain(Kind::List(&TEXT));
        static FILTERS: Schema = Schema::plain(Kind::Map(&TERMS));
        static HEADERS: Schema = Schema::plain(Kind::Map(&TEXT));
        match self.reading {
            Reading::Filters => &FILTERS,
            Reading::Prefix => &HEADERS,
            _ => &self.schema,
        }
    }
}

/// A piece of a path template.
#[derive(Clone, Copy, Debug)]
pub enum Segment {
    /// A literal segment.
    Literal(&'static str),
    /// A parameter that is one segment.
    One(&'static str),
    /// A parameter that may hold slashes, and so span several segments.
    Many(&'static str),
}

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub enum BodyDef {
    /// None. What clients put there is read within a bound and dropped.
    None,
    /// One JSON value.
    Json {
        /// Its schema.
        schema: &'static Schema,
        /// Whether the Engine refuses an empty body.
        required: bool,
    },
    /// Bytes that are passed through, with the content type to forward.
    Stream {
        /// The content type that the Engine is told.
        content_type: &'static str,
    },
}

/// Whether an operation turns its connection into a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hijack {
    /// Never.
    Never,
    /// Always.
    Always {
        /// The `Upgrade` token that goes to the Engine, where one is needed.
        upgrade: &'static str,
    },
    /// Unless this boolean field of the body is true.
    Unless {
        /// The field of the body.
        field: &'static str,
        /// The `Upgrade` token.
        upgrade: &'static str,
    },
}

/// When a request is one face of an operation rather than the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The query parameter is given and not empty.
    QueryGiven(&'static str),
    /// The query parameter is absent or empty.
    QueryAbsent(&'static str),
}

/// Everything there is to know of one operation.
#[derive(Debug)]
pub struct OperationDef {
    /// Its place in the table of operations.
    pub index: u16,
    /// Its name (the description's `operationId`).
    pub name: &'static str,
    /// Its tag, in the singular: `Container`, `Image`.
    pub tag: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path template, such as `/containers/{id}/json`.
    pub path: &'static str,
    /// The template in pieces.
    pub segments: &'static [Segment],
    /// The versions that have it.
    pub span: Span,
    /// What it does.
    pub access: AccessClass,
    /// What it can do to others.
    pub risk: &'static [RiskClass],
    /// The operation (by its place) that this is a variant of, and when.
    pub variant_of: Option<(u16, Variant)>,
    /// Its variants, by their places. An operation with variants never matches by itself.
    pub variants: &'static [u16],
    /// Parameters in the path.
    pub path_parameters: &'static [ParameterDef],
    /// Parameters in the query.
    pub query: &'static [ParameterDef],
    /// Parameters in headers.
    pub headers: &'static [ParameterDef],
    /// Its body.
    pub body: BodyDef,
    /// Whether it hijacks the connection.
    pub hijack: Hijack,
    /// Whether what runs inside voids field rules.
    pub opaque: bool,
    /// Derived fields that policies may name (`reference`, `networks`, `mounts`).
    pub derived: &'static [&'static str],
    /// Query parameters that known clients send and the Engine never reads.
    pub query_noise: &'static [&'static str],
    /// Body fields (dotted paths) that known clients send and the Engine never reads.
    pub body_noise: &'static [&'static str],
}

/// A route that the Engine serves and opgate always refuses.
#[derive(Debug)]
pub struct UnsupportedRoute {
    /// The method.
    pub method: &'static str,
    /// The path template.
    pub path: &'static str,
    /// The template in pieces.
    pub segments: &'static [Segment],
    /// Why it is refused.
    pub reason: &'static str,
}

/// One way through the route table.
#[derive(Debug)]
pub struct Route {
    /// The template in pieces.
    pub segments: &'static [Segment],
    /// Where it leads.
    pub leads_to: LeadsTo,
}

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeadsTo {
    /// To an operation, by its place.
    Operation(u16),
    /// To a route that is always refused, by its place.
    Unsupported(u16),
}

/// The routes of one method and one first segment, the more specific first.
#[derive(Debug)]
pub struct RouteGroup {
    /// The method.
    pub method: &'static str,
    /// The first segment of all of them.
    pub first: &'static str,
    /// The routes, in the order in which they are tried.
    pub routes: &'static [Route],
}

//! What a description says, as the generator means it: no YAML, no tokens.
//!
//! [`lower`](crate::lower) makes one [`Api`] of each description,
//! [`union`](crate::union) makes one of all of them, and
//! [`emit`](crate::emit) prints it. The types mirror the run-time ones of
//! `opgate::api::definition`, which document what each part means.

/// The operations of one version, or of all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Api {
    /// The newest minor version.
    pub newest: u16,
    /// Operations, in the order of the description.
    pub operations: Vec<Operation>,
    /// Routes that are known and always refused.
    pub unsupported: Vec<Unsupported>,
}

/// Minor versions that have a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub since: u16,
    /// The last, or `None` when the newest has it.
    pub until: Option<u16>,
}

/// A route that is known and always refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// `GET`, `POST`, ….
    pub method: String,
    /// The path template.
    pub path: String,
    /// The template in pieces.
    pub segments: Vec<Segment>,
    /// Why.
    pub reason: String,
}

/// A piece of a path template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A literal.
    Literal(String),
    /// One segment.
    One(String),
    /// One or more segments.
    Many(String),
}

/// An operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// The `operationId`.
    pub name: String,
    /// The first tag.
    pub tag: String,
    /// `GET`, `POST`, ….
    pub method: String,
    /// The path template.
    pub path: String,
    /// The template in pieces.
    pub segments: Vec<Segment>,
    /// Versions.
    pub span: Span,
    /// Access class, as the overlay names it; `None` when it does not.
    pub access: Option<String>,
    /// Risk classes.
    pub risk: Vec<String>,
    /// When the connection is hijacked.
    pub hijack: Option<Hijack>,
    /// Of which operation it is a variant, and when.
    pub variant_of: Option<(String, Variant)>,
    /// Names of its variants.
    pub variants: Vec<String>,
    /// Whether field rules are void inside.
    pub opaque: bool,
    /// Derived fields.
    pub derived: Vec<String>,
    /// Known noise in the query.
    pub query_noise: Vec<String>,
    /// Known noise in the body.
    pub body_noise: Vec<String>,
    /// Path parameters.
    pub path_parameters: Vec<Parameter>,
    /// Query parameters.
    pub query: Vec<Parameter>,
    /// Header parameters.
    pub headers: Vec<Parameter>,
    /// The body.
    pub body: Body,
}

/// When a connection is hijacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hijack {
    /// The boolean body field that, when true, leaves the connection as it is.
    pub unless: Option<String>,
    /// The `Upgrade` token.
    pub upgrade: String,
}

/// When a request is a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The query parameter is given.
    QueryGiven(String),
    /// It is absent.
    QueryAbsent(String),
}

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its schema.
    pub schema: Schema,
    /// How the Engine reads it.
    pub reading: Reading,
    /// Whether it may be given several times.
    pub repeated: bool,
    /// Whether a second one is dropped.
    pub first_wins: bool,
    /// Risk.
    pub risk: Risk,
    /// Versions.
    pub span: Span,
    /// Whether it is required.
    pub required: bool,
    /// What absence means.
    pub absent: Effect,
    /// What the zero value means.
    pub zero: Effect,
}

/// How the Engine reads a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "documented at run time: opgate::api::definition::Reading"
)]
pub enum Reading {
    Text,
    Bool,
    BoolOrAbsent,
    StrictBool,
    Integer,
    Json,
    Filters,
    Base64Json,
    Prefix,
}

/// A body.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// None.
    None,
    /// One JSON value.
    Json {
        /// Its schema.
        schema: Schema,
        /// Whether it may not be empty.
        required: bool,
    },
    /// Bytes of this content type.
    Stream(String),
}

/// What a value may look like.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// Its kind.
    pub kind: Kind,
    /// The format of text or of a map's keys.
    pub format: Option<String>,
    /// What `null` means as an element.
    pub null: NullElement,
    /// Whether a text stands for a list of one.
    pub text_or_list: bool,
    /// Whether it may be shown.
    pub printable: bool,
    /// Bounds of a list's length.
    pub items: Option<(usize, usize)>,
}

/// What `null` means as an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "documented at run time: opgate::api::definition::NullElement"
)]
pub enum NullElement {
    Refused,
    Empty,
    Kept,
}

/// A kind of value.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "documented at run time: opgate::api::definition::Kind"
)]
pub enum Kind {
    Bool,
    Int(Integer),
    Float,
    Text,
    Enum { words: Vec<String>, any_case: bool },
    Bytes,
    List(Box<Schema>),
    Map(Box<Schema>),
    Object(Object),
}

/// The integers of Go that the Engine decodes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Go's")]
pub enum Integer {
    Int64,
    Int32,
    Uint64,
    Uint32,
    Uint16,
}

impl Integer {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int64 => "int64",
            Self::Int32 => "int32",
            Self::Uint64 => "uint64",
            Self::Uint32 => "uint32",
            Self::Uint16 => "uint16",
        }
    }
}

/// An object.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its fields.
    pub fields: Vec<Field>,
    /// Whether unknown names are dropped.
    pub drop_unknown: bool,
}

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its schema.
    pub schema: Schema,
    /// Risk.
    pub risk: Risk,
    /// Versions.
    pub span: Span,
    /// Whether an Engine that has it reads it in requests of all versions.
    pub any_version: bool,
    /// Whether the description requires it.
    pub required: bool,
    /// What absence means.
    pub absent: Effect,
    /// What the zero value means.
    pub zero: Effect,
}

/// What an absent or zero value means.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "documented at run time: opgate::api::definition::Effect"
)]
pub enum Effect {
    Nothing,
    Unlimited,
    Image,
    Unchanged,
    Default(String),
    Value,
}

/// The risk of a field or parameter. `None` is unclassified.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Risk {
    /// Whether a rule must name it, or `None` when nobody said.
    pub guard: Option<Guard>,
    /// Risk classes.
    pub classes: Vec<String>,
    /// Benign values.
    pub benign: Vec<Benign>,
}

/// Whether a rule must name a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// No.
    Open,
    /// Yes.
    Guarded,
}

/// A benign value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "documented at run time: opgate::api::definition::Benign"
)]
pub enum Benign {
    Absent,
    Bool(bool),
    Int(i64),
    Text(String),
    Empty,
    Each(Vec<String>),
    Keys(Vec<String>),
}

impl Schema {
    /// A schema of this kind, nothing else said.
    pub fn plain(kind: Kind) -> Self {
        Self {
            kind,
            format: None,
            null: NullElement::Refused,
            text_or_list: false,
            printable: false,
            items: None,
        }
    }

    /// A word for the kind, for the index and for messages.
    pub fn type_name(&self) -> String {
        match &self.kind {
            Kind::Bool => "bool".into(),
            Kind::Int(integer) => integer.name().into(),
            Kind::Float => "float".into(),
            Kind::Text => "text".into(),
            Kind::Enum { words, any_case } => format!(
                "enum({}){}",
                words.join("|"),
                if *any_case { " any case" } else { "" }
            ),
            Kind::Bytes => "base64".into(),
            Kind::List(element) => format!("list of {}", element.type_name()),
            Kind::Map(value) => format!("map of {}", value.type_name()),
            Kind::Object(_) => "object".into(),
        }
    }
}

//! A request on its way: each type is made only from the one before it.
//!
//! ```text
//! RequestHead --Gate::head--> Matched --Gate::judge--> Permit --proxy--> Engine
//! ```
//!
//! [`Decoded`] is what policies look at: typed values, nothing of the request's
//! own bytes. A [`Permit`] is what the proxy forwards: an encoding ([`Encoded`])
//! of exactly the values that were judged. None has a public constructor.

mod older;

use std::sync::Arc;

use bytes::Bytes;

pub use older::Older;

use crate::api::Operation;
use crate::api::decode::{self, DecodeError, Parameters, Versions};
use crate::api::definition::{ApiVersion, BodyDef, Hijack, Kind, OperationDef, Variant};
use crate::api::value::{Object, Value};
use crate::api::{encode, shown};
use crate::policy::RuleName;
use crate::route::{MatchedOperation, RouteError, Target, Version, route};

/// Room for an encoded body: what the docker CLI sends to create a container.
const BODY_GUESS: usize = 2048;

/// A request's head as it came, after framing was checked and nothing else.
#[derive(Clone, Copy)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a str,
    /// The raw target.
    pub target: &'a str,
    /// The headers, in order.
    pub headers: &'a [(&'a str, &'a [u8])],
}

impl std::fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl<'a> RequestHead<'a> {
    /// Finds the operation of the method and target.
    pub fn route(&self) -> Result<MatchedOperation<'a>, RequestError> {
        Ok(route(self.method, &Target::parse(self.target)?)?)
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

/// Why a request cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The method and target lead to no operation.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// A parameter, header or body has no meaning, or more than one.
    #[error("{operation}: {error}")]
    Decode {
        /// The operation.
        operation: &'static str,
        /// What is wrong, and where.
        error: DecodeError,
    },
    /// The version is not served.
    #[error(transparent)]
    Version(#[from] VersionError),
}

/// Why a version is not served, in the Engine's own words, which clients know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// The client asks for an older version than is served.
    #[error(
        "client version {asked} is too old. Minimum supported API version is {minimum}, \
         please upgrade your client to a newer version"
    )]
    TooOld {
        /// What was asked for.
        asked: Version,
        /// The oldest that is served.
        minimum: ApiVersion,
    },
    /// The client asks for a newer version than is served.
    #[error("client version {asked} is too new. Maximum supported API version is {maximum}")]
    TooNew {
        /// What was asked for.
        asked: Version,
        /// The newest that is served.
        maximum: ApiVersion,
    },
    /// The client would not understand the answer in any version that is served.
    #[error(
        "client version {asked} is too old for {operation}, whose answers are others since API \
         version {since}: {why}"
    )]
    Answer {
        /// What was asked for.
        asked: Version,
        /// The operation.
        operation: Operation,
        /// The version that changed the answer.
        since: ApiVersion,
        /// What is different.
        why: &'static str,
    },
}

/// The versions that the Engine serves, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineVersion {
    /// The oldest.
    pub min: ApiVersion,
    /// The newest.
    pub max: ApiVersion,
}

impl EngineVersion {
    /// Every version that opgate knows.
    pub const EVERY: Self = Self {
        min: crate::api::OLDEST,
        max: crate::api::NEWEST,
    };

    /// The versions that both the Engine and opgate serve, or `None`.
    pub fn common(self) -> Option<Self> {
        let common = Self {
            min: self.min.max(crate::api::OLDEST),
            max: self.max.min(crate::api::NEWEST),
        };
        (common.min <= common.max).then_some(common)
    }

    /// The version in which a request is forwarded; `self` is what is served.
    fn choose(self, asked: Option<Version>) -> Result<ApiVersion, VersionError> {
        let Some(asked) = asked else {
            return Ok(self.max);
        };
        match asked.api() {
            Some(version) if version < self.min => Err(VersionError::TooOld {
                asked,
                minimum: self.min,
            }),
            Some(version) if version <= self.max => Ok(version),
            None if asked.major == 0 => Err(VersionError::TooOld {
                asked,
                minimum: self.min,
            }),
            _ => Err(VersionError::TooNew {
                asked,
                maximum: self.max,
            }),
        }
    }
}

/// A request whose head is decoded: the operation is known, the variant, too.
pub struct DecodedHead<'a> {
    definition: &'static OperationDef,
    version: Option<Version>,
    older: Older,
    path: Parameters<'a>,
    query: Parameters<'a>,
    headers: Parameters<'a>,
    /// Whether the first `Content-Type` is JSON.
    json: bool,
    user_agent: Option<&'a str>,
    dropped: Vec<String>,
}

impl std::fmt::Debug for DecodedHead<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecodedHead")
            .field("operation", &self.definition.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl<'a> DecodedHead<'a> {
    /// Routes and decodes a head.
    pub fn decode(head: &RequestHead<'a>) -> Result<Self, RequestError> {
        Self::of(head.route()?, head)
    }

    /// Decodes a head whose operation is known.
    pub fn of(matched: MatchedOperation<'a>, head: &RequestHead<'a>) -> Result<Self, RequestError> {
        let mut dropped = Vec::new();
        let base = matched.definition();
        let of = |error| RequestError::Decode {
            operation: base.name,
            error,
        };
        let definition = variant(&matched).map_err(of)?;
        let of = |error| RequestError::Decode {
            operation: definition.name,
            error,
        };
        let query = decode::query(
            definition.query,
            definition.query_noise,
            matched.query(),
            &mut dropped,
        )
        .map_err(of)?;
        let headers =
            decode::headers(definition.headers, head.headers, &mut dropped).map_err(of)?;
        Ok(Self {
            definition,
            version: matched.version(),
            older: Older::Refused,
            path: matched.into_path(),
            query,
            headers,
            json: head.header("content-type").is_some_and(is_json),
            user_agent: head
                .header("user-agent")
                .and_then(|agent| std::str::from_utf8(agent).ok())
                .filter(|agent| !agent.chars().any(char::is_control)),
            dropped,
        })
    }

    /// The operation's definition.
    pub fn definition(&self) -> &'static OperationDef {
        self.definition
    }

    /// The operation.
    pub fn operation(&self) -> Operation {
        self.definition.operation()
    }

    /// The same of a client whose requests for older versions become this.
    #[must_use]
    pub fn with(self, older: Older) -> Self {
        Self { older, ..self }
    }

    /// Decodes the body. `served` is what opgate and the Engine both serve.
    pub fn body(self, body: &'a [u8], served: EngineVersion) -> Result<Decoded<'a>, RequestError> {
        let (mut query, mut headers) = (self.query, self.headers);
        let mut dropped = self.dropped;
        let definition = self.definition;
        let of = |error| RequestError::Decode {
            operation: definition.name,
            error,
        };
        let operation = definition.operation();
        let (version, pinned) = self.older.choose(served, self.version, operation)?;
        // To the Engine, an operation that the version lacks is no page at all.
        if !definition.span.contains(version) {
            return Err(RouteError::NotFound.into());
        }
        let versions = Versions {
            asked: version,
            engine: served.max,
            pinned: pinned.is_some(),
        };
        versions
            .of_parameters("query", &mut query, &mut dropped)
            .and_then(|()| versions.of_parameters("header", &mut headers, &mut dropped))
            .map_err(of)?;
        let body = match definition.body {
            BodyDef::Json { .. } if body.is_empty() => Body::None,
            BodyDef::Json { schema, .. } => {
                if !self.json {
                    return Err(of(DecodeError::new(
                        "header.Content-Type",
                        "must be application/json",
                    )));
                }
                let noise = definition.body_noise;
                match decode::body(schema, body, noise, versions, &mut dropped).map_err(of)? {
                    // The Engine takes `null` for a body that says nothing.
                    Value::Null => Body::None,
                    value => Body::Json(value),
                }
            }
            BodyDef::Stream { content_type } => Body::Stream(content_type),
            BodyDef::None => Body::None,
        };
        if let Some(asked) = pinned.and_then(Version::api)
            && let Some(place) = older::gone(operation, asked, version, &query, &body)
        {
            let reason = format!("API version {version} has it no more");
            return Err(of(DecodeError::new(place, reason)));
        }
        Ok(Decoded {
            definition,
            versions,
            pinned,
            path: self.path,
            query,
            headers,
            user_agent: self.user_agent,
            body,
            dropped,
        })
    }
}

/// The definition that a request has: the operation's own, or its variant's.
///
/// Only which parameter is given decides, so the query is looked at under the
/// base definition and then decoded under the variant's.
fn variant(matched: &MatchedOperation<'_>) -> Result<&'static OperationDef, DecodeError> {
    let base = matched.definition();
    if base.variants.is_empty() {
        return Ok(base);
    }
    let query = decode::query(
        base.query,
        base.query_noise,
        matched.query(),
        &mut Vec::new(),
    )?;
    base.variants()
        .find(|variant| match variant.variant_of {
            Some((_, Variant::QueryGiven(name))) => query.get(name).is_some(),
            Some((_, Variant::QueryAbsent(name))) => query.get(name).is_none(),
            None => false,
        })
        .ok_or_else(|| DecodeError::new("query", "fits no variant of the operation"))
}

/// Whether a content type is JSON to the Engine: the media type in any case,
/// with any parameters, as long as they are well-formed and none comes twice.
fn is_json(value: &[u8]) -> bool {
    // Longer than any that says something; names are compared pair by pair.
    const LONGEST: usize = 256;
    let Ok(value) = std::str::from_utf8(value) else {
        return false;
    };
    if value.len() > LONGEST {
        return false;
    }
    let (media_type, parameters) = value.split_once(';').unwrap_or((value, ""));
    if !media_type.trim().eq_ignore_ascii_case("application/json") {
        return false;
    }
    let parameters = parameters.trim();
    let parameters = parameters.strip_suffix(';').unwrap_or(parameters);
    let mut names = Vec::new();
    parameters.is_empty()
        || parameters.split(';').all(|parameter| {
            let Some((name, value)) = parameter.trim().split_once('=') else {
                return false;
            };
            // What has a quotation mark at one end only is no token.
            let value = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'))
                .unwrap_or(value);
            let name = name.to_ascii_lowercase();
            let well_formed = is_token(&name) && is_token(value) && !names.contains(&name);
            names.push(name);
            well_formed
        })
}

/// Whether a text is a token of HTTP.
fn is_token(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(known)
}

/// A body, decoded.
#[derive(Clone, Debug)]
pub enum Body<'a> {
    /// None.
    None,
    /// One JSON value.
    Json(Value<'a>),
    /// Bytes of this content type, which pass through.
    Stream(&'static str),
}

/// A request that is understood: typed values under a definition.
#[derive(Clone)]
pub struct Decoded<'a> {
    definition: &'static OperationDef,
    versions: Versions,
    /// The older version that was asked for.
    pinned: Option<Version>,
    path: Parameters<'a>,
    query: Parameters<'a>,
    headers: Parameters<'a>,
    user_agent: Option<&'a str>,
    body: Body<'a>,
    dropped: Vec<String>,
}

impl std::fmt::Debug for Decoded<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoded")
            .field("operation", &self.definition.name)
            .field("version", &self.versions.asked)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

impl<'a> Decoded<'a> {
    /// The operation's definition.
    pub fn definition(&self) -> &'static OperationDef {
        self.definition
    }

    /// The operation.
    pub fn operation(&self) -> Operation {
        self.definition.operation()
    }

    /// The version in which it will be forwarded.
    pub fn version(&self) -> ApiVersion {
        self.versions.asked
    }

    /// The older version that the client asked for instead.
    pub fn pinned(&self) -> Option<Version> {
        self.pinned
    }

    /// The path parameters.
    pub fn path(&self) -> &Parameters<'a> {
        &self.path
    }

    /// The query parameters.
    pub fn query(&self) -> &Parameters<'a> {
        &self.query
    }

    /// The header parameters.
    pub fn headers(&self) -> &Parameters<'a> {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &Body<'a> {
        &self.body
    }

    /// What was left out: names that the definitions do not know, and what the
    /// version does not have.
    pub fn dropped(&self) -> &[String] {
        &self.dropped
    }

    /// The query parameters, for rewrites to change.
    pub(crate) fn query_mut(&mut self) -> &mut Parameters<'a> {
        &mut self.query
    }

    /// The header parameters, for rewrites to change.
    pub(crate) fn headers_mut(&mut self) -> &mut Parameters<'a> {
        &mut self.headers
    }

    /// The body, for rewrites to change. One that is not there becomes an object
    /// without fields if `create` says so.
    pub(crate) fn body_mut(&mut self, create: bool) -> Option<&mut Value<'a>> {
        if create
            && let Body::None = self.body
            && let BodyDef::Json { schema, .. } = self.definition.body
            && let Kind::Object(object) = schema.kind
        {
            self.body = Body::Json(Value::Object(Object::empty(object)));
        }
        match &mut self.body {
            Body::Json(value) => Some(value),
            Body::None | Body::Stream(_) => None,
        }
    }

    /// Takes out what the version of the request does not have, and names the first
    /// of it. A request that was decoded has nothing of the kind; one that was
    /// rewritten may.
    pub(crate) fn take_out_other_versions(&mut self) -> Option<String> {
        let mut dropped = Vec::new();
        let (versions, query, headers) = (self.versions, &mut self.query, &mut self.headers);
        let taken = versions
            .of_parameters("query", query, &mut dropped)
            .and_then(|()| versions.of_parameters("header", headers, &mut dropped))
            .and_then(|()| match &mut self.body {
                Body::Json(value) => versions.of_fields("body", value, &mut dropped),
                Body::None | Body::Stream(_) => Ok(()),
            });
        match taken {
            Ok(()) => dropped.into_iter().next(),
            Err(error) => Some(error.place),
        }
    }

    /// Everything that is given, a line each, with the values that may be shown.
    pub fn shown(&self) -> Vec<String> {
        let mut lines = Vec::new();
        shown::parameters("path", &self.path, &mut lines);
        shown::parameters("query", &self.query, &mut lines);
        shown::parameters("header", &self.headers, &mut lines);
        if let (BodyDef::Json { schema, .. }, Body::Json(value)) =
            (self.definition.body, &self.body)
        {
            shown::lines(schema, value, "body", &mut lines);
        }
        lines
    }

    /// Whether the Engine will turn the connection into a tunnel, and the
    /// `Upgrade` token that names its protocol.
    pub fn tunnel(&self) -> Option<&'static str> {
        match self.definition.hijack {
            Hijack::Never => None,
            Hijack::Always { upgrade } => Some(upgrade),
            Hijack::Unless { field, upgrade } => {
                let set = match &self.body {
                    Body::Json(Value::Object(body)) => body.get(field).and_then(Value::as_bool),
                    _ => None,
                };
                (set != Some(true)).then_some(upgrade)
            }
        }
    }

    /// Encodes the request. This is what would be forwarded; what may be
    /// forwarded is a [`Permit`], and only policies make those.
    pub fn encode(self) -> Encoded {
        let mut target = format!("/v{}", self.versions.asked);
        encode::path(self.definition.segments, &self.path, &mut target);
        encode::query(&self.query, &mut target);
        let mut headers = encode::headers(&self.headers);
        if let Some(agent) = self.user_agent {
            headers.push(("User-Agent".to_owned(), agent.to_owned()));
        }
        let tunnel = self.tunnel();
        let body = match &self.body {
            Body::None => EncodedBody::Empty,
            Body::Stream(content_type) => EncodedBody::Stream { content_type },
            Body::Json(value) => {
                let mut bytes = Vec::with_capacity(BODY_GUESS);
                encode::json(value, &mut bytes);
                EncodedBody::Json(bytes.into())
            }
        };
        Encoded {
            definition: self.definition,
            version: self.versions.asked,
            pinned: self.pinned,
            target,
            headers,
            body,
            tunnel,
            dropped: self.dropped,
        }
    }
}

/// A request in the one spelling that the Engine is sent.
#[derive(Clone)]
pub struct Encoded {
    definition: &'static OperationDef,
    version: ApiVersion,
    pinned: Option<Version>,
    target: String,
    headers: Vec<(String, String)>,
    body: EncodedBody,
    tunnel: Option<&'static str>,
    dropped: Vec<String>,
}

/// The body of an encoded request.
#[derive(Clone, Debug)]
pub enum EncodedBody {
    /// None.
    Empty,
    /// One JSON value, encoded.
    Json(Bytes),
    /// The client's bytes, under this content type.
    Stream {
        /// The content type that the Engine is told.
        content_type: &'static str,
    },
}

impl std::fmt::Debug for Encoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoded")
            .field("operation", &self.definition.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Encoded {
    /// The operation.
    pub fn operation(&self) -> Operation {
        self.definition.operation()
    }

    /// The version in which it is forwarded.
    pub fn version(&self) -> ApiVersion {
        self.version
    }

    /// The older version that the client asked for instead.
    pub fn pinned(&self) -> Option<Version> {
        self.pinned
    }

    /// The method.
    pub fn method(&self) -> &'static str {
        self.definition.method
    }

    /// The target.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The headers, without those of framing and connection.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &EncodedBody {
        &self.body
    }

    /// The `Upgrade` token, if the Engine will turn the connection into a
    /// tunnel.
    pub fn tunnel(&self) -> Option<&'static str> {
        self.tunnel
    }

    /// What was left out of the client's request.
    pub fn dropped(&self) -> &[String] {
        &self.dropped
    }
}

/// A request that may be forwarded: encoded, and judged before.
///
/// INVARIANT: only [`Policies::decide`](crate::policy::Policies::decide) makes
/// one, out of the values that it judged, and the proxy forwards nothing else.
#[derive(Clone, Debug)]
pub struct Permit {
    request: Encoded,
    rule: Arc<RuleName>,
    rewritten: Vec<String>,
}

impl Permit {
    /// A permit for what was judged, by the rule that allows it and that has
    /// rewritten the fields of these paths.
    pub(crate) fn of(judged: Decoded<'_>, rule: Arc<RuleName>, rewritten: Vec<String>) -> Self {
        Self {
            request: judged.encode(),
            rule,
            rewritten,
        }
    }

    /// The request to be forwarded.
    pub fn request(&self) -> &Encoded {
        &self.request
    }

    /// The rule that allows it.
    pub fn rule(&self) -> &Arc<RuleName> {
        &self.rule
    }

    /// The paths of what the rule has changed in the client's request.
    pub fn rewritten(&self) -> &[String] {
        &self.rewritten
    }
}

//! Valid values for every kind and format, and requests made of them.

use opgate::api::definition::{
    ApiVersion, BodyDef, FieldDef, Kind, NullElement, OperationDef, ParameterDef, Reading, Schema,
    Span, Variant,
};
use opgate::api::{NEWEST, Operation};
use opgate::format::Format;

/// A text that has this format.
pub(crate) fn formatted(format: Option<Format>) -> &'static str {
    let Some(format) = format else {
        return "some text";
    };
    match format.name() {
        "bind" => "/srv/data:/data:ro",
        "volumes-from" => "other:ro",
        "capability" => "NET_ADMIN",
        "port" => "80/tcp",
        "host-port" => "8080",
        "ip-address" => "127.0.0.1",
        "cidr" => "10.0.0.0/8",
        "mac-address" => "02:42:ac:11:00:02",
        "network-mode" => "bridge",
        "pid-mode" | "uts-mode" | "userns-mode" => "host",
        "ipc-mode" | "cgroupns-mode" => "private",
        "security-opt" => "no-new-privileges=true",
        "host-path" | "container-path" => "/srv/data",
        "device-cgroup-rule" => "c 1:3 rwm",
        "link" => "other:alias",
        "extra-host" => "name:10.0.0.1",
        "env" => "NAME=value",
        "signal" => "SIGTERM",
        "device-number" | "cpus" | "user" | "group" | "duration" | "bytes" | "seconds" => "1000",
        "timestamp" => "1700000000.5",
        "tmpfs-options" => "size=64m",
        "platform" => "linux/amd64",
        "sysctl-key" => "net.ipv4.ip_forward",
        "ulimit-name" => "nofile",
        "log-driver" => "json-file",
        "runtime" => "runc",
        "registry-host" => "registry.example.com",
        "detach-keys" => "ctrl-p,ctrl-q",
        "dockerfile-instruction" => "CMD true",
        "tag" => "latest",
        "url" => "http://example.com/x.tar",
        _ => "name1",
    }
}

/// The newest version of a span.
pub(crate) fn newest(span: Span) -> ApiVersion {
    span.until.unwrap_or(NEWEST)
}

/// A valid JSON value for a schema, with every field that the version has.
pub(crate) fn json(schema: &Schema, version: ApiVersion) -> String {
    match &schema.kind {
        Kind::Bool => "true".to_owned(),
        Kind::Int { .. } => "7".to_owned(),
        Kind::Float => "0.25".to_owned(),
        Kind::Text => format!("{:?}", formatted(schema.format)),
        Kind::Enum(vocabulary) => format!("{:?}", vocabulary.words[0]),
        Kind::Bytes => "\"aGVsbG8=\"".to_owned(),
        Kind::List(element) => {
            let count = schema.items.map_or(1, |(_, most)| most);
            format!("[{}]", vec![json(element, version); count].join(","))
        }
        Kind::Map(value) => {
            let key = schema
                .format
                .map_or("key", |format| formatted(Some(format)));
            format!("{{{key:?}:{}}}", json(value, version))
        }
        Kind::Object(object) => {
            let fields: Vec<String> = object
                .fields
                .iter()
                .filter(|field| field.span.contains(version))
                .map(|field| member(field, version))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
    }
}

/// A field with a valid value.
pub(crate) fn member(field: &FieldDef, version: ApiVersion) -> String {
    format!("{:?}:{}", field.name, json(&field.schema, version))
}

/// A place in a body: what stands around a value there.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The path, as policies write it.
    pub(crate) path: String,
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) schema: &'static Schema,
    /// The versions that have all on the way there.
    pub(crate) span: Span,
}

impl Place {
    /// A version that has the place.
    pub(crate) fn version(&self) -> ApiVersion {
        newest(self.span)
    }

    /// A body with a valid value at the place.
    pub(crate) fn sample(&self) -> String {
        self.holding(&json(self.schema, self.version()))
    }

    /// A body with this at the place, and nothing else.
    pub(crate) fn holding(&self, value: &str) -> String {
        format!("{}{value}{}", self.before, self.after)
    }

    fn inner(&self, path: &str, open: &str, close: &str, schema: &'static Schema) -> Self {
        Self {
            path: format!("{}{path}", self.path),
            before: format!("{}{open}", self.before),
            after: format!("{close}{}", self.after),
            schema,
            span: self.span,
        }
    }
}

/// Every field, element and map value of an operation's body, outermost first.
pub(crate) fn places(definition: &OperationDef) -> Vec<Place> {
    let body = body(definition).map(|schema| Place {
        path: "body".to_owned(),
        before: String::new(),
        after: String::new(),
        schema,
        span: definition.span,
    });
    let mut found: Vec<Place> = body.into_iter().collect();
    let mut next = 0;
    while next < found.len() {
        let place = found[next].clone();
        next += 1;
        match &place.schema.kind {
            Kind::List(element) if place.schema.items.is_none() => {
                found.push(place.inner("[]", "[", "]", element));
            }
            Kind::Map(value) => {
                let key = place
                    .schema
                    .format
                    .map_or("key", |format| formatted(Some(format)));
                found.push(place.inner("{}", &format!("{{{key:?}:"), "}", value));
            }
            Kind::Object(object) => {
                for field in object.fields {
                    let open = format!("{{{:?}:", field.name);
                    let path = format!(".{}", field.name);
                    // Nothing is in more versions than what holds it.
                    assert!(place.span.contains(field.span.since), "{path}");
                    let inner = place.inner(&path, &open, "}", &field.schema);
                    found.push(Place {
                        span: field.span,
                        ..inner
                    });
                }
            }
            _ => {}
        }
    }
    found
}

/// The schema of an operation's JSON body.
pub(crate) fn body(definition: &OperationDef) -> Option<&'static Schema> {
    match definition.body {
        BodyDef::Json { schema, .. } => Some(schema),
        BodyDef::None | BodyDef::Stream { .. } => None,
    }
}

/// A target without the parameters that are not needed to tell the variant.
pub(crate) fn target(definition: &OperationDef, version: ApiVersion) -> String {
    let mut target = format!("/v{version}");
    for piece in definition.path.split('/').skip(1) {
        target.push('/');
        match piece.strip_prefix('{') {
            Some(name) => {
                let name = name.trim_end_matches('}');
                let parameter = definition
                    .path_parameters
                    .iter()
                    .find(|parameter| parameter.name == name)
                    .unwrap();
                target.push_str(formatted(parameter.schema.format));
            }
            None => target.push_str(piece),
        }
    }
    let target = target.replace(' ', "%20");
    match definition.variant_of {
        Some((_, Variant::QueryGiven(name))) => format!("{target}?{name}=name1"),
        _ => format!("{target}?"),
    }
}

/// A valid text of a parameter.
pub(crate) fn parameter(parameter: &ParameterDef) -> String {
    let element = match &parameter.schema.kind {
        Kind::List(element) if parameter.repeated => element,
        _ => &parameter.schema,
    };
    match parameter.reading {
        Reading::Bool | Reading::BoolOrAbsent | Reading::StrictBool => "true".to_owned(),
        Reading::Integer => "7".to_owned(),
        Reading::Filters => r#"{"label":["a"]}"#.to_owned(),
        Reading::Json => json(element, newest(parameter.span)),
        Reading::Base64Json => {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE.encode(json(element, newest(parameter.span)))
        }
        Reading::Text | Reading::Prefix => match &element.kind {
            Kind::Enum(vocabulary) => vocabulary.words[0].to_owned(),
            _ => formatted(element.format).to_owned(),
        },
    }
}

/// Percent-encodes everything.
pub(crate) fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect::<Vec<_>>()
        .concat()
}

/// Operations that a request can be: those with variants are always one of them.
pub(crate) fn operations() -> impl Iterator<Item = &'static OperationDef> {
    Operation::ALL
        .into_iter()
        .map(Operation::definition)
        .filter(|definition| definition.variants.is_empty())
}

/// Whether null is a value there.
pub(crate) fn null_kept(schema: &Schema) -> bool {
    schema.null == NullElement::Kept
}

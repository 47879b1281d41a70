//! Operations: paths, parameters, bodies, variants.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::annotations::{Form, KNOWN};
use super::schemas::Within;
use super::{Lowering, entries, flag, text, texts};
use crate::ir::{Api, Body, Hijack, Kind, Operation, Parameter, Unsupported, Variant};

const METHODS: &[&str] = &["get", "head", "post", "put", "delete", "options", "patch"];

/// Keys of an operation that are understood, or known to say nothing of requests.
const OPERATION_KEYS: &[&str] = &[
    "deprecated",
    "operationId",
    "parameters",
    "requestBody",
    "responses",
    "tags",
];

/// Annotations of an operation.
const OPERATION_ANNOTATIONS: &[(&str, Form)] = &[
    ("x-opgate-access", Form::Word),
    ("x-opgate-body", Form::WordOrObject),
    ("x-opgate-derived", Form::Texts),
    ("x-opgate-fields", Form::Object),
    ("x-opgate-hijack", Form::Object),
    ("x-opgate-noise", Form::Object),
    ("x-opgate-opaque", Form::Flag),
    ("x-opgate-risk", Form::Object),
    ("x-opgate-unsupported", Form::Word),
    ("x-opgate-variants", Form::Object),
];

/// The derived fields there are.
const DERIVED: &[&str] = &["cpus", "mounts", "networks", "reference"];

/// The access classes there are.
const ACCESS: &[&str] = &[
    "list", "inspect", "content", "interact", "create", "change", "delete", "outbound", "single",
];

impl Lowering<'_> {
    pub(super) fn api(&mut self) -> Api {
        let document = self.document;
        let mut api = Api {
            newest: self.span.since,
            ..Api::default()
        };
        if document.get("paths").and_then(Value::as_object).is_none() {
            self.complain("paths", "a description without paths");
        }
        for (path, item) in entries(document.get("paths")) {
            for (method, operation) in entries(Some(item)) {
                let place = format!("paths.{path}.{method}");
                if !METHODS.contains(&method.as_str()) {
                    self.complain(&place, format!("`{method}` of a path is not understood"));
                    continue;
                }
                let Value::Object(operation) = operation else {
                    self.complain(&place, "an operation must be an object");
                    continue;
                };
                self.operation(&mut api, path, method, operation, &place);
            }
        }
        api
    }

    fn operation(
        &mut self,
        api: &mut Api,
        path: &str,
        method: &str,
        map: &Map<String, Value>,
        place: &str,
    ) {
        self.check_keys(
            map,
            OPERATION_KEYS,
            OPERATION_ANNOTATIONS,
            "an operation",
            place,
        );
        let method = method.to_ascii_uppercase();
        let parameters = self.parameters(map, place);
        let segments = self.segments(path, &parameters, place);
        if let Some(reason) = text(map, "x-opgate-unsupported") {
            api.unsupported.push(Unsupported {
                method,
                path: path.to_owned(),
                segments,
                reason: reason.to_owned(),
            });
            return;
        }
        let Some(name) = text(map, "operationId") else {
            self.complain_help(
                place,
                "an operation without `operationId`",
                "give it one with an overlay action",
            );
            return;
        };
        self.name(api, name, place);
        let body = self.body(map, place);
        let [query_noise, body_noise] = self.noise(map, &parameters.query, place);
        let derived = texts(map.get("x-opgate-derived"));
        for name in derived
            .iter()
            .filter(|name| !DERIVED.contains(&name.as_str()))
        {
            self.complain_help(
                place,
                format!("there is no derived field `{name}`"),
                &format!("the derived fields are {}", DERIVED.join(", ")),
            );
        }
        let operation = Operation {
            name: name.to_owned(),
            tag: texts(map.get("tags"))
                .into_iter()
                .next()
                .unwrap_or_default(),
            method,
            path: path.to_owned(),
            segments,
            span: self.span,
            access: self.access(map, place),
            risk: match map.get("x-opgate-risk") {
                Some(Value::Object(said)) => {
                    let parts = [("classes", Form::Texts)];
                    self.check_keys(said, &[], &parts, "an operation's `x-opgate-risk`", place);
                    self.risk_classes(said, place)
                }
                _ => Vec::new(),
            },
            hijack: self.hijack(map, &body, place),
            variant_of: None,
            variants: Vec::new(),
            opaque: flag(map, "x-opgate-opaque"),
            derived,
            query_noise,
            body_noise,
            path_parameters: parameters.path,
            query: parameters.query,
            headers: parameters.headers,
            body,
        };
        self.variants(api, operation, map.get("x-opgate-variants"), place);
    }

    /// An operation's name is a variant of the generated enumeration.
    fn name(&mut self, api: &Api, name: &str, place: &str) {
        let plain = name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && name != "Self";
        if !plain {
            self.complain_help(
                place,
                format!("`{name}` is not a name for an operation"),
                "give it one of ASCII letters and digits that begins with a capital",
            );
        }
        if let Some(other) = api.operations.iter().find(|other| other.name == name) {
            let (method, path) = (&other.method, &other.path);
            self.complain_help(
                place,
                format!("`{name}` is also the name of {method} `{path}`"),
                "rename one of them with an overlay action",
            );
        }
    }

    /// Known noise: what the operation declares is none.
    fn noise(
        &mut self,
        map: &Map<String, Value>,
        query: &[Parameter],
        place: &str,
    ) -> [Vec<String>; 2] {
        let Some(Value::Object(said)) = map.get("x-opgate-noise") else {
            return [Vec::new(), Vec::new()];
        };
        let parts = [("body", Form::Texts), ("query", Form::Texts)];
        self.check_keys(said, &[], &parts, "`x-opgate-noise`", place);
        let [noise, body] = ["query", "body"].map(|part| texts(said.get(part)));
        for name in noise
            .iter()
            .filter(|name| query.iter().any(|known| known.name == **name))
        {
            self.complain(
                place,
                format!("`{name}` is a query parameter, and no noise"),
            );
        }
        [noise, body]
    }

    fn access(&mut self, map: &Map<String, Value>, place: &str) -> Option<String> {
        let access = text(map, "x-opgate-access")?;
        if !ACCESS.contains(&access) {
            self.complain_help(
                place,
                format!("there is no access class `{access}`"),
                &format!("the classes are {}", ACCESS.join(", ")),
            );
        }
        Some(access.to_owned())
    }

    fn hijack(&mut self, map: &Map<String, Value>, body: &Body, place: &str) -> Option<Hijack> {
        let said = map.get("x-opgate-hijack")?.as_object()?;
        let parts = [
            ("unless", Form::Word),
            ("upgrade", Form::Word),
            ("when", Form::Word),
        ];
        self.check_keys(said, &[], &parts, "`x-opgate-hijack`", place);
        let upgrade = text(said, "upgrade").unwrap_or_default();
        if !["tcp", "h2c", "websocket"].contains(&upgrade) {
            self.complain(
                place,
                "`x-opgate-hijack` needs `upgrade: tcp|h2c|websocket`",
            );
        }
        let unless = text(said, "unless").map(str::to_owned);
        match (&unless, text(said, "when")) {
            (None, Some("always")) => {}
            (Some(field), None) if is_flag(body, field) => {}
            (Some(field), None) => self.complain(
                place,
                format!("`x-opgate-hijack` names `{field}`, which is no boolean field of the body"),
            ),
            _ => self.complain(
                place,
                "`x-opgate-hijack` needs `when: always` or `unless: FIELD`",
            ),
        }
        Some(Hijack {
            unless,
            upgrade: upgrade.to_owned(),
        })
    }

    /// Pushes the operation, and its variants behind it.
    fn variants(
        &mut self,
        api: &mut Api,
        mut base: Operation,
        variants: Option<&Value>,
        place: &str,
    ) {
        let mut made = Vec::new();
        for (name, said) in entries(variants) {
            let Value::Object(said) = said else {
                self.complain(place, format!("variant `{name}` must be an object"));
                continue;
            };
            let parts = [
                ("body", Form::Flag),
                ("derived", Form::Texts),
                ("parameters", Form::Texts),
                ("query-absent", Form::Word),
                ("query-given", Form::Word),
            ];
            self.check_keys(said, &[], &parts, "a variant", place);
            self.name(api, name, place);
            if *name == base.name {
                self.complain(place, format!("variant `{name}` has the operation's name"));
            }
            let when = match (text(said, "query-given"), text(said, "query-absent")) {
                (Some(query), None) => Variant::QueryGiven(query.to_owned()),
                (None, Some(query)) => Variant::QueryAbsent(query.to_owned()),
                _ => {
                    self.complain(
                        place,
                        format!("variant `{name}` needs either `query-given` or `query-absent`"),
                    );
                    continue;
                }
            };
            let (Variant::QueryGiven(query) | Variant::QueryAbsent(query)) = &when;
            if !base.query.iter().any(|known| known.name == *query) {
                self.complain(
                    place,
                    format!("variant `{name}` hangs on `{query}`, which is no query parameter"),
                );
            }
            let parameters = texts(said.get("parameters"));
            for parameter in &parameters {
                let known = |list: &[Parameter]| list.iter().any(|known| known.name == *parameter);
                if !known(&base.query) && !known(&base.headers) {
                    self.complain(
                        place,
                        format!("variant `{name}` names `{parameter}`, which the operation lacks"),
                    );
                }
            }
            let mut variant = base.clone();
            name.clone_into(&mut variant.name);
            // Those before it are the operation's, and no variants of this one.
            variant.variants.clear();
            variant.variant_of = Some((base.name.clone(), when));
            // What only the other variant reads is dropped: the Engine does not
            // look at it.
            let dropped = variant
                .query
                .iter()
                .filter(|parameter| !parameters.contains(&parameter.name))
                .map(|parameter| parameter.name.clone());
            variant.query_noise = base.query_noise.iter().cloned().chain(dropped).collect();
            let keep = |parameter: &Parameter| parameters.contains(&parameter.name);
            variant.query.retain(keep);
            variant.headers.retain(keep);
            if !flag(said, "body") {
                variant.body = Body::None;
            }
            variant.derived.extend(texts(said.get("derived")));
            base.variants.push(name.clone());
            made.push(variant);
        }
        api.operations.push(base);
        api.operations.append(&mut made);
    }

    fn body(&mut self, map: &Map<String, Value>, place: &str) -> Body {
        let json = map.get("x-opgate-body").is_none()
            && map
                .get("requestBody")
                .and_then(|request| request.get("content"))
                .is_some_and(|content| content.get("application/json").is_some());
        if map.contains_key("x-opgate-fields") && !json {
            self.complain(place, "`x-opgate-fields` is for bodies of JSON");
        }
        let overridden = map.get("x-opgate-body");
        match overridden {
            Some(Value::String(word)) if word == "none" => return Body::None,
            Some(Value::Object(said)) if text(said, "stream").is_some() => {
                return Body::Stream(text(said, "stream").unwrap_or_default().to_owned());
            }
            Some(_) => {
                self.complain_help(
                    place,
                    "`x-opgate-body` is not understood",
                    "write `none` or `{stream: TYPE}`",
                );
            }
            None => {}
        }
        let Some(request) = map.get("requestBody") else {
            return Body::None;
        };
        let place = format!("{place}.requestBody");
        let Some(content) = request.get("content").and_then(Value::as_object) else {
            self.complain(&place, "a request body without content");
            return Body::None;
        };
        let Some(media) = content.get("application/json") else {
            let Some(content_type) = content.keys().next() else {
                self.complain(&place, "a request body without content types");
                return Body::None;
            };
            return Body::Stream(content_type.clone());
        };
        let Some(schema) = media.get("schema") else {
            self.complain(&place, "a body of JSON without a schema");
            return Body::None;
        };
        for (path, change) in entries(map.get("x-opgate-fields")) {
            self.check_override(path, change, &place);
        }
        let mut overrides: BTreeMap<String, (Value, bool)> = entries(map.get("x-opgate-fields"))
            .map(|(path, change)| (path.clone(), (change.clone(), false)))
            .collect();
        let mut within = Within {
            references: Vec::new(),
            path: String::new(),
            overrides: &mut overrides,
        };
        let place = format!("{place}.content.application/json.schema");
        let lowered = self.schema(schema, &place, &mut within);
        if lowered.is_some() {
            for (path, _) in overrides.iter().filter(|(_, (_, used))| !used) {
                self.complain_help(
                    &place,
                    format!("`x-opgate-fields` names `{path}`, which the body does not have"),
                    "correct the path, or bound the overlay action to the versions that have it",
                );
            }
        }
        match lowered {
            Some((schema, _)) => Body::Json {
                schema,
                required: request.get("required").and_then(Value::as_bool) == Some(true),
            },
            None => Body::None,
        }
    }

    /// Overrides are annotations, or null to take one back.
    fn check_override(&mut self, path: &str, change: &Value, place: &str) {
        let Value::Object(change) = change else {
            self.complain(
                place,
                format!("`x-opgate-fields` of `{path}` must be an object"),
            );
            return;
        };
        let said: Map<String, Value> = change
            .iter()
            .filter(|(key, value)| !(value.is_null() && KNOWN.iter().any(|(name, _)| name == key)))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let what = format!("`x-opgate-fields` of `{path}`");
        self.check_keys(&said, &[], KNOWN, &what, place);
    }
}

/// Whether a field is a boolean at the top of a body.
fn is_flag(body: &Body, name: &str) -> bool {
    let Body::Json { schema, .. } = body else {
        return false;
    };
    let Kind::Object(object) = &schema.kind else {
        return false;
    };
    object
        .fields
        .iter()
        .any(|field| field.name == name && field.schema.kind == Kind::Bool)
}

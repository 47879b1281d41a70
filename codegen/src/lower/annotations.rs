//! Our own annotations on schemas: `x-opgate-*`.

use serde_json::{Map, Value};

use super::{Lowering, flag, text, texts};
use crate::ir::{Benign, Effect, Guard, Kind, NullElement, Risk, Schema};

/// The form of an annotation's value.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Flag,
    Word,
    WordOrObject,
    Object,
    Texts,
}

impl Form {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Flag => value.is_boolean(),
            Self::Word => value.is_string(),
            Self::WordOrObject => value.is_string() || value.is_object(),
            Self::Object => value.is_object(),
            Self::Texts => value
                .as_array()
                .is_some_and(|list| list.iter().all(Value::is_string)),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Word => "a word",
            Self::WordOrObject => "a word or an object",
            Self::Object => "an object",
            Self::Texts => "a list of texts",
        }
    }
}

/// Every annotation that a schema or parameter can carry.
pub(super) const KNOWN: &[(&str, Form)] = &[
    ("x-opgate-absent", Form::WordOrObject),
    ("x-opgate-any-case", Form::Flag),
    ("x-opgate-any-version", Form::Flag),
    ("x-opgate-drop-unknown", Form::Flag),
    ("x-opgate-first-wins", Form::Flag),
    ("x-opgate-format", Form::Word),
    ("x-opgate-ignored", Form::Flag),
    ("x-opgate-null-element", Form::Word),
    ("x-opgate-open-vocabulary", Form::Flag),
    ("x-opgate-printable", Form::Flag),
    ("x-opgate-reading", Form::Word),
    ("x-opgate-repeated", Form::Flag),
    ("x-opgate-risk", Form::Object),
    ("x-opgate-slashes", Form::Flag),
    ("x-opgate-text-or-list", Form::Flag),
    ("x-opgate-zero", Form::WordOrObject),
];

/// The semantic formats there are: the names of `opgate::format::Format`.
pub const FORMATS: &[&str] = &[
    "bind",
    "bytes",
    "capability",
    "cgroupns-mode",
    "cidr",
    "container-name",
    "container-path",
    "container-reference",
    "cpus",
    "detach-keys",
    "device-cgroup-rule",
    "device-number",
    "dockerfile-instruction",
    "duration",
    "env",
    "extra-host",
    "group",
    "host-path",
    "host-port",
    "hostname",
    "image-reference",
    "ip-address",
    "ipc-mode",
    "link",
    "log-driver",
    "mac-address",
    "mount-source",
    "network-mode",
    "network-reference",
    "pid-mode",
    "platform",
    "port",
    "registry-host",
    "runtime",
    "seconds",
    "security-opt",
    "security-opt-value",
    "signal",
    "sysctl-key",
    "tag",
    "timestamp",
    "tmpfs-options",
    "ulimit-name",
    "url",
    "user",
    "userns-mode",
    "uts-mode",
    "volume-name",
    "volumes-from",
];

/// The risk classes there are.
const RISK_CLASSES: &[&str] = &[
    "host-escape",
    "privilege",
    "cross-container",
    "exfiltration",
    "network",
    "resource",
    "persistence",
    "info-leak",
];

impl Lowering<'_> {
    /// Complains of keys that are neither among `keys` nor known annotations,
    /// and of annotations whose value has another form: it would be read as if
    /// nothing were said.
    pub(super) fn check_keys(
        &mut self,
        map: &Map<String, Value>,
        keys: &[&str],
        annotations: &[(&str, Form)],
        what: &str,
        place: &str,
    ) {
        for (key, value) in map {
            let known = annotations.iter().find(|(name, _)| name == key);
            match known {
                Some((_, form)) if !form.fits(value) => {
                    self.complain(place, format!("`{key}` must be {}", form.name()));
                }
                None if !keys.contains(&key.as_str()) => self.complain_help(
                    place,
                    format!("`{key}` of {what} is not understood"),
                    "remove it with an overlay action, or teach the generator what it means",
                ),
                _ => {}
            }
        }
    }

    /// Complains of annotations that only a field of an object can have.
    pub(super) fn no_field(&mut self, map: &Map<String, Value>, place: &str) {
        for key in ["x-opgate-any-version", "x-opgate-ignored"] {
            if map.contains_key(key) {
                self.complain(place, format!("`{key}` is for fields of objects"));
            }
        }
    }

    /// Reads what is said of the value itself.
    pub(super) fn annotate_schema(
        &mut self,
        schema: &mut Schema,
        map: &Map<String, Value>,
        place: &str,
    ) {
        schema.format = text(map, "x-opgate-format").map(str::to_owned);
        if let Some(format) = &schema.format
            && !FORMATS.contains(&format.as_str())
        {
            self.complain_help(
                place,
                format!("there is no format `{format}`"),
                &format!("the formats are {}", FORMATS.join(", ")),
            );
        }
        schema.printable = flag(map, "x-opgate-printable");
        schema.text_or_list = flag(map, "x-opgate-text-or-list");
        schema.null = match text(map, "x-opgate-null-element") {
            None => NullElement::Refused,
            Some("empty") => NullElement::Empty,
            Some("keep") => NullElement::Kept,
            Some(other) => {
                self.complain_help(
                    place,
                    format!("`x-opgate-null-element: {other}` is not understood"),
                    "write `empty` or `keep`",
                );
                NullElement::Refused
            }
        };
        let bound = |key: &str| {
            map.get(key)
                .and_then(Value::as_u64)
                .and_then(|bound| usize::try_from(bound).ok())
        };
        if let (Some(least), Some(most)) = (bound("minItems"), bound("maxItems")) {
            schema.items = Some((least, most));
        }
        if schema.text_or_list
            && !matches!(&schema.kind, Kind::List(element) if matches!(element.kind, Kind::Text))
        {
            self.complain(place, "`x-opgate-text-or-list` is for lists of text");
        }
        if flag(map, "x-opgate-any-case") && !matches!(schema.kind, Kind::Enum { .. }) {
            self.complain(place, "`x-opgate-any-case` is for closed vocabularies");
        }
        let named = |kind: &Kind| matches!(kind, Kind::Object(object) if !object.fields.is_empty());
        if flag(map, "x-opgate-drop-unknown") && !named(&schema.kind) {
            self.complain(place, "`x-opgate-drop-unknown` is for objects with fields");
        }
    }

    /// Reads `x-opgate-risk` of a value of this kind.
    pub(super) fn risk(&mut self, map: &Map<String, Value>, kind: &Kind, place: &str) -> Risk {
        let Some(said) = map.get("x-opgate-risk") else {
            return Risk::default();
        };
        let Value::Object(said) = said else {
            // Already complained of, by its form.
            return Risk::default();
        };
        let parts = [("classes", Form::Texts), ("guard", Form::Word)];
        self.check_keys(said, &["benign"], &parts, "`x-opgate-risk`", place);
        let guard = match text(said, "guard") {
            Some("open") => Some(Guard::Open),
            Some("guarded") => Some(Guard::Guarded),
            _ => {
                self.complain_help(
                    place,
                    "`x-opgate-risk` does not say whether the field is guarded",
                    "write `guard: open` or `guard: guarded`",
                );
                None
            }
        };
        let classes = self.risk_classes(said, place);
        let benign = match said.get("benign") {
            None if guard == Some(Guard::Guarded) => vec![Benign::Absent, zero(kind)],
            None => Vec::new(),
            Some(Value::Array(values)) => values
                .iter()
                .filter_map(|value| self.benign(value, place))
                .collect(),
            Some(_) => {
                self.complain(place, "`benign` must be a list");
                Vec::new()
            }
        };
        Risk {
            guard,
            classes,
            benign,
        }
    }

    /// Reads `classes`.
    pub(super) fn risk_classes(&mut self, said: &Map<String, Value>, place: &str) -> Vec<String> {
        let classes = texts(said.get("classes"));
        for class in &classes {
            if !RISK_CLASSES.contains(&class.as_str()) {
                self.complain_help(
                    place,
                    format!("there is no risk class `{class}`"),
                    &format!("the classes are {}", RISK_CLASSES.join(", ")),
                );
            }
        }
        classes
    }

    fn benign(&mut self, value: &Value, place: &str) -> Option<Benign> {
        match value {
            Value::Null => Some(Benign::Absent),
            Value::Bool(value) => Some(Benign::Bool(*value)),
            Value::Number(number) if number.is_i64() => number.as_i64().map(Benign::Int),
            Value::String(text) => Some(Benign::Text(text.clone())),
            Value::Array(list) if list.is_empty() => Some(Benign::Empty),
            Value::Object(map) if map.is_empty() => Some(Benign::Empty),
            Value::Object(map) if is_texts(map, "each") => {
                Some(Benign::Each(texts(map.get("each"))))
            }
            Value::Object(map) if is_texts(map, "keys") => {
                Some(Benign::Keys(texts(map.get("keys"))))
            }
            _ => {
                self.complain_help(
                    place,
                    "a benign value is not understood",
                    "write null, a boolean, an integer, a text, [], {}, {each: […]} or {keys: […]}",
                );
                None
            }
        }
    }

    /// Reads `x-opgate-absent` or `x-opgate-zero`.
    pub(super) fn effect(
        &mut self,
        map: &Map<String, Value>,
        key: &str,
        place: &str,
    ) -> Option<Effect> {
        let effect = match map.get(key)? {
            Value::String(word) => match word.as_str() {
                "nothing" => Some(Effect::Nothing),
                "unlimited" => Some(Effect::Unlimited),
                "image" => Some(Effect::Image),
                "unchanged" => Some(Effect::Unchanged),
                "value" => Some(Effect::Value),
                _ => None,
            },
            Value::Object(said) if said.len() == 1 => {
                text(said, "default").map(|text| Effect::Default(text.to_owned()))
            }
            _ => None,
        };
        if effect.is_none() {
            self.complain_help(
                place,
                format!("`{key}` is not understood"),
                "write nothing, unlimited, image, unchanged, value or {default: text}",
            );
        }
        effect
    }
}

/// Whether an object is nothing but a list of texts under this key.
fn is_texts(map: &Map<String, Value>, key: &str) -> bool {
    map.len() == 1 && map.get(key).is_some_and(|list| Form::Texts.fits(list))
}

/// The zero value of a kind.
fn zero(kind: &Kind) -> Benign {
    match kind {
        Kind::Bool => Benign::Bool(false),
        Kind::Int(_) | Kind::Float => Benign::Int(0),
        Kind::Text | Kind::Enum { .. } | Kind::Bytes => Benign::Text(String::new()),
        Kind::List(_) | Kind::Map(_) | Kind::Object(_) => Benign::Empty,
    }
}

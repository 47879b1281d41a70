//! What Go's `encoding/json` makes of a value, given the Go types of the Engine (`go_types.json`: for each operation, and
//! for each parameter and header that holds JSON, the type of every path).
//!
//! The result holds only what the Engine can tell apart: keys carry the Engine's own names, unknown ones are gone, and so
//! is every zero that is the same as absence. Pointers keep their zeros. Texts that the Engine itself brings into one
//! form before it looks at them (capabilities, swarm's vocabularies, addresses, ports) are in that form.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::json::Json;

/// Lists that mean something else when empty than when absent.
const EMPTY_IS_A_VALUE: [(&str, &str); 7] = [
    ("ContainerCreate", "HostConfig.MaskedPaths"),
    ("ContainerCreate", "HostConfig.ReadonlyPaths"),
    ("ContainerCreate", "Entrypoint"),
    ("ContainerUpdate", "BlkioDeviceReadBps"),
    ("ContainerUpdate", "BlkioDeviceReadIOps"),
    ("ContainerUpdate", "BlkioDeviceWriteBps"),
    ("ContainerUpdate", "BlkioDeviceWriteIOps"),
];

/// Pointers for which the Engine puts an empty object where it finds none.
const EMPTY_IS_ABSENT: [(&str, &str); 2] = [
    ("ContainerCreate", "HostConfig"),
    ("ContainerCreate", "NetworkingConfig"),
];

/// Fields that the Engine drops below a version of the API.
const DROPPED_BELOW: [(u32, &str, &str); 15] = [
    (42, "ContainerCreate", "HostConfig.ConsoleSize"),
    (
        42,
        "ContainerCreate",
        "HostConfig.Mounts[].BindOptions.CreateMountpoint",
    ),
    (42, "ContainerExec", "ConsoleSize"),
    (42, "ExecStart", "ConsoleSize"),
    (43, "ContainerCreate", "HostConfig.Annotations"),
    (44, "ContainerCreate", "Healthcheck.StartInterval"),
    (
        44,
        "ContainerCreate",
        "NetworkingConfig.EndpointsConfig{}.MacAddress",
    ),
    (
        44,
        "ServiceCreate",
        "TaskTemplate.ContainerSpec.Healthcheck.StartInterval",
    ),
    (
        44,
        "ServiceCreate",
        "TaskTemplate.ContainerSpec.Privileges.AppArmor",
    ),
    (
        44,
        "ServiceCreate",
        "TaskTemplate.ContainerSpec.Privileges.NoNewPrivileges",
    ),
    (
        44,
        "ServiceCreate",
        "TaskTemplate.ContainerSpec.Privileges.Seccomp",
    ),
    (
        46,
        "ServiceCreate",
        "TaskTemplate.ContainerSpec.Mounts[].TmpfsOptions.Options",
    ),
    (
        46,
        "ServiceCreate",
        "TaskTemplate.ContainerSpec.OomScoreAdj",
    ),
    (
        48,
        "ContainerCreate",
        "NetworkingConfig.EndpointsConfig{}.GwPriority",
    ),
    (48, "NetworkCreate", "EnableIPv4"),
];

/// Fields that the Engine drops from a version of the API on.
const DROPPED_FROM: [(u32, &str, &str); 2] = [
    (42, "ContainerCreate", "HostConfig.KernelMemory"),
    (42, "ContainerUpdate", "KernelMemory"),
];

/// Texts that the Engine upper-cases before it looks them up.
const ANY_CASE: [(&str, &str); 9] = [
    ("ServiceCreate", "TaskTemplate.ContainerSpec.Mounts[].Type"),
    (
        "ServiceCreate",
        "TaskTemplate.ContainerSpec.Mounts[].BindOptions.Propagation",
    ),
    ("ServiceCreate", "EndpointSpec.Mode"),
    ("ServiceCreate", "EndpointSpec.Ports[].Protocol"),
    ("ServiceCreate", "EndpointSpec.Ports[].PublishMode"),
    ("NodeUpdate", "Role"),
    ("NodeUpdate", "Availability"),
    ("SwarmInit", "Availability"),
    ("SwarmJoin", "Availability"),
];

/// What the Engine takes for an absent text.
const DEFAULTS: [(&str, &str, &str); 3] = [
    (
        "ServiceCreate",
        "TaskTemplate.ContainerSpec.Mounts[].Type",
        "BIND",
    ),
    ("ServiceCreate", "EndpointSpec.Ports[].Protocol", "TCP"),
    (
        "ServiceCreate",
        "EndpointSpec.Ports[].PublishMode",
        "INGRESS",
    ),
];

/// Types of the Engine that are structs without fields.
const EMPTY_STRUCTS: [&str; 6] = [
    "mount.ClusterOptions",
    "struct {}",
    "swarm.ConfigReferenceRuntimeTarget",
    "swarm.GlobalJob",
    "swarm.GlobalService",
    "volume.TypeBlock",
];

/// Whether there is JSON to decode for an operation, parameter or header.
pub(super) fn has(of: &str) -> bool {
    TYPES.contains_key(of)
}

/// Reads a value; `None` is as good as absent. `version` is the minor of the API version that the Engine goes by.
pub(super) fn read(of: &str, value: &Json, version: u32) -> Result<Option<Value>, String> {
    let (of, root) = match TYPES.get_key_value(of) {
        Some((_, Types::As(other))) => (other.as_str(), TYPES.get(other)),
        Some((of, root)) => (of.as_str(), Some(root)),
        None => (of, None),
    };
    match root {
        Some(Types::Of(root)) => Decoder { of, version }.value(root, value),
        _ => Err(format!("go_types.json: no types for {of}")),
    }
}

static TYPES: LazyLock<BTreeMap<String, Types>> = LazyLock::new(|| {
    let tables: BTreeMap<String, Table> =
        serde_json::from_str(include_str!("go_types.json")).expect("go_types.json holds types");
    let types = |table| match table {
        Table::Of(paths) => Types::Of(Type::tree(&paths)),
        Table::As(other) => Types::As(other.trim_start_matches("as ").to_owned()),
    };
    tables
        .into_iter()
        .map(|(of, table)| (of, types(table)))
        .collect()
});

/// One entry of the file: the type of each path, or the name of another entry with the same.
#[derive(Deserialize)]
#[serde(untagged)]
enum Table {
    Of(BTreeMap<String, String>),
    As(String),
}

enum Types {
    Of(Type),
    As(String),
}

/// The type of one place.
#[derive(Default)]
struct Type {
    path: String,
    pointer: bool,
    /// The type's name in Go, without the pointer.
    go: String,
    fields: BTreeMap<String, Type>,
    /// The type of a list's elements or a map's values.
    element: Option<Box<Type>>,
}

impl Type {
    fn tree(paths: &BTreeMap<String, String>) -> Self {
        let mut root = Self::default();
        for (path, go) in paths {
            let place = root.place(path);
            path.clone_into(&mut place.path);
            place.pointer = go.starts_with('*');
            go.trim_start_matches('*').clone_into(&mut place.go);
        }
        root
    }

    /// The place at a path of names, `[]` and `{}`; a backslash keeps a dot from ending a name.
    fn place(&mut self, path: &str) -> &mut Self {
        let mut place = self;
        let mut name = String::new();
        let mut characters = path.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '[' | '{' => {
                    characters.next();
                    place = place.element.get_or_insert_default();
                }
                '.' => {}
                _ => {
                    name.extend(if c == '\\' {
                        characters.next()
                    } else {
                        Some(c)
                    });
                    if matches!(characters.peek(), None | Some('.' | '[' | '{')) {
                        place = place.fields.entry(std::mem::take(&mut name)).or_default();
                    }
                }
            }
        }
        place
    }

    fn is_map(&self) -> bool {
        self.go.starts_with("map[")
    }

    fn is_struct(&self) -> bool {
        !self.fields.is_empty() || EMPTY_STRUCTS.contains(&self.go.as_str())
    }

    fn is_text(&self) -> bool {
        let scalar = self.element.is_none() && !self.is_struct() && self.integers().is_none();
        scalar && !matches!(self.go.as_str(), "bool" | "float32")
    }

    /// The integers that the type holds.
    fn integers(&self) -> Option<(i128, i128)> {
        let (least, most) = match self.go.as_str() {
            "int" | "int64" | "time.Duration" => (i64::MIN.into(), i64::MAX.into()),
            "uint" | "uint64" => (0, u64::MAX.into()),
            "uint32" | "fs.FileMode" => (0, u32::MAX.into()),
            "uint16" => (0, u16::MAX.into()),
            _ => return None,
        };
        Some((least, most))
    }

    /// What null is where a value counts by being there.
    fn zero(&self) -> Value {
        match self.go.as_str() {
            _ if self.pointer || self.element.is_some() || self.go == "[]uint8" => Value::Null,
            _ if self.is_struct() => json!({}),
            _ if self.integers().is_some() => json!(0),
            "float32" => json!(0.0),
            "bool" => json!(false),
            _ => json!(""),
        }
    }
}

struct Decoder<'a> {
    of: &'a str,
    version: u32,
}

impl Decoder<'_> {
    /// A value in a place where zero and absence are the same, unless the place is a pointer.
    fn value(&self, place: &Type, value: &Json) -> Result<Option<Value>, String> {
        if matches!(value, Json::Null) {
            return Ok(None);
        }
        let here = (self.of, place.path.as_str());
        let read = self.element(place, value)?;
        let zero = match &read {
            _ if place.pointer => read == json!({}) && EMPTY_IS_ABSENT.contains(&here),
            Value::Null => true,
            Value::Bool(flag) => !flag,
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::String(text) => text.is_empty(),
            Value::Array(pair) if place.go == "[2]uint" => {
                pair.iter().all(|side| *side == json!(0))
            }
            Value::Array(list) => list.is_empty() && !EMPTY_IS_A_VALUE.contains(&here),
            Value::Object(object) => object.is_empty(),
        };
        Ok((!zero).then_some(read))
    }

    /// A value in a place that counts by being there: an element of a list, the value of a map's entry.
    fn element(&self, place: &Type, value: &Json) -> Result<Value, String> {
        let wrong = || format!("{} is no {}", place.path, place.go);
        match (place.go.as_str(), value) {
            (_, Json::Null) => Ok(place.zero()),
            ("bool", Json::Bool(flag)) => Ok(Value::Bool(*flag)),
            ("float32", Json::Number(number)) => Ok(json!(number.as_f64())),
            (_, Json::Number(number)) => {
                let integer = number
                    .as_i64()
                    .map(i128::from)
                    .or(number.as_u64().map(i128::from));
                match (place.integers(), integer) {
                    (Some((least, most)), Some(integer)) if (least..=most).contains(&integer) => {
                        Ok(Value::Number(number.clone()))
                    }
                    _ => Err(wrong()),
                }
            }
            ("[]uint8", Json::Text(text)) => {
                let bytes = BASE64_STANDARD.decode(text.replace(['\r', '\n'], ""));
                bytes.map(|bytes| json!(bytes)).map_err(|_| wrong())
            }
            ("[]uint8", Json::List(bytes)) => bytes
                .iter()
                .map(|byte| match byte {
                    Json::Number(byte) if byte.as_u64() <= Some(255) => {
                        Ok(Value::Number(byte.clone()))
                    }
                    _ => Err(wrong()),
                })
                .collect(),
            ("strslice.StrSlice", Json::Text(text)) => Ok(json!([text])),
            (_, Json::List(list)) => match &place.element {
                Some(element) if !place.is_map() => {
                    let mut read = list
                        .iter()
                        .map(|value| self.element(element, value))
                        .collect::<Result<Vec<_>, _>>()?;
                    if place.go == "[2]uint" {
                        // A fixed array takes what fits and is zero in the rest.
                        read.resize(2, json!(0));
                    }
                    Ok(Value::Array(read))
                }
                _ => Err(wrong()),
            },
            (_, Json::Object(entries)) => match &place.element {
                Some(element) if place.is_map() => self.map(place, element, entries),
                None if place.is_struct() => self.structure(place, entries),
                _ => Err(wrong()),
            },
            (_, Json::Text(text)) => {
                if place.is_text() {
                    Ok(json!(self.text(place, text)))
                } else {
                    Err(wrong())
                }
            }
            (_, Json::Bool(_)) => Err(wrong()),
        }
    }

    fn map(
        &self,
        place: &Type,
        element: &Type,
        entries: &[(String, Json)],
    ) -> Result<Value, String> {
        let mut map = Map::new();
        for (key, value) in entries {
            let key = if place.go.starts_with("map[network.Port]") {
                port(key)
            } else {
                key.clone()
            };
            if map.insert(key, self.element(element, value)?).is_some() {
                return Err(format!(
                    "{} has a key twice, which this reader does not merge",
                    place.path
                ));
            }
        }
        Ok(Value::Object(map))
    }

    fn structure(&self, place: &Type, entries: &[(String, Json)]) -> Result<Value, String> {
        let mut object = Map::new();
        let mut seen = Vec::new();
        for (key, value) in entries {
            let exact = place.fields.get_key_value(key);
            let folded = || {
                place
                    .fields
                    .iter()
                    .find(|(name, _)| fold(name) == fold(key))
            };
            let Some((name, field)) = exact.or_else(folded) else {
                continue;
            };
            if seen.contains(&name) {
                return Err(format!(
                    "{} has {name} twice, which this reader does not merge",
                    place.path
                ));
            }
            seen.push(name);
            if let Some(read) = self.value(field, value)?.filter(|_| !self.drops(field)) {
                object.insert(name.clone(), read);
            }
        }
        for (name, field) in &place.fields {
            let default = DEFAULTS
                .iter()
                .find(|(of, path, _)| *of == self.of && *path == field.path);
            if let Some((_, _, default)) = default {
                object.entry(name).or_insert_with(|| json!(default));
            }
        }
        Ok(Value::Object(object))
    }

    fn drops(&self, field: &Type) -> bool {
        let here = |of: &str, path: &str| of == self.of && path == field.path;
        DROPPED_BELOW
            .iter()
            .any(|(below, of, path)| self.version < *below && here(of, path))
            || DROPPED_FROM
                .iter()
                .any(|(from, of, path)| self.version >= *from && here(of, path))
    }

    /// A text in the form that the Engine brings it to.
    fn text(&self, place: &Type, text: &str) -> String {
        if ANY_CASE.contains(&(self.of, place.path.as_str())) {
            return text.to_uppercase();
        }
        let canonical = match place.go.as_str() {
            "netip.Addr [TextUnmarshaler]" => {
                text.parse().ok().map(|address: IpAddr| address.to_string())
            }
            "netip.Prefix [TextUnmarshaler]" => text.split_once('/').and_then(|(address, bits)| {
                let (address, bits) = (address.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?);
                Some(format!("{address}/{bits}"))
            }),
            "network.HardwareAddr [TextUnmarshaler]" => {
                Some(text.to_ascii_lowercase().replace('-', ":"))
            }
            _ if place.path == "HostConfig.SecurityOpt[]" => Some(security_option(text)),
            _ if is_capability(&place.path) => {
                let name = text.to_uppercase();
                let complete = name == "ALL" || name.starts_with("CAP_");
                Some(if complete {
                    name
                } else {
                    format!("CAP_{name}")
                })
            }
            _ => None,
        };
        canonical.unwrap_or_else(|| text.to_owned())
    }
}

/// Whether a place holds names of capabilities, which count with and without `CAP_` and in any case.
fn is_capability(path: &str) -> bool {
    [
        "CapAdd[]",
        "CapDrop[]",
        "CapabilityAdd[]",
        "CapabilityDrop[]",
    ]
    .iter()
    .any(|end| path.ends_with(end))
}

/// A security option as `name=value`: a colon does as well, and two options go without a name or a value.
fn security_option(text: &str) -> String {
    let (name, value) = match text {
        "no-new-privileges" => (text, "true"),
        "disable" => ("label", text),
        _ => match text.split_once('=').or_else(|| text.split_once(':')) {
            Some(parts) => parts,
            None => return text.to_owned(),
        },
    };
    let value = match value {
        "1" | "t" | "T" | "TRUE" | "True" if name == "no-new-privileges" => "true",
        "0" | "f" | "F" | "FALSE" | "False" if name == "no-new-privileges" => "false",
        value => value,
    };
    format!("{name}={value}")
}

/// Go's folding of keys: two are the same if they fold to the same.
fn fold(key: &str) -> String {
    let folded = |c: char| match c {
        '\u{17f}' => 'S',
        '\u{212a}' => 'K',
        c => c.to_ascii_uppercase(),
    };
    key.chars().map(folded).collect()
}

/// A port as `80/tcp`.
fn port(key: &str) -> String {
    match key.split_once('/') {
        None | Some((_, "")) => format!("{}/tcp", key.trim_end_matches('/')),
        Some((port, protocol)) => format!("{port}/{}", protocol.to_ascii_lowercase()),
    }
}

//! Values of a schema, those first that do the most.

use serde_json::{Map, Value as Json, json};

use crate::api::definition::{Benign, Guard, Kind, Schema};
use crate::format::Format;

/// How many values are proposed for one place.
pub(super) const MOST: usize = 48;

/// How deep objects are filled.
const DEPTH: usize = 4;

/// A digest, of nothing in particular.
pub(super) const DIGEST: &str =
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Some values that a schema admits.
pub(super) fn of(schema: &Schema) -> Vec<Json> {
    within(schema, DEPTH)
}

fn within(schema: &Schema, depth: usize) -> Vec<Json> {
    let mut samples = match schema.kind {
        Kind::Bool => vec![json!(true), json!(false)],
        Kind::Int { min, max } => [1, 7, 1000, 1 << 30, -1, 0]
            .into_iter()
            .filter(|number| *number >= min && u64::try_from(*number).is_ok_and(|it| it <= max))
            .map(Json::from)
            .collect(),
        Kind::Float => vec![json!(0.5)],
        Kind::Text => texts(schema.format)
            .iter()
            .copied()
            .map(Json::from)
            .collect(),
        Kind::Enum(vocabulary) => vocabulary.words.iter().copied().map(Json::from).collect(),
        Kind::Bytes => vec![json!("aGVsbG8=")],
        Kind::List(element) => {
            let count = schema.items.map_or(1, |(_, most)| most);
            let elements = within(element, depth).into_iter();
            elements
                .map(|element| Json::Array(vec![element; count]))
                .collect()
        }
        Kind::Map(inner) => {
            let keys = texts(schema.format).iter().take(4);
            let values = within(inner, depth);
            keys.flat_map(|key| values.iter().map(move |value| json!({ *key: value })))
                .collect()
        }
        Kind::Object(object) => {
            let Some(depth) = depth.checked_sub(1) else {
                return vec![json!({})];
            };
            let mut whole = Map::new();
            let mut objects = Vec::new();
            for field in object.fields {
                for (index, value) in within(&field.schema, depth).into_iter().take(4).enumerate() {
                    objects.push(json!({ field.name: value.clone() }));
                    if index == 0 && field.span.until.is_none() {
                        whole.insert(field.name.to_owned(), value);
                    }
                }
            }
            objects.insert(0, json!({}));
            objects.insert(0, Json::Object(whole));
            objects
        }
    };
    samples.truncate(MOST);
    samples
}

/// What an element needs beside what a rule says of it: where something is
/// mounted, what is harmful to leave out, and each kind of thing that it may be.
pub(super) fn rests(schema: &Schema) -> Vec<Json> {
    let Kind::Object(object) = schema.kind else {
        return Vec::new();
    };
    let mut rest = Map::new();
    for field in object.fields {
        let benign = &field.risk.benign;
        if field.risk.guard == Guard::Guarded && !benign.contains(&Benign::Absent) {
            let value = benign.iter().find_map(|benign| match benign {
                Benign::Text(text) => Some(json!(text)),
                Benign::Bool(value) => Some(json!(value)),
                Benign::Int(number) => Some(json!(number)),
                _ => None,
            });
            rest.extend(value.map(|value| (field.name.to_owned(), value)));
        } else if field.risk.guard == Guard::Open
            && field.schema.format == Some(Format::ContainerPath)
        {
            let value = within(&field.schema, 1).into_iter().next();
            rest.extend(value.map(|value| (field.name.to_owned(), value)));
        }
    }
    let mut rests = vec![Json::Object(rest.clone())];
    for field in object.fields {
        if let Kind::Enum(vocabulary) = field.schema.kind {
            rests.extend(vocabulary.words.iter().map(|word| {
                let mut rest = rest.clone();
                rest.insert(field.name.to_owned(), json!(word));
                Json::Object(rest)
            }));
        }
    }
    rests
}

/// Texts of a format.
pub(super) fn texts(format: Option<Format>) -> &'static [&'static str] {
    let Some(format) = format else {
        return &["example", "all", "1000"];
    };
    match format {
        Format::Bind => &["/:/host", "/var/run/docker.sock:/docker.sock", "data:/data"],
        Format::VolumesFrom => &["other", "other:ro"],
        Format::ImageReference => &["example:latest", "example", DIGEST],
        Format::User => &["1000", "0", "root", "1000:1000", "0:0"],
        Format::Capability => &["SYS_ADMIN", "ALL", "NET_ADMIN", "NET_BIND_SERVICE"],
        Format::Port => &["80/tcp", "53/udp", "8080/tcp"],
        Format::HostPort => &["8080", "80", "49152"],
        Format::IpAddress => &["0.0.0.0", "10.0.0.1", "127.0.0.1", "::1"],
        Format::Cidr => &["10.0.0.0/8", "172.20.0.0/16"],
        Format::MacAddress => &["02:42:ac:11:00:02"],
        Format::NetworkMode => &["host", "container:other", "example", "bridge", "none"],
        Format::PidMode => &["host", "container:other"],
        Format::IpcMode => &["host", "container:other", "shareable", "private", "none"],
        Format::UtsMode | Format::UsernsMode => &["host"],
        Format::CgroupnsMode => &["host", "private"],
        Format::SecurityOpt => &[
            "seccomp=unconfined",
            "apparmor=unconfined",
            "label=disable",
            "systempaths=unconfined",
            "no-new-privileges=false",
            "no-new-privileges=true",
            "label=type:example_t",
            "apparmor=example",
        ],
        Format::HostPath => &["/", "/dev/kmsg", "/srv"],
        Format::MountSource => &["/", "/srv", "data"],
        Format::ContainerPath => &["/data"],
        Format::DeviceCgroupRule => &["a *:* rwm", "c 1:3 rwm", "b 8:0 r"],
        Format::Link => &["other:alias"],
        Format::ExtraHost => &["registry:10.0.0.1", "gateway:host-gateway"],
        Format::Env => &["NAME=value", "NAME"],
        Format::Signal => &["SIGKILL", "SIGTERM", "SIGHUP"],
        Format::TmpfsOptions => &["exec,suid,dev", "size=64m"],
        Format::Platform => &["linux/amd64"],
        Format::SysctlKey => &["kernel.shmmax", "net.ipv4.ip_forward"],
        Format::UlimitName => &["nofile"],
        Format::LogDriver => &["syslog", "fluentd", "json-file", "local", "none"],
        Format::Runtime => &["example", "runc"],
        Format::RegistryHost => &["registry.example.com"],
        Format::DetachKeys => &["ctrl-p,ctrl-q"],
        Format::DockerfileInstruction => &["CMD true", "USER root"],
        Format::Tag => &["latest"],
        Format::Url => &["http://example.com/example.tar"],
        Format::Timestamp => &["1700000000.5", "0"],
        Format::Group | Format::Duration | Format::Bytes | Format::Seconds => &["1000", "0", "1"],
        _ => &["example", "host"],
    }
}

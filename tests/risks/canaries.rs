//! A canary in every text of a request: in fields, parameters and headers, in
//! elements, in the keys of maps and in their values.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opgate::api::definition::{Kind, Reading, Schema};
use opgate::format::Format;
use serde_json::{Value, json};

use crate::places::{Place, Request, places};
use crate::samples::formatted;
use crate::values;

/// A word that nothing but a request says.
pub(crate) const CANARY: &str = "kanarienvogel";

/// A value with the canary in it.
pub(crate) struct Canary {
    pub(crate) value: Value,
    /// Whether the definition says that the text may be shown.
    pub(crate) printable: bool,
}

/// A text of this format that holds the canary. Formats without one hold
/// nothing but numbers and words of a closed vocabulary.
fn carrying(format: Format) -> Option<String> {
    use Format as F;
    Some(match format {
        F::Capability
        | F::Port
        | F::HostPort
        | F::IpAddress
        | F::Cidr
        | F::MacAddress
        | F::UtsMode
        | F::UsernsMode
        | F::CgroupnsMode
        | F::DeviceCgroupRule
        | F::DeviceNumber
        | F::Signal
        | F::Duration
        | F::Bytes
        | F::Cpus
        | F::Seconds
        | F::Timestamp
        | F::TmpfsOptions
        | F::UlimitName
        | F::DetachKeys => return None,
        F::Bind => format!("/{CANARY}:/d"),
        F::VolumesFrom => format!("{CANARY}:ro"),
        F::PidMode | F::IpcMode => format!("container:{CANARY}"),
        F::SecurityOpt => format!("label=user:{CANARY}"),
        F::HostPath | F::MountSource | F::ContainerPath => format!("/{CANARY}"),
        F::Link => format!("{CANARY}:alias"),
        F::ExtraHost => format!("{CANARY}:10.0.0.1"),
        F::Env => format!("NAME={CANARY}"),
        F::Platform => format!("linux/{CANARY}"),
        F::SysctlKey => format!("net.{CANARY}"),
        F::RegistryHost => format!("{CANARY}.example.com"),
        F::DockerfileInstruction => format!("LABEL a={CANARY}"),
        F::Url => format!("http://{CANARY}/x.tar"),
        F::ImageReference
        | F::SecurityOptValue
        | F::User
        | F::NetworkMode
        | F::ContainerReference
        | F::ContainerName
        | F::NetworkReference
        | F::VolumeName
        | F::LogDriver
        | F::Runtime
        | F::Group
        | F::Hostname
        | F::Tag => CANARY.to_owned(),
    })
}

/// Canaries in a value of this schema. Those in fields of objects are found at
/// the fields' own places.
fn in_schema(schema: &Schema) -> Vec<Canary> {
    let text = |format: Option<Format>| match format {
        None => Some(CANARY.to_owned()),
        Some(format) => carrying(format),
    };
    match &schema.kind {
        Kind::Text => text(schema.format)
            .map(|text| Canary {
                value: json!(text),
                printable: schema.printable,
            })
            .into_iter()
            .collect(),
        Kind::Bytes => vec![Canary {
            value: json!(STANDARD.encode(CANARY)),
            printable: schema.printable,
        }],
        Kind::List(element) => {
            let count = schema.items.map_or(1, |(_, most)| most);
            in_schema(element)
                .into_iter()
                .map(|canary| Canary {
                    value: Value::Array(vec![canary.value; count]),
                    printable: canary.printable,
                })
                .collect()
        }
        Kind::Map(inner) => {
            let key = values::key(schema);
            let in_key = text(schema.format).map(|canary| Canary {
                value: json!({ canary: values::valid(inner).remove(0) }),
                // What a map's keys say is in no message.
                printable: false,
            });
            let in_value = in_schema(inner).into_iter().map(|canary| Canary {
                value: json!({ key.as_str(): canary.value }),
                printable: canary.printable,
            });
            in_key.into_iter().chain(in_value).collect()
        }
        _ => Vec::new(),
    }
}

/// Canaries at a place.
pub(crate) fn at(place: &Place) -> Vec<Canary> {
    let secret = |value: Value| Canary {
        value,
        printable: false,
    };
    match place.parameter.map(|parameter| parameter.reading) {
        Some(Reading::Filters) => vec![
            secret(json!({ "label": [CANARY] })),
            secret(json!({ CANARY: ["a"] })),
        ],
        Some(Reading::Prefix) => vec![
            secret(json!({ "Name": CANARY })),
            secret(json!({ CANARY: "value" })),
        ],
        _ => in_schema(place.schema),
    }
}

/// Every place that can hold a canary, with each canary.
pub(crate) fn everywhere() -> Vec<(Place, Canary)> {
    places()
        .into_iter()
        .flat_map(|place| {
            let canaries = at(&place);
            canaries
                .into_iter()
                .map(move |canary| (place.clone(), canary))
        })
        .collect()
}

/// Whether a text tells of the canary, in any case, or encoded.
pub(crate) fn sings(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let encoded = STANDARD.encode(CANARY).to_ascii_lowercase();
    text.contains(CANARY) || text.contains(encoded.trim_end_matches('='))
}

/// Headers that every request may have, each with a canary.
pub(crate) fn with_headers(request: &Request) -> Request {
    let mut request = request.clone();
    for name in ["User-Agent", "Authorization", "Cookie", "X-Other"] {
        let header = (name.to_owned(), CANARY.to_owned());
        request.headers.push(header);
    }
    request
}

#[test]
fn every_format_carries_a_canary_or_none_can() {
    for format in Format::ALL {
        let Some(text) = carrying(*format) else {
            // Not even as a part of a text that has the format.
            let sample = formatted(Some(*format));
            for text in [
                CANARY.to_owned(),
                format!("{sample}{CANARY}"),
                format!("{CANARY}{sample}"),
                format!("{sample}:{CANARY}"),
                format!("{sample},{CANARY}"),
            ] {
                assert!(format.canonical(&text).is_err(), "{format:?} {text}");
            }
            continue;
        };
        assert_eq!(
            format.canonical(&text).as_deref(),
            Ok(text.as_str()),
            "{format:?}"
        );
        assert!(sings(&text));
    }
}

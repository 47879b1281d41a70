//! Texts made of parts: a rule speaks of the parts, a request has the text.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::samples;
use super::values::{by_field, variations};
use crate::api::definition::Schema;
use crate::format::Format;
use crate::policy::condition::FieldCondition;
use crate::policy::parts;

/// Texts whose parts fit, and the samples of the format, which may fit as well.
pub(super) fn composed(fields: &[FieldCondition], schema: &Schema) -> Vec<Json> {
    let mut texts = samples::of(schema);
    let definition = schema.format.and_then(parts::definition);
    let (Some(format), Some(definition)) = (schema.format, definition) else {
        return texts;
    };
    let (names, options) = by_field(fields, definition);
    for values in variations(&options) {
        let entries = names.iter().zip(values);
        let parts = entries.filter_map(|(name, value)| Some((*name, written(&value?))));
        texts.extend(text(format, &parts.collect()).map(|text| json!(text)));
    }
    texts
}

/// A part as it stands in the text.
fn written(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// The text with these parts.
fn text(format: Format, parts: &BTreeMap<&str, String>) -> Option<String> {
    let part = |name: &str, otherwise: &'static str| {
        parts.get(name).map_or(otherwise, String::as_str).to_owned()
    };
    let followed = |name: &str, mark: char| match parts.get(name) {
        Some(value) => format!("{mark}{value}"),
        None => String::new(),
    };
    Some(match format {
        Format::Bind => bind(parts),
        Format::Env => format!("{}{}", part("name", "NAME"), followed("value", '=')),
        Format::User => format!("{}{}", part("uid", "1000"), followed("gid", ':')),
        Format::ExtraHost => format!("{}:{}", part("host", "name"), part("address", "10.0.0.1")),
        Format::SecurityOpt => format!("{}{}", part("name", "label"), followed("value", '=')),
        Format::Port => format!("{}/{}", part("port", "80"), part("protocol", "tcp")),
        Format::DeviceCgroupRule => format!(
            "{} {}:{} {}",
            part("type", "c"),
            part("major", "1"),
            part("minor", "3"),
            part("access", "rwm")
        ),
        Format::TmpfsOptions => {
            let size = parts.get("size").map(|size| format!("size={size}"));
            let flags = ["exec", "suid", "dev"].into_iter();
            let set = flags.filter(|flag| parts.get(flag).is_some_and(|it| it == "true"));
            let options = size.into_iter().chain(set.map(str::to_owned));
            options.collect::<Vec<_>>().join(",")
        }
        _ => {
            // The mode of a namespace.
            let container = parts
                .get("container")
                .map(|name| format!("container:{name}"));
            let word = parts.get("network").or_else(|| parts.get("mode"));
            return container.or_else(|| word.cloned());
        }
    })
}

/// A bind, or a mount of `mounts`, as the text of a bind.
pub(super) fn bind(parts: &BTreeMap<&str, String>) -> String {
    let target = parts.get("target").map_or("/data", String::as_str);
    let source = parts.get("source").or_else(|| parts.get("volume"));
    let flag = |name: &str| parts.get(name).is_some_and(|value| value == "true");
    let mut options = Vec::new();
    if flag("read_only") {
        options.push("ro");
    }
    if flag("relabel") {
        options.push("z");
    }
    options.extend(parts.get("propagation").map(String::as_str));
    let options = options.join(",");
    match source {
        None => target.to_owned(),
        Some(source) if options.is_empty() => format!("{source}:{target}"),
        Some(source) => format!("{source}:{target}:{options}"),
    }
}

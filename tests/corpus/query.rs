//! How the Engine reads query parameters and headers, each in the way that `queries.json` names for it.
//!
//! Of a repeated name the first value counts, unless the Engine takes all. What is as good as absent to the Engine is
//! absent from the result: an empty text, a false boolean, an integer of 0 where 0 is the default.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value, json};

use super::go;
use super::json::Json;

/// Go's `base64.URLEncoding`: padded, and lenient about the bits behind the last byte.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The pairs of a query.
pub(super) fn parse(query: &str) -> Result<Vec<(String, String)>, String> {
    if query.contains(';') {
        return Err("invalid semicolon separator in query".to_owned());
    }
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |text: &str| unescape(&text.replace('+', " "));
        pairs.push((decode(name)?, decode(value)?));
    }
    Ok(pairs)
}

/// Percent-decoded text.
pub(super) fn unescape(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
            let (Some(high), Some(low)) = (digit(), digit()) else {
                return Err("invalid URL escape".to_owned());
            };
            bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())
}

/// What the Engine makes of a query parameter's values; `None` is as good as absent.
pub(super) fn parameter(kind: &str, values: &[&str]) -> Result<Option<Value>, String> {
    let first = values.first().copied();
    let text = first.unwrap_or_default();
    let given = (!text.is_empty()).then_some(text);
    Ok(match kind {
        "text" => given.map(|text| json!(text)),
        "platform" => given.map(|text| json!(text.to_ascii_lowercase())),
        "repeated" => (!values.is_empty()).then(|| json!(values)),
        "bool" => truth(text).then_some(Value::Bool(true)),
        "bool, true if absent" => (first.is_some() && !truth(text)).then_some(Value::Bool(false)),
        "bool, true if absent or empty" => {
            (given.is_some() && !truth(text)).then_some(Value::Bool(false))
        }
        "strict bool" => match text {
            "" | "0" | "f" | "F" | "FALSE" | "false" | "False" => None,
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(Value::Bool(true)),
            _ => return Err("not a boolean".to_owned()),
        },
        "integer" => given.map(integer::<i64>).transpose()?,
        "integer, required" => Some(integer::<i64>(text)?),
        "integer or 0" => integer::<i64>(text).ok().filter(|value| *value != json!(0)),
        "unsigned, required" => Some(integer::<u64>(text)?),
        // As names without SIG, in any case, or as numbers.
        "signal" => given.map(|text| {
            let name = text.to_ascii_uppercase();
            json!(name.strip_prefix("SIG").unwrap_or(&name))
        }),
        // What is no number means all lines, and so does a negative one.
        "tail" => integer::<i64>(text)
            .ok()
            .filter(|lines| lines.as_i64() >= Some(0)),
        // Logs take a time of 0 for none.
        "seconds" => given.filter(|text| *text != "0").map(|text| json!(text)),
        "filters" => given.map(filters).transpose()?.flatten(),
        _ => match (
            kind.strip_prefix("json "),
            kind.strip_prefix("repeated json "),
        ) {
            (Some(of), _) => match given {
                Some(text) => go::read(of, &Json::whole(text.as_bytes())?, u32::MAX)?,
                None => None,
            },
            (_, Some(of)) => {
                let read = |text: &&str| go::read(of, &Json::whole(text.as_bytes())?, u32::MAX);
                let values = values.iter().map(read).collect::<Result<Vec<_>, _>>()?;
                (!values.is_empty()).then(|| json!(values))
            }
            _ => return Err(format!("queries.json: no such reading: {kind}")),
        },
    })
}

/// What the Engine makes of a header's values; `None` is as good as absent.
pub(super) fn header(kind: &str, values: &[&str]) -> Option<Value> {
    let text = values.first().copied().unwrap_or_default();
    match kind {
        "text" => (!text.is_empty()).then(|| json!(text)),
        "repeated" => (!values.is_empty()).then(|| json!(values)),
        "presence" => (!values.is_empty()).then_some(Value::Bool(true)),
        "encoding" => accepted_encoding(&values.join(",")).map(|encoding| json!(encoding)),
        // What cannot be decoded counts as no credentials.
        "auth" => credentials("X-Registry-Auth", text),
        "auths" => credentials("X-Registry-Config", text),
        // Kept with the service; an empty object replaces what an update would otherwise leave as it is.
        "opaque auth" => {
            (!text.is_empty()).then(|| json!({"credentials": credentials("X-Registry-Auth", text)}))
        }
        _ => None,
    }
}

fn credentials(of: &str, text: &str) -> Option<Value> {
    let decoded = BASE64.decode(text.replace(['\r', '\n'], "")).ok()?;
    let value = go::read(of, &Json::first(&decoded).ok()?, u32::MAX).ok()??;
    (value != json!({})).then_some(value)
}

/// The Engine's `BoolValue`.
fn truth(text: &str) -> bool {
    !matches!(
        text.trim().to_lowercase().as_str(),
        "" | "0" | "no" | "false" | "none"
    )
}

fn integer<T: std::str::FromStr + Into<Value>>(text: &str) -> Result<Value, String> {
    text.parse::<T>()
        .map(Into::into)
        .map_err(|_| "not an integer in range".to_owned())
}

/// Filters in either of their two forms, as name to value to boolean; the order of neither counts.
fn filters(text: &str) -> Result<Option<Value>, String> {
    let names = match Json::whole(text.as_bytes())? {
        Json::Null => return Ok(None),
        Json::Object(names) => names,
        _ => return Err("filters are no object".to_owned()),
    };
    let mut filters = Map::new();
    for (name, values) in names {
        let values: Map<String, Value> = match values {
            Json::Null => Map::new(),
            Json::List(values) => values
                .into_iter()
                .map(|value| match value {
                    Json::Text(text) => Ok((text, Value::Bool(true))),
                    _ => Err("a filter's value is no text"),
                })
                .collect::<Result<_, _>>()?,
            Json::Object(values) => values
                .into_iter()
                .map(|(text, flag)| match flag {
                    Json::Bool(flag) => Ok((text, Value::Bool(flag))),
                    _ => Err("a filter's flag is no boolean"),
                })
                .collect::<Result<_, _>>()?,
            _ => return Err("a filter is neither list nor object".to_owned()),
        };
        filters.insert(name, Value::Object(values));
    }
    Ok((!filters.is_empty()).then_some(Value::Object(filters)))
}

/// In which coding the Engine sends an archive: gzip and deflate are what it offers, the higher quality wins, and of
/// equals the first offer.
fn accepted_encoding(accepted: &str) -> Option<&'static str> {
    let (mut best, mut best_quality) = (None, 0.0);
    for offer in ["gzip", "deflate"] {
        for entry in accepted.split(',') {
            let (coding, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            let quality = match parameters.trim().strip_prefix("q=") {
                Some(quality) => quality.trim().parse().unwrap_or(0.0),
                None => 1.0,
            };
            if quality > best_quality
                && matches!(coding.trim(), coding if coding == "*" || coding == offer)
            {
                (best, best_quality) = (Some(offer), quality);
            }
        }
    }
    best
}

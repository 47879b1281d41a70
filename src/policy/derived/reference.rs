//! `reference`: the image that a request is about, with its tag or digest.
//!
//! Operations write it in two parameters; the second one wins where both have a
//! tag. A reference without tag and digest means all tags of the repository to
//! those that move images, and `latest` to those that name one.

use std::borrow::Cow;

use crate::api::Operation;
use crate::api::decode::Parameters;
use crate::api::definition::{OperationDef, Schema};
use crate::api::value::Value;
use crate::format::{Format, NamedImage};
use crate::policy::condition::Untagged;
use crate::policy::parts::text;
use crate::request::Decoded;

/// A reference.
pub(super) static SCHEMA: Schema = text(Some(Format::ImageReference));

/// What a reference without tag and digest means to an operation.
pub(crate) fn untagged(operation: &OperationDef) -> Untagged {
    match operation.operation() {
        Operation::ImagePull | Operation::ImagePush | Operation::ImageCreate => Untagged::AllTags,
        _ => Untagged::Latest,
    }
}

/// The reference of a request.
pub(super) fn value<'r>(request: &'r Decoded<'_>) -> Value<'r> {
    let (path, query) = (request.path(), request.query());
    let (name, tag) = match request.operation() {
        Operation::ImagePull => (get(query, "fromImage"), get(query, "tag")),
        Operation::ImagePush => (get(path, "name"), get(query, "tag")),
        // What an import, a tag or a commit makes.
        _ => (get(query, "repo"), get(query, "tag")),
    };
    let Some(name) = name else {
        return Value::Absent;
    };
    let Some(tag) = tag else {
        return Value::Text(Cow::Borrowed(name));
    };
    // A digest in the name stays beside a tag that is given by itself, and the
    // Engine goes by the digest.
    let digest = NamedImage::parse(name).is_ok_and(|image| image.digest.is_some());
    if digest && !tag.contains(':') {
        return Value::Text(Cow::Borrowed(name));
    }
    // The tag that is given by itself replaces the one in the name.
    let repository = NamedImage::parse(name).map_or(name, |image| {
        let digest = image
            .digest
            .map_or(0, |digest| digest.len().saturating_add(1));
        let tag = image.tag.map_or(0, |tag| tag.len().saturating_add(1));
        let end = name.len().saturating_sub(digest).saturating_sub(tag);
        name.get(..end).unwrap_or(name)
    });
    let mark = if tag.contains(':') { '@' } else { ':' };
    Value::Text(format!("{repository}{mark}{tag}").into())
}

fn get<'r>(parameters: &'r Parameters<'_>, name: &str) -> Option<&'r str> {
    parameters
        .get(name)
        .and_then(Value::as_text)
        .filter(|text| !text.is_empty())
}

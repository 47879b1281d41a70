//! Versions: what the version of a request does not have is taken out and named,
//! wherever it is; nothing else changes.

use opgate::api::definition::{ApiVersion, FieldDef, Kind, OperationDef, Span};
use opgate::api::{NEWEST, OLDEST};

use crate::samples::{Place, escape, json, member, newest, operations, parameter, places, target};
use crate::translate::{Forwarded, translate_up_to};

/// The versions of one span that another does not have.
fn lacking(span: Span, inner: Span) -> impl Iterator<Item = ApiVersion> {
    (OLDEST.0..=NEWEST.0)
        .map(ApiVersion)
        .filter(move |version| span.contains(*version) && !inner.contains(*version))
}

/// How a version that lacks something is told of it.
fn reason(span: Span, but: &str, version: ApiVersion) -> String {
    match span.until {
        Some(until) if until < version => format!("(until {until}, {but} {version})"),
        _ => format!("(since {}, {but} {version})", span.since),
    }
}

#[track_caller]
fn send(engine: ApiVersion, definition: &OperationDef, target: &str, body: &str) -> Forwarded {
    let json: &[(&str, &[u8])] = &[("Content-Type", b"application/json")];
    translate_up_to(engine, definition.method, target, json, body.as_bytes())
        .unwrap_or_else(|error| panic!("{} {target} {body}: {error}", definition.name))
}

/// Each object of a body with the fields that not all of its versions have.
fn fields_with_spans(definition: &'static OperationDef) -> Vec<(Place, &'static FieldDef)> {
    places(definition)
        .into_iter()
        .filter_map(|place| match place.schema.kind {
            Kind::Object(object) => Some((place, object.fields)),
            _ => None,
        })
        .flat_map(|(place, fields)| fields.iter().map(move |field| (place.clone(), field)))
        .filter(|(place, field)| place.span != field.span)
        .collect()
}

#[test]
fn a_field_that_the_version_lacks_is_dropped_and_named_and_all_else_stays() {
    let mut count = 0_usize;
    for definition in operations() {
        for (place, field) in fields_with_spans(definition) {
            for version in lacking(place.span, field.span).filter(|_| !field.any_version) {
                let target = target(definition, version);
                // All that the version has, and the field behind it.
                let kept = json(place.schema, version);
                let late = member(field, newest(field.span));
                let with = match kept.strip_suffix('}') {
                    Some("{") => format!("{{{late}}}"),
                    Some(kept) => format!("{kept},{late}}}"),
                    None => panic!("{kept} is no object"),
                };
                let sent = send(NEWEST, definition, &target, &place.holding(&with));
                let alone = send(NEWEST, definition, &target, &place.holding(&kept));
                let path = format!("{}.{}", place.path, field.name);
                let named = format!("{path} {}", reason(field.span, "asked for", version));
                assert_eq!(sent.dropped, [named], "{}", definition.name);
                assert_eq!(sent.body, place.holding(&kept), "{path}");
                assert_eq!((sent.target, sent.body), (alone.target, alone.body));
                assert!(alone.dropped.is_empty(), "{:?}", alone.dropped);
                count += 1;
            }
        }
    }
    println!("{count} fields in versions that lack them");
    assert!(count > 100, "{count}");
}

#[test]
fn a_field_that_is_read_in_all_versions_is_dropped_only_for_engines_that_lack_it() {
    let mut found = Vec::new();
    for definition in operations() {
        for (place, field) in fields_with_spans(definition) {
            for version in lacking(place.span, field.span).filter(|_| field.any_version) {
                let target = target(definition, version);
                let body = place.holding(&format!("{{{}}}", member(field, field.span.since)));
                let sent = send(field.span.since, definition, &target, &body);
                assert_eq!(sent.body, body);
                assert!(sent.dropped.is_empty(), "{:?}", sent.dropped);
                let before = ApiVersion(field.span.since.0 - 1);
                let sent = send(before, definition, &target, &body);
                let path = format!("{}.{}", place.path, field.name);
                let named = format!("{path} {}", reason(field.span, "the Engine has", before));
                assert_eq!(sent.dropped, [named]);
                assert_eq!(sent.body, place.holding("{}"));
                found.push(format!("{} {path}", definition.name));
            }
        }
    }
    found.dedup();
    found.retain(|found| !found.starts_with("ServiceUpdate"));
    let services = "ServiceCreate body.TaskTemplate.ContainerSpec.Mounts[]";
    assert_eq!(
        found,
        [
            "ContainerCreate body.HostConfig.Mounts[].ImageOptions",
            "ContainerCreate body.HostConfig.Mounts[].BindOptions.ReadOnlyNonRecursive",
            "ContainerCreate body.HostConfig.Mounts[].BindOptions.ReadOnlyForceRecursive",
            "ContainerCreate body.HostConfig.Mounts[].VolumeOptions.Subpath",
            "ContainerCreate body.HostConfig.Mounts[].TmpfsOptions.Options",
            "ImageCommit body.Healthcheck.StartInterval",
            "NetworkConnect body.EndpointConfig.GwPriority",
            &format!("{services}.ImageOptions"),
            &format!("{services}.BindOptions.ReadOnlyNonRecursive"),
            &format!("{services}.BindOptions.ReadOnlyForceRecursive"),
            &format!("{services}.VolumeOptions.Subpath"),
        ]
    );
}

#[test]
fn a_parameter_that_the_version_lacks_is_dropped_and_named() {
    let mut count = 0_usize;
    for definition in operations() {
        for query in definition.query {
            for version in lacking(definition.span, query.span) {
                let target = target(definition, version);
                let pair = format!("{}={}", query.name, escape(&parameter(query)));
                let with = format!("{target}&{pair}").replace("?&", "?");
                let sent = send(NEWEST, definition, &with, "");
                let reason = reason(query.span, "asked for", version);
                assert_eq!(sent.dropped, [format!("query.{} {reason}", query.name)]);
                let alone = send(NEWEST, definition, &target, "");
                assert_eq!(sent.target, alone.target, "{with}");
                count += 1;
            }
        }
    }
    println!("{count} parameters in versions that lack them");
    assert!(count > 50, "{count}");
}

/// What leads to an operation, or makes it what it is, is looked at before the
/// version is known.
#[test]
fn paths_variants_and_tunnels_hang_on_nothing_that_a_version_lacks() {
    use opgate::api::definition::{Hijack, Variant};
    for definition in operations() {
        for parameter in definition.path_parameters {
            assert_eq!(parameter.span, definition.span, "{}", definition.name);
        }
        if let Some((_, Variant::QueryGiven(name) | Variant::QueryAbsent(name))) =
            definition.variant_of
        {
            for query in definition.query.iter().filter(|query| query.name == name) {
                assert_eq!(query.span, definition.span, "{} {name}", definition.name);
            }
        }
        if let Hijack::Unless { field, .. } = definition.hijack {
            let path = format!("body.{field}");
            let place = places(definition)
                .into_iter()
                .find(|place| place.path == path);
            assert_eq!(place.unwrap().span, definition.span, "{}", definition.name);
        }
    }
}

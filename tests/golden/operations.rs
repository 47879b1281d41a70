//! What operations, routes and parameters are made into.

use opgate::api::definition::{
    AccessClass, ApiVersion, BodyDef, Guard, Hijack, Kind, NullElement, OperationDef, Reading,
    Segment, Variant,
};
use opgate::format::Format;

use crate::looking::{
    body, field, inner, names, object, operation, parameter, parameter_names, routes, span,
};
use crate::{
    base64_header, filters, hijack, noise, overlay_actions, readings, routes, slashes, stream_body,
    unsupported, variants, versions,
};

#[test]
fn an_operation_knows_its_place() {
    for (place, operation) in routes::OPERATIONS.iter().enumerate() {
        assert_eq!(usize::from(operation.index), place);
        let named = format!("{:?}", routes::Operation::ALL[place]);
        assert_eq!(named, operation.name);
    }
}

#[test]
fn a_parameter_holds_slashes_only_where_the_overlay_says_so() {
    assert_eq!(
        routes(slashes::ROUTES),
        [
            "GET /images/{name…}/json 0",
            "GET /images/{name} 2",
            "POST /images/{name…}/tag/{word} 1",
        ]
    );
    let inspect = operation(&slashes::OPERATIONS, "ImageInspect");
    assert!(matches!(inspect.segments, [_, Segment::Many("name"), _]));
    assert_eq!(inspect.path, "/images/{name}/json");
}

#[test]
fn a_variant_has_only_what_it_reads_and_no_route_of_its_own() {
    let all: &'static [OperationDef] = &variants::OPERATIONS;
    let base = operation(all, "ImageCreate");
    let pull = operation(all, "ImagePull");
    let import = operation(all, "ImageImport");
    assert_eq!(base.variants, [pull.index, import.index]);
    assert_eq!(routes(variants::ROUTES), ["POST /images/create 0"]);
    assert_eq!(
        pull.variant_of,
        Some((base.index, Variant::QueryGiven("fromImage")))
    );
    assert_eq!(
        import.variant_of,
        Some((base.index, Variant::QueryAbsent("fromImage")))
    );
    assert_eq!(parameter_names(pull.query), ["fromImage", "tag"]);
    assert_eq!(parameter_names(pull.headers), ["X-Registry-Auth"]);
    assert_eq!(parameter_names(import.query), ["fromSrc", "tag", "message"]);
    assert_eq!(parameter_names(import.headers), [] as [&str; 0]);
    // What only the other variant reads is noise, after what is noise anyway.
    assert_eq!(pull.query_noise, ["repo", "fromSrc", "message"]);
    assert_eq!(import.query_noise, ["repo", "fromImage"]);
    assert!(matches!(pull.body, BodyDef::None));
    assert!(matches!(import.body, BodyDef::Stream { .. }));
    assert_eq!(pull.derived, ["reference"]);
    assert_eq!(import.derived, [] as [&str; 0]);
    assert_eq!(pull.access, AccessClass::Create);
}

#[test]
fn a_hijack_is_always_never_or_unless_a_field_is_true() {
    let hijack = |name| operation(&hijack::OPERATIONS, name).hijack;
    assert_eq!(hijack("ThingAttach"), Hijack::Always { upgrade: "tcp" });
    let unless = Hijack::Unless {
        field: "Detach",
        upgrade: "tcp",
    };
    assert_eq!(hijack("ThingStart"), unless);
    assert_eq!(hijack("Session"), Hijack::Always { upgrade: "h2c" });
    assert_eq!(hijack("ThingList"), Hijack::Never);
    let session = operation(&hijack::OPERATIONS, "Session");
    assert!(session.opaque);
    assert_eq!(session.access, AccessClass::Single);
    assert!(!operation(&hijack::OPERATIONS, "ThingAttach").opaque);
}

#[test]
fn noise_and_derived_fields_are_listed() {
    let create = operation(&noise::OPERATIONS, "ThingCreate");
    assert_eq!(create.query_noise, ["abortSignal", "Image"]);
    assert_eq!(create.body_noise, ["name", "Part.Right"]);
    assert_eq!(create.derived, ["networks", "mounts"]);
}

#[test]
fn everything_knows_the_versions_that_have_it() {
    assert_eq!(versions::NEWEST, ApiVersion(43));
    let all: &'static [OperationDef] = &versions::OPERATIONS;
    let create = operation(all, "ThingCreate");
    assert_eq!(create.span, span(41, None));
    assert_eq!(operation(all, "ThingOld").span, span(41, Some(41)));
    assert_eq!(operation(all, "ThingNew").span, span(42, Some(42)));
    for (name, expected) in [
        ("kept", span(41, None)),
        ("came", span(42, None)),
        ("gone", span(41, Some(41))),
    ] {
        assert_eq!(parameter(create.query, name).span, expected, "{name}");
    }
    for (path, expected) in [
        ("Gone", span(41, Some(41))),
        ("Kind", span(41, None)),
        ("Part", span(41, None)),
        ("Part.Old", span(41, Some(41))),
        ("Part.Same", span(41, None)),
        ("Part.New", span(42, Some(42))),
        ("Came", span(42, None)),
        ("Came.Inner", span(42, None)),
    ] {
        assert_eq!(field(create, path).span, expected, "{path}");
    }
    // The words of all versions, the newest version's first.
    let Kind::Enum(kind) = field(create, "Kind").schema.kind else {
        panic!("`Kind` has no vocabulary")
    };
    assert_eq!(kind.words, ["b", "c", "a"]);
    assert!(matches!(create.body, BodyDef::Json { required: true, .. }));
}

#[test]
fn overlay_actions_add_remove_and_correct_within_their_versions() {
    let all: &'static [OperationDef] = &overlay_actions::OPERATIONS;
    let create = operation(all, "ThingCreate");
    assert_eq!(
        parameter_names(create.query),
        ["first", "added", "wrong"],
        "what the newest version lacks comes last"
    );
    let wrong = parameter(create.query, "wrong");
    assert_eq!(wrong.span, span(41, Some(41)));
    assert_eq!(names(object(body(create)).fields), ["Rate", "Hidden"]);
    assert_eq!(field(create, "Hidden").span, span(41, Some(41)));
    let rate = field(create, "Rate").schema.kind;
    assert!(matches!(rate, Kind::Int { max: u64::MAX, .. }));
    assert_eq!(operation(all, "Grpc").path, "/grpc");
}

#[test]
fn a_route_that_is_always_refused_leads_to_its_reason() {
    assert_eq!(
        routes(unsupported::ROUTES),
        ["GET /debug/{name} refused 0", "GET /things/json 0"]
    );
    let [debug] = unsupported::UNSUPPORTED else {
        panic!("one route is refused")
    };
    assert_eq!((debug.method, debug.path), ("GET", "/debug/{name}"));
    assert_eq!(debug.reason, "for the Engine's own debugging");
    assert_eq!(unsupported::OPERATIONS.len(), 1);
}

#[test]
fn a_header_may_hold_an_object() {
    let push = operation(&base64_header::OPERATIONS, "ImagePush");
    let auth = parameter(push.headers, "X-Registry-Auth");
    assert!(matches!(auth.reading, Reading::Base64Json));
    assert!(auth.required);
    let object = object(&auth.schema);
    assert!(object.drop_unknown);
    assert_eq!(names(object.fields), ["username", "serveraddress"]);
    let address = object.fields.last().unwrap();
    assert_eq!(address.schema.format, Some(Format::RegistryHost));
    assert_eq!(address.risk.guard, Guard::Guarded);
}

#[test]
fn every_way_of_reading_a_parameter_is_kept() {
    let list = operation(&filters::OPERATIONS, "ThingList");
    let filters = parameter(list.query, "filters");
    assert!(matches!(filters.reading, Reading::Filters));
    let build = operation(&readings::OPERATIONS, "ThingBuild");
    let query = |name| parameter(build.query, name);
    assert!(matches!(query("text").reading, Reading::Text));
    assert!(matches!(query("flag").reading, Reading::Bool));
    assert!(matches!(query("maybe").reading, Reading::BoolOrAbsent));
    assert!(matches!(query("strict").reading, Reading::StrictBool));
    assert!(matches!(query("number").reading, Reading::Integer));
    assert!(query("number").required);
    assert!(matches!(query("args").reading, Reading::Json));
    assert_eq!(inner(&query("args").schema).null, NullElement::Refused);
    let meta = parameter(build.headers, "X-Meta-");
    assert!(matches!(meta.reading, Reading::Prefix));
    let repeated: Vec<&str> = build
        .query
        .iter()
        .filter(|parameter| parameter.repeated)
        .map(|parameter| parameter.name)
        .collect();
    assert_eq!(repeated, ["tags", "numbers"]);
    assert!(matches!(
        inner(&query("numbers").schema).kind,
        Kind::Int { .. }
    ));
    assert!(query("first").first_wins);
    assert!(!query("text").first_wins);
}

#[test]
fn a_body_that_is_no_json_is_a_stream_of_its_type() {
    let all: &'static [OperationDef] = &stream_body::OPERATIONS;
    let content_type = |name| match operation(all, name).body {
        BodyDef::Stream { content_type } => Some(content_type),
        BodyDef::None | BodyDef::Json { .. } => None,
    };
    assert_eq!(content_type("ThingPutArchive"), Some("application/x-tar"));
    // The overlay's word counts.
    assert_eq!(content_type("ThingBuild"), Some("application/x-tar"));
    assert!(matches!(operation(all, "ThingPush").body, BodyDef::None));
}

#[test]
fn the_more_specific_route_is_tried_first() {
    assert_eq!(
        routes(routes::ROUTES),
        [
            "DELETE /things/{id} 1",
            "GET /_ping 4",
            "GET /things/json 3",
            "GET /things/{id}/logs 2",
            "GET /things/{id} 0",
            "HEAD /_ping 5",
        ]
    );
    let groups: Vec<(&str, &str)> = routes::ROUTES
        .iter()
        .map(|group| (group.method, group.first))
        .collect();
    assert!(groups.is_sorted(), "groups are found by search");
}

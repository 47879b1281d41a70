//! What bodies and their fields are made into.

use opgate::api::definition::{
    AccessClass, Benign, BodyDef, Effect, FieldDef, Guard, Kind, NullElement, RiskClass, Schema,
};
use opgate::format::Format;

use crate::looking::{body, field, inner, names, object, operation, parameter, span};
use crate::{
    all_of, any_version, bounds, effects, field_overrides, formats, interning, list_map_object,
    new_inside_of_new, null_element, reference, risk, scalars, text_or_list, unclassified,
    vocabulary,
};

#[test]
fn all_of_makes_one_object_of_its_members() {
    let create = operation(&all_of::OPERATIONS, "ThingCreate");
    let fields = object(body(create)).fields;
    assert_eq!(names(fields), ["Outer", "Shared", "Middle", "Inner"]);
    let required: Vec<bool> = fields.iter().map(|field| field.required).collect();
    assert_eq!(required, [true, false, false, true]);
    // The member that comes later says what a field is.
    let shared = field(create, "Shared").schema.kind;
    assert!(matches!(
        shared,
        Kind::Int {
            max: 0x7fff_ffff,
            ..
        }
    ));
}

#[test]
fn a_reference_is_what_it_refers_to() {
    let create = operation(&reference::OPERATIONS, "ThingCreate");
    assert!(matches!(create.body, BodyDef::Json { required: true, .. }));
    let size = object(&field(create, "Size").schema);
    let sizes = object(inner(&field(create, "Sizes").schema));
    assert!(std::ptr::eq(size, sizes), "a component is printed once");
    let unit = field(create, "Sizes[].Unit");
    assert!(matches!(unit.schema.kind, Kind::Text));
    assert_eq!(unit.risk.guard, Guard::Guarded);
}

#[test]
fn equal_objects_are_printed_once_and_others_get_other_names() {
    let create = operation(&interning::OPERATIONS, "ThingCreate");
    let update = operation(&interning::OPERATIONS, "ThingUpdate");
    let left = object(&field(create, "Left").schema);
    for same in [
        field(create, "Right"),
        field(create, "Middle"),
        field(update, "Side"),
    ] {
        assert!(std::ptr::eq(left, object(&same.schema)), "{}", same.name);
    }
    let other = object(&field(create, "left_").schema);
    assert_eq!(names(other.fields), ["Height"]);
}

#[test]
fn a_key_finds_the_field_that_the_engine_would_fold_it_to() {
    let create = operation(&interning::OPERATIONS, "ThingCreate");
    let object = object(body(create));
    for (place, field) in object.fields.iter().enumerate() {
        for key in [
            field.name.to_owned(),
            field.name.to_ascii_lowercase(),
            field.name.to_ascii_uppercase(),
        ] {
            assert_eq!(object.find(&key), Some(place), "{key}");
        }
    }
    for unknown in ["", "Lef", "left__", "Left ", "Ｌeft"] {
        assert_eq!(object.find(unknown), None, "{unknown}");
    }
}

#[test]
fn a_closed_vocabulary_has_words_and_an_open_one_is_text() {
    let create = operation(&vocabulary::OPERATIONS, "ThingCreate");
    let words = |schema: &Schema| match schema.kind {
        Kind::Enum(vocabulary) => (vocabulary.words, vocabulary.any_case),
        _ => panic!("{schema:?} has no vocabulary"),
    };
    // The empty text is absence, not a word.
    let closed = words(&field(create, "Closed").schema);
    assert_eq!(closed, (["on-failure", "always"].as_slice(), false));
    let any_case = words(&field(create, "AnyCase").schema);
    assert_eq!(any_case, (["TCP", "UDP"].as_slice(), true));
    assert!(matches!(field(create, "Open").schema.kind, Kind::Text));
    let order = words(&parameter(create.query, "order").schema);
    assert_eq!(order, (["up", "down"].as_slice(), false));
}

#[test]
fn lists_maps_and_objects_nest() {
    let create = operation(&list_map_object::OPERATIONS, "ThingCreate");
    assert!(matches!(field(create, "Words").schema.kind, Kind::List(_)));
    assert_eq!(field(create, "Pair").schema.items, Some((0, 2)));
    let grid = inner(inner(&field(create, "Grid").schema));
    assert!(matches!(grid.kind, Kind::Text));
    assert!(matches!(field(create, "Labels").schema.kind, Kind::Map(_)));
    assert!(matches!(
        field(create, "Ports{}[].Host").schema.kind,
        Kind::Text
    ));
    let mark = inner(&field(create, "Marks").schema);
    assert_eq!(object(mark).fields.len(), 0);
    assert!(matches!(field(create, "Part.Left").schema.kind, Kind::Bool));
    assert!(!object(&field(create, "Part").schema).drop_unknown);
    assert!(object(&field(create, "Login").schema).drop_unknown);
}

#[test]
fn of_all_bounds_only_both_ends_of_a_length_are_kept() {
    let create = operation(&bounds::OPERATIONS, "ThingCreate");
    let items = |name| field(create, name).schema.items;
    assert_eq!(items("List"), None);
    assert_eq!(items("Pair"), Some((1, 2)));
    let int64 = parameter(create.query, "t").schema.kind;
    assert!(matches!(int64, Kind::Int { min: i64::MIN, .. }));
    assert!(matches!(field(create, "Name").schema.kind, Kind::Text));
}

#[test]
fn integers_have_the_bounds_of_the_types_that_the_engine_decodes_into() {
    let create = operation(&scalars::OPERATIONS, "ThingCreate");
    let bounds = |name: &str| match field(create, name).schema.kind {
        Kind::Int { min, max } => (min, max),
        _ => panic!("`{name}` is no integer"),
    };
    let int64 = (i64::MIN, i64::MAX.unsigned_abs());
    for name in ["Plain", "Signed", "Time"] {
        assert_eq!(bounds(name), int64, "{name}");
    }
    let int32 = (i64::from(i32::MIN), u64::from(i32::MAX.unsigned_abs()));
    assert_eq!(bounds("Small"), int32);
    assert_eq!(bounds("Port"), (0, u64::from(u16::MAX)));
    assert_eq!(bounds("Mask"), (0, u64::from(u32::MAX)));
    assert_eq!(bounds("Rate"), (0, u64::MAX));
    assert!(matches!(field(create, "Flag").schema.kind, Kind::Bool));
    assert!(matches!(field(create, "Share").schema.kind, Kind::Float));
    assert!(matches!(field(create, "Text").schema.kind, Kind::Text));
    assert!(matches!(field(create, "Bytes").schema.kind, Kind::Bytes));
}

#[test]
fn null_as_an_element_is_refused_unless_the_overlay_gives_it_a_meaning() {
    let create = operation(&null_element::OPERATIONS, "ThingCreate");
    let null = |name: &str| inner(&field(create, name).schema).null;
    assert_eq!(null("Refused"), NullElement::Refused);
    assert_eq!(null("Empty"), NullElement::Empty);
    assert_eq!(null("Kept"), NullElement::Kept);
}

#[test]
fn a_text_stands_for_a_list_only_where_the_overlay_says_so() {
    let create = operation(&text_or_list::OPERATIONS, "ThingCreate");
    assert!(field(create, "Cmd").schema.text_or_list);
    assert!(!field(create, "Env").schema.text_or_list);
}

#[test]
fn a_format_sits_on_the_text_that_has_it() {
    let create = operation(&formats::OPERATIONS, "ThingCreate");
    let id = &parameter(create.path_parameters, "id").schema;
    assert_eq!(id.format, Some(Format::ContainerReference));
    assert!(id.printable);
    let platform = parameter(create.query, "platform");
    assert!(platform.repeated);
    assert_eq!(platform.schema.format, None);
    assert_eq!(inner(&platform.schema).format, Some(Format::Platform));
    let binds = &field(create, "Binds").schema;
    assert_eq!((binds.format, binds.printable), (None, false));
    let bind = inner(binds);
    assert_eq!((bind.format, bind.printable), (Some(Format::Bind), true));
    // A map's format is that of its keys.
    let ports = &field(create, "Ports").schema;
    assert_eq!(ports.format, Some(Format::Port));
    assert_eq!(inner(inner(ports)).format, Some(Format::HostPort));
    assert_eq!(
        field(create, "Mode").schema.format,
        Some(Format::NetworkMode)
    );
    assert_eq!(
        field(create, "Timeout").schema.format,
        Some(Format::Seconds)
    );
}

#[test]
fn a_guarded_field_has_benign_values_and_an_open_one_needs_none() {
    use Benign::{Absent, Bool, Each, Empty, Int, Keys, Text};
    let create = operation(&risk::OPERATIONS, "ThingCreate");
    assert_eq!(create.access, AccessClass::Create);
    assert_eq!(create.risk, [RiskClass::HostEscape, RiskClass::Resource]);
    let force = &parameter(create.query, "force").risk;
    assert_eq!(force.guard, Guard::Guarded);
    assert_eq!(force.benign, [Absent, Bool(false)]);
    for (name, class, benign) in [
        (
            "DefaultBool",
            RiskClass::Privilege,
            vec![Absent, Bool(false)],
        ),
        ("DefaultInt", RiskClass::Privilege, vec![Absent, Int(0)]),
        (
            "DefaultText",
            RiskClass::CrossContainer,
            vec![Absent, Text("")],
        ),
        ("DefaultList", RiskClass::Exfiltration, vec![Absent, Empty]),
        ("DefaultMap", RiskClass::Network, vec![Absent, Empty]),
        ("OnlyAbsent", RiskClass::HostEscape, vec![Absent]),
        (
            "Spelled",
            RiskClass::InfoLeak,
            vec![Absent, Text(""), Text("private")],
        ),
        (
            "Bounded",
            RiskClass::Resource,
            vec![Absent, Int(-1), Int(0), Int(3)],
        ),
        (
            "Words",
            RiskClass::Privilege,
            vec![Absent, Empty, Each(&["a", "b"])],
        ),
        (
            "Keyed",
            RiskClass::Network,
            vec![Absent, Empty, Keys(&["default", "bridge"])],
        ),
        ("Whole.Part", RiskClass::Privilege, vec![Absent, Bool(true)]),
    ] {
        let risk = &field(create, name).risk;
        assert_eq!(risk.guard, Guard::Guarded, "{name}");
        assert_eq!(risk.classes, [class], "{name}");
        assert_eq!(risk.benign, benign, "{name}");
    }
    let harmless = &field(create, "Harmless").risk;
    assert_eq!((harmless.guard, harmless.classes.len()), (Guard::Open, 0));
    let open = &field(create, "OpenWithClass").risk;
    assert_eq!(open.guard, Guard::Open);
    assert_eq!(open.classes, [RiskClass::Resource, RiskClass::Persistence]);
    assert_eq!(open.benign, []);
}

#[test]
fn what_nobody_classified_is_unclassified_and_in_no_group() {
    let create = operation(&unclassified::OPERATIONS, "ThingCreate");
    assert_eq!(create.access, AccessClass::Single);
    let force = parameter(create.query, "force");
    assert_eq!(force.risk.guard, Guard::Unclassified);
    for path in ["Scalar", "List", "Map", "Bare", "Part.Unknown"] {
        let risk = &field(create, path).risk;
        assert_eq!(risk.guard, Guard::Unclassified, "{path}");
        assert_eq!(risk.benign, [], "{path}: nothing is benign");
    }
    assert_eq!(field(create, "Part.Known").risk.guard, Guard::Open);
}

#[test]
fn a_known_component_in_a_new_place_is_unclassified_there() {
    let create = operation(&new_inside_of_new::OPERATIONS, "ThingCreate");
    let guard = |path| field(create, path).risk.guard;
    assert_eq!(guard("Known.Flag"), Guard::Open);
    assert_eq!(guard("Strange.Flag"), Guard::Unclassified);
    assert_eq!(guard("Parts"), Guard::Unclassified);
    assert_eq!(guard("Parts[].Flag"), Guard::Unclassified);
    assert_eq!(guard("Seen[].Flag"), Guard::Open);
    assert_eq!(field(create, "Strange.Flag").span, span(42, None));
}

#[test]
fn absent_and_zero_have_a_meaning() {
    let create = operation(&effects::OPERATIONS, "ThingCreate");
    let t = parameter(create.query, "t");
    assert_eq!((t.absent, t.zero), (Effect::Default("10"), Effect::Value));
    for (name, absent, zero) in [
        ("Nothing", Effect::Nothing, Effect::Nothing),
        // Unless something else is said, zero means what absence means.
        ("Memory", Effect::Unlimited, Effect::Unlimited),
        ("User", Effect::Image, Effect::Image),
        ("Name", Effect::Unchanged, Effect::Nothing),
        (
            "Signal",
            Effect::Default("SIGTERM"),
            Effect::Default("SIGTERM"),
        ),
        ("Init", Effect::Nothing, Effect::Value),
    ] {
        let field = field(create, name);
        assert_eq!((field.absent, field.zero), (absent, zero), "{name}");
    }
}

#[test]
fn an_operation_may_say_other_things_of_a_shared_field() {
    let create = operation(&field_overrides::OPERATIONS, "ThingCreate");
    let update = operation(&field_overrides::OPERATIONS, "ThingUpdate");
    let effects = |field: &FieldDef| (field.absent, field.zero);
    assert_eq!(
        effects(field(create, "Memory")),
        (Effect::Unlimited, Effect::Unlimited)
    );
    assert_eq!(
        effects(field(update, "Memory")),
        (Effect::Unchanged, Effect::Unlimited)
    );
    // What is not overridden stays what the component says.
    assert_eq!(field(update, "Memory").risk.guard, Guard::Open);
    assert_eq!(
        field(create, "Mounts[].Type").risk.guard,
        Guard::Unclassified
    );
    let kind = &field(update, "Mounts[].Type").risk;
    assert_eq!(kind.benign, [Benign::Absent, Benign::Text("volume")]);
    assert!(!inner(&field(create, "Labels").schema).printable);
    assert!(inner(&field(update, "Labels").schema).printable);
}

#[test]
fn a_field_may_be_read_in_all_versions_or_in_fewer_than_are_described() {
    let create = operation(&any_version::OPERATIONS, "ThingCreate");
    let update = operation(&any_version::OPERATIONS, "ThingUpdate");
    for (path, since, in_all) in [
        ("Early", 41, false),
        ("Late", 42, true),
        ("Late.Inner", 42, true),
        // It came after what holds it, so nothing is known of it.
        ("Late.Later", 43, false),
    ] {
        let field = field(create, path);
        assert_eq!((field.span.since.0, field.any_version), (since, in_all));
    }
    for (path, since) in [("Early", 43), ("Late", 42), ("Late.Inner", 42)] {
        let field = field(update, path);
        assert_eq!((field.span.since.0, field.any_version), (since, false));
    }
}

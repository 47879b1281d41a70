use serde_json::json;

use super::*;

fn overlay(actions: &str) -> Result<Overlay, Errors> {
    let text = format!("overlay: 1.0.0\ninfo: {{title: t, version: 1.0.0}}\nactions:\n{actions}");
    Overlay::parse(&text, "overlay.yaml")
}

/// An action with a reason, and everything else as given.
fn action(target: &str, matches: usize, rest: &str) -> String {
    format!("- {{target: \"{target}\", x-opgate-why: w, x-opgate-matches: {matches}, {rest}}}\n")
}

/// A document with the action applied, in version 1.50.
fn applied(document: &Value, action: &str) -> Result<Value, String> {
    let mut document = document.clone();
    overlay(action)
        .unwrap()
        .apply(&mut document, 50)
        .map_err(|errors| errors.0[0].message.clone())?;
    Ok(document)
}

#[test]
fn a_range_has_both_its_ends_and_may_be_open() {
    let contains = |text, minor| Versions::parse(text).map(|range| range.contains(minor));
    assert_eq!(contains("1.42-1.44", 41), Some(false));
    assert_eq!(contains("1.42-1.44", 42), Some(true));
    assert_eq!(contains("1.42-1.44", 44), Some(true));
    assert_eq!(contains("1.42-1.44", 45), Some(false));
    assert_eq!(contains("-1.44", 1), Some(true));
    assert_eq!(contains("-1.44", 45), Some(false));
    // Versions to come are in a range with an open end.
    assert_eq!(contains("1.42-", 1000), Some(true));
    for wrong in [
        "",
        "1.42",
        "42-44",
        "1.44-1.42",
        "1.x-",
        "1.42-1.44-1.45",
        "1.-1-",
    ] {
        assert_eq!(Versions::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn objects_merge_and_everything_else_is_replaced() {
    let document = json!({"a": {"b": {"old": 1}, "list": [1], "text": "x"}});
    let update = action("$.a", 1, "update: {b: {old: 2}, list: [2], text: y}");
    assert_eq!(
        applied(&document, &update),
        Ok(json!({"a": {"b": {"old": 2}, "list": [2], "text": "y"}}))
    );
}

#[test]
fn a_list_that_is_the_target_takes_one_more_element() {
    let update = action("$.a", 1, "update: {name: b}");
    assert_eq!(
        applied(&json!({"a": [{"name": "a"}]}), &update),
        Ok(json!({"a": [{"name": "a"}, {"name": "b"}]}))
    );
}

#[test]
fn only_annotations_are_new_unless_the_action_says_more() {
    let document = json!({"a": {"type": "string"}});
    let annotation = action("$.a", 1, "update: {x-opgate-printable: true}");
    assert_eq!(
        applied(&document, &annotation),
        Ok(json!({"a": {"type": "string", "x-opgate-printable": true}}))
    );
    let key = action("$.a", 1, "update: {format: byte}");
    assert_eq!(
        applied(&document, &key),
        Err("the update would make `/a/format`, which is not there".to_owned())
    );
    let meant = action("$.a", 1, "x-opgate-adds: true, update: {format: byte}");
    assert_eq!(
        applied(&document, &meant),
        Ok(json!({"a": {"type": "string", "format": "byte"}}))
    );
    // What is inside of an annotation is the annotation's.
    let inside = json!({"a": {"x-opgate-fields": {"A": {}}}});
    let field = action("$.a", 1, "update: {x-opgate-fields: {B: {}}}");
    assert_eq!(
        applied(&inside, &field),
        Ok(json!({"a": {"x-opgate-fields": {"A": {}, "B": {}}}}))
    );
}

#[test]
fn several_elements_of_one_list_are_removed_at_their_own_places() {
    let document = json!({"a": [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]});
    let remove = action("$.a[?@.n == 1 || @.n == 2 || @.n == 4]", 3, "remove: true");
    assert_eq!(applied(&document, &remove), Ok(json!({"a": [{"n": 3}]})));
}

#[test]
fn a_key_with_slashes_and_tildes_is_removed() {
    let document = json!({"paths": {"/a/~b": 1, "/a": 2}});
    let remove = action("$.paths['/a/~b']", 1, "remove: true");
    assert_eq!(applied(&document, &remove), Ok(json!({"paths": {"/a": 2}})));
}

#[test]
fn another_number_of_places_is_an_error_and_leaves_the_document_alone() {
    let document = json!({"a": {"t": 1}, "b": {"t": 1}});
    let update = action("$.*", 1, "update: {t: 2}");
    let message = "matches 2 places in version 1.50, not 1";
    assert_eq!(applied(&document, &update), Err(message.to_owned()));
    let mut changed = document.clone();
    assert!(overlay(&update).unwrap().apply(&mut changed, 50).is_err());
    assert_eq!(changed, document);
}

#[test]
fn outside_its_versions_an_action_is_not_applied_nor_counted() {
    let update = action("$.missing", 1, "x-opgate-versions: '1.51-', remove: true");
    assert_eq!(applied(&json!({"a": 1}), &update), Ok(json!({"a": 1})));
}

#[test]
fn all_mistakes_are_told_at_once() {
    let actions = action("$[", 1, "remove: true") + &action("$.a", 1, "x-opgate-adds: true");
    let errors = overlay(&actions).unwrap_err();
    assert_eq!(errors.0.len(), 2);
}

//! One feature a test, on descriptions of a few lines.

use super::*;

/// A description around `paths` and `definitions`, each indented by two.
fn description(paths: &str, definitions: &str) -> String {
    let or_empty = |text: &str| {
        if text.is_empty() {
            " {}\n".to_owned()
        } else {
            format!("\n{text}")
        }
    };
    format!(
        "swagger: '2.0'\n\
         schemes: [http, https]\n\
         produces: [application/json, text/plain]\n\
         consumes: [application/json, text/plain]\n\
         basePath: /v1.99\n\
         info:\n  title: prose\n  version: '1.99'\n  x-logo: {{url: prose}}\n  description: prose\n\
         tags:\n  - name: Thing\n    x-displayName: prose\n    description: prose\n\
         paths:{}definitions:{}",
        or_empty(paths),
        or_empty(definitions),
    )
}

fn converted(paths: &str, definitions: &str) -> Value {
    let text = description(paths, definitions);
    convert(&text, "t.yaml").unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// An operation `Do` with these lines below it, indented by six.
fn operation(lines: &str) -> Value {
    let paths = format!(
        "  /do:\n    post:\n      operationId: Do\n{lines}      responses:\n        204: {{}}\n"
    );
    converted(&paths, "  Thing: {type: object}\n")
        .pointer("/paths/~1do/post")
        .cloned()
        .unwrap()
}

/// The only parameter of an operation that has this one, in flow style.
fn parameter(parameter: &str) -> Value {
    operation(&format!("      parameters:\n        - {parameter}\n"))
        .pointer("/parameters/0")
        .cloned()
        .unwrap()
}

/// A definition `It`, with these others, in flow style.
fn schema(it: &str, others: &str) -> Value {
    converted("", &format!("  It: {it}\n{others}"))
        .pointer("/components/schemas/It")
        .cloned()
        .unwrap()
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// The errors, each in one line.
fn errors(text: &str) -> Vec<String> {
    let errors = convert(text, "t.yaml").expect_err("it should not convert");
    errors.0.iter().map(ToString::to_string).collect()
}

/// The only error of a definition `It`.
fn schema_error(it: &str) -> String {
    let errors = errors(&description("", &format!("  It: {it}\n")));
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].clone()
}

/// The only error of an operation with these lines, indented by six.
fn operation_error(lines: &str) -> String {
    let paths = format!("  /do/{{id}}:\n    get:\n      operationId: Do\n{lines}");
    let errors = errors(&description(&paths, ""));
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].clone()
}

#[test]
fn a_document_keeps_version_and_names_of_tags() {
    assert_eq!(
        converted("", ""),
        yaml(
            "openapi: 3.0.3\n\
             info: {title: Docker Engine API, version: '1.99'}\n\
             tags: [{name: Thing}]\n\
             paths: {}\n\
             components: {schemas: {}}\n"
        )
    );
}

#[test]
fn no_prose_is_kept() {
    let document = converted(
        "  /do/{id}:\n    post:\n      operationId: Do\n      summary: prose\n      description: prose\n      \
         tags: [Thing]\n      parameters:\n        - {name: id, in: path, type: string, required: true, description: prose}\n        \
         - {name: b, in: body, description: prose, schema: {$ref: '#/definitions/It'}}\n      responses:\n        \
         200:\n          description: prose\n          schema: {$ref: '#/definitions/It'}\n          \
         examples: {application/json: prose}\n          headers: {X: {type: string, description: prose}}\n",
        "  It:\n    type: object\n    title: prose\n    description: prose\n    example: prose\n    x-go-name: prose\n    \
         properties:\n      A: {type: string, description: prose, example: prose, x-go-type: {type: prose}}\n",
    );
    let text = render(&document).unwrap();
    assert!(!text.contains("prose"), "{text}");
    assert!(!text.contains("x-"), "{text}");
}

#[test]
fn a_property_may_be_called_like_prose() {
    let it = schema(
        "{type: object, properties: {description: {type: string}, x-y: {type: string}, title: {}}}",
        "",
    );
    assert_eq!(
        it,
        yaml(
            "{type: object, properties: {description: {type: string}, x-y: {type: string}, title: {}}}"
        )
    );
}

#[test]
fn properties_keep_their_order() {
    let text = render(&converted(
        "",
        "  It: {type: object, properties: {b: {}, a: {}, c: {}}}\n",
    ))
    .unwrap();
    let places: Vec<_> = ["b: {}", "a: {}", "c: {}"]
        .iter()
        .map(|name| text.find(name).unwrap())
        .collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn facts_of_a_schema_are_kept() {
    let facts = "{type: integer, format: uint16, minimum: 0, maximum: 9, default: 3, enum: [1, 3]}";
    assert_eq!(schema(facts, ""), yaml(facts));
    let facts = "{type: array, items: {type: string}, minItems: 2, maxItems: 2, uniqueItems: true}";
    assert_eq!(schema(facts, ""), yaml(facts));
    let facts = "{type: object, additionalProperties: {type: object, enum: [{}], default: {}}, required: [A]}";
    assert_eq!(schema(facts, ""), yaml(facts));
    let facts = "{type: object, additionalProperties: false}";
    assert_eq!(schema(facts, ""), yaml(facts));
}

#[test]
fn a_default_of_null_is_kept() {
    let it = schema(
        "{type: array, items: {}, default: null, x-nullable: true}",
        "",
    );
    assert_eq!(
        it,
        yaml("{type: array, items: {}, default: null, nullable: true}")
    );
}

#[test]
fn nullable_is_kept_also_where_it_is_false() {
    assert_eq!(
        schema("{type: string, x-nullable: true}", ""),
        yaml("{type: string, nullable: true}")
    );
    assert_eq!(
        schema("{type: string, x-nullable: false}", ""),
        yaml("{type: string, nullable: false}")
    );
}

#[test]
fn a_discriminator_becomes_an_object() {
    let it = schema("{type: object, discriminator: Kind}", "");
    assert_eq!(
        it,
        yaml("{type: object, discriminator: {propertyName: Kind}}")
    );
}

#[test]
fn a_reference_points_to_the_components() {
    let it = schema(
        "{type: object, properties: {A: {$ref: '#/definitions/Other', description: prose}}}",
        "  Other: {type: string}\n",
    );
    assert_eq!(
        it.pointer("/properties/A").unwrap(),
        &yaml("{$ref: '#/components/schemas/Other'}")
    );
}

#[test]
fn what_stands_beside_a_reference_moves_the_reference_into_all_of() {
    let other = "  Other: {type: object}\n";
    assert_eq!(
        schema("{$ref: '#/definitions/Other', x-nullable: true}", other),
        yaml("{nullable: true, allOf: [{$ref: '#/components/schemas/Other'}]}")
    );
    // The reference says the type already.
    assert_eq!(
        schema(
            "{type: object, x-nullable: true, $ref: '#/definitions/Other'}",
            other
        ),
        yaml("{nullable: true, allOf: [{$ref: '#/components/schemas/Other'}]}")
    );
    assert_eq!(
        schema("{$ref: '#/definitions/Other', minProperties: 1}", other),
        yaml("{allOf: [{$ref: '#/components/schemas/Other'}, {minProperties: 1}]}")
    );
}

#[test]
fn properties_beside_all_of_become_one_more_member() {
    let it = schema(
        "{type: object, allOf: [{$ref: '#/definitions/Other'}], properties: {A: {type: string}}, required: [A], x-nullable: true}",
        "  Other: {type: object}\n",
    );
    assert_eq!(
        it,
        yaml(
            "{nullable: true, allOf: [{$ref: '#/components/schemas/Other'}, \
             {type: object, properties: {A: {type: string}}, required: [A]}]}"
        )
    );
}

#[test]
fn a_type_beside_all_of_is_dropped_only_where_a_member_says_it() {
    let all_of = "{type: object, allOf: [{$ref: '#/definitions/Other'}]}";
    assert_eq!(
        schema(
            all_of,
            "  Other: {allOf: [{$ref: '#/definitions/More'}]}\n  More: {type: object}\n"
        ),
        yaml("{allOf: [{$ref: '#/components/schemas/Other'}]}")
    );
    assert_eq!(
        schema(
            all_of,
            "  Other: {allOf: [{$ref: '#/definitions/Other'}]}\n"
        ),
        yaml("{allOf: [{$ref: '#/components/schemas/Other'}, {type: object}]}")
    );
}

#[test]
fn the_type_of_a_parameter_moves_into_a_schema() {
    assert_eq!(
        parameter(
            "{name: q, in: query, type: integer, format: int64, default: 3, description: prose}"
        ),
        yaml("{name: q, in: query, schema: {type: integer, format: int64, default: 3}}")
    );
    assert_eq!(
        parameter(
            "{name: q, in: query, type: string, enum: [a, b], required: true, pattern: '^a'}"
        ),
        yaml(
            "{name: q, in: query, required: true, schema: {type: string, enum: [a, b], pattern: '^a'}}"
        )
    );
    assert_eq!(
        parameter("{name: X-A, in: header, type: string, required: false}"),
        yaml("{name: X-A, in: header, schema: {type: string}}")
    );
}

#[test]
fn collection_formats_become_styles() {
    let styled = |place: &str, collection: &str| {
        let parameter = parameter(&format!(
            "{{name: q, in: {place}, type: array, items: {{type: string}}{collection}}}"
        ));
        assert_eq!(
            parameter.get("schema").unwrap(),
            &yaml("{type: array, items: {type: string}}")
        );
        let style = parameter.get("style").unwrap().as_str().unwrap().to_owned();
        (style, parameter.get("explode").unwrap().as_bool().unwrap())
    };
    assert_eq!(styled("query", ""), ("form".to_owned(), false));
    assert_eq!(
        styled("query", ", collectionFormat: csv"),
        ("form".to_owned(), false)
    );
    assert_eq!(
        styled("query", ", collectionFormat: multi"),
        ("form".to_owned(), true)
    );
    assert_eq!(
        styled("query", ", collectionFormat: ssv"),
        ("spaceDelimited".to_owned(), false)
    );
    assert_eq!(
        styled("query", ", collectionFormat: pipes"),
        ("pipeDelimited".to_owned(), false)
    );
    assert_eq!(styled("header", ""), ("simple".to_owned(), false));
}

#[test]
fn a_body_leaves_the_parameters() {
    let operation = operation(
        "      parameters:\n        - {name: q, in: query, type: string}\n        \
         - {name: b, in: body, required: true, schema: {$ref: '#/definitions/Thing'}}\n",
    );
    assert_eq!(
        operation
            .get("parameters")
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        operation.get("requestBody").unwrap(),
        &yaml(
            "{required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}"
        )
    );
}

#[test]
fn what_a_body_is_decides_its_media_type() {
    let types = |lines: &str, schema: &str| -> Vec<String> {
        let operation = operation(&format!(
            "{lines}      parameters:\n        - {{name: b, in: body, schema: {schema}}}\n"
        ));
        let content = operation.pointer("/requestBody/content").unwrap();
        content.as_object().unwrap().keys().cloned().collect()
    };
    let octets = "      consumes: [application/json, application/octet-stream]\n";
    assert_eq!(types(octets, "{type: object}"), ["application/json"]);
    assert_eq!(
        types(octets, "{type: array, items: {}}"),
        ["application/json"]
    );
    assert_eq!(
        types(octets, "{allOf: [{type: object}]}"),
        ["application/json"]
    );
    assert_eq!(
        types(
            "      consumes: [application/x-tar]\n",
            "{type: string, format: binary}"
        ),
        ["application/x-tar"]
    );
    assert_eq!(
        types("", "{type: string, format: binary}"),
        ["application/octet-stream"]
    );
    assert_eq!(
        types("", "{type: string}"),
        ["application/json", "text/plain"]
    );
}

#[test]
fn responses_keep_codes_types_schemas_and_headers() {
    let document = converted(
        "  /do:\n    get:\n      operationId: Do\n      produces: [application/x-tar]\n      responses:\n        \
         200:\n          schema: {type: string, format: binary}\n          headers: {X-A: {type: string, default: a}}\n        \
         304: {description: prose}\n        default: {schema: {type: object}}\n",
        "",
    );
    assert_eq!(
        document.pointer("/paths/~1do/get/responses").unwrap(),
        &yaml(
            "'200': {description: '', headers: {X-A: {schema: {type: string, default: a}}}, \
                     content: {application/x-tar: {schema: {type: string, format: binary}}}}\n\
             '304': {description: ''}\n\
             default: {description: '', content: {application/x-tar: {schema: {type: object}}}}\n"
        )
    );
}

#[test]
fn responses_of_no_stated_type_are_json_where_they_have_structure() {
    let document = converted(
        "  /do:\n    get:\n      operationId: Do\n      responses:\n        \
         200: {schema: {type: object}}\n        201: {schema: {type: string}}\n        204: {}\n",
        "",
    );
    let types = |code: &str| -> Vec<String> {
        let content = document.pointer(&format!("/paths/~1do/get/responses/{code}/content"));
        content
            .and_then(Value::as_object)
            .map_or_else(Vec::new, |content| content.keys().cloned().collect())
    };
    assert_eq!(types("200"), ["application/json"]);
    assert_eq!(types("201"), ["application/json", "text/plain"]);
    assert!(types("204").is_empty());
}

#[test]
fn a_success_without_schema_keeps_what_the_operation_produces() {
    let document = converted(
        "  /do:\n    get:\n      operationId: Do\n      produces: [application/x-raw]\n      responses:\n        \
         101: {}\n        200: {}\n        404: {}\n",
        "",
    );
    assert_eq!(
        document.pointer("/paths/~1do/get/responses").unwrap(),
        &yaml(
            "'101': {description: ''}\n\
             '200': {description: '', content: {application/x-raw: {}}}\n\
             '404': {description: ''}\n"
        )
    );
}

#[test]
fn operations_keep_tags_and_deprecation() {
    let operation = operation("      tags: [Thing]\n      deprecated: true\n");
    assert_eq!(
        operation,
        yaml(
            "{operationId: Do, tags: [Thing], deprecated: true, responses: {'204': {description: ''}}}"
        )
    );
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let text = description("", "  It: {type: object, properties: {b: {}, a: {}}}\n");
    let once = render(&convert(&text, "t.yaml").unwrap()).unwrap();
    let again = render(&convert(&text, "other.yaml").unwrap()).unwrap();
    assert_eq!(once, again);
}

#[test]
fn words_that_old_yaml_takes_for_booleans_are_quoted() {
    let document = converted(
        "",
        "  It: {type: string, enum: ['no', 'On', 'a no', 'true'], default: 'off'}\n",
    );
    let text = render(&document).unwrap();
    for quoted in [
        "- 'no'\n",
        "- 'On'\n",
        "- a no\n",
        "- 'true'\n",
        "default: 'off'\n",
    ] {
        assert!(text.contains(quoted), "{quoted:?} in\n{text}");
    }
}

#[test]
fn what_is_not_understood_is_named_with_line_and_pointer() {
    assert_eq!(
        schema_error("{type: object, oneOf: []}"),
        "t.yaml:17: /definitions/It/oneOf: `oneOf` is not understood here"
    );
    assert_eq!(
        operation_error(
            "      security: []\n      parameters:\n        - {name: id, in: path, required: true, type: string}\n      responses: {}\n"
        ),
        "t.yaml:19: /paths/~1do~1{id}/get/security: `security` is not understood here"
    );
    assert_eq!(
        operation_error(
            "      parameters:\n        - name: id\n          in: path\n          required: true\n          type: string\n          style: simple\n      responses: {}\n"
        ),
        "t.yaml:24: /paths/~1do~1{id}/get/parameters/0/style: `style` is not understood here"
    );
}

#[test]
fn kinds_are_checked() {
    for (it, error) in [
        ("[]", ": expected an object, found a list"),
        ("{type: 3}", "/type: expected a text, found a number"),
        ("{type: text}", "/type: `text` is not a type"),
        ("{type: string, enum: []}", "/enum: lists nothing"),
        (
            "{type: string, enum: a}",
            "/enum: expected a list, found a text",
        ),
        (
            "{type: integer, minimum: a}",
            "/minimum: expected a number, found a text",
        ),
        (
            "{type: array}",
            ": is an array, but says nothing of its `items`",
        ),
        (
            "{type: string, items: {}}",
            ": has `items`, but is not of type `array`",
        ),
        (
            "{type: string, properties: {}}",
            ": has `properties`, but is not of type `object`",
        ),
        (
            "{type: array, items: []}",
            "/items: expected an object, found a list",
        ),
        (
            "{type: array, items: {}, maxItems: -1}",
            "/maxItems: expected a whole number that is not negative, found a number",
        ),
        (
            "{type: string, x-nullable: 'yes'}",
            "/x-nullable: expected `true` or `false`, found a text",
        ),
        (
            "{type: object, properties: {A: null}}",
            "/properties/A: expected an object, found null",
        ),
        (
            "{type: object, required: true}",
            "/required: expected a list, found a boolean",
        ),
        (
            "{$ref: '#/definitions/None'}",
            "/$ref: there is no definition `None`",
        ),
        (
            "{$ref: 'other.yaml#/definitions/It'}",
            "/$ref: expected a reference into `#/definitions/`, found `other.yaml#/definitions/It`",
        ),
    ] {
        assert_eq!(
            schema_error(it),
            format!("t.yaml:17: /definitions/It{error}"),
            "{it}"
        );
    }
}

#[test]
fn parameters_are_checked() {
    let responses = "      responses: {}\n";
    let id = "        - {name: id, in: path, required: true, type: string}\n";
    for (parameters, error) in [
        (
            "        - {name: id, in: path, type: string}\n",
            "parameters/0: is a path parameter that is not `required`",
        ),
        (
            "ID        - {name: f, in: formData, type: string}\n",
            "parameters/1/in: `formData` parameters are not understood",
        ),
        (
            "ID        - {name: q, in: query}\n",
            "parameters/1: has no `type`",
        ),
        (
            "ID        - {name: q, in: query, type: object}\n",
            "parameters/1: cannot be an object",
        ),
        (
            "ID        - {name: q, in: query, type: string, collectionFormat: csv}\n",
            "parameters/1: has a `collectionFormat`, but is not an array",
        ),
        (
            "ID        - {name: q, in: query, type: array, items: {}, collectionFormat: tsv}\n",
            "parameters/1: collection format `tsv` is not understood in a query parameter",
        ),
        (
            "IDID",
            "parameters/1: path parameter `id` is declared twice",
        ),
        (
            "ID        - {in: query, type: string}\n",
            "parameters/1/name: expected a text, found null",
        ),
        (
            "ID        - {name: b, in: body}\n",
            "parameters/1: is a body without `schema`",
        ),
        (
            "ID        - {name: b, in: body, schema: {}}\n        - {name: c, in: body, schema: {}}\n",
            "parameters/2: is a second body",
        ),
    ] {
        let lines = parameters.replace("ID", id);
        let found = operation_error(&format!(
            "      consumes: [a/b]\n      parameters:\n{lines}{responses}"
        ));
        let (_, found) = found.split_once("/get/").unwrap();
        assert_eq!(found, error);
    }
    assert_eq!(
        operation_error(responses),
        "t.yaml:17: /paths/~1do~1{id}/get: `{id}` of the path is not declared"
    );
    assert_eq!(
        operation_error(&format!(
            "      parameters:\n{id}        - {{name: x, in: path, required: true, type: string}}\n{responses}"
        )),
        "t.yaml:17: /paths/~1do~1{id}/get: path parameter `x` is not in the path"
    );
    assert_eq!(
        operation_error(&format!("      parameters:\n{id}")),
        "t.yaml:17: /paths/~1do~1{id}/get: has no `responses`"
    );
    assert_eq!(
        operation_error(&format!(
            "      parameters:\n{id}      responses:\n        2xx: {{}}\n"
        )),
        "t.yaml:22: /paths/~1do~1{id}/get/responses/2xx: `2xx` is not a status code"
    );
}

#[test]
fn operations_need_names_of_their_own() {
    let paths = "  /a:\n    get: {operationId: Do, responses: {}}\n  /b:\n    get: {operationId: Do, responses: {}}\n    put: {responses: {}}\n";
    assert_eq!(
        errors(&description(paths, "")),
        [
            "t.yaml:19: /paths/~1b/get: a second operation is called `Do`",
            "t.yaml:20: /paths/~1b/put: has no `operationId`",
        ]
    );
}

#[test]
fn the_version_must_be_one_and_the_same() {
    let good = description("", "");
    for (from, to, error) in [
        (
            "'1.99'",
            "1.99",
            "t.yaml:8: /info/version: expected a text, found a number",
        ),
        (
            "'1.99'",
            "'2.0'",
            "t.yaml:8: /info/version: expected a version such as `1.51`, found `2.0`",
        ),
        (
            "'1.99'",
            "'1.099'",
            "t.yaml:8: /info/version: expected a version such as `1.51`, found `1.099`",
        ),
        (
            "/v1.99",
            "/v1.98",
            "t.yaml:5: /basePath: expected `/v1.99`, found `/v1.98`",
        ),
        (
            "swagger: '2.0'",
            "swagger: 2.0",
            "t.yaml:1: /swagger: expected `2.0`, found a number",
        ),
        (
            "schemes:",
            "security:",
            "t.yaml:2: /security: `security` is not understood here",
        ),
    ] {
        assert_eq!(errors(&good.replace(from, to)), [error]);
    }
    let missing: Vec<_> = errors("{}").into_iter().collect();
    assert_eq!(
        missing,
        ["swagger", "info", "basePath", "paths"].map(|key| format!("t.yaml: has no `{key}`"))
    );
}

#[test]
fn all_errors_are_told() {
    let errors = errors(&description(
        "",
        "  A: {type: a}\n  B: {type: b}\n  c d: {type: object}\n",
    ));
    assert_eq!(
        errors,
        [
            "t.yaml:17: /definitions/A/type: `a` is not a type",
            "t.yaml:18: /definitions/B/type: `b` is not a type",
            "t.yaml:19: /definitions/c d: is not a name that OpenAPI accepts for a component",
        ]
    );
}

#[test]
fn endless_errors_have_an_end() {
    use std::fmt::Write as _;
    let mut many = String::new();
    for number in 0..5000 {
        let _ = writeln!(many, "  D{number}: {{type: a}}");
    }
    let errors = errors(&description("", &many));
    assert_eq!(errors.len(), 101);
    assert_eq!(errors[100], "t.yaml: and 4900 more errors");
}

#[test]
fn yaml_beyond_json_is_refused() {
    let with = |line: &str| errors(&description("", &format!("  It:\n    {line}\n")));
    assert_eq!(
        with("default: !tag a"),
        ["t.yaml:18: /definitions/It/default: a description holds no YAML tags"]
    );
    assert_eq!(
        with("maximum: .inf"),
        ["t.yaml:18: /definitions/It/maximum: `.inf` is not a number that JSON has"]
    );
    assert_eq!(
        with("[a]: b"),
        ["t.yaml:17: /definitions/It: has a key that is not a text"]
    );
    assert_eq!(with("<<: {type: string}").len(), 1);
    let twice = with("type: string\n    type: object");
    assert!(
        twice[0].starts_with("t.yaml:18: definitions.It: duplicate entry"),
        "{twice:?}"
    );
    assert!(errors("a: [").first().unwrap().starts_with("t.yaml:"));
    assert_eq!(errors(""), ["t.yaml: expected an object, found null"]);
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    use std::fmt::Write as _;
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let _ = writeln!(
            bomb,
            "a{level}: &a{level} [{}]",
            vec![format!("*a{}", level - 1); 10].join(", ")
        );
    }
    assert_eq!(errors(&bomb).len(), 1);
    let deep = "[".repeat(100_000);
    assert_eq!(errors(&deep).len(), 1);
}

#[test]
fn mutilated_descriptions_never_panic() {
    let paths = "  /do/{id}:\n    post:\n      operationId: Do\n      tags: [Thing]\n      consumes: [application/json]\n      \
        produces: [text/plain]\n      parameters:\n        - name: id\n          in: path\n          type: string\n          \
        required: true\n        - name: q\n          in: query\n          type: array\n          items: {type: string}\n          \
        collectionFormat: multi\n        - name: b\n          in: body\n          schema:\n            \
        $ref: '#/definitions/It'\n      responses:\n        200:\n          schema: {type: string}\n          \
        headers: {X: {type: string}}\n";
    let definitions = "  It:\n    type: object\n    x-nullable: true\n    allOf:\n      - $ref: '#/definitions/Other'\n    \
        properties:\n      A:\n        type: integer\n        minimum: 0\n  Other: {type: object}\n";
    let whole = description(paths, definitions);
    assert!(convert(&whole, "t.yaml").is_ok());
    // Cut short anywhere; without any one line; with any one value another.
    for end in 0..whole.len() {
        let _ = convert(whole.get(..end).unwrap(), "t.yaml");
    }
    let lines: Vec<_> = whole.lines().collect();
    for index in 0..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(index);
        let _ = convert(&fewer.join("\n"), "t.yaml");
        for value in [
            "null", "3", "-1", "a", "[]", "{}", "[{}]", "{a: b}", "true", "9e99",
        ] {
            let Some((key, _)) = lines[index].split_once(": ") else {
                continue;
            };
            let line = format!("{key}: {value}");
            let mut other = lines.clone();
            other[index] = &line;
            if let Err(errors) = convert(&other.join("\n"), "t.yaml") {
                assert!(
                    errors
                        .0
                        .iter()
                        .all(|error| error.file.starts_with("t.yaml"))
                );
            }
        }
    }
}

#[test]
fn lines_are_found_in_block_style() {
    let text = "a:\n  # b: c\n  b: |\n    c: d\n  'c':\n  - x: 1\n    y: 2\n\n  - z:\n      w: 3\n  \"d\" : {e: 1}\nf: 1\n";
    for (pointer, line) in [
        ("a", 1),
        ("a/b", 3),
        ("a/c", 5),
        ("a/c/0", 6),
        ("a/c/0/x", 6),
        ("a/c/0/y", 7),
        ("a/c/1/z", 9),
        ("a/c/1/z/w", 10),
        ("a/d/e", 11),
        ("f", 12),
        ("f/nowhere", 12),
    ] {
        let steps: Vec<_> = pointer.split('/').map(str::to_owned).collect();
        assert_eq!(lines::find(text, &steps), Some(line), "{pointer}");
    }
    assert_eq!(lines::find(text, &["nowhere".to_owned()]), None);
    assert_eq!(lines::find("", &[]), None);
}

//! Queries, filters and headers.

use crate::requests::{get, post, translate};

fn target(raw: &str) -> Result<String, String> {
    get(raw).map(|forwarded| forwarded.target)
}

/// The query that is forwarded for a list of containers.
fn list(query: &str) -> Result<String, String> {
    let target = target(&format!("/v1.51/containers/json?{query}"))?;
    Ok(target.replacen("/v1.51/containers/json", "", 1))
}

#[test]
fn pairs_are_split_at_ampersands_and_empty_ones_skipped() {
    assert_eq!(list("all=1&&limit=2&").unwrap(), "?all=1&limit=2");
    assert_eq!(list("").unwrap(), "");
}

#[test]
fn a_semicolon_is_refused() {
    assert_eq!(
        list("all=1;limit=2").unwrap_err(),
        "ContainerList: query: must not contain a semicolon"
    );
}

#[test]
fn bad_escapes_and_text_that_is_not_utf_8_are_refused() {
    assert!(list("all=%zz").unwrap_err().contains("bad percent escape"));
    assert!(list("all=%f").unwrap_err().contains("bad percent escape"));
    assert!(list("all=%ff").unwrap_err().contains("not UTF-8"));
    assert!(list("%ff=1").unwrap_err().contains("not UTF-8"));
}

#[test]
fn a_plus_is_a_space_and_names_are_decoded() {
    let filters = "%7B%22name%22%3A%5B%22a+b%22%5D%7D";
    assert_eq!(
        list(&format!("filters={filters}")).unwrap(),
        "?filters=%7B%22name%22:%7B%22a%20b%22:true%7D%7D"
    );
    assert_eq!(list("%61ll=1").unwrap(), "?all=1");
}

#[test]
fn names_are_case_sensitive_and_unknown_ones_are_refused() {
    assert_eq!(
        list("All=1").unwrap_err(),
        "ContainerList: query.All: is not a parameter of this operation of the Engine API"
    );
}

#[test]
fn unknown_names_without_a_value_and_known_noise_are_dropped_and_reported() {
    let forwarded = get("/v1.51/containers/json?bogus=&trunc_cmd=0&x").unwrap();
    assert_eq!(forwarded.target, "/v1.51/containers/json");
    assert_eq!(
        forwarded.dropped,
        ["query.bogus", "query.trunc_cmd", "query.x"]
    );
}

#[test]
fn a_scalar_given_twice_is_refused_even_if_the_first_is_empty() {
    assert!(
        list("all=1&all=1")
            .unwrap_err()
            .contains("query.all: is given twice")
    );
    assert!(
        list("limit=&limit=3")
            .unwrap_err()
            .contains("query.limit: is given twice")
    );
    // The exception is pinned: a client sends a file's name and then its content.
    let tar: &[(&str, &[u8])] = &[("Content-Type", b"application/x-tar")];
    let built = translate("POST", "/build?dockerfile=a&dockerfile=FROM%20x", tar, b"").unwrap();
    assert_eq!(built.target, "/v1.51/build?dockerfile=a");
}

#[test]
fn booleans_are_false_for_five_words_and_true_for_all_else() {
    for word in [
        "", "0", "no", "false", "none", "FALSE", "No", "+none+", "%20",
    ] {
        assert_eq!(list(&format!("all={word}")).unwrap(), "?all=0", "{word}");
    }
    for word in [
        "1", "true", "True", "yes", "on", "2", "f", "n", "off", "null", "-1",
    ] {
        assert_eq!(list(&format!("all={word}")).unwrap(), "?all=1", "{word}");
    }
    assert_eq!(list("all").unwrap(), "?all=0");
}

#[test]
fn a_boolean_with_a_default_is_false_when_it_is_given_empty() {
    assert_eq!(
        target("/containers/a1/stats?stream=").unwrap(),
        "/v1.51/containers/a1/stats?stream=0"
    );
    // Only `rm` of a build takes an empty value for the default.
    let tar: &[(&str, &[u8])] = &[("Content-Type", b"application/x-tar")];
    let built = translate("POST", "/build?rm=&q=", tar, b"").unwrap();
    assert_eq!(built.target, "/v1.51/build?q=0");
}

#[test]
fn swarm_booleans_take_twelve_spellings() {
    for (word, becomes) in [
        ("1", "1"),
        ("t", "1"),
        ("True", "1"),
        ("0", "0"),
        ("F", "0"),
        ("false", "0"),
    ] {
        assert_eq!(
            target(&format!("/services?status={word}")).unwrap(),
            format!("/v1.51/services?status={becomes}")
        );
    }
    assert_eq!(target("/services?status=").unwrap(), "/v1.51/services");
    assert!(
        target("/services?status=yes")
            .unwrap_err()
            .contains("must be true or false")
    );
}

#[test]
fn integers_are_decimal_and_written_plainly() {
    assert_eq!(list("limit=007").unwrap(), "?limit=7");
    assert_eq!(list("limit=-1").unwrap(), "?limit=-1");
    assert_eq!(list("limit=%2B5").unwrap(), "?limit=5");
    assert_eq!(list("limit=").unwrap(), "");
    for text in ["1.0", "0x10", "1_000", "%201", "a", "--1", "%2B-1", "1e3"] {
        assert!(
            list(&format!("limit={text}"))
                .unwrap_err()
                .contains("decimal integer"),
            "{text}"
        );
    }
    assert!(
        list("limit=9223372036854775808")
            .unwrap_err()
            .contains("must be from")
    );
    assert!(
        list("limit=99999999999999999999999999999999999999999999")
            .unwrap_err()
            .contains("must be from")
    );
}

#[test]
fn sizes_of_terminals_are_unsigned_and_have_32_bits() {
    let resize =
        |query: &str| translate("POST", &format!("/containers/a1/resize?{query}"), &[], b"");
    assert_eq!(
        resize("h=24&w=80").unwrap().target,
        "/v1.51/containers/a1/resize?h=24&w=80"
    );
    for query in ["h=-1&w=80", "h=%2B1&w=80", "h=4294967296&w=80"] {
        assert!(resize(query).is_err(), "{query}");
    }
}

#[test]
fn repeated_parameters_keep_all_values_and_are_never_split_at_commas() {
    assert_eq!(
        target("/images/get?names=a&names=b,c").unwrap_err(),
        "ImageGetAll: query.names: is not a valid image-reference: invalid reference format: not a valid repository name"
    );
    assert_eq!(
        target("/images/get?names=a&names=b").unwrap(),
        "/v1.51/images/get?names=a&names=b"
    );
}

#[test]
fn both_forms_of_filters_become_one() {
    let canonical = "?filters=%7B%22label%22:%7B%22a%22:true,%22b%22:true%7D%7D";
    for filters in [
        r#"{"label":["a","b"]}"#,
        r#"{"label":{"a":true,"b":true}}"#,
        r#" {"label" : ["a","b","a"]} "#,
    ] {
        assert_eq!(
            list(&format!("filters={}", escape(filters))).unwrap(),
            canonical,
            "{filters}"
        );
    }
}

#[test]
fn filters_that_say_nothing_are_left_out() {
    for filters in ["", "{}", "null"] {
        assert_eq!(
            list(&format!("filters={}", escape(filters))).unwrap(),
            "",
            "{filters}"
        );
    }
}

#[test]
fn filters_with_more_than_one_meaning_are_refused() {
    for (filters, because) in [
        (r#"{"label":["x"],"label":null}"#, "must not be null"),
        (r#"{"label":["x"],"label":["y"]}"#, "twice"),
        (r#"{"label":null}"#, "must not be null"),
        (r#"{"label":{"a":false}}"#, "given as true"),
        (r#"{"label":["a"],"name":{"b":true}}"#, "expected a list"),
        (r#"{"label":"a"}"#, "expected a list"),
        (r#"{"label":[1]}"#, "expected text"),
        (r#"{"label":["a"]}x"#, "not JSON"),
        (r#"["label"]"#, "expected an object"),
        ("x", "not JSON"),
    ] {
        let error = list(&format!("filters={}", escape(filters))).unwrap_err();
        assert!(
            error.starts_with("ContainerList: query.filters: "),
            "{error}"
        );
        assert!(error.contains(because), "{filters}: {error}");
    }
}

#[test]
fn names_of_filters_are_not_folded() {
    assert_eq!(
        list(&format!(
            "filters={}",
            escape(r#"{"Label":["a"],"label":["b"]}"#)
        ))
        .unwrap(),
        "?filters=%7B%22Label%22:%7B%22a%22:true%7D,%22label%22:%7B%22b%22:true%7D%7D"
    );
}

#[test]
fn platforms_have_two_syntaxes() {
    let platform = escape(r#"{"OS":"linux","architecture":"amd64"}"#);
    assert_eq!(
        target(&format!("/images/a/json?platform={platform}")).unwrap(),
        "/v1.51/images/a/json?platform=%7B%22architecture%22:%22amd64%22,%22os%22:%22linux%22%7D"
    );
    assert!(
        target("/images/a/json?platform=linux/amd64")
            .unwrap_err()
            .contains("not JSON")
    );
    let created = post("/containers/create?platform=Linux/AMD64", "{}").unwrap();
    assert_eq!(
        created.target,
        "/v1.51/containers/create?platform=linux/amd64"
    );
}

#[test]
fn the_two_faces_of_image_create_are_told_by_their_query() {
    let pull = translate(
        "POST",
        "/images/create?fromImage=a&tag=b&fromSrc=",
        &[],
        b"",
    )
    .unwrap();
    assert_eq!(pull.operation, "ImagePull");
    assert_eq!(pull.target, "/v1.51/images/create?fromImage=a&tag=b");
    let import = translate(
        "POST",
        "/images/create?fromSrc=-&repo=a&fromImage=",
        &[],
        b"",
    )
    .unwrap();
    assert_eq!(import.operation, "ImageImport");
    assert_eq!(import.target, "/v1.51/images/create?fromSrc=-&repo=a");
    // What the Engine does not look at in a pull is dropped and reported.
    let both = translate(
        "POST",
        "/images/create?fromImage=a&fromSrc=http://x/y",
        &[],
        b"",
    )
    .unwrap();
    assert_eq!(both.target, "/v1.51/images/create?fromImage=a");
    assert_eq!(both.dropped, ["query.fromSrc"]);
}

#[test]
fn registry_credentials_are_read_as_the_engine_reads_them() {
    let pull = |value: &[u8]| {
        let headers: &[(&str, &[u8])] = &[("x-registry-auth", value)];
        translate("POST", "/images/create?fromImage=a", headers, b"")
    };
    // {"Username":"u","password":"p","x":1}: keys fold, the unknown is ignored.
    let forwarded = pull(b"eyJVc2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAiLCJ4IjoxfQ==").unwrap();
    assert_eq!(
        forwarded.headers,
        [(
            "X-Registry-Auth".to_owned(),
            "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAifQ==".to_owned()
        )]
    );
    // Its name may be a secret, too.
    assert_eq!(forwarded.dropped, ["header.X-Registry-Auth (in part)"]);
    // What does not decode is ignored by the Engine: it is not forwarded.
    for value in [&b"placeholder"[..], b"e30", b"!!", b"+/+/", b"IA=="] {
        let forwarded = pull(value).unwrap();
        assert!(forwarded.headers.is_empty(), "{value:?}");
        assert_eq!(forwarded.dropped, ["header.X-Registry-Auth"], "{value:?}");
    }
    assert!(pull(b"bnVsbA==").unwrap().headers.is_empty());
    assert!(pull(b"").unwrap().headers.is_empty());
    // {"username":1} decodes as JSON and has a field of the wrong type.
    assert!(
        pull(b"eyJ1c2VybmFtZSI6MX0=")
            .unwrap_err()
            .contains("expected text")
    );
}

#[test]
fn a_header_that_counts_once_is_refused_twice() {
    let headers: &[(&str, &[u8])] = &[("X-Registry-Auth", b"e30="), ("x-registry-auth", b"e30=")];
    let error = translate("POST", "/images/create?fromImage=a", headers, b"").unwrap_err();
    assert!(
        error.contains("header.X-Registry-Auth: is given twice"),
        "{error}"
    );
}

#[test]
fn a_header_that_may_come_in_several_lines_is_forwarded_in_as_many() {
    let lines: &[(&str, &[u8])] = &[
        ("Accept", b"application/jsonl"),
        ("accept", b"application/x-ndjson, application/json;q=0.5"),
    ];
    for target in ["/events", "/containers/x/logs?stdout=1"] {
        let forwarded = translate("GET", target, lines, b"").unwrap();
        assert_eq!(
            forwarded.headers,
            [
                ("Accept".to_owned(), "application/jsonl".to_owned()),
                (
                    "Accept".to_owned(),
                    "application/x-ndjson, application/json;q=0.5".to_owned()
                ),
            ],
            "{target}"
        );
    }
}

#[test]
fn only_headers_of_the_operation_are_forwarded() {
    let headers: &[(&str, &[u8])] = &[
        ("Host", b"evil"),
        ("X-HTTP-Method-Override", b"DELETE"),
        ("X-Forwarded-For", b"1.2.3.4"),
        ("Authorization", b"Basic x"),
        ("Content-Type", b"application/grpc"),
        ("Accept", b"application/json"),
        ("User-Agent", b"me"),
    ];
    let forwarded = translate("GET", "/info", headers, b"").unwrap();
    assert_eq!(
        forwarded.headers,
        [("User-Agent".to_owned(), "me".to_owned())]
    );
}

fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect::<Vec<_>>()
        .concat()
}

#[test]
fn the_number_of_parameters_is_bounded_and_many_filters_are_quick() {
    assert!(
        list(&"x&".repeat(10_001))
            .unwrap_err()
            .contains("more than 10000 parameters")
    );
    let terms: Vec<String> = (0..100_000).map(|n| format!("\"{n}\"")).collect();
    let started = std::time::Instant::now();
    let filters = format!("{{\"label\":[{}]}}", terms.join(","));
    let _ = list(&format!("filters={}", escape(&filters)));
    assert!(started.elapsed() < std::time::Duration::from_secs(10));
}

#[test]
fn control_characters_reach_no_header() {
    let headers: &[(&str, &[u8])] = &[("X-Meta-A", b"a\r\nX: y"), ("User-Agent", b"a\nb")];
    let error = translate("POST", "/images/create?fromImage=a", headers, b"").unwrap_err();
    assert!(error.contains("has a control character"), "{error}");
    let agent: &[(&str, &[u8])] = &[("User-Agent", b"a\nb")];
    assert!(
        translate("GET", "/info", agent, b"")
            .unwrap()
            .headers
            .is_empty()
    );
}

#[test]
fn null_is_no_value_of_a_repeated_parameter() {
    let error = target("/images/a/get?platform=null&platform=%7B%7D").unwrap_err();
    assert!(
        error.contains("query.platform: must not be null here"),
        "{error}"
    );
}

use super::*;

/// The length, whether the connection is kept, whether the client waits, and
/// the upgrade.
type Read = (BodyLength, bool, bool, Option<Vec<u8>>);

fn framing_of(request: &str) -> Result<Read, FramingError> {
    let bytes = request.replace('\n', "\r\n") + "\r\n";
    let head = Head::parse(bytes.as_bytes()).unwrap();
    Framing::of(&head).map(|framing| {
        (
            framing.length,
            framing.keep_alive,
            framing.expects_continue,
            framing.upgrade.map(<[u8]>::to_vec),
        )
    })
}

fn refusal(headers: &str) -> FramingError {
    framing_of(&format!("POST / HTTP/1.1\n{headers}")).unwrap_err()
}

fn length(headers: &str) -> BodyLength {
    framing_of(&format!("POST / HTTP/1.1\nHost:\n{headers}"))
        .unwrap()
        .0
}

#[test]
fn lengths_with_one_meaning_are_read() {
    assert_eq!(length(""), BodyLength::Exact(0));
    assert_eq!(length("Content-Length: 0\n"), BodyLength::Exact(0));
    assert_eq!(length("content-length: 025\n"), BodyLength::Exact(25));
    assert_eq!(length("Transfer-Encoding: CHUNKED\n"), BodyLength::Chunked);
    assert_eq!(
        length("Content-Length: 18446744073709551615\n"),
        BodyLength::Exact(u64::MAX)
    );
}

#[test]
fn lengths_with_several_meanings_are_refused() {
    for (headers, error) in [
        (
            "Content-Length: 5\nTransfer-Encoding: chunked\n",
            FramingError::TwoFramings,
        ),
        (
            "Transfer-Encoding: chunked\nContent-Length: 0\n",
            FramingError::TwoFramings,
        ),
        (
            "Content-Length: 5\nContent-Length: 5\n",
            FramingError::TwoLengths,
        ),
        (
            "Content-Length: 5\ncontent-length: 6\n",
            FramingError::TwoLengths,
        ),
        ("Content-Length:\n", FramingError::Length),
        ("Content-Length: 5, 5\n", FramingError::Length),
        ("Content-Length: +5\n", FramingError::Length),
        ("Content-Length: -1\n", FramingError::Length),
        ("Content-Length: 0x19\n", FramingError::Length),
        ("Content-Length: 5 5\n", FramingError::Length),
        (
            "Content-Length: 18446744073709551616\n",
            FramingError::Length,
        ),
        (
            "Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n",
            FramingError::Coding,
        ),
        (
            "Transfer-Encoding: chunked, chunked\n",
            FramingError::Coding,
        ),
        ("Transfer-Encoding: gzip, chunked\n", FramingError::Coding),
        ("Transfer-Encoding: identity\n", FramingError::Coding),
        ("Transfer-Encoding:\n", FramingError::Coding),
        ("Transfer-Encoding: xchunked\n", FramingError::Coding),
        ("Transfer-Encoding: \"chunked\"\n", FramingError::Coding),
    ] {
        assert_eq!(refusal(&format!("Host:\n{headers}")), error, "{headers}");
    }
    assert_eq!(
        framing_of("POST / HTTP/1.0\nTransfer-Encoding: chunked\n"),
        Err(FramingError::CodingBefore11)
    );
}

#[test]
fn one_host_is_needed_and_its_value_is_not() {
    assert_eq!(refusal(""), FramingError::NoHost);
    assert_eq!(refusal("Host: a\nHost: a\n"), FramingError::TwoHosts);
    assert_eq!(refusal("Host: a b\n"), FramingError::Host);
    for host in [
        "",
        "docker",
        "evil.example.com",
        "[::1]:80",
        "%2Fvar%2Frun",
        "unix.sock",
    ] {
        assert!(framing_of(&format!("GET / HTTP/1.1\nHost: {host}\n")).is_ok());
    }
    assert!(framing_of("GET / HTTP/1.0\n").is_ok());
    assert_eq!(
        framing_of("GET / HTTP/1.0\nHost: a\nHost: b\n"),
        Err(FramingError::TwoHosts)
    );
}

#[test]
fn connections_are_kept_only_on_1_1_and_only_without_close() {
    for (request, kept) in [
        ("GET / HTTP/1.1\nHost:\n", true),
        ("GET / HTTP/1.1\nHost:\nConnection: keep-alive\n", true),
        ("GET / HTTP/1.1\nHost:\nConnection: Close\n", false),
        ("GET / HTTP/1.1\nHost:\nConnection: upgrade, close\n", false),
        (
            "GET / HTTP/1.1\nHost:\nConnection: a\nConnection: close\n",
            false,
        ),
        ("GET / HTTP/1.0\n", false),
        ("GET / HTTP/1.0\nConnection: keep-alive\n", false),
    ] {
        assert_eq!(framing_of(request).unwrap().1, kept, "{request}");
    }
}

#[test]
fn expectations_and_upgrades_are_read_on_1_1_only() {
    assert!(
        framing_of("PUT / HTTP/1.1\nHost:\nExpect: 100-Continue\n")
            .unwrap()
            .2
    );
    assert!(
        !framing_of("PUT / HTTP/1.0\nExpect: 100-continue\n")
            .unwrap()
            .2
    );
    assert_eq!(
        refusal("Host:\nExpect: 200-ok\n"),
        FramingError::Expectation
    );
    assert_eq!(
        refusal("Host:\nExpect: 100-continue\nExpect: 100-continue\n"),
        FramingError::Expectation
    );
    assert_eq!(
        framing_of("PUT / HTTP/1.1\nHost:\nUpgrade: tcp\n")
            .unwrap()
            .3,
        Some(b"tcp".to_vec())
    );
    assert_eq!(
        framing_of("PUT / HTTP/1.0\nUpgrade: tcp\n").unwrap().3,
        None
    );
}

#[test]
fn content_types_that_the_engine_reads_as_something_else_are_refused() {
    for kind in [
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-Urlencoded; charset=utf-8",
        "multipart/form-data; boundary=x",
        "MULTIPART/mixed",
        "application/grpc",
        "application/grpc+proto",
        "application/json, application/grpc",
    ] {
        assert_eq!(
            refusal(&format!("Host:\nContent-Type: {kind}\n")),
            FramingError::ContentType,
            "{kind}"
        );
        assert_eq!(
            refusal(&format!(
                "Host:\nContent-Type: text/plain\nContent-Type: {kind}\n"
            )),
            FramingError::ContentType,
            "{kind} on the second line"
        );
    }
    for kind in [
        "",
        "text/plain",
        "plain/text",
        "application/json",
        "application/x-tar",
    ] {
        assert!(framing_of(&format!("POST / HTTP/1.1\nHost:\nContent-Type: {kind}\n")).is_ok());
    }
    assert!(
        framing_of(
            "POST / HTTP/1.1\nHost:\nContent-Type: application/x-tar\nContent-Type: application/json\n"
        )
        .is_ok()
    );
}

use super::*;

fn scan(bytes: &[u8]) -> Result<Option<usize>, HeadError> {
    Scanner::default().scan(bytes)
}

#[test]
fn the_end_of_a_head_is_found_wherever_the_bytes_are_split() {
    let bytes = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nX: a\tb\r\n\r\nGET /next";
    let end = bytes.len() - "GET /next".len();
    assert_eq!(scan(bytes), Ok(Some(end)));
    for split in 0..end {
        let mut scanner = Scanner::default();
        assert_eq!(scanner.scan(&bytes[..split]), Ok(None), "split at {split}");
        assert_eq!(scanner.scan(bytes), Ok(Some(end)), "split at {split}");
    }
}

#[test]
fn what_two_parsers_could_read_differently_is_refused() {
    for (bytes, error) in [
        (
            &b"GET / HTTP/1.1\nHost: a\r\n\r\n"[..],
            HeadError::BareLineFeed,
        ),
        (b"GET / HTTP/1.1\r\nHost: a\n\r\n", HeadError::BareLineFeed),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\n", HeadError::BareLineFeed),
        (
            b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
            HeadError::LoneCarriageReturn,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
            HeadError::LoneCarriageReturn,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: a\0\r\n\r\n",
            HeadError::ControlCharacter,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n",
            HeadError::ControlCharacter,
        ),
        (b"GET\t/ HTTP/1.1\r\n\r\n", HeadError::ControlCharacter),
        (b"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", HeadError::Folded),
        (b"GET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", HeadError::Folded),
        (b"GET / HTTP/1.1\r\n X: a\r\n\r\n", HeadError::Folded),
        (b"\r\nGET / HTTP/1.1\r\n\r\n", HeadError::BlankLineFirst),
        (b"\nGET / HTTP/1.1\r\n\r\n", HeadError::BareLineFeed),
        (b"\x16\x03\x01\x02", HeadError::Tls),
        (b"G\x16", HeadError::ControlCharacter),
    ] {
        assert_eq!(
            scan(bytes),
            Err(error),
            "{:?}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn a_head_is_bounded() {
    let mut bytes = b"GET /".to_vec();
    bytes.resize(HEAD_MAX, b'a');
    assert_eq!(scan(&bytes), Ok(None));
    bytes.push(b'a');
    assert_eq!(scan(&bytes), Err(HeadError::TooLarge { limit: HEAD_MAX }));
}

#[test]
fn a_head_is_taken_apart_as_it_came() {
    let head = Head::parse(
        b"POST /v1.51/a%2Fb?x=%20 HTTP/1.1\r\nHost:\r\nx-A:  \t b c \t\r\nX-a: \xff\r\n\r\n",
    )
    .unwrap();
    assert_eq!(head.method, "POST");
    assert_eq!(head.target, "/v1.51/a%2Fb?x=%20");
    assert_eq!(head.version, Version::Http11);
    assert_eq!(
        head.headers,
        [("Host", &b""[..]), ("x-A", b"b c"), ("X-a", b"\xff")]
    );
    assert_eq!(
        head.values("X-A").collect::<Vec<_>>(),
        [&b"b c"[..], b"\xff"]
    );
}

#[test]
fn malformed_heads_are_refused() {
    for (bytes, error) in [
        (&b"GET  / HTTP/1.1\r\n\r\n"[..], HeadError::RequestLine),
        (b"GET / HTTP/1.1 \r\n\r\n", HeadError::BareLineFeed),
        (b" GET / HTTP/1.1\r\n\r\n", HeadError::RequestLine),
        (b"GET /\r\n\r\n", HeadError::RequestLine),
        (b"GET / HTTP/1.2\r\n\r\n", HeadError::Version),
        (b"GET / HTTP/2.0\r\n\r\n", HeadError::Version),
        (b"PRI * HTTP/2.0\r\n\r\n", HeadError::Version),
        (b"GET / http/1.1\r\n\r\n", HeadError::Version),
        (b"GET / HTTP/1.1\r\nX : a\r\n\r\n", HeadError::HeaderLine),
        (b"GET / HTTP/1.1\r\n: a\r\n\r\n", HeadError::HeaderLine),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", HeadError::HeaderLine),
        (b"G\xc3\xa9T / HTTP/1.1\r\n\r\n", HeadError::RequestLine),
    ] {
        let parsed = Head::parse(bytes).map(|_| ());
        assert_eq!(parsed, Err(error), "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn header_lines_are_counted() {
    let mut bytes = b"GET / HTTP/1.1\r\n".to_vec();
    for _ in 0..HEADERS_MAX {
        bytes.extend_from_slice(b"X: y\r\n");
    }
    let full = [&bytes[..], b"\r\n"].concat();
    assert_eq!(Head::parse(&full).unwrap().headers.len(), HEADERS_MAX);
    let over = [&bytes[..], b"X: y\r\n\r\n"].concat();
    assert_eq!(
        Head::parse(&over).map(|_| ()),
        Err(HeadError::TooManyHeaders)
    );
}

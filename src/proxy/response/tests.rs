use std::pin::Pin;
use std::task::{Context, Poll};

use super::*;

#[test]
fn names_are_written_as_the_engine_writes_them() {
    let mut out = BytesMut::new();
    for name in ["api-version", "ostype", "x-docker-container-path-stat"] {
        push_name(&mut out, &HeaderName::from_static(name));
        out.extend_from_slice(b" ");
    }
    assert_eq!(
        &out[..],
        b"Api-Version Ostype X-Docker-Container-Path-Stat "
    );
}

#[tokio::test]
async fn what_belongs_to_the_hop_is_not_passed_on() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("connection", "close, X-Secret"),
        ("x-secret", "1"),
        ("keep-alive", "timeout=5"),
        ("transfer-encoding", "chunked"),
        ("content-length", "999"),
        ("upgrade", "h2c"),
        ("api-version", "1.51"),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    let mut writer = ClientWriter::new(Vec::new());
    let form = Form {
        version: Version::Http11,
        head_only: false,
        close: false,
    };
    writer.push_head(form, 200, Some(b"Fine"), &headers, Length::Exact(2));
    assert_eq!(
        &writer.out[..],
        b"HTTP/1.1 200 Fine\r\nApi-Version: 1.51\r\nContent-Length: 2\r\n\r\n"
    );
    assert!(writer.has_started());
}

/// A transport that remembers its writes.
#[derive(Default)]
struct Writes(Vec<Vec<u8>>);

impl AsyncWrite for Writes {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.push(bytes.to_vec());
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all: Vec<u8> = parts.iter().flat_map(|part| part.to_vec()).collect();
        let length = all.len();
        self.0.push(all);
        Poll::Ready(Ok(length))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn what_surrounds_a_large_piece_is_written_with_it_and_in_order() {
    let large = |byte| Bytes::from(vec![byte; ANSWER_DIRECT]);
    let mut writer = ClientWriter::new(Writes::default());
    for piece in [
        Bytes::from_static(b"a"),
        large(b'b'),
        Bytes::from_static(b"c"),
    ] {
        writer.push_data(piece, true).await.unwrap();
    }
    // Only one is held: the next one sends it off.
    writer.push_data(large(b'd'), true).await.unwrap();
    writer.end().extend_from_slice(b"0\r\n\r\n");
    writer.flush().await.unwrap();

    let b = "b".repeat(ANSWER_DIRECT);
    let d = "d".repeat(ANSWER_DIRECT);
    let written: Vec<_> = writer.io.0.iter().map(|write| text(write)).collect();
    assert_eq!(
        written,
        [
            format!("1\r\na\r\n2000\r\n{b}\r\n1\r\nc\r\n"),
            format!("2000\r\n{d}\r\n0\r\n\r\n"),
        ]
    );
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_message_cannot_break_out_of_its_form() {
    let mut writer = ClientWriter::new(Vec::new());
    let form = Form {
        version: Version::Http11,
        head_only: false,
        close: true,
    };
    writer
        .refuse(form, 403, "a \"b\"\r\nc", None)
        .await
        .unwrap();
    assert_eq!(
        String::from_utf8(writer.io).unwrap(),
        "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\
         Connection: close\r\n\r\n{\"message\":\"a \\\"b\\\"\\r\\nc\"}\n"
    );
}

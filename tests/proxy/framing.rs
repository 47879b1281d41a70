//! Smuggling and framing tricks: what could be read in two ways is refused before
//! the Engine sees a byte of it, and the gate goes on.

use std::fmt::Write;
use std::time::Duration;

use opgate::proxy::Limits;

use crate::support::{CREATE, Engine, PING, Setup, over_both, refused};

#[tokio::test]
async fn both_lengths_together_are_refused() {
    over_both(async |transport| {
        for lengths in [
            "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
            "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        ] {
            let smuggled = format!(
                "{CREATE}{lengths}\r\n0\r\n\r\nPOST /v1.51/containers/x/start HTTP/1.1\r\nHost:\r\n\r\n"
            );
            refused(transport, smuggled.as_bytes(), 400, "both").await;
        }
    })
    .await;
}

#[tokio::test]
async fn lengths_that_are_no_plain_number_are_refused() {
    over_both(async |transport| {
        for length in [
            "Content-Length: 2\r\nContent-Length: 2",
            "Content-Length: 2\r\nContent-Length: 7",
        ] {
            let request = format!("{CREATE}{length}\r\n\r\n{{}}");
            refused(
                transport,
                request.as_bytes(),
                400,
                "more than one Content-Length",
            )
            .await;
        }
        for length in [
            "",
            " ",
            "2, 2",
            "+2",
            "-2",
            "0x2",
            "2;",
            "1e1",
            "99999999999999999999",
        ] {
            let request = format!("{CREATE}Content-Length: {length}\r\n\r\n{{}}");
            refused(transport, request.as_bytes(), 400, "plain number").await;
        }
    })
    .await;
}

#[tokio::test]
async fn transfer_codings_other_than_one_chunked_are_refused() {
    over_both(async |transport| {
        for coding in [
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            "Transfer-Encoding: identity",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding:",
        ] {
            let request = format!("{CREATE}{coding}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n");
            refused(transport, request.as_bytes(), 501, "chunked").await;
        }
        let old =
            "POST /v1.51/containers/create HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        refused(transport, old.as_bytes(), 400, "HTTP/1.0").await;
    })
    .await;
}

#[tokio::test]
async fn names_that_only_look_like_framing_are_refused() {
    over_both(async |transport| {
        for name in [
            "Transfer-Encoding : chunked",
            "Transfer-Encoding\t: chunked",
            "Content-Length : 2",
        ] {
            let request = format!("{CREATE}{name}\r\n\r\n{{}}");
            refused(
                transport,
                request.as_bytes(),
                400,
                "header line is malformed",
            )
            .await;
        }
        let hidden = format!("{CREATE}X: y\r\n Transfer-Encoding: chunked\r\n\r\n");
        refused(transport, hidden.as_bytes(), 400, "folded").await;
        let hidden = format!("{CREATE}Transfer-Encoding:\r\n chunked\r\n\r\n");
        refused(transport, hidden.as_bytes(), 400, "folded").await;
    })
    .await;
}

#[tokio::test]
async fn line_ends_and_control_characters_are_strict() {
    over_both(async |transport| {
        for (bytes, about) in [
            (&b"GET /_ping HTTP/1.1\nHost: docker\n\n"[..], "CR LF"),
            (b"GET /_ping HTTP/1.1\r\nHost: docker\n\r\n", "CR LF"),
            (b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\n", "CR LF"),
            (
                b"GET /_ping HTTP/1.1\r\nHost: docker\r\nX: a\rY: b\r\n\r\n",
                "carriage return",
            ),
            (
                b"GET /_ping HTTP/1.1\r\nHost: docker\r\nX: a\0b\r\n\r\n",
                "control",
            ),
            (b"GET /_ping\0 HTTP/1.1\r\nHost: docker\r\n\r\n", "control"),
            (b"GET\t/_ping HTTP/1.1\r\nHost: docker\r\n\r\n", "control"),
            (
                b"\r\nGET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n",
                "blank line",
            ),
            (
                b" GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n",
                "request line",
            ),
            (
                b"GET  /_ping HTTP/1.1\r\nHost: docker\r\n\r\n",
                "request line",
            ),
            (b"GET /_ping\r\n\r\n", "request line"),
            (b"GET /_ping HTTP/1.1\r\n: x\r\n\r\n", "header line"),
            (b"\x16\x03\x01\x00\xa5\x01\x00", "this is TLS"),
            (b"G\x16ET / HTTP/1.1\r\n\r\n", "control"),
        ] {
            refused(transport, bytes, 400, about).await;
        }
    })
    .await;
}

#[tokio::test]
async fn exactly_one_host_is_named() {
    over_both(async |transport| {
        refused(transport, b"GET /_ping HTTP/1.1\r\n\r\n", 400, "no Host").await;
        refused(
            transport,
            b"GET /_ping HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            400,
            "more than one",
        )
        .await;
        refused(
            transport,
            b"GET /_ping HTTP/1.1\r\nHost: a b\r\n\r\n",
            400,
            "malformed",
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn other_expectations_are_refused() {
    over_both(async |transport| {
        let request = format!("{CREATE}Expect: the-unexpected\r\nContent-Length: 2\r\n\r\n");
        refused(transport, request.as_bytes(), 417, "100-continue").await;
    })
    .await;
}

#[tokio::test]
async fn chunks_are_read_strictly() {
    over_both(async |transport| {
        for chunks in [
            "2\n{}\r\n0\r\n\r\n",
            "2\r\n{}\n0\r\n\r\n",
            "2\r\n{}0\r\n\r\n",
            "0x2\r\n{}\r\n0\r\n\r\n",
            "+2\r\n{}\r\n0\r\n\r\n",
            " 2\r\n{}\r\n0\r\n\r\n",
            "2 \r\n{}\r\n0\r\n\r\n",
            "-2\r\n{}\r\n0\r\n\r\n",
            "\r\n{}\r\n0\r\n\r\n",
            "10000000000000002\r\n{}\r\n0\r\n\r\n",
            "2;a\nb\r\n{}\r\n0\r\n\r\n",
            "2\r\n{}\r\n0\r\nX: y\n\r\n",
            "2\r\n{}\r\n0\r\nGET /_ping HTTP/1.1\r\n\r\n",
            "2\r\n{}\r\n0\r\n X: folded\r\n\r\n",
        ] {
            let request = format!("{CREATE}Transfer-Encoding: chunked\r\n\r\n{chunks}");
            refused(transport, request.as_bytes(), 400, "body cannot be read").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    over_both(async |transport| {
        for body in [
            "Content-Length: 9\r\n\r\n{}",
            "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        ] {
            let setup = Setup::over(transport).await;
            let engine = Engine::plain(&setup.engine_path());
            let mut client = setup.client().await;
            client.send(format!("{CREATE}{body}")).await;
            client.half_close().await;
            let answer = client.answer().await;
            assert_eq!(answer.status, 400);
            assert_eq!(
                answer.message(),
                "opgate: the connection ended within the body"
            );
            client.ended().await;
            assert!(engine.seen().is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn bytes_behind_an_empty_body_are_the_next_request() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        for length in ["Content-Length: 0\r\n", ""] {
            let mut client = setup.client().await;
            client
                .send(format!(
                    "POST /v1.51/containers/x/start HTTP/1.1\r\nHost:\r\n{length}\r\n\
                     POST /v1.51/secrets/of/nobody HTTP/1.1\r\nHost:\r\n\r\n"
                ))
                .await;
            assert_eq!(client.answer().await.status, 200);
            assert_eq!(client.answer().await.status, 404);
            assert_eq!(client.ask(PING).await.status, 200);
        }
        let start = "POST /v1.51/containers/x/start HTTP/1.1";
        let ping = "GET /v1.51/_ping HTTP/1.1";
        assert_eq!(engine.lines(), [start, ping, start, ping]);
    })
    .await;
}

#[tokio::test]
async fn bytes_behind_an_empty_body_that_are_no_request_end_the_connection() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        client
            .send("POST /v1.51/containers/x/start HTTP/1.1\r\nHost:\r\nContent-Length: 0\r\n\r\n{\"HostConfig\":{}}\n")
            .await;
        assert_eq!(client.answer().await.status, 200);
        assert_eq!(client.answer().await.status, 400);
        client.ended().await;
        assert_eq!(engine.seen().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_refused_request_behind_an_allowed_one_is_refused() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        let bad = r#"{"Image":"busybox","HostConfig":{"Privileged":true}}"#;
        let good = r#"{"Image":"busybox"}"#;
        let mut pipeline = String::new();
        for body in [good, bad, good] {
            write!(
                pipeline,
                "{CREATE}Content-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
        }
        client.send(pipeline).await;
        assert_eq!(client.answer().await.status, 200);
        let refusal = client.answer().await;
        assert_eq!(refusal.status, 403);
        assert!(refusal.message().contains("HostConfig.Privileged"));
        assert_eq!(client.answer().await.status, 200);
        assert_eq!(engine.seen().len(), 2);
        for seen in engine.seen() {
            assert_eq!(seen.body, good.as_bytes());
        }
    })
    .await;
}

#[tokio::test]
async fn the_engine_gets_a_request_of_our_own() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        let answer = client
            .ask(
                "POST /v1.51/containers/create HTTP/1.1\r\nHost: elsewhere:80\r\nConnection: X-A, keep-alive\r\nX-A: b\r\n\
                 Keep-Alive: 5\r\nTE: trailers\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Type: application/x-tar\r\n\
                 X-HTTP-Method-Override: DELETE\r\nTransfer-Encoding: chunked\r\n\r\n\
                 a;ext=1\r\n{\"Image\":\"\r\n9\r\nbusybox\"}\r\n0\r\nX-Trailer: y\r\n\r\n",
            )
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let seen = engine.seen().remove(0);
        let mut lines: Vec<_> = seen.head.lines().map(str::to_lowercase).collect();
        lines.sort();
        assert_eq!(
            lines,
            [
                "content-length: 19",
                "content-type: application/json",
                "host: docker",
                "post /v1.51/containers/create http/1.1",
            ]
        );
        assert_eq!(seen.body, br#"{"Image":"busybox"}"#);
    })
    .await;
}

#[tokio::test]
async fn a_request_without_a_body_is_sent_without_one() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        for request in [
            "POST /v1.51/containers/x/start HTTP/1.1\r\nHost:\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
            "POST /v1.51/containers/x/start HTTP/1.1\r\nHost:\r\nContent-Type: application/json\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /v1.51/containers/x/start HTTP/1.1\r\nHost: %2Frun\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        ] {
            assert_eq!(client.ask(request).await.status, 200, "{request}");
        }
        for seen in engine.seen() {
            assert_eq!(seen.header("content-length"), Some("0"));
            assert_eq!(seen.header("content-type"), None);
            assert_eq!(seen.header("transfer-encoding"), None);
            assert!(seen.body.is_empty());
        }
        assert_eq!(engine.seen().len(), 3);

        assert_eq!(client.ask("GET /v1.51/containers/json HTTP/1.1\r\nHost:\r\nContent-Type: application/json\r\n\r\n").await.status, 200);
        let get = engine.seen().pop().unwrap();
        assert_eq!(get.header("content-length"), None);
        assert_eq!(get.header("content-type"), None);
    })
    .await;
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        for header in ["", "Connection: keep-alive\r\n"] {
            let mut client = setup.client().await;
            client
                .send(format!(
                    "GET /_ping HTTP/1.0\r\n{header}\r\nGET /v1.51/containers/json HTTP/1.0\r\n\r\n"
                ))
                .await;
            let answer = client.answer().await;
            assert!(answer.head.starts_with("HTTP/1.0 200 OK\n"), "{answer:?}");
            assert_eq!(answer.header("connection"), Some("close"));
            client.ended().await;
        }
        assert_eq!(
            engine.seen().len(),
            2,
            "what was pipelined is not looked at"
        );
    })
    .await;
}

#[tokio::test]
async fn heads_are_bounded_in_size_and_lines() {
    over_both(async |transport| {
        let target = format!("GET /{} HTTP/1.1\r\nHost:\r\n\r\n", "a".repeat(1100 << 10));
        refused(transport, target.as_bytes(), 431, "larger than").await;
        let lines = format!(
            "GET /_ping HTTP/1.1\r\nHost:\r\n{}\r\n",
            "X: y\r\n".repeat(200)
        );
        refused(transport, lines.as_bytes(), 431, "header lines").await;
    })
    .await;
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_and_the_connection_goes_on() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        let body = format!(r#"{{"Image":"{}"}}"#, "a".repeat(17 << 20));
        for framed in [
            format!("Content-Length: {}\r\n\r\n{body}", body.len()),
            format!(
                "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
                body.len()
            ),
        ] {
            let answer = client.ask(format!("{CREATE}{framed}")).await;
            assert_eq!(answer.status, 413);
            assert!(answer.message().contains("larger than"));
        }
        assert_eq!(client.ask(PING).await.status, 200);
        assert_eq!(engine.seen().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn slow_heads_and_bodies_are_given_up() {
    over_both(async |transport| {
        let short = Limits {
            head_time: Duration::from_millis(50),
            body_time: Duration::from_millis(50),
            ..Limits::default()
        };
        let setup = Setup::over_with(transport, short).await;
        let engine = Engine::plain(&setup.engine_path());
        for (bytes, message) in [
            (
                "GET /_ping HTTP/1.1\r\nHost".to_owned(),
                "opgate: the request head did not arrive in time",
            ),
            (
                format!("{CREATE}Content-Length: 9\r\n\r\n{{}}"),
                "opgate: the body did not arrive in time",
            ),
            (
                format!("{CREATE}Transfer-Encoding: chunked\r\n\r\n2\r\n"),
                "opgate: the body did not arrive in time",
            ),
        ] {
            let mut client = setup.client().await;
            let answer = client.ask(bytes).await;
            assert_eq!(answer.status, 408);
            assert_eq!(answer.message(), message);
            client.ended().await;
        }
        assert!(engine.seen().is_empty());
    })
    .await;
}

//! Bodies that stream: at once, in both directions, and no further than both
//! sides go along.

use std::time::Duration;

use opgate::proxy::Limits;

use crate::support::{Call, Engine, PING, Setup, Transport, over_both, pattern};

const BUILD: &str = "POST /v1.51/build HTTP/1.1\r\nHost:\r\nTransfer-Encoding: chunked\r\n\r\n";
const LOGS: &str = "GET /v1.51/containers/x/logs?follow=1 HTTP/1.1\r\nHost:\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn an_upload_reaches_the_engine_piece_by_piece() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            if call.line().contains("_ping") {
                call.io.answer("200 OK", "OK").await;
                return Some(call.io);
            }
            // Each chunk is confirmed before the client sends the next one.
            call.io.send(CHUNKED).await;
            loop {
                let chunk = call.io.chunk().await?;
                call.note(&chunk);
                if chunk.is_empty() {
                    break;
                }
                call.io.send("2\r\nok\r\n").await;
            }
            call.io.send("0\r\n\r\n").await;
            Some(call.io)
        });
        let mut client = setup.client().await;
        client.send(BUILD).await;
        assert_eq!(
            client.head().await.header("transfer-encoding"),
            Some("chunked")
        );
        for piece in ["5;x\r\nfirst\r\n", "6\r\nsecond\r\n"] {
            client.send(piece).await;
            assert_eq!(client.chunk().await, b"ok");
        }
        client.send("0\r\nTrailer: dropped\r\n\r\n").await;
        assert_eq!(client.chunk().await, b"");
        let seen = engine.seen();
        assert_eq!(seen[0].header("transfer-encoding"), Some("chunked"));
        assert_eq!(seen[0].header("content-type"), Some("application/x-tar"));
        assert_eq!(seen[0].header("content-length"), None);
        let pieces: Vec<_> = seen.iter().map(|seen| &seen.body[..]).collect();
        assert_eq!(pieces, [&b"first"[..], b"second", b""]);
        assert_eq!(client.ask(PING).await.status, 200, "both connections go on");
    })
    .await;
}

#[tokio::test]
async fn a_download_reaches_the_client_piece_by_piece() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let (go, went) = tokio::sync::mpsc::unbounded_channel::<()>();
        let went = std::sync::Arc::new(tokio::sync::Mutex::new(went));
        let _engine = Engine::start(&setup.engine_path(), move |mut call: Call| {
            let went = went.clone();
            async move {
                call.body().await?;
                call.io.send(CHUNKED).await;
                for line in ["one", "three"] {
                    went.lock().await.recv().await;
                    call.io
                        .send(format!("{:x}\r\n{line}\r\n", line.len()))
                        .await;
                }
                went.lock().await.recv().await;
                call.io.send("0\r\nX-Checksum: 1\r\n\r\n").await;
                Some(call.io)
            }
        });
        let mut client = setup.client().await;
        client.send(LOGS).await;
        assert_eq!(
            client.head().await.status,
            200,
            "the head does not wait for the body"
        );
        go.send(()).unwrap();
        assert_eq!(client.chunk().await, b"one");
        go.send(()).unwrap();
        assert_eq!(client.chunk().await, b"three");
        go.send(()).unwrap();
        assert_eq!(client.line().await, "0");
        assert_eq!(client.line().await, "X-Checksum: 1");
        assert_eq!(client.line().await, "");
    })
    .await;
}

#[tokio::test]
async fn large_bodies_are_the_same_on_the_other_side() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let _engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            let body = call.body().await?;
            if call.line().contains("/images/get") {
                // Neither length nor chunks: until the connection ends.
                call.io
                    .send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                    .await;
                call.io.send(&pattern(3 << 20)).await;
                return None;
            }
            let length = body.len();
            call.io
                .send(format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"
                ))
                .await;
            call.io.send(&body).await;
            Some(call.io)
        });
        let mut client = setup.client().await;
        for size in [1, 8191, 8192, 65536, 3 << 20] {
            let body = pattern(size);
            let head = format!(
                "POST /v1.51/images/load HTTP/1.1\r\nHost:\r\nContent-Length: {size}\r\n\r\n"
            );
            client.send(head).await;
            client.send(&body).await;
            let answer = client.head().await;
            assert_eq!(answer.header("content-length"), Some(&*size.to_string()));
            assert!(client.exact(size).await == body, "{size} bytes");
        }
        for (version, chunked) in [("1.1", true), ("1.0", false)] {
            let mut client = setup.client().await;
            client
                .send(format!(
                    "GET /v1.51/images/get HTTP/{version}\r\nHost:\r\n\r\n"
                ))
                .await;
            let answer = client.head().await;
            let mut body = Vec::new();
            if chunked {
                assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
                loop {
                    let chunk = client.chunk().await;
                    if chunk.is_empty() {
                        break;
                    }
                    body.extend(chunk);
                }
                assert_eq!(client.ask(PING).await.status, 200);
            } else {
                assert_eq!(answer.header("transfer-encoding"), None);
                assert_eq!(answer.header("connection"), Some("close"));
                body = client.rest().await;
            }
            assert!(body == pattern(3 << 20), "HTTP/{version}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_engine_that_answers_early_is_heard_while_the_client_uploads() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            if call.line().contains("_ping") {
                call.body().await?;
                call.io.answer("200 OK", "OK").await;
                return Some(call.io);
            }
            let first = call.io.chunk().await?;
            call.note(&first);
            call.io
                .answer("400 Bad Request", r#"{"message":"no Dockerfile"}"#)
                .await;
            None
        });
        // One that reads while it writes.
        let mut client = setup.client().await;
        client.send(BUILD).await;
        client.send("5\r\nfirst\r\n").await;
        assert_eq!(client.answer().await.message(), "no Dockerfile");
        client.send("4\r\nmore\r\n0\r\n\r\n").await;
        assert_eq!(client.ask(PING).await.status, 200);

        // One that writes everything first.
        let mut client = setup.client().await;
        client.send(BUILD).await;
        let mut chunk = b"100000\r\n".to_vec();
        chunk.extend(pattern(1 << 20));
        chunk.extend(b"\r\n");
        for _ in 0..8 {
            client.send(&chunk).await;
        }
        client.send("0\r\n\r\n").await;
        assert_eq!(client.answer().await.message(), "no Dockerfile");
        assert_eq!(client.ask(PING).await.status, 200);
        assert_eq!(engine.seen().len(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_broken_upload_never_ends_well_at_the_engine() {
    over_both(async |transport| {
        for (rest, message) in [
            ("5\nwrong\n", "opgate: the body cannot be read"),
            ("5\r\nse", "opgate: the connection ended within the body"),
        ] {
            let setup = Setup::over(transport).await;
            let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
                let first = call.io.chunk().await?;
                call.note(&first);
                // What comes after the first chunk is no last chunk.
                let rest = call.io.rest().await;
                call.note(&rest);
                None
            });
            let mut client = setup.client().await;
            client.send(BUILD).await;
            client.send("5\r\nfirst\r\n").await;
            engine.until(|engine| engine.seen().len() == 1).await;
            client.send(rest).await;
            client.half_close().await;
            engine.until(|engine| engine.closed() == 1).await;
            let rest = engine.seen().pop().unwrap().body;
            assert!(
                !rest.windows(5).any(|bytes| bytes == b"0\r\n\r\n"),
                "{rest:?}"
            );
            let answer = client.answer().await;
            assert_eq!(answer.status, 400);
            assert!(answer.message().starts_with(message));
            client.ended().await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_stands_still_is_given_up() {
    over_both(async |transport| {
        let short = Limits {
            stream_idle_time: Duration::from_millis(50),
            ..Limits::default()
        };
        let setup = Setup::over_with(transport, short).await;
        let engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        client.send(BUILD).await;
        client.send("5\r\nfirst\r\n").await;
        assert_eq!(client.answer().await.status, 408);
        client.ended().await;
        engine.until(|engine| engine.closed() == 1).await;
        assert!(engine.seen().is_empty(), "it never got a whole body");
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_is_gone_at_the_engine_too() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            if call.line().contains("logs") {
                call.io.send(CHUNKED).await;
            }
            call.io.rest().await;
            None
        });
        // While its answer streams, and while there is none yet.
        for request in [
            LOGS,
            "POST /v1.51/containers/x/wait HTTP/1.1\r\nHost:\r\n\r\n",
        ] {
            let before = engine.closed();
            let seen = engine.seen().len();
            let mut client = setup.client().await;
            client.send(request).await;
            engine.until(|engine| engine.seen().len() > seen).await;
            drop(client);
            engine.until(|engine| engine.closed() > before).await;
        }
        let records = setup.records.take(2).await;
        assert!(records.iter().all(|record| !record.complete));
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_after_sending_much_ahead_is_noticed() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            call.io.rest().await;
            None
        });
        // More than is read ahead of a request that waits.
        let ahead = "x".repeat(20 << 10);
        let wait = "POST /v1.51/containers/x1/wait HTTP/1.1\r\nHost:\r\n\r\n";
        for request in [format!("{wait}{ahead}"), format!("{LOGS}{ahead}")] {
            let before = engine.closed();
            let seen = engine.seen().len();
            let mut client = setup.client().await;
            client.send(&request).await;
            engine.until(|engine| engine.seen().len() > seen).await;
            drop(client);
            engine.until(|engine| engine.closed() > before).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_half_closes_still_gets_its_answer() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let (go, went) = tokio::sync::watch::channel(false);
        let engine = Engine::start(&setup.engine_path(), move |mut call: Call| {
            let mut went = went.clone();
            async move {
                call.body().await?;
                went.wait_for(|went| *went).await.unwrap();
                call.io.answer("200 OK", "late").await;
                Some(call.io)
            }
        });
        let mut client = setup.client().await;
        client.send(PING).await;
        client.half_close().await;
        engine.until(|engine| engine.seen().len() == 1).await;
        go.send(true).unwrap();
        assert_eq!(client.answer().await.body, "late");
        client.ended().await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_at_the_client() {
    over_both(async |transport| {
        for head in ["Transfer-Encoding: chunked", "Content-Length: 99"] {
            let setup = Setup::over(transport).await;
            let _engine = Engine::start(&setup.engine_path(), move |mut call: Call| async move {
                call.body().await?;
                call.io
                    .send(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n"))
                    .await;
                call.io.send("5\r\nfirst\r\n").await;
                None
            });
            let mut client = setup.client().await;
            client.send(LOGS).await;
            assert_eq!(client.head().await.status, 200);
            assert_eq!(client.rest().await, b"5\r\nfirst\r\n", "and no end");
            assert!(!setup.records.take(1).await[0].complete);
        }
    })
    .await;
}

#[tokio::test]
async fn a_slow_reader_slows_the_engine_and_fills_no_memory() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let written = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = written.clone();
        let _engine = Engine::start(&setup.engine_path(), move |mut call: Call| {
            let count = count.clone();
            async move {
                call.body().await?;
                call.io
                    .send("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n")
                    .await;
                for _ in 0..1024 {
                    call.io.send(vec![7; 1 << 16]).await;
                    count.fetch_add(1 << 16, std::sync::atomic::Ordering::SeqCst);
                }
                Some(call.io)
            }
        });
        let mut client = setup.client().await;
        client.send(LOGS).await;
        client.head().await;
        // The client has read no body, so what was written is what the buffers on
        // the way hold: far less than the whole.
        let mut before = usize::MAX;
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = written.load(std::sync::atomic::Ordering::SeqCst);
            if now == before {
                break;
            }
            before = now;
        }
        let buffers = match transport {
            Transport::Unix => 4 << 20,
            // The kernel's own grow with a connection.
            Transport::Tcp => 16 << 20,
        };
        assert!(before < buffers, "{before} bytes under way");
        let body = client.exact(64 << 20).await;
        assert!(body.iter().all(|byte| *byte == 7));
        assert_eq!(setup.records.take(1).await[0].bytes_out, 64 << 20);
    })
    .await;
}

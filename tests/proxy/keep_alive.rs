//! One connection, many requests.

use std::fmt::Write;
use std::time::Duration;

use opgate::proxy::{Decision, Limits};
use tokio::io::AsyncWriteExt;

use crate::support::{Call, Engine, PING, Setup, over_both};

#[tokio::test]
async fn a_connection_serves_request_after_request() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        for _ in 0..20 {
            let answer = client.ask(PING).await;
            assert_eq!((answer.status, answer.header("connection")), (200, None));
        }
        assert_eq!(engine.seen().len(), 20);
        assert_eq!(
            engine.accepted(),
            1,
            "the connection to the Engine is kept too"
        );
        let records = setup.records.take(20).await;
        assert!(
            records
                .iter()
                .all(|record| record.decision == Decision::Allowed
                    && record.complete
                    && record.status == Some(200)
                    && record.bytes_out == 2)
        );
    })
    .await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            let line = call.line().to_owned();
            call.io.answer("200 OK", &line).await;
            Some(call.io)
        });
        let mut client = setup.client().await;
        let mut pipeline = String::new();
        for name in ["a", "b", "c", "d"] {
            write!(
                pipeline,
                "POST /v1.51/containers/{name}/start HTTP/1.1\r\nHost:\r\n\r\n"
            )
            .unwrap();
        }
        client.send(pipeline).await;
        for name in ["a", "b", "c", "d"] {
            let expected = format!("POST /v1.51/containers/{name}/start HTTP/1.1");
            assert_eq!(client.answer().await.body, expected);
        }
        assert_eq!(engine.seen().len(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_asks_to_close_is_closed() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let _engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        let answer = client
            .ask("GET /_ping HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n")
            .await;
        assert_eq!(answer.header("connection"), Some("close"));
        client.ended().await;
    })
    .await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_without_a_word() {
    over_both(async |transport| {
        let short = Limits {
            idle_time: Duration::from_millis(30),
            ..Limits::default()
        };
        let setup = Setup::over_with(transport, short).await;
        let _engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        assert_eq!(client.ask(PING).await.status, 200);
        client.ended().await;
        setup.client().await.ended().await;
        assert_eq!(setup.records.take(1).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn heads_only_are_answered_with_heads_only() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let _engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        for _ in 0..3 {
            client.send("HEAD /_ping HTTP/1.1\r\nHost:\r\n\r\n").await;
            let answer = client.head().await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-length"), Some("2"));
            assert_eq!(answer.header("transfer-encoding"), None);
        }
        client
            .send("HEAD /v1.51/info HTTP/1.1\r\nHost:\r\n\r\n")
            .await;
        let refusal = client.head().await;
        assert_eq!(refusal.status, 404);
        assert_eq!(client.ask(PING).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn answers_without_a_body_have_none() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let _engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            let status = if call.line().contains("/a/") {
                204
            } else {
                304
            };
            call.io
                .send(format!(
                    "HTTP/1.1 {status} Whatever It Says\r\nApi-Version: 1.51\r\n\r\n"
                ))
                .await;
            Some(call.io)
        });
        let mut client = setup.client().await;
        for (name, status) in [("a", 204), ("b", 304), ("a", 204)] {
            client
                .send(format!(
                    "POST /v1.51/containers/{name}/start HTTP/1.1\r\nHost:\r\n\r\n"
                ))
                .await;
            assert_eq!(
                client.head().await.head,
                format!("HTTP/1.1 {status} Whatever It Says\nApi-Version: 1.51\n")
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_body_that_is_held_back_is_asked_for_when_it_is_wanted() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        for (target, body) in [
            ("/v1.51/containers/create", r#"{"Image":"busybox"}"#),
            ("/v1.51/build", "a tar, as it were"),
        ] {
            client
                .send(format!(
                    "POST {target} HTTP/1.1\r\nHost:\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                ))
                .await;
            assert_eq!(client.head().await.head, "HTTP/1.1 100 Continue\n");
            assert_eq!(client.ask(body).await.status, 200);
            assert_eq!(engine.seen().pop().unwrap().body, body.as_bytes());
            assert_eq!(engine.seen().pop().unwrap().header("expect"), None);
        }
    })
    .await;
}

#[tokio::test]
async fn a_body_that_is_held_back_is_not_asked_for_when_it_has_come_or_is_none() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        let answer = client
            .ask("POST /v1.51/containers/create HTTP/1.1\r\nHost:\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 19\r\n\r\n{\"Image\":\"busybox\"}")
            .await;
        assert_eq!(answer.status, 200);
        let answer = client
            .ask("GET /_ping HTTP/1.1\r\nHost:\r\nExpect: 100-continue\r\n\r\n")
            .await;
        assert_eq!(answer.status, 200);
        assert_eq!(engine.seen().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_refused_body_that_is_held_back_is_never_asked_for() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        for request in [
            "POST /v1.51/secrets/of/nobody HTTP/1.1\r\nHost:\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
            "POST /v1.51/build?networkmode=host HTTP/1.1\r\nHost:\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
            "POST /v1.51/containers/create HTTP/1.1\r\nHost:\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n",
        ] {
            let mut client = setup.client().await;
            let answer = client.ask(request).await;
            assert!(matches!(answer.status, 403 | 404 | 413), "{answer:?}");
            assert_eq!(answer.header("connection"), Some("close"));
            client.ended().await;
        }
        assert!(engine.seen().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_refused_upload_is_read_so_that_the_client_sees_why() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        let upload = vec![b'x'; 8 << 20];
        for target in ["/v1.51/secrets/of/nobody", "/v1.51/build?networkmode=host"] {
            // A client that reads nothing before it has written everything.
            let mut client = setup.client().await;
            client
                .send(format!(
                    "POST {target} HTTP/1.1\r\nHost:\r\nContent-Length: {}\r\n\r\n",
                    upload.len()
                ))
                .await;
            client.send(&upload).await;
            assert!(matches!(client.answer().await.status, 403 | 404));
            assert_eq!(
                client.ask(PING).await.status,
                200,
                "and the connection goes on"
            );
            // The same where the connection ends with the answer: what is still
            // under way must not take it along.
            let mut client = setup.client().await;
            client
                .send(format!(
                    "POST {target} HTTP/1.1\r\nHost:\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    upload.len()
                ))
                .await;
            client.send(&upload).await;
            assert!(matches!(client.answer().await.status, 403 | 404));
            client.ended().await;
        }
        assert_eq!(engine.lines(), ["GET /v1.51/_ping HTTP/1.1"; 2]);
    })
    .await;
}

#[tokio::test]
async fn an_upload_without_end_is_cut_off_after_its_answer() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let _engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        client
            .send("POST /v1.51/secrets/of/nobody HTTP/1.1\r\nHost:\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        assert_eq!(client.answer().await.status, 404);
        let mut chunk = b"100000\r\n".to_vec();
        chunk.resize(chunk.len() + (1 << 20), b'x');
        chunk.extend_from_slice(b"\r\n");
        let mut chunks = 0;
        while client.stream.write_all(&chunk).await.is_ok() {
            chunks += 1;
            assert!(chunks < 200, "read without end");
        }
    })
    .await;
}

#[tokio::test]
async fn requests_leave_records() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let _engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        client.ask(PING).await;
        client.ask("GET /nothing HTTP/1.1\r\nHost:\r\n\r\n").await;
        client
            .ask("POST /v1.51/containers/create HTTP/1.1\r\nHost:\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n{\"Image\":\"busybox\"}")
            .await;
        let bad = r#"{"HostConfig":{"Privileged":true}}"#;
        client
            .ask(format!("POST /v1.51/containers/create HTTP/1.1\r\nHost:\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{bad}", bad.len()))
            .await;
        let records = setup.records.take(4).await;
        let summary: Vec<_> = records
            .iter()
            .map(|record| {
                (
                    record.operation.map(|operation| operation.name().to_owned()),
                    record.decision,
                    record.status,
                    record.bytes_in,
                    record.complete,
                )
            })
            .collect();
        let create = || Some("ContainerCreate".to_owned());
        assert_eq!(
            summary,
            [
                (Some("SystemPing".to_owned()), Decision::Allowed, Some(200), 0, true),
                (None, Decision::Refused, Some(404), 0, true),
                (create(), Decision::Allowed, Some(200), 19, true),
                (create(), Decision::Refused, Some(403), bad.len() as u64, true),
            ]
        );
        assert!(records[3].message.as_ref().unwrap().contains("Privileged"));
    })
    .await;
}

//! What a listener and a client may have, and what they are told above it.

use std::sync::Arc;
use std::time::Duration;

use opgate::policy::Bounds;
use opgate::proxy::{Decision, InForce, LimitTable, Limits, Rate};
use tokio::sync::watch;

use crate::support::{CREATE, Call, Engine, PING, Setup, within};

const WAIT: &str = "POST /v1.51/containers/x/wait HTTP/1.1\r\nHost:\r\n\r\n";

/// A create with this body.
fn create(body: &str) -> String {
    format!("{CREATE}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// What is said of a request above a limit, and that the next one is served.
async fn refused(limits: Limits, request: &str, status: u16, message: &str) {
    let setup = Setup::start_with(limits).await;
    let engine = Engine::plain(&setup.engine_path());
    let mut client = setup.client().await;
    let answer = client.ask(request).await;
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.message(), message);
    assert!(engine.seen().is_empty());
    let mut next = setup.client().await;
    assert_eq!(next.ask(PING).await.status, 200);
    let records = setup.records.take(2).await;
    assert_eq!(records[0].decision, Decision::Refused);
    assert_eq!(records[0].status, Some(status));
}

#[tokio::test]
async fn heads_bodies_and_their_depth_are_bounded() {
    within(async {
        let small = Limits {
            head_size: 1024,
            body_size: 1024,
            json_depth: 3,
            ..Limits::default()
        };
        let long = format!(
            "GET /_ping HTTP/1.1\r\nHost: docker\r\nX-A: {}\r\n\r\n",
            "a".repeat(1000)
        );
        let message = "opgate: the request head is larger than 1024 bytes";
        refused(small.clone(), &long, 431, message).await;
        // Before its end has come, too.
        refused(small.clone(), long.split_at(1030).0, 431, message).await;
        let large = create(&format!("{{\"Image\":\"{}\"}}", "a".repeat(1024)));
        let message = "opgate: the body is larger than 1024 bytes";
        refused(small.clone(), &large, 413, message).await;
        let deep = create("{\"Image\":\"a\",\"HostConfig\":{\"PortBindings\":{\"1/tcp\":[{}]}}}");
        let message = "opgate: the body nests deeper than 3 levels";
        refused(small.clone(), &deep, 400, message).await;

        // As deep as allowed, with more brackets in a text.
        let setup = Setup::start_with(small).await;
        let _engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        let most =
            create("{\"Image\":\"a\",\"Cmd\":[\"[[[[\\\"[[[[\"],\"HostConfig\":{\"Binds\":[]}}");
        assert_eq!(client.ask(most).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn requests_under_way_are_counted_with_streams_and_refusals_without() {
    within(async {
        let two = Limits {
            requests: 2,
            ..Limits::default()
        };
        let setup = Setup::start_with(two).await;
        let (go, went) = watch::channel(false);
        let engine = Engine::held(&setup.engine_path(), went);
        let mut first = setup.client().await;
        let mut second = setup.client().await;
        first.send(WAIT).await;
        second.send(WAIT).await;
        engine.until(|engine| engine.seen().len() == 2).await;
        let mut third = setup.client().await;
        for _ in 0..5 {
            let answer = third.ask(PING).await;
            assert_eq!(answer.status, 429);
            assert_eq!(answer.header("retry-after"), Some("1"));
            let message = "opgate: 2 requests are under way, and more are not served at a time";
            assert_eq!(answer.message(), message);
        }
        go.send(true).unwrap();
        assert_eq!(first.answer().await.status, 200);
        assert_eq!(second.answer().await.status, 200);
        // The same connection is served as soon as there is room.
        while third.ask(PING).await.status == 429 {}
    })
    .await;
}

#[tokio::test]
async fn a_body_that_is_refused_is_not_the_next_request() {
    within(async {
        let none = Limits {
            rate: Some(Rate {
                per_second: 1,
                burst: 1,
            }),
            ..Limits::default()
        };
        let setup = Setup::start_with(none).await;
        let engine = Engine::plain(&setup.engine_path());
        let mut client = setup.client().await;
        assert_eq!(client.ask(PING).await.status, 200);
        // The body is a request that would be served.
        let answer = client.ask(create(PING)).await;
        assert_eq!(answer.status, 429);
        assert_eq!(answer.header("retry-after"), Some("1"));
        let message = "opgate: more than 1 requests in a second are not served";
        assert_eq!(answer.message(), message);
        client.half_close().await;
        client.ended().await;
        assert_eq!(engine.seen().len(), 1);
        let records = setup.records.take(2).await;
        assert_eq!(records[1].status, Some(429));
        assert_eq!(records[1].decision, Decision::Refused);
    })
    .await;
}

/// Puts limits of the client `me` in force, beside those of its listener.
fn narrow(setup: &Setup, bounds: Bounds) {
    setup.reload.send_modify(|in_force| {
        let clients = [(Arc::from("me"), bounds)];
        let table = LimitTable::new(Limits::default(), [], clients, Some(&in_force.limits));
        *in_force = Arc::new(InForce {
            tls: Arc::default(),
            limits: Arc::new(table),
            ..InForce::clone(in_force)
        });
    });
}

#[tokio::test]
async fn a_client_is_bounded_beside_its_listener_and_counted_over_reloads() {
    within(async {
        let setup = Setup::start().await;
        let (go, went) = watch::channel(false);
        let engine = Engine::held(&setup.engine_path(), went);
        let one = Bounds {
            requests: Some(1),
            body_size: Some(1024),
            ..Bounds::default()
        };
        narrow(&setup, one.clone());
        let mut waiting = setup.client().await;
        waiting.send(WAIT).await;
        engine.until(|engine| engine.seen().len() == 1).await;
        let mut other = setup.client().await;
        assert_eq!(other.ask(PING).await.status, 429);
        // The request that is under way counts under the next limits, too.
        narrow(&setup, one.clone());
        assert_eq!(other.ask(PING).await.status, 429);
        let two = Bounds {
            requests: Some(2),
            ..one
        };
        narrow(&setup, two);
        assert_eq!(other.ask(PING).await.status, 200);
        let large = create(&format!("{{\"Image\":\"{}\"}}", "a".repeat(1024)));
        assert_eq!(other.ask(large).await.status, 413);
        go.send(true).unwrap();
        assert_eq!(waiting.answer().await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_answer_has_a_deadline_and_a_stream_has_none() {
    within(async {
        let soon = Limits {
            request_time: Some(Duration::from_millis(200)),
            ..Limits::default()
        };
        let setup = Setup::start_with(soon).await;
        let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            if call.line().contains("/build") {
                // Longer than the deadline, and only then the answer.
                let body = call.body().await?;
                assert_eq!(body, b"0123456789");
                call.io.answer("200 OK", "{}").await;
                return Some(call.io);
            }
            call.body().await?;
            if call.line().contains("events") {
                call.io
                    .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    .await;
                tokio::time::sleep(Duration::from_millis(400)).await;
                call.io.send("2\r\n{}\r\n0\r\n\r\n").await;
            } else if call.line().contains("wait") {
                // Until the other side has had enough.
                call.io.rest().await;
                return None;
            } else {
                call.io
                    .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
                    .await;
                call.io.rest().await;
                return None;
            }
            Some(call.io)
        });
        let mut client = setup.client().await;
        let answer = client.ask(WAIT).await;
        assert_eq!(answer.status, 504);
        assert!(
            answer.message().contains("did not answer within"),
            "{answer:?}"
        );
        engine.until(|engine| engine.closed() == 1).await;
        // The connection goes on.
        let events = "GET /v1.51/events HTTP/1.1\r\nHost:\r\n\r\n";
        assert_eq!(client.ask(events).await.body, "{}");
        let build = "POST /v1.51/build HTTP/1.1\r\nHost:\r\nContent-Length: 10\r\n\r\n01234";
        client.send(build).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        client.send("56789").await;
        assert_eq!(client.answer().await.status, 200);
        // Of an answer whose head is out, the end is all that can be said.
        client
            .send("GET /v1.51/info HTTP/1.1\r\nHost:\r\n\r\n")
            .await;
        assert_eq!(client.head().await.status, 200);
        assert_eq!(client.rest().await, b"half");
        let records = setup.records.take(4).await;
        assert_eq!(records[0].decision, Decision::Failed);
        assert!(!records[3].complete);
    })
    .await;
}

#[tokio::test]
async fn an_engine_that_lets_nobody_in_is_not_waited_for_beyond_the_deadline() {
    within(async {
        let soon = Limits {
            request_time: Some(Duration::from_millis(100)),
            ..Limits::default()
        };
        let setup = Setup::start_with(soon).await;
        let _silent = tokio::net::UnixListener::bind(setup.engine_path()).unwrap();
        let start = std::time::Instant::now();
        assert_eq!(setup.client().await.ask(PING).await.status, 504);
        assert!(start.elapsed() < Limits::default().engine_time);
    })
    .await;
}

#[tokio::test]
async fn more_connections_are_served_when_a_reload_allows_them() {
    within(async {
        let one = Limits {
            connections: 1,
            ..Limits::default()
        };
        let setup = Setup::start_with(one).await;
        let _engine = Engine::plain(&setup.engine_path());
        let mut first = setup.client().await;
        assert_eq!(first.ask(PING).await.status, 200);
        let mut second = setup.client().await;
        second.send(PING).await;
        let early = tokio::time::timeout(Duration::from_millis(50), second.head()).await;
        assert!(early.is_err());
        narrow(&setup, Bounds::default());
        assert_eq!(second.answer().await.status, 200);
        assert_eq!(first.ask(PING).await.status, 200);
    })
    .await;
}

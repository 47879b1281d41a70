//! One request in many spellings: what is refused in one of them is in all, and a
//! target that could be read as another one is refused.

use std::fmt::Write;

use crate::support::{CREATE, Engine, PING, Setup, over_both};

#[tokio::test]
async fn a_privileged_create_is_refused_however_it_is_framed() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        let small = r#"{"Image":"busybox","HostConfig":{"Privileged":true}}"#.to_owned();
        // More than some gates look at, with what matters at the end.
        let large = format!(
            r#"{{"Image":"busybox","Cmd":["{}"],"HostConfig":{{"Privileged":true}}}}"#,
            "a".repeat(2 << 20)
        );
        let mut pieces = String::new();
        for character in small.chars() {
            write!(pieces, "1\r\n{character}\r\n").unwrap();
        }
        let length = small.len();
        for framed in [
            format!("Content-Length: {length}\r\n\r\n{small}"),
            format!("Content-Length: 00{length}\r\n\r\n{small}"),
            format!("Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n{small}"),
            format!("Content-Length: {}\r\n\r\n{large}", large.len()),
            format!("Transfer-Encoding: chunked\r\n\r\n{pieces}0\r\n\r\n"),
            format!(
                "transfer-encoding: CHUNKED\r\n\r\n{length:X};x=y\r\n{small}\r\n0\r\nX: y\r\n\r\n"
            ),
            format!(
                "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
                large.len()
            ),
        ] {
            let mut client = setup.client().await;
            let refusal = client.ask(format!("{CREATE}{framed}")).await;
            assert_eq!(refusal.status, 403, "{refusal:?}");
            assert!(refusal.message().contains("HostConfig.Privileged"));
            assert_eq!(client.ask(PING).await.status, 200);
        }
        let old = CREATE.replace("HTTP/1.1", "HTTP/1.0");
        let mut client = setup.client().await;
        let refusal = client
            .ask(format!("{old}Content-Length: {length}\r\n\r\n{small}"))
            .await;
        assert_eq!(refusal.status, 403);
        client.ended().await;
        assert_eq!(engine.lines(), ["GET /v1.51/_ping HTTP/1.1"; 7]);
    })
    .await;
}

#[tokio::test]
async fn targets_that_have_two_readings_reach_no_engine() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::plain(&setup.engine_path());
        for target in [
            "//v1.51/containers/json",
            "/v1.51//containers/json",
            "/v1.51/./containers/json",
            "/v1.51/x/../containers/json",
            "/v1.51/%2e%2e/v1.51/containers/json",
            "/v1.51/containers%2Fjson",
            "/v1.51/containers/x%2F..%2Fy/json",
            "/v1.51/containers/x%00/json",
            "/v1.51/containers/x%0d%0aX:/json",
            "/v1.51/containers/%ff/json",
            "/v1.51/containers/%zz/json",
            "/v1.51/containers\\json",
            "/v1.51/containers/json/",
            "/v1.51/containers/json#x",
            "/v1.51/v1.51/containers/json",
            "/v1.51.0/containers/json",
            "/V1.51/containers/json",
            "/v5.0.0/libpod/containers/json",
            "/v1.51/containers/jsonfoo",
            "http://docker/v1.51/containers/json",
            "containers/json",
            "*",
        ] {
            let mut client = setup.client().await;
            let answer = client
                .ask(format!("GET {target} HTTP/1.1\r\nHost:\r\n\r\n"))
                .await;
            assert!(matches!(answer.status, 400 | 404), "{target}: {answer:?}");
            assert_eq!(answer.header("location"), None);
        }
        assert!(engine.seen().is_empty(), "{:?}", engine.lines());
    })
    .await;
}

//! What a client sends behind a request that could become a tunnel, and does not:
//! the next request, judged like any other.

use crate::support::{
    ATTACH, Answer, CREATE, Call, Engine, Setup, UPGRADE, exec, gate_without, over_both,
};

const START: &str = "POST /v1.51/containers/x/start HTTP/1.1";
const EXEC: &str = "POST /v1.51/exec/abc/start HTTP/1.1";

/// Three requests: for no page of the Engine, for what no rule opens, and an
/// allowed one.
fn following() -> String {
    let privileged = r#"{"Image":"busybox","HostConfig":{"Privileged":true}}"#;
    format!(
        "POST /v1.51/secrets/of/nobody HTTP/1.1\r\nHost:\r\n\r\n\
         {CREATE}Content-Length: {}\r\n\r\n{privileged}\
         {START}\r\nHost:\r\n\r\n",
        privileged.len()
    )
}

/// Sends the request with three behind it, to an Engine that answers it like that,
/// with or without closing the connection; gives the answer as the client gets it.
async fn behind(setup: &Setup, request: String, answer: &'static str, last: bool) -> Answer {
    let engine = Engine::start(&setup.engine_path(), move |mut call: Call| async move {
        call.body().await?;
        if call.line() == START {
            call.io.answer("200 OK", "{}").await;
            return Some(call.io);
        }
        call.io.send(answer).await;
        (!last).then_some(call.io)
    });
    let mut client = setup.client().await;
    client.send(request + &following()).await;
    let got = client.answer().await;
    assert_eq!(client.answer().await.status, 404, "behind {got:?}");
    let refusal = client.answer().await;
    assert_eq!(refusal.status, 403, "behind {got:?}");
    assert!(refusal.message().contains("HostConfig.Privileged"));
    assert_eq!(client.answer().await.body, "{}", "behind {got:?}");
    client.half_close().await;
    client.ended().await;

    let lines = engine.lines();
    assert_eq!(lines.last().map(String::as_str), Some(START));
    assert!(lines.iter().all(|line| !line.contains("create")));
    let record = &setup.records.take(4).await[0];
    assert!(!record.tunnel && record.complete);
    assert_eq!(record.status, Some(got.status));
    std::fs::remove_file(setup.engine_path()).unwrap();
    got
}

fn attach() -> String {
    format!("{ATTACH}{UPGRADE}\r\n")
}

#[tokio::test]
async fn a_request_behind_a_detached_exec_is_judged_like_any_other() {
    over_both(async |transport| {
        for headers in [UPGRADE, ""] {
            let setup = Setup::over(transport).await;
            let request = exec(r#"{"Detach":true}"#, headers);
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            assert_eq!(behind(&setup, request, answer, false).await.status, 200);
        }
        // Not even an Engine that takes it for a tunnel makes it one.
        let setup = Setup::over(transport).await;
        let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            call.io
                .send("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
                .await;
            let rest = call.io.rest().await;
            assert!(rest.is_empty(), "{rest:?}");
            None
        });
        let mut client = setup.client().await;
        client
            .send(exec(r#"{"Detach":true}"#, UPGRADE) + &following())
            .await;
        assert_eq!(client.answer().await.status, 502);
        assert_eq!(client.answer().await.status, 404);
        assert_eq!(client.answer().await.status, 403);
        let seen = engine.seen();
        assert_eq!(seen[0].line(), EXEC);
        assert_eq!(seen[0].header("upgrade"), None);
    })
    .await;
}

#[tokio::test]
async fn a_request_behind_an_attach_that_the_policy_refuses_is_judged_like_any_other() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let gate = gate_without("ContainerAttach");
        setup.reload(gate);
        let refusal = behind(&setup, attach(), "", false).await;
        assert_eq!(refusal.status, 403);
        assert!(refusal.message().contains("ContainerAttach refused"));
    })
    .await;
}

#[tokio::test]
async fn a_request_behind_a_409_is_judged_like_any_other() {
    const CONFLICT: &str = "HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\n\
                            Content-Length: 16\r\n\r\n{\"message\":\"no\"}";
    over_both(async |transport| {
        for request in [
            attach(),
            format!("{ATTACH}\r\n"),
            exec("{}", UPGRADE),
            exec(r#"{"Detach":false}"#, ""),
            // A body that is declared is none of the next request.
            format!("{ATTACH}{UPGRADE}Content-Length: 7\r\n\r\n{{\"a\":1}}"),
        ] {
            let setup = Setup::over(transport).await;
            let answer = behind(&setup, request, CONFLICT, false).await;
            assert_eq!((answer.status, &*answer.message()), (409, "no"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_behind_an_attach_that_the_engine_refuses_is_judged_like_any_other() {
    over_both(async |transport| {
        let refused = async |answer, last| {
            let setup = Setup::over(transport).await;
            behind(&setup, attach(), answer, last).await
        };
        let chunked = refused(
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
             10\r\n{\"message\":\"no\"}\r\n0\r\n\r\n",
            false,
        )
        .await;
        assert_eq!((chunked.status, &*chunked.message()), (404, "no"));

        // As the Engine writes it once it has hijacked: raw, until it closes.
        let raw = refused(
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nNo such container: x",
            true,
        )
        .await;
        assert_eq!((raw.status, &*raw.body), (404, "No such container: x"));
        assert_eq!(raw.header("transfer-encoding"), Some("chunked"));

        let nothing = refused("HTTP/1.1 204 No Content\r\n\r\n", false).await;
        assert_eq!(nothing.status, 204);

        let framed = refused(
            "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\nContent-Length: 2\r\n\r\nhi",
            false,
        )
        .await;
        assert_eq!((framed.status, &*framed.body), (200, "hi"));

        let other = refused(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            false,
        )
        .await;
        assert_eq!((other.status, &*other.body), (200, "{}"));
    })
    .await;
}

#[tokio::test]
async fn what_belongs_to_the_hop_stays_on_it() {
    const LINES: &str = "Connection: X-Secret, keep-alive\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\n\
                         Proxy-Connection: keep-alive\r\nTE: trailers\r\nApi-Version: 1.51\r\n";
    over_both(async |transport| {
        for (request, line, body) in [
            (
                attach(),
                "409 Conflict",
                "Upgrade: tcp\r\nContent-Length: 2\r\n\r\n{}",
            ),
            (
                attach(),
                "200 OK",
                "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            ),
            (
                "GET /v1.51/containers/json HTTP/1.1\r\nHost:\r\n\r\n".to_owned(),
                "200 OK",
                "Upgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
            ),
            (
                "GET /v1.51/containers/json HTTP/1.1\r\nHost:\r\n\r\n".to_owned(),
                "409 Conflict",
                "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nConnection: close\r\n\r\n",
            ),
        ] {
            let setup = Setup::over(transport).await;
            let _engine = Engine::start(&setup.engine_path(), move |mut call: Call| async move {
                call.body().await?;
                call.io
                    .send(format!("HTTP/1.1 {line}\r\n{LINES}{body}"))
                    .await;
                Some(call.io)
            });
            let mut client = setup.client().await;
            client.send(request).await;
            let head = client.head().await;
            let mut names: Vec<_> = head
                .head
                .lines()
                .skip(1)
                .map(|line| line.split_once(':').unwrap().0)
                .collect();
            names.retain(|name| !matches!(*name, "Content-Length" | "Transfer-Encoding"));
            assert_eq!(names, ["Api-Version"], "{line}: {head:?}");
            if head.header("transfer-encoding").is_some() {
                assert_eq!(client.chunk().await, b"{}");
                assert_eq!(client.line().await, "0");
                assert_eq!(client.line().await, "", "no trailer of the hop");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_engine_hears_of_a_tunnel_what_opgate_says_and_nothing_else() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            call.io.answer("409 Conflict", "{}").await;
            Some(call.io)
        });
        let mut client = setup.client().await;
        let lines = "Host: elsewhere:80\r\nConnection: Upgrade, X-Secret\r\nX-Secret: 1\r\nUpgrade: anything\r\n\
                     Keep-Alive: 5\r\nTE: trailers\r\nContent-Type: text/plain\r\nX-HTTP-Method-Override: GET\r\n";
        let request = format!("POST /containers/%78/attach?stdout=True&stream=t HTTP/1.1\r\n{lines}\r\n");
        assert_eq!(client.ask(request).await.status, 409);
        let head = engine.seen().remove(0).head;
        let (line, headers) = head.split_once('\n').unwrap();
        assert!(
            line.starts_with("POST /v1.51/containers/x/attach?") && line.ends_with(" HTTP/1.1"),
            "{line}"
        );
        let mut headers: Vec<_> = headers.lines().collect();
        headers.sort_unstable();
        assert_eq!(
            headers,
            ["connection: Upgrade", "content-length: 0", "host: docker", "upgrade: tcp"]
        );
    })
    .await;
}

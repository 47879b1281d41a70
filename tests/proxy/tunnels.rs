//! Connections that become tunnels, and those that do not.

use std::time::Duration;

use opgate::proxy::{Decision, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    ATTACH, Call, Engine, PING, Setup, Transport, UPGRADE, exec, over_both, pattern,
};

const UPGRADED: &str = "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
const RAW: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";

/// An Engine that sends back in capitals what it gets, until the client ends, and
/// then says good-bye.
fn echoing(setup: &Setup, answer: &'static str) -> Engine {
    Engine::start(&setup.engine_path(), move |mut call: Call| async move {
        call.body().await?;
        if call.line().contains("/start HTTP") && call.line().contains("containers") {
            call.io.answer("200 OK", "{}").await;
            return Some(call.io);
        }
        call.io.send(answer).await;
        while let Some(byte) = call.io.exact(1).await {
            call.io.send(byte.to_ascii_uppercase()).await;
        }
        call.io.send("bye").await;
        call.io.half_close().await;
        None
    })
}

#[tokio::test]
async fn an_upgraded_attach_talks_both_ways_and_half_closes() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = echoing(&setup, UPGRADED);
        let mut client = setup.client().await;
        client.send(format!("{ATTACH}{UPGRADE}\r\n")).await;
        let head = client.head().await;
        assert_eq!(
            head.head,
            "HTTP/1.1 101 UPGRADED\nContent-Type: application/vnd.docker.multiplexed-stream\nConnection: Upgrade\nUpgrade: tcp\n"
        );
        client.send("hello").await;
        assert_eq!(client.exact(5).await, b"HELLO");
        client.half_close().await;
        assert_eq!(client.rest().await, b"bye");
        let seen = engine.seen();
        assert_eq!(seen[0].header("upgrade"), Some("tcp"));
        assert_eq!(seen[0].header("connection"), Some("Upgrade"));
        assert_eq!(seen[0].header("content-length"), Some("0"));
        engine.until(|engine| engine.closed() == 1).await;
        let record = &setup.records.take(1).await[0];
        assert!(record.tunnel && record.complete);
        assert_eq!((record.decision, record.status), (Decision::Allowed, Some(101)));
        assert_eq!((record.bytes_in, record.bytes_out), (5, 8));
    })
    .await;
}

#[tokio::test]
async fn without_upgrade_the_engine_is_asked_without_and_answers_200() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = echoing(&setup, RAW);
        for request in [
            format!("{ATTACH}\r\n"),
            exec(r#"{"Detach":false,"Tty":false}"#, ""),
            "POST /v1.51/containers/x/attach HTTP/1.0\r\nUpgrade: tcp\r\n\r\n".to_owned(),
        ] {
            let mut client = setup.client().await;
            client.send(&request).await;
            assert_eq!(
                client.head().await.head,
                "HTTP/1.1 200 OK\nContent-Type: application/vnd.docker.raw-stream\n"
            );
            client.send("hello").await;
            assert_eq!(client.exact(5).await, b"HELLO");
            client.half_close().await;
            assert_eq!(client.rest().await, b"bye");
            let seen = engine.seen().pop().unwrap();
            assert_eq!(seen.header("upgrade"), None);
            assert_eq!(seen.header("connection"), None);
        }
    })
    .await;
}

#[tokio::test]
async fn the_engine_may_end_first() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            call.io.send(UPGRADED).await;
            call.io.send("output").await;
            call.io.half_close().await;
            // It still reads.
            let rest = call.io.rest().await;
            call.note(&rest);
            None
        });
        let mut client = setup.client().await;
        client.send(format!("{ATTACH}{UPGRADE}\r\n")).await;
        client.head().await;
        assert_eq!(client.rest().await, b"output");
        client.send("late input").await;
        client.half_close().await;
        engine.until(|engine| engine.seen().len() == 2).await;
        assert_eq!(engine.seen()[1].body, b"late input");
    })
    .await;
}

#[tokio::test]
async fn a_client_that_ended_before_the_status_line_still_hears_the_engine() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let _engine = echoing(&setup, UPGRADED);
        let mut client = setup.client().await;
        client.send(format!("{ATTACH}{UPGRADE}\r\n")).await;
        client.half_close().await;
        assert_eq!(client.head().await.status, 101);
        assert_eq!(client.rest().await, b"bye");
    })
    .await;
}

#[tokio::test]
async fn early_bytes_wait_for_the_status_line() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let (go, went) = tokio::sync::watch::channel(false);
        let engine = Engine::start(&setup.engine_path(), move |mut call: Call| {
            let mut went = went.clone();
            async move {
                call.body().await?;
                went.wait_for(|went| *went).await.unwrap();
                // Nothing but the request may be there.
                let early = tokio::time::timeout(Duration::from_millis(50), call.io.exact(1)).await;
                assert!(early.is_err(), "{early:?}");
                call.io.send(UPGRADED).await;
                let input = call.io.exact(5).await?;
                call.note(&input);
                call.io.send("done").await;
                None
            }
        });
        let mut client = setup.client().await;
        client.send(format!("{ATTACH}{UPGRADE}\r\nearly")).await;
        engine.until(|engine| engine.seen().len() == 1).await;
        go.send(true).unwrap();
        client.head().await;
        assert_eq!(client.rest().await, b"done");
        assert_eq!(engine.seen()[1].body, b"early");
    })
    .await;
}

#[tokio::test]
async fn a_body_declared_on_an_attach_is_dropped() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = echoing(&setup, UPGRADED);
        for body in [
            "Content-Length: 7\r\n\r\n{\"a\":1}",
            "Transfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n",
        ] {
            let mut client = setup.client().await;
            client.send(format!("{ATTACH}{UPGRADE}{body}x")).await;
            assert_eq!(client.head().await.status, 101);
            assert_eq!(client.exact(1).await, b"X");
            client.half_close().await;
            assert_eq!(client.rest().await, b"bye");
            let seen = engine.seen().pop().unwrap();
            assert_eq!(seen.header("content-length"), Some("0"));
            assert!(seen.body.is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn upgrades_that_nobody_asked_for_are_refused() {
    over_both(async |transport| {
        for (request, answer) in [
            (format!("{ATTACH}\r\n"), UPGRADED),
            (
                format!("{ATTACH}{UPGRADE}\r\n"),
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            ),
            (
                format!("{ATTACH}{UPGRADE}\r\n"),
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
            ),
            (
                format!("{ATTACH}{UPGRADE}\r\n"),
                "HTTP/1.1 100 Continue\r\n\r\n",
            ),
            (
                format!("{ATTACH}{UPGRADE}\r\n"),
                "HTTP/1.1 200 OK\nContent-Type: application/vnd.docker.raw-stream\n\n",
            ),
            (
                format!("{ATTACH}{UPGRADE}\r\n"),
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
            ),
            (format!("{ATTACH}{UPGRADE}\r\n"), "SSH-2.0-nothing\r\n\r\n"),
            (
                PING.to_owned(),
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            ),
        ] {
            let setup = Setup::over(transport).await;
            let _engine = Engine::start(&setup.engine_path(), move |mut call: Call| async move {
                call.body().await?;
                call.io.send(answer).await;
                Some(call.io)
            });
            let mut client = setup.client().await;
            let refusal = client.ask(request).await;
            assert_eq!(refusal.status, 502, "{answer:?}: {refusal:?}");
            assert!(refusal.message().contains("cannot be understood"));
        }
    })
    .await;
}

#[tokio::test]
async fn other_protocols_need_their_own_upgrade() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            let upgrade = call.head.lines().find_map(|line| line.strip_prefix("upgrade: "));
            if let Some(token) = upgrade {
                let head = format!("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {token}\r\n\r\nPRI");
                call.io.send(head).await;
                call.io.rest().await;
                return None;
            }
            call.io.answer("400 Bad Request", r#"{"message":"no upgrade"}"#).await;
            Some(call.io)
        });
        let session = "POST /v1.51/session HTTP/1.1\r\nHost:\r\n";
        let websocket = "GET /v1.51/containers/x/attach/ws HTTP/1.1\r\nHost:\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        for (request, token) in [(session, "h2c"), (websocket, "websocket")] {
            let mut client = setup.client().await;
            client.send(format!("{request}Connection: upgrade\r\nUpgrade: {token}\r\n\r\n")).await;
            assert_eq!(client.head().await.header("upgrade"), Some(token));
            assert_eq!(client.exact(3).await, b"PRI", "what came with the head");
            drop(client);
            for other in ["", "Upgrade: tcp\r\n"] {
                let mut client = setup.client().await;
                let answer = client.ask(format!("{request}{other}\r\n")).await;
                assert_eq!((answer.status, &*answer.message()), (400, "no upgrade"));
            }
        }
        assert_eq!(engine.seen().len(), 6);
    })
    .await;
}

#[tokio::test]
async fn whoever_leaves_a_tunnel_ends_it_for_the_other() {
    over_both(async |transport| {
        let short = Limits {
            linger_time: Duration::from_millis(50),
            ..Limits::default()
        };
        let setup = Setup::over_with(transport, short).await;
        let (go, went) = tokio::sync::watch::channel(false);
        let engine = Engine::start(&setup.engine_path(), move |mut call: Call| {
            let mut went = went.clone();
            async move {
                call.body().await?;
                call.io.send(UPGRADED).await;
                if call.line().contains("exec") {
                    went.wait_for(|went| *went).await.unwrap();
                    return None;
                }
                call.io.rest().await;
                // Its input ended, and it stays until the client has left. Whether a
                // client has left or half-closed, TCP tells when it is sent something.
                while call.io_is_open().await {
                    if matches!(transport, Transport::Tcp) {
                        call.io.try_send("?").await;
                    }
                }
                None
            }
        });
        // The client leaves while the Engine is silent and goes on.
        let mut client = setup.client().await;
        client.send(format!("{ATTACH}{UPGRADE}\r\n")).await;
        client.head().await;
        drop(client);
        engine.until(|engine| engine.closed() == 1).await;

        // The Engine leaves while the client is silent and stays.
        let mut client = setup.client().await;
        client.send(exec("{}", UPGRADE)).await;
        client.head().await;
        go.send(true).unwrap();
        client.ended().await;
        // It is told by the end of the stream, and then by a closed connection.
        while client.stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_silent_engine_ends_the_wait_for_a_tunnel() {
    over_both(async |transport| {
        let short = Limits {
            tunnel_time: Duration::from_millis(50),
            ..Limits::default()
        };
        let setup = Setup::over_with(transport, short).await;
        let _engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            call.io.rest().await;
            None
        });
        let mut client = setup.client().await;
        let answer = client.ask(format!("{ATTACH}{UPGRADE}\r\n")).await;
        assert_eq!(answer.status, 504);
        assert!(
            answer
                .message()
                .starts_with("opgate: the Engine does not answer at `unix:///")
        );
    })
    .await;
}

#[tokio::test]
async fn much_goes_through_a_tunnel_unchanged() {
    over_both(async |transport| {
        let setup = Setup::over(transport).await;
        let _engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            call.io.send(UPGRADED).await;
            while let Some(piece) = call.io.exact(1 << 16).await {
                call.io.send(&piece).await;
            }
            None
        });
        let mut client = setup.client().await;
        client.send(format!("{ATTACH}{UPGRADE}\r\n")).await;
        client.head().await;
        let sent = pattern(4 << 20);
        let (mut reader, mut writer) = tokio::io::split(client.stream);
        let copy = sent.clone();
        let writing = tokio::spawn(async move {
            writer.write_all(&copy).await.unwrap();
            writer.shutdown().await.unwrap();
        });
        let mut got = Vec::new();
        reader.read_to_end(&mut got).await.unwrap();
        writing.await.unwrap();
        assert!(got == sent);
    })
    .await;
}

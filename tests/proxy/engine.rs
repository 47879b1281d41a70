//! The Engine away, silent, restarted, changed.

use std::time::Duration;

use opgate::proxy::{Decision, Limits};
use tokio::net::UnixListener;

use crate::support::{Call, Engine, PING, Setup, within};

#[tokio::test]
async fn an_engine_that_is_away_is_a_502_and_comes_back() {
    within(async {
        let setup = Setup::start().await;
        let mut client = setup.client().await;
        let endpoint = format!("unix://{}", setup.engine_path().display());

        let answer = client.ask(PING).await;
        assert_eq!(answer.status, 502);
        assert_eq!(
            answer.message(),
            format!("opgate: the Engine does not answer at `{endpoint}`: there is no such socket")
        );
        // A socket that nobody serves.
        drop(UnixListener::bind(setup.engine_path()).unwrap());
        let answer = client.ask(PING).await;
        assert_eq!(answer.status, 502);
        assert_eq!(
            answer.message(),
            format!("opgate: the Engine does not answer at `{endpoint}`: connection refused")
        );
        std::fs::remove_file(setup.engine_path()).unwrap();
        let _engine = Engine::plain(&setup.engine_path());
        assert_eq!(client.ask(PING).await.status, 200);
        let records = setup.records.take(3).await;
        assert_eq!(records[0].decision, Decision::Failed);
        assert_eq!(records[2].decision, Decision::Allowed);
    })
    .await;
}

#[tokio::test]
async fn a_silent_engine_is_a_504() {
    within(async {
        let short = Limits {
            engine_time: Duration::from_millis(50),
            ..Limits::default()
        };
        let setup = Setup::start_with(short).await;
        let silent = UnixListener::bind(setup.engine_path()).unwrap();
        let mut client = setup.client().await;
        let answer = client.ask(PING).await;
        assert_eq!(answer.status, 504);
        assert!(
            answer.message().contains("nothing came within"),
            "{answer:?}"
        );
        drop(silent);
        std::fs::remove_file(setup.engine_path()).unwrap();
        let _engine = Engine::plain(&setup.engine_path());
        assert_eq!(client.ask(PING).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_engine_without_versions_is_a_502() {
    within(async {
        for version in [
            "{}",
            "[]",
            "nonsense",
            r#"{"ApiVersion":"2.0","MinAPIVersion":"1.24"}"#,
            r#"{"ApiVersion":"1.51"}"#,
        ] {
            let setup = Setup::start().await;
            let engine = Engine::start_with_version(
                &setup.engine_path(),
                version,
                |call: Call| async move { Some(call.io) },
            );
            let mut client = setup.client().await;
            let answer = client.ask(PING).await;
            assert_eq!(answer.status, 502, "{version}");
            assert!(answer.message().contains("which API versions"), "{version}");
            assert!(engine.seen().is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn a_restarted_engine_is_found_again_at_once() {
    within(async {
        let setup = Setup::start().await;
        let mut client = setup.client().await;
        for round in 0..5 {
            let engine = Engine::plain(&setup.engine_path());
            // Kept connections of the last round are of no use any more, whatever
            // the method.
            let create = "POST /v1.51/containers/create HTTP/1.1\r\nHost:\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n{\"Image\":\"busybox\"}";
            assert_eq!(client.ask(create).await.status, 200, "round {round}");
            assert_eq!(client.ask(PING).await.status, 200, "round {round}");
            engine.stop().await;
            std::fs::remove_file(setup.engine_path()).unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn an_engine_that_closes_over_a_request_is_asked_again_only_where_that_is_safe() {
    within(async {
        let setup = Setup::start().await;
        // Every second request of a connection is read and then hung up on.
        let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            call.io.answer("200 OK", "{}").await;
            let mut io = call.io;
            io.exact(1).await;
            None
        });
        let start = "POST /v1.51/containers/x/start HTTP/1.1\r\nHost:\r\n\r\n";
        let mut client = setup.client().await;
        assert_eq!(client.ask(PING).await.status, 200);
        assert_eq!(client.ask(PING).await.status, 200, "asked again");
        let answer = client.ask(start).await;
        assert_eq!(answer.status, 502);
        assert!(
            answer
                .message()
                .contains("closed the connection before it answered")
        );
        assert_eq!(client.ask(start).await.status, 200);
        assert_eq!(engine.seen().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn an_engine_that_hangs_up_on_a_new_connection_is_a_502() {
    within(async {
        let setup = Setup::start().await;
        let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            None
        });
        let mut client = setup.client().await;
        assert_eq!(client.ask(PING).await.status, 502);
        assert_eq!(
            client
                .ask("POST /v1.51/build HTTP/1.1\r\nHost:\r\nContent-Length: 3\r\n\r\ntar")
                .await
                .status,
            502
        );
        assert_eq!(
            client
                .ask("POST /v1.51/containers/x/attach HTTP/1.1\r\nHost:\r\nUpgrade: tcp\r\n\r\n")
                .await
                .status,
            502
        );
        assert_eq!(engine.seen().len(), 3, "each was sent once");
    })
    .await;
}

#[tokio::test]
async fn answers_that_are_no_http_are_a_502() {
    within(async {
        for answer in [
            "nonsense\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        ] {
            let setup = Setup::start().await;
            let _engine = Engine::start(&setup.engine_path(), move |mut call: Call| async move {
                call.body().await?;
                call.io.send(answer).await;
                None
            });
            let mut client = setup.client().await;
            assert_eq!(client.ask(PING).await.status, 502, "{answer:?}");
        }
    })
    .await;
}

//! Sockets, limits and shutdown.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use opgate::gate::ListenerId;
use opgate::policy::Address;
use opgate::proxy::{Limits, ListenError, Listener, ListenerConfig};
use tokio::net::{UnixListener, UnixStream};

use crate::support::{Call, Engine, PING, Setup, within};

async fn bind(path: &std::path::Path, mode: u32) -> Result<Listener, ListenError> {
    Listener::bind(ListenerConfig {
        id: ListenerId(0),
        address: Address::Unix {
            path: path.to_owned(),
            mode,
            owner: opgate::policy::Owner::default(),
        },
    })
    .await
}

#[tokio::test]
async fn a_socket_has_its_mode_and_replaces_only_a_stale_one() {
    within(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.sock");
        for mode in [0o600, 0o666, 0o660] {
            let listener = bind(&path, mode).await.unwrap();
            let found = std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            assert_eq!(found, mode);
            // Dropped without being run: the socket stays and is stale.
            drop(listener);
            assert!(path.exists());
        }
        std::fs::remove_file(&path).unwrap();
        let other = UnixListener::bind(&path).unwrap();
        assert!(matches!(
            bind(&path, 0o600).await,
            Err(ListenError::Served(_))
        ));
        drop(other);
        std::fs::remove_file(&path).unwrap();

        std::fs::write(&path, "precious").unwrap();
        assert!(matches!(
            bind(&path, 0o600).await,
            Err(ListenError::NotASocket(_))
        ));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
        let missing = dir.path().join("no/such/folder.sock");
        assert!(matches!(
            bind(&missing, 0o600).await,
            Err(ListenError::Folder { .. })
        ));
        let link = dir.path().join("link.sock");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &link).unwrap();
        assert!(matches!(
            bind(&link, 0o600).await,
            Err(ListenError::NotASocket(_))
        ));
    })
    .await;
}

#[tokio::test]
async fn connections_above_the_limit_wait_for_one_to_leave() {
    within(async {
        let two = Limits {
            connections: 2,
            ..Limits::default()
        };
        let setup = Setup::start_with(two).await;
        let _engine = Engine::plain(&setup.engine_path());
        let mut first = setup.client().await;
        let mut second = setup.client().await;
        assert_eq!(first.ask(PING).await.status, 200);
        assert_eq!(second.ask(PING).await.status, 200);
        let mut third = setup.client().await;
        third.send(PING).await;
        let early = tokio::time::timeout(Duration::from_millis(50), third.head()).await;
        assert!(early.is_err());
        drop(first);
        assert_eq!(third.answer().await.status, 200);
        assert_eq!(second.ask(PING).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_ends_idle_connections_and_lets_running_ones_finish() {
    within(async {
        let mut setup = Setup::start().await;
        let (go, went) = tokio::sync::watch::channel(false);
        let engine = Engine::held(&setup.engine_path(), went);
        let mut idle = setup.client().await;
        assert_eq!(idle.ask(PING).await.status, 200);
        let mut running = setup.client().await;
        running
            .send("POST /v1.51/containers/x/wait HTTP/1.1\r\nHost:\r\n\r\n")
            .await;
        engine.until(|engine| engine.seen().len() == 2).await;

        setup.stop.send(true).unwrap();
        idle.ended().await;
        while setup.proxy_path().exists() {
            tokio::task::yield_now().await;
        }
        assert!(UnixStream::connect(setup.proxy_path()).await.is_err());
        go.send(true).unwrap();
        assert_eq!(running.answer().await.status, 200);
        running.ended().await;
        drop((running, idle));
        setup.task.take().unwrap().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    within(async {
        let short = Limits {
            shutdown_grace: Duration::from_millis(50),
            ..Limits::default()
        };
        let mut setup = Setup::start_with(short).await;
        let engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            if call.line().contains("attach") {
                call.io
                    .send("HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n")
                    .await;
            } else {
                call.io
                    .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    .await;
            }
            call.io.rest().await;
            None
        });
        let mut events = setup.client().await;
        events
            .send("GET /v1.51/events HTTP/1.1\r\nHost:\r\n\r\n")
            .await;
        events.head().await;
        let mut attached = setup.client().await;
        attached
            .send("POST /v1.51/containers/x/attach HTTP/1.1\r\nHost:\r\nUpgrade: tcp\r\n\r\n")
            .await;
        attached.head().await;
        setup.stop.send(true).unwrap();
        setup.task.take().unwrap().await.unwrap();
        events.ended().await;
        attached.ended().await;
        engine.until(|engine| engine.closed() >= 2).await;
        let records = setup.records.take(2).await;
        assert!(
            records.iter().all(|record| !record.complete),
            "recorded all the same"
        );
        assert_eq!(records.iter().filter(|record| record.tunnel).count(), 1);
    })
    .await;
}

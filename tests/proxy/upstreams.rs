//! Engines that are called by TCP and by TLS.

use std::path::PathBuf;
use std::sync::Arc;

use opgate::proxy::{Endpoint, InForce, Limits, TcpHost, Upstream};
use opgate::tls::ClientTls;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::engine_certs::Authority;
use crate::support::{ATTACH, Call, Engine, PING, Setup, UPGRADE, within};

const UPGRADED: &str = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

/// A port in front of an Engine's socket, by TLS or in the clear.
struct Front {
    port: u16,
    task: JoinHandle<()>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Front {
    async fn start(engine: PathBuf, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            let mut all = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (engine, tls) = (engine.clone(), tls.clone());
                all.spawn(async move {
                    match tls {
                        None => pass(stream, engine).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                pass(stream, engine).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, task }
    }

    fn at(&self, host: &str) -> TcpHost {
        TcpHost {
            host: host.to_owned(),
            port: self.port,
        }
    }
}

async fn pass(mut stream: impl AsyncRead + AsyncWrite + Unpin, engine: PathBuf) {
    let mut engine = UnixStream::connect(engine).await.unwrap();
    let _ = copy_bidirectional(&mut stream, &mut engine).await;
}

fn go_to(setup: &Setup, endpoint: Endpoint) {
    let upstream = Upstream::new(endpoint, Limits::default().engine_time).unwrap();
    setup.reload.send_modify(|in_force| {
        *in_force = Arc::new(InForce {
            tls: Arc::default(),
            upstreams: Arc::new(upstream.into()),
            ..InForce::clone(in_force)
        });
    });
}

/// An Engine that sends back in capitals what comes through a tunnel.
fn echoing(setup: &Setup) -> Engine {
    Engine::start(&setup.engine_path(), |mut call: Call| async move {
        call.body().await?;
        if !call.line().contains("attach") {
            call.io.answer("200 OK", "OK").await;
            return Some(call.io);
        }
        call.io.send(UPGRADED).await;
        while let Some(byte) = call.io.exact(1).await {
            call.io.send(byte.to_ascii_uppercase()).await;
        }
        call.io.send("bye").await;
        call.io.half_close().await;
        None
    })
}

/// Asks twice on a connection, then talks through a tunnel whose sides end one by one.
async fn serves(setup: &Setup) {
    let mut client = setup.client().await;
    assert_eq!(client.ask(PING).await.status, 200);
    assert_eq!(client.ask(PING).await.status, 200);
    client.send(format!("{ATTACH}{UPGRADE}\r\n")).await;
    assert_eq!(client.head().await.status, 101);
    client.send("hello").await;
    assert_eq!(client.exact(5).await, b"HELLO");
    client.half_close().await;
    assert_eq!(client.rest().await, b"bye");
}

#[tokio::test]
async fn an_engine_is_called_by_tcp() {
    within(async {
        let setup = Setup::start().await;
        let _engine = echoing(&setup);
        let front = Front::start(setup.engine_path(), None).await;
        for host in ["127.0.0.1", "localhost"] {
            go_to(&setup, Endpoint::Tcp(front.at(host)));
            serves(&setup).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_engine_is_called_by_tls_with_a_certificate() {
    within(async {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path(), "ca");
        let setup = Setup::start().await;
        let _engine = echoing(&setup);
        for host in ["127.0.0.1", "localhost"] {
            let tls = authority.engine(host, false);
            let front = Front::start(setup.engine_path(), Some(tls)).await;
            let tls = ClientTls::load(host, &authority.client(&authority)).unwrap();
            go_to(&setup, Endpoint::Tls(front.at(host), tls));
            serves(&setup).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_engine_that_cannot_be_verified_gets_nothing() {
    within(async {
        let folder = tempfile::tempdir().unwrap();
        let ours = Authority::new(folder.path(), "ours");
        let theirs = Authority::new(folder.path(), "theirs");
        let setup = Setup::start().await;
        let engine = echoing(&setup);
        let cases = [
            (&theirs, "127.0.0.1", false, "of the authority in `ca`"),
            (&ours, "elsewhere", false, "is for another name"),
            (&ours, "127.0.0.1", true, "has expired"),
        ];
        for (authority, name, old, about) in cases {
            let tls = authority.engine(name, old);
            let front = Front::start(setup.engine_path(), Some(tls)).await;
            let tls = ClientTls::load("127.0.0.1", &ours.client(&ours)).unwrap();
            go_to(&setup, Endpoint::Tls(front.at("127.0.0.1"), tls));
            let answer = setup.client().await.ask(PING).await;
            assert_eq!(answer.status, 502);
            assert!(answer.message().contains(about), "{answer:?}");
            assert!(!answer.message().contains("elsewhere"), "{answer:?}");
        }
        // One that does not know opgate's certificate refuses it.
        let tls = ours.engine("127.0.0.1", false);
        let front = Front::start(setup.engine_path(), Some(tls)).await;
        let tls = ClientTls::load("127.0.0.1", &theirs.client(&ours)).unwrap();
        go_to(&setup, Endpoint::Tls(front.at("127.0.0.1"), tls));
        assert_eq!(setup.client().await.ask(PING).await.status, 502);
        assert!(engine.seen().is_empty());
    })
    .await;
}

#[test]
fn the_same_certificates_are_the_same_and_new_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "ca");
    let load = |files| ClientTls::load("engine", files).unwrap();
    let files = authority.client(&authority);
    let first = load(&files);
    assert_eq!(first, load(&files));
    // Written anew at the same place.
    assert_ne!(first, load(&authority.client(&authority)));
    let key = std::fs::read_to_string(&files.key).unwrap();
    assert!(!format!("{first:?}").contains(key.lines().nth(1).unwrap()));
    let refused = || ClientTls::load("engine", &files).unwrap_err().to_string();
    let certificate = std::fs::read(&files.cert).unwrap();
    authority.client(&authority);
    std::fs::write(&files.cert, certificate).unwrap();
    let error = refused();
    assert!(
        error.contains("ca-key.pem` cannot be used: it is not the key of the certificate in"),
        "{error}"
    );
    std::fs::write(&files.key, "no key").unwrap();
    let error = refused();
    assert!(
        error.contains("ca-key.pem` holds no private key"),
        "{error}"
    );
}

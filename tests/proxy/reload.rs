//! Other settings while the proxy runs: for requests, and for listeners.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use opgate::gate::{Gate, ListenerId};
use opgate::policy::{Address, Policies, resolve};
use opgate::proxy::{
    Changes, InForce, Limits, ListenError, Listener, ListenerConfig, Proxy, Server, Settings,
    Upstream,
};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;

use crate::support::{Client, Engine, PING, Records, Setup, Stream, gate_without, within};

/// A server in a folder of its own, with an Engine at `engine.sock`.
struct Reloaded {
    dir: TempDir,
    server: Server,
    in_force: watch::Sender<Arc<InForce>>,
    records: Arc<Records>,
    stop: watch::Sender<bool>,
}

/// The names and addresses of listeners, each with its client.
type Listeners<'l> = &'l [(&'l str, &'l str)];

impl Reloaded {
    /// Listens at no place.
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let upstream = dir.path().join("engine.sock");
        let limits = Limits::default();
        let records = Arc::<Records>::default();
        let (in_force, looked_at) = watch::channel(Arc::new(InForce {
            tls: Arc::default(),
            gate: Arc::new(Gate::with_listeners(policies(&[]), Vec::new())),
            upstream: Arc::new(Upstream::new(upstream, limits.engine_time).unwrap()),
            limits: Arc::new(limits.into()),
        }));
        let (stop, stopping) = watch::channel(false);
        let journal = Arc::clone(&records);
        let proxy = Arc::new(Proxy::new(looked_at, journal));
        Self {
            dir,
            server: Server::new(Vec::new(), proxy, stopping),
            in_force,
            records,
            stop,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Listens at these sockets from now on, with this mode, and at more addresses.
    async fn listen_at(
        &mut self,
        sockets: Listeners<'_>,
        mode: u32,
        others: &[Address],
    ) -> Result<Changes, ListenError> {
        let mut clients: Vec<&str> = sockets.iter().map(|(_, client)| *client).collect();
        clients.extend(others.iter().map(|_| "tcp"));
        let paths = sockets.iter().map(|(name, _)| self.path(name));
        let mut listeners: Vec<Address> = paths
            .map(|path| Address::Unix {
                path,
                mode,
                owner: opgate::policy::Owner::default(),
            })
            .collect();
        listeners.extend_from_slice(others);
        let limits = Limits::default();
        let settings = Settings {
            tls: Vec::new(),
            listeners,
            policies: policies(&clients),
            upstream: Upstream::new(self.path("engine.sock"), limits.engine_time).unwrap(),
            of_listeners: Vec::new(),
            of_clients: Vec::new(),
            limits,
        };
        self.server.reload(&self.in_force, settings).await
    }

    async fn listen(&mut self, sockets: Listeners<'_>) -> Changes {
        self.listen_at(sockets, 0o600, &[]).await.unwrap()
    }

    async fn client(&self, name: &str) -> Client {
        let stream = UnixStream::connect(self.path(name)).await.unwrap();
        Client::over(Stream::Unix(stream))
    }

    /// The client of the last request.
    async fn last_client(&self, requests: usize) -> String {
        let records = self.records.take(requests).await;
        records.last().unwrap().client.to_string()
    }
}

/// Policies of clients that may do the same, one for each listener.
fn policies(clients: &[&str]) -> Policies {
    let listen: Vec<String> = (clients.iter().enumerate())
        .map(|(at, client)| format!("{{ unix: /nowhere/{at}, client: {client} }}"))
        .collect();
    let mut named: Vec<&str> = clients.to_vec();
    named.sort_unstable();
    named.dedup();
    let named: Vec<String> = named
        .iter()
        .map(|client| format!("{client}: {{ policies: [all] }}"))
        .collect();
    let listen = match listen.as_slice() {
        [] => "{ unix: /nowhere/none, client: none }".to_owned(),
        some => some.join(", "),
    };
    let text = format!(
        "api: '1.51'\nlisten: [{listen}]\nupstream: unix:///nowhere/engine.sock\n\
         clients: {{ none: {{ policies: [all] }}, {} }}\n\
         policies: {{ all: {{ allow: [SystemPing, ContainerWait] }} }}\n",
        named.join(", ")
    );
    resolve("test", &text).unwrap().policies
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

#[tokio::test]
async fn a_request_is_judged_by_what_was_in_force_when_it_began() {
    within(async {
        let setup = Setup::start().await;
        let (go, went) = watch::channel(false);
        let engine = Engine::held(&setup.engine_path(), went);
        let wait = "POST /v1.51/containers/x/wait HTTP/1.1\r\nHost:\r\n\r\n";
        let mut early = setup.client().await;
        early.send(wait).await;
        engine.until(|engine| engine.seen().len() == 1).await;
        // It has begun, and its body is still to come.
        let mut slow = setup.client().await;
        let head = wait.replace(
            "\r\n\r\n",
            "\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
        );
        slow.send(head).await;
        assert_eq!(slow.head().await.status, 100);
        let mut idle = setup.client().await;
        assert_eq!(idle.ask(PING).await.status, 200);

        setup.reload(gate_without("ContainerWait"));
        assert_eq!(idle.ask(wait).await.status, 403);
        let mut next = setup.client().await;
        assert_eq!(next.ask(wait).await.status, 403);
        slow.send("{}").await;
        go.send(true).unwrap();
        assert_eq!(slow.answer().await.status, 200);
        assert_eq!(early.answer().await.status, 200);
        assert_eq!(early.ask(wait).await.status, 403);
    })
    .await;
}

#[tokio::test]
async fn listeners_come_and_go_and_the_others_are_not_touched() {
    within(async {
        let mut gate = Reloaded::start();
        let engine = Engine::plain(&gate.path("engine.sock"));
        let changes = gate.listen(&[("a", "one"), ("b", "two")]).await;
        assert_eq!((changes.added.len(), changes.kept), (2, 0));
        let mut a = gate.client("a").await;
        let mut b = gate.client("b").await;
        assert_eq!(a.ask(PING).await.status, 200);
        assert_eq!(b.ask(PING).await.status, 200);

        // `b` stays, at another place of the file; `a` goes and `c` comes.
        let changes = gate.listen(&[("c", "three"), ("b", "two")]).await;
        assert_eq!((changes.added.len(), changes.kept), (1, 1));
        assert_eq!(changes.removed.len(), 1);
        a.ended().await;
        while exists(&gate.path("a")) {
            tokio::task::yield_now().await;
        }
        assert_eq!(b.ask(PING).await.status, 200);
        assert_eq!(gate.last_client(3).await, "two");
        let mut c = gate.client("c").await;
        assert_eq!(c.ask(PING).await.status, 200);
        assert_eq!(gate.last_client(4).await, "three");

        // A connection that stays is who the listener says from now on.
        gate.listen(&[("b", "four"), ("c", "three")]).await;
        assert_eq!(b.ask(PING).await.status, 200);
        assert_eq!(gate.last_client(5).await, "four");
        // All went over connections to the Engine that were kept.
        assert!(engine.accepted() <= 2, "{}", engine.accepted());
        gate.stop.send(true).unwrap();
        gate.server.ended().await;
        assert!(!exists(&gate.path("b")) && !exists(&gate.path("c")));
    })
    .await;
}

#[tokio::test]
async fn a_request_under_way_outlives_its_listener() {
    within(async {
        let mut gate = Reloaded::start();
        let (go, went) = watch::channel(false);
        let engine = Engine::held(&gate.path("engine.sock"), went);
        gate.listen(&[("a", "one")]).await;
        let mut running = gate.client("a").await;
        running
            .send("POST /v1.51/containers/x/wait HTTP/1.1\r\nHost:\r\n\r\n")
            .await;
        engine.until(|engine| engine.seen().len() == 1).await;
        gate.listen(&[("b", "two")]).await;
        while exists(&gate.path("a")) {
            tokio::task::yield_now().await;
        }
        go.send(true).unwrap();
        assert_eq!(running.answer().await.status, 200);
        // Nothing more is judged for a client that is gone.
        running.ended().await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_opened_changes_nothing() {
    within(async {
        let mut gate = Reloaded::start();
        let _engine = Engine::plain(&gate.path("engine.sock"));
        gate.listen(&[("a", "one")]).await;
        let mut a = gate.client("a").await;
        assert_eq!(a.ask(PING).await.status, 200);

        let _other = UnixListener::bind(gate.path("taken")).unwrap();
        let wanted = [("new", "two"), ("taken", "two"), ("a", "two")];
        let failed = gate.listen_at(&wanted, 0o666, &[]).await;
        assert!(matches!(failed, Err(ListenError::Served(_))), "{failed:?}");
        assert!(!exists(&gate.path("new")));
        assert!(exists(&gate.path("taken")));
        let mode = |name| {
            let found = std::fs::metadata(gate.path(name)).unwrap();
            found.permissions().mode() & 0o777
        };
        assert_eq!(mode("a"), 0o600);
        assert_eq!(a.ask(PING).await.status, 200);
        assert_eq!(gate.last_client(2).await, "one");
    })
    .await;
}

#[tokio::test]
async fn a_listener_whose_mode_changes_keeps_its_connections() {
    within(async {
        let mut gate = Reloaded::start();
        let _engine = Engine::plain(&gate.path("engine.sock"));
        gate.listen(&[("a", "one")]).await;
        let mut a = gate.client("a").await;
        assert_eq!(a.ask(PING).await.status, 200);
        for wanted in [0o660, 0o600] {
            let changes = gate.listen_at(&[("a", "one")], wanted, &[]).await.unwrap();
            assert_eq!(changes.kept, 1);
            let found = std::fs::metadata(gate.path("a")).unwrap();
            assert_eq!(found.permissions().mode() & 0o777, wanted);
        }
        assert_eq!(a.ask(PING).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_socket_that_somebody_removed_is_made_again() {
    within(async {
        let mut gate = Reloaded::start();
        let _engine = Engine::plain(&gate.path("engine.sock"));
        gate.listen(&[("a", "one")]).await;
        let mut before = gate.client("a").await;
        assert_eq!(before.ask(PING).await.status, 200);
        std::fs::remove_file(gate.path("a")).unwrap();
        let changes = gate.listen(&[("a", "one")]).await;
        assert_eq!((changes.added.len(), changes.removed.len()), (1, 1));
        before.ended().await;
        // The end of the old one does not take the new one away.
        let mut after = gate.client("a").await;
        assert_eq!(after.ask(PING).await.status, 200);
        assert!(exists(&gate.path("a")));
    })
    .await;
}

#[tokio::test]
async fn any_port_stays_the_one_that_it_was() {
    within(async {
        let mut gate = Reloaded::start();
        let _engine = Engine::plain(&gate.path("engine.sock"));
        let any = Address::Tcp("127.0.0.1:0".parse().unwrap());
        let changes = gate
            .listen_at(&[], 0, std::slice::from_ref(&any))
            .await
            .unwrap();
        let [Address::Tcp(address)] = changes.added.as_slice() else {
            panic!("{changes:?}");
        };
        let mut client = Client::over(Stream::Tcp(TcpStream::connect(address).await.unwrap()));
        assert_eq!(client.ask(PING).await.status, 200);
        // A second one gets a port of its own, and the first stays.
        let changes = gate.listen_at(&[], 0, &[any.clone(), any]).await.unwrap();
        assert_eq!((changes.added.len(), changes.kept), (1, 1));
        assert_eq!(client.ask(PING).await.status, 200);
        gate.listen(&[("a", "one")]).await;
        client.ended().await;
        // The port is free again.
        while TcpListener::bind(address).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn reloads_leave_no_task_behind() {
    within(async {
        let mut gate = Reloaded::start();
        let _engine = Engine::plain(&gate.path("engine.sock"));
        gate.listen(&[("a", "one")]).await;
        let tasks = || {
            tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks()
        };
        let before = tasks();
        for _ in 0..50 {
            gate.listen(&[("a", "one"), ("b", "two")]).await;
            let mut b = gate.client("b").await;
            assert_eq!(b.ask(PING).await.status, 200);
            gate.listen(&[("a", "one")]).await;
            b.ended().await;
        }
        // The stand-in has a task for each connection, and all of them are one.
        while tasks() > before + 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_listener_has_the_name_that_it_was_bound_with() {
    within(async {
        // Names of a configuration whose listeners were opened before the server.
        let dir = tempfile::tempdir().unwrap();
        let address = |name: &str| Address::Unix {
            path: dir.path().join(name),
            mode: 0o600,
            owner: opgate::policy::Owner::default(),
        };
        let mut listeners = Vec::new();
        for (at, name) in ["a", "b"].into_iter().enumerate() {
            let config = ListenerConfig {
                id: ListenerId(at),
                address: address(name),
            };
            listeners.push(Listener::bind(config).await.unwrap());
        }
        let limits = Limits::default();
        let upstream = |limits: &Limits| {
            Upstream::new(dir.path().join("engine.sock"), limits.engine_time).unwrap()
        };
        let _engine = Engine::plain(&dir.path().join("engine.sock"));
        let (in_force, looked_at) = watch::channel(Arc::new(InForce {
            tls: Arc::default(),
            gate: Arc::new(Gate::new(policies(&["one", "two"]))),
            upstream: Arc::new(upstream(&limits)),
            limits: Arc::new(limits.clone().into()),
        }));
        let records = Arc::<Records>::default();
        let journal = Arc::clone(&records);
        let (_stop, stopping) = watch::channel(false);
        let proxy = Arc::new(Proxy::new(looked_at, journal));
        let mut server = Server::new(listeners, proxy, stopping);
        let stream = UnixStream::connect(dir.path().join("b")).await.unwrap();
        let mut client = Client::over(Stream::Unix(stream));
        assert_eq!(client.ask(PING).await.status, 200);
        assert_eq!(&*records.take(1).await[0].client, "two");
        let settings = Settings {
            tls: Vec::new(),
            listeners: vec![address("c"), address("b")],
            policies: policies(&["three", "four"]),
            upstream: upstream(&limits),
            of_listeners: Vec::new(),
            of_clients: Vec::new(),
            limits,
        };
        let changes = server.reload(&in_force, settings).await.unwrap();
        assert_eq!(changes.kept, 1);
        assert_eq!(client.ask(PING).await.status, 200);
        assert_eq!(&*records.take(2).await[1].client, "four");
    })
    .await;
}

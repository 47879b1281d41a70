//! What a gate goes on needing.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::policy::{Address, Configuration, Confinement, EngineAddress, Engines, Metrics, Owner};

/// What is needed after the start, and which measures are taken at all.
///
/// Files are allowed by their folders: a file that is replaced, as editors and
/// rotations do it, is another file of the same folder.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    switches: Confinement,
    files: Vec<PathBuf>,
    sockets: Vec<PathBuf>,
    listened: Vec<u16>,
    engines: Vec<PathBuf>,
    dialled: Vec<u16>,
    names: bool,
    owners: Vec<Owner>,
    accounts: bool,
    processes: bool,
}

impl Plan {
    /// A plan that needs nothing yet.
    pub fn new(switches: Confinement) -> Self {
        Self {
            switches,
            ..Self::default()
        }
    }

    /// What a configuration needs, to be served and to be read again.
    pub fn of(configuration: &Configuration) -> Self {
        let plan = Self::new(configuration.confinement);
        let files = configuration.files.iter().map(PathBuf::as_path);
        let files = files.chain(configuration.certificates());
        let plan = files.fold(plan, Self::reading);
        let engines = configuration.engines.all.iter();
        let mut plan = engines.fold(plan, |plan, engine| plan.reaching(&engine.address));
        plan.processes = configuration.policies.ask_for_processes();
        plan.accounts = configuration.policies.name_accounts();
        match &configuration.metrics {
            Some(Metrics::Unix(path)) => plan.sockets.push(path.clone()),
            Some(Metrics::Tcp(address)) => plan.listened.push(address.port()),
            None => {}
        }
        let listeners = configuration.listeners.iter();
        listeners.fold(plan, |plan, listener| plan.listening(&listener.address))
    }

    /// This file is read, and what else is in its folder.
    #[must_use]
    pub fn reading(mut self, file: &Path) -> Self {
        self.files.push(file.to_owned());
        // Where a link leads to is read as well.
        if let Ok(file) = fs::canonicalize(file) {
            self.files.push(file);
        }
        self
    }

    /// An Engine that is not called by this plan, at a port or by a name.
    pub fn lacks<'e>(&self, engines: &'e Engines) -> Option<&'e EngineAddress> {
        let switches = self.switches;
        let is_called = |engine: &EngineAddress| match engine {
            EngineAddress::Unix(_) => true,
            EngineAddress::Tcp { host, port } | EngineAddress::Tls { host, port, .. } => {
                let named = host.parse::<IpAddr>().is_err();
                (!switches.landlock || self.dialled.contains(port))
                    && (!(switches.landlock || switches.seccomp) || self.names || !named)
            }
        };
        let mut addresses = engines.all.iter().map(|engine| &engine.address);
        addresses.find(|address| !is_called(address))
    }

    /// Whether folders and ports that it does not name are given up.
    pub fn gives_up_places(&self) -> bool {
        self.switches.landlock
    }

    /// Clients are listened for here.
    #[must_use]
    pub fn listening(mut self, address: &Address) -> Self {
        match address {
            Address::Unix { path, owner, .. } => {
                self.sockets.push(path.clone());
                self.owners.push(*owner);
            }
            Address::Tcp(address) => self.listened.push(address.port()),
            // It listens already.
            Address::Systemd { .. } => {}
        }
        self
    }

    fn reaching(self, engine: &EngineAddress) -> Self {
        match engine {
            EngineAddress::Unix(path) => self.calling(path),
            EngineAddress::Tcp { host, port } | EngineAddress::Tls { host, port, .. } => {
                match host.parse() {
                    Ok(address) => self.dialling(SocketAddr::new(address, *port)),
                    Err(_) => self.dialling_by_name(*port),
                }
            }
        }
    }

    /// An Engine is called at this unix socket.
    #[must_use]
    pub fn calling(mut self, engine: &Path) -> Self {
        self.engines.push(engine.to_owned());
        self
    }

    /// An Engine is called at this address.
    #[must_use]
    pub fn dialling(mut self, engine: SocketAddr) -> Self {
        self.dialled.push(engine.port());
        self
    }

    /// An Engine is called at this port of a host that is known by its name.
    #[must_use]
    pub fn dialling_by_name(mut self, port: u16) -> Self {
        // Long answers of name servers come by TCP.
        self.dialled.extend([port, 53]);
        self.names = true;
        self
    }

    /// Whether it is looked at in which container a process is.
    pub(super) fn processes(&self) -> bool {
        self.processes
    }

    /// Whether sockets are given to others.
    pub(super) fn gives_away(&self) -> bool {
        self.owners.iter().any(|owner| owner.is_said())
    }

    /// Whether numbers of users and groups are looked up.
    pub(super) fn accounts(&self) -> bool {
        self.accounts
    }

    pub(super) fn switches(&self) -> Confinement {
        self.switches
    }

    pub(super) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    pub(super) fn engines(&self) -> &[PathBuf] {
        &self.engines
    }

    /// The ports that are listened at. Nothing where one is any that is free.
    pub(super) fn listened(&self) -> Option<&[u16]> {
        (!self.listened.contains(&0)).then_some(&self.listened)
    }

    /// Whether a port is listened at that is reserved to root.
    pub(super) fn reserved_port(&self) -> bool {
        self.listened.iter().any(|port| (1..1024).contains(port))
    }

    /// The ports that are called.
    pub(super) fn dialled(&self) -> &[u16] {
        &self.dialled
    }

    /// Whether names of hosts are resolved.
    pub(super) fn names(&self) -> bool {
        self.names
    }

    /// The folders in which files are read.
    pub(super) fn read_folders(&self) -> Vec<PathBuf> {
        folders(&self.files)
    }

    /// The folders in which sockets are made and removed.
    pub(super) fn socket_folders(&self) -> Vec<PathBuf> {
        folders(&self.sockets)
    }
}

/// The folders of these, each once.
fn folders(paths: &[PathBuf]) -> Vec<PathBuf> {
    let folder = |path: &PathBuf| {
        let folder = path.parent()?;
        // The folder of a name alone is the current one.
        let here = folder.as_os_str().is_empty();
        let folder = if here { Path::new(".") } else { folder };
        // One that is not there stays as it is called.
        Some(fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned()))
    };
    let mut folders: Vec<PathBuf> = paths.iter().filter_map(folder).collect();
    folders.sort();
    folders.dedup();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_is_named_once_however_it_is_reached() {
        let here = std::env::current_dir().unwrap();
        let plan = Plan::new(Confinement::default())
            .reading(Path::new("opgate.yaml"))
            .reading(&here.join("other.yaml"))
            .reading(Path::new("src/../included.yaml"))
            .reading(Path::new("/lost/folder/lost.yaml"));
        // In the order of their names, which depends on where this is built.
        let mut folders = [PathBuf::from("/lost/folder"), here];
        folders.sort();
        assert_eq!(plan.read_folders(), folders);
    }

    #[test]
    fn where_the_metrics_are_is_listened_at_too() {
        let plan = |metrics: &str| {
            let text = format!(
                "api: '1.51'\nlisten: [{{ unix: /lost/a/gate.sock, client: me }}]\n\
                 upstream: unix:///run/engine.sock\nclients: {{ me: {{ policies: [p] }} }}\n\
                 policies: {{ p: {{ allow: [SystemPing] }} }}\n{metrics}"
            );
            Plan::of(&crate::policy::resolve("opgate.yaml", &text).unwrap())
        };
        assert_eq!(plan("").listened(), Some(&[][..]));
        let tcp = plan("metrics: { tcp: '127.0.0.1:9323' }");
        assert_eq!(tcp.listened(), Some(&[9323][..]));
        let unix = plan("metrics: { unix: /lost/b/metrics.sock }");
        let folders = ["/lost/a", "/lost/b"].map(PathBuf::from);
        assert_eq!(unix.socket_folders(), folders);
    }

    #[test]
    fn ports_are_known_unless_one_is_any_that_is_free() {
        let listen = |port| Address::Tcp(([127, 0, 0, 1], port).into());
        let plan = Plan::default().listening(&listen(2375));
        assert_eq!(plan.listened(), Some(&[2375][..]));
        assert!(!plan.reserved_port());
        let plan = plan.listening(&listen(999));
        assert!(plan.reserved_port());
        let plan = Plan::default().listening(&listen(0));
        assert_eq!(plan.listened(), None);
        assert!(!plan.reserved_port());
        let plan = Plan::default().dialling_by_name(2376);
        assert_eq!(plan.dialled(), [2376, 53]);
    }
}

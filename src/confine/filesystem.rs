//! Files and ports, by Landlock: only those of the plan.
//!
//! What is open stays open. Connecting to a unix socket is not what this kernel
//! interface restricts; making, opening and removing is.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, NetPort,
    PathBeneath, PathFd, PathFdError, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use super::{Plan, State};

/// The newest version of the interface whose restrictions were tried out.
const TRIED: ABI = ABI::V6;

/// What the C library reads to find a host by its name.
const RESOLVER: [&str; 7] = [
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/services",
    "/run/systemd/resolve",
];

/// The names of users and groups. A file that takes the place of one of these is
/// another, and is not read any more.
const ACCOUNTS: [&str; 2] = ["/etc/passwd", "/etc/group"];

/// Where it has the parts of itself that it looks names up by.
const LIBRARIES: [&str; 4] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"];

/// Restricts the process.
pub(super) fn restrict(plan: &Plan) -> State {
    match ruleset(plan).and_then(RulesetCreated::restrict_self) {
        Ok(status) => state(&status, plan),
        Err(error) => State::Missing(error.to_string()),
    }
}

fn ruleset(plan: &Plan) -> Result<RulesetCreated, RulesetError> {
    let mut ports: BitFlags<AccessNet> = AccessNet::ConnectTcp.into();
    if plan.listened().is_some() {
        ports |= AccessNet::BindTcp;
    }
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(TRIED))?
        .handle_access(ports)?
        .scope(Scope::from_all(TRIED))?
        .create()?;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    for folder in plan.read_folders() {
        rules = beneath(rules, &folder, read)?;
    }
    for folder in plan.socket_folders() {
        rules = beneath(rules, &folder, AccessFs::MakeSock | AccessFs::RemoveFile)?;
    }
    if plan.names() {
        for path in RESOLVER.iter().chain(&LIBRARIES) {
            rules = beneath(rules, Path::new(path), read)?;
        }
    }
    if plan.accounts() {
        for path in ACCOUNTS {
            rules = beneath(rules, Path::new(path), read)?;
        }
    }
    if plan.processes() {
        rules = beneath(rules, Path::new("/proc"), AccessFs::ReadFile.into())?;
    }
    for port in plan.dialled() {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    for port in plan.listened().unwrap_or_default() {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::BindTcp))?;
    }
    Ok(rules)
}

/// Allows this in a folder, or to a file. One that is not there needs no rule, and
/// gets none when it comes.
fn beneath(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let open: Result<PathFd, PathFdError> = PathFd::new(path);
    let Ok(open) = open else {
        return Ok(rules);
    };
    let access = if path.is_dir() {
        access
    } else {
        access & AccessFs::from_file(TRIED)
    };
    rules.add_rule(PathBeneath::new(open, access))
}

fn state(status: &RestrictionStatus, plan: &Plan) -> State {
    let LandlockStatus::Available { effective_abi, .. } = status.landlock else {
        return State::Missing("the kernel does not have it".to_owned());
    };
    let version = effective_abi as i32;
    match status.ruleset {
        RulesetStatus::NotEnforced => State::Missing("the kernel does not have it".to_owned()),
        RulesetStatus::FullyEnforced => State::InForce(places(plan)),
        RulesetStatus::PartiallyEnforced => {
            let lacking = match version {
                ..4 => "files only, neither ports nor signals",
                4 | 5 => "not signals",
                6.. => "in part",
            };
            State::InForce(format!("{lacking}; {}", places(plan)))
        }
    }
}

/// What is left.
fn places(plan: &Plan) -> String {
    let list = |paths: Vec<PathBuf>| {
        let shown: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        shown.join(", ")
    };
    let mut places = format!("reads {}", list(plan.read_folders()));
    if plan.processes() {
        places.push_str(", /proc");
    }
    let sockets = list(plan.socket_folders());
    if !sockets.is_empty() {
        places.push_str("; sockets in ");
        places.push_str(&sockets);
    }
    places
}

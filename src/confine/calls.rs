//! System calls that a gate has no use for, forbidden by seccomp.
//!
//! What is forbidden is listed, not what is allowed: what allocators, the runtime and
//! the two C libraries call differs by architecture and version, and a list of it
//! that lacks one call of a rare moment stops a gate in that moment. So the list
//! takes away what turns a mistake in the gate into something else: other programs,
//! other processes' memory, name spaces, mounts, the kernel's rarer doors, memory
//! that is written and then run. Files, ports and rights are the other measures'.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};

use super::{Plan, State};

mod denied;

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// Forbids them, for all threads.
pub(super) fn forbid(plan: &Plan) -> State {
    let Ok(arch) = TargetArch::try_from(ARCH) else {
        return State::Missing(format!("the filter knows no {ARCH}"));
    };
    let applied = programs(arch, plan.names())
        .map_err(|error| error.to_string())
        .and_then(|programs| {
            programs.iter().try_for_each(|program| {
                apply_filter_all_threads(program).map_err(|error| error.to_string())
            })
        });
    match applied {
        Ok(()) => State::InForce(String::new()),
        Err(reason) => State::Missing(reason),
    }
}

/// The filters. Their answers differ, and the strictest counts.
fn programs(arch: TargetArch, names: bool) -> Result<[BpfProgram; 2], BackendError> {
    let program = |rules: Rules, errno: libc::c_int| {
        let action = SeccompAction::Errno(errno.unsigned_abs());
        SeccompFilter::new(with_x32(rules), SeccompAction::Allow, action, arch)?.try_into()
    };
    // Its arguments are in memory, where a filter cannot look; the C libraries start
    // threads by `clone` where there is no such call.
    let unseen = Rules::from([(libc::SYS_clone3, Vec::new())]);
    Ok([
        program(unseen, libc::ENOSYS)?,
        program(forbidden(names)?, libc::EPERM)?,
    ])
}

/// What is forbidden, altogether or with certain arguments.
fn forbidden(names: bool) -> Result<Rules, BackendError> {
    let calls = denied::EVERYWHERE.iter().chain(denied::HERE);
    let mut rules: Rules = calls.map(|call| (*call, Vec::new())).collect();
    if cfg!(target_arch = "x86_64") {
        rules.extend(denied::X32_ONLY.map(|call| (call | denied::X32, Vec::new())));
    }
    // Threads only, and none in name spaces of its own.
    let mut clone = vec![rule(vec![bits(0, libc::CLONE_THREAD, 0)?])?];
    for flag in denied::NAMESPACES {
        clone.push(rule(vec![bits(0, flag, flag)?])?);
    }
    rules.insert(libc::SYS_clone, clone);
    // Sockets of the usual kinds.
    let mut kinds = vec![libc::AF_UNIX, libc::AF_INET, libc::AF_INET6];
    if names {
        // The resolver asks which addresses the host has.
        kinds.push(libc::AF_NETLINK);
    }
    let others = kinds.into_iter().map(|kind| {
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, value(kind))
    });
    rules.insert(
        libc::SYS_socket,
        vec![rule(others.collect::<Result<_, _>>()?)?],
    );
    // Memory that can be run and was, or can be, written.
    let run = bits(2, libc::PROT_EXEC, libc::PROT_EXEC)?;
    let both = libc::PROT_WRITE | libc::PROT_EXEC;
    let anonymous = bits(3, libc::MAP_ANONYMOUS, libc::MAP_ANONYMOUS)?;
    let mapped = vec![
        rule(vec![bits(2, both, both)?])?,
        rule(vec![run.clone(), anonymous])?,
    ];
    rules.insert(libc::SYS_mmap, mapped);
    for call in [libc::SYS_mprotect, libc::SYS_pkey_mprotect] {
        rules.insert(call, vec![rule(vec![run.clone()])?]);
    }
    let run = bits(2, libc::SHM_EXEC, libc::SHM_EXEC)?;
    rules.insert(libc::SYS_shmat, vec![rule(vec![run])?]);
    // Typing on the terminal of whoever started the gate.
    let typing = denied::TERMINAL.iter().map(|request| {
        let request = SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, *request);
        rule(vec![request?])
    });
    rules.insert(libc::SYS_ioctl, typing.collect::<Result<_, _>>()?);
    Ok(rules)
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions)
}

/// These bits of an argument are these.
fn bits(
    argument: u8,
    mask: libc::c_int,
    are: libc::c_int,
) -> Result<SeccompCondition, BackendError> {
    let operator = SeccompCmpOp::MaskedEq(value(mask));
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value(are))
}

fn value(flags: libc::c_int) -> u64 {
    flags.cast_unsigned().into()
}

/// The same for the x32 numbers of the calls, by which x86-64 kernels may be called,
/// too.
fn with_x32(mut rules: Rules) -> Rules {
    if cfg!(target_arch = "x86_64") {
        let same = rules
            .iter()
            .map(|(call, rules)| (call | denied::X32, rules.clone()));
        let same: Vec<_> = same.collect();
        rules.extend(same);
    }
    rules
}

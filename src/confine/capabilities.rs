//! The rights of root, dropped but for those that the plan needs.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
};

use super::{Plan, State};

/// Drops what is not needed, so that no thread of the process can have it again.
pub(super) fn drop_unneeded(plan: &Plan) -> State {
    match dropped(plan) {
        Ok(kept) if kept.is_empty() => State::InForce("none left".to_owned()),
        Ok(kept) => {
            let names: Vec<&str> = kept.iter_names().map(|(name, _)| name).collect();
            State::InForce(format!("kept {}", names.join(", ")))
        }
        Err(error) => State::Missing(error.to_string()),
    }
}

fn dropped(plan: &Plan) -> io::Result<CapabilitySet> {
    let had = capabilities(None)?;
    let mut kept = CapabilitySet::empty();
    if plan.reserved_port() {
        kept |= had.permitted & CapabilitySet::NET_BIND_SERVICE;
    }
    if plan.gives_away() {
        // One that was given away and is stale has to be looked at, too.
        let rights = CapabilitySet::CHOWN | CapabilitySet::FOWNER | CapabilitySet::DAC_OVERRIDE;
        kept |= had.permitted & rights;
    }
    // Root without rights is a user like others, whom files of yet others may be
    // closed to. It is tried out.
    let before = reached(plan);
    set_capabilities(None, only(had.permitted, kept))?;
    if reached(plan) != before {
        kept |= had.permitted & CapabilitySet::DAC_OVERRIDE;
    }
    set_capabilities(None, had)?;
    for capability in CapabilitySet::all().iter() {
        // Those that the kernel does not know are in no set. It takes a right to
        // drop these; without it, no new privileges must do.
        if capability_is_in_bounding_set(capability) == Ok(true) && !kept.contains(capability) {
            let _ = remove_capability_from_bounding_set(capability);
        }
    }
    clear_ambient_capability_set()?;
    set_capabilities(None, only(kept, kept))?;
    Ok(kept)
}

fn only(permitted: CapabilitySet, effective: CapabilitySet) -> CapabilitySets {
    CapabilitySets {
        effective,
        permitted,
        inheritable: CapabilitySet::empty(),
    }
}

/// Which places of the plan are open to the process as it is.
fn reached(plan: &Plan) -> Vec<(PathBuf, bool)> {
    let open = |path: &Path, access| accessat(CWD, path, access, AtFlags::EACCESS).is_ok();
    let files = plan.files().iter().map(|path| (path, Access::READ_OK));
    let engines = plan.engines().iter().map(|path| (path, Access::WRITE_OK));
    let folders = plan.socket_folders();
    let folders = folders
        .iter()
        .map(|path| (path, Access::WRITE_OK | Access::EXEC_OK));
    files
        .chain(engines)
        .chain(folders)
        .map(|(path, access)| (path.clone(), open(path, access)))
        .collect()
}

//! Docker's commands, and what they ask of the Engine.

use super::{MOST, mean};
use crate::api::Operation;

/// Commands whose words are not those of the operation.
const COMMANDS: &[(&str, &[&str])] = &[
    ("attach", &["ContainerAttach"]),
    ("build", &["ImageBuild"]),
    ("builder prune", &["BuildPrune"]),
    ("buildx build", &["ImageBuild"]),
    ("buildx prune", &["BuildPrune"]),
    ("commit", &["ImageCommit"]),
    ("container commit", &["ImageCommit"]),
    ("container cp", &["ContainerArchive", "PutContainerArchive"]),
    ("container diff", &["ContainerChanges"]),
    ("container port", &["ContainerInspect"]),
    ("container run", &["ContainerCreate", "ContainerStart"]),
    ("cp", &["ContainerArchive", "PutContainerArchive"]),
    ("create", &["ContainerCreate"]),
    ("df", &["SystemDataUsage"]),
    ("diff", &["ContainerChanges"]),
    ("events", &["SystemEvents"]),
    ("exec", &["ContainerExec", "ExecStart"]),
    ("export", &["ContainerExport"]),
    ("history", &["ImageHistory"]),
    ("image save", &["ImageGet"]),
    ("images", &["ImageList"]),
    ("import", &["ImageImport"]),
    ("info", &["SystemInfo"]),
    ("inspect", &["ContainerInspect", "ImageInspect"]),
    ("kill", &["ContainerKill"]),
    ("load", &["ImageLoad"]),
    ("login", &["SystemAuth"]),
    ("logs", &["ContainerLogs"]),
    ("node ps", &["TaskList"]),
    ("pause", &["ContainerPause"]),
    ("ping", &["SystemPing", "SystemPingHead"]),
    ("port", &["ContainerInspect"]),
    (
        "prune",
        &[
            "ContainerPrune",
            "ImagePrune",
            "NetworkPrune",
            "VolumePrune",
            "BuildPrune",
        ],
    ),
    ("ps", &["ContainerList"]),
    ("pull", &["ImagePull"]),
    ("push", &["ImagePush"]),
    ("rename", &["ContainerRename"]),
    ("restart", &["ContainerRestart"]),
    ("rm", &["ContainerDelete"]),
    ("rmi", &["ImageDelete"]),
    ("run", &["ContainerCreate", "ContainerStart"]),
    ("save", &["ImageGet"]),
    ("search", &["ImageSearch"]),
    ("service ps", &["TaskList"]),
    ("service scale", &["ServiceUpdate"]),
    ("start", &["ContainerStart"]),
    ("stats", &["ContainerStats"]),
    ("stop", &["ContainerStop"]),
    ("system df", &["SystemDataUsage"]),
    (
        "system prune",
        &[
            "ContainerPrune",
            "ImagePrune",
            "NetworkPrune",
            "VolumePrune",
            "BuildPrune",
        ],
    ),
    ("tag", &["ImageTag"]),
    ("top", &["ContainerTop"]),
    ("unpause", &["ContainerUnpause"]),
    ("update", &["ContainerUpdate"]),
    ("version", &["SystemVersion"]),
    ("wait", &["ContainerWait"]),
];

/// The longest command that is looked for.
const LONGEST: usize = 64;

/// Advice on what is a command of Docker's.
pub(super) fn operations(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let words = lower.split([' ', '.', '_', '-', ':', '/']);
    let words: Vec<&str> = words
        .filter(|word| !word.is_empty())
        .skip_while(|word| *word == "docker")
        .collect();
    if words.first().is_some_and(|word| word.ends_with("compose")) {
        return Some(
            "Compose asks for many operations: `opgate init compose` writes a policy for it"
                .to_owned(),
        );
    }
    let command = words.join(" ");
    if let Some((_, names)) = COMMANDS.iter().find(|(name, _)| *name == command) {
        return Some(mean(names));
    }
    let names: Vec<&str> = match *words.as_slice() {
        [one] => named(one, "list").into_iter().collect(),
        [one, other] => {
            let found = named(one, other).or_else(|| named(other, one));
            found.into_iter().collect()
        }
        _ => Vec::new(),
    };
    (!names.is_empty() && names.len() <= MOST).then(|| mean(&names))
}

/// The operation on a thing, which may be called in the plural.
fn named(thing: &str, does: &str) -> Option<&'static str> {
    let does = match does {
        "ls" => "list",
        "rm" | "remove" => "delete",
        does => does,
    };
    let one = thing.strip_suffix('s').unwrap_or(thing);
    let names = [format!("{one}{does}"), format!("{thing}{does}")];
    let all = Operation::ALL.iter().map(|operation| operation.name());
    let same = |name: &&str| names.iter().any(|own| own.eq_ignore_ascii_case(name));
    all.clone().find(same)
}

#[cfg(test)]
mod tests {
    use super::COMMANDS;
    use crate::api::Operation;

    #[test]
    fn commands_lead_to_operations_that_there_are() {
        for (command, names) in COMMANDS {
            for name in *names {
                assert!(Operation::from_name(name).is_some(), "{command}: {name}");
            }
        }
        assert!(COMMANDS.is_sorted_by_key(|(command, _)| *command));
    }
}

//! Control groups → the container that a process is in.
//!
//! Docker puts a container's processes into a group that is called by its id, or
//! `docker-<id>.scope` under systemd, below a parent that can be chosen. A name that
//! looks like that can be made in other ways, so that two of them in one path tell
//! nothing, and one alone is only what the Engine is then asked about: whether the
//! container's own first process is in the very same group.

use crate::format::is_full_id;

/// The groups of a process that are called by a container, by their hierarchies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    /// The container's id.
    pub(crate) id: String,
    /// For each hierarchy the path up to the container's own group.
    groups: Vec<(String, String)>,
}

/// Why a process's container cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unclear;

impl Membership {
    /// What `/proc/PID/cgroup` says; nothing for a process in no container.
    pub(crate) fn read(text: &str) -> Result<Option<Self>, Unclear> {
        let mut found: Option<Self> = None;
        for line in text.lines() {
            let mut fields = line.splitn(3, ':');
            let (Some(number), Some(controllers), Some(path)) =
                (fields.next(), fields.next(), fields.next())
            else {
                return Err(Unclear);
            };
            let Some((id, group)) = container(path)? else {
                continue;
            };
            let hierarchy = format!("{number}:{controllers}");
            let membership = found.get_or_insert_with(|| Self {
                id: id.to_owned(),
                groups: Vec::new(),
            });
            if membership.id != id {
                return Err(Unclear);
            }
            membership.groups.push((hierarchy, group.to_owned()));
        }
        Ok(found)
    }

    /// Whether both are in the same container: in each hierarchy in the same group.
    pub(crate) fn is_with(&self, other: &Self) -> bool {
        self.id == other.id && self.groups == other.groups
    }
}

/// The container that a path speaks of, and the path up to it.
fn container(path: &str) -> Result<Option<(&str, &str)>, Unclear> {
    let mut found = None;
    let mut end = 0_usize;
    for segment in path.split('/') {
        end = end.saturating_add(segment.len());
        if let Some(id) = id_of(segment) {
            if found.is_some() {
                return Err(Unclear);
            }
            found = Some((id, path.get(..end).ok_or(Unclear)?));
        }
        end = end.saturating_add(1);
    }
    Ok(found)
}

/// The id in the name of a group.
fn id_of(segment: &str) -> Option<&str> {
    let scope = segment
        .strip_prefix("docker-")
        .and_then(|rest| rest.strip_suffix(".scope"));
    Some(scope.unwrap_or(segment)).filter(|id| is_full_id(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a() -> String {
        "a".repeat(64)
    }

    fn b() -> String {
        "b".repeat(64)
    }

    fn id(text: &str) -> Result<Option<String>, Unclear> {
        Membership::read(text).map(|found| found.map(|found| found.id))
    }

    #[test]
    fn the_groups_that_docker_makes_are_a_container() {
        let (a, b) = (a(), b());
        for text in [
            format!("0::/docker/{a}"),
            format!("0::/system.slice/docker-{a}.scope"),
            format!("0::/system.slice/docker-{a}.scope/init.scope"),
            format!("0::/custom.slice/docker-{a}.scope"),
            format!("0::/my/parent/{a}"),
            // As seen from another namespace.
            format!("0::/../{a}"),
            format!("2:cpu,cpuacct:/docker/{a}\n1:name=systemd:/docker/{a}\n0::/\n"),
        ] {
            assert_eq!(id(&text), Ok(Some(a.clone())), "{text}");
        }
        for text in [
            "0::/\n".to_owned(),
            "0::/user.slice/user-1000.slice/session-1.scope".to_owned(),
            format!("0::/docker/{}", "a".repeat(63)),
            format!("0::/docker/{}", a.to_uppercase()),
            format!("0::/docker/{a}0"),
            format!("0::/system.slice/docker-{b}.scope.d"),
            format!("0::/system.slice/cri-containerd-{a}.scope"),
        ] {
            assert_eq!(id(&text), Ok(None), "{text}");
        }
    }

    #[test]
    fn two_containers_in_a_path_are_none() {
        let (a, b) = (a(), b());
        for text in [
            // A group that a container made inside of its own; a parent by another's name.
            format!("0::/docker/{a}/{b}"),
            format!("0::/docker/{a}/docker/{b}"),
            format!("0::/docker/{a}/{a}"),
            format!("0::/system.slice/docker-{a}.scope/docker-{b}.scope"),
            format!("2:cpu:/docker/{a}\n1:pids:/docker/{b}"),
            "0".to_owned(),
        ] {
            assert_eq!(id(&text), Err(Unclear), "{text}");
        }
    }

    #[test]
    fn only_the_very_same_group_is_the_container() {
        let a = a();
        let read = |text: String| Membership::read(&text).unwrap().unwrap();
        let main = read(format!("0::/docker/{a}/init"));
        assert!(main.is_with(&read(format!("0::/docker/{a}"))));
        assert!(main.is_with(&read(format!("0::/docker/{a}/deep/er"))));
        // A parent that is chosen to end in the id.
        assert!(!main.is_with(&read(format!("0::/docker/x/{a}"))));
        assert!(!main.is_with(&read(format!("0::/docker-{a}.scope"))));
        assert!(!main.is_with(&read(format!("1:cpu:/docker/{a}"))));
    }
}

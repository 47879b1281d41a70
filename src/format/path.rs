//! Paths on the host and in containers.
//!
//! Turns the text of a path into its clean form, the way Go's `path.Clean`
//! does, because that is what the Engine mounts. Promises that cleaning is
//! purely lexical, as the Engine's is; symbolic links are not looked at, and
//! cannot be: they belong to another file system. Leaves to others whether a
//! path may be used.

use std::borrow::Cow;

use super::FormatError;

#[cfg(test)]
mod tests;

/// The shortest path that means the same without looking at the file system:
/// no empty, `.` or needless `..` components, no slash at the end.
///
/// The empty path becomes `.`, and `..` above the root disappears.
pub fn clean_path(path: &str) -> Cow<'_, str> {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => match kept.last() {
                Some(&last) if last != ".." => {
                    kept.pop();
                }
                _ if rooted => {}
                _ => kept.push(component),
            },
            _ => kept.push(component),
        }
    }
    let mut clean = String::with_capacity(path.len());
    if rooted {
        clean.push('/');
    }
    clean.push_str(&kept.join("/"));
    if clean.is_empty() {
        clean.push('.');
    }
    super::respelt(path, clean)
}

/// Whether `path` is `root` or lies below it, by whole components. Both are
/// cleaned first; a relative path is never below an absolute one.
pub fn is_under(path: &str, root: &str) -> bool {
    let (path, root) = (clean_path(path), clean_path(root));
    if root == "/" {
        return path.starts_with('/');
    }
    path.strip_prefix(root.as_ref())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The clean form of an absolute path on the host.
pub fn host_path(text: &str) -> Result<Cow<'_, str>, FormatError> {
    absolute(text).map(clean_path)
}

/// The clean form of an absolute path in a container.
pub fn container_path(text: &str) -> Result<Cow<'_, str>, FormatError> {
    absolute(text).map(clean_path)
}

/// The spelling of a host path that is forwarded.
pub(super) fn canonical_host_path(text: &str) -> Result<Cow<'_, str>, FormatError> {
    absolute(text).map(resolve_dots)
}

/// The spelling of a mount's source that is forwarded: what is no absolute path
/// is a name, and none of ours.
pub(super) fn canonical_mount_source(text: &str) -> Cow<'_, str> {
    if text.starts_with('/') {
        resolve_dots(text)
    } else {
        Cow::Borrowed(text)
    }
}

/// Cleans a path only when it has `.` or `..` components.
///
/// The kernel follows a symbolic link before `..`, lexical cleaning does not,
/// and some fields reach the kernel uncleaned: with the components gone, every
/// reader finds the same place. Other paths stay as the client wrote them,
/// because clients compare what they sent with what they inspect.
pub(super) fn resolve_dots(path: &str) -> Cow<'_, str> {
    if path.split('/').any(|part| matches!(part, "." | "..")) {
        clean_path(path)
    } else {
        Cow::Borrowed(path)
    }
}

fn absolute(text: &str) -> Result<&str, FormatError> {
    if !text.starts_with('/') {
        return Err(FormatError::new("is not an absolute path"));
    }
    if text.chars().any(char::is_control) {
        return Err(FormatError::new("holds a control character"));
    }
    Ok(text)
}

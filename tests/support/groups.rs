//! Control groups as Docker makes them for containers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};

/// How many groups were made.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A control group, gone at the end.
pub(crate) struct Group(PathBuf);

impl Group {
    /// Below the root of the unified hierarchy, where this machine lets us.
    pub(crate) fn make() -> Option<Self> {
        let roots = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
        let root = roots
            .iter()
            .find(|root| Path::new(root).join("cgroup.controllers").exists())?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("opgate-test-{}-{number}", std::process::id());
        let group = Path::new(root).join(name);
        fs::create_dir(&group).ok()?;
        Some(Self(group))
    }

    pub(crate) fn below(&self, path: &str) -> PathBuf {
        let path = self.0.join(path);
        fs::create_dir_all(&path).unwrap();
        path
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        fn remove(path: &Path) {
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    remove(&entry.path());
                }
            }
            let _ = fs::remove_dir(path);
        }
        remove(&self.0);
    }
}

/// A process that waits in a group.
pub(crate) struct Main(pub(crate) Child);

impl Main {
    pub(crate) fn start(group: &Path) -> Self {
        let child = Command::new("sleep").arg("600").spawn().unwrap();
        fs::write(group.join("cgroup.procs"), child.id().to_string()).unwrap();
        Self(child)
    }
}

impl Drop for Main {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

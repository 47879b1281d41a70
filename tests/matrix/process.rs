//! Processes that connect as other users, or in a container, and give the connection to
//! the test.

use std::fs;
use std::io::{BufRead as _, BufReader, IoSlice, IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::peer::PATIENCE;

/// A process that waits for paths to connect to.
pub(crate) struct Process {
    child: Child,
    control: Mutex<UnixStream>,
}

impl Process {
    /// By user and group, in a control group.
    pub(crate) fn start(ids: (u32, u32), group: Option<&Path>) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "process::connecting_process",
                "--nocapture",
                "--ignored",
            ])
            .env("OPGATE_TEST_CONNECTING", "1")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .uid(ids.0)
            .gid(ids.1)
            .spawn()
            .unwrap();
        if let Some(group) = group {
            fs::write(group.join("cgroup.procs"), child.id().to_string()).unwrap();
        }
        Self {
            child,
            control: Mutex::new(ours),
        }
    }

    /// A connection that this process has opened.
    pub(crate) fn connect(&self, path: &Path) -> UnixStream {
        let mut control = self.control.lock().unwrap();
        writeln!(control, "{}", path.display()).unwrap();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut rights = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let mut data = [IoSliceMut::new(&mut byte)];
        recvmsg(&*control, &mut data, &mut rights, RecvFlags::CMSG_CLOEXEC).unwrap();
        let passed = rights.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut all) => all.next(),
            _ => None,
        });
        let stream = UnixStream::from(passed.expect("a connection"));
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Ends it. Until [`reap`](Self::reap) its number is its own.
    pub(crate) fn end(&mut self) {
        self.child.kill().unwrap();
        let stat = format!("/proc/{}/stat", self.child.id());
        while !fs::read_to_string(&stat).unwrap().contains(") Z ") {
            std::thread::yield_now();
        }
    }

    /// Takes note of its end.
    pub(crate) fn reap(&mut self) {
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "a part of the others, in a process of its own"]
fn connecting_process() {
    if std::env::var_os("OPGATE_TEST_CONNECTING").is_none() {
        return;
    }
    let control = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let paths = BufReader::new(control.try_clone().unwrap());
    for path in paths.lines() {
        let connection = UnixStream::connect(path.unwrap()).unwrap();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut rights = SendAncillaryBuffer::new(&mut space);
        let passed = [connection.as_fd()];
        assert!(rights.push(SendAncillaryMessage::ScmRights(&passed)));
        let data = [IoSlice::new(b"x")];
        sendmsg(&control, &data, &mut rights, SendFlags::empty()).unwrap();
    }
}

//! Processes of a server, found by the mark they were started with and held by a handle.
//!
//! A pid alone says nothing: the process may have ended and the number be another's. So a process is ours when its
//! environment carries its server's folder, looked at with a handle (pidfd) open; signals go to the handle.

use std::fs;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The variable whose value is the server's folder.
pub(crate) const MARK: &str = "TIRO_CLUSTER_SERVER";

/// A process that was running when it was looked for.
pub(crate) struct Process {
    pub(crate) id: u32,
    /// The program's name, at most 15 bytes of it.
    pub(crate) program: String,
    handle: OwnedFd,
}

impl Process {
    /// Every process that was started for this folder, their children included.
    pub(crate) fn of(folder: &Path) -> anyhow::Result<Vec<Process>> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").context("cannot list /proc")? {
            let name = entry?.file_name();
            if let Some(id) = name.to_str().and_then(|name| name.parse().ok()) {
                found.extend(Process::open(id, folder)?);
            }
        }
        Ok(found)
    }

    fn open(id: u32, folder: &Path) -> anyhow::Result<Option<Process>> {
        if !is_marked(id, folder)? {
            return Ok(None);
        }
        let pid = Pid::from_raw(i32::try_from(id)?).context("0 is no process")?;
        let handle = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => handle,
            Err(Errno::SRCH) => return Ok(None),
            Err(error) => return Err(error).context("cannot open a process's handle"),
        };
        // Again, since the one that was looked at may have ended before the handle was opened.
        let (Some(program), true) = (read(id, "comm")?, is_marked(id, folder)?) else {
            return Ok(None);
        };
        let program = String::from_utf8_lossy(&program).trim_end().to_owned();
        Ok(Some(Process { id, program, handle }))
    }

    /// Sends a signal; a process that has ended is fine.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        match pidfd_send_signal(&self.handle, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot signal {} ({})", self.program, self.id)),
        }
    }

    /// Waits until it has ended; answers whether it has by the deadline.
    pub(crate) fn wait_for_end(&self, deadline: Instant) -> anyhow::Result<bool> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).context("the deadline is too far away")?;
            match poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&left)) {
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error).context("cannot wait for the end of a process"),
            }
        }
    }
}

fn is_marked(id: u32, folder: &Path) -> anyhow::Result<bool> {
    let environment = read(id, "environ")?.unwrap_or_default();
    let title = read(id, "cmdline")?.unwrap_or_default();
    Ok(carries_mark(&environment, folder) || is_title_of_redis(&title, folder))
}

fn carries_mark(environment: &[u8], folder: &Path) -> bool {
    let mark = [MARK.as_bytes(), b"=", folder.as_os_str().as_encoded_bytes()].concat();
    environment
        .split(|byte| *byte == 0)
        .any(|variable| variable == mark)
}

/// Redis and Valkey write their title over their arguments and environment; the one that `redis.rs` gives them names its file.
fn is_title_of_redis(title: &[u8], folder: &Path) -> bool {
    let end = title.iter().rposition(|byte| !matches!(byte, 0 | b' '));
    let title = end.map_or(&[][..], |last| &title[..=last]);
    let file = [b" ", folder.as_os_str().as_encoded_bytes(), b"/redis.conf"].concat();
    let is_server = [&b"redis-server "[..], b"valkey-server "]
        .iter()
        .any(|program| title.starts_with(program));
    is_server && title.ends_with(&file)
}

/// A file of /proc/ID; `None` if the process has ended or is somebody else's.
fn read(id: u32, file: &str) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(format!("/proc/{id}/{file}")) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(None),
        Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {file} of process {id}")),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_process_is_found_by_its_whole_folder_only_and_ended_by_its_handle() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("cat")
            .env(MARK, folder.path())
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // The mark is there from the exec on; spawn returns after it.
        let found = Process::of(folder.path()).unwrap();
        let ids: Vec<u32> = found.iter().map(|process| process.id).collect();
        assert_eq!(ids, [child.id()]);
        assert_eq!(found[0].program, "cat");
        assert!(Process::of(&folder.path().join("deeper")).unwrap().is_empty());
        assert!(Process::of(folder.path().parent().unwrap()).unwrap().is_empty());
        assert!(!found[0].wait_for_end(Instant::now()).unwrap());
        found[0].signal(Signal::TERM).unwrap();
        assert!(
            found[0]
                .wait_for_end(Instant::now() + Duration::from_secs(10))
                .unwrap()
        );
        child.wait().unwrap();
        found[0].signal(Signal::TERM).unwrap();
        assert!(Process::of(folder.path()).unwrap().is_empty());
    }

    #[test]
    fn redis_is_known_by_its_title_and_an_editor_of_its_file_is_not_redis() {
        let folder = Path::new("/a/b/redis");
        assert!(is_title_of_redis(
            b"redis-server 127.0.0.1:7 /a/b/redis/redis.conf\0\0",
            folder
        ));
        assert!(is_title_of_redis(
            b"redis-server 127.0.0.1:7 /a/b/redis/redis.conf ",
            folder
        ));
        assert!(is_title_of_redis(
            b"valkey-server 127.0.0.1:7 /a/b/redis/redis.conf",
            folder
        ));
        assert!(!is_title_of_redis(b"vi\0/a/b/redis/redis.conf\0", folder));
        assert!(!is_title_of_redis(
            b"redis-server 127.0.0.1:7 /b/redis/redis.conf\0",
            folder
        ));
        assert!(!is_title_of_redis(
            b"redis-server 127.0.0.1:7 /z/a/b/redis/redis.conf\0",
            folder
        ));
    }
}

//! A container engine of Debian's packages, in mount, network and process name spaces of its own.
//!
//! Whoever calls this is in those name spaces already (see `compose.rs`): what the engine starts ends with the caller,
//! nothing of the machine's network changes, and containers reach nobody but each other.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::root::{root, target_folder};

const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// In seconds: longer than the image takes to build on a busy machine.
const COMMAND_MAX: &str = "3600";
/// How much of what a command said is told when it fails.
const SAID_BYTES_MAX: usize = 4_000;

/// A running engine. Ended when dropped.
pub(crate) struct Engine {
    folder: PathBuf,
    daemon: Child,
}

impl Engine {
    /// Starts it in its root file system, and waits until it answers.
    pub(crate) fn start(folder: &Path, toolchain: &Path) -> anyhow::Result<Engine> {
        let log = folder.join("data/dockerd.log");
        fs::create_dir_all(folder.join("data"))?;
        let output = File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
        let daemon = Command::new(root().join("xtask/compose/start-engine"))
            .arg(folder)
            .args([root(), target_folder().as_path(), toolchain])
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("cannot start xtask/compose/start-engine")?;
        let mut engine = Engine {
            folder: folder.to_owned(),
            daemon,
        };
        let begun = Instant::now();
        while engine.docker(&["version"]).is_err() {
            let ended = engine.daemon.try_wait()?;
            if ended.is_some() || begun.elapsed() > START_MAX {
                let said = fs::read_to_string(&log).unwrap_or_else(|error| error.to_string());
                bail!("the engine does not start:\n{}", last_part(&said));
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(engine)
    }

    /// `docker …`, in the tree's folder; answers what it prints.
    pub(crate) fn docker(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(arguments).output().context("cannot start docker")?;
        said(arguments, &output)
    }

    /// `docker compose …` on the tree's own file.
    pub(crate) fn compose(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.docker(&[&["compose", "--progress", "quiet"][..], arguments].concat())
    }

    /// `docker import` of a root file system.
    pub(crate) fn import(&self, folder: &Path, image: &str) -> anyhow::Result<()> {
        let mut tar = Command::new("tar")
            .args(["--create", "--one-file-system", "--directory"])
            .arg(folder)
            .arg(".")
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start tar")?;
        let packed = tar.stdout.take().context("tar has no output")?;
        let arguments = ["import", "-", image];
        let output = self.command(&arguments).stdin(packed).output()?;
        let packed = tar.wait()?;
        said(&arguments, &output)?;
        if !packed.success() {
            bail!("tar of {} ended with {packed}", folder.display());
        }
        Ok(())
    }

    /// Ends it and what it runs.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.daemon), Signal::TERM)?;
        let begun = Instant::now();
        while self.daemon.try_wait()?.is_none() {
            if begun.elapsed() > STOP_MAX {
                bail!("the engine does not end within {} s", STOP_MAX.as_secs());
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=10", COMMAND_MAX, "chroot"])
            .arg(&self.folder);
        command.args(["env", "--ignore-environment", "--chdir=/tree", "HOME=/data"]);
        command.args([
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "docker",
        ]);
        command.args(arguments).stdin(Stdio::null());
        command
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.daemon.try_wait().is_ok_and(|status| status.is_none()) {
            let ended = self.daemon.kill().and_then(|()| self.daemon.wait());
            ended.expect("a child can be killed");
        }
    }
}

fn said(arguments: &[&str], output: &Output) -> anyhow::Result<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`docker {}` ended with {}:\n{}\n{}",
            arguments.join(" "),
            output.status,
            last_part(&text),
            last_part(&errors)
        );
    }
    Ok(text)
}

/// The end of a text, from the beginning of a line on where it is long.
pub(crate) fn last_part(text: &str) -> &str {
    let from = text.len().saturating_sub(SAID_BYTES_MAX);
    match text.as_bytes()[from..].iter().position(|byte| *byte == b'\n') {
        Some(end) if from > 0 => &text[from + end + 1..],
        _ if from > 0 => "",
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_told_from_the_beginning_of_a_line_on() {
        assert_eq!(last_part("short\n"), "short\n");
        let lines: String = (0..2_000).map(|number| format!("ü {number}\n")).collect();
        let part = last_part(&lines);
        assert!(part.len() < SAID_BYTES_MAX && part.starts_with("ü ") && part.ends_with("ü 1999\n"));
    }
}

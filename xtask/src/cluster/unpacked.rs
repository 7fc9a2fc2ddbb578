//! Debian packages of another suite, unpacked and not installed, and how a program of them is started.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use super::stored::{store, stored};
use crate::root::root;
use crate::steps::succeed;

/// What scripts in the packages take for granted.
const SURROUNDINGS: [&str; 8] = [
    "base-files",
    "dash",
    "coreutils",
    "sed",
    "grep",
    "mawk",
    "util-linux",
    "libc-bin",
];
/// In seconds, for at most 500 MB.
const FETCH_MAX: &str = "900";

/// Packages of a suite; they bring what they depend on.
pub(crate) struct Packages {
    pub(crate) suite: &'static str,
    pub(crate) packages: &'static [&'static str],
}

impl Packages {
    /// Unpacks them under a name, unless they are there.
    pub(crate) fn fetch(&self, name: &str) -> anyhow::Result<()> {
        store(name, |folder| {
            println!("{name}: unpacking it from Debian {} (once)", self.suite);
            let mut unpack = Command::new("timeout");
            unpack.arg(FETCH_MAX).arg(root().join("xtask/unpack-packages"));
            unpack.arg(self.suite).arg(folder).args(self.packages);
            let log = std::fs::File::create(folder.with_extension("log"))?;
            unpack.args(SURROUNDINGS).stdout(log);
            succeed(&mut unpack)
        })
    }
}

/// A command that runs a program of what was unpacked under a name. `places` are the folders that it finds where everybody
/// does; all others are its own.
pub(crate) fn run(name: &str, places: &[&Path], program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(root().join("xtask/run-unpacked"));
    let places: Vec<&OsStr> = places.iter().map(|place| place.as_os_str()).collect();
    command
        .arg(stored(name))
        .arg(places.join(OsStr::new(":")))
        .arg(program);
    command
}

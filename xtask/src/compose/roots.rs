//! What is made once, while there is a network: root file systems of Debian, the crates' sources, OpenSearch's jars.
//!
//! All of it stays in the target folder. Beside each thing a file says what it was made of; another text there, and it is
//! made anew.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::root::{cargo, root, target_folder};
use crate::steps::succeed;

/// A root file system of Debian with some packages.
pub(crate) struct Root {
    pub(crate) name: &'static str,
    suite: &'static str,
    packages: &'static [&'static str],
}

/// The engine and its clients. Compose of the stable release is older than compose.yaml asks for.
pub(crate) const ENGINE: Root = Root {
    name: "engine",
    suite: "sid",
    packages: &[
        "docker.io",
        "docker-cli",
        "docker-compose",
        "docker-buildx",
        "iptables",
        "iproute2",
        "ca-certificates",
    ],
};
/// What `debian:bookworm-slim` is: the packages that everything needs.
pub(crate) const DEBIAN: Root = Root {
    name: "debian",
    suite: "bookworm",
    packages: &[],
};
/// What `rust:…-slim-bookworm` is beside the toolchain.
pub(crate) const RUST: Root = Root {
    name: "rust",
    suite: "bookworm",
    packages: &["gcc", "libc6-dev", "ca-certificates"],
};
/// The four servers; MySQL is in no stable release.
pub(crate) const SERVERS: Root = Root {
    name: "servers",
    suite: "sid",
    packages: &[
        "mysql-server-core",
        "mysql-client-core",
        "rabbitmq-server",
        "redis-server",
        "default-jdk-headless",
        "curl",
    ],
};

/// Where all of this is.
pub(crate) fn folder() -> PathBuf {
    target_folder().join("compose")
}

impl Root {
    pub(crate) fn folder(&self) -> PathBuf {
        folder().join(self.name)
    }

    /// What it is made of, in one line.
    pub(crate) fn made_of(&self) -> String {
        [&[self.suite][..], self.packages].concat().join(" ")
    }

    /// Makes it, unless it is there.
    pub(crate) fn make(&self) -> anyhow::Result<()> {
        let folder = self.folder();
        once(&folder, &self.made_of(), || {
            println!("making a root file system: {} ({})", self.name, self.made_of());
            let mut make = Command::new(root().join("xtask/compose/make-root"));
            make.arg(self.suite)
                .arg(&folder)
                .arg(mirror()?)
                .args(self.packages);
            quietly(&mut make, &folder.with_extension("log"))
        })
    }
}

/// The sources of all crates of the lock file, so that the image is built without a network.
pub(crate) fn vendor() -> anyhow::Result<()> {
    let folder = folder().join("vendor");
    let lock = fs::read_to_string(root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    once(&folder, &lock, || {
        println!("copying the sources of the crates");
        let mut vendor = cargo(&["vendor", "--locked", "--quiet"]);
        succeed(vendor.arg(&folder).stdout(Stdio::null()))
    })
}

/// The folder of the Rust that builds this tree, which has `bin` and `lib`.
pub(crate) fn toolchain() -> anyhow::Result<PathBuf> {
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .current_dir(root())
        .output()
        .context("cannot start rustc")?;
    let folder = String::from_utf8(output.stdout)?;
    if !output.status.success() || folder.trim().is_empty() {
        bail!("`rustc --print sysroot` ended with {}", output.status);
    }
    Ok(PathBuf::from(folder.trim()))
}

/// Makes a folder unless it was made of the same; what it was made of stands in a file beside it.
fn once(folder: &Path, made_of: &str, make: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let note = folder.with_extension("made-of");
    if folder.try_exists()? && fs::read_to_string(&note).is_ok_and(|noted| noted == made_of) {
        return Ok(());
    }
    for old in [note.as_path(), folder] {
        remove(old)?;
    }
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    make()?;
    fs::write(&note, made_of).with_context(|| format!("cannot write {}", note.display()))
}

fn remove(path: &Path) -> anyhow::Result<()> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Where this machine gets its packages from.
fn mirror() -> anyhow::Result<String> {
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", "$(SITE)"])
        .args(["Origin: Debian", "Label: Debian", "Created-By: Packages"])
        .output()
        .context("cannot start apt-get")?;
    let sites = String::from_utf8(output.stdout)?;
    let first = sites.lines().next().map(str::to_owned);
    first.context("apt-get knows no mirror of Debian: `apt-get update` on a Debian with package sources")
}

/// Runs a program whose output only matters if it fails.
fn quietly(command: &mut Command, log: &Path) -> anyhow::Result<()> {
    let output = fs::File::create(log).with_context(|| format!("cannot make {}", log.display()))?;
    command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    succeed(command).with_context(|| format!("see {}", log.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_once_and_anew_where_it_is_made_of_something_else() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("made");
        let mut times = 0;
        for (made_of, expected) in [("a", 1), ("a", 1), ("b", 2)] {
            let make = || {
                times += 1;
                fs::create_dir(&folder).map_err(Into::into)
            };
            once(&folder, made_of, make).unwrap();
            assert_eq!(times, expected);
        }
        once(&folder, "c", || bail!("the network is away")).unwrap_err();
        assert!(!folder.exists(), "what is half made is not taken for whole");
    }
}

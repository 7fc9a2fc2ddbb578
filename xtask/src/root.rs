//! The root of the tree that is checked: the one that `cargo xtask` was called in.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// Cargo says at run time where xtask is. Where it was built is another place after a checkout moved, or where two share a
/// target folder, since Cargo sees no reason to build it anew; so that counts only where Cargo did not start this package.
static XTASK: LazyLock<PathBuf> = LazyLock::new(|| {
    let started_by_cargo =
        std::env::var_os("CARGO_PKG_NAME").is_some_and(|package| package == env!("CARGO_PKG_NAME"));
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").filter(|_| started_by_cargo);
    folder.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
});

/// The folder with the workspace's Cargo.toml.
pub(crate) fn root() -> &'static Path {
    XTASK.parent().expect("xtask is a folder of the workspace")
}

/// Where builds go and where measurements may write: `CARGO_TARGET_DIR` or `target`.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// What Cargo tells a program that it runs of the program's package. Handed on it would be no news but a change: build
/// scripts look at it, so most of what we depend on would be built twice, in turns for xtask and by it.
const OF_THIS_PACKAGE: [&str; 5] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
    "CARGO_PRIMARY_",
];

/// Cargo, the same one that runs this program, started in the root of the tree.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if OF_THIS_PACKAGE.iter().any(|begins| text.starts_with(begins)) {
            command.env_remove(name);
        }
    }
    command
}

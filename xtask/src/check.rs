//! `cargo xtask check`: what can be said without running Tiro.

use crate::root::cargo;
use crate::steps::{Steps, succeed};
use crate::tidy;

pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::default();
    let result = all(&mut steps);
    print!("{steps}");
    result
}

/// Format, house rules, clippy: the quickest first.
pub(crate) fn all(steps: &mut Steps) -> anyhow::Result<()> {
    steps.run("rustfmt", || {
        succeed(&mut cargo(&["fmt", "--all", "--", "--check"]))
    })?;
    steps.run("house rules", tidy::run)?;
    steps.run("clippy", || {
        succeed(&mut cargo(&[
            "clippy",
            "--release",
            "--workspace",
            "--all-targets",
            "--locked",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]))
    })
}

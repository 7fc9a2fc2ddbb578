//! `cargo xtask compose test`: compose.yaml and the image, run by a real container engine.
//!
//! What needs a network is made first and kept (`roots.rs`). Then this program starts itself in name spaces of its own,
//! starts the engine there and walks (`walk.rs`): when it ends, however it ends, so does all that it started. `walk` does
//! the exercise of it on two nodes that run elsewhere.

mod containers;
mod engine;
mod exercise;
mod images;
mod node;
mod paste;
mod roots;
mod walk;

use std::fs::File;
use std::process::Command as Program;
use std::time::Instant;

use anyhow::{Context, bail};

use crate::cluster::opensearch_jars;
use crate::steps::succeed;
use crate::tools;
use engine::Engine;
use node::Node;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Builds the image, brings compose.yaml up and down, kills its containers; needs root rights. Installs debootstrap
    Test,
    /// Writes at each of two nodes of a running cluster and reads at the other, such as http://127.0.0.1:3000
    Walk {
        /// Address of a node without an operator key
        first: String,
        /// Address of another node of the same cluster
        second: String,
    },
    /// The part of `test` that runs in name spaces of its own
    #[command(hide = true)]
    Inside,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.command {
        Command::Test => test(),
        Command::Walk { first, second } => {
            let walked = exercise::walk([Node::of(first)?, Node::of(second)?])?;
            walked.is_kept()
        }
        Command::Inside => inside(),
    }
}

/// Makes what is missing, then walks inside.
pub(crate) fn test() -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!(
            "`cargo xtask compose test` needs root rights: a container engine mounts file systems and makes networks"
        );
    }
    tools::provide(&[&tools::DEBOOTSTRAP])?;
    std::fs::create_dir_all(roots::folder())?;
    let lock = roots::folder().join("lock");
    let lock = File::create(&lock).with_context(|| format!("cannot make {}", lock.display()))?;
    if lock.try_lock().is_err() {
        bail!(
            "another `cargo xtask compose test` is at work in {}",
            roots::folder().display()
        );
    }
    step("what is made once", || {
        for root in [&roots::ENGINE, &roots::DEBIAN, &roots::RUST, &roots::SERVERS] {
            root.make()?;
        }
        roots::vendor()?;
        opensearch_jars()?;
        Ok(format!("kept in {}", roots::folder().display()))
    })?;
    let mut inside = Program::new("unshare");
    inside.args([
        "--mount",
        "--net",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "--",
    ]);
    inside.arg(std::env::current_exe()?).args(["compose", "inside"]);
    succeed(&mut inside)
}

fn inside() -> anyhow::Result<()> {
    let begun = Instant::now();
    let engine = Engine::start(&roots::ENGINE.folder(), &roots::toolchain()?)?;
    told(begun, "the engine starts", "Docker in name spaces of its own");
    let walked = walk::all(&engine);
    let left = step("nothing is left", || containers::clear(&engine));
    let ended = engine.stop();
    walked.and(left).and(ended)
}

/// Runs a step and prints its time.
fn step(name: &str, step: impl FnOnce() -> anyhow::Result<String>) -> anyhow::Result<()> {
    let begun = Instant::now();
    let note =
        step().with_context(|| format!("`{name}` failed after {:.1} s", begun.elapsed().as_secs_f64()))?;
    told(begun, name, &note);
    Ok(())
}

fn told(begun: Instant, name: &str, note: &str) {
    let separator = if note.is_empty() { "" } else { ": " };
    println!(
        "{:>9.1} s  {name}{separator}{note}",
        begun.elapsed().as_secs_f64()
    );
}

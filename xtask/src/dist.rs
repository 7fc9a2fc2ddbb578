//! `cargo xtask dist`: the archive for machines that do not build Tiro.
//!
//! One folder, packed: the stripped executable, what a person reads first, a unit for systemd and the checksums. The
//! archive is unpacked again, held against its checksums, and its executable started, before it counts as made.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::root::{cargo, root, target_folder};
use crate::steps::succeed;
use crate::tools;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const PROGRAM: &str = "tiro";
const CHECKSUMS: &str = "SHA256SUMS";
/// Where a file of the archive comes from in the tree.
const FILES: [(&str, &str); 6] = [
    ("README.md", "README.md"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("docs/operations.md", "docs/operations.md"),
    ("tiro.service", "xtask/dist/tiro.service"),
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Pack this executable instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where the archive goes [default: target/dist]
    #[arg(long)]
    to: Option<PathBuf>,
}

/// Makes the archive and prints where it is and how large.
///
/// # Errors
/// A tool is missing, the program does not build or start, a file cannot be written.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    tools::require(&[&tools::STRIP, &tools::TAR])?;
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => build()?,
    };
    let to = arguments
        .to
        .clone()
        .unwrap_or_else(|| target_folder().join("dist"));
    let name = format!(
        "tiro-{VERSION}-{}-{}",
        std::env::consts::ARCH,
        std::env::consts::OS
    );
    let archive = pack(&program, &to, &name)?;
    check(&archive, &name).with_context(|| format!("{} is not right", archive.display()))?;
    let mib = |file: &Path| anyhow::Ok(fs::metadata(file)?.len() as f64 / 1024.0 / 1024.0);
    println!("{}: {:.1} MiB", archive.display(), mib(&archive)?);
    println!("its executable: {:.1} MiB", mib(&to.join(&name).join(PROGRAM))?);
    println!(
        "it runs where the C library is at least as new as here: {}",
        c_library()?
    );
    Ok(())
}

fn build() -> anyhow::Result<PathBuf> {
    succeed(&mut cargo(&[
        "build",
        "--release",
        "--locked",
        "--package",
        PROGRAM,
    ]))?;
    Ok(target_folder().join("release").join(PROGRAM))
}

/// Puts the files into a folder of this name, and the folder into an archive beside it.
fn pack(program: &Path, to: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let folder = to.join(name);
    if folder.try_exists()? {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder.join("docs")).with_context(|| format!("cannot make {}", folder.display()))?;
    let own = folder.join(PROGRAM);
    succeed(Command::new("strip").arg("-o").arg(&own).arg(program))?;
    fs::set_permissions(&own, fs::Permissions::from_mode(0o755))?;
    for (file, source) in FILES {
        let source = root().join(source);
        let copied = fs::copy(&source, folder.join(file));
        copied.with_context(|| format!("cannot copy {}", source.display()))?;
        fs::set_permissions(folder.join(file), fs::Permissions::from_mode(0o644))?;
    }
    fs::write(folder.join(CHECKSUMS), checksums(&folder)?)?;
    let archive = to.join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.args([
        "--sort=name",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--mode=go-w",
        "--gzip",
    ]);
    succeed(
        tar.arg("--create")
            .arg("--file")
            .arg(&archive)
            .arg("--directory")
            .arg(to)
            .arg(name),
    )?;
    Ok(archive)
}

fn checksums(folder: &Path) -> anyhow::Result<String> {
    let files = FILES.iter().map(|(file, _)| *file);
    said(
        Command::new("sha256sum")
            .arg(PROGRAM)
            .args(files)
            .current_dir(folder),
    )
}

/// Unpacks it elsewhere: all files are there as they were, and the executable starts and is of this version.
fn check(archive: &Path, name: &str) -> anyhow::Result<()> {
    let elsewhere = tempfile::tempdir()?;
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file").arg(archive).arg("--directory");
    succeed(tar.arg(elsewhere.path()))?;
    let folder = elsewhere.path().join(name);
    succeed(
        Command::new("sha256sum")
            .args(["--quiet", "--check", CHECKSUMS])
            .current_dir(&folder),
    )?;
    let version = said(Command::new(folder.join(PROGRAM)).arg("--version"))?;
    ensure!(
        version.trim_end() == format!("{PROGRAM} {VERSION}"),
        "its executable says {version:?}"
    );
    Ok(())
}

/// The C library of this machine, in its own words.
fn c_library() -> anyhow::Result<String> {
    Ok(said(Command::new("getconf").arg("GNU_LIBC_VERSION"))?
        .trim_end()
        .to_owned())
}

/// What a command writes to standard output.
fn said(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !output.status.success() {
        bail!(
            "{:?} ended with {}: {}",
            command.get_program(),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

//! The archive of `cargo xtask dist`: what is in it, and that it is enough to run Tiro elsewhere.

#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program beside this test, as it was last built; the workspace's tests build it first.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("tiro")
}

fn dist(program: &Path, to: &Path) -> Output {
    let mut dist = Command::new(env!("CARGO_BIN_EXE_xtask"));
    dist.arg("dist").arg("--program").arg(program);
    dist.arg("--to").arg(to).output().unwrap()
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// Files below a folder, with their rights.
fn files(folder: &Path, below: &str, found: &mut BTreeMap<String, u32>) {
    for entry in fs::read_dir(folder.join(below)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            files(folder, &format!("{name}/"), found);
        } else {
            found.insert(name, metadata.permissions().mode() & 0o777);
        }
    }
}

#[test]
fn the_archive_holds_the_program_what_to_read_and_right_checksums() {
    let to = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let made = dist(&program(), to.path());
    let said = String::from_utf8(made.stdout).unwrap();
    assert!(
        made.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let name = format!(
        "tiro-{}-{}-linux",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH
    );
    let archive = to.path().join(format!("{name}.tar.gz"));
    assert!(
        said.contains(&format!("{}: ", archive.display())) && said.contains("MiB"),
        "{said}"
    );

    let elsewhere = tempfile::tempdir().unwrap();
    succeed(
        Command::new("tar")
            .arg("xzf")
            .arg(&archive)
            .arg("-C")
            .arg(elsewhere.path()),
    );
    let folder = elsewhere.path().join(&name);
    let mut found = BTreeMap::new();
    files(&folder, "", &mut found);
    let expected = [
        ("CHANGELOG.md", 0o644),
        ("LICENSE-APACHE", 0o644),
        ("LICENSE-MIT", 0o644),
        ("README.md", 0o644),
        ("SHA256SUMS", 0o644),
        ("docs/operations.md", 0o644),
        ("tiro", 0o755),
        ("tiro.service", 0o644),
    ];
    assert_eq!(
        found,
        expected.map(|(name, rights)| (name.to_owned(), rights)).into()
    );
    let checked = succeed(
        Command::new("sha256sum")
            .args(["--check", "SHA256SUMS"])
            .current_dir(&folder),
    );
    assert_eq!(checked.matches(": OK").count(), expected.len() - 1, "{checked}");
    let sections = succeed(
        Command::new("readelf")
            .args(["--sections", "--wide"])
            .arg(folder.join("tiro")),
    );
    assert!(
        sections.contains(".text") && !sections.contains(".symtab"),
        "{sections}"
    );
    starts_as_the_unit_says(&folder);
}

/// The command of the unit is one that the program in the archive takes.
fn starts_as_the_unit_says(folder: &Path) {
    let unit = fs::read_to_string(folder.join("tiro.service")).unwrap();
    let command = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))
        .unwrap();
    let mut words = command.split(' ');
    assert_eq!(words.next(), Some("/usr/local/bin/tiro"));
    succeed(Command::new(folder.join("tiro")).args(words).arg("--help"));
}

#[test]
fn a_program_that_does_not_start_makes_no_archive_that_counts() {
    let to = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let made = dist(Path::new("/usr/bin/true"), to.path());
    assert!(!made.status.success());
    let complaint = String::from_utf8(made.stderr).unwrap();
    assert!(complaint.contains("its executable says"), "{complaint}");
}

//! The `Dockerfile` against the tree that it builds.

use std::path::Path;

use crate::file::text;

/// Instructions with their arguments; lines that are continued are one.
fn instructions() -> Vec<(String, String)> {
    let joined = text("Dockerfile").replace("\\\n", " ");
    let lines = joined.lines().map(str::trim);
    let instructions = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    instructions
        .map(|line| {
            let (name, rest) = line.split_once(' ').unwrap();
            (name.to_owned(), rest.trim().to_owned())
        })
        .collect()
}

/// The argument of an instruction that stands there once.
pub(crate) fn argument(name: &str) -> String {
    let mut found: Vec<String> = instructions()
        .into_iter()
        .filter(|(instruction, _)| instruction == name)
        .map(|(_, rest)| rest)
        .collect();
    assert_eq!(found.len(), 1, "{name}");
    found.remove(0)
}

/// Sources of what is copied from the tree.
fn copied() -> Vec<String> {
    let copies = instructions().into_iter().filter(|(name, _)| name == "COPY");
    let from_tree = copies.filter(|(_, rest)| !rest.starts_with("--from="));
    from_tree
        .flat_map(|(_, rest)| {
            let mut words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
            words.pop();
            words
        })
        .collect()
}

#[test]
fn what_is_copied_is_there_and_is_all_that_a_build_reads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let copied = copied();
    assert!(
        copied.iter().all(|source| root.join(source).exists()),
        "{copied:?}"
    );
    let manifest: toml::Table = toml::from_str(&text("Cargo.toml")).unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    for member in members {
        let folder = member.as_str().unwrap().trim_end_matches("/*");
        assert!(
            copied.iter().any(|source| source == folder),
            "{folder} is not copied"
        );
    }
    for file in ["Cargo.toml", "Cargo.lock"] {
        assert!(copied.iter().any(|source| source == file), "{file} is not copied");
    }
}

#[test]
fn it_builds_with_the_version_of_rust_that_the_tree_asks_for() {
    let toolchain: toml::Table = toml::from_str(&text("rust-toolchain.toml")).unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    let stages: Vec<(String, String)> = instructions()
        .into_iter()
        .filter(|(name, _)| name == "FROM")
        .collect();
    let [(_, build), (_, run)] = &stages[..] else {
        panic!("two stages are expected");
    };
    assert_eq!(build, &format!("rust:{channel}-slim-bookworm AS build"));
    // The same release of Debian, so that the program finds the C library that it was built with.
    assert_eq!(run, "debian:bookworm-slim");
}

#[test]
fn the_program_is_built_from_the_lock_file_and_run_by_a_user_without_rights() {
    let build = argument("RUN");
    assert!(
        build.contains("cargo build --release --locked -p tiro"),
        "{build}"
    );
    let (user, group) = argument("USER")
        .split_once(':')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert!(user.parse::<u32>().unwrap() >= 1_000 && user == group);
    let program = argument("ENTRYPOINT");
    let program: Vec<&str> = program.trim_matches(['[', ']', '"']).split("\", \"").collect();
    assert_eq!(program, ["/usr/local/bin/tiro"]);
    assert!(build.ends_with(program[0]), "{build}");
    let handed_over = instructions();
    let from_build = handed_over
        .iter()
        .find(|(_, rest)| rest.starts_with("--from=build"));
    assert_eq!(from_build.unwrap().1, format!("--from=build {0} {0}", program[0]));
}

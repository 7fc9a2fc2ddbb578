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

/// A list as instructions have it: JSON.
pub(crate) fn list(argument: &str) -> Vec<String> {
    serde_json::from_str(argument).unwrap()
}

/// What the last stage sets a variable to.
pub(crate) fn variable(name: &str) -> String {
    let variables = instructions()
        .into_iter()
        .filter(|(instruction, _)| instruction == "ENV");
    let mut settings = variables.flat_map(|(_, rest)| rest.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let set = settings.find_map(|setting| setting.strip_prefix(name)?.strip_prefix('=').map(str::to_owned));
    set.unwrap()
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
    let stages: Vec<&str> = stages.iter().map(|(_, stage)| stage.as_str()).collect();
    // One release of Debian, so that the program finds the C library that it was built with.
    let build = format!("rust:{channel}-slim-bookworm AS build");
    assert_eq!(
        stages,
        [
            "debian:bookworm-slim AS manifests",
            &build,
            "debian:bookworm-slim"
        ]
    );
}

#[test]
fn dependencies_are_built_before_the_sources_are_copied() {
    let build: Vec<(String, String)> = instructions()
        .into_iter()
        .skip_while(|(_, rest)| !rest.ends_with("AS build"))
        .collect();
    let at = |instruction: &str, begins: &str| {
        let found = build
            .iter()
            .position(|(name, rest)| name == instruction && rest.starts_with(begins));
        found.unwrap_or_else(|| panic!("{instruction} {begins}"))
    };
    assert!(at("COPY", "--from=manifests") < at("RUN", "cargo build --release --locked -p tiro"));
    assert!(at("RUN", "cargo build") < at("COPY", "crates crates"));
    assert!(at("COPY", "crates crates") < at("RUN", "find crates -name '*.rs' -exec touch"));
}

#[test]
fn what_is_not_copied_is_not_sent_to_the_engine() {
    let ignored = text(".dockerignore");
    let sent: Vec<&str> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    assert!(ignored.lines().any(|line| line == "*"));
    for source in copied() {
        assert!(sent.contains(&source.as_str()), "{source}");
    }
    assert!(!sent.iter().any(|sent| ["target", ".git"].contains(sent)));
}

#[test]
fn the_program_is_built_from_the_lock_file_and_run_by_a_user_without_rights() {
    let runs: Vec<String> = instructions()
        .into_iter()
        .filter(|(name, _)| name == "RUN")
        .map(|(_, rest)| rest)
        .collect();
    let build = runs.last().unwrap();
    assert!(
        build.contains("cargo build --release --locked -p tiro"),
        "{build}"
    );
    let owner = argument("USER");
    let (user, group) = owner.split_once(':').unwrap();
    assert!(user.parse::<u32>().unwrap() >= 1_000 && user == group);
    let program = list(&argument("ENTRYPOINT"));
    assert_eq!(program, ["/usr/local/bin/tiro"]);
    assert!(
        build.contains(&format!("target/release/tiro /image{} ", program[0])),
        "{build}"
    );
    // The client of https looks for them there.
    assert!(
        build.contains("/image/etc/ssl/certs/ca-certificates.crt"),
        "{build}"
    );
    let volume = argument("VOLUME");
    assert!(
        build.ends_with(&format!("install -d -o {user} -g {group} /image{volume}")),
        "{build}"
    );
    let handed_over = instructions();
    let last = handed_over.iter().rfind(|(name, _)| name == "COPY").unwrap();
    assert_eq!(last.1, "--from=build /image /");
}

#[test]
fn by_itself_it_serves_from_its_volume_and_asks_for_a_key() {
    let volume = argument("VOLUME");
    let command = list(&argument("CMD"));
    assert_eq!(
        command,
        ["serve", "--operator-key-file", &format!("{volume}/operator-key")]
    );
    // The data folder is below it, since its default is a folder of the working directory.
    let folders: Vec<String> = instructions()
        .into_iter()
        .filter(|(name, _)| name == "WORKDIR")
        .map(|(_, rest)| rest)
        .collect();
    assert_eq!(folders.last().unwrap(), &volume);
}

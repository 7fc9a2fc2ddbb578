//! Limits of the machine: no more open files, a folder that must not be written or that another process has.
//!
//! Each limit binds a process of its own: the same test, started again with a variable set. It says `served` or
//! `refused: …`, and must not panic.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use tempfile::TempDir;
use tiro_conformance::{ExportedApplication, check_export};
use tiro_core::Engine;
use tiro_embedded::{EmbeddedEngine, Options};

use crate::store::{block_on, export, fast_folder, log_options, open_again, read_image};
use crate::workload::{Workload, create_message, keyed, noon, token};

const FOLDER_VARIABLE: &str = "TIRO_PROOF_LIMITED_FOLDER";
const FILES_VARIABLE: &str = "TIRO_PROOF_OPEN_FILES";

fn options() -> Options {
    Options {
        log: log_options(),
        clock: std::sync::Arc::new(noon),
        ..Options::default()
    }
}

/// A data folder that was stopped cleanly, three times.
fn stopped_folder(workload: &Workload) -> TempDir {
    let folder = fast_folder();
    for part in 0..3 {
        let engine = open_again(folder.path(), options);
        for index in workload.len() * part / 3..workload.len() * (part + 1) / 3 {
            let answer = block_on(workload.wishes[index].submit(&engine));
            assert_eq!(answer, workload.replies[index]);
        }
        engine.close().unwrap();
    }
    folder
}

/// Runs a test of this binary on the folder and answers what it said.
fn run_child(test: &str, folder: &Path, variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER_VARIABLE, folder)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "with {variables:?}: {said}{errors}");
    said
}

/// Opens, writes, reads and closes, and says how it went.
fn serve(folder: &Path) {
    let engine = match EmbeddedEngine::open(folder, options()) {
        Ok(engine) => engine,
        Err(error) => return println!("refused: {error}"),
    };
    let written = block_on(engine.write(keyed(create_message(1, "one more"), 10_000)));
    let closed = engine.close();
    match (written, closed) {
        (Ok(_), Ok(())) => println!("served"),
        (written, closed) => {
            let closed = closed.map_or_else(|error| error.to_string(), |()| "closed".to_owned());
            println!("refused: {written:?}; {closed}");
        }
    }
}

/// The view is still the same, and the message that was sent under the limit is the only thing that may have come.
fn assert_has_all(folder: &Path, workload: &Workload) {
    let engine = open_again(folder, options);
    assert_eq!(engine.opening().view_rebuilt, None, "the view was made anew");
    let found = export(&engine);
    check_export(&found).unwrap();
    let end = |state: &[ExportedApplication]| {
        let first = state.iter().find(|one| one.application.token == token());
        first.unwrap().application.last_position
    };
    let more = end(&found) - end(&workload.states[workload.len()]);
    assert!(more <= 1, "{more} more");
    engine.close().unwrap();
}

#[test]
fn with_too_few_open_files_the_error_says_so_and_nothing_is_lost_or_made_anew() {
    const NAME: &str = "limits::with_too_few_open_files_the_error_says_so_and_nothing_is_lost_or_made_anew";
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        let files = std::env::var(FILES_VARIABLE).unwrap().parse().unwrap();
        let limit = Rlimit {
            current: Some(files),
            maximum: Some(files),
        };
        setrlimit(Resource::Nofile, limit).unwrap();
        return serve(Path::new(&folder));
    }
    let workload = Workload::new(100, 11);
    let whole = stopped_folder(&workload);
    let image = read_image(whole.path());
    let (mut served, mut refused) = (0, 0);
    for open_files in 4..=40 {
        let folder = fast_folder();
        crate::store::write_image(folder.path(), &image);
        let said = run_child(NAME, folder.path(), &[(FILES_VARIABLE, &open_files.to_string())]);
        if said.contains("served") {
            served += 1;
            continue;
        }
        refused += 1;
        assert!(
            said.contains("Too many open files") && said.contains("ulimit -n"),
            "with {open_files} open files: {said}"
        );
        assert_has_all(folder.path(), &workload);
    }
    println!("{served} limits were enough, {refused} were not");
    assert!(served > 0 && refused > 3, "{served}, {refused}");
}

fn set_writable(path: &Path, modes: (u32, u32)) {
    let mode = if path.is_dir() { modes.0 } else { modes.1 };
    if path.is_dir() {
        std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        for entry in std::fs::read_dir(path).unwrap() {
            set_writable(&entry.unwrap().path(), modes);
        }
    }
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// That the view must not be written was found out when its first table was due, or only when the process ended.
#[test]
fn a_folder_that_must_not_be_written_is_refused_and_named_and_stays_as_it_is() {
    const NAME: &str = "limits::a_folder_that_must_not_be_written_is_refused_and_named_and_stays_as_it_is";
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        // Permissions do not bind the superuser unless it gives this up.
        let mut sets = capabilities(None).unwrap();
        let bypass = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
        sets.effective.remove(bypass);
        sets.permitted.remove(bypass);
        set_capabilities(None, sets).unwrap();
        return serve(Path::new(&folder));
    }
    let workload = Workload::new(60, 12);
    let folder = stopped_folder(&workload);
    let whole = folder.path().to_owned();
    let parts = ["", "log", "view", "view/tables"];
    for part in parts.map(|part| whole.join(part).components().collect::<PathBuf>()) {
        let mut before = read_image(&whole);
        set_writable(&part, (0o555, 0o444));
        let said = run_child(NAME, &whole, &[]);
        assert!(
            said.contains("refused") && said.contains("Permission denied"),
            "{said}"
        );
        for named in [part.to_str().unwrap(), "let this user"] {
            assert!(said.contains(named), "{said}");
        }
        set_writable(&part, (0o755, 0o644));
        let mut after = read_image(&whole);
        for image in [&mut before, &mut after] {
            image.remove(Path::new("lock"));
        }
        let paths = before.keys().chain(after.keys());
        let changed = paths.filter(|path| before.get(*path) != after.get(*path));
        // A list of tables that is not current is removed when the view is opened.
        let is_old_list = |path: &&PathBuf| path.starts_with("view") && !after.contains_key(*path);
        let changed: Vec<&PathBuf> = changed.filter(|path| !is_old_list(path)).collect();
        assert!(changed.is_empty(), "{changed:?} in {}", part.display());
        assert_has_all(&whole, &workload);
    }
}

#[test]
fn nothing_is_written_outside_of_the_data_folder() {
    const NAME: &str = "limits::nothing_is_written_outside_of_the_data_folder";
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        return serve(Path::new(&folder));
    }
    let workload = Workload::new(60, 13);
    let folder = stopped_folder(&workload);
    // A folder for temporary files that is full takes nothing; this one cannot even be a folder.
    let said = run_child(NAME, folder.path(), &[("TMPDIR", "/dev/full")]);
    assert!(said.contains("served"), "{said}");
    assert_has_all(folder.path(), &workload);
}

#[test]
fn a_second_process_is_refused_with_the_id_of_the_first_and_changes_nothing() {
    const NAME: &str = "limits::a_second_process_is_refused_with_the_id_of_the_first_and_changes_nothing";
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        return serve(Path::new(&folder));
    }
    let workload = Workload::new(60, 14);
    let folder = stopped_folder(&workload);
    let engine = open_again(folder.path(), options);
    // What the start had to do itself is on disk.
    export(&engine);
    let before = read_image(folder.path());
    let said = run_child(NAME, folder.path(), &[]);
    let id = std::process::id().to_string();
    let path = folder.path().to_str().unwrap();
    for named in ["refused", "in use by process", &id, "--data", path] {
        assert!(said.contains(named), "{named}: {said}");
    }
    let after = read_image(folder.path());
    // The mark, the view and the index are the first one's to change at any time.
    let its_own =
        |path: &&PathBuf| path.ends_with("log/mark") || path.starts_with("view") || path.starts_with("index");
    let changed: Vec<&PathBuf> = after
        .keys()
        .filter(|path| before.get(*path) != after.get(*path) && !its_own(path))
        .collect();
    assert!(changed.is_empty(), "{changed:?}");
    assert!(after.len() > 4, "nothing was compared: {:?}", after.keys());
    block_on(engine.write(keyed(create_message(1, "one more"), 10_000))).unwrap();
    engine.close().unwrap();
    assert_has_all(folder.path(), &workload);
}

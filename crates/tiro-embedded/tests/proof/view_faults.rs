//! Each call that writes the view's files fails once, as the system would let it fail.
//!
//! The tables are written by a library, so the calls themselves are made to fail: a process of its own runs under
//! `strace --inject`. Want of space is survived; after any other error the process ends. Nothing is lost either way.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tiro_conformance::check_export;
use tiro_core::{Engine, Failure};
use tiro_embedded::disk::RealDisk;
use tiro_embedded::{EmbeddedEngine, Options, ViewOptions, ViewRebuilt};

use crate::counts;
use crate::media::Image;
use crate::store::{block_on, export, fast_folder, open_again, options, read_image, write_image};
use crate::strace;
use crate::workload::Workload;

const FOLDER_VARIABLE: &str = "TIRO_PROOF_FAILING_VIEW";
const NAME: &str =
    "view_faults::whichever_call_on_the_view_fails_nothing_is_lost_and_want_of_space_ends_nothing";
const REQUESTS: usize = 120;
/// Requests between two rounds of the follower.
const PER_ROUND: usize = 12;
/// The view's files have numbers; no test comes near this one.
const NUMBERS_MAX: usize = 200;

/// Tables of a few rows, so that there are many of them and they are merged.
fn small_tables(fatal: &Arc<AtomicBool>) -> Options {
    Options {
        view: ViewOptions {
            table_bytes: 1,
            ..ViewOptions::default()
        },
        ..options(Arc::new(RealDisk), fatal)
    }
}

/// Options of strace that fail calls on the view's files in a data folder.
pub(crate) fn inject(folder: &Path, what: &str) -> Vec<OsString> {
    let mut options: Vec<OsString> = vec!["-o".into(), "/dev/null".into()];
    let view = folder.join("view");
    let numbered = (0..NUMBERS_MAX).flat_map(|number| {
        let table = view.join("tables").join(number.to_string());
        [table, view.join(format!("v{number}"))]
    });
    for path in numbered {
        options.extend(["-P".into(), path.into_os_string()]);
    }
    options.push(format!("--inject={what}").into());
    options
}

/// Goes on with the workload as far as it gets, and says how far, and how it ended.
fn play(folder: &Path) {
    let workload = Workload::new(REQUESTS, 41);
    let fatal = Arc::new(AtomicBool::new(false));
    let engine = match EmbeddedEngine::open(folder, small_tables(&fatal)) {
        Ok(engine) => engine,
        Err(error) => return println!("acknowledged {}; refused: {error}", REQUESTS / 2),
    };
    let mut said = String::new();
    let mut acknowledged = REQUESTS / 2;
    while acknowledged < REQUESTS {
        let answer = block_on(workload.wishes[acknowledged].submit(&engine));
        if let Err(Failure::Unavailable(unavailable)) = &answer {
            write!(said, "stopped: {:?}; ", unavailable.shortage).unwrap();
            break;
        }
        assert_eq!(answer, workload.replies[acknowledged]);
        acknowledged += 1;
        // An export waits for a round.
        if acknowledged.is_multiple_of(PER_ROUND)
            && let Err(failure) = block_on(engine.export(None)).map(drop)
        {
            write!(said, "no export: {failure:?}; ").unwrap();
        }
    }
    match engine.close() {
        Ok(()) => said.push_str("closed"),
        Err(error) => write!(said, "not closed: {error}").unwrap(),
    }
    let ended = if fatal.load(Ordering::SeqCst) {
        "; told to end"
    } else {
        ""
    };
    println!("acknowledged {acknowledged}; {said}{ended}");
}

/// A folder that the first half of the workload was written to.
fn half_done(workload: &Workload) -> Image {
    let (folder, fatal) = (fast_folder(), Arc::default());
    let engine = open_again(folder.path(), || small_tables(&fatal));
    for index in 0..REQUESTS / 2 {
        let answer = block_on(workload.wishes[index].submit(&engine));
        assert_eq!(answer, workload.replies[index]);
    }
    engine.close().unwrap();
    read_image(folder.path())
}

/// What came of a process whose calls failed.
struct Ended {
    said: String,
    rebuilt: Option<ViewRebuilt>,
}

/// Lets a call fail in a process that goes on with the workload, and opens what it left.
fn run(image: &Image, workload: &Workload, fault: &str) -> Ended {
    let folder = fast_folder();
    let data: PathBuf = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    write_image(&data, image);
    let said = strace::run_test(NAME, inject(&data, fault), [(FOLDER_VARIABLE, data.as_os_str())]);
    let line = said.lines().find_map(|line| line.split_once("acknowledged "));
    let (_, line) = line.unwrap_or_else(|| panic!("{fault}: {said}"));
    let (acknowledged, said) = line.split_once("; ").unwrap();
    let fatal = Arc::default();
    let engine = open_again(&data, || small_tables(&fatal));
    let found = export(&engine);
    check_export(&found).unwrap();
    let acknowledged: usize = acknowledged.parse().unwrap();
    workload.requests_in(&found, acknowledged, REQUESTS.min(acknowledged + 1));
    engine.close().unwrap();
    Ended {
        said: said.to_owned(),
        rebuilt: engine.opening().view_rebuilt.clone(),
    }
}

/// The process's end is told by what it could not do, or nothing was to be told.
fn check(fault: &str, ended: &Ended) -> bool {
    let Ended { said, rebuilt } = ended;
    let full = fault.contains("ENOSPC");
    if said == "closed" {
        assert_eq!(*rebuilt, None, "{fault}");
        return false;
    }
    if full {
        assert!(said.contains("No space left"), "{fault}: {said}");
        assert!(!said.contains("told to end"), "{fault}: {said}");
        assert_eq!(*rebuilt, None, "{fault}: {said}");
    } else {
        assert!(said.contains("Input/output error"), "{fault}: {said}");
        assert_eq!(*rebuilt, Some(ViewRebuilt::Failed), "{fault}: {said}");
    }
    true
}

#[test]
fn whichever_call_on_the_view_fails_nothing_is_lost_and_want_of_space_ends_nothing() {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        return play(Path::new(&folder));
    }
    let workload = Workload::new(REQUESTS, 41);
    let image = half_done(&workload);
    let step = counts::count(5, 1);
    for (calls, error) in [
        ("write,pwrite64,writev", "ENOSPC"),
        ("write,pwrite64,writev", "EIO"),
        ("fsync,fdatasync", "EIO"),
    ] {
        let (mut noticed, mut tried) = (0, 0);
        for when in (1..=counts::count(11, 40)).step_by(step) {
            let fault = format!("{calls}:error={error}:when={when}");
            tried += 1;
            noticed += usize::from(check(&fault, &run(&image, &workload, &fault)));
        }
        println!("{error} at {tried} of {calls}: {noticed} times the process could not do all");
    }
}

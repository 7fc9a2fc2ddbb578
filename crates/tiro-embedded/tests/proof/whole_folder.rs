//! The machine dies at every step that is taken in the data folder, the view's included.
//!
//! The steps are those of a process of its own that runs under `strace`: this test, started again with a variable set.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use tiro_embedded::{EmbeddedEngine, Options};

use crate::counts;
use crate::crashes::{choose_crashes, each_image};
use crate::judge::judge;
use crate::media::Step;
use crate::store::{Store, block_on, fast_folder, log_options};
use crate::workload::{Workload, noon};
use crate::{strace, trace};

const FOLDER_VARIABLE: &str = "TIRO_PROOF_RECORDED_FOLDER";
const SEED_VARIABLE: &str = "TIRO_PROOF_RECORDED_SEED";
const NAME: &str =
    "whole_folder::after_a_crash_at_any_step_in_the_data_folder_all_is_there_and_the_view_is_not_made_anew";
const REQUESTS: usize = 300;
/// Clean stops, each of which writes a table of the view, so that tables are merged too.
const SESSIONS: usize = 12;

#[test]
fn after_a_crash_at_any_step_in_the_data_folder_all_is_there_and_the_view_is_not_made_anew() {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        let seed = std::env::var(SEED_VARIABLE).unwrap().parse().unwrap();
        return write_workload(Path::new(&folder), &Workload::new(REQUESTS, seed));
    }
    let seed = counts::seed();
    let steps = record(seed);
    let of_view = |step: &&Step| matches!(step, Step::Create { path, .. } if path.starts_with("view/tables"));
    let tables = steps.iter().filter(of_view).count();
    println!("{tables} tables of the view were written");
    assert!(tables >= SESSIONS, "{tables}");
    let workload = Workload::new(REQUESTS, seed);
    let crashes = choose_crashes(&steps, 150, seed);
    each_image(&steps, &crashes, &|image, known, rng| {
        judge(&Store::holding(image), &workload, known, rng);
    });
}

/// Runs this test again under strace.
fn record(seed: u64) -> Vec<Step> {
    let folder = fast_folder();
    let (data, trace) = (folder.path().join("data"), folder.path().join("trace"));
    let mut options: Vec<OsString> = ["-xx", "-s", "16777216", "-e"].map(OsString::from).to_vec();
    options.push(format!("trace={}", trace::CALLS).into());
    options.extend(["-o".into(), trace.clone().into_os_string()]);
    let seed = OsString::from(seed.to_string());
    let variables = [(FOLDER_VARIABLE, data.as_os_str()), (SEED_VARIABLE, &seed)];
    strace::run_test(NAME, options, variables);
    let trace = std::fs::read_to_string(trace).unwrap();
    trace::read_steps(&trace, &data, &notes_of(&data))
}

/// Beside the data folder.
fn notes_of(data: &Path) -> PathBuf {
    data.with_extension("notes")
}

fn write_workload(data: &Path, workload: &Workload) {
    let mut notes = File::create(notes_of(data)).unwrap();
    let mut note =
        |what: &str, count: usize| notes.write_all(format!("{what} {count}\n").as_bytes()).unwrap();
    for session in 0..SESSIONS {
        let options = Options {
            log: log_options(),
            clock: std::sync::Arc::new(noon),
            ..Options::default()
        };
        let engine = EmbeddedEngine::open(data, options).unwrap();
        let applied = engine.opening().replayed_from.map_or(0, |from| from.sequence);
        assert!(session == 0 || applied > 0, "a clean stop leaves a view");
        note("view", usize::try_from(applied).unwrap());
        let part = |session: usize| workload.len() * session / SESSIONS;
        for index in part(session)..part(session + 1) {
            note("submitted", index + 1);
            let answer = block_on(workload.wishes[index].submit(&engine));
            assert_eq!(answer, workload.replies[index]);
            note("acknowledged", index + 1);
        }
        engine.close().unwrap();
    }
}

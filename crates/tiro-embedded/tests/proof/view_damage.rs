//! Damage to the view: it is made anew from the log, at once or at the next start, and nothing is lost.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use tiro_conformance::{ExportedApplication, eventually};
use tiro_core::{Engine, Failure};
use tiro_embedded::{EmbeddedEngine, OpenError};

use crate::counts;
use crate::damage::closed_with_view;
use crate::media::Image;
use crate::store::{Store, block_on, export, read_image};

/// Reads everything, or says that the view failed meanwhile.
fn try_export(engine: &EmbeddedEngine) -> Result<Vec<ExportedApplication>, Failure> {
    let mut pieces = block_on(engine.export(None))?;
    while block_on(pieces.next())?.is_some() {}
    Ok(export(engine))
}

/// Opens it as often as a supervisor would, at most three times, until all can be read. Answers whether the view was made anew.
fn check_heals(what: &str, image: &Image, expected: &[ExportedApplication]) -> bool {
    let mut store = Store::holding(image);
    for _ in 0..3 {
        let engine = match store.open() {
            Ok(engine) => engine,
            // The view broke while opening used it; the supervisor starts the process again.
            Err(OpenError::View(_)) => {
                store = restarted(&store, image);
                continue;
            }
            Err(OpenError::Start(text)) if text.contains("the view") => {
                let noted = store.path().join("view.failed").exists();
                assert!(noted, "{what}: it is not noted that the view fails: {text}");
                store = restarted(&store, image);
                continue;
            }
            Err(error) => panic!("{what}: does not open: {error}"),
        };
        let rebuilt = engine.opening().view_rebuilt.is_some();
        match try_export(&engine) {
            Ok(found) => {
                assert!(found == expected, "{what}: something else was read");
                return rebuilt;
            }
            Err(failure) => {
                assert!(!rebuilt, "{what}: a new view fails: {failure:?}");
                let noted = store.path().join("view.failed").exists();
                assert!(noted, "{what}: it is not noted that the view fails: {failure:?}");
                eventually(
                    &format!("{what}: the process is told to end after {failure:?}"),
                    || store.fatal.load(Ordering::SeqCst).then_some(()),
                );
            }
        }
        drop(engine);
        store = restarted(&store, image);
    }
    panic!("{what}: it never heals");
}

/// The view as it is now, with the log of the image.
fn restarted(store: &Store, image: &Image) -> Store {
    let mut left = read_image(store.path());
    let is_truth = |path: &PathBuf| path.starts_with("log") || path.starts_with("format");
    let truth = image.iter().filter(|(path, _)| is_truth(path));
    left.extend(truth.map(|(path, content)| (path.clone(), content.clone())));
    Store::holding(&left)
}

#[test]
fn a_view_that_is_damaged_anywhere_is_made_anew_and_nothing_is_lost() {
    let (workload, image) = closed_with_view(31);
    let expected = &workload.states[workload.len()];
    let is_of_view = |path: &&PathBuf| path.starts_with("view") && image[path.as_path()].is_some();
    let files: Vec<&PathBuf> = image.keys().filter(is_of_view).collect();
    assert!(files.len() >= 3, "{files:?}");
    let (mut images, mut rebuilt) = (0, 0);
    let mut check = |what: String, damaged: &Image| {
        images += 1;
        rebuilt += usize::from(check_heals(&what, damaged, expected));
    };
    for path in files {
        let bytes = image[path].as_ref().unwrap();
        let step = counts::count((bytes.len() / 24).max(1), 16);
        let spoil = |edit: &dyn Fn(&mut Vec<u8>)| {
            let mut damaged = image.clone();
            edit(damaged.get_mut(path).unwrap().as_mut().unwrap());
            damaged
        };
        for offset in (0..bytes.len()).step_by(step) {
            check(
                format!("{} flipped at {offset}", path.display()),
                &spoil(&|file| file[offset] ^= 0x10),
            );
            let end = (offset + 64).min(bytes.len());
            check(
                format!("{} zeroed at {offset}", path.display()),
                &spoil(&|file| file[offset..end].fill(0)),
            );
            check(
                format!("{} cut at {offset}", path.display()),
                &spoil(&|file| file.truncate(offset)),
            );
        }
        let mut missing = image.clone();
        missing.remove(path);
        check(format!("{} missing", path.display()), &missing);
    }
    println!("{images} damaged views, {rebuilt} made anew");
    assert!(rebuilt > 10, "{rebuilt}");
}

//! What the medium may do to an index: it is gone, damaged, of another log, or left behind. It is made anew or catches up.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::*;
use crate::search::proof::planting::Planting;
use crate::verify;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|extension| extension != "lock"))
        .collect();
    files.sort();
    files
}

pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in files(from) {
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

/// A store with two chats of 500 messages, edits, deletes, and an index that has them.
#[test]
fn an_index_that_is_gone_while_stopped_is_made_anew() {
    let mut store = written();
    assert_complete(&store);
    store.close();
    std::fs::remove_dir_all(store.index()).unwrap();
    store.reopen_with(SearchOptions::default());
    assert_complete(&store);
}

#[test]
fn an_index_with_a_wrong_byte_in_any_file_is_made_anew() {
    let mut store = written();
    store.close();
    let sound = tempfile::tempdir().unwrap();
    copy(&store.index(), sound.path());
    let files = files(sound.path());
    assert!(files.len() > 5, "{files:?}");
    for file in &files {
        let length = std::fs::metadata(file).unwrap().len() as usize;
        for at in [0, length / 2, length.saturating_sub(1)] {
            std::fs::remove_dir_all(store.index()).unwrap();
            copy(sound.path(), &store.index());
            let mut bytes = std::fs::read(file).unwrap();
            let Some(byte) = bytes.get_mut(at) else { continue };
            *byte ^= 4;
            std::fs::write(store.index().join(file.file_name().unwrap()), bytes).unwrap();
            store.reopen_with(SearchOptions::default());
            assert_complete(&store);
            store.close();
        }
    }
}

#[test]
fn an_index_that_lacks_any_file_is_made_anew() {
    let mut store = written();
    store.close();
    let sound = tempfile::tempdir().unwrap();
    copy(&store.index(), sound.path());
    for file in files(sound.path()) {
        std::fs::remove_dir_all(store.index()).unwrap();
        copy(sound.path(), &store.index());
        std::fs::remove_file(store.index().join(file.file_name().unwrap())).unwrap();
        store.reopen_with(SearchOptions::default());
        assert_complete(&store);
        store.close();
    }
}

#[test]
fn an_index_of_another_log_or_ahead_of_this_one_is_made_anew() {
    let (mut store, mut twin, mut ahead) = (written(), written(), written());
    ahead.send(1, 1000);
    store.close();
    for other in [&mut twin, &mut ahead] {
        other.close();
        std::fs::remove_dir_all(store.index()).unwrap();
        copy(&other.index(), &store.index());
        store.reopen_with(SearchOptions::default());
        assert_complete(&store);
        store.close();
    }
}

#[test]
fn an_index_left_behind_by_a_copy_catches_up() {
    let mut store = written();
    store.close();
    let old = tempfile::tempdir().unwrap();
    copy(&store.index(), old.path());
    store.reopen_with(SearchOptions::default());
    store.edit(1, 7, "a plum");
    store.send_text(2, "the newest plum");
    store.close();
    std::fs::remove_dir_all(store.index()).unwrap();
    copy(old.path(), &store.index());
    store.reopen_with(SearchOptions::default());
    assert_eq!(store.found("plum"), [(2, 501), (1, 7)]);
    assert_eq!(store.found("pear"), []);
}

/// Every batch is a commit of its own, so that making the index takes far longer than to see that it was begun.
#[test]
fn an_engine_that_closes_while_its_index_is_made_does_so_at_once_and_goes_on_at_the_next_start() {
    let mut store = written();
    for number in 0..300 {
        store.send_text(2, &format!("fig {number}"));
    }
    store.close();
    std::fs::remove_dir_all(store.index()).unwrap();
    store.reopen_with(SearchOptions {
        rebuild_commit_messages: 1,
        ..SearchOptions::default()
    });
    let began = Instant::now();
    let read = |store: &Store| {
        let remarks = store.engine().health().remarks;
        let percent = remarks.iter().find_map(|remark| {
            let (_, rest) = remark.split_once("made anew: ")?;
            rest.split_once(" %")?.0.parse::<u64>().ok()
        });
        percent.unwrap_or(0)
    };
    while read(&store) < 5 {
        assert!(began.elapsed() < Duration::from_secs(60), "the index is begun");
        std::thread::yield_now();
    }
    let closing = Instant::now();
    store.close();
    assert!(
        closing.elapsed() < Duration::from_secs(5),
        "{:?}",
        closing.elapsed()
    );
    let report = verify(store.path(), &mut |_| {}).unwrap();
    assert_eq!(report.findings, []);
    let is_a_part = |remark: &String| remark.contains("was compared up to there");
    assert!(report.remarks.iter().any(is_a_part), "{:?}", report.remarks);
    store.reopen_with(SearchOptions::default());
    assert_complete(&store);
    let figs: Vec<(u64, u64)> = (501..=800).rev().map(|number| (2, number)).collect();
    assert_eq!(store.found("fig"), figs);
    store.close();
    let report = verify(store.path(), &mut |_| {}).unwrap();
    assert_eq!((report.findings, report.remarks), (vec![], vec![]));
}

/// Documents are taken away with it, so that an index that is taken as it stands is told from one made anew.
#[test]
fn an_index_of_another_folding_is_made_anew() {
    let mut store = written();
    assert_complete(&store);
    store.close();
    Planting::begin(&store.index())
        .of_another_folding()
        .remove_chat(2);
    store.reopen_with(SearchOptions::default());
    assert_complete(&store);
}

/// The files are mapped, so what is written over them is what the next search reads. Nothing is merged meanwhile, for an
/// engine that opens a whole index writes nothing to it.
#[test]
fn a_search_that_cannot_read_the_index_fails_and_the_index_is_made_anew() {
    let mut store = written();
    assert_complete(&store);
    store.reopen_with(SearchOptions::default());
    assert_eq!(store.found("absent"), []);
    let lists = files(&store.index());
    let lists = lists
        .iter()
        .filter(|file| file.extension().is_some_and(|name| name == "idx"));
    for file in lists {
        let length = std::fs::metadata(file).unwrap().len() as usize;
        let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
        file.write_all_at(&vec![0; length], 0).unwrap();
    }
    // Some documents have it and some have not, so its list is read.
    let answer = store.search(store.request("1/6"));
    assert!(matches!(answer, Err(Failure::Internal(_))), "{answer:?}");
    let until = Instant::now() + Duration::from_secs(60);
    while !matches!(store.search(store.request("1/6")), Ok(Searched::Found(_))) {
        assert!(Instant::now() < until, "the index is made anew");
    }
    assert_complete(&store);
}

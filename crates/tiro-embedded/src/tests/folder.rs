//! Who may have a folder, and what is made of a view that is not there.

use std::path::Path;

use super::{Store, open};
use crate::OpenError;
use crate::log;

#[test]
fn a_folder_that_is_open_is_refused_and_the_message_names_its_process_and_the_flag() {
    let store = Store::with_one_chat();
    let Err(refused) = open(store.path()) else {
        panic!("a second engine opened the folder")
    };
    let text = refused.to_string();
    assert!(matches!(refused, OpenError::InUse { .. }), "{text}");
    assert!(
        text.contains(&std::process::id().to_string()) && text.contains("--data"),
        "{text}"
    );
}

#[test]
fn a_folder_of_a_newer_format_is_refused_and_left_as_it_is() {
    let mut store = Store::with_one_chat();
    store.close();
    std::fs::write(store.path().join("format"), "tiro-data 2\n").unwrap();
    let Err(refused) = open(store.path()) else {
        panic!("a newer format was opened")
    };
    assert!(refused.to_string().contains("tiro-data 2"), "{refused}");
    assert_eq!(
        std::fs::read_to_string(store.path().join("format")).unwrap(),
        "tiro-data 2\n"
    );
}

#[test]
fn a_deleted_view_is_made_anew_and_nothing_is_lost() {
    let mut store = Store::with_one_chat();
    store.send(1, 3_000);
    store.delete_message(1, 7);
    store.create_chat();
    store.delete_chat(2);
    let before = store.exported();
    store.close();
    std::fs::remove_dir_all(store.path().join("view")).unwrap();
    store.engine = Some(open(store.path()).unwrap());
    tiro_conformance::assert_same_export(&store.exported(), &before);
}

#[test]
fn a_view_with_a_damaged_file_is_made_anew_and_nothing_is_lost() {
    let mut store = Store::with_one_chat();
    store.send(1, 3_000);
    let before = store.exported();
    store.close();
    for file in std::fs::read_dir(store.path().join("view")).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            std::fs::write(file, "no tree").unwrap();
        }
    }
    store.engine = Some(open(store.path()).unwrap());
    tiro_conformance::assert_same_export(&store.exported(), &before);
}

#[test]
fn a_view_of_another_folder_is_made_anew() {
    let mut one = Store::with_one_chat();
    let mut other = Store::with_one_chat();
    one.send(1, 10);
    other.send(1, 2_000);
    let before = one.exported();
    one.close();
    other.close();
    copy_folder(&one.path().join("view"), &other.path().join("view.of.one"));
    std::fs::remove_dir_all(one.path().join("view")).unwrap();
    std::fs::create_dir(one.path().join("view")).unwrap();
    // A view that has applied less than this log has, but of another history.
    let mut third = Store::with_one_chat();
    third.close();
    copy_folder(&third.path().join("view"), &one.path().join("view"));
    one.engine = Some(open(one.path()).unwrap());
    tiro_conformance::assert_same_export(&one.exported(), &before);
}

#[test]
fn a_log_that_is_shorter_than_its_view_is_refused_and_not_silently_cut() {
    let mut store = Store::with_one_chat();
    store.send(1, 5);
    store.close();
    let early = tempfile::tempdir().unwrap();
    copy_folder(&store.path().join("log"), early.path());
    store.engine = Some(open(store.path()).unwrap());
    store.send(1, 5);
    store.close();
    std::fs::remove_dir_all(store.path().join("log")).unwrap();
    std::fs::create_dir(store.path().join("log")).unwrap();
    copy_folder(early.path(), &store.path().join("log"));
    let Err(refused) = open(store.path()) else {
        panic!("a log that lost batches was opened")
    };
    assert!(
        matches!(refused, OpenError::Log(log::OpenError::ViewAhead { .. })),
        "{refused}"
    );
    let accepted = crate::Options {
        accept_data_loss: true,
        ..super::options()
    };
    store.engine = Some(crate::EmbeddedEngine::open(store.path(), accepted).unwrap());
    let exported = store.exported();
    assert_eq!(
        exported[0].application.last_position,
        2 + 5,
        "what the older log has is there"
    );
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_new_epoch_is_given_to_every_application_and_nothing_else_changes() {
    let mut store = Store::with_one_chat();
    store.send(1, 5);
    let before = store.exported();
    store.close();
    assert_eq!(crate::new_epoch(store.path(), super::options()).unwrap(), 1);
    store.engine = Some(open(store.path()).unwrap());
    let after = store.exported();
    assert_ne!(after[0].application.epoch, before[0].application.epoch);
    assert_eq!(
        after[0].application.last_position,
        before[0].application.last_position
    );
    assert_eq!(after[0].entries.len(), before[0].entries.len());
}

/// The first start wrote half of the line when the disk failed, and no later one opened the folder.
#[test]
fn a_format_file_that_was_not_wholly_written_is_written_anew() {
    for beginning in ["", "tiro", "tiro-d\0\0", "tiro-data "] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("format"), beginning).unwrap();
        drop(open(folder.path()).unwrap());
        let written = std::fs::read_to_string(folder.path().join("format")).unwrap();
        assert_eq!(written, "tiro-data 1\n", "instead of {beginning:?}");
    }
}

//! `verify` finds what is wrong, and nothing where all is well.

use super::Store;
use crate::view::View;
use crate::view::apply::Flush;
use crate::view::keys::{Kind, key};
use crate::view::space::ViewOptions;
use crate::{Report, verify};
use tiro_core::ApplicationId;

fn verified(store: &Store) -> Report {
    verify(store.path(), &mut |_| {}).unwrap()
}

/// A closed folder with some of everything.
fn stopped() -> Store {
    let mut store = Store::with_one_chat();
    store.send(1, 1_000);
    store.delete_message(1, 3);
    store.delete_message(1, 999);
    let second = store.create_chat();
    store.send(second, 20);
    store.set_read(second, 7);
    let third = store.create_chat();
    store.delete_chat(third);
    store.close();
    store
}

#[test]
fn nothing_is_found_in_a_sound_folder() {
    let report = verified(&stopped());
    assert_eq!(report.findings, []);
    assert_eq!(
        (report.applications, report.chats, report.messages),
        (1, 3, 1_020)
    );
}

#[test]
fn nothing_is_found_when_the_view_lags_behind_the_log() {
    let store = stopped();
    std::fs::remove_dir_all(store.path().join("view")).unwrap();
    assert_eq!(verified(&store).findings, []);
}

#[test]
fn a_flipped_byte_in_a_synced_batch_is_found_and_its_place_named() {
    let store = stopped();
    let segment = store.path().join("log/0000000000000001.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[4_096 + 300] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let report = verified(&store);
    let text = format!("{:?}", report.findings);
    assert!(
        report.findings_count > 0 && text.contains("0000000000000001.seg"),
        "{text}"
    );
}

/// Each row that is changed behind the log's back is found.
#[test]
fn a_view_that_says_something_else_than_the_log_is_found() {
    let id = ApplicationId(1);
    let wrongs: [(Vec<u8>, &str); 8] = [
        (key(Kind::Chat, id, &[2]), "its row"),
        (key(Kind::MessageBlock, id, &[1, 4]), "block 4 of its messages"),
        (
            key(Kind::Deleted, id, &[1, 0]),
            "the deleted counts of its messages",
        ),
        (key(Kind::Deleted, id, &[0, 0]), "the deleted counts of its chats"),
        (key(Kind::ChangeBlock, id, &[3]), "the feed"),
        (
            crate::view::keys::marker_in_chat(id, 2, "ann"),
            "the markers of its readers",
        ),
        (crate::view::keys::by_activity(id, 1_025), "by activity"),
        (
            crate::view::keys::token(&super::Token::parse("application_of_tests").unwrap()),
            "its token",
        ),
    ];
    for (place, expected) in wrongs {
        let store = stopped();
        let view = View::open(&store.path().join("view"), ViewOptions::default()).unwrap();
        let mut round = view.begin_round();
        assert!(
            round.before.range(place.clone()..=place.clone()).next().is_some(),
            "{expected}: the row exists"
        );
        round.remove(place);
        round.finish(Flush::Now).unwrap();
        drop(view);
        let text = format!("{:?}", verified(&store).findings);
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
}

#[test]
fn a_folder_that_is_none_is_an_error_and_is_not_made_one() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nothing");
    assert!(verify(&missing, &mut |_| {}).is_err());
    assert!(!missing.exists());
}

//! Deleting is one event; bytes leave later, a bounded number of rows a round.

use tiro_core::NumberedList;
use tiro_core::{ApplicationId, Command, IfMatch};

use super::Store;
use crate::view::keys::{Kind, key};

/// Rows of a kind below the first application.
pub(super) fn rows(store: &Store, kind: Kind) -> usize {
    let snapshot = store.engine().recent().settle().unwrap();
    let first = key(kind, ApplicationId(1), &[]);
    let last = [&first[..], &[0xff; 80]].concat();
    snapshot.range(first..=last).count()
}

/// The rows of deleted things that are still to be removed. Closing and opening are rounds, and so is each wait here.
pub(super) fn wait_until_purged(store: &Store) {
    while rows(store, Kind::Garbage) > 0 {
        store.create_chat();
    }
}

#[test]
fn the_bytes_of_a_deleted_chat_leave_the_view_and_its_neighbours_stay() {
    let mut store = Store::with_one_chat();
    let other = store.create_chat();
    store.send(1, 12_345);
    store.send(other, 77);
    store.delete_message(1, 5);
    store.delete_message(other, 5);
    assert!(rows(&store, Kind::MessageBlock) > 12_345 / 16);
    store.delete_chat(1);
    store.reopen();
    wait_until_purged(&store);
    let left = rows(&store, Kind::MessageBlock) + rows(&store, Kind::Message);
    assert!(
        (77 / 16..=77).contains(&left),
        "{left} rows are left of the other chat's 77 messages"
    );
    assert_eq!(
        rows(&store, Kind::Deleted),
        2,
        "one message of the other chat, and one chat"
    );
    let kept = store
        .engine()
        .recent()
        .settle()
        .unwrap()
        .cached_message(ApplicationId(1), other, 77)
        .unwrap();
    assert_eq!(kept.map(|message| message.number), Some(77));
}

#[test]
fn the_bytes_of_a_deleted_application_leave_the_view_save_its_tombstone_and_token() {
    let store = Store::with_one_chat();
    store.send(1, 7_000);
    store.write(Command::DeleteApplication {
        token: store.token.clone(),
        if_match: IfMatch::Any,
    });
    while [
        Kind::Garbage,
        Kind::MessageBlock,
        Kind::Message,
        Kind::Chat,
        Kind::ChangeBlock,
        Kind::Change,
    ]
    .iter()
    .any(|kind| rows(&store, *kind) > 0)
    {
        std::thread::yield_now();
    }
    let snapshot = store.engine().recent().settle().unwrap();
    let id = snapshot.application_id(&store.token).unwrap();
    assert_eq!(id, Some(ApplicationId(1)));
    assert!(
        snapshot
            .application(ApplicationId(1))
            .unwrap()
            .unwrap()
            .deleted_at
            .is_some()
    );
}

#[test]
fn deleted_messages_are_counted_per_block_of_256_numbers_and_above_across_reopens() {
    let mut store = Store::with_one_chat();
    store.send(1, 600);
    for number in [1, 2, 256, 257, 600] {
        store.delete_message(1, number);
    }
    store.reopen();
    store.delete_message(1, 3);
    let snapshot = store.engine().recent().settle().unwrap();
    let list = NumberedList::Messages { chat: 1 };
    let nodes = snapshot.deleted_of(ApplicationId(1), list).unwrap();
    let counts: Vec<(u8, u64, u64)> = nodes
        .iter()
        .map(|(place, node)| (place.level, place.block, node.total()))
        .collect();
    assert_eq!(counts, [(0, 0, 4), (0, 1, 1), (0, 2, 1), (1, 0, 2)]);
}

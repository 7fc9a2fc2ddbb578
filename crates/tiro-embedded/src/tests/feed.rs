//! The feed and its readers in the medium: rows in memory and in the view, who waits, what a purge leaves.

use std::sync::Arc;

use tiro_core::{
    ApplicationId, Changed, Changes, ChangesFilter, ChangesRequest, Command, Engine, IfDeleted, Limits,
    ReaderName, Token,
};
use tokio::runtime::Runtime;

use super::Store;
use super::deletes::{rows, wait_until_purged};
use crate::view::keys::Kind;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap()
}

fn ann() -> ReaderName {
    ReaderName::new("ann", &Limits::default()).unwrap()
}

fn request(token: &Token, limit: u32) -> ChangesRequest {
    ChangesRequest {
        token: token.clone(),
        after: None,
        limit,
        filter: ChangesFilter::default(),
        if_deleted: IfDeleted::Refuse,
    }
}

impl Store {
    pub(super) fn set_read(&self, chat: u64, read: u64) {
        self.write(Command::SetRead {
            token: self.token.clone(),
            chat,
            reader: ann(),
            read,
        });
    }
}

#[test]
fn the_markers_of_a_deleted_chat_leave_the_view_and_those_of_its_neighbours_stay() {
    let mut store = Store::with_one_chat();
    let other = store.create_chat();
    for chat in [1, other] {
        store.send(chat, 5);
        store.set_read(chat, 1);
        store.set_read(chat, 3);
    }
    store.reopen();
    assert_eq!(
        (rows(&store, Kind::Marker), rows(&store, Kind::MarkerInChat)),
        (2, 2)
    );
    store.delete_chat(1);
    store.reopen();
    wait_until_purged(&store);
    assert_eq!(
        (rows(&store, Kind::Marker), rows(&store, Kind::MarkerInChat)),
        (1, 1)
    );
    let left = store.engine().recent().settle().unwrap();
    let marker = left.marker(ApplicationId(1), other, &ann()).unwrap().unwrap();
    assert_eq!((marker.read, marker.version), (3, 2));
}

/// A page that begins in the view goes on in memory without a gap, whatever the follower has done so far.
#[test]
fn a_page_that_lies_half_in_the_view_and_half_in_memory_has_every_entry_once() {
    let store = Store::with_one_chat();
    let runtime = runtime();
    for round in 1..=20_u64 {
        store.send(1, 37);
        if round % 3 == 0 {
            store.engine().recent().settle().unwrap();
        }
        let (mut after, mut position) = (None, 0);
        while let Changes {
            entries,
            next,
            has_more: true,
            ..
        } = {
            let request = ChangesRequest {
                after: after.clone(),
                ..request(&store.token, 111)
            };
            runtime.block_on(store.engine().changes(request)).unwrap()
        } {
            for entry in entries {
                position += 1;
                assert_eq!(entry.change.position, position);
            }
            after = Some(next);
        }
        assert!(position + 111 >= 2 + 37 * round);
    }
}

#[test]
fn who_no_longer_waits_leaves_nothing_behind() {
    let store = Store::with_one_chat();
    let engine = store.engine();
    runtime().block_on(async {
        let mut waiting: Vec<_> = (0..100).map(|_| engine.changed(&store.token, 2)).collect();
        for wait in &mut waiting {
            let polled =
                std::future::poll_fn(|context| std::task::Poll::Ready(wait.as_mut().poll(context))).await;
            assert!(polled.is_pending());
        }
        assert_eq!(engine.recent().waiting().waiters(), 100);
        drop(waiting);
        assert_eq!(engine.recent().waiting().waiters(), 0);
    });
}

#[test]
fn closing_the_engine_ends_every_wait() {
    let mut store = Store::with_one_chat();
    let (engine, token) = (Arc::new(store.engine.take().unwrap()), store.token.clone());
    let runtime = runtime();
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let (engine, token) = (Arc::clone(&engine), token.clone());
            runtime.spawn(async move { engine.changed(&token, 2).await })
        })
        .collect();
    engine.close().unwrap();
    for waiting in waiting {
        assert_eq!(runtime.block_on(waiting).unwrap().unwrap(), Changed::Stopping);
    }
}

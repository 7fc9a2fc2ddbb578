//! A clock that goes a day back and a day on changes no order and no number.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tiro_conformance::check_export;
use tiro_core::{Engine, Lists, NumberRange, Outcome, Timestamp};
use tiro_embedded::{EmbeddedEngine, Options};

use crate::memory_disk::Shared;
use crate::store::{Store, block_on, export, options, send};
use crate::workload::{create_application, create_chat, create_message, keyed, noon, token};

const DAY_MILLIS: i64 = 24 * 3600 * 1000;

fn open(store: &Store, millis: &Arc<AtomicI64>) -> EmbeddedEngine {
    let disk = Arc::new(Shared(Arc::clone(&store.disk)));
    let millis = Arc::clone(millis);
    let options = Options {
        clock: Arc::new(move || Timestamp::from_millis(millis.load(Ordering::SeqCst))),
        ..options(disk, &store.fatal)
    };
    EmbeddedEngine::open(store.path(), options).unwrap()
}

#[test]
fn a_clock_a_day_back_and_a_day_on_leaves_order_numbers_and_keys_as_they_are() {
    let (store, millis) = (Store::empty(), Arc::new(AtomicI64::new(noon().as_millis())));
    let mut engine = open(&store, &millis);
    for (number, command) in [create_application(), create_chat(), create_chat()]
        .into_iter()
        .enumerate()
    {
        send(&engine, &keyed(command, number)).unwrap();
    }
    for number in 1..=30_u64 {
        let shift = [0, -DAY_MILLIS, DAY_MILLIS][number as usize % 3];
        millis.store(noon().as_millis() + shift, Ordering::SeqCst);
        if number % 10 == 0 {
            engine.close().unwrap();
            engine = open(&store, &millis);
        }
        let request = keyed(
            create_message(1 + number % 2, &number.to_string()),
            100 + number as usize,
        );
        let first = send(&engine, &request).unwrap();
        let Outcome::Message(message) = &first.outcome else {
            panic!("{first:?}")
        };
        assert_eq!(message.number, number.div_ceil(2));
        assert_eq!(message.created_at.as_millis(), noon().as_millis() + shift);
        millis.fetch_sub(DAY_MILLIS, Ordering::SeqCst);
        let again = send(&engine, &request).unwrap();
        assert!(again.replayed);
        assert_eq!((again.outcome, again.cursor), (first.outcome, first.cursor));
    }
    for moment in ["open", "closed and opened"] {
        check_export(&export(&engine)).unwrap_or_else(|broken| panic!("{moment}: {broken}"));
        let page = block_on(engine.messages(&token(), 2, NumberRange::Last { limit: 100 })).unwrap();
        let bodies = page
            .items
            .iter()
            .map(|message| message.content.as_ref().unwrap().body.to_string());
        let sent = (1..=30).step_by(2).map(|number: u64| number.to_string());
        assert_eq!(bodies.collect::<Vec<_>>(), sent.collect::<Vec<_>>(), "{moment}");
        let by_activity = block_on(engine.chats_by_activity(&token(), None, 10)).unwrap();
        let numbers: Vec<u64> = by_activity.items.iter().map(|chat| chat.number).collect();
        assert_eq!(numbers, [1, 2], "{moment}: the last message was sent to chat 1");
        engine.close().unwrap();
        engine = open(&store, &millis);
    }
}

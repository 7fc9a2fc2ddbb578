//! C7: the feed has every change once and in order, from any age, and says where it ends.

use std::sync::Arc;

use tiro_core::{
    BATCH_MESSAGES_MAX, CHANGES_LOOKED_AT_MAX, ChangeKind, Changed, Changes, ChangesFilter, ChangesRequest, Cursor,
    Engine, Entry, Epoch, IfDeleted, PAGE_BYTES_MAX, Rejection, Request, Subject, Thing, Token,
};

use crate::World;
use crate::commands::{content, create_message, delete_message, update_message};
use crate::export::read_export;
use crate::holder::{Holder, rejection};
use crate::rebuild::{Rebuilt, all_after, feed_agrees, follow};

/// Two chats with messages, edits, deletes and markers, of which the second was deleted.
async fn with_some_of_everything<W: World>(world: &W, name: &str) -> Holder {
    let holder = Holder::of_new_application(world, name).await;
    for chat in 1..=2 {
        holder.create_chat("chat").await;
        holder.send_batch(chat, (1..=40).map(|text| content(&format!("message {text}"))).collect()).await;
        holder.set_read(chat, "ann", 5).await;
        holder.set_read(chat, "ann", 9).await;
        holder.delete_message(chat, 7).await;
        holder.edit(chat, 8, "edited").await;
    }
    holder.rename_chat(1, "renamed").await;
    holder.delete_chat(2).await;
    holder.set_read(1, "bob", 0).await;
    holder
}

pub async fn pages_of_any_size_from_any_place_are_parts_of_the_exported_feed<W: World>(world: W) {
    let mut world = world;
    let mut holder = with_some_of_everything(&world, "pages_of_the_feed").await;
    for _ in ["as written", "as reopened"] {
        let all = follow(&*holder.engine, &holder.token, None, 1_000).await;
        let exported = read_export(&*holder.engine, Some(holder.token.clone())).await.remove(0).entries;
        assert_eq!(without_ids(all.clone()), exported);
        let epoch = holder.application().await.epoch;
        for limit in [1, 3, 33, 64] {
            for after in [0, 1, 31, 32, 33, 90, all.len() as u64] {
                let place = Cursor { epoch: epoch.clone(), position: after };
                let from = usize::try_from(after).expect("the feed is short");
                assert_eq!(follow(&*holder.engine, &holder.token, Some(place), limit).await, all[from..]);
            }
        }
        holder = holder.across_reopen(&mut world).await;
    }
}

/// What an export leaves out of an application.
fn without_ids(entries: Vec<Entry>) -> Vec<Entry> {
    let hide = |mut entry: Entry| {
        if let Some(Thing::Application(application)) = &mut entry.thing {
            application.id = tiro_core::ApplicationId(0);
        }
        entry
    };
    entries.into_iter().map(hide).collect()
}

pub async fn state_rebuilt_from_the_feed_alone_equals_a_fresh_read<W: World>(world: W) {
    let mut world = world;
    let mut holder = with_some_of_everything(&world, "rebuilt").await;
    for limit in [1, 50, 1_000] {
        feed_agrees(&holder, limit).await;
        holder = holder.across_reopen(&mut world).await;
        holder.send(1, "one more").await;
    }
}

pub async fn a_list_followed_from_its_as_of_misses_and_repeats_nothing<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "followed").await;
    holder.create_chat("chat").await;
    let writer = {
        let holder = holder.clone();
        tokio::spawn(async move {
            for text in 1..=300 {
                holder.send(1, &format!("message {text}")).await;
            }
        })
    };
    for _ in 0..20 {
        let page = holder.messages(1, tiro_core::NumberRange::Last { limit: 200 }).await;
        let last = page.items.last().map_or(0, |message| message.number);
        let as_of = page.as_of.expect("a list of messages stands somewhere");
        let later = follow(&*holder.engine, &holder.token, Some(as_of), 1_000).await;
        let numbers = later.iter().map(|entry| match entry.change.subject {
            Subject::Message { number, .. } => number,
            ref other => panic!("only messages are written, not {other:?}"),
        });
        assert_eq!(numbers.collect::<Vec<_>>(), (last + 1..=last + later.len() as u64).collect::<Vec<_>>());
    }
    writer.await.expect("the writer ends");
}

pub async fn a_narrowed_feed_looks_at_a_bounded_number_of_entries_and_moves_on<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "narrowed").await;
    holder.create_chat("long").await;
    for _ in 0..11 {
        holder.send_batch(1, (0..BATCH_MESSAGES_MAX).map(|_| content("noise")).collect()).await;
    }
    holder.create_chat("short").await;
    let epoch = holder.application().await.epoch;
    let narrowed = |filter: ChangesFilter, after: u64| ChangesRequest {
        filter,
        ..all_after(&holder.token, Some(Cursor { epoch: epoch.clone(), position: after }), 10)
    };
    let of_chat = ChangesFilter { chats: Some(vec![2, 77]), kinds: None };
    let first = changes(&holder, narrowed(of_chat.clone(), 0)).await;
    assert_eq!((first.entries.len(), first.next.position, first.has_more), (0, CHANGES_LOOKED_AT_MAX, true));
    let second = changes(&holder, narrowed(of_chat.clone(), first.next.position)).await;
    assert_eq!((second.entries.len(), second.has_more), (1, false));
    assert_eq!(second.next, second.as_of);
    let kinds = ChangesFilter { chats: None, kinds: Some(vec![ChangeKind::ChatCreated]) };
    let found = changes(&holder, narrowed(kinds, 0)).await;
    assert_eq!((found.entries.len(), found.next.position), (1, CHANGES_LOOKED_AT_MAX));
    let both = ChangesFilter { kinds: Some(vec![ChangeKind::MessageCreated]), ..of_chat };
    assert_eq!(changes(&holder, narrowed(both, 11_000)).await.entries, []);
    let nothing = ChangesFilter { kinds: Some(Vec::new()), chats: None };
    assert_eq!(changes(&holder, narrowed(nothing, 11_000)).await.entries, []);
}

async fn changes(holder: &Holder, request: ChangesRequest) -> Changes {
    holder.engine.changes(request).await.expect("the feed is there")
}

pub async fn a_page_of_the_feed_ends_early_at_its_bound_in_bytes<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "long_feed").await;
    holder.create_chat("long").await;
    let text = "m".repeat(65_536);
    for _ in 0..3 {
        holder.send_batch(1, (0..50).map(|_| content(&text)).collect()).await;
    }
    for _ in ["as written", "as reopened"] {
        let page = changes(&holder, all_after(&holder.token, None, 1_000)).await;
        assert_eq!(page.entries.len(), 2 + PAGE_BYTES_MAX / text.len());
        assert!(page.has_more);
        let rest = changes(&holder, all_after(&holder.token, Some(page.next), 1_000)).await;
        assert_eq!((page.entries.len() + rest.entries.len(), rest.has_more), (130, true));
        holder = holder.across_reopen(&mut world).await;
    }
}

pub async fn a_cursor_of_another_history_or_the_future_is_refused_with_the_present_end<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "history").await;
    let now = holder.application().await.cursor();
    let others = [
        Cursor { position: now.position + 1, ..now.clone() },
        Cursor { position: u64::MAX, ..now.clone() },
        Cursor { epoch: Epoch::generated([9; 5]), ..now.clone() },
    ];
    for after in others {
        let refused = holder.engine.changes(all_after(&holder.token, Some(after), 10)).await;
        assert_eq!(rejection(refused), Rejection::HistoryChanged { now: now.clone() });
    }
    let unknown = Token::parse("no_application_has_this").expect("it is a token");
    let refused = holder.engine.changes(all_after(&unknown, None, 10)).await;
    assert_eq!(rejection(refused), Rejection::ApplicationNotFound);
    assert_eq!(rejection(holder.engine.changed(&unknown, 0).await), Rejection::ApplicationNotFound);
    assert_eq!(changes(&holder, all_after(&holder.token, Some(now.clone()), 10)).await.next, now);
}

pub async fn the_feed_of_a_deleted_application_ends_with_its_tombstone<W: World>(world: W) {
    let mut world = world;
    let mut holder = with_some_of_everything(&world, "deleted_feed").await;
    let before = holder.application().await;
    let (engine, token) = (holder.engine.clone(), holder.token.clone());
    let waiting = tokio::spawn(async move { engine.changed(&token, before.last_position).await });
    holder.delete_application().await;
    let woken = waiting.await.expect("who waits is answered");
    assert_eq!(woken.expect("the application was there"), Changed::Deleted);
    for _ in ["as written", "as reopened"] {
        let plain = all_after(&holder.token, None, 10);
        let refused = holder.engine.changes(plain.clone()).await;
        assert_eq!(rejection(refused), Rejection::ApplicationDeleted);
        let filter = ChangesFilter { chats: Some(Vec::new()), kinds: None };
        let last = ChangesRequest { if_deleted: IfDeleted::LastEntry, filter, ..plain };
        let last = changes(&holder, last).await;
        let [entry] = &last.entries[..] else { panic!("one entry is left, not {:?}", last.entries) };
        assert_eq!(entry.change.kind(), ChangeKind::ApplicationDeleted);
        assert_eq!(entry.change.position, before.last_position + 1);
        assert_eq!((last.next.position, last.has_more), (entry.change.position, false));
        let at_once = holder.engine.changed(&holder.token, u64::MAX).await;
        assert_eq!(at_once.expect("it was there"), Changed::Deleted);
        holder = holder.across_reopen(&mut world).await;
    }
}

pub async fn who_waits_for_a_feed_is_woken_by_its_next_entry_alone<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "awaited").await;
    let neighbour = Holder::of_new_application(&world, "neighbour").await;
    holder.create_chat("chat").await;
    neighbour.create_chat("chat").await;
    let now = holder.position().await;
    let waiting: Vec<_> = (0..200)
        .map(|_| {
            let (engine, token) = (holder.engine.clone(), holder.token.clone());
            tokio::spawn(async move {
                let changed = engine.changed(&token, now).await.expect("the application is there");
                let page = engine.changes(ChangesRequest { limit: 1, ..all_after(&token, None, 1) }).await;
                (changed, page.expect("the feed is there").as_of.position)
            })
        })
        .collect();
    for _ in 0..50 {
        neighbour.send(1, "elsewhere").await;
    }
    assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
    holder.send(1, "here").await;
    for waiting in waiting {
        let (changed, seen) = waiting.await.expect("who waits is answered");
        assert_eq!(changed, Changed::Further);
        assert!(seen > now, "who is woken sees the entry");
    }
    let at_once = holder.engine.changed(&holder.token, now).await;
    assert_eq!(at_once.expect("the application is there"), Changed::Further);
}

/// Follows a feed as a stream does: pages, and waiting in between, until it has seen `last`.
async fn stream(engine: Arc<dyn Engine>, token: Token, limit: u32, last: u64) -> Rebuilt {
    let (mut rebuilt, mut after) = (Rebuilt::default(), None);
    loop {
        let page = engine.changes(all_after(&token, after, limit)).await.expect("the feed is there");
        rebuilt.take(page.entries);
        let next = page.next;
        if next.position >= last {
            return rebuilt;
        }
        if !page.has_more {
            let changed = engine.changed(&token, next.position).await.expect("the feed is there");
            assert_eq!(changed, Changed::Further);
        }
        after = Some(next);
    }
}

pub async fn streams_beside_writers_receive_exactly_the_feed<W: World>(world: W) {
    const WRITERS: u64 = 8;
    const ROUNDS: u64 = 30;
    let holder = Holder::of_new_application(&world, "streams").await;
    for _ in 0..WRITERS {
        holder.create_chat("chat").await;
    }
    let last = 1 + WRITERS + WRITERS * ROUNDS * 4;
    let streams: Vec<_> = (0..100_u32)
        .map(|stream| {
            let limit = 1 + stream % 40;
            tokio::spawn(self::stream(holder.engine.clone(), holder.token.clone(), limit, last))
        })
        .collect();
    let writers: Vec<_> = (1..=WRITERS).map(|chat| tokio::spawn(write(holder.clone(), chat, ROUNDS))).collect();
    for writer in writers {
        writer.await.expect("the writer ends");
    }
    assert_eq!(holder.position().await, last);
    for stream in streams {
        stream.await.expect("the stream ends").agrees_with_the_end(last);
    }
    feed_agrees(&holder, 1_000).await;
}

/// Four entries a round: a message, its edit, a marker, and the delete of the message before.
async fn write(holder: Holder, chat: u64, rounds: u64) {
    for round in 1..=rounds {
        let number = holder.send(chat, &format!("{chat}/{round}")).await.number;
        holder.edit(chat, number, "edited").await;
        holder.set_read(chat, "ann", number).await;
        if round > 1 {
            holder.delete_message(chat, number - 1).await;
        } else {
            holder.rename_chat(chat, "renamed").await;
        }
    }
}

pub async fn no_body_of_a_deleted_message_is_in_any_answer_of_the_feed<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "forgotten").await;
    holder.create_chat("one by one").await;
    holder.create_chat("with its chat").await;
    for (chat, name) in [(1, "secret"), (2, "hidden")] {
        let texts = (1..=40).map(|text| content(&format!("{name} {text}")));
        holder.send_batch(chat, texts.collect()).await;
    }
    let token = holder.token.clone();
    for number in 1..=40 {
        let edited = update_message(&token, (1, number), tiro_core::IfMatch::Any, Some("secret edit"));
        holder.write(edited).await;
        let before = holder.position().await;
        holder.write(delete_message(&token, 1, number)).await;
        let epoch = holder.application().await.epoch;
        let after = Some(Cursor { epoch, position: before.saturating_sub(200) });
        let shown = format!("{:?}", follow(&*holder.engine, &token, after, 1_000).await);
        assert!(!shown.contains(&format!("secret {number}\"")) && !shown.contains("secret edit"), "{number}");
    }
    holder.delete_chat(2).await;
    for _ in ["as written", "as reopened"] {
        let shown = format!("{:?}", follow(&*holder.engine, &token, None, 1_000).await);
        assert!(!shown.contains("secret") && !shown.contains("hidden"), "{shown}");
        holder = holder.across_reopen(&mut world).await;
    }
}

pub async fn every_read_of_the_feed_shows_a_write_right_after_its_answer<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "at_once").await;
    holder.create_chat("chat").await;
    let mut after = holder.application().await.cursor();
    for text in 1..=100 {
        let text = format!("message {text}");
        let reply = holder.request(Request::new(create_message(&holder.token, 1, &text))).await;
        let cursor = reply.expect("it is accepted").cursor;
        let page = changes(&holder, all_after(&holder.token, Some(after), 10)).await;
        let [Entry { thing: Some(Thing::Message(message)), .. }] = &page.entries[..] else {
            panic!("the message was expected, not {:?}", page.entries)
        };
        assert_eq!(message.content.as_ref().map(|content| &*content.body), Some(&*text));
        assert_eq!(Some(&page.next), cursor.as_ref());
        after = page.next;
    }
}

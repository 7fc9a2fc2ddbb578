//! Readers: markers only rise, are entries of the feed, and what is unread is always counted right.

use std::collections::BTreeMap;

use tiro_core::{
    BATCH_MESSAGES_MAX, Fault, Field, Outcome, ReadState, Rejection, Subject, Token,
};

use crate::World;
use crate::commands::{
    self, content, content_from, create_messages, delete_chat, import_line, import_messages, reader, set_read,
};
use crate::export::{read_export, restore};
use crate::holder::{Holder, position, rejection};
use crate::rebuild::{feed_agrees, follow};

fn state(by: &str, chat: u64, read: u64, unread: u64, version: u64) -> ReadState {
    ReadState { reader: reader(by), chat, read, unread, version }
}

async fn chat_of(holder: &Holder, messages: u64) -> u64 {
    let chat = holder.create_chat("chat").await.number;
    holder.send_batch(chat, (1..=messages).map(|text| content(&format!("{text}"))).collect()).await;
    chat
}

pub async fn a_marker_only_rises_and_each_rise_is_an_entry<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "markers").await;
    chat_of(&holder, 10).await;
    assert_eq!(holder.read_state(1, &reader("ann")).await, state("ann", 1, 0, 10, 0));
    let before = holder.position().await;
    assert_eq!(holder.set_read(1, "ann", 0).await, state("ann", 1, 0, 10, 1), "the first PUT too is an entry");
    assert_eq!(holder.set_read(1, "ann", 4).await, state("ann", 1, 4, 6, 2));
    assert_eq!(holder.position().await, before + 2);
    for lower in [0, 3, 4] {
        let reply = holder.write(set_read(&holder.token, 1, "ann", lower)).await;
        assert_eq!(reply.outcome, Outcome::Read(state("ann", 1, 4, 6, 2)));
        assert_eq!(position(&reply), before + 2, "the present state stands at the end of the feed");
    }
    let past = holder.refused(set_read(&holder.token, 1, "ann", 11)).await;
    assert_eq!(past, Rejection::Invalid { field: Field::Read, fault: Fault::PastLast { last: 10 } });
    assert_eq!(holder.position().await, before + 2);
    holder = holder.across_reopen(&mut world).await;
    assert_eq!(holder.read_state(1, &reader("ann")).await, state("ann", 1, 4, 6, 2));
    assert_eq!(holder.set_read(1, "ann", 10).await, state("ann", 1, 10, 0, 3));
    let missing = holder.engine.reader(&holder.token, 2, &reader("ann")).await;
    assert_eq!(rejection(missing), Rejection::ChatNotFound);
    assert_eq!(holder.refused(set_read(&holder.token, 2, "ann", 0)).await, Rejection::ChatNotFound);
}

pub async fn unread_counts_live_messages_after_the_marker<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "unread").await;
    chat_of(&holder, 600).await;
    holder.set_read(1, "ann", 300).await;
    for number in [1, 256, 300, 301, 302, 512, 513, 600] {
        holder.delete_message(1, number).await;
    }
    for _ in ["as written", "as reopened"] {
        assert_eq!(holder.read_state(1, &reader("ann")).await.unread, 295);
        assert_eq!(holder.read_state(1, &reader("nobody")).await.unread, 592);
        holder = holder.across_reopen(&mut world).await;
    }
    assert_eq!(holder.set_read(1, "ann", 302).await.unread, 295, "the tombstones between were not unread");
    assert_eq!(holder.set_read(1, "ann", 512).await.unread, 86);
    holder.send(1, "one more").await;
    assert_eq!(holder.read_state(1, &reader("ann")).await.unread, 87);
}

pub async fn sending_raises_the_senders_marker_after_the_messages<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "senders").await;
    chat_of(&holder, 3).await;
    for by in ["ann", "bob"] {
        holder.set_read(1, by, 1).await;
    }
    let before = holder.application().await.cursor();
    let messages = ["ann", "bob", "carl", "ann", "carl"].map(|by| content_from(by, "sent"));
    let reply = holder.write(create_messages(&holder.token, 1, messages.to_vec())).await;
    assert_eq!(position(&reply), before.position + 5, "the cursor is that of the last message");
    assert_eq!(holder.read_state(1, &reader("ann")).await, state("ann", 1, 7, 1, 2));
    assert_eq!(holder.read_state(1, &reader("bob")).await, state("bob", 1, 5, 3, 2));
    assert_eq!(holder.read_state(1, &reader("carl")).await.version, 0, "who has no marker gets none");
    let later = follow(&*holder.engine, &holder.token, Some(before), 100).await;
    let subjects: Vec<Subject> = later.into_iter().map(|entry| entry.change.subject).collect();
    let expected = (4..=8).map(|number| Subject::Message { chat: 1, number });
    let raised = ["bob", "ann"].map(|by| Subject::Reader { chat: 1, reader: reader(by) });
    assert_eq!(subjects, expected.chain(raised).collect::<Vec<_>>());
    let single = commands::create_message(&holder.token, 1, "of nobody");
    holder.write(single).await;
    assert_eq!(holder.read_state(1, &reader("ann")).await.unread, 2);
    let line = import_line("a-line", "imported", None);
    holder.write(import_messages(&holder.token, 1, vec![line])).await;
    feed_agrees(&holder, 7).await;
}

/// A request under a key that is sent again raises nothing and answers the first cursor.
pub async fn a_replayed_create_raises_no_marker_again<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "replayed").await;
    chat_of(&holder, 1).await;
    holder.set_read(1, "ann", 0).await;
    let batch = || create_messages(&holder.token, 1, vec![content_from("ann", "one"), content_from("ann", "two")]);
    let first = holder.write_keyed(batch(), "key").await;
    let end = holder.position().await;
    let again = holder.write_keyed(batch(), "key").await;
    assert_eq!((again.cursor, again.outcome, again.replayed), (first.cursor, first.outcome, true));
    assert_eq!(holder.position().await, end);
    assert_eq!(holder.read_state(1, &reader("ann")).await, state("ann", 1, 3, 0, 2));
}

pub async fn a_marker_moves_the_change_position_and_nothing_else_of_its_chat<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "etags").await;
    chat_of(&holder, 5).await;
    chat_of(&holder, 5).await;
    let (application, chat) = (holder.application().await, holder.chat(1).await);
    holder.set_read(1, "ann", 5).await;
    let after = holder.chat(1).await;
    assert_eq!(after.change_position, application.last_position + 1);
    assert_eq!(
        (after.version, after.updated_at, after.activity_position),
        (chat.version, chat.updated_at, chat.activity_position)
    );
    let application_after = holder.application().await;
    assert_eq!(application_after.last_position, application.last_position + 1);
    assert_eq!(
        (application_after.version, application_after.updated_at),
        (application.version, application.updated_at)
    );
}

pub async fn markers_go_with_their_chat<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "gone").await;
    for _ in 0..3 {
        let chat = chat_of(&holder, 4).await;
        holder.set_read(chat, "ann", 1).await;
    }
    holder.write(delete_chat(&holder.token, 2)).await;
    for _ in ["as written", "as reopened"] {
        let gone = holder.engine.reader(&holder.token, 2, &reader("ann")).await;
        assert_eq!(rejection(gone), Rejection::ChatDeleted);
        assert_eq!(holder.refused(set_read(&holder.token, 2, "ann", 2)).await, Rejection::ChatDeleted);
        assert_eq!(unread_chats(&holder, "ann", 10).await, [state("ann", 1, 1, 3, 1), state("ann", 3, 1, 3, 1)]);
        feed_agrees(&holder, 5).await;
        holder = holder.across_reopen(&mut world).await;
    }
}

/// All chats with something unread, in pages.
async fn unread_chats(holder: &Holder, by: &str, limit: u32) -> Vec<ReadState> {
    let (mut all, mut after) = (Vec::new(), Some(0));
    while let Some(from) = after {
        let page = holder.engine.unread_chats(&holder.token, &reader(by), from, limit).await;
        let page = page.expect("the application is there");
        assert!(page.items.len() <= limit as usize);
        all.extend(page.items);
        after = page.next;
    }
    all
}

pub async fn a_readers_chats_are_those_with_a_marker_and_something_unread<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "chats_of_ann").await;
    for _ in 1..=20 {
        chat_of(&holder, 3).await;
    }
    for chat in 1..=20_u64 {
        holder.set_read(chat, if chat % 2 == 0 { "ann" } else { "anna" }, chat % 4).await;
    }
    holder.delete_message(2, 3).await;
    for _ in ["as written", "as reopened"] {
        let expected: Vec<ReadState> = (1..=10_u64)
            .map(|half| 2 * half)
            .map(|chat| state("ann", chat, chat % 4, 3 - chat % 4 - u64::from(chat == 2), 1))
            .filter(|state| state.unread > 0)
            .collect();
        for limit in [1, 3, 200] {
            assert_eq!(unread_chats(&holder, "ann", limit).await, expected);
        }
        assert_eq!(unread_chats(&holder, "an", 10).await, []);
        holder = holder.across_reopen(&mut world).await;
    }
    holder.set_read(4, "ann", 1).await;
    assert_eq!(unread_chats(&holder, "ann", 2).await[0], state("ann", 4, 1, 2, 2));
    let unknown = Token::parse("no_application_has_this").expect("it is a token");
    let refused = holder.engine.unread_chats(&unknown, &reader("ann"), 0, 10).await;
    assert_eq!(rejection(refused), Rejection::ApplicationNotFound);
}

/// Operations of the comparison with a slow count; `TIRO_FULL=1` plays the count that is promised.
fn operations() -> u64 {
    if std::env::var_os("TIRO_FULL").is_some_and(|full| full == "1") {
        100_000
    } else {
        4_000
    }
}

/// What a chat is known to hold.
#[derive(Default)]
struct Counted {
    /// Whether each message is live, by number from 1.
    live: Vec<bool>,
    read: BTreeMap<u64, u64>,
}

impl Counted {
    fn unread(&self, by: u64) -> u64 {
        let read = self.read.get(&by).copied().unwrap_or(0);
        (1..).zip(&self.live).filter(|(number, live)| *number > read && **live).count() as u64
    }
}

pub async fn unread_agrees_with_a_slow_count_after_random_operations<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "counted").await;
    let mut chats: Vec<Counted> = Vec::new();
    for _ in 0..4 {
        holder.create_chat("chat").await;
        chats.push(Counted::default());
    }
    let mut random = 88_172_645_463_325_252_u64;
    let mut below = |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % bound
    };
    for operation in 0..operations() {
        let at = below(4);
        let (chat, counted) = (at + 1, &mut chats[usize::try_from(at).expect("there are four")]);
        let last = counted.live.len() as u64;
        match below(10) {
            0..=2 => {
                let count = 1 + below(if last < 5_000 { 40 } else { 3 });
                let senders = (0..count).map(|_| below(6)).collect::<Vec<_>>();
                let sent = senders.iter().map(|by| content_from(&format!("reader {by}"), "m"));
                holder.send_batch(chat, sent.take(BATCH_MESSAGES_MAX).collect()).await;
                for (number, by) in (last + 1..).zip(senders) {
                    counted.live.push(true);
                    if let Some(read) = counted.read.get_mut(&by) {
                        *read = number;
                    }
                }
            }
            3..=6 if last > 0 => {
                let number = 1 + below(last);
                holder.delete_message(chat, number).await;
                counted.live[usize::try_from(number - 1).expect("the list is short")] = false;
            }
            7..=8 => {
                let (by, read) = (below(5), below(last + 1));
                let known = counted.read.entry(by).or_default();
                *known = read.max(*known);
                let answered = holder.set_read(chat, &format!("reader {by}"), read).await;
                assert_eq!((answered.read, answered.unread), (counted.read[&by], counted.unread(by)));
            }
            _ => {
                let by = below(6);
                let found = holder.read_state(chat, &reader(&format!("reader {by}"))).await;
                assert_eq!(found.unread, counted.unread(by), "operation {operation}");
            }
        }
        if operation == operations() / 2 {
            holder = holder.across_reopen(&mut world).await;
        }
    }
    for by in 0..6 {
        let states = (1..).zip(&chats).filter(|(_, counted)| counted.read.contains_key(&by));
        let expected: Vec<(u64, u64)> =
            states.map(|(chat, counted)| (chat, counted.unread(by))).filter(|(_, unread)| *unread > 0).collect();
        let found = unread_chats(&holder, &format!("reader {by}"), 3).await;
        assert_eq!(found.iter().map(|state| (state.chat, state.unread)).collect::<Vec<_>>(), expected);
    }
}

pub async fn an_export_carries_markers<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "exported_markers").await;
    chat_of(&holder, 6).await;
    chat_of(&holder, 6).await;
    holder.set_read(1, "ann", 2).await;
    holder.set_read(1, "ann", 4).await;
    holder.set_read(2, "ann", 6).await;
    holder.delete_message(1, 5).await;
    holder.set_read(2, "bob", 1).await;
    holder.write(delete_chat(&holder.token, 2)).await;
    let exported = read_export(&*holder.engine, None).await;
    for step in [1, 4, 1_000] {
        let elsewhere = W::fresh().await;
        restore(&*elsewhere.engine(), &exported, step).await;
        let there = Holder::of(&elsewhere, &holder.token);
        assert_eq!(read_export(&*there.engine, None).await, exported);
        assert_eq!(there.read_state(1, &reader("ann")).await, state("ann", 1, 4, 1, 2));
        feed_agrees(&there, 100).await;
        assert_eq!(there.set_read(1, "ann", 6).await, state("ann", 1, 6, 0, 3));
        there.write(create_messages(&there.token, 1, vec![content_from("ann", "on")])).await;
        assert_eq!(there.read_state(1, &reader("ann")).await, state("ann", 1, 7, 0, 4));
    }
}

//! Lists: every page agrees with the slow way of listing everything and counting off.

use tiro_core::{
    ApplicationsAfter, Chat, Engine, Lists, LiveRange, Message, NumberRange, PAGE_BYTES_MAX, Page, Token,
};

use crate::World;
use crate::commands::{content, content_from};
use crate::holder::Holder;
use crate::slow::slow_page;

fn ranges(last_number: u64) -> Vec<NumberRange> {
    let mut ranges = Vec::new();
    let places = [0, 1, 2, 9, 10, 11, last_number - 1, last_number, last_number + 1, u64::MAX];
    for limit in [1, 2, 10, 200] {
        ranges.push(NumberRange::Last { limit });
        for place in places {
            ranges.push(NumberRange::Before { before: place, limit });
            ranges.push(NumberRange::After { after: place, before: None, limit });
            for before in places {
                ranges.push(NumberRange::After { after: place, before: Some(before), limit });
            }
        }
    }
    ranges
}

pub async fn every_list_by_number_agrees_with_the_slow_way<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "pages").await;
    for _ in 0..30 {
        holder.create_chat("chat").await;
    }
    holder.send_batch(1, (1..=30).map(|text| content(&format!("message {text}"))).collect()).await;
    for even in (2..=30).step_by(2) {
        holder.delete_message(1, even).await;
        holder.delete_chat(even).await;
    }
    for _ in ["as written", "as reopened"] {
        let chats: Vec<Chat> = holder.all_chats().await;
        let messages: Vec<Message> = holder.all_messages(1).await;
        for range in ranges(30) {
            let page = holder.messages(1, range).await;
            assert_eq!((page.items, page.next), slow_page(&messages, range), "{range:?}");
            let page = holder.chats(range).await;
            assert_eq!((page.items, page.next), slow_page(&chats, range), "{range:?}");
        }
        holder = holder.across_reopen(&mut world).await;
    }
    holder.create_chat("empty").await;
    let nothing = Page { items: Vec::new(), next: None, as_of: Some(holder.application().await.cursor()) };
    assert_eq!(holder.messages(31, NumberRange::Last { limit: 5 }).await, nothing);
}

/// Every page of a list of live things, of all sizes and from everywhere, against that list.
async fn live_pages_agree(engine: &dyn Engine, token: &Token, (chats, messages): (&[Chat], &[Message])) {
    let live_chats: Vec<&Chat> = chats.iter().filter(|chat| chat.deleted_at.is_none()).collect();
    let live: Vec<&Message> = messages.iter().filter(|message| message.deleted_at.is_none()).collect();
    for limit in [1, 7, 200] {
        for skip in (0..live.len() as u64 + 2).step_by(limit as usize + 5).chain([u64::MAX]) {
            let range = LiveRange { skip, limit };
            let page = engine.live_messages(token, 1, range).await.expect("the chat is live");
            let from = live.len().min(usize::try_from(skip).unwrap_or(usize::MAX));
            let expected: Vec<&Message> = live[from..].iter().take(limit as usize).copied().collect();
            assert_eq!(page.items.iter().collect::<Vec<_>>(), expected, "{range:?}");
            assert_eq!(page.next, range.next(expected.len(), live.len() as u64));
            let page = engine.live_chats(token, range).await.expect("the application is live");
            let from = live_chats.len().min(usize::try_from(skip).unwrap_or(usize::MAX));
            let expected: Vec<&Chat> = live_chats[from..].iter().take(limit as usize).copied().collect();
            assert_eq!(page.items.iter().collect::<Vec<_>>(), expected, "{range:?}");
        }
    }
}

pub async fn pages_of_live_things_agree_with_the_slow_way<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "live_pages").await;
    for _ in 0..40 {
        holder.create_chat("chat").await;
    }
    holder.send_batch(1, (1..=700).map(|text| content(&format!("message {text}"))).collect()).await;
    for number in (3..=700).step_by(3).chain(520..=523) {
        holder.delete_message(1, number).await;
    }
    for number in [2, 3, 4, 17, 40] {
        holder.delete_chat(number).await;
    }
    for _ in ["as written", "as reopened"] {
        let (chats, messages) = (holder.all_chats().await, holder.all_messages(1).await);
        live_pages_agree(&*holder.engine, &holder.token, (&chats, &messages)).await;
        holder = holder.across_reopen(&mut world).await;
        holder.delete_message(1, 512).await;
        holder.send_batch(1, vec![content("one more")]).await;
    }
}

pub async fn a_page_of_messages_ends_early_at_its_bound_in_bytes<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "bytes").await;
    holder.create_chat("long").await;
    let text = "m".repeat(65_536);
    for _ in 0..4 {
        holder.send_batch(1, (0..50).map(|_| content_from("s", &text)).collect()).await;
    }
    let per_page = PAGE_BYTES_MAX.div_ceil(text.len() + 1) as u64;
    let after = |after| NumberRange::After { after, before: None, limit: 200 };
    for _ in ["as written", "as reopened"] {
        let page = holder.messages(1, after(10)).await;
        assert_eq!((span(&page), page.next), ((11, 10 + per_page), Some(10 + per_page)));
        let page = holder.messages(1, NumberRange::Last { limit: 200 }).await;
        assert_eq!((span(&page), page.next), ((201 - per_page, 200), Some(201 - per_page)));
        let page = holder.messages(1, NumberRange::Before { before: 70, limit: 200 }).await;
        assert_eq!((span(&page), page.next), ((70 - per_page, 69), Some(70 - per_page)));
        let page = holder.messages(1, after(200 - per_page)).await;
        assert_eq!((span(&page), page.next), ((201 - per_page, 200), None));
        holder = holder.across_reopen(&mut world).await;
    }
    for number in 50..=200 {
        holder.delete_message(1, number).await;
    }
    let page = holder.messages(1, after(0)).await;
    assert_eq!((span(&page), page.next), ((1, 200), None), "tombstones have no bytes");

    holder.create_chat("exact").await;
    holder.send_batch(2, (0..63).map(|_| content(&text)).collect()).await;
    assert_eq!(holder.messages(2, after(0)).await.next, None, "one below the bound");
    holder.send_batch(2, vec![content(&text), content("one more")]).await;
    assert_eq!(holder.messages(2, after(0)).await.next, Some(64), "a page ends once it has that many bytes");
}

fn span(page: &Page<Message>) -> (u64, u64) {
    let numbers: Vec<u64> = page.items.iter().map(|message| message.number).collect();
    let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
    assert_eq!(numbers, (first..=last).collect::<Vec<_>>());
    (first, last)
}

pub async fn deep_pages_hold_what_the_first_ones_hold<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "deep").await;
    holder.create_chat("deep").await;
    for batch in 0..10 {
        let texts = (0..1_000).map(|line| content(&format!("message {}", batch * 1_000 + line + 1)));
        holder.send_batch(1, texts.collect()).await;
    }
    for after in [0, 1, 255, 256, 4_321, 9_800, 9_990] {
        let page = holder.messages(1, NumberRange::After { after, before: None, limit: 200 }).await;
        let last = (after + 200).min(10_000);
        assert_eq!(span(&page), (after + 1, last));
        assert_eq!(page.next, (last < 10_000).then_some(last));
        for message in page.items {
            let content = message.content.expect("nothing was deleted");
            assert_eq!(&*content.body, format!("message {}", message.number));
        }
    }
    let mut walked = 0;
    let mut next = None;
    loop {
        let range = match next {
            None => NumberRange::Last { limit: 200 },
            Some(before) => NumberRange::Before { before, limit: 200 },
        };
        let page = holder.messages(1, range).await;
        walked += page.items.len();
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(walked, 10_000);
}

pub async fn the_list_by_activity_is_newest_first_without_tombstones<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "activity").await;
    for _ in 0..20 {
        holder.create_chat("chat").await;
    }
    let mut order: Vec<u64> = (1..=20).rev().collect();
    for step in 0..30 {
        let chat = step * 13 % 20 + 1;
        holder.send_batch(chat, vec![content("a"), content("b")]).await;
        order.retain(|other| *other != chat);
        order.insert(0, chat);
    }
    holder.rename_chat(order[9], "a rename is no activity").await;
    holder.edit(order[8], 1, "an edit is no activity").await;
    holder.delete_message(order[7], 2).await;
    for gone in [order[2], order[5], order[19]] {
        holder.delete_chat(gone).await;
        order.retain(|chat| *chat != gone);
    }
    for limit in [1, 4, 17, 18, 200] {
        assert_eq!(walk_activity(&holder, limit).await, order, "in pages of {limit}");
    }
    holder = holder.across_reopen(&mut world).await;
    assert_eq!(walk_activity(&holder, 4).await, order);
}

async fn walk_activity(holder: &Holder, limit: u32) -> Vec<u64> {
    let mut walked = Vec::new();
    let mut before = None;
    loop {
        let page = holder.engine.chats_by_activity(&holder.token, before, limit).await;
        let page = page.expect("the application is there");
        assert!(page.items.len() <= limit as usize);
        assert!(page.next.is_none() || page.items.len() == limit as usize);
        walked.extend(page.items.iter().map(|chat| chat.number));
        before = page.next;
        if before.is_none() {
            return walked;
        }
    }
}

pub async fn the_list_of_applications_is_by_creation_time_and_token<W: World>(world: W) {
    let mut world = world;
    let mut expected = Vec::new();
    for step in 0..25 {
        let name = format!("application_{}", step * 7 % 25);
        let holder = Holder::of_new_application(&world, &name).await;
        if step % 6 == 5 {
            holder.delete_application().await;
        } else {
            let application = holder.application().await;
            expected.push(ApplicationsAfter { created_at: application.created_at, token: application.token });
        }
    }
    expected.sort();
    for _ in ["as written", "as reopened"] {
        for limit in [1, 5, 20, 21, 22, 200] {
            let mut walked = Vec::new();
            let mut after = None;
            loop {
                let page = world.engine().applications(after, limit).await.expect("the list is there");
                assert!(page.items.len() <= limit as usize);
                walked.extend(page.items.into_iter().map(|application| ApplicationsAfter {
                    created_at: application.created_at,
                    token: application.token,
                }));
                after = page.next;
                if after.is_none() {
                    break;
                }
                assert_eq!(after.as_ref(), walked.last());
            }
            assert_eq!(walked, expected, "in pages of {limit}");
        }
        world.reopen().await;
    }
}

pub async fn lists_that_are_kept_stay_those_of_one_moment<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "moment").await;
    let doomed = Holder::of_new_application(&world, "doomed").await;
    for chat in 1..=5 {
        holder.create_chat(&format!("chat {chat}")).await;
    }
    for number in 1..=40 {
        holder.send(1, &format!("message {number}")).await;
    }
    holder.delete_message(1, 7).await;
    let engine = world.engine();
    let before = everything(&*engine, &holder.token).await;
    let kept = engine.lists().await.expect("nothing is short");
    holder.edit(1, 30, "edited").await;
    holder.delete_message(1, 31).await;
    holder.send(1, "later").await;
    holder.rename_chat(2, "renamed").await;
    holder.delete_chat(3).await;
    holder.create_chat("later").await;
    doomed.delete_application().await;
    Holder::of_new_application(&world, "later").await;
    // So that what the lists were read from is replaced below them, where an engine does that.
    drop(engine.lists().await.expect("nothing is short"));
    assert_ne!(everything(&*engine, &holder.token).await, before);
    assert_eq!(everything(&*kept, &holder.token).await, before);
    holder.delete_application().await;
    assert_eq!(everything(&*kept, &holder.token).await, before);
}

/// All applications, the chats of one and the messages of its first chat, in small pages.
async fn everything(lists: &dyn Lists, token: &Token) -> (Vec<String>, Vec<Chat>, Vec<Message>) {
    let range = |after| NumberRange::After { after, before: None, limit: 3 };
    let (mut applications, mut after) = (Vec::new(), None);
    loop {
        let page = lists.applications(after, 1).await.expect("the list is there");
        let shown = page.items.iter().map(|application| format!("{application:?}"));
        applications.extend(shown);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let (mut chats, mut after) = (Vec::new(), Some(0));
    while let Some(from) = after {
        let page = lists.chats(token, range(from)).await.expect("the application is there");
        chats.extend(page.items);
        after = page.next;
    }
    let (mut messages, mut after) = (Vec::new(), Some(0));
    while let Some(from) = after {
        let page = lists.messages(token, 1, range(from)).await.expect("the chat is there");
        messages.extend(page.items);
        after = page.next;
    }
    (applications, chats, messages)
}

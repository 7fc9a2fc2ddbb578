//! C3 and C8 for search: the next search finds what was answered, newest first, in its own scope and nowhere else.

use std::sync::Arc;

use tiro_core::{
    Engine, Found, Hit, IfBehind, Limits, Query, Rejection, SearchAfter, SearchRequest, SearchScope, Searched,
    Timestamp,
};
use tokio::task::JoinSet;

use crate::World;
use crate::commands::{content, import_line, import_messages};
use crate::export::{abandon_restore, begin_restore, read_export, restore, restore_entries};
use crate::generator::{Generator, Queries};
use crate::holder::{Holder, rejection};

fn request(scope: &SearchScope, query: &str, after: Option<SearchAfter>, limit: u32) -> SearchRequest {
    SearchRequest {
        scope: scope.clone(),
        query: Query::parse(query, &Limits::default()).expect("it is a query"),
        after,
        limit,
        if_behind: IfBehind::Refuse,
    }
}

/// A page of a search that is behind for no longer than an engine needs to begin.
async fn page(
    engine: &dyn Engine,
    scope: &SearchScope,
    query: &str,
    after: Option<SearchAfter>,
    limit: u32,
) -> Found {
    match engine.search(request(scope, query, after, limit)).await {
        Ok(Searched::Found(found)) => found,
        other => panic!("{query:?} is answered with hits, not {other:?}: {:?}", engine.health().remarks),
    }
}

/// All hits, by pages of `limit`.
async fn hits(engine: &dyn Engine, scope: &SearchScope, query: &str, limit: u32) -> Vec<Hit> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = page(engine, scope, query, after, limit).await;
        assert!(page.hits.len() <= limit as usize);
        assert!(page.hits.iter().all(|hit| !hit.highlights.is_empty()));
        found.extend(page.hits);
        let Some(next) = page.next else { return found };
        after = Some(next);
    }
}

impl Holder {
    fn everywhere(&self) -> SearchScope {
        SearchScope::Application(self.token.clone())
    }

    fn in_chat(&self, number: u64) -> SearchScope {
        let token = self.token.clone();
        SearchScope::Chat { token, number }
    }

    /// Chat and number of every hit in the application.
    async fn found(&self, query: &str) -> Vec<(u64, u64)> {
        places(&hits(&*self.engine, &self.everywhere(), query, 50).await)
    }
}

fn places(hits: &[Hit]) -> Vec<(u64, u64)> {
    hits.iter().map(|hit| (hit.chat, hit.message.number)).collect()
}

pub async fn a_search_finds_parts_of_words_in_any_case_newest_first<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "searched").await;
    holder.create_chat("one").await;
    holder.create_chat("two").await;
    holder.send(1, "The Wireless driver").await;
    holder.send(2, "a wire, less").await;
    holder.send(1, "CAFÉ 世界 ok").await;
    assert_eq!(holder.found("wire").await, [(2, 1), (1, 1)]);
    assert_eq!(holder.found("IRELES").await, [(1, 1)]);
    assert_eq!(holder.found("wire the").await, [(1, 1)]);
    assert_eq!(holder.found("\"wire, l\"").await, [(2, 1)]);
    assert_eq!(holder.found("cafe").await, [(1, 2)]);
    assert_eq!(holder.found("世界").await, [(1, 2)]);
    assert_eq!(holder.found("wirel driverx").await, []);
    let found = page(&*holder.engine, &holder.everywhere(), "fé", None, 5).await;
    let highlight = found.hits[0].highlights[0];
    assert_eq!((highlight.start, highlight.end), (2, 4));
    assert_eq!(found.searched_through, Some(holder.application().await.cursor()));
    assert_eq!(found.next, None);
}

pub async fn terms_of_one_and_two_characters_are_found<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "searched").await;
    holder.create_chat("one").await;
    let texts = (0..300).map(|n| content(if n % 100 == 7 { "a Q😀 here" } else { "nothing" }));
    holder.send_batch(1, texts.collect()).await;
    for query in ["q", "Q😀", "😀", "a q"] {
        assert_eq!(holder.found(query).await, [(1, 208), (1, 108), (1, 8)], "{query}");
    }
    assert_eq!(holder.found("q z").await, []);
}

pub async fn characters_that_mean_something_elsewhere_mean_themselves<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "searched").await;
    holder.create_chat("one").await;
    let bodies = ["100% sure", "a_b*c", "C++ and a:b", "(x) [y] {z}", "back\\slash", "~1 ^2 \"quoted\"", "plain"];
    for body in bodies {
        holder.send(1, body).await;
    }
    let expected = [("%", 1), ("_b*", 2), ("c++", 3), ("a:b", 3), ("(x)", 4), ("{", 4), ("k\\s", 5), ("^2", 6), ("quoted\"", 6)];
    for (query, number) in expected {
        assert_eq!(holder.found(query).await, [(1, number)], "{query}");
    }
    assert_eq!(holder.found(".*").await, []);
    assert_eq!(holder.found("[a-z]").await, []);
}

pub async fn every_write_is_found_by_the_next_search<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "searched").await;
    let mut tasks = JoinSet::new();
    for task in 1..=8 {
        let chat = holder.create_chat("one of many").await.number;
        let holder = holder.clone();
        tasks.spawn(async move {
            for round in 0..25 {
                let (new, edited) = (format!("new{task}x{round}end"), format!("edit{task}x{round}end"));
                let number = holder.send(chat, &new).await.number;
                assert_eq!(holder.found(&new).await, [(chat, number)]);
                holder.edit(chat, number, &edited).await;
                assert_eq!(holder.found(&new).await, [], "the old text is gone");
                assert_eq!(holder.found(&edited).await, [(chat, number)]);
                if round % 2 == 0 {
                    holder.delete_message(chat, number).await;
                    assert_eq!(holder.found(&edited).await, [], "a deleted message is not found");
                }
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(holder.found("edit").await.len(), 8 * 12);
}

pub async fn each_scope_finds_what_lies_in_it<W: World>(world: W) {
    let (one, two) = (
        Holder::of_new_application(&world, "one").await,
        Holder::of_new_application(&world, "two").await,
    );
    for holder in [&one, &two] {
        for chat in 1..=2 {
            holder.create_chat("chat").await;
            holder.send(chat, "the same text").await;
        }
    }
    let engine = &*one.engine;
    let in_chat = hits(engine, &one.in_chat(2), "same", 9).await;
    assert_eq!((places(&in_chat), &in_chat[0].application), (vec![(2, 1)], &one.token));
    let in_application = hits(engine, &two.everywhere(), "same", 9).await;
    assert_eq!(places(&in_application), [(2, 1), (1, 1)]);
    assert!(in_application.iter().all(|hit| hit.application == two.token));
    let everywhere = page(engine, &SearchScope::Everything, "same", None, 9).await;
    assert_eq!((everywhere.hits.len(), everywhere.searched_through), (4, None));
    assert_eq!(rejection(engine.search(request(&one.in_chat(3), "same", None, 9)).await), Rejection::ChatNotFound);
    let nobody = SearchScope::Application(crate::commands::token("nobody"));
    let answer = engine.search(request(&nobody, "same", None, 9)).await;
    assert_eq!(rejection(answer), Rejection::ApplicationNotFound);
}

pub async fn what_lies_below_something_deleted_is_not_found<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "searched").await;
    let mut other = Holder::of_new_application(&world, "other").await;
    for chat in 1..=2 {
        holder.create_chat("chat").await;
        holder.send(chat, "below").await;
    }
    other.create_chat("chat").await;
    other.send(1, "below").await;
    holder.delete_chat(1).await;
    assert_eq!(holder.found("below").await, [(2, 1)]);
    let in_deleted = holder.engine.search(request(&holder.in_chat(1), "below", None, 9)).await;
    assert_eq!(rejection(in_deleted), Rejection::ChatDeleted);
    other.delete_application().await;
    for _ in 0..2 {
        let everywhere = hits(&*holder.engine, &SearchScope::Everything, "below", 9).await;
        assert_eq!(places(&everywhere), [(2, 1)]);
        let in_deleted = holder.engine.search(request(&other.everywhere(), "below", None, 9)).await;
        assert_eq!(rejection(in_deleted), Rejection::ApplicationDeleted);
        let Holder { token, engine } = other;
        drop(engine);
        holder = holder.across_reopen(&mut world).await;
        other = Holder::of(&world, &token);
    }
}

pub async fn pages_of_a_search_repeat_and_miss_nothing_while_others_write<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "searched").await;
    for chat in 1..=3 {
        holder.create_chat("chat").await;
        holder.send_batch(chat, (0..20).map(|_| content("an apple")).collect()).await;
    }
    for scope in [holder.in_chat(2), holder.everywhere(), SearchScope::Everything] {
        let expected = places(&hits(&*holder.engine, &scope, "apple", 200).await);
        let (mut walked, mut after) = (Vec::new(), None);
        loop {
            let page = page(&*holder.engine, &scope, "apple", after, 7).await;
            walked.extend(places(&page.hits));
            let last = page.hits.last().expect("no page is empty, so soon");
            holder.delete_message(last.chat, last.message.number).await;
            holder.send(2, "another apple").await;
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        assert_eq!(walked, expected);
    }
}

pub async fn over_everything_the_time_of_creation_decides<W: World>(world: W) {
    let (one, two) = (
        Holder::of_new_application(&world, "one").await,
        Holder::of_new_application(&world, "two").await,
    );
    one.create_chat("chat").await;
    two.create_chat("chat").await;
    for (index, (holder, at)) in [(&one, 30), (&two, 20), (&one, 10), (&two, 30)].into_iter().enumerate() {
        let line = import_line(&format!("line-{index}"), "same", Some(Timestamp::from_millis(at)));
        holder.write(import_messages(&holder.token, 1, vec![line])).await;
    }
    for limit in [1, 3] {
        let found = hits(&*one.engine, &SearchScope::Everything, "same", limit).await;
        let found: Vec<_> = found.iter().map(|hit| (&hit.application, hit.message.number)).collect();
        assert_eq!(found, [(&two.token, 2), (&one.token, 1), (&two.token, 1), (&one.token, 2)]);
    }
    assert_eq!(one.found("same").await, [(1, 2), (1, 1)], "in an application the position decides");
}

pub async fn a_restored_application_is_found_when_it_is_complete<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "moved").await;
    holder.create_chat("chat").await;
    holder.send_batch(1, (0..40).map(|n| content(&format!("line {n} end"))).collect()).await;
    holder.edit(1, 8, "edited line end").await;
    holder.delete_message(1, 9).await;
    let expected = holder.found("line").await;
    let exported = read_export(&*world.engine(), None).await;
    let elsewhere = W::fresh().await;
    let engine = elsewhere.engine();
    let begun = begin_restore(&*engine, &exported[0]).await;
    restore_entries(&*engine, begun, &exported[0].entries[..20])
        .await
        .expect("they go on where the last ended");
    assert_eq!(hits(&*engine, &SearchScope::Everything, "line", 50).await, []);
    abandon_restore(&*engine, begun).await.expect("it was begun");
    restore(&*engine, &exported, 7).await;
    let restored = Holder::of(&elsewhere, &holder.token);
    assert_eq!(restored.found("line").await, expected);
    assert_eq!(restored.found("edited").await, [(1, 8)]);
}

pub async fn random_queries_find_what_reading_everything_finds<W: World>(world: W) {
    let mut world = world;
    let mut generator = Generator::new(21);
    let mut tokens = Vec::new();
    let mut bodies = Vec::new();
    for name in ["one", "two"] {
        let holder = Holder::of_new_application(&world, name).await;
        for chat in 1..=3 {
            holder.create_chat(name).await;
            let texts: Vec<String> = (0..150).map(|_| generator.message().body).collect();
            holder.send_batch(chat, texts.iter().map(|text| content(text)).collect()).await;
            for number in (1..150).step_by(9) {
                holder.edit(chat, number, &generator.message().body).await;
                holder.delete_message(chat, number + 1).await;
            }
            bodies.extend(texts);
        }
        tokens.push(holder.token);
    }
    let mut queries = Queries::new(22, bodies);
    for round in 0..2 {
        for _ in 0..60 {
            let query = queries.query();
            for token in &tokens {
                let holder = Holder::of(&world, token);
                let in_all = hits(&*holder.engine, &holder.everywhere(), &query, 13).await;
                assert_eq!(in_all, read_through(&holder, &query).await, "{query}");
                let in_one = hits(&*holder.engine, &holder.in_chat(2), &query, 200).await;
                let expected: Vec<Hit> = in_all.into_iter().filter(|hit| hit.chat == 2).collect();
                assert_eq!(in_one, expected, "{query}");
            }
        }
        if round == 0 {
            world.reopen().await;
        }
    }
}

/// Every message of an application, matched one by one, newest first.
async fn read_through(holder: &Holder, query: &str) -> Vec<Hit> {
    let query = Query::parse(query, &Limits::default()).expect("it is a query");
    let mut found = Vec::new();
    for chat in holder.all_chats().await {
        for message in holder.all_messages(chat.number).await {
            let content = message.content.as_ref().map(Arc::clone);
            if let Some(highlights) = content.and_then(|content| query.matches(&content.body)) {
                found.push(Hit {
                    application: holder.token.clone(),
                    chat: chat.number,
                    message,
                    highlights,
                });
            }
        }
    }
    found.sort_by_key(|hit| std::cmp::Reverse(hit.message.created_position));
    found
}

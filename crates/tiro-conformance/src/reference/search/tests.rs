//! The search of the reference engine against what was written.

use tiro_core::{
    Command, Engine, Folded, Found, IfBehind, IfMatch, Limits, Query, Rejection, Request, SearchAfter,
    SearchRequest, SearchScope, Timestamp, Token,
};

use crate::ReferenceEngine;
use crate::commands::{
    create_application, create_chat, create_message, delete_application, delete_chat, delete_message,
    import_line, import_messages, token, update_message,
};
use crate::generator::{Generator, Queries};

async fn write(engine: &ReferenceEngine, command: Command) {
    engine.write(Request::new(command)).await.expect("it is accepted");
}

async fn application(engine: &ReferenceEngine, called: &str, chats: usize) -> Token {
    let token = token(called);
    write(engine, create_application(&token, called)).await;
    for _ in 0..chats {
        write(engine, create_chat(&token, None)).await;
    }
    token
}

fn request(scope: &SearchScope, query: &str, after: Option<SearchAfter>, limit: u32) -> SearchRequest {
    SearchRequest {
        scope: scope.clone(),
        query: Query::parse(query, &Limits::default()).expect("it is a query"),
        after,
        limit,
        if_behind: IfBehind::Refuse,
    }
}

fn page(
    engine: &ReferenceEngine,
    scope: &SearchScope,
    query: &str,
    after: Option<SearchAfter>,
    limit: u32,
) -> Found {
    engine
        .state()
        .search(&request(scope, query, after, limit))
        .expect("it can be searched")
}

/// Chat and number of every hit, by pages of `limit`.
fn walk(engine: &ReferenceEngine, scope: &SearchScope, query: &str, limit: u32) -> Vec<(Token, u64, u64)> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = page(engine, scope, query, after, limit);
        assert!(page.hits.len() <= limit as usize);
        assert!(page.hits.iter().all(|hit| !hit.highlights.is_empty()));
        found.extend(
            page.hits
                .into_iter()
                .map(|hit| (hit.application, hit.chat, hit.message.number)),
        );
        let Some(next) = page.next else { return found };
        after = Some(next);
    }
}

fn contains_all(query: &str, body: &str) -> bool {
    let (query, body) = (Query::parse(query, &Limits::default()), Folded::of(body));
    let query = query.expect("it is a query");
    query.terms().iter().all(|term| body.contains(&**term.folded()))
}

#[tokio::test]
async fn every_query_finds_what_contains_its_terms_in_each_scope_newest_first() {
    let engine = ReferenceEngine::new();
    let tokens = [
        application(&engine, "one", 2).await,
        application(&engine, "two", 2).await,
    ];
    let mut generator = Generator::new(11);
    let mut written = Vec::new();
    for index in 0..400 {
        let (token, chat) = (&tokens[index % 2], index as u64 / 2 % 2 + 1);
        let body = generator.message().body;
        write(&engine, create_message(token, chat, &body)).await;
        written.push((token.clone(), chat, index as u64 / 4 + 1, body));
    }
    written.reverse();
    let mut queries = Queries::new(12, written.iter().map(|(.., body)| body.clone()).collect());
    for _ in 0..100 {
        let query = queries.query();
        let found_in = |token: &Token, in_chat: Option<u64>| -> Vec<(Token, u64, u64)> {
            let of_scope = written
                .iter()
                .filter(|(of, chat, ..)| of == token && in_chat.is_none_or(|only| only == *chat));
            let matching = of_scope.filter(|(.., body)| contains_all(&query, body));
            matching
                .map(|(of, chat, number, _)| (of.clone(), *chat, *number))
                .collect()
        };
        for token in &tokens {
            let scope = SearchScope::Application(token.clone());
            assert_eq!(walk(&engine, &scope, &query, 7), found_in(token, None), "{query}");
            let scope = SearchScope::Chat {
                token: token.clone(),
                number: 2,
            };
            assert_eq!(
                walk(&engine, &scope, &query, 200),
                found_in(token, Some(2)),
                "{query}"
            );
        }
        let mut everywhere = walk(&engine, &SearchScope::Everything, &query, 5);
        let mut expected = [found_in(&tokens[0], None), found_in(&tokens[1], None)].concat();
        everywhere.sort();
        expected.sort();
        assert_eq!(everywhere, expected, "{query}");
    }
}

#[tokio::test]
async fn edits_and_deletes_are_seen_by_the_next_search() {
    let engine = ReferenceEngine::new();
    let token = application(&engine, "one", 2).await;
    let scope = SearchScope::Application(token.clone());
    for chat in [1, 1, 2] {
        write(&engine, create_message(&token, chat, "the apple")).await;
    }
    let found = |query: &str| -> Vec<(u64, u64)> {
        walk(&engine, &scope, query, 50)
            .into_iter()
            .map(|(_, chat, number)| (chat, number))
            .collect()
    };
    assert_eq!(found("apple"), [(2, 1), (1, 2), (1, 1)]);
    write(
        &engine,
        update_message(&token, (1, 2), IfMatch::Any, Some("the pear")),
    )
    .await;
    assert_eq!(
        (found("apple"), found("pear")),
        (vec![(2, 1), (1, 1)], vec![(1, 2)])
    );
    write(&engine, delete_message(&token, 1, 1)).await;
    assert_eq!(found("apple"), [(2, 1)]);
    write(&engine, delete_chat(&token, 2)).await;
    assert_eq!(found("apple"), []);
    let deleted_chat = SearchScope::Chat {
        token: token.clone(),
        number: 2,
    };
    assert_eq!(
        engine.state().search(&request(&deleted_chat, "apple", None, 1)),
        Err(Rejection::ChatDeleted.into())
    );
    write(&engine, delete_application(&token)).await;
    assert_eq!(
        engine.state().search(&request(&scope, "pear", None, 1)),
        Err(Rejection::ApplicationDeleted.into())
    );
    assert_eq!(walk(&engine, &SearchScope::Everything, "pear", 1), []);
}

#[tokio::test]
async fn over_everything_the_time_of_creation_decides_and_in_an_application_the_position() {
    let engine = ReferenceEngine::with_clock(std::sync::Arc::new(|| Timestamp::from_millis(1_000)));
    let tokens = [
        application(&engine, "one", 1).await,
        application(&engine, "two", 1).await,
    ];
    for (index, (token, at)) in [(0, 30), (1, 20), (0, 10), (1, 30)].into_iter().enumerate() {
        let line = import_line(&format!("line-{index}"), "same", Some(Timestamp::from_millis(at)));
        write(&engine, import_messages(&tokens[token], 1, vec![line])).await;
    }
    let [one, two] = tokens;
    let everywhere = walk(&engine, &SearchScope::Everything, "same", 1);
    let expected = [(&two, 2), (&one, 1), (&two, 1), (&one, 2)];
    assert_eq!(
        everywhere,
        expected.map(|(token, number)| (token.clone(), 1, number))
    );
    let in_one = walk(&engine, &SearchScope::Application(one.clone()), "same", 1);
    assert_eq!(in_one, [(one.clone(), 1, 2), (one, 1, 1)]);
}

#[tokio::test]
async fn pages_repeat_and_miss_nothing_while_others_write() {
    let engine = ReferenceEngine::new();
    let token = application(&engine, "one", 1).await;
    for scope in [SearchScope::Application(token.clone()), SearchScope::Everything] {
        for _ in 0..10 {
            write(&engine, create_message(&token, 1, "apple")).await;
        }
        let expected: Vec<u64> = walk(&engine, &scope, "apple", 50)
            .into_iter()
            .map(|hit| hit.2)
            .collect();
        let (mut numbers, mut after) = (Vec::new(), None);
        loop {
            let page = page(&engine, &scope, "apple", after, 3);
            numbers.extend(page.hits.iter().map(|hit| hit.message.number));
            // What was seen is deleted, what comes is new: neither moves the rest.
            if let Some(last) = page.hits.last() {
                write(&engine, delete_message(&token, 1, last.message.number)).await;
            }
            write(&engine, create_message(&token, 1, "apple")).await;
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        assert_eq!(numbers, expected);
    }
}

#[tokio::test]
async fn a_page_of_long_hits_ends_early_and_goes_on() {
    let engine = ReferenceEngine::new();
    let token = application(&engine, "one", 1).await;
    let body = format!("{} apple", "x".repeat(60_000));
    for _ in 0..100 {
        write(&engine, create_message(&token, 1, &body)).await;
    }
    let scope = SearchScope::Application(token.clone());
    let first = page(&engine, &scope, "apple", None, 100);
    assert_eq!(first.hits.len(), 70, "4 MiB are 69.9 of them");
    assert_eq!(walk(&engine, &scope, "apple", 100).len(), 100);
    let seen = engine.application(&token).await.expect("it is live");
    assert_eq!(first.searched_through, Some(seen.cursor));
}

//! The index as a medium: lost, damaged, foreign or behind, it is made anew and nothing is lost; and it holds its bounds.

mod medium;
mod verifies;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tiro_conformance::Generator;
use tiro_conformance::generator::Queries;
use tiro_core::{
    Body, Command, Engine, Failure, Found, IfBehind, IfMatch, Limits, MessageContent, MetadataChange,
    Outcome, Query, SearchRequest, SearchScope, Searched, Shortage, UpdateMessage,
};

use super::{Store, open, options};
use crate::{EmbeddedEngine, SearchOptions};

impl Store {
    fn everywhere(&self) -> SearchScope {
        SearchScope::Application(self.token.clone())
    }

    fn request(&self, query: &str) -> SearchRequest {
        SearchRequest {
            scope: self.everywhere(),
            query: Query::parse(query, &Limits::default()).unwrap(),
            after: None,
            limit: 200,
            if_behind: IfBehind::Refuse,
        }
    }

    fn search(&self, request: SearchRequest) -> Result<Searched, Failure> {
        block_on(self.engine().search(request))
    }

    fn page(&self, request: SearchRequest) -> Found {
        match self.search(request) {
            Ok(Searched::Found(found)) => found,
            other => panic!(
                "hits were expected, not {other:?}: {:?}",
                self.engine().health().remarks
            ),
        }
    }

    /// Chat and number of all hits, in pages.
    fn found(&self, query: &str) -> Vec<(u64, u64)> {
        let (mut found, mut request) = (Vec::new(), self.request(query));
        loop {
            let page = self.page(request.clone());
            found.extend(page.hits.iter().map(|hit| (hit.chat, hit.message.number)));
            request.after = page.next;
            if request.after.is_none() {
                return found;
            }
        }
    }

    fn send_text(&self, chat: u64, text: &str) -> u64 {
        let content = content(text);
        let token = self.token.clone();
        match self.write(Command::CreateMessage { token, chat, content }) {
            Outcome::Message(message) => message.number,
            other => panic!("a message was created, not {other:?}"),
        }
    }

    fn edit(&self, chat: u64, number: u64, text: &str) {
        self.write(Command::UpdateMessage(UpdateMessage {
            token: self.token.clone(),
            chat,
            number,
            if_match: IfMatch::Any,
            body: Some(Body::new(text, &Limits::default()).unwrap()),
            metadata: MetadataChange::Keep,
        }));
    }

    fn index(&self) -> PathBuf {
        self.path().join("index")
    }

    fn reopen_with(&mut self, search: SearchOptions) {
        if self.engine.is_some() {
            self.close();
        }
        self.engine =
            Some(EmbeddedEngine::open(self.path(), crate::Options { search, ..options() }).unwrap());
    }
}

fn content(text: &str) -> Arc<MessageContent> {
    Arc::new(MessageContent {
        body: Body::new(text, &Limits::default()).unwrap(),
        sender: None,
        metadata: None,
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn written() -> Store {
    let mut store = Store::with_one_chat();
    store.create_chat();
    store.send(1, 500);
    store.send(2, 500);
    store.edit(1, 7, "an apple");
    store.edit(1, 7, "a pear");
    store.delete_message(1, 8);
    store.reopen();
    store
}

fn assert_complete(store: &Store) {
    assert_eq!(store.found("apple"), []);
    assert_eq!(store.found("pear"), [(1, 7)]);
    assert_eq!(store.found("1/6"), {
        // Messages are numbered from 1 and say how many were before; numbers 7 and 8 say it no more.
        let mut expected: Vec<(u64, u64)> = (60..70).rev().map(|n| (1, n + 1)).collect();
        expected.retain(|place| place.1 > 8);
        expected
    });
    assert_eq!(store.found("/499").len(), 2);
    assert_eq!(store.found("2/").len(), 500);
}

/// Nothing is found while the index cannot be made: its place is taken by a file.
#[test]
fn while_the_index_is_behind_a_search_says_so_or_answers_in_part() {
    let mut store = written();
    store.close();
    std::fs::remove_dir_all(store.index()).unwrap();
    std::fs::write(store.index(), "in the way").unwrap();
    store.reopen_with(SearchOptions {
        deadline: Duration::from_millis(200),
        retry_interval: Duration::from_millis(10),
        ..SearchOptions::default()
    });
    let Ok(Searched::Behind(behind)) = store.search(store.request("pear")) else {
        panic!("nothing can be found")
    };
    let reached = behind.searched_through.unwrap();
    assert_eq!(reached.position, 0);
    let in_part = SearchRequest {
        if_behind: IfBehind::AnswerInPart,
        ..store.request("pear")
    };
    let found = store.page(in_part);
    assert_eq!((found.hits.len(), found.searched_through), (0, Some(reached)));
    let remarks = store.engine().health().remarks;
    assert!(
        remarks.iter().any(|remark| remark.contains("search index")),
        "{remarks:?}"
    );
    let number = store.send_text(1, "written meanwhile");
    std::fs::remove_file(store.index()).unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while !matches!(store.search(store.request("pear")), Ok(Searched::Found(_))) {
        assert!(Instant::now() < until, "the index is tried again");
    }
    assert_complete(&store);
    assert_eq!(store.found("meanwhile"), [(1, number)]);
}

#[test]
fn at_the_bound_of_the_tail_writes_wait_for_the_index_and_go_on() {
    let mut store = Store::with_one_chat();
    store.reopen_with(SearchOptions {
        commit_messages: 100,
        tail_messages_max: 300,
        ..SearchOptions::default()
    });
    for _ in 0..20 {
        store.send(1, 1000);
    }
    assert_eq!(store.found("1/999").len(), 20);
}

#[test]
fn more_searches_than_may_wait_are_refused() {
    let mut store = Store::with_one_chat();
    store.reopen_with(SearchOptions {
        waiting_max: 0,
        ..SearchOptions::default()
    });
    match store.search(store.request("pear")) {
        Err(Failure::Unavailable(unavailable)) => assert_eq!(unavailable.shortage, Shortage::Overloaded),
        other => panic!("no search may wait, but it was answered {other:?}"),
    }
}

#[test]
fn a_page_that_ends_at_its_bound_goes_on_and_the_walk_is_the_same() {
    let mut store = written();
    let (rare, common, short) = (store.found("/77"), store.found("2/"), store.found("7"));
    assert_eq!((rare.len(), common.len()), (2, 500));
    for (examined_max, candidates_max) in [(1, 65_536), (100_000, 1), (30, 3)] {
        store.reopen_with(SearchOptions {
            examined_max,
            candidates_max,
            ..SearchOptions::default()
        });
        assert_eq!(store.found("/77"), rare);
        assert_eq!(store.found("2/"), common);
        assert_eq!(store.found("7"), short);
    }
}

/// What a thread of the load test knows of its own messages.
fn write_and_search(store: &Store, chat: u64, rounds: u64, misses: &AtomicU64) {
    for round in 0..rounds {
        let (new, edited) = (format!("n{chat}r{round}z"), format!("e{chat}r{round}z"));
        let expect = |query: &str, expected: &[(u64, u64)]| {
            if store.found(query) != expected {
                misses.fetch_add(1, Ordering::Relaxed);
            }
        };
        let number = store.send_text(chat, &format!("says {new} at once"));
        expect(&new, &[(chat, number)]);
        store.edit(chat, number, &format!("says {edited} instead"));
        expect(&new, &[]);
        expect(&edited, &[(chat, number)]);
        if round % 3 == 0 {
            store.delete_message(chat, number);
            expect(&edited, &[]);
        }
    }
}

#[test]
fn thirty_two_threads_under_load_find_all_that_they_wrote_edited_and_deleted() {
    let mut store = Store::with_one_chat();
    store.reopen_with(SearchOptions {
        commit_interval: Duration::from_millis(20),
        commit_messages: 500,
        ..SearchOptions::default()
    });
    for _ in 0..32 {
        store.create_chat();
    }
    let misses = AtomicU64::new(0);
    let (store, misses) = (&store, &misses);
    std::thread::scope(|scope| {
        scope.spawn(|| (0..20).for_each(|_| store.send(1, 2_000)));
        for chat in 2..=33 {
            scope.spawn(move || write_and_search(store, chat, 12, misses));
        }
    });
    assert_eq!(misses.load(Ordering::Relaxed), 0);
}

#[test]
fn random_queries_over_a_generated_corpus_find_what_a_linear_scan_finds() {
    let mut store = Store::with_one_chat();
    store.create_chat();
    let mut generator = Generator::new(31);
    let mut written = Vec::new();
    for round in 0..40_u64 {
        let chat = round % 2 + 1;
        let bodies: Vec<String> = (0..100).map(|_| generator.message().body).collect();
        let messages = bodies.iter().map(|body| content(body)).collect();
        let token = store.token.clone();
        store.write(Command::CreateMessages {
            token,
            chat,
            messages,
        });
        let numbers = (1..)
            .zip(bodies)
            .map(|(step, body)| (chat, round / 2 * 100 + step, body));
        written.extend(numbers);
        if round == 20 {
            store.reopen();
        }
    }
    written.reverse();
    let mut queries = Queries::new(32, written.iter().map(|(.., body)| body.clone()).collect());
    for _ in 0..200 {
        let query = queries.query();
        let parsed = Query::parse(&query, &Limits::default()).unwrap();
        let expected = written.iter().filter(|(.., body)| parsed.matches(body).is_some());
        let expected: Vec<(u64, u64)> = expected.map(|(chat, number, _)| (*chat, *number)).collect();
        assert_eq!(store.found(&query), expected, "{query}");
    }
}

#[test]
fn an_engine_closes_at_once_while_a_search_waits_for_the_index() {
    let mut store = written();
    store.close();
    std::fs::remove_dir_all(store.index()).unwrap();
    store.engine = Some(open(store.path()).unwrap());
    let mut waiting = store.engine().search(store.request("pear"));
    let began = Instant::now();
    // The search was handed over when it was called; its answer comes, whatever it is.
    store.engine().close().unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
    let answer = block_on(std::future::poll_fn(|context| waiting.as_mut().poll(context)));
    assert!(
        matches!(answer, Ok(_) | Err(Failure::Unavailable(_))),
        "{answer:?}"
    );
}

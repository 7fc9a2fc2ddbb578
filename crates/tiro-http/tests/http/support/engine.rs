//! The reference engine, which can be told to fail, to panic, to hold writes back, to park creates, or to have an index that is
//! behind.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tiro_conformance::ReferenceEngine;
use tiro_core::{
    Application, ApplicationsAfter, CachedPages, Changed, Changes, ChangesRequest, Chat, Cursor, Engine,
    Export, Failure, Health, IfBehind, Lists, LiveRange, Message, NumberRange, OperationState, Page, Parked,
    Pending, RateLimit, RateLimiter, ReadState, ReaderName, Reply, Request, SearchBehind, SearchRequest,
    Searched, Seen, Shortage, Token,
};
use tokio::sync::watch;

/// Keeps the contract until it is told otherwise.
pub(crate) struct TestEngine {
    inner: ReferenceEngine,
    /// What the next writes answer, if it is set.
    failure: Mutex<Option<Failure>>,
    blocked: Mutex<Option<Shortage>>,
    panics: Mutex<bool>,
    parking: Mutex<Parking>,
    /// How far the index is and when to ask again, if it is behind.
    behind: Mutex<Option<SearchBehind>>,
    searches_hang: Mutex<bool>,
    /// How many pages of messages were read.
    pages: Arc<AtomicUsize>,
    /// Writes are answered while this is true.
    answering: watch::Sender<bool>,
    /// How many writes were taken over.
    writes: watch::Sender<usize>,
    /// How often somebody began to wait for a feed.
    waits: watch::Sender<usize>,
    /// What nodes of the engine share.
    limiter: Option<Arc<dyn RateLimiter>>,
}

impl Default for TestEngine {
    fn default() -> TestEngine {
        TestEngine {
            inner: ReferenceEngine::new(),
            failure: Mutex::default(),
            blocked: Mutex::default(),
            panics: Mutex::default(),
            parking: Mutex::default(),
            behind: Mutex::default(),
            searches_hang: Mutex::default(),
            pages: Arc::default(),
            answering: watch::Sender::new(true),
            writes: watch::Sender::new(0),
            waits: watch::Sender::new(0),
            limiter: None,
        }
    }
}

/// What becomes of creates that are to be parked.
#[derive(Default)]
struct Parking {
    parks: bool,
    failure: Option<Failure>,
    parked: Vec<Request>,
    /// What all operations say, once it is set.
    settled: Option<OperationState>,
}

impl TestEngine {
    /// An engine whose nodes share these buckets.
    pub(crate) fn limited_by(limiter: Arc<dyn RateLimiter>) -> TestEngine {
        TestEngine {
            limiter: Some(limiter),
            ..TestEngine::default()
        }
    }

    /// From now on creates under a key are parked, if that is wished for, and never carried out.
    pub(crate) fn park_creates(&self) {
        self.parking.lock().unwrap().parks = true;
    }

    /// What is to be parked from now on fails.
    pub(crate) fn fail_parking(&self, failure: Failure) {
        self.parking.lock().unwrap().failure = Some(failure);
    }

    /// What was parked, in order. The first is called `op_1`.
    pub(crate) fn parked(&self) -> Vec<Request> {
        self.parking.lock().unwrap().parked.clone()
    }

    /// What all operations say from now on.
    pub(crate) fn settle(&self, state: OperationState) {
        self.parking.lock().unwrap().settled = Some(state);
    }

    pub(crate) fn fail_writes(&self, failure: Failure) {
        *self.failure.lock().unwrap() = Some(failure);
    }

    pub(crate) fn block_writes(&self, shortage: Shortage) {
        *self.blocked.lock().unwrap() = Some(shortage);
    }

    pub(crate) fn panic_on_reads(&self) {
        *self.panics.lock().unwrap() = true;
    }

    /// From now on searches know nothing of what lies behind this place of the feed.
    pub(crate) fn fall_behind(&self, searched_through: Option<Cursor>, retry_after: Duration) {
        *self.behind.lock().unwrap() = Some(SearchBehind {
            searched_through,
            retry_after,
        });
    }

    /// From now on searches never end.
    pub(crate) fn hang_searches(&self) {
        *self.searches_hang.lock().unwrap() = true;
    }

    /// How many pages of messages were read so far.
    pub(crate) fn pages_of_messages(&self) -> usize {
        self.pages.load(Ordering::Relaxed)
    }

    /// Takes writes over, but answers none until [`TestEngine::answer`].
    pub(crate) fn hold_answers(&self) {
        self.answering.send_replace(false);
    }

    pub(crate) fn answer(&self) {
        self.answering.send_replace(true);
    }

    /// Waits until somebody waits for a feed.
    pub(crate) async fn is_waited_for(&self) {
        self.waits.subscribe().wait_for(|waits| *waits > 0).await.unwrap();
    }

    /// Waits until so many writes were taken over.
    pub(crate) async fn wrote(&self, count: usize) {
        self.writes
            .subscribe()
            .wait_for(|writes| *writes >= count)
            .await
            .unwrap();
    }
}

impl Lists for TestEngine {
    fn applications(
        &self,
        after: Option<ApplicationsAfter>,
        limit: u32,
    ) -> Pending<'_, Page<Application, ApplicationsAfter>> {
        self.inner.applications(after, limit)
    }

    fn chats<'a>(&'a self, token: &'a Token, range: NumberRange) -> Pending<'a, Page<Chat>> {
        self.inner.chats(token, range)
    }

    fn messages<'a>(&'a self, token: &'a Token, chat: u64, range: NumberRange) -> Pending<'a, Page<Message>> {
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.inner.messages(token, chat, range)
    }
}

impl Engine for TestEngine {
    fn write(&self, request: Request) -> Pending<'static, Reply> {
        let reply = match self.failure.lock().unwrap().clone() {
            Some(failure) => Box::pin(std::future::ready(Err(failure))),
            None => self.inner.write(request),
        };
        self.writes.send_modify(|writes| *writes += 1);
        let mut answering = self.answering.subscribe();
        Box::pin(async move {
            answering.wait_for(|answering| *answering).await.unwrap();
            reply.await
        })
    }

    fn cached_pages(&self) -> Option<CachedPages> {
        Some(CachedPages {
            shown: 4,
            missing: 3,
            changed: 2,
            unreadable: 1,
        })
    }

    fn park(&self, request: Request) -> Pending<'_, Parked> {
        let mut parking = self.parking.lock().unwrap();
        let answer = match parking.failure.clone() {
            Some(failure) => Err(failure),
            None if parking.parks => {
                parking.parked.push(request);
                Ok(Parked::Kept(format!("op_{}", parking.parked.len())))
            }
            None => return self.inner.park(request),
        };
        Box::pin(std::future::ready(answer))
    }

    fn operation<'a>(&'a self, token: &'a Token, name: &'a str) -> Pending<'a, OperationState> {
        let parking = self.parking.lock().unwrap();
        let named = (1..=parking.parked.len()).any(|number| name == format!("op_{number}"));
        if !named {
            return self.inner.operation(token, name);
        }
        let state = parking.settled.clone().unwrap_or(OperationState::Pending);
        Box::pin(std::future::ready(Ok(state)))
    }

    fn application<'a>(&'a self, token: &'a Token) -> Pending<'a, Seen<Application>> {
        assert!(!*self.panics.lock().unwrap(), "told to panic");
        self.inner.application(token)
    }

    fn chat<'a>(&'a self, token: &'a Token, chat: u64) -> Pending<'a, Seen<Chat>> {
        self.inner.chat(token, chat)
    }

    fn live_chats<'a>(&'a self, token: &'a Token, range: LiveRange) -> Pending<'a, Page<Chat>> {
        self.inner.live_chats(token, range)
    }

    fn live_messages<'a>(
        &'a self,
        token: &'a Token,
        chat: u64,
        range: LiveRange,
    ) -> Pending<'a, Page<Message>> {
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.inner.live_messages(token, chat, range)
    }

    fn chats_by_activity<'a>(
        &'a self,
        token: &'a Token,
        before: Option<u64>,
        limit: u32,
    ) -> Pending<'a, Page<Chat>> {
        self.inner.chats_by_activity(token, before, limit)
    }

    fn message<'a>(&'a self, token: &'a Token, chat: u64, number: u64) -> Pending<'a, Seen<Message>> {
        self.inner.message(token, chat, number)
    }

    fn search(&self, request: SearchRequest) -> Pending<'_, Searched> {
        if *self.searches_hang.lock().unwrap() {
            return Box::pin(std::future::pending());
        }
        let Some(behind) = self.behind.lock().unwrap().clone() else {
            return self.inner.search(request);
        };
        if request.if_behind == IfBehind::Refuse {
            return Box::pin(std::future::ready(Ok(Searched::Behind(behind))));
        }
        Box::pin(async move {
            let Searched::Found(mut found) = self.inner.search(request).await? else {
                panic!("the reference engine is never behind");
            };
            if let Some(reached) = &behind.searched_through {
                found
                    .hits
                    .retain(|hit| hit.message.created_position <= reached.position);
            }
            found.searched_through = behind.searched_through;
            Ok(Searched::Found(found))
        })
    }

    fn changes(&self, request: ChangesRequest) -> Pending<'_, Changes> {
        self.inner.changes(request)
    }

    fn changed<'a>(&'a self, token: &'a Token, position: u64) -> Pending<'a, Changed> {
        self.waits.send_modify(|waits| *waits += 1);
        self.inner.changed(token, position)
    }

    fn reader<'a>(
        &'a self,
        token: &'a Token,
        chat: u64,
        reader: &'a ReaderName,
    ) -> Pending<'a, Seen<ReadState>> {
        self.inner.reader(token, chat, reader)
    }

    fn unread_chats<'a>(
        &'a self,
        token: &'a Token,
        reader: &'a ReaderName,
        after: u64,
        limit: u32,
    ) -> Pending<'a, Page<ReadState>> {
        self.inner.unread_chats(token, reader, after, limit)
    }

    fn lists(&self) -> Pending<'_, Box<dyn Lists>> {
        Box::pin(async {
            let lists = self.inner.lists().await?;
            let pages = Arc::clone(&self.pages);
            Ok(Box::new(CountedLists { lists, pages }) as Box<dyn Lists>)
        })
    }

    fn export(&self, token: Option<Token>) -> Pending<'_, Box<dyn Export>> {
        self.inner.export(token)
    }

    fn rate_limiter(&self, _limit: RateLimit) -> Option<Arc<dyn RateLimiter>> {
        self.limiter.clone()
    }

    fn health(&self) -> Health {
        Health {
            writes_blocked: *self.blocked.lock().unwrap(),
            ..self.inner.health()
        }
    }
}

/// The lists of one moment, whose pages count with the others.
struct CountedLists {
    lists: Box<dyn Lists>,
    pages: Arc<AtomicUsize>,
}

impl Lists for CountedLists {
    fn applications(
        &self,
        after: Option<ApplicationsAfter>,
        limit: u32,
    ) -> Pending<'_, Page<Application, ApplicationsAfter>> {
        self.lists.applications(after, limit)
    }

    fn chats<'a>(&'a self, token: &'a Token, range: NumberRange) -> Pending<'a, Page<Chat>> {
        self.lists.chats(token, range)
    }

    fn messages<'a>(&'a self, token: &'a Token, chat: u64, range: NumberRange) -> Pending<'a, Page<Message>> {
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.lists.messages(token, chat, range)
    }
}

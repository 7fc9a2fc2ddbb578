//! The reference engine, watched: it can be made short of something, and it tells when a restore was given up.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tiro_conformance::ReferenceEngine;
use tiro_core::{
    Application, ApplicationsAfter, Changed, Changes, ChangesRequest, Chat, Command, Engine, Export, Failure,
    Health, Lists, LiveRange, Message, NumberRange, Page, Pending, ReadState, ReaderName, Reply, Request,
    SearchRequest, Searched, Seen, Shortage, Timestamp, Token, Unavailable,
};
use tokio::sync::Semaphore;

pub(super) struct Watched {
    inner: ReferenceEngine,
    /// What the next writes fail with; `None` lets one through.
    shortages: Mutex<VecDeque<Option<Shortage>>>,
    /// A permit for each restore that was given up.
    abandoned: Semaphore,
}

impl Watched {
    pub(super) fn new() -> Watched {
        // A second for each write, so that the order of applications in an export is that of their creation.
        let writes = AtomicI64::new(0);
        Watched {
            inner: ReferenceEngine::with_clock(Arc::new(move || {
                Timestamp::from_millis(1_700_000_000_000 + writes.fetch_add(1_000, Ordering::Relaxed))
            })),
            shortages: Mutex::default(),
            abandoned: Semaphore::new(0),
        }
    }

    /// Makes the next writes fail, one for each.
    pub(super) fn run_short(&self, shortages: impl IntoIterator<Item = Option<Shortage>>) {
        self.shortages.lock().unwrap().extend(shortages);
    }

    /// Waits until a restore is given up.
    pub(super) async fn restore_given_up(&self) {
        self.abandoned.acquire().await.unwrap().forget();
    }

    pub(super) fn restores_given_up(&self) -> usize {
        self.abandoned.available_permits()
    }
}

impl Lists for Watched {
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
        self.inner.messages(token, chat, range)
    }
}

impl Engine for Watched {
    fn write(&self, request: Request) -> Pending<'static, Reply> {
        if let Some(Some(shortage)) = self.shortages.lock().unwrap().pop_front() {
            let unavailable = Unavailable {
                shortage,
                retry_after: Duration::from_millis(1),
            };
            return Box::pin(std::future::ready(Err(Failure::Unavailable(unavailable))));
        }
        let abandons = matches!(request.command, Command::AbandonRestore { .. });
        let reply = self.inner.write(request);
        if abandons {
            self.abandoned.add_permits(1);
        }
        reply
    }

    fn application<'a>(&'a self, token: &'a Token) -> Pending<'a, Seen<Application>> {
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
        self.inner.search(request)
    }

    fn changes(&self, request: ChangesRequest) -> Pending<'_, Changes> {
        self.inner.changes(request)
    }

    fn changed<'a>(&'a self, token: &'a Token, position: u64) -> Pending<'a, Changed> {
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
        self.inner.lists()
    }

    fn export(&self, token: Option<Token>) -> Pending<'_, Box<dyn Export>> {
        self.inner.export(token)
    }

    fn health(&self) -> Health {
        self.inner.health()
    }
}

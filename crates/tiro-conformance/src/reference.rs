//! An engine in memory: simple and obviously right rather than fast, and nothing survives it.
//!
//! One mutex holds the whole state. A write finds its facts there, decides, applies and stores before it returns;
//! a read answers from the state as it is; an export reads a copy of it.

mod export;
mod feed;
mod lists;
mod live;
mod search;
mod state;

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use tiro_core::{
    Application, ApplicationsAfter, Changed, Changes, ChangesRequest, Chat, Engine, Export, Failure, Health,
    Lists, LiveRange, Message, NumberRange, Page, Pending, ReadState, ReaderName, Reply, Request,
    SearchRequest, Searched, Seen, Timestamp, Token,
};

use state::State;
use tokio::sync::Notify;

/// Where an engine takes the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The engine to compare the others with, and to test against where none is needed.
pub struct ReferenceEngine {
    /// All there is. Never held across an await.
    state: Mutex<State>,
    clock: Clock,
    /// Tells who waits for a feed that there was a write.
    written: Notify,
}

impl Default for ReferenceEngine {
    fn default() -> ReferenceEngine {
        ReferenceEngine::new()
    }
}

impl ReferenceEngine {
    /// An empty engine that takes the time from the system.
    #[must_use]
    pub fn new() -> ReferenceEngine {
        ReferenceEngine::with_clock(Arc::new(system_time))
    }

    /// An empty engine that takes the time from `clock`, once per write.
    #[must_use]
    pub fn with_clock(clock: Clock) -> ReferenceEngine {
        ReferenceEngine {
            state: Mutex::new(State::default()),
            clock,
            written: Notify::new(),
        }
    }

    /// Writes requests as one batch, as engines do with what waits at the same time; answers in their order.
    pub fn write_batch(&self, requests: &[Request]) -> Vec<Result<Reply, Failure>> {
        let now = (self.clock)();
        let answers = self.state().write(requests, now);
        self.written.notify_waiters();
        answers
            .into_iter()
            .map(|answer| answer.map_err(Failure::from))
            .collect()
    }

    /// What opening means to an engine without a disk: restores that were not finished are dropped.
    pub fn reopen(&self) {
        self.state().forget_unfinished_restores();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("a panic inside a write is a bug of the core, and ends the engine")
    }
}

fn system_time() -> Timestamp {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    };
    Timestamp::from_millis(millis)
}

/// An answer that is there already.
fn ready<T: Send + 'static>(answer: Result<T, Failure>) -> Pending<'static, T> {
    Box::pin(std::future::ready(answer))
}

impl Lists for ReferenceEngine {
    fn applications(
        &self,
        after: Option<ApplicationsAfter>,
        limit: u32,
    ) -> Pending<'_, Page<Application, ApplicationsAfter>> {
        ready(Ok(self.state().list_applications(after.as_ref(), limit)))
    }

    fn chats<'a>(&'a self, token: &'a Token, range: NumberRange) -> Pending<'a, Page<Chat>> {
        ready(self.state().list_chats(token, range))
    }

    fn messages<'a>(&'a self, token: &'a Token, chat: u64, range: NumberRange) -> Pending<'a, Page<Message>> {
        ready(self.state().list_messages(token, chat, range))
    }
}

impl Engine for ReferenceEngine {
    fn write(&self, request: Request) -> Pending<'static, Reply> {
        let mut answers = self.write_batch(&[request]);
        ready(answers.pop().expect("every request has an answer"))
    }

    fn application<'a>(&'a self, token: &'a Token) -> Pending<'a, Seen<Application>> {
        ready(self.state().get_application(token))
    }

    fn chat<'a>(&'a self, token: &'a Token, chat: u64) -> Pending<'a, Seen<Chat>> {
        ready(self.state().get_chat(token, chat))
    }

    fn live_chats<'a>(&'a self, token: &'a Token, range: LiveRange) -> Pending<'a, Page<Chat>> {
        ready(self.state().list_live_chats(token, range))
    }

    fn live_messages<'a>(
        &'a self,
        token: &'a Token,
        chat: u64,
        range: LiveRange,
    ) -> Pending<'a, Page<Message>> {
        ready(self.state().list_live_messages(token, chat, range))
    }

    fn chats_by_activity<'a>(
        &'a self,
        token: &'a Token,
        before: Option<u64>,
        limit: u32,
    ) -> Pending<'a, Page<Chat>> {
        ready(self.state().list_chats_by_activity(token, before, limit))
    }

    fn message<'a>(&'a self, token: &'a Token, chat: u64, number: u64) -> Pending<'a, Seen<Message>> {
        ready(self.state().get_message(token, chat, number))
    }

    fn search(&self, request: SearchRequest) -> Pending<'_, Searched> {
        ready(self.state().search(&request).map(Searched::Found))
    }

    fn changes(&self, request: ChangesRequest) -> Pending<'_, Changes> {
        ready(self.state().list_changes(&request))
    }

    fn changed<'a>(&'a self, token: &'a Token, position: u64) -> Pending<'a, Changed> {
        Box::pin(async move {
            loop {
                // Whoever writes after this looks for who waits, and what was written before is seen below.
                let mut written = pin!(self.written.notified());
                written.as_mut().enable();
                let changed = self.state().changed_since(token, position)?;
                if let Some(changed) = changed {
                    return Ok(changed);
                }
                written.await;
            }
        })
    }

    fn reader<'a>(
        &'a self,
        token: &'a Token,
        chat: u64,
        reader: &'a ReaderName,
    ) -> Pending<'a, Seen<ReadState>> {
        ready(self.state().get_reader(token, chat, reader))
    }

    fn unread_chats<'a>(
        &'a self,
        token: &'a Token,
        reader: &'a ReaderName,
        after: u64,
        limit: u32,
    ) -> Pending<'a, Page<ReadState>> {
        ready(self.state().list_unread_chats(token, reader, after, limit))
    }

    fn lists(&self) -> Pending<'_, Box<dyn Lists>> {
        ready(Ok(Box::new(ReferenceEngine {
            state: Mutex::new(self.state().clone()),
            clock: Arc::clone(&self.clock),
            written: Notify::new(),
        })))
    }

    fn export(&self, token: Option<Token>) -> Pending<'_, Box<dyn Export>> {
        ready(export::of(&self.state(), token.as_ref()))
    }

    fn health(&self) -> Health {
        Health {
            writes_blocked: None,
            remarks: Vec::new(),
        }
    }
}

//! The port between HTTP and an engine: what every engine can do, in the words of the domain.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::{
    Application, CachedPages, Changed, Changes, ChangesRequest, Chat, Cursor, Entry, LiveRange, Message,
    NumberRange, OperationState, Page, Parked, RateLimit, RateLimiter, ReadState, ReaderName, Rejection,
    Reply, Request, SearchRequest, Searched, Status, Timestamp, Token,
};

/// An answer that is on its way.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// Why there is no answer of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The state of things refuses the request.
    Rejected(Rejection),
    /// Not now; perhaps later.
    Unavailable(Unavailable),
    /// Something is wrong inside. The text is for the operator, not for the client.
    Internal(String),
}

/// An engine cannot serve a request now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// Why.
    pub shortage: Shortage,
    /// When it is worth asking again.
    pub retry_after: Duration,
}

/// Why an engine cannot serve now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// No space is left for writes; reads go on.
    StorageFull,
    /// What the engine stores in does not answer, or takes no writes; nothing of the request was done.
    StorageUnavailable,
    /// More waits than the engine holds; nothing of the request was done.
    Overloaded,
    /// The engine is stopping; nothing of the request was done.
    Stopping,
    /// The request may have been carried out or not: send it again with its key.
    OutcomeUnknown,
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Failure {
        Failure::Rejected(rejection)
    }
}

/// A thing and the place in the feed at which it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen<T> {
    /// The thing.
    pub thing: T,
    /// The state that it belongs to.
    pub cursor: Cursor,
}

/// A place in the list of applications, which is ordered by creation time, then token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApplicationsAfter {
    /// Of the last application seen.
    pub created_at: Timestamp,
    /// Of the last application seen.
    pub token: Token,
}

/// What an export consists of, in this order for each application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exported {
    /// The beginning of an application; `last_position` says how many entries follow.
    Application(Application),
    /// The next entries of its feed, at least one.
    Entries(Vec<Entry>),
}

/// An export from one snapshot, read piece by piece so that memory stays flat.
pub trait Export: Send {
    /// The next piece; `None` at the end.
    fn next(&mut self) -> Pending<'_, Option<Exported>>;
}

/// What an engine can serve at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Why writes cannot be served, if so.
    pub writes_blocked: Option<Shortage>,
    /// Whatever else an operator should know, one sentence each.
    pub remarks: Vec<String>,
}

/// Pages of lists, in order. Every page is one state; whether two pages are the same one is said by who answers them.
pub trait Lists: Send + Sync {
    /// Live applications by creation time and token, at most `limit`.
    fn applications(
        &self,
        after: Option<ApplicationsAfter>,
        limit: u32,
    ) -> Pending<'_, Page<Application, ApplicationsAfter>>;

    /// Chats by number, tombstones included.
    fn chats<'a>(&'a self, token: &'a Token, range: NumberRange) -> Pending<'a, Page<Chat>>;

    /// Messages of a chat by number, tombstones included; a page ends early at [`crate::PAGE_BYTES_MAX`].
    fn messages<'a>(&'a self, token: &'a Token, chat: u64, range: NumberRange) -> Pending<'a, Page<Message>>;
}

/// A store of applications, chats and messages that keeps the contract. Its [`Lists`] are of the newest state each.
///
/// Reads show every write acknowledged before they were called, never a part of one, never one that is not durable.
pub trait Engine: Lists + 'static {
    /// Carries out a request, wholly or not at all. It is taken over when this function is called: dropping the
    /// answer does not withdraw it.
    fn write(&self, request: Request) -> Pending<'static, Reply>;

    /// Keeps a create to be carried out later, whether what the engine stores in answers or not. Answers when it is as safe as a
    /// confirmed message of a queue; that is no acknowledgement of the create. An engine that keeps nothing for later, or not
    /// this, gives the request back.
    fn park(&self, request: Request) -> Pending<'_, Parked> {
        Box::pin(std::future::ready(Ok(Parked::NotKept(request))))
    }

    /// What became of an operation that [`Engine::park`] named; any other text is rejected. Where what the engine stores in does
    /// not answer it is pending: not known to have ended.
    fn operation<'a>(&'a self, _token: &'a Token, _name: &'a str) -> Pending<'a, OperationState> {
        Box::pin(std::future::ready(Err(Rejection::OperationNotFound.into())))
    }

    /// An application; a deleted one is rejected.
    fn application<'a>(&'a self, token: &'a Token) -> Pending<'a, Seen<Application>>;

    /// A chat; a deleted one is rejected.
    fn chat<'a>(&'a self, token: &'a Token, chat: u64) -> Pending<'a, Seen<Chat>>;

    /// Live chats by number, without the first [`LiveRange::skip`]; deep pages cost what the first costs.
    fn live_chats<'a>(&'a self, token: &'a Token, range: LiveRange) -> Pending<'a, Page<Chat>>;

    /// Live chats by [`Chat::activity_position`], highest first, below `before` if given.
    fn chats_by_activity<'a>(
        &'a self,
        token: &'a Token,
        before: Option<u64>,
        limit: u32,
    ) -> Pending<'a, Page<Chat>>;

    /// A message; a deleted one is rejected.
    fn message<'a>(&'a self, token: &'a Token, chat: u64, number: u64) -> Pending<'a, Seen<Message>>;

    /// Live messages of a chat by number, without the first [`LiveRange::skip`]; deep pages cost what the first costs. A
    /// page ends early at [`crate::PAGE_BYTES_MAX`].
    fn live_messages<'a>(
        &'a self,
        token: &'a Token,
        chat: u64,
        range: LiveRange,
    ) -> Pending<'a, Page<Message>>;

    /// A page of the live messages that match, newest creation first, of all that was acknowledged before; of those that
    /// changed meanwhile, either state. May stop at a deadline of the engine with fewer hits and a `next`.
    fn search(&self, request: SearchRequest) -> Pending<'_, Searched>;

    /// A page of an application's feed, from any age. Refused with [`Rejection::HistoryChanged`] if the cursor is of another history.
    fn changes(&self, request: ChangesRequest) -> Pending<'_, Changes>;

    /// Waits until [`Engine::changes`] would show what lies after `position`, the application is deleted, or the engine
    /// stops; at once if that is so already. However long it takes: who waits no longer drops the answer. Cheap for
    /// thousands that wait. An application that does not exist is rejected.
    fn changed<'a>(&'a self, token: &'a Token, position: u64) -> Pending<'a, Changed>;

    /// How far somebody has read in a chat; who has no marker has read nothing.
    fn reader<'a>(
        &'a self,
        token: &'a Token,
        chat: u64,
        reader: &'a ReaderName,
    ) -> Pending<'a, Seen<ReadState>>;

    /// The live chats with a number above `after` in which a reader has a marker and something unread, by number, at most
    /// `limit`; fewer where [`crate::MARKERS_LOOKED_AT_MAX`] markers were looked at, and then there is a `next`.
    fn unread_chats<'a>(
        &'a self,
        token: &'a Token,
        reader: &'a ReaderName,
        after: u64,
        limit: u32,
    ) -> Pending<'a, Page<ReadState>>;

    /// The lists as they are now, for as long as they are kept, so that one can be read in pages and be of one moment.
    /// May wait for the disk, and keeps on it what is replaced meanwhile: for one answer, not for longer.
    fn lists(&self) -> Pending<'_, Box<dyn Lists>>;

    /// One application, or all of them (tombstones too), each with its whole feed, from one snapshot.
    fn export(&self, token: Option<Token>) -> Pending<'_, Box<dyn Export>>;

    /// What can be served now.
    fn health(&self) -> Health;

    /// The buckets that all nodes of the engine share. One that is a single process has none: whoever serves keeps them.
    fn rate_limiter(&self, _limit: RateLimit) -> Option<Arc<dyn RateLimiter>> {
        None
    }

    /// What came of looking for pages of messages in a cache. An engine without one has nothing to say.
    fn cached_pages(&self) -> Option<CachedPages> {
        None
    }

    /// How the parts are that the engine consists of. One that is a single process has none.
    fn status(&self) -> Pending<'_, Status> {
        Box::pin(std::future::ready(Ok(Status::alone())))
    }
}

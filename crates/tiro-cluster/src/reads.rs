//! Reads: all from the primary, each of one state.
//!
//! Most are one statement (`session` says how the others become more). A connection that turns out to be dead is replaced
//! and the read carried out once more, for it changes nothing. Whoever needs one state over several reads ([`Held`], an
//! export, a search) has connections of its own, bounded in number, so that they do not keep page reads waiting.

mod changes;
mod head;
mod held;
mod home;
mod kept;
mod listing;
mod live;
mod messages;
mod nodes;
mod operation;
mod pools;
mod readers;
mod session;
mod single;
mod snapshot;

use std::sync::Arc;

use tiro_core::{
    Application, ApplicationsAfter, CachedPages, Changed, Changes, ChangesRequest, Chat, Export, Failure,
    Lists, LiveRange, Message, NumberRange, Operation, OperationState, Page, Pending, ReadState, ReaderName,
    SearchRequest, Searched, Seen, Token,
};

use crate::redis::Pages;
use crate::search::{Index, Search};
use crate::waiting::{self, Lookout, Waiting};
use held::Held;

pub(crate) use changes::FeedPiece;
pub(crate) use head::{
    AFTER_HEAD, HEAD_BY_TOKEN, HEAD_COLUMNS, PLACE_COLUMNS, live_application, live_chat, token_bytes,
};
pub(crate) use home::Home;
pub(crate) use pools::{Pools, ReadPool, read_pool};
pub(crate) use session::{BEGIN_SNAPSHOT, Read, ReadError, Session, Wanted, number_list};
pub(crate) use snapshot::Snapshot;

/// Answers every read of the engine. To be made inside a runtime.
pub(crate) struct Reads {
    pools: Pools,
    pages: Arc<Pages>,
    waiting: Arc<Waiting>,
    search: Search,
    /// Ends with this.
    _lookout: Lookout,
}

impl Reads {
    /// Reads over `pool`; further connections are opened with its options.
    pub(crate) fn new(
        pool: ReadPool,
        pages: Arc<Pages>,
        waiting: Arc<Waiting>,
        index: Arc<dyn Index>,
    ) -> Reads {
        let pools = Pools::new(pool);
        let lookout = Lookout::start(Arc::clone(&waiting), pools.lookout.clone());
        Reads {
            search: Search::new(pools.search.clone(), index),
            pools,
            pages,
            waiting,
            _lookout: lookout,
        }
    }

    /// What came of looking for pages in Redis.
    pub(crate) fn cached_pages(&self) -> CachedPages {
        self.pages.counts()
    }

    pub(crate) async fn application(&self, token: &Token) -> Result<Seen<Application>, Failure> {
        self.pools.read(&single::OneApplication(token)).await
    }

    pub(crate) async fn chat(&self, token: &Token, chat: u64) -> Result<Seen<Chat>, Failure> {
        self.pools.read(&single::OneChat(token, chat)).await
    }

    pub(crate) async fn message(
        &self,
        token: &Token,
        chat: u64,
        number: u64,
    ) -> Result<Seen<Message>, Failure> {
        let wanted = single::OneMessage { token, chat, number };
        self.pools.read(&wanted).await
    }

    pub(crate) async fn operation(
        &self,
        token: &Token,
        operation: &Operation,
    ) -> Result<OperationState, Failure> {
        let wanted = operation::OneOperation { token, operation };
        self.pools.read(&wanted).await
    }

    pub(crate) async fn live_chats(&self, token: &Token, range: LiveRange) -> Result<Page<Chat>, Failure> {
        self.pools.read(&live::LiveChats { token, range }).await
    }

    pub(crate) async fn live_messages(
        &self,
        token: &Token,
        chat: u64,
        range: LiveRange,
    ) -> Result<Page<Message>, Failure> {
        let wanted = live::LiveMessages { token, chat, range };
        self.pools.read(&wanted).await
    }

    pub(crate) async fn chats_by_activity(
        &self,
        token: &Token,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Page<Chat>, Failure> {
        let wanted = listing::ChatsByActivity { token, before, limit };
        self.pools.read(&wanted).await
    }

    pub(crate) async fn changes(&self, request: ChangesRequest) -> Result<Changes, Failure> {
        self.pools.read(&changes::ChangesPage(&request)).await
    }

    pub(crate) async fn changed(&self, token: &Token, position: u64) -> Result<Changed, Failure> {
        waiting::changed(&self.waiting, &self.pools, token, position).await
    }

    pub(crate) async fn reader(
        &self,
        token: &Token,
        chat: u64,
        reader: &ReaderName,
    ) -> Result<Seen<ReadState>, Failure> {
        let wanted = readers::OneReader { token, chat, reader };
        self.pools.read(&wanted).await
    }

    pub(crate) async fn unread_chats(
        &self,
        token: &Token,
        reader: &ReaderName,
        after: u64,
        limit: u32,
    ) -> Result<Page<ReadState>, Failure> {
        let wanted = readers::UnreadChats {
            token,
            reader,
            after,
            limit,
        };
        self.pools.read(&wanted).await
    }

    /// The lists of one snapshot, on a connection of their own until they are dropped.
    pub(crate) async fn lists(&self) -> Result<Box<dyn Lists>, Failure> {
        Ok(Box::new(Held::new(self.pools.hold().await?)))
    }

    pub(crate) async fn export(&self, token: Option<Token>) -> Result<Box<dyn Export>, Failure> {
        crate::export::begin(self.pools.hold().await?, token).await
    }

    pub(crate) async fn search(&self, request: SearchRequest) -> Result<Searched, Failure> {
        self.search.answer(&request).await
    }
}

impl Lists for Reads {
    fn applications(
        &self,
        after: Option<ApplicationsAfter>,
        limit: u32,
    ) -> Pending<'_, Page<Application, ApplicationsAfter>> {
        Box::pin(async move {
            let wanted = listing::ApplicationsPage { after, limit };
            self.pools.read(&wanted).await
        })
    }

    fn chats<'a>(&'a self, token: &'a Token, range: NumberRange) -> Pending<'a, Page<Chat>> {
        Box::pin(async move { self.pools.read(&listing::ChatsPage { token, range }).await })
    }

    fn messages<'a>(&'a self, token: &'a Token, chat: u64, range: NumberRange) -> Pending<'a, Page<Message>> {
        Box::pin(async move {
            let wanted = messages::MessagesPage { token, chat, range };
            kept::messages(&self.pools, &self.pages, wanted).await
        })
    }
}

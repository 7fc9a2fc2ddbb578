//! Lists of one snapshot, for as long as they are kept.

use tiro_core::{
    Application, ApplicationsAfter, Chat, Failure, Lists, Message, NumberRange, Page, Pending, Token,
};
use tokio::sync::Mutex;

use super::listing::{ApplicationsPage, ChatsPage};
use super::messages::MessagesPage;
use super::session::Read;
use super::snapshot::Snapshot;

/// A snapshot on a connection of its own; dropping it gives the connection back.
pub(super) struct Held(Mutex<Snapshot>);

impl Held {
    pub(super) fn new(snapshot: Snapshot) -> Held {
        Held(Mutex::new(snapshot))
    }

    async fn read<R: Read>(&self, wanted: &R) -> Result<R::Answer, Failure> {
        self.0.lock().await.read(wanted).await
    }
}

impl Lists for Held {
    fn applications(
        &self,
        after: Option<ApplicationsAfter>,
        limit: u32,
    ) -> Pending<'_, Page<Application, ApplicationsAfter>> {
        Box::pin(async move { self.read(&ApplicationsPage { after, limit }).await })
    }

    fn chats<'a>(&'a self, token: &'a Token, range: NumberRange) -> Pending<'a, Page<Chat>> {
        Box::pin(async move { self.read(&ChatsPage { token, range }).await })
    }

    fn messages<'a>(&'a self, token: &'a Token, chat: u64, range: NumberRange) -> Pending<'a, Page<Message>> {
        Box::pin(async move {
            let read = self.read(&MessagesPage { token, chat, range }).await;
            read.map(|read| read.page)
        })
    }
}

//! The port of the core: writes go to the writers, reads to the primary.

use std::sync::atomic::Ordering;

use tiro_core::{
    Application, ApplicationsAfter, Changed, Changes, ChangesRequest, Chat, Engine, Export, Health, Lists,
    LiveRange, Message, NumberRange, Page, Pending, ReadState, ReaderName, Reply, Request, SearchRequest,
    Searched, Seen, Shortage, Status, Token,
};

use super::ClusterEngine;
use crate::errors::unavailable;
use crate::planted;

impl Lists for ClusterEngine {
    fn applications(
        &self,
        after: Option<ApplicationsAfter>,
        limit: u32,
    ) -> Pending<'_, Page<Application, ApplicationsAfter>> {
        Lists::applications(&self.reads, after, limit)
    }

    fn chats<'a>(&'a self, token: &'a Token, range: NumberRange) -> Pending<'a, Page<Chat>> {
        Lists::chats(&self.reads, token, range)
    }

    fn messages<'a>(&'a self, token: &'a Token, chat: u64, range: NumberRange) -> Pending<'a, Page<Message>> {
        Lists::messages(&self.reads, token, chat, range)
    }
}

impl Engine for ClusterEngine {
    fn write(&self, request: Request) -> Pending<'static, Reply> {
        let submitted = self.submit(request);
        Box::pin(async move {
            let answered = submitted?.await;
            answered.unwrap_or_else(|_| Err(unavailable(Shortage::OutcomeUnknown)))
        })
    }

    fn application<'a>(&'a self, token: &'a Token) -> Pending<'a, Seen<Application>> {
        Box::pin(self.reads.application(token))
    }

    fn chat<'a>(&'a self, token: &'a Token, chat: u64) -> Pending<'a, Seen<Chat>> {
        Box::pin(self.reads.chat(token, chat))
    }

    fn live_chats<'a>(&'a self, token: &'a Token, range: LiveRange) -> Pending<'a, Page<Chat>> {
        Box::pin(self.reads.live_chats(token, range))
    }

    fn chats_by_activity<'a>(
        &'a self,
        token: &'a Token,
        before: Option<u64>,
        limit: u32,
    ) -> Pending<'a, Page<Chat>> {
        Box::pin(self.reads.chats_by_activity(token, before, limit))
    }

    fn message<'a>(&'a self, token: &'a Token, chat: u64, number: u64) -> Pending<'a, Seen<Message>> {
        Box::pin(planted::cached(
            (token, chat, number),
            self.reads.message(token, chat, number),
        ))
    }

    fn live_messages<'a>(
        &'a self,
        token: &'a Token,
        chat: u64,
        range: LiveRange,
    ) -> Pending<'a, Page<Message>> {
        Box::pin(self.reads.live_messages(token, chat, range))
    }

    fn search(&self, request: SearchRequest) -> Pending<'_, Searched> {
        Box::pin(self.reads.search(request))
    }

    fn changes(&self, request: ChangesRequest) -> Pending<'_, Changes> {
        Box::pin(self.reads.changes(request))
    }

    fn changed<'a>(&'a self, token: &'a Token, position: u64) -> Pending<'a, Changed> {
        Box::pin(self.reads.changed(token, position))
    }

    fn reader<'a>(
        &'a self,
        token: &'a Token,
        chat: u64,
        reader: &'a ReaderName,
    ) -> Pending<'a, Seen<ReadState>> {
        Box::pin(self.reads.reader(token, chat, reader))
    }

    fn unread_chats<'a>(
        &'a self,
        token: &'a Token,
        reader: &'a ReaderName,
        after: u64,
        limit: u32,
    ) -> Pending<'a, Page<ReadState>> {
        Box::pin(self.reads.unread_chats(token, reader, after, limit))
    }

    fn lists(&self) -> Pending<'_, Box<dyn Lists>> {
        Box::pin(self.reads.lists())
    }

    fn export(&self, token: Option<Token>) -> Pending<'_, Box<dyn Export>> {
        Box::pin(self.reads.export(token))
    }

    fn status(&self) -> Pending<'_, Status> {
        Box::pin(self.report.status())
    }

    fn health(&self) -> Health {
        let blocked = self.shared.condition.blocked();
        let closing = self.closing.load(Ordering::SeqCst).then_some(Shortage::Stopping);
        let writes_blocked = closing.or(blocked.as_ref().map(|(shortage, _)| *shortage));
        let of_mysql = blocked.map(|(_, text)| format!("MySQL takes no writes: {text}"));
        let of_search = self.indexed.trouble();
        let of_search = of_search.map(|text| format!("Searches are answered without their index: {text}"));
        Health {
            writes_blocked,
            remarks: of_mysql.into_iter().chain(of_search).collect(),
        }
    }
}

//! The port of the core: writes go to the writers, reads to the primary.

use std::sync::Arc;

use tiro_core::{
    Application, ApplicationsAfter, CachedPages, Changed, Changes, ChangesRequest, Chat, Engine, Export,
    Failure, Health, Lists, LiveRange, Message, NumberRange, OperationState, Page, Parked, Pending,
    RateLimit, RateLimiter, ReadState, ReaderName, Rejection, Reply, Request, SearchRequest, Searched, Seen,
    Shortage, Status, Token,
};
use tokio::time::timeout;

use super::{ClusterEngine, OPERATION_WITHIN};
use crate::parking::Parking;
use crate::redis::RateLimits;

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
        Box::pin(self.writes.write(request))
    }

    fn park(&self, request: Request) -> Pending<'_, Parked> {
        Box::pin(async move {
            match &self.parking {
                Some(parking) => parking.park(&self.writes, request).await,
                None => Ok(Parked::NotKept(request)),
            }
        })
    }

    fn operation<'a>(&'a self, token: &'a Token, name: &'a str) -> Pending<'a, OperationState> {
        Box::pin(async move {
            let named = self.parking.as_ref();
            let operation = named.and_then(|parking| parking.names().read(token, name));
            let operation = operation.ok_or(Rejection::OperationNotFound)?;
            match timeout(OPERATION_WITHIN, self.reads.operation(token, &operation)).await {
                Ok(Err(Failure::Unavailable(_))) | Err(_) => Ok(OperationState::Pending),
                Ok(state) => state,
            }
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
        Box::pin(self.reads.message(token, chat, number))
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

    fn cached_pages(&self) -> Option<CachedPages> {
        Some(self.reads.cached_pages())
    }

    fn rate_limiter(&self, limit: RateLimit) -> Option<Arc<dyn RateLimiter>> {
        let (client, name) = &self.redis;
        Some(Arc::new(RateLimits::new(client.clone(), name, limit)))
    }

    fn health(&self) -> Health {
        let blocked = self.writes.blocked();
        let closing = self.writes.is_closing().then_some(Shortage::Stopping);
        let writes_blocked = closing.or(blocked.as_ref().map(|(shortage, _)| *shortage));
        let of_mysql = blocked.map(|(_, text)| format!("MySQL takes no writes: {text}"));
        let of_search = self.indexed.trouble();
        let of_search = of_search.map(|text| format!("Searches are answered without their index: {text}"));
        let of_parking = self.parking.as_ref().and_then(Parking::trouble);
        let of_parking = of_parking.map(|text| format!("Creates are not parked: {text}"));
        let remarks = of_mysql
            .into_iter()
            .chain(of_search)
            .chain(of_parking)
            .chain(self.background.remarks());
        Health {
            writes_blocked,
            remarks: remarks.collect(),
        }
    }
}

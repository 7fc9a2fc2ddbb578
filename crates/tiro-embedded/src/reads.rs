//! Queries: recent rows first, then the view, always one published state.
//!
//! A row that is not in the active generation did not change in it, nor did anything below it: a chat's row changes
//! with each of its messages, an application's with everything in it. So what is looked up afterwards, below, fits.

mod changes;
mod listing;
mod live;
mod messages;
mod readers;

use std::sync::Arc;

use tiro_core::{
    Application, ApplicationId, ApplicationsAfter, Changed, Changes, ChangesRequest, Chat, Cursor,
    FactSource, Failure, Lists, LiveRange, Message, NumberRange, Page, Pending, ReadState, ReaderName,
    Rejection, Seen, Shortage, Token,
};
use tokio::sync::Semaphore;

use crate::blocking::blocking;
use crate::errors::unavailable;
use crate::generation::Generation;
use crate::recent::{Below, Recent};
use crate::view::ViewError;

pub(crate) use live::DISAGREES;

/// Answers queries on the caller's thread.
pub(crate) struct Reads {
    recent: Arc<Recent>,
    /// Bounds how many read feeds and markers from the disk at once.
    scans: Arc<Semaphore>,
}

/// Most scans at once; further ones wait.
const SCANS_MAX: usize = 4;

impl From<ViewError> for Failure {
    fn from(error: ViewError) -> Failure {
        if error.lacks_space() {
            unavailable(Shortage::StorageFull)
        } else {
            Failure::Internal(error.to_string())
        }
    }
}

/// An answer that is there already.
pub(crate) fn ready<'a, T: Send + 'a>(answer: Result<T, Failure>) -> Pending<'a, T> {
    Box::pin(std::future::ready(answer))
}

impl Lists for Reads {
    fn applications(
        &self,
        after: Option<ApplicationsAfter>,
        limit: u32,
    ) -> Pending<'_, Page<Application, ApplicationsAfter>> {
        ready(listing::applications(&self.recent, after.as_ref(), limit))
    }

    fn chats<'a>(&'a self, token: &'a Token, range: NumberRange) -> Pending<'a, Page<Chat>> {
        let page = |id| listing::chats(&self.recent, id, range);
        ready(self.id(token).and_then(page))
    }

    fn messages<'a>(&'a self, token: &'a Token, chat: u64, range: NumberRange) -> Pending<'a, Page<Message>> {
        let page = |id| messages::page(&self.recent, id, chat, range);
        ready(self.id(token).and_then(page))
    }
}

impl Reads {
    pub(crate) fn new(recent: Arc<Recent>) -> Reads {
        Reads {
            recent,
            scans: Arc::new(Semaphore::new(SCANS_MAX)),
        }
    }

    pub(crate) fn recent(&self) -> &Arc<Recent> {
        &self.recent
    }

    pub(crate) fn application(&self, token: &Token) -> Result<Seen<Application>, Failure> {
        let id = self.id(token)?;
        let application = live_application(FactSource::application(&*self.recent, id)?)?;
        let cursor = application.cursor();
        Ok(Seen {
            thing: application,
            cursor,
        })
    }

    pub(crate) fn chat(&self, token: &Token, number: u64) -> Result<Seen<Chat>, Failure> {
        let id = self.id(token)?;
        let (head, below) = self
            .recent
            .look(|active| Head::in_generation(active, id, number, Chat::clone));
        let (cursor, chat) = head.complete(&below, id, number)?;
        Ok(Seen { thing: chat, cursor })
    }

    pub(crate) fn live_chats(&self, token: &Token, range: LiveRange) -> Result<Page<Chat>, Failure> {
        live::chats(&self.recent, self.id(token)?, range)
    }

    pub(crate) fn live_messages(
        &self,
        token: &Token,
        chat: u64,
        range: LiveRange,
    ) -> Result<Page<Message>, Failure> {
        live::messages(&self.recent, self.id(token)?, chat, range)
    }

    pub(crate) fn chats_by_activity(
        &self,
        token: &Token,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Page<Chat>, Failure> {
        let id = self.id(token)?;
        listing::chats_by_activity(&self.recent, id, before, limit)
    }

    pub(crate) fn message(&self, token: &Token, chat: u64, number: u64) -> Result<Seen<Message>, Failure> {
        let id = self.id(token)?;
        let ((head, message), below) = self.recent.look(|active| {
            let head = Head::in_generation(active, id, chat, |_| ());
            (head, active.message(id, chat, number).cloned())
        });
        let (cursor, ()) = head.complete(&below, id, chat)?;
        let message = match message {
            Some(message) => Some(message),
            None => below.message(id, chat, number)?,
        };
        let message = message.ok_or(Rejection::MessageNotFound)?;
        if message.deleted_at.is_some() {
            return Err(Rejection::MessageDeleted.into());
        }
        Ok(Seen {
            thing: message,
            cursor,
        })
    }

    /// The lists of the state that is published now, once the view has it.
    pub(crate) async fn lists(&self) -> Result<Box<dyn Lists>, Failure> {
        let recent = Arc::clone(&self.recent);
        blocking("waiting for the view", move || {
            let settled = Recent::settled(recent.settle()?);
            Ok(Box::new(Reads::new(Arc::new(settled))) as Box<dyn Lists>)
        })
        .await
    }

    /// A page of the newest entries is in memory and read at once; another one is read where reading may take long.
    pub(crate) async fn changes(&self, request: ChangesRequest) -> Result<Changes, Failure> {
        if changes::is_in_memory(&self.recent, &request)? {
            return changes::page(&self.recent, &request);
        }
        self.scan("reading a feed", move |recent| changes::page(recent, &request))
            .await
    }

    pub(crate) async fn changed(&self, token: &Token, position: u64) -> Result<Changed, Failure> {
        self.recent.changed(self.id(token)?, position).await
    }

    pub(crate) fn reader(
        &self,
        token: &Token,
        chat: u64,
        reader: &ReaderName,
    ) -> Result<Seen<ReadState>, Failure> {
        readers::reader(&self.recent, self.id(token)?, chat, reader)
    }

    pub(crate) async fn unread_chats(
        &self,
        token: &Token,
        reader: &ReaderName,
        after: u64,
        limit: u32,
    ) -> Result<Page<ReadState>, Failure> {
        let (id, reader) = (self.id(token)?, reader.clone());
        self.scan("reading markers", move |recent| {
            readers::unread_chats(recent, id, &reader, (after, limit))
        })
        .await
    }

    async fn scan<T: Send + 'static>(
        &self,
        name: &'static str,
        read: impl FnOnce(&Recent) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let permit = Arc::clone(&self.scans).acquire_owned().await;
        let permit = permit.map_err(|_| unavailable(Shortage::Stopping))?;
        let recent = Arc::clone(&self.recent);
        blocking(name, move || {
            let found = read(&recent);
            drop(permit);
            found
        })
        .await
    }

    fn id(&self, token: &Token) -> Result<ApplicationId, Failure> {
        Ok(self
            .recent
            .application_id(token)?
            .ok_or(Rejection::ApplicationNotFound)?)
    }
}

pub(crate) fn live_application(application: Option<Application>) -> Result<Application, Failure> {
    let application = application.ok_or(Rejection::ApplicationNotFound)?;
    end_of(&application)?;
    Ok(application)
}

/// The end of a live application's feed.
fn end_of(application: &Application) -> Result<Cursor, Rejection> {
    match application.deleted_at {
        None => Ok(application.cursor()),
        Some(_) => Err(Rejection::ApplicationDeleted),
    }
}

/// A live chat.
fn live(chat: &Chat) -> Result<&Chat, Rejection> {
    match chat.deleted_at {
        None => Ok(chat),
        Some(_) => Err(Rejection::ChatDeleted),
    }
}

/// What every read in a chat needs of the application and the chat, as far as a generation knows it.
struct Head<T> {
    cursor: Option<Result<Cursor, Rejection>>,
    chat: Option<Result<T, Rejection>>,
    /// What is wanted of the chat.
    read: fn(&Chat) -> T,
}

impl<T> Head<T> {
    fn in_generation(active: &Generation, id: ApplicationId, chat: u64, read: fn(&Chat) -> T) -> Head<T> {
        Head {
            cursor: active.applications.get(&id).map(end_of),
            chat: active.chat(id, chat).map(|row| live(row).map(read)),
            read,
        }
    }

    /// Both, live, completed from below.
    fn complete(self, below: &Below, id: ApplicationId, chat: u64) -> Result<(Cursor, T), Failure> {
        let cursor = match self.cursor {
            Some(cursor) => Some(cursor),
            None => below.application(id, end_of)?,
        };
        let cursor = cursor.ok_or(Rejection::ApplicationNotFound)??;
        let row = match self.chat {
            Some(row) => Some(row),
            None => below.chat(id, chat, |row| live(row).map(self.read))?,
        };
        Ok((cursor, row.ok_or(Rejection::ChatNotFound)??))
    }
}

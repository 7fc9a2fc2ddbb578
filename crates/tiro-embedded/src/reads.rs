//! Queries: recent rows first, then the view, always one published state.
//!
//! A row that is not in the active generation did not change in it, nor did anything below it: a chat's row changes
//! with each of its messages, an application's with everything in it. So what is looked up afterwards, below, fits.

mod listing;
mod messages;

use std::sync::Arc;

use tiro_core::{
    Application, ApplicationId, Chat, FactSource, Failure, Message, NumberRange, Page, Rejection, Seen, Token,
};

use crate::generation::Generation;
use crate::recent::{Below, Recent};
use crate::view::ViewError;

/// Answers queries on the caller's thread.
pub(crate) struct Reads {
    recent: Arc<Recent>,
}

impl From<ViewError> for Failure {
    fn from(error: ViewError) -> Failure {
        Failure::Internal(error.to_string())
    }
}

impl Reads {
    pub(crate) fn new(recent: Arc<Recent>) -> Reads {
        Reads { recent }
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
        let ((application, chat), below) = self.recent.look(|active| head(active, id, number));
        let (application, chat) = live_head(application, chat, &below, id, number)?;
        Ok(Seen {
            thing: chat,
            cursor: application.cursor(),
        })
    }

    pub(crate) fn chats(&self, token: &Token, range: NumberRange) -> Result<Page<Chat>, Failure> {
        let id = self.id(token)?;
        listing::chats(&self.recent, id, range)
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

    pub(crate) fn applications(
        &self,
        after: Option<tiro_core::ApplicationsAfter>,
        limit: u32,
    ) -> Result<Page<Application, tiro_core::ApplicationsAfter>, Failure> {
        listing::applications(&self.recent, after.as_ref(), limit)
    }

    pub(crate) fn message(&self, token: &Token, chat: u64, number: u64) -> Result<Seen<Message>, Failure> {
        let id = self.id(token)?;
        let ((head, message), below) = self
            .recent
            .look(|active| (head(active, id, chat), active.message(id, chat, number).cloned()));
        let (application, _) = live_head(head.0, head.1, &below, id, chat)?;
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
            cursor: application.cursor(),
        })
    }

    pub(crate) fn messages(
        &self,
        token: &Token,
        chat: u64,
        range: NumberRange,
    ) -> Result<Page<Message>, Failure> {
        let id = self.id(token)?;
        messages::page(&self.recent, id, chat, range)
    }

    fn id(&self, token: &Token) -> Result<ApplicationId, Failure> {
        Ok(self
            .recent
            .application_id(token)?
            .ok_or(Rejection::ApplicationNotFound)?)
    }
}

/// The rows of an application and one of its chats, as far as they changed in a generation.
fn head(active: &Generation, id: ApplicationId, chat: u64) -> (Option<Application>, Option<Chat>) {
    (
        active.applications.get(&id).cloned(),
        active.chat(id, chat).cloned(),
    )
}

pub(crate) fn live_application(application: Option<Application>) -> Result<Application, Failure> {
    let application = application.ok_or(Rejection::ApplicationNotFound)?;
    if application.deleted_at.is_some() {
        Err(Rejection::ApplicationDeleted.into())
    } else {
        Ok(application)
    }
}

/// An application and one of its chats, both live, completed from below.
fn live_head(
    application: Option<Application>,
    chat: Option<Chat>,
    below: &Below,
    id: ApplicationId,
    number: u64,
) -> Result<(Application, Chat), Failure> {
    let application = match application {
        Some(application) => Some(application),
        None => below.application(id)?,
    };
    let application = live_application(application)?;
    let chat = match chat {
        Some(chat) => Some(chat),
        None => below.chat(id, number)?,
    };
    let chat = chat.ok_or(Rejection::ChatNotFound)?;
    if chat.deleted_at.is_some() {
        return Err(Rejection::ChatDeleted.into());
    }
    Ok((application, chat))
}

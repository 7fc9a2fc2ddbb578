//! The facts that the writer decides on.

use tiro_core::{Application, ApplicationId, BoundKey, Chat, FactSource, KeyName, Message, Token};

use super::Recent;
use crate::view::ViewError;

/// The writer finds its facts here. It alone publishes, so what it reads stays true until it publishes again.
impl FactSource for Recent {
    type Error = ViewError;

    fn application_by_token(&self, token: &Token) -> Result<Option<Application>, ViewError> {
        match self.application_id(token)? {
            Some(id) => self.application(id),
            None => Ok(None),
        }
    }

    fn application(&self, id: ApplicationId) -> Result<Option<Application>, ViewError> {
        let (active, below) = self.look(|active| active.applications.get(&id).cloned());
        match active {
            Some(application) => Ok(Some(application)),
            None => below.application(id, Application::clone),
        }
    }

    fn chat(&self, application: ApplicationId, chat: u64) -> Result<Option<Chat>, ViewError> {
        let (active, below) = self.look(|active| active.chat(application, chat).cloned());
        match active {
            Some(chat) => Ok(Some(chat)),
            None => below.chat(application, chat, Chat::clone),
        }
    }

    fn message(
        &self,
        application: ApplicationId,
        chat: u64,
        number: u64,
    ) -> Result<Option<Message>, ViewError> {
        let (active, below) = self.look(|active| active.message(application, chat, number).cloned());
        match active {
            Some(message) => Ok(Some(message)),
            None => below.message(application, chat, number),
        }
    }

    fn key(&self, scope: Option<ApplicationId>, name: &KeyName) -> Result<Option<BoundKey>, ViewError> {
        let (active, below) = self.look(|active| active.keys.get(&(scope, name.clone())).copied());
        let bound = match active {
            Some(bound) => Some(bound),
            None => below.key(scope, name)?,
        };
        let Some((application, position)) = bound else {
            return Ok(None);
        };
        let (active, below) = self.look(|active| active.change(application, position).cloned());
        let change = match active {
            Some(change) => Some(change),
            None => below.change(application, position)?,
        };
        Ok(Some(BoundKey { application, change }))
    }

    fn deleted_in_block(&self, application: ApplicationId, chat: u64, block: u64) -> Result<u32, ViewError> {
        let (active, below) = self.look(|active| active.deleted_in_block(application, chat, block));
        let frozen = || {
            below
                .frozen()
                .and_then(|frozen| frozen.deleted_in_block(application, chat, block))
        };
        match active.or_else(frozen) {
            Some(deleted) => Ok(deleted),
            None => below.view.deleted_in_block(application, chat, block),
        }
    }
}

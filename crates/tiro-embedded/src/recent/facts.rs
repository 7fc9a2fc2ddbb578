//! The facts that the writer decides on.

use std::sync::Arc;

use tiro_core::{
    Application, ApplicationId, BoundKey, Chat, DeletedNode, DeletedPlace, FactSource, KeyName, Marker,
    Message, ReaderName, Token,
};

use super::{Recent, Rows};
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
        Rows::Newest(self).application(id)
    }

    fn chat(&self, application: ApplicationId, chat: u64) -> Result<Option<Chat>, ViewError> {
        Rows::Newest(self).chat(application, chat)
    }

    fn message(
        &self,
        application: ApplicationId,
        chat: u64,
        number: u64,
    ) -> Result<Option<Message>, ViewError> {
        Rows::Newest(self).message(application, chat, number)
    }

    fn marker(
        &self,
        application: ApplicationId,
        chat: u64,
        reader: &ReaderName,
    ) -> Result<Option<Marker>, ViewError> {
        Rows::Newest(self).marker(application, chat, reader)
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

    fn deleted(
        &self,
        application: ApplicationId,
        place: DeletedPlace,
    ) -> Result<Option<Arc<DeletedNode>>, ViewError> {
        Rows::Newest(self).deleted(application, place)
    }
}

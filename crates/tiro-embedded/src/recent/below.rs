//! What lies below the active generation: the frozen one, if there is one, then a snapshot of the view.

use std::sync::Arc;

use tiro_core::{
    Application, ApplicationId, Change, Chat, DeletedNode, DeletedPlace, KeyName, Marker, Message,
    ReaderName, Token,
};

use crate::generation::Generation;
use crate::view::{Snapshot, ViewError};

/// What lies below the active generation.
#[derive(Clone)]
pub(crate) struct Below {
    pub(super) frozen: Option<Arc<Generation>>,
    pub(crate) view: Arc<Snapshot>,
}

impl Below {
    pub(crate) fn frozen(&self) -> Option<&Generation> {
        self.frozen.as_deref()
    }

    pub(crate) fn application_id(&self, token: &Token) -> Result<Option<ApplicationId>, ViewError> {
        match self.frozen().and_then(|frozen| frozen.tokens.get(token)) {
            Some(id) => Ok(Some(*id)),
            None => self.view.application_id(token),
        }
    }

    /// Looks at an application's row.
    pub(crate) fn application<T>(
        &self,
        id: ApplicationId,
        read: impl FnOnce(&Application) -> T,
    ) -> Result<Option<T>, ViewError> {
        match self.frozen().and_then(|frozen| frozen.application(id)) {
            Some(application) => Ok(application.map(read)),
            None => Ok(self.view.cached_application(id)?.map(|row| read(&row))),
        }
    }

    /// Looks at a chat's row.
    pub(crate) fn chat<T>(
        &self,
        application: ApplicationId,
        chat: u64,
        read: impl FnOnce(&Chat) -> T,
    ) -> Result<Option<T>, ViewError> {
        match self.frozen().and_then(|frozen| frozen.chat(application, chat)) {
            Some(chat) => Ok(Some(read(chat))),
            None => Ok(self.view.cached_chat(application, chat)?.map(|row| read(&row))),
        }
    }

    pub(crate) fn message(
        &self,
        id: ApplicationId,
        chat: u64,
        number: u64,
    ) -> Result<Option<Message>, ViewError> {
        match self.frozen().and_then(|frozen| frozen.message(id, chat, number)) {
            Some(message) => Ok(Some(message.clone())),
            None => self.view.cached_message(id, chat, number),
        }
    }

    pub(crate) fn marker(
        &self,
        id: ApplicationId,
        chat: u64,
        reader: &ReaderName,
    ) -> Result<Option<Marker>, ViewError> {
        match self.frozen().and_then(|frozen| frozen.marker(id, chat, reader)) {
            Some(marker) => Ok(Some(marker.clone())),
            None => self.view.marker(id, chat, reader),
        }
    }

    pub(crate) fn deleted(
        &self,
        id: ApplicationId,
        place: DeletedPlace,
    ) -> Result<Option<Arc<DeletedNode>>, ViewError> {
        match self.frozen().and_then(|frozen| frozen.deleted.get(&(id, place))) {
            Some(node) => Ok(Some(Arc::clone(node))),
            None => Ok(self.view.deleted(id, place)?.map(Arc::new)),
        }
    }

    pub(super) fn change(&self, id: ApplicationId, position: u64) -> Result<Option<Change>, ViewError> {
        match self.frozen().and_then(|frozen| frozen.change(id, position)) {
            Some(change) => Ok(Some(change.clone())),
            None => self.view.change(id, position),
        }
    }

    pub(super) fn key(
        &self,
        scope: Option<ApplicationId>,
        name: &KeyName,
    ) -> Result<Option<(ApplicationId, u64)>, ViewError> {
        match self
            .frozen()
            .and_then(|frozen| frozen.keys.get(&(scope, name.clone())))
        {
            Some(bound) => Ok(Some(*bound)),
            None => self.view.key(scope, name),
        }
    }
}

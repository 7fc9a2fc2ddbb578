//! One row at a time, from memory or the view, and several of them from one published state.

use std::sync::Arc;

use tiro_core::{
    Application, ApplicationId, Chat, DeletedNode, DeletedPlace, Failure, Marker, Message, ReaderName,
};

use super::{Below, Recent, State};
use crate::generation::Generation;
use crate::view::ViewError;

/// Where rows are read.
#[derive(Clone, Copy)]
pub(crate) enum Rows<'a> {
    /// Each as it was published last: two may be of different states.
    Newest(&'a Recent),
    /// All of one state, which cannot be replaced meanwhile.
    Held(&'a State),
}

impl Recent {
    /// What `read` makes of the rows of one application in one published state. `read` is called once, if nothing of the
    /// application was published meanwhile; else again under the lock, by when it has the rows of the view at hand.
    pub(crate) fn in_one_state<T>(
        &self,
        id: ApplicationId,
        read: impl Fn(Rows<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let newest = Rows::Newest(self);
        let before = newest.last_position(id)?;
        let answer = read(newest);
        if newest.last_position(id)? == before {
            return answer;
        }
        read(Rows::Held(&self.state.read()))
    }
}

impl Rows<'_> {
    /// Reads the active generation under the lock; what lies below is answered with it.
    pub(crate) fn look<T>(self, read: impl FnOnce(&Generation) -> T) -> (T, Below) {
        match self {
            Rows::Newest(recent) => recent.look(read),
            Rows::Held(state) => (read(&state.active), state.below.clone()),
        }
    }

    /// See [`Recent::in_one_state`].
    pub(crate) fn in_one_state<T>(
        self,
        id: ApplicationId,
        read: impl Fn(Rows<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        match self {
            Rows::Newest(recent) => recent.in_one_state(id, read),
            Rows::Held(_) => read(self),
        }
    }

    /// The end of an application's feed. Whatever changes in an application moves it.
    fn last_position(self, id: ApplicationId) -> Result<Option<u64>, ViewError> {
        let position = |row: &Application| row.last_position;
        match self.look(|active| active.application(id).map(|row| row.map(position))) {
            (Some(position), _) => Ok(position),
            (None, below) => below.application(id, position),
        }
    }

    pub(crate) fn application(self, id: ApplicationId) -> Result<Option<Application>, ViewError> {
        match self.look(|active| active.application(id).map(Option::<&Application>::cloned)) {
            (Some(application), _) => Ok(application),
            (None, below) => below.application(id, Application::clone),
        }
    }

    pub(crate) fn chat(self, id: ApplicationId, chat: u64) -> Result<Option<Chat>, ViewError> {
        match self.look(|active| active.chat(id, chat).cloned()) {
            (Some(chat), _) => Ok(Some(chat)),
            (None, below) => below.chat(id, chat, Chat::clone),
        }
    }

    pub(crate) fn message(
        self,
        id: ApplicationId,
        chat: u64,
        number: u64,
    ) -> Result<Option<Message>, ViewError> {
        match self.look(|active| active.message(id, chat, number).cloned()) {
            (Some(message), _) => Ok(Some(message)),
            (None, below) => below.message(id, chat, number),
        }
    }

    pub(crate) fn marker(
        self,
        id: ApplicationId,
        chat: u64,
        reader: &ReaderName,
    ) -> Result<Option<Marker>, ViewError> {
        match self.look(|active| active.marker(id, chat, reader).cloned()) {
            (Some(marker), _) => Ok(Some(marker)),
            (None, below) => below.marker(id, chat, reader),
        }
    }

    pub(crate) fn deleted(
        self,
        id: ApplicationId,
        place: DeletedPlace,
    ) -> Result<Option<Arc<DeletedNode>>, ViewError> {
        match self.look(|active| active.deleted.get(&(id, place)).cloned()) {
            (Some(node), _) => Ok(Some(node)),
            (None, below) => below.deleted(id, place),
        }
    }
}

//! The state that a batch of requests is decided on, and the one place where events change state.
//!
//! An engine loads what the batch needs ([`Facts::load`]), decides request by request, applies each event at once, so
//! that every request sees the ones before it, and at the end stores the rows that changed. What was not asked for
//! is unknown, and deciding on it is a programmer's error; only an application made in this very batch has nothing
//! unknown inside.

mod apply;
mod reader;
mod restore;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::{
    Application, ApplicationId, ApplicationNeed, Change, Chat, DeletedNode, DeletedPlace, KeyName, Marker,
    Message, Namespace, Need, ReaderName, Request, Stage, Token,
};

type Map<K, V> = HashMap<K, V, RandomState>;

/// What a key is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundKey {
    /// The application whose feed has the change.
    pub application: ApplicationId,
    /// The change; `None` if it went with its application.
    pub change: Option<Change>,
}

/// Where an engine finds state, one thing at a time.
pub trait FactSource {
    /// Why something could not be read.
    type Error;

    /// The application that has or had the token.
    fn application_by_token(&self, token: &Token) -> Result<Option<Application>, Self::Error>;
    /// The application of this number, visible or not.
    fn application(&self, id: ApplicationId) -> Result<Option<Application>, Self::Error>;
    /// A chat or its tombstone.
    fn chat(&self, application: ApplicationId, chat: u64) -> Result<Option<Chat>, Self::Error>;
    /// A message or its tombstone.
    fn message(
        &self,
        application: ApplicationId,
        chat: u64,
        number: u64,
    ) -> Result<Option<Message>, Self::Error>;
    /// How far somebody has read in a chat.
    fn marker(
        &self,
        application: ApplicationId,
        chat: u64,
        reader: &ReaderName,
    ) -> Result<Option<Marker>, Self::Error>;
    /// What a key is bound to; `application` is `None` for [`Namespace::Server`].
    fn key(
        &self,
        application: Option<ApplicationId>,
        name: &KeyName,
    ) -> Result<Option<BoundKey>, Self::Error>;
    /// What was deleted below a node; `None` if nothing was.
    fn deleted(
        &self,
        application: ApplicationId,
        place: DeletedPlace,
    ) -> Result<Option<Arc<DeletedNode>>, Self::Error>;
}

/// A row and whether an event changed it since it was loaded.
#[derive(Clone, Debug)]
struct Row<T> {
    value: T,
    changed: bool,
}

impl<T> Row<T> {
    fn loaded(value: T) -> Row<T> {
        Row {
            value,
            changed: false,
        }
    }

    fn set(&mut self) -> &mut T {
        self.changed = true;
        &mut self.value
    }
}

/// The working state of one batch.
#[derive(Clone, Debug)]
pub struct Facts {
    next_application: ApplicationId,
    /// Applications made in this batch.
    born: Vec<ApplicationId>,
    tokens: Map<Token, Option<ApplicationId>>,
    /// Restores that a request of this batch may finish: later requests may name their tokens already.
    finishing: Map<Token, ApplicationId>,
    applications: Map<ApplicationId, Row<Option<Application>>>,
    chats: Map<(ApplicationId, u64), Row<Option<Chat>>>,
    messages: Map<(ApplicationId, u64, u64), Row<Option<Message>>>,
    markers: Map<(ApplicationId, u64, ReaderName), Row<Option<Marker>>>,
    /// Chats that a request of this batch may bring the first marker: later requests look for those of their senders.
    reading: HashSet<(ApplicationId, u64), RandomState>,
    keys: Map<Option<ApplicationId>, Map<KeyName, Option<BoundKey>>>,
    deleted: Map<(ApplicationId, DeletedPlace), Row<Option<Arc<DeletedNode>>>>,
}

impl Facts {
    /// Nothing known yet; the next application will have the number `next_application`.
    #[must_use]
    pub fn new(next_application: ApplicationId) -> Facts {
        Facts {
            next_application,
            born: Vec::new(),
            tokens: Map::default(),
            finishing: Map::default(),
            applications: Map::default(),
            chats: Map::default(),
            messages: Map::default(),
            markers: Map::default(),
            reading: HashSet::default(),
            keys: Map::default(),
            deleted: Map::default(),
        }
    }

    /// Makes known what a request needs, asking `source` only for what is still unknown.
    ///
    /// # Errors
    /// The first error of `source`.
    pub fn load<S: FactSource>(&mut self, request: &Request, source: &S) -> Result<(), S::Error> {
        let id = match request.command.application() {
            ApplicationNeed::Token(token) => {
                let visible = self.load_token(token, source)?;
                visible.or_else(|| self.finishing.get(token).copied())
            }
            ApplicationNeed::Id(id) => self.load_application(id, source)?,
        };
        if let Some(other) = request.command.other_application() {
            self.load_token(other, source)?;
            self.finishing.extend(id.map(|id| (other.clone(), id)));
        }
        if let Some(name) = request.key_name() {
            self.load_key(id, &name, source)?;
            self.load_bound_chat(id, &name, source)?;
        }
        match id {
            Some(id) => {
                let command = &request.command;
                command.each_need(|need| self.load_need(id, need, source))?;
                self.load_readers(id, command, source)
            }
            None => Ok(()),
        }
    }

    /// Makes known what applying an already decided event needs.
    ///
    /// # Errors
    /// The first error of `source`.
    pub fn load_for_event<S: FactSource>(
        &mut self,
        event: &crate::Event,
        source: &S,
    ) -> Result<(), S::Error> {
        let id = event.application();
        self.load_application(id, source)?;
        event.each_need(|need| self.load_need(id, need, source))
    }

    fn load_token<S: FactSource>(
        &mut self,
        token: &Token,
        source: &S,
    ) -> Result<Option<ApplicationId>, S::Error> {
        if let Some(known) = self.tokens.get(token) {
            return Ok(*known);
        }
        let found = source.application_by_token(token)?;
        let id = found.as_ref().map(|application| application.id);
        self.tokens.insert(token.clone(), id);
        if let (Some(id), Some(application)) = (id, found) {
            self.applications
                .entry(id)
                .or_insert_with(|| Row::loaded(Some(application)));
        }
        Ok(id)
    }

    fn load_application<S: FactSource>(
        &mut self,
        id: ApplicationId,
        source: &S,
    ) -> Result<Option<ApplicationId>, S::Error> {
        if let std::collections::hash_map::Entry::Vacant(e) = self.applications.entry(id) {
            e.insert(Row::loaded(source.application(id)?));
        }
        Ok(self.applications[&id]
            .value
            .as_ref()
            .map(|application| application.id))
    }

    fn load_key<S: FactSource>(
        &mut self,
        application: Option<ApplicationId>,
        name: &KeyName,
        source: &S,
    ) -> Result<(), S::Error> {
        let scope = application.filter(|_| name.namespace != Namespace::Server);
        if scope.is_none() && name.namespace != Namespace::Server {
            return Ok(()); // No such application: nothing can be bound in it.
        }
        let known = self.keys.entry(scope).or_default();
        if !known.contains_key(name) {
            let bound = source.key(scope, name)?;
            let bound_application = bound.as_ref().map(|bound| bound.application);
            known.insert(name.clone(), bound);
            if let Some(id) = bound_application {
                self.load_application(id, source)?;
            }
        }
        Ok(())
    }

    /// The chat of the change that a key is bound to: a replay looks at it, and the request need not name it.
    fn load_bound_chat<S: FactSource>(
        &mut self,
        application: Option<ApplicationId>,
        name: &KeyName,
        source: &S,
    ) -> Result<(), S::Error> {
        let scope = application.filter(|_| name.namespace != Namespace::Server);
        let bound = self.keys.get(&scope).and_then(|keys| keys.get(name));
        let Some(BoundKey {
            application,
            change: Some(change),
        }) = bound.and_then(Option::as_ref)
        else {
            return Ok(());
        };
        match change.subject.chat() {
            Some(chat) => self.load_need(*application, Need::Chat(chat), source),
            None => Ok(()),
        }
    }

    fn load_need<S: FactSource>(
        &mut self,
        id: ApplicationId,
        need: Need<'_>,
        source: &S,
    ) -> Result<(), S::Error> {
        match need {
            Need::Key(name) => self.load_key(Some(id), name, source)?,
            Need::Chat(chat) => {
                if let std::collections::hash_map::Entry::Vacant(e) = self.chats.entry((id, chat)) {
                    e.insert(Row::loaded(source.chat(id, chat)?));
                }
            }
            Need::Message { chat, number } => {
                if let std::collections::hash_map::Entry::Vacant(e) = self.messages.entry((id, chat, number))
                {
                    e.insert(Row::loaded(source.message(id, chat, number)?));
                }
            }
            Need::Marker { chat, reader } => self.load_marker(id, (chat, reader), source)?,
            Need::Deleted(place) => {
                if let std::collections::hash_map::Entry::Vacant(e) = self.deleted.entry((id, place)) {
                    e.insert(Row::loaded(source.deleted(id, place)?));
                }
            }
        }
        Ok(())
    }

    /// The number that the next application will have.
    #[must_use]
    pub fn next_application(&self) -> ApplicationId {
        self.next_application
    }

    /// The application that has or had a token.
    #[must_use]
    pub fn application_by_token(&self, token: &Token) -> Option<&Application> {
        let id = self
            .tokens
            .get(token)
            .expect("the token of a request is loaded before it is decided");
        id.and_then(|id| self.application(id))
    }

    /// An application by number.
    #[must_use]
    pub fn application(&self, id: ApplicationId) -> Option<&Application> {
        self.applications.get(&id).and_then(|row| row.value.as_ref())
    }

    /// A chat or its tombstone.
    #[must_use]
    pub fn chat(&self, application: ApplicationId, chat: u64) -> Option<&Chat> {
        match self.chats.get(&(application, chat)) {
            Some(row) => row.value.as_ref(),
            None => self.unknown(application),
        }
    }

    /// A message or its tombstone.
    #[must_use]
    pub fn message(&self, application: ApplicationId, chat: u64, number: u64) -> Option<&Message> {
        match self.messages.get(&(application, chat, number)) {
            Some(row) => row.value.as_ref(),
            None => self.unknown(application),
        }
    }

    /// What a key is bound to. The key of an application that is still being restored, or was given up, is free.
    #[must_use]
    pub fn key(&self, application: Option<ApplicationId>, name: &KeyName) -> Option<&BoundKey> {
        match self.keys.get(&application).and_then(|keys| keys.get(name)) {
            Some(bound) => bound
                .as_ref()
                .filter(|bound| application.is_some() || self.is_visible(bound.application)),
            None => self.unknown(application.expect("a server's key is loaded before it is needed")),
        }
    }

    fn is_visible(&self, id: ApplicationId) -> bool {
        self.application(id)
            .is_some_and(|application| application.stage == Stage::Ready)
    }

    /// What was not loaded is absent in an application of this batch, and a programmer's error elsewhere.
    fn unknown<T>(&self, application: ApplicationId) -> Option<T> {
        assert!(
            self.born.contains(&application),
            "a fact that a request needs is loaded before it is decided"
        );
        None
    }

    /// Applications that events changed.
    pub fn changed_applications(&self) -> impl Iterator<Item = &Application> {
        self.applications
            .values()
            .filter(|row| row.changed)
            .filter_map(|row| row.value.as_ref())
    }

    /// Chats that events changed.
    pub fn changed_chats(&self) -> impl Iterator<Item = (ApplicationId, &Chat)> {
        let changed = self.chats.iter().filter(|(_, row)| row.changed);
        changed.filter_map(|((application, _), row)| row.value.as_ref().map(|chat| (*application, chat)))
    }

    /// Messages that events replaced or restores brought: `(application, chat, message)`. New messages stand in
    /// [`crate::Event::MessagesCreated`] itself, and here only if they changed again.
    pub fn changed_messages(&self) -> impl Iterator<Item = (ApplicationId, u64, &Message)> {
        let changed = self.messages.iter().filter(|(_, row)| row.changed);
        changed.filter_map(|((application, chat, _), row)| {
            row.value.as_ref().map(|message| (*application, *chat, message))
        })
    }

    /// Deleted counts that events changed.
    pub fn changed_deleted(&self) -> impl Iterator<Item = (ApplicationId, DeletedPlace, &Arc<DeletedNode>)> {
        let changed = self.deleted.iter().filter(|(_, row)| row.changed);
        changed.filter_map(|((application, place), row)| {
            row.value.as_ref().map(|node| (*application, *place, node))
        })
    }
}

//! Facts of a batch: what was found in MySQL, and what is still to be looked for.
//!
//! A batch's requests are loaded from [`Found`], which answers "nothing" to what it does not know and notes that it was
//! asked. While anything was noted the outcome is thrown away and the next round fetches all of it at once. So which facts
//! a request needs is known to the core alone.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;

use foldhash::fast::RandomState;
use tiro_core::{
    Application, ApplicationId, BoundKey, Chat, DeletedNode, DeletedPlace, Epoch, FactSource, Facts, KeyName,
    Marker, Message, ReaderName, Request, Stage, Timestamp, Token,
};

use super::rows::StoredApplication;

type Map<K, V> = HashMap<K, V, RandomState>;
type Set<K> = HashSet<K, RandomState>;
pub(crate) type KeyPlace = (Option<ApplicationId>, KeyName);

/// What is to be looked for.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) tokens: Set<Token>,
    pub(crate) applications: Set<ApplicationId>,
    pub(crate) chats: Set<(ApplicationId, u64)>,
    pub(crate) messages: Set<(ApplicationId, u64, u64)>,
    pub(crate) markers: Set<(ApplicationId, u64, ReaderName)>,
    pub(crate) keys: Set<KeyPlace>,
    pub(crate) deleted: Set<(ApplicationId, DeletedPlace)>,
}

impl Wanted {
    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
            && self.applications.is_empty()
            && self.chats.is_empty()
            && self.messages.is_empty()
            && self.markers.is_empty()
            && self.keys.is_empty()
            && self.deleted.is_empty()
    }
}

/// What was found, and what was found missing.
#[derive(Default)]
pub(crate) struct Found {
    /// Known before anything is looked for: tokens that are bound stay so.
    pub(crate) bound: Map<Token, ApplicationId>,
    pub(crate) tokens: Map<Token, Option<ApplicationId>>,
    pub(crate) applications: Map<ApplicationId, Option<StoredApplication>>,
    pub(crate) chats: Map<(ApplicationId, u64), Option<Chat>>,
    pub(crate) messages: Map<(ApplicationId, u64, u64), Option<Message>>,
    pub(crate) markers: Map<(ApplicationId, u64, ReaderName), Option<Marker>>,
    pub(crate) keys: Map<KeyPlace, Option<BoundKey>>,
    pub(crate) deleted: Map<(ApplicationId, DeletedPlace), Option<Arc<DeletedNode>>>,
    wanted: RefCell<Wanted>,
}

impl Found {
    /// Loads what the requests need, as far as it is known, and says what else is to be looked for; if nothing is, the
    /// facts are whole.
    pub(crate) fn load<'a>(
        &self,
        next_application: ApplicationId,
        requests: impl Iterator<Item = &'a Request>,
    ) -> (Facts, Wanted) {
        let mut facts = Facts::new(next_application);
        for request in requests {
            let Ok(()) = facts.load(request, self);
        }
        (facts, self.wanted.take())
    }

    /// What was looked for is known now: it was not there, unless it is put in afterwards.
    pub(crate) fn know(&mut self, wanted: &Wanted) {
        self.tokens
            .extend(wanted.tokens.iter().map(|token| (token.clone(), None)));
        self.applications
            .extend(wanted.applications.iter().map(|id| (*id, None)));
        self.chats.extend(wanted.chats.iter().map(|place| (*place, None)));
        self.messages
            .extend(wanted.messages.iter().map(|place| (*place, None)));
        self.markers
            .extend(wanted.markers.iter().map(|place| (place.clone(), None)));
        self.keys
            .extend(wanted.keys.iter().map(|place| (place.clone(), None)));
        self.deleted
            .extend(wanted.deleted.iter().map(|place| (*place, None)));
    }

    /// The partition of an application that was found.
    pub(crate) fn partition(&self, id: ApplicationId) -> Option<u16> {
        let stored = self.applications.get(&id)?.as_ref()?;
        Some(stored.partition)
    }

    fn stored(&self, id: ApplicationId) -> Option<Application> {
        match self.applications.get(&id) {
            Some(found) => found.as_ref().map(|stored| stored.application.clone()),
            None => {
                self.wanted.borrow_mut().applications.insert(id);
                None
            }
        }
    }
}

/// Stands for an application that is there, so that what lies in it is asked for as well.
fn stand_in(id: ApplicationId, token: &Token) -> Application {
    Application {
        id,
        token: token.clone(),
        epoch: Epoch::generated([0; 5]),
        stage: Stage::Ready,
        name: None,
        metadata: None,
        chats_count: 0,
        last_chat_number: 0,
        last_position: 0,
        created_at: Timestamp::MIN,
        updated_at: Timestamp::MIN,
        deleted_at: None,
        version: 0,
    }
}

/// Never an error: see the module.
type Asked<T> = Result<Option<T>, Infallible>;

impl FactSource for Found {
    type Error = Infallible;

    fn application_by_token(&self, token: &Token) -> Asked<Application> {
        if let Some(id) = self.bound.get(token) {
            let known = self.applications.contains_key(id);
            let stored = self.stored(*id);
            return Ok(if known { stored } else { Some(stand_in(*id, token)) });
        }
        match self.tokens.get(token) {
            Some(id) => Ok(id.and_then(|id| self.stored(id))),
            None => {
                self.wanted.borrow_mut().tokens.insert(token.clone());
                Ok(None)
            }
        }
    }

    fn application(&self, id: ApplicationId) -> Asked<Application> {
        if self.applications.contains_key(&id) {
            return Ok(self.stored(id));
        }
        self.wanted.borrow_mut().applications.insert(id);
        Ok(Some(stand_in(id, &Token::generated([0; 16]))))
    }

    fn chat(&self, application: ApplicationId, chat: u64) -> Asked<Chat> {
        let place = (application, chat);
        Ok(self.chats.get(&place).cloned().unwrap_or_else(|| {
            self.wanted.borrow_mut().chats.insert(place);
            None
        }))
    }

    fn message(&self, application: ApplicationId, chat: u64, number: u64) -> Asked<Message> {
        let place = (application, chat, number);
        Ok(self.messages.get(&place).cloned().unwrap_or_else(|| {
            self.wanted.borrow_mut().messages.insert(place);
            None
        }))
    }

    fn marker(&self, application: ApplicationId, chat: u64, reader: &ReaderName) -> Asked<Marker> {
        let place = (application, chat, reader.clone());
        Ok(self.markers.get(&place).cloned().unwrap_or_else(|| {
            self.wanted.borrow_mut().markers.insert(place);
            None
        }))
    }

    fn key(&self, application: Option<ApplicationId>, name: &KeyName) -> Asked<BoundKey> {
        let place = (application, name.clone());
        Ok(self.keys.get(&place).cloned().unwrap_or_else(|| {
            self.wanted.borrow_mut().keys.insert(place);
            None
        }))
    }

    fn deleted(&self, application: ApplicationId, place: DeletedPlace) -> Asked<Arc<DeletedNode>> {
        let place = (application, place);
        Ok(self.deleted.get(&place).cloned().unwrap_or_else(|| {
            self.wanted.borrow_mut().deleted.insert(place);
            None
        }))
    }
}

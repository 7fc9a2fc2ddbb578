//! All that the reference engine knows, as rows in sorted maps, and how a write changes them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use tiro_core::{
    Application, ApplicationId, BoundKey, Change, Chat, DeletedNode, DeletedPlace, Event, FactSource, Facts,
    KeyName, Marker, Message, Namespace, ReaderName, Rejection, Reply, Request, Stage, Timestamp, Token,
    decide,
};

/// Every row, tombstones and what lies below them included.
#[derive(Clone)]
pub(super) struct State {
    next_application: ApplicationId,
    pub(super) applications: BTreeMap<ApplicationId, Application>,
    pub(super) chats: BTreeMap<(ApplicationId, u64), Chat>,
    pub(super) messages: BTreeMap<(ApplicationId, u64, u64), Message>,
    pub(super) markers: BTreeMap<(ApplicationId, u64, ReaderName), Marker>,
    pub(super) changes: BTreeMap<(ApplicationId, u64), Change>,
    /// The change that each key is bound to; the scope is `None` for keys of the server.
    keys: BTreeMap<(Option<ApplicationId>, KeyName), (ApplicationId, u64)>,
}

impl Default for State {
    fn default() -> State {
        State {
            next_application: ApplicationId(1),
            applications: BTreeMap::new(),
            chats: BTreeMap::new(),
            messages: BTreeMap::new(),
            markers: BTreeMap::new(),
            changes: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }
}

impl State {
    /// Writes requests as one batch: each is decided on what the ones before it left.
    pub(super) fn write(&mut self, requests: &[Request], now: Timestamp) -> Vec<Result<Reply, Rejection>> {
        let mut facts = Facts::new(self.next_application);
        for request in requests {
            let Ok(()) = facts.load(request, self);
        }
        let mut events = Vec::new();
        let decide = |request| {
            let decision = decide(&facts, request, now)?;
            decision.events.iter().for_each(|event| facts.apply(event));
            events.extend(decision.events);
            Ok(decision.reply)
        };
        let replies = requests.iter().map(decide).collect();
        self.store(&facts, &events);
        replies
    }

    fn store(&mut self, facts: &Facts, events: &[Event]) {
        for event in events {
            self.append_changes(event);
            self.add_messages(event);
        }
        self.store_rows(facts);
        for event in events {
            if let Event::RestoreAbandoned { application } = event {
                self.forget(*application);
            }
        }
    }

    fn append_changes(&mut self, event: &Event) {
        let application = event.application();
        event.each_change(|change| {
            let place = (application, change.position);
            if let Some(binding) = &change.key {
                let scope = (binding.name.namespace != Namespace::Server).then_some(application);
                let bound_before = self.keys.insert((scope, binding.name.clone()), place);
                let free = bound_before.is_none_or(|(owner, _)| self.is_hidden(owner));
                assert!(free, "a key is bound once");
            }
            let taken_before = self.changes.insert(place, change);
            assert!(taken_before.is_none(), "a position is taken once");
        });
    }

    /// Whether a restore still fills the application: until it ends, the keys it brought are free.
    fn is_hidden(&self, id: ApplicationId) -> bool {
        self.applications
            .get(&id)
            .is_none_or(|row| row.stage != Stage::Ready)
    }

    fn add_messages(&mut self, event: &Event) {
        let Event::MessagesCreated {
            application,
            chat,
            first_number,
            first_position,
            at,
            messages,
        } = event
        else {
            return;
        };
        for (step, created) in (0..).zip(messages) {
            let message = created.message(first_number + step, first_position + step, *at);
            self.messages
                .insert((*application, *chat, message.number), message);
        }
    }

    fn store_rows(&mut self, facts: &Facts) {
        self.next_application = facts.next_application();
        for application in facts.changed_applications() {
            self.applications.insert(application.id, application.clone());
        }
        for (application, chat) in facts.changed_chats() {
            self.chats.insert((application, chat.number), chat.clone());
        }
        for (application, marker) in facts.changed_markers() {
            self.markers
                .insert((application, marker.chat, marker.reader.clone()), marker.clone());
        }
        for (application, chat, message) in facts.changed_messages() {
            self.messages
                .insert((application, chat, message.number), message.clone());
        }
    }

    pub(super) fn forget_unfinished_restores(&mut self) {
        let unfinished: Vec<ApplicationId> = self
            .applications
            .values()
            .filter(|row| row.stage != Stage::Ready)
            .map(|row| row.id)
            .collect();
        unfinished.into_iter().for_each(|id| self.forget(id));
    }

    /// Drops all that an abandoned restore brought.
    fn forget(&mut self, id: ApplicationId) {
        self.applications.remove(&id);
        self.chats.retain(|(application, _), _| *application != id);
        self.messages.retain(|(application, _, _), _| *application != id);
        self.markers.retain(|(application, ..), _| *application != id);
        self.changes.retain(|(application, _), _| *application != id);
        self.keys.retain(|_, (application, _)| *application != id);
    }
}

impl FactSource for State {
    type Error = Infallible;

    fn application_by_token(&self, token: &Token) -> Result<Option<Application>, Infallible> {
        let mut visible = self.applications.values().filter(|row| row.stage == Stage::Ready);
        Ok(visible.find(|row| row.token == *token).cloned())
    }

    fn application(&self, id: ApplicationId) -> Result<Option<Application>, Infallible> {
        Ok(self.applications.get(&id).cloned())
    }

    fn chat(&self, application: ApplicationId, chat: u64) -> Result<Option<Chat>, Infallible> {
        Ok(self.chats.get(&(application, chat)).cloned())
    }

    fn message(
        &self,
        application: ApplicationId,
        chat: u64,
        number: u64,
    ) -> Result<Option<Message>, Infallible> {
        Ok(self.messages.get(&(application, chat, number)).cloned())
    }

    fn marker(
        &self,
        application: ApplicationId,
        chat: u64,
        reader: &ReaderName,
    ) -> Result<Option<Marker>, Infallible> {
        Ok(self.markers.get(&(application, chat, reader.clone())).cloned())
    }

    fn key(
        &self,
        application: Option<ApplicationId>,
        name: &KeyName,
    ) -> Result<Option<BoundKey>, Infallible> {
        let place = self.keys.get(&(application, name.clone()));
        Ok(place.map(|place| BoundKey {
            application: place.0,
            change: self.changes.get(place).cloned(),
        }))
    }

    /// Counted off, since nothing here is kept but the things themselves.
    fn deleted(
        &self,
        application: ApplicationId,
        place: DeletedPlace,
    ) -> Result<Option<Arc<DeletedNode>>, Infallible> {
        Ok(self.count_deleted(application, place).map(Arc::new))
    }
}

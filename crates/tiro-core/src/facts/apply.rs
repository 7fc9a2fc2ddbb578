//! What each event does to state. Nothing is decided here: events carry every value.

use super::{BoundKey, Facts, Row};
use crate::{
    Application, ApplicationId, Change, Chat, Event, Message, MessageCreated, Namespace, NumberedList, Stage,
    Timestamp,
};

impl Facts {
    /// Changes the state as the event says. What it changes must be loaded.
    pub fn apply(&mut self, event: &Event) {
        let id = event.application();
        self.bind_keys(id, event);
        match event {
            Event::ApplicationCreated { application, .. } => self.add_application(application),
            Event::RestoreBegun { application } => self.add_hidden_application(application),
            Event::ApplicationUpdated {
                position,
                at,
                version,
                name,
                metadata,
                ..
            } => {
                let application = self.application_mut(id, *position);
                application.name = Some(name.clone());
                application.metadata = metadata.clone();
                application.updated_at = *at;
                application.version = *version;
            }
            Event::ApplicationDeleted {
                position,
                at,
                version,
                ..
            } => {
                self.application_mut(id, *position).bury(*at, *version);
            }
            Event::ChatCreated { chat, .. } => self.add_chat(id, chat),
            Event::ChatUpdated {
                chat,
                position,
                at,
                version,
                title,
                metadata,
                ..
            } => {
                self.application_mut(id, *position);
                let chat = self.chat_mut(id, *chat, *position);
                chat.title = title.clone();
                chat.metadata = metadata.clone();
                chat.updated_at = *at;
                chat.version = *version;
            }
            Event::ChatDeleted {
                chat,
                position,
                at,
                version,
                ..
            } => {
                self.application_mut(id, *position).chats_count -= 1;
                self.chat_mut(id, *chat, *position).bury(*at, *version);
                self.count_deleted(id, NumberedList::Chats, *chat);
            }
            Event::MessagesCreated {
                chat,
                first_number,
                first_position,
                at,
                messages,
                ..
            } => {
                self.add_messages(id, *chat, (*first_number, *first_position, *at), messages);
            }
            Event::MessageUpdated {
                chat,
                position,
                message,
                ..
            } => {
                self.application_mut(id, *position);
                self.chat_mut(id, *chat, *position);
                self.put_message(id, *chat, message);
            }
            Event::MessageDeleted {
                chat,
                position,
                message,
                ..
            } => {
                self.application_mut(id, *position);
                self.chat_mut(id, *chat, *position).messages_count -= 1;
                self.put_message(id, *chat, message);
                self.count_deleted(id, NumberedList::Messages { chat: *chat }, message.number);
            }
            Event::ReaderMoved { position, marker, .. } => self.move_reader(id, *position, marker),
            Event::EntriesRestored { entries, .. } => {
                entries.iter().for_each(|entry| self.restore_entry(id, entry));
            }
            Event::RestoreFinished { token, .. } => {
                self.tokens.insert(token.clone(), Some(id));
                self.row_mut(id).stage = Stage::Ready;
            }
            Event::RestoreAbandoned { .. } => {
                let row = self
                    .applications
                    .get_mut(&id)
                    .expect("an application is loaded before it changes");
                *row = Row {
                    value: None,
                    changed: false,
                };
            }
            Event::EpochRenewed { epoch, .. } => self.row_mut(id).epoch = epoch.clone(),
        }
    }

    fn add_application(&mut self, application: &Application) {
        self.tokens
            .insert(application.token.clone(), Some(application.id));
        self.add_hidden_application(application);
    }

    fn add_hidden_application(&mut self, application: &Application) {
        let id = application.id;
        self.next_application = ApplicationId(self.next_application.0.max(id.0 + 1));
        self.born.push(id);
        self.applications.insert(
            id,
            Row {
                value: Some(application.clone()),
                changed: true,
            },
        );
    }

    fn add_chat(&mut self, id: ApplicationId, chat: &Chat) {
        let application = self.application_mut(id, chat.change_position);
        application.chats_count += 1;
        application.last_chat_number = chat.number;
        self.chats.insert(
            (id, chat.number),
            Row {
                value: Some(chat.clone()),
                changed: true,
            },
        );
    }

    fn add_messages(
        &mut self,
        id: ApplicationId,
        chat: u64,
        (first_number, first_position, at): (u64, u64, Timestamp),
        messages: &[MessageCreated],
    ) {
        let count = messages.len() as u64;
        let last_position = first_position + count - 1;
        self.application_mut(id, last_position);
        let row = self.chat_mut(id, chat, last_position);
        row.messages_count += count;
        row.last_message_number = first_number + count - 1;
        row.last_message_at = messages.last().map(|message| message.created_at.unwrap_or(at));
        row.activity_position = last_position;
        if self.messages.is_empty() && !self.born.contains(&id) {
            return; // No request of this batch looks at a message: the usual case.
        }
        for (step, message) in (0..).zip(messages) {
            let (number, position) = (first_number + step, first_position + step);
            if self.born.contains(&id) || self.messages.contains_key(&(id, chat, number)) {
                let message = message.message(number, position, at);
                self.messages
                    .insert((id, chat, number), Row::loaded(Some(message)));
            }
        }
    }

    pub(super) fn put_message(&mut self, id: ApplicationId, chat: u64, message: &Message) {
        self.messages.insert(
            (id, chat, message.number),
            Row {
                value: Some(message.clone()),
                changed: true,
            },
        );
    }

    pub(super) fn count_deleted(&mut self, id: ApplicationId, list: NumberedList, number: u64) {
        for place in list.places_of(number) {
            let row = self.deleted.entry((id, place));
            place.count(number, row.or_insert_with(|| Row::loaded(None)).set());
        }
    }

    /// The application's row, its feed now reaching to `position`.
    pub(super) fn application_mut(&mut self, id: ApplicationId, position: u64) -> &mut Application {
        let application = self.row_mut(id);
        application.last_position = position;
        application
    }

    fn row_mut(&mut self, id: ApplicationId) -> &mut Application {
        let row = self
            .applications
            .get_mut(&id)
            .expect("an application is loaded before it changes");
        row.set().as_mut().expect("an application that changes exists")
    }

    /// The chat's row, last changed at `position`.
    pub(super) fn chat_mut(&mut self, id: ApplicationId, chat: u64, position: u64) -> &mut Chat {
        let row = self
            .chats
            .get_mut(&(id, chat))
            .expect("a chat is loaded before it changes");
        let chat = row.set().as_mut().expect("a chat that changes exists");
        chat.change_position = position;
        chat
    }

    fn bind_keys(&mut self, id: ApplicationId, event: &Event) {
        let restored = matches!(event, Event::EntriesRestored { .. });
        let no_key_looked_up = self.keys.is_empty() && !self.born.contains(&id);
        if restored || no_key_looked_up {
            return; // Restored entries bind their own; in a new application keys need no looking up to be there.
        }
        event.each_change(|change| self.bind_key(id, &change));
    }

    pub(super) fn bind_key(&mut self, id: ApplicationId, change: &Change) {
        let Some(binding) = &change.key else { return };
        let scope = (binding.name.namespace != Namespace::Server).then_some(id);
        let bound = BoundKey {
            application: id,
            change: Some(change.clone()),
        };
        self.keys
            .entry(scope)
            .or_default()
            .insert(binding.name.clone(), Some(bound));
    }
}

impl Application {
    pub(super) fn bury(&mut self, at: Timestamp, version: u64) {
        self.name = None;
        self.metadata = None;
        self.chats_count = 0;
        self.updated_at = at;
        self.deleted_at = Some(at);
        self.version = version;
    }
}

impl Chat {
    pub(super) fn bury(&mut self, at: Timestamp, version: u64) {
        self.title = None;
        self.metadata = None;
        self.messages_count = 0;
        self.markers_count = 0;
        self.updated_at = at;
        self.deleted_at = Some(at);
        self.version = version;
    }
}

//! What an entry of an exported feed does to the application that an import fills.
//!
//! An entry has content only if no later one replaced it, so rows are filled in as content turns up. Counts and
//! positions are derived from the entries themselves, not copied.

use super::{Facts, Row};
use crate::{Action, ApplicationId, Chat, Entry, Message, NumberedList, Subject, Thing};

impl Facts {
    /// Takes one entry in; that it may follow the ones before it was decided.
    pub(crate) fn restore_entry(&mut self, id: ApplicationId, entry: &Entry) {
        self.application_mut(id, entry.change.position);
        self.bind_key(id, &entry.change);
        match &entry.change.subject {
            Subject::Application => self.restore_application(id, entry),
            Subject::Chat { chat } => self.restore_chat(id, *chat, entry),
            Subject::Message { chat, number } => self.restore_message(id, *chat, *number, entry),
            Subject::Reader { chat, reader } => {
                self.restore_reader(id, (*chat, reader), (&entry.change, entry.thing.as_ref()));
            }
        }
    }

    fn restore_application(&mut self, id: ApplicationId, entry: &Entry) {
        let change = &entry.change;
        let application = self.application_mut(id, change.position);
        application.version = change.version;
        if change.action == Action::Created {
            application.created_at = change.at;
        }
        application.updated_at = change.at;
        if let Some(Thing::Application(content)) = &entry.thing {
            application.name.clone_from(&content.name);
            application.metadata.clone_from(&content.metadata);
            application.created_at = content.created_at;
            application.updated_at = content.updated_at;
        }
        if change.action == Action::Deleted {
            application.bury(change.at, change.version);
        }
    }

    fn restore_chat(&mut self, id: ApplicationId, number: u64, entry: &Entry) {
        let change = &entry.change;
        match change.action {
            Action::Created => {
                let application = self.application_mut(id, change.position);
                application.chats_count += 1;
                application.last_chat_number = number;
                let chat = Chat {
                    number,
                    title: None,
                    metadata: None,
                    messages_count: 0,
                    last_message_number: 0,
                    last_message_at: None,
                    created_at: change.at,
                    updated_at: change.at,
                    deleted_at: None,
                    version: 1,
                    activity_position: change.position,
                    change_position: change.position,
                    markers_count: 0,
                };
                self.chats.insert(
                    (id, number),
                    Row {
                        value: Some(chat),
                        changed: true,
                    },
                );
            }
            Action::Updated => {}
            Action::Deleted => self.application_mut(id, change.position).chats_count -= 1,
        }
        let chat = self.chat_mut(id, number, change.position);
        chat.version = change.version;
        chat.updated_at = change.at;
        if let Some(Thing::Chat(content)) = &entry.thing {
            chat.title.clone_from(&content.title);
            chat.metadata.clone_from(&content.metadata);
            chat.created_at = content.created_at;
            chat.updated_at = content.updated_at;
            if change.action == Action::Deleted {
                chat.last_message_at = content.last_message_at;
            }
        }
        if change.action == Action::Deleted {
            chat.bury(change.at, change.version);
            self.count_deleted(id, NumberedList::Chats, number);
        }
    }

    fn restore_message(&mut self, id: ApplicationId, chat: u64, number: u64, entry: &Entry) {
        let change = &entry.change;
        let message = self.restored_message(id, chat, number, entry);
        let row = self.chat_mut(id, chat, change.position);
        match change.action {
            Action::Created => {
                row.messages_count += 1;
                row.last_message_number = number;
                row.activity_position = change.position;
            }
            Action::Updated => {}
            Action::Deleted => row.messages_count -= 1,
        }
        if row.last_message_number == number {
            row.last_message_at = Some(message.created_at);
        }
        if change.action == Action::Deleted {
            self.count_deleted(id, NumberedList::Messages { chat }, number);
        }
        self.put_message(id, chat, &message);
    }

    /// The message as it is after an entry; without content while a later entry still has to bring it.
    fn restored_message(&self, id: ApplicationId, chat: u64, number: u64, entry: &Entry) -> Message {
        let change = &entry.change;
        let known = self
            .messages
            .get(&(id, chat, number))
            .and_then(|row| row.value.as_ref());
        let created_position = known.map_or(change.position, |message| message.created_position);
        if let Some(Thing::Message(message)) = &entry.thing {
            return Message {
                created_position,
                ..message.clone()
            };
        }
        Message {
            number,
            content: None,
            created_at: known.map_or(change.at, |message| message.created_at),
            updated_at: change.at,
            deleted_at: (change.action == Action::Deleted).then_some(change.at),
            version: change.version,
            created_position,
        }
    }
}

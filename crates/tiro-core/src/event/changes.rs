//! What events say to the feed, and which facts applying them changes.

use std::sync::Arc;

use crate::{
    Action, Change, Event, KeyBinding, Message, MessageCreated, Need, NumberedList, Subject, Timestamp,
};

impl Event {
    /// Names each fact, besides the application, whose state the event changes.
    pub(crate) fn each_need<E>(&self, mut visit: impl FnMut(Need<'_>) -> Result<(), E>) -> Result<(), E> {
        match self {
            Event::ChatCreated { chat, .. } => visit(Need::Chat(chat.number)),
            Event::ChatUpdated { chat, .. }
            | Event::MessagesCreated { chat, .. }
            | Event::MessageUpdated { chat, .. } => visit(Need::Chat(*chat)),
            Event::ReaderMoved { marker, .. } => visit(Need::Chat(marker.chat)),
            Event::ChatDeleted { chat, .. } => {
                visit(Need::Chat(*chat))?;
                NumberedList::Chats.each_need(*chat, &mut visit)
            }
            Event::MessageDeleted { chat, message, .. } => {
                visit(Need::Chat(*chat))?;
                NumberedList::Messages { chat: *chat }.each_need(message.number, &mut visit)
            }
            Event::EntriesRestored { entries, .. } => entries
                .iter()
                .try_for_each(|entry| entry.change.each_need(&mut visit)),
            _ => Ok(()),
        }
    }

    /// The changes that the event adds to the feed, in order.
    pub fn each_change(&self, mut visit: impl FnMut(Change)) {
        let mut one =
            |subject, action, position: u64, at: Timestamp, version, key: &Option<Arc<KeyBinding>>| {
                visit(Change {
                    position,
                    at,
                    subject,
                    action,
                    version,
                    key: key.clone(),
                });
            };
        match self {
            Event::ApplicationCreated { application, key } => {
                one(
                    Subject::Application,
                    Action::Created,
                    1,
                    application.created_at,
                    1,
                    key,
                );
            }
            Event::ApplicationUpdated {
                position,
                at,
                version,
                key,
                ..
            } => {
                one(
                    Subject::Application,
                    Action::Updated,
                    *position,
                    *at,
                    *version,
                    key,
                );
            }
            Event::ApplicationDeleted {
                position,
                at,
                version,
                key,
                ..
            } => {
                one(
                    Subject::Application,
                    Action::Deleted,
                    *position,
                    *at,
                    *version,
                    key,
                );
            }
            Event::ChatCreated { chat, at, key, .. } => {
                one(
                    Subject::Chat { chat: chat.number },
                    Action::Created,
                    chat.change_position,
                    *at,
                    1,
                    key,
                );
            }
            Event::ChatUpdated {
                chat,
                position,
                at,
                version,
                key,
                ..
            } => {
                one(
                    Subject::Chat { chat: *chat },
                    Action::Updated,
                    *position,
                    *at,
                    *version,
                    key,
                );
            }
            Event::ChatDeleted {
                chat,
                position,
                at,
                version,
                key,
                ..
            } => {
                one(
                    Subject::Chat { chat: *chat },
                    Action::Deleted,
                    *position,
                    *at,
                    *version,
                    key,
                );
            }
            Event::MessagesCreated {
                chat,
                first_number,
                first_position,
                at,
                messages,
                ..
            } => {
                for (step, message) in (0..).zip(messages) {
                    let subject = Subject::Message {
                        chat: *chat,
                        number: first_number + step,
                    };
                    one(
                        subject,
                        Action::Created,
                        first_position + step,
                        *at,
                        1,
                        &message.key,
                    );
                }
            }
            Event::MessageUpdated {
                chat,
                position,
                at,
                message,
                key,
                ..
            } => {
                let subject = Subject::Message {
                    chat: *chat,
                    number: message.number,
                };
                one(subject, Action::Updated, *position, *at, message.version, key);
            }
            Event::MessageDeleted {
                chat,
                position,
                at,
                message,
                key,
                ..
            } => {
                let subject = Subject::Message {
                    chat: *chat,
                    number: message.number,
                };
                one(subject, Action::Deleted, *position, *at, message.version, key);
            }
            Event::ReaderMoved {
                position, at, marker, ..
            } => {
                let subject = Subject::Reader {
                    chat: marker.chat,
                    reader: marker.reader.clone(),
                };
                one(subject, Action::Updated, *position, *at, marker.version, &None);
            }
            Event::EntriesRestored { entries, .. } => {
                entries.iter().for_each(|entry| visit(entry.change.clone()));
            }
            Event::RestoreBegun { .. }
            | Event::RestoreFinished { .. }
            | Event::RestoreAbandoned { .. }
            | Event::EpochRenewed { .. } => {}
        }
    }
}

impl MessageCreated {
    /// The message with its number and the position and time of its create.
    #[must_use]
    pub fn message(&self, number: u64, position: u64, at: Timestamp) -> Message {
        let created_at = self.created_at.unwrap_or(at);
        Message {
            number,
            content: Some(self.content.clone()),
            created_at,
            updated_at: created_at,
            deleted_at: None,
            version: 1,
            created_position: position,
        }
    }
}

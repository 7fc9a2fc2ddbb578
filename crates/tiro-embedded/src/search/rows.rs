//! What the index has to know of an event: messages that say something, and scopes that are gone.

use std::sync::Arc;

use tiro_core::{ApplicationId, Event, Message, MessageContent, Thing, Timestamp};

/// Whether a row stands for a message's create or for a later version of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Created,
    Edited,
}

/// What a message says since some point of the log.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) application: ApplicationId,
    pub(super) chat: u64,
    pub(super) number: u64,
    pub(super) created_position: u64,
    pub(super) created_at: Timestamp,
    pub(super) cause: Cause,
    pub(super) content: Arc<MessageContent>,
}

impl Row {
    /// Estimate of the memory it takes; its content is shared with the view's rows while those are in memory.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Row>() + self.content.bytes()
    }

    /// None of a tombstone.
    fn of(application: ApplicationId, chat: u64, message: &Message, cause: Cause) -> Option<Row> {
        Some(Row {
            application,
            chat,
            number: message.number,
            created_position: message.created_position,
            created_at: message.created_at,
            cause,
            content: Arc::clone(message.content.as_ref()?),
        })
    }
}

/// Everything in an application, or in one chat of it, is gone for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) application: ApplicationId,
    pub(super) chat: Option<u64>,
}

/// A span of the log, as far as it matters for search, in the order of the log.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) written: Vec<Row>,
    pub(super) gone: Vec<Gone>,
}

impl Rows {
    pub(super) fn is_empty(&self) -> bool {
        self.written.is_empty() && self.gone.is_empty()
    }

    pub(super) fn append(&mut self, later: &Rows) {
        self.written.extend_from_slice(&later.written);
        self.gone.extend_from_slice(&later.gone);
    }

    /// Takes an event in and answers the memory that its rows take.
    pub(super) fn absorb(&mut self, event: &Event) -> usize {
        let (before, application) = (self.written.len(), event.application());
        match event {
            Event::MessagesCreated {
                chat,
                first_number,
                first_position,
                at,
                messages,
                ..
            } => {
                let rows = (0..).zip(messages).filter_map(|(step, message)| {
                    let message = message.message(first_number + step, first_position + step, *at);
                    Row::of(application, *chat, &message, Cause::Created)
                });
                self.written.extend(rows);
            }
            Event::MessageUpdated { chat, message, .. } => {
                let row = Row::of(application, *chat, message, Cause::Edited);
                self.written.extend(row);
            }
            // An export says each message once, at the entry of its present version.
            Event::EntriesRestored { entries, .. } => {
                let rows = entries.iter().filter_map(|entry| match &entry.thing {
                    Some(Thing::Message(message)) => {
                        let chat = entry.change.subject.chat()?;
                        Row::of(application, chat, message, Cause::Created)
                    }
                    _ => None,
                });
                self.written.extend(rows);
            }
            Event::ChatDeleted { chat, .. } => self.gone.push(Gone {
                application,
                chat: Some(*chat),
            }),
            Event::ApplicationDeleted { .. } | Event::RestoreAbandoned { .. } => self.gone.push(Gone {
                application,
                chat: None,
            }),
            Event::ApplicationCreated { .. }
            | Event::ApplicationUpdated { .. }
            | Event::ChatCreated { .. }
            | Event::ChatUpdated { .. }
            | Event::MessageDeleted { .. }
            | Event::ReaderMoved { .. }
            | Event::RestoreBegun { .. }
            | Event::RestoreFinished { .. }
            | Event::EpochRenewed { .. } => {}
        }
        self.written[before..].iter().map(Row::bytes).sum()
    }
}

//! The things: applications, chats and messages as they are at one moment.

use std::sync::Arc;

use crate::{ApplicationId, Body, Cursor, Epoch, Metadata, Name, Sender, Timestamp, Title, Token};

/// Whether an application can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Created, and perhaps deleted since.
    Ready,
    /// An import fills it; invisible until its last line.
    Restoring {
        /// The position its last line will have.
        last_position: u64,
    },
}

/// An application, or its tombstone (`deleted_at` set; no name, no metadata, no chats).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its number inside this engine.
    pub id: ApplicationId,
    /// Its public name.
    pub token: Token,
    /// Its present history.
    pub epoch: Epoch,
    /// Whether it can be seen.
    pub stage: Stage,
    /// `None` only in a tombstone.
    pub name: Option<Name>,
    /// What the client attached.
    pub metadata: Option<Metadata>,
    /// Live chats.
    pub chats_count: u64,
    /// The number of the chat created last; 0 before the first.
    pub last_chat_number: u64,
    /// The position of the latest change in it: the end of its feed.
    pub last_position: u64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its own content last changed.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// 1 when created.
    pub version: u64,
}

impl Application {
    /// The end of its feed.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor_at(self.last_position)
    }

    /// A place in its feed.
    #[must_use]
    pub fn cursor_at(&self, position: u64) -> Cursor {
        Cursor {
            epoch: self.epoch.clone(),
            position,
        }
    }
}

/// A chat, or its tombstone (`deleted_at` set; no title, no metadata, no messages).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// Its number in the application, from 1.
    pub number: u64,
    /// What people call it.
    pub title: Option<Title>,
    /// What the client attached.
    pub metadata: Option<Metadata>,
    /// Live messages.
    pub messages_count: u64,
    /// The number of the message created last, deleted or not; 0 before the first.
    pub last_message_number: u64,
    /// `created_at` of that message.
    pub last_message_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its own content last changed.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// 1 when created.
    pub version: u64,
    /// Position of its last message's create, or of its own: the order of `order=activity`.
    pub activity_position: u64,
    /// Position of the latest change in or below it.
    pub change_position: u64,
    /// Readers who have a marker in it. Inside engines only: while it is 0, nobody looks for one.
    pub markers_count: u64,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageContent {
    /// The text.
    pub body: Body,
    /// Who sent it.
    pub sender: Option<Sender>,
    /// What the client attached.
    pub metadata: Option<Metadata>,
}

impl MessageContent {
    /// Bytes of its texts, for bounds on pages and batches.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let sender = self.sender.as_ref().map_or(0, |sender| sender.len());
        let metadata = self
            .metadata
            .as_ref()
            .map_or(0, |metadata| metadata.as_str().len());
        self.body.len() + sender + metadata
    }
}

/// A message, or its tombstone (`deleted_at` set, no content). Cheap to clone: content is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number in the chat, from 1.
    pub number: u64,
    /// `None` only in a tombstone.
    pub content: Option<Arc<MessageContent>>,
    /// When it was created; what an import said, if one made it.
    pub created_at: Timestamp,
    /// When its content last changed.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// 1 when created.
    pub version: u64,
    /// Position of its create: the order of search.
    pub created_position: u64,
}

impl Message {
    /// Bytes of its texts; 0 for a tombstone.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.content.as_ref().map_or(0, |content| content.bytes())
    }
}

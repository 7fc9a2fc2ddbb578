//! What was decided: facts of the past, with every value final.

mod changes;

use std::sync::Arc;

use crate::{
    Application, ApplicationId, Chat, Entry, Epoch, KeyBinding, Marker, Message, MessageContent, Metadata,
    Name, Timestamp, Title, Token,
};

/// A key as an event carries it.
type Key = Option<Arc<KeyBinding>>;

/// One message of [`Event::MessagesCreated`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageCreated {
    /// What it says.
    pub content: Arc<MessageContent>,
    /// What an import said; otherwise the event's own time counts.
    pub created_at: Option<Timestamp>,
    /// The key bound to this message's change.
    pub key: Key,
}

/// A step in the history of one application. All that one request decides is stored together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An application came to be; takes position 1 of its feed.
    ApplicationCreated {
        /// Version 1, no chats, `last_position` 1.
        application: Application,
        /// In [`crate::Namespace::Server`].
        key: Key,
    },
    /// An application's name or metadata was replaced.
    ApplicationUpdated {
        /// Which.
        application: ApplicationId,
        /// Its place in the feed.
        position: u64,
        /// When.
        at: Timestamp,
        /// The version it now has.
        version: u64,
        /// The name it now has.
        name: Name,
        /// The metadata it now has.
        metadata: Option<Metadata>,
        /// The request's key.
        key: Key,
    },
    /// An application and all below it became invisible.
    ApplicationDeleted {
        /// Which.
        application: ApplicationId,
        /// Its place in the feed, the last one.
        position: u64,
        /// When.
        at: Timestamp,
        /// The version of the tombstone.
        version: u64,
        /// The request's key.
        key: Key,
    },
    /// A chat came to be.
    ChatCreated {
        /// Its application.
        application: ApplicationId,
        /// Version 1, no messages; its positions say its place in the feed.
        chat: Chat,
        /// When; `chat.created_at` is what an import said.
        at: Timestamp,
        /// The request's key.
        key: Key,
    },
    /// A chat's title or metadata was replaced.
    ChatUpdated {
        /// Its application.
        application: ApplicationId,
        /// Its number.
        chat: u64,
        /// Its place in the feed.
        position: u64,
        /// When.
        at: Timestamp,
        /// The version it now has.
        version: u64,
        /// The title it now has.
        title: Option<Title>,
        /// The metadata it now has.
        metadata: Option<Metadata>,
        /// The request's key.
        key: Key,
    },
    /// A chat and all its messages became invisible.
    ChatDeleted {
        /// Its application.
        application: ApplicationId,
        /// Its number.
        chat: u64,
        /// Its place in the feed.
        position: u64,
        /// When.
        at: Timestamp,
        /// The version of the tombstone.
        version: u64,
        /// The request's key.
        key: Key,
    },
    /// Messages came to be in one chat: numbers and positions both rise by 1 from the first to the last.
    MessagesCreated {
        /// Their application.
        application: ApplicationId,
        /// Their chat.
        chat: u64,
        /// The number of the first.
        first_number: u64,
        /// The position of the first.
        first_position: u64,
        /// When.
        at: Timestamp,
        /// In order, at least one.
        messages: Vec<MessageCreated>,
    },
    /// A message's content was replaced.
    MessageUpdated {
        /// Its application.
        application: ApplicationId,
        /// Its chat.
        chat: u64,
        /// Its place in the feed.
        position: u64,
        /// When.
        at: Timestamp,
        /// The message as it now is.
        message: Message,
        /// The request's key.
        key: Key,
    },
    /// A message became a tombstone.
    MessageDeleted {
        /// Its application.
        application: ApplicationId,
        /// Its chat.
        chat: u64,
        /// Its place in the feed.
        position: u64,
        /// When.
        at: Timestamp,
        /// The tombstone.
        message: Message,
        /// The request's key.
        key: Key,
    },
    /// A reader has read further. Takes no key.
    ReaderMoved {
        /// In which application.
        application: ApplicationId,
        /// Its place in the feed.
        position: u64,
        /// When.
        at: Timestamp,
        /// The marker as it now is; version 1 if it is new.
        marker: Marker,
    },
    /// An import of an exported application began: nobody sees it yet.
    RestoreBegun {
        /// Empty, [`crate::Stage::Restoring`], `last_position` 0.
        application: Application,
    },
    /// Entries of the exported feed, in order.
    EntriesRestored {
        /// The application being restored.
        application: ApplicationId,
        /// With the content they were exported with.
        entries: Vec<Entry>,
    },
    /// The restored application is complete and from now on visible.
    RestoreFinished {
        /// Which.
        application: ApplicationId,
        /// Its token, now bound.
        token: Token,
    },
    /// The restore was given up: what it stored is to be dropped.
    RestoreAbandoned {
        /// Which.
        application: ApplicationId,
    },
    /// History was rewound: cursors handed out before are no longer good.
    EpochRenewed {
        /// Which.
        application: ApplicationId,
        /// The new history's name.
        epoch: Epoch,
    },
}

impl Event {
    /// The application that the event belongs to.
    #[must_use]
    pub fn application(&self) -> ApplicationId {
        match self {
            Event::ApplicationCreated { application, .. } | Event::RestoreBegun { application } => {
                application.id
            }
            Event::ApplicationUpdated { application, .. }
            | Event::ApplicationDeleted { application, .. }
            | Event::ChatCreated { application, .. }
            | Event::ChatUpdated { application, .. }
            | Event::ChatDeleted { application, .. }
            | Event::MessagesCreated { application, .. }
            | Event::MessageUpdated { application, .. }
            | Event::MessageDeleted { application, .. }
            | Event::ReaderMoved { application, .. }
            | Event::EntriesRestored { application, .. }
            | Event::RestoreFinished { application, .. }
            | Event::RestoreAbandoned { application }
            | Event::EpochRenewed { application, .. } => *application,
        }
    }
}

//! The change feed: one entry for every create, update and delete.

use std::sync::Arc;

use crate::{Application, Chat, KeyBinding, Message, ReadState, ReaderName, Timestamp};

/// The thing that a change is about, within its application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The application itself.
    Application,
    /// A chat.
    Chat {
        /// Its number.
        chat: u64,
    },
    /// A message.
    Message {
        /// The chat's number.
        chat: u64,
        /// The message's number.
        number: u64,
    },
    /// How far somebody has read in a chat; always [`Action::Updated`], the first time too.
    Reader {
        /// The chat's number.
        chat: u64,
        /// Who.
        reader: ReaderName,
    },
}

impl Subject {
    /// The chat it is, or lies in.
    #[must_use]
    pub fn chat(&self) -> Option<u64> {
        match self {
            Subject::Application => None,
            Subject::Chat { chat } | Subject::Message { chat, .. } | Subject::Reader { chat, .. } => {
                Some(*chat)
            }
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The thing came to be, at version 1.
    Created,
    /// Its content was replaced.
    Updated,
    /// It became a tombstone; below a chat or application, all went with it.
    Deleted,
}

/// One entry of an application's feed, without the content of the thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// 1, 2, 3 … in the application, without a hole.
    pub position: u64,
    /// When Tiro accepted it.
    pub at: Timestamp,
    /// What changed.
    pub subject: Subject,
    /// How.
    pub action: Action,
    /// The version that the change gave it.
    pub version: u64,
    /// The key of the request that made it.
    pub key: Option<Arc<KeyBinding>>,
}

/// A thing with its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// An application.
    Application(Application),
    /// A chat.
    Chat(Chat),
    /// A message.
    Message(Message),
    /// How far somebody has read.
    Reader(ReadState),
}

impl Thing {
    /// Its version.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Thing::Application(application) => application.version,
            Thing::Chat(chat) => chat.version,
            Thing::Message(message) => message.version,
            Thing::Reader(state) => state.version,
        }
    }

    /// Bytes of the texts that can make a page long; 0 for what is always short.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let metadata = match self {
            Thing::Message(message) => return message.bytes(),
            Thing::Application(application) => &application.metadata,
            Thing::Chat(chat) => &chat.metadata,
            Thing::Reader(_) => return 0,
        };
        metadata.as_ref().map_or(0, |metadata| metadata.as_str().len())
    }
}

/// A change together with the thing, if the change made the version that is the present one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What happened.
    pub change: Change,
    /// The thing as it is now; `None` if a later entry has it, or it went with its chat.
    pub thing: Option<Thing>,
}

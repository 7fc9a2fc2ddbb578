//! Readers: how far somebody has read in a chat. What is unread is counted when it is asked for, never kept.

use std::sync::Arc;

use crate::{Chat, DeletedNode, DeletedPlace, NumberedList, ReaderName, deleted_through};

/// How far a reader has read in a chat, as it is stored. It only rises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Whose it is.
    pub reader: ReaderName,
    /// In which chat.
    pub chat: u64,
    /// The number of the last message read; 0 if none.
    pub read: u64,
    /// 1 when it was first set.
    pub version: u64,
}

/// How far a reader has read in a chat, and what is left, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadState {
    /// Who.
    pub reader: ReaderName,
    /// In which chat.
    pub chat: u64,
    /// The number of the last message read; 0 also without a marker.
    pub read: u64,
    /// Live messages after that one.
    pub unread: u64,
    /// The marker's version; 0 without a marker.
    pub version: u64,
}

impl Marker {
    /// What the marker says with so many messages unread.
    #[must_use]
    pub fn state(&self, unread: u64) -> ReadState {
        ReadState {
            reader: self.reader.clone(),
            chat: self.chat,
            read: self.read,
            unread,
            version: self.version,
        }
    }

    /// What a reader without a marker has: nothing is read.
    #[must_use]
    pub fn absent(reader: &ReaderName, chat: u64) -> Marker {
        Marker {
            reader: reader.clone(),
            chat,
            read: 0,
            version: 0,
        }
    }
}

/// Live messages of a live chat after number `read`. Asks `find` for deleted counts only where something was deleted. Who
/// finds them in rounds may answer with none at first: then what comes out is of no use, and no error.
///
/// # Errors
/// The first error of `find`.
pub fn unread<E>(
    chat: &Chat,
    read: u64,
    find: impl FnMut(DeletedPlace) -> Result<Option<Arc<DeletedNode>>, E>,
) -> Result<u64, E> {
    let after = chat.last_message_number.saturating_sub(read);
    let deleted = chat.last_message_number - chat.messages_count;
    if after == 0 || deleted == 0 {
        return Ok(after);
    }
    let list = NumberedList::Messages { chat: chat.number };
    let deleted_before = deleted_through(list, read, find)?;
    Ok(after.saturating_sub(deleted.saturating_sub(deleted_before)))
}

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

/// Live messages of a live chat after number `read`; `None` where its counts contradict each other, which only damaged ones
/// do. Asks `find` for deleted counts only where something was deleted.
///
/// # Errors
/// The first error of `find`.
pub fn unread<E>(
    chat: &Chat,
    read: u64,
    find: impl FnMut(DeletedPlace) -> Result<Option<Arc<DeletedNode>>, E>,
) -> Result<Option<u64>, E> {
    let after = chat.last_message_number.checked_sub(read);
    let deleted = chat.last_message_number.checked_sub(chat.messages_count);
    let (Some(after), Some(deleted)) = (after, deleted) else {
        return Ok(None);
    };
    if after == 0 || deleted == 0 {
        return Ok(Some(after));
    }
    let list = NumberedList::Messages { chat: chat.number };
    let deleted_before = deleted_through(list, read, find)?;
    let deleted_after = deleted.checked_sub(deleted_before);
    Ok(deleted_after.and_then(|deleted_after| after.checked_sub(deleted_after)))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::Timestamp;

    /// Ten messages of which so many are live, with those deleted whose bits are set: bit 0 is number 1.
    fn unread_of(live: u64, deleted: u64, read: u64) -> Option<u64> {
        let chat = Chat {
            number: 1,
            title: None,
            metadata: None,
            messages_count: live,
            last_message_number: 10,
            last_message_at: None,
            created_at: Timestamp::MIN,
            updated_at: Timestamp::MIN,
            deleted_at: None,
            version: 1,
            activity_position: 2,
            change_position: 2,
            markers_count: 1,
        };
        let node = Arc::new(DeletedNode::Numbers([deleted, 0, 0, 0]));
        let find = |place: DeletedPlace| Ok::<_, Infallible>((place.level == 0).then(|| Arc::clone(&node)));
        let Ok(unread) = unread(&chat, read, find);
        unread
    }

    #[test]
    fn what_is_unread_are_the_live_messages_after_the_last_read_one() {
        assert_eq!(unread_of(10, 0, 4), Some(6));
        assert_eq!(unread_of(8, 0b11, 4), Some(6));
        assert_eq!(unread_of(8, 0b10_0000_0001, 4), Some(5));
        assert_eq!(unread_of(8, 0b11, 10), Some(0));
    }

    #[test]
    fn counts_that_contradict_each_other_are_no_number() {
        // More live than there are, more read than there are.
        assert_eq!(unread_of(11, 0, 4), None);
        assert_eq!(unread_of(10, 0, 11), None);
        // More deleted before the place than at all; more deleted after it than there are.
        assert_eq!(unread_of(9, 0b11, 4), None);
        assert_eq!(unread_of(2, 0b1, 4), None);
    }
}

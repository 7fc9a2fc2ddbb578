//! The catalog of the view: every kind of row, its key and its value. Keys are big-endian, so that order is by number.
//!
//! | tag | key | value |
//! |---|---|---|
//! | `A` | application | the application, or its tombstone |
//! | `B` | application, chat, block of 16 numbers | 16 messages, if together at most 16 KiB |
//! | `C` | application, chat | the chat, or its tombstone |
//! | `D` | application, chat or 0, level (1 byte) and block (7 bytes) | what was deleted of the chat's messages (0: of the chats) below one node |
//! | `E` | application, block of 32 positions | 32 changes of the feed |
//! | `F` | application, position | one change of the feed, if it is in no block |
//! | `G` | application, chat or 0 | rows below a deleted chat (0: application) still to be removed |
//! | `K` | application or 0xffffffff, namespace, key | position of the bound change; for 0xffffffff the application |
//! | `M` | application, chat, number | one message, if it is in no block |
//! | `N` | creation time, token | application; only live ones |
//! | `O` | application, inverted activity position | chat; only live ones |
//! | `P` | | the point of the log that is applied, and the next application's number |
//! | `Q` | application, chat, reader | nothing: the reader has a marker in the chat, which goes with the chat |
//! | `R` | application | nothing: the application is being restored |
//! | `T` | token | application |
//! | `U` | application, reader, a zero byte, chat | how far the reader has read, and the marker's version |

use tiro_core::{ApplicationId, ApplicationsAfter, DeletedPlace, KeyName, NumberedList, Timestamp, Token};

use crate::encoding::entries::namespace_byte;

/// Messages of a full block row.
pub(crate) const BLOCK_MESSAGES: u64 = 16;
/// Longest block row of messages, in bytes; longer ones stand one by one.
pub(crate) const BLOCK_BYTES_MAX: usize = 16 * 1024;
/// Changes of a full block row.
pub(crate) const BLOCK_CHANGES: u64 = 32;

/// The kinds of rows; the byte is the first of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Application = b'A',
    MessageBlock = b'B',
    Chat = b'C',
    Deleted = b'D',
    ChangeBlock = b'E',
    Change = b'F',
    Garbage = b'G',
    Key = b'K',
    Message = b'M',
    ApplicationByTime = b'N',
    ChatByActivity = b'O',
    Progress = b'P',
    MarkerInChat = b'Q',
    Restoring = b'R',
    Token = b'T',
    Marker = b'U',
}

/// The block row, from 0, that a message's number lies in.
pub(crate) fn message_block(number: u64) -> u64 {
    (number - 1) / BLOCK_MESSAGES
}

/// The first number of a block row.
pub(crate) fn block_first_number(block: u64) -> u64 {
    block * BLOCK_MESSAGES + 1
}

/// The block row, from 0, that a position lies in.
pub(crate) fn change_block(position: u64) -> u64 {
    (position - 1) / BLOCK_CHANGES
}

/// A key of a kind in an application, followed by numbers.
pub(crate) fn key(kind: Kind, application: ApplicationId, numbers: &[u64]) -> Vec<u8> {
    let mut key = Vec::with_capacity(5 + 8 * numbers.len());
    key.push(kind as u8);
    key.extend_from_slice(&application.0.to_be_bytes());
    for number in numbers {
        key.extend_from_slice(&number.to_be_bytes());
    }
    key
}

/// The number at the end of a key.
pub(crate) fn last_number(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The `D` key of a node. A block's number has 56 bits at most: level 0 has the most blocks, 256 numbers in each.
pub(crate) fn deleted(application: ApplicationId, place: DeletedPlace) -> Vec<u8> {
    let node = (u64::from(place.level) << 56) | place.block;
    key(Kind::Deleted, application, &[list_chat(place.list), node])
}

/// How the nodes of a list begin in their keys: with a chat, or 0 for the list of chats.
pub(crate) fn list_chat(list: NumberedList) -> u64 {
    match list {
        NumberedList::Chats => 0,
        NumberedList::Messages { chat } => chat,
    }
}

/// The node that a `D` key of a list stands for; `None` if it is no such key.
pub(crate) fn deleted_place(list: NumberedList, key: &[u8]) -> Option<DeletedPlace> {
    let node = last_number(key)?;
    Some(DeletedPlace {
        list,
        level: (node >> 56) as u8,
        block: node & ((1 << 56) - 1),
    })
}

/// The `O` key of a chat.
pub(crate) fn by_activity(application: ApplicationId, activity_position: u64) -> Vec<u8> {
    key(Kind::ChatByActivity, application, &[!activity_position])
}

/// The `K` key of an idempotency key.
pub(crate) fn bound_key(application: Option<ApplicationId>, name: &KeyName) -> Vec<u8> {
    let mut key = key(Kind::Key, application.unwrap_or(ApplicationId(u32::MAX)), &[]);
    key.push(namespace_byte(name.namespace));
    key.extend_from_slice(name.key.as_bytes());
    key
}

/// The `Q` key of a reader's marker in a chat.
pub(crate) fn marker_in_chat(application: ApplicationId, chat: u64, reader: &str) -> Vec<u8> {
    [
        &key(Kind::MarkerInChat, application, &[chat])[..],
        reader.as_bytes(),
    ]
    .concat()
}

/// The chat and the reader of a `Q` key; `None` if it is no such key.
pub(crate) fn chat_and_reader(key: &[u8]) -> Option<(u64, &str)> {
    let (chat, reader) = key.get(5..)?.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*chat), std::str::from_utf8(reader).ok()?))
}

/// The `U` key of a reader's marker in a chat. No reader's name has a zero byte, so those of one stand together.
pub(crate) fn marker(application: ApplicationId, reader: &str, chat: u64) -> Vec<u8> {
    let mut key = key(Kind::Marker, application, &[]);
    key.extend_from_slice(reader.as_bytes());
    key.push(0);
    key.extend_from_slice(&chat.to_be_bytes());
    key
}

/// The `T` key of a token.
pub(crate) fn token(token: &Token) -> Vec<u8> {
    [&[Kind::Token as u8], token.as_str().as_bytes()].concat()
}

/// The `N` key of an application. Times before 1970 come first.
pub(crate) fn by_time(place: &ApplicationsAfter) -> Vec<u8> {
    let ordered = place.created_at.as_millis().cast_unsigned() ^ (1 << 63);
    [
        &[Kind::ApplicationByTime as u8],
        &ordered.to_be_bytes()[..],
        place.token.as_str().as_bytes(),
    ]
    .concat()
}

/// The place that an `N` key stands for; `None` if it is no such key.
pub(crate) fn time_and_token(key: &[u8]) -> Option<ApplicationsAfter> {
    let (time, token) = key.get(1..)?.split_first_chunk::<8>()?;
    let millis = (u64::from_be_bytes(*time) ^ (1 << 63)).cast_signed();
    let token = Token::parse(std::str::from_utf8(token).ok()?).ok()?;
    Some(ApplicationsAfter {
        created_at: Timestamp::from_millis(millis),
        token,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications_sort_by_time_then_token_also_before_1970() {
        let place = |millis, token: &str| ApplicationsAfter {
            created_at: Timestamp::from_millis(millis),
            token: Token::parse(token).unwrap(),
        };
        let ordered = [
            place(-5, "bbbbbbbbbbbbbbbb"),
            place(0, "aaaaaaaaaaaaaaaa"),
            place(0, "aaaaaaaaaaaaaaab"),
            place(7, "aaaaaaaaaaaaaaaa"),
        ];
        let keys: Vec<Vec<u8>> = ordered.iter().map(by_time).collect();
        assert!(keys.is_sorted());
        assert_eq!(
            keys.iter().map(|key| time_and_token(key)).collect::<Vec<_>>(),
            ordered.map(Some)
        );
    }

    #[test]
    fn the_latest_activity_sorts_first() {
        assert!(by_activity(ApplicationId(1), 9) < by_activity(ApplicationId(1), 8));
        assert!(by_activity(ApplicationId(1), 1) < by_activity(ApplicationId(2), 9));
    }
}

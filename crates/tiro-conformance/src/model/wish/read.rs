//! What can be read, in plain values.

use tiro_core::{ChangesFilter, LiveRange, NumberRange};

use super::Search;

/// A read of one thing, a list, a feed or a search.
#[derive(Clone, Debug)]
pub(crate) enum Read {
    Application {
        app: u8,
    },
    Applications {
        limit: u32,
    },
    Chat {
        app: u8,
        chat: u64,
    },
    Chats {
        app: u8,
        range: NumberRange,
    },
    ChatsByActivity {
        app: u8,
        before: Option<u64>,
        limit: u32,
    },
    Message {
        app: u8,
        chat: u64,
        number: u64,
    },
    Messages {
        app: u8,
        chat: u64,
        range: NumberRange,
    },
    LiveChats {
        app: u8,
        range: LiveRange,
    },
    LiveMessages {
        app: u8,
        chat: u64,
        range: LiveRange,
    },
    Reader {
        app: u8,
        chat: u64,
        reader: u8,
    },
    UnreadChats {
        app: u8,
        reader: u8,
        after: u64,
        limit: u32,
    },
    Changes {
        app: u8,
        after: Option<u64>,
        limit: u32,
        filter: ChangesFilter,
    },
    Search(Search),
}

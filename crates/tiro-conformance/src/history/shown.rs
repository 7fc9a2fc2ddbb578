//! What an answer shows, as far as the checker looks at it.

use std::fmt;

/// What an answer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A delete has no body.
    Nothing,
    /// The application.
    Application(ApplicationShown),
    /// A chat.
    Chat(ChatShown),
    /// A message.
    Message(MessageShown),
    /// Messages that were created: numbers rise by 1 from the first.
    Numbers {
        /// The number of the first.
        first: u64,
        /// How many.
        count: u64,
    },
    /// A page of chats.
    Chats(PageShown<ChatShown>),
    /// A page of messages.
    Messages(PageShown<MessageShown>),
    /// What a search found.
    Hits(HitsShown),
    /// A page of the feed.
    Entries(EntriesShown),
}

/// An application as an answer shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationShown {
    /// Live chats.
    pub chats_count: u64,
}

/// A chat as an answer shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatShown {
    /// Its number.
    pub number: u64,
    /// Its version.
    pub version: u64,
    /// `None` in a tombstone.
    pub title: Option<String>,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// Live messages.
    pub messages_count: u64,
    /// The number of the message created last.
    pub last_message_number: u64,
}

/// A message as an answer shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageShown {
    /// Its number.
    pub number: u64,
    /// Its version.
    pub version: u64,
    /// `None` in a tombstone.
    pub body: Option<String>,
    /// Whether it is a tombstone.
    pub deleted: bool,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageShown<T> {
    /// As listed.
    pub items: Vec<T>,
    /// Where the list goes on, if it does.
    pub next: Option<u64>,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitsShown {
    /// The chat's number and the message.
    pub items: Vec<(u64, MessageShown)>,
    /// Whether the search goes on.
    pub has_more: bool,
}

/// A page of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntriesShown {
    /// As listed.
    pub items: Vec<EntryShown>,
    /// Whether the feed goes on.
    pub has_more: bool,
}

/// An entry of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryShown {
    /// Its place.
    pub position: u64,
    /// What happened.
    pub kind: EntryKind,
    /// Of the chat, or of the message's chat; `None` for the application itself.
    pub chat: Option<u64>,
    /// Of the message.
    pub number: Option<u64>,
    /// That the entry made.
    pub version: u64,
    /// Title or body, where the entry shows the thing as it is now and that is no tombstone.
    pub content: Option<String>,
}

/// What an entry says has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// It came to be.
    Created,
    /// It got another content.
    Updated,
    /// It was deleted.
    Deleted,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shown::Nothing => write!(f, "no content"),
            Shown::Application(application) => write!(f, "{application:?}"),
            Shown::Chat(chat) => write!(f, "{chat:?}"),
            Shown::Message(message) => write!(f, "{message:?}"),
            Shown::Numbers { first, count } => write!(f, "{count} messages from number {first}"),
            Shown::Chats(page) => write!(f, "{} chats, next {:?}", page.items.len(), page.next),
            Shown::Messages(page) => {
                let numbers: Vec<u64> = page.items.iter().map(|message| message.number).collect();
                write!(f, "messages {numbers:?}, next {:?}", page.next)
            }
            Shown::Hits(hits) => write!(f, "{hits:?}"),
            Shown::Entries(entries) => {
                let positions: Vec<u64> = entries.items.iter().map(|entry| entry.position).collect();
                write!(f, "entries at {positions:?}, more: {}", entries.has_more)
            }
        }
    }
}

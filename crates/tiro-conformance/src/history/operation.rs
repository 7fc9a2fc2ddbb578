//! What one client did once: what it sent, when, and what it was told.

use std::fmt;

use super::shown::Shown;

/// One request of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Which client.
    pub client: usize,
    /// What it asked for.
    pub sent: Sent,
    /// Its idempotency key. Operations with one key are attempts at one write.
    pub key: Option<String>,
    /// When it was sent, on the one clock of the whole history. No two times are equal.
    pub invoked: u64,
    /// When its answer was there, or it was clear that none comes.
    pub returned: u64,
    /// What it was told.
    pub outcome: Outcome,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A new application.
    CreateApplication,
    /// A new chat.
    CreateChat {
        /// Unique in the history.
        title: String,
    },
    /// Another title.
    UpdateChat {
        /// Which.
        chat: u64,
        /// Unique in the history.
        title: String,
        /// The version it must have.
        if_match: Option<u64>,
    },
    /// An end to a chat.
    DeleteChat {
        /// Which.
        chat: u64,
    },
    /// New messages, all or none.
    CreateMessages {
        /// Where.
        chat: u64,
        /// In order, each unique in the history.
        bodies: Vec<String>,
    },
    /// Another body.
    UpdateMessage {
        /// In which chat.
        chat: u64,
        /// Which.
        number: u64,
        /// Unique in the history.
        body: String,
        /// The version it must have.
        if_match: Option<u64>,
    },
    /// An end to a message.
    DeleteMessage {
        /// In which chat.
        chat: u64,
        /// Which.
        number: u64,
    },
    /// The application.
    GetApplication,
    /// A chat.
    GetChat {
        /// Which.
        chat: u64,
    },
    /// A message.
    GetMessage {
        /// In which chat.
        chat: u64,
        /// Which.
        number: u64,
    },
    /// A page of chats by number.
    ListChats {
        /// Which page.
        range: Range,
    },
    /// A page of messages by number.
    ListMessages {
        /// Of which chat.
        chat: u64,
        /// Which page.
        range: Range,
    },
    /// The messages of the application that contain a text.
    Search {
        /// A whole text, which is contained in no other.
        text: String,
    },
    /// A page of the feed.
    ReadFeed {
        /// The position behind which it begins.
        after: u64,
        /// At most so many entries.
        limit: u64,
    },
}

/// Which numbers a page is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The first `limit` behind a number.
    After {
        /// The number; 0 is the beginning.
        after: u64,
        /// At most so many.
        limit: u64,
    },
    /// The last ones.
    Last {
        /// At most so many.
        limit: u64,
    },
}

/// What a client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Acknowledged(Answer),
    /// It was not done, and will not be as it stands; the problem's code.
    Refused(String),
    /// It was not done, since something that it needs is away.
    Declined,
    /// It may have been done or not.
    Unknown,
}

/// An answer that is not a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Of a write the entry that it made, the last one of a batch; of a read the last entry that it shows.
    pub position: Option<u64>,
    /// Whether an earlier attempt did the work.
    pub replayed: bool,
    /// What the body shows.
    pub shown: Shown,
}

/// A thing that is written and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Thing {
    Chat(u64),
    Message { chat: u64, number: u64 },
}

impl Operation {
    pub(super) fn answer(&self) -> Option<&Answer> {
        match &self.outcome {
            Outcome::Acknowledged(answer) => Some(answer),
            Outcome::Refused(_) | Outcome::Declined | Outcome::Unknown => None,
        }
    }
}

impl Sent {
    /// Whether it asks for a change.
    #[must_use]
    pub fn is_write(&self) -> bool {
        match self {
            Sent::CreateApplication
            | Sent::CreateChat { .. }
            | Sent::UpdateChat { .. }
            | Sent::DeleteChat { .. }
            | Sent::CreateMessages { .. }
            | Sent::UpdateMessage { .. }
            | Sent::DeleteMessage { .. } => true,
            Sent::GetApplication
            | Sent::GetChat { .. }
            | Sent::GetMessage { .. }
            | Sent::ListChats { .. }
            | Sent::ListMessages { .. }
            | Sent::Search { .. }
            | Sent::ReadFeed { .. } => false,
        }
    }

    /// How many entries of the feed it makes.
    pub(super) fn entries(&self) -> u64 {
        match self {
            Sent::CreateMessages { bodies, .. } => bodies.len() as u64,
            sent => u64::from(sent.is_write()),
        }
    }

    /// What an update or delete is about.
    pub(super) fn changes(&self) -> Option<Thing> {
        match *self {
            Sent::UpdateChat { chat, .. } | Sent::DeleteChat { chat } => Some(Thing::Chat(chat)),
            Sent::UpdateMessage { chat, number, .. } | Sent::DeleteMessage { chat, number } => {
                Some(Thing::Message { chat, number })
            }
            _ => None,
        }
    }

    /// The texts that it gives to things.
    pub(super) fn texts(&self) -> &[String] {
        match self {
            Sent::CreateChat { title: text }
            | Sent::UpdateChat { title: text, .. }
            | Sent::UpdateMessage { body: text, .. } => std::slice::from_ref(text),
            Sent::CreateMessages { bodies, .. } => bodies,
            _ => &[],
        }
    }

    pub(super) fn is_delete(&self) -> bool {
        matches!(self, Sent::DeleteChat { .. } | Sent::DeleteMessage { .. })
    }

    /// The version that an update must find.
    pub(super) fn if_match(&self) -> Option<u64> {
        match self {
            Sent::UpdateChat { if_match, .. } | Sent::UpdateMessage { if_match, .. } => *if_match,
            _ => None,
        }
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Thing::Chat(chat) => write!(f, "chat {chat}"),
            Thing::Message { chat, number } => write!(f, "message {number} of chat {chat}"),
        }
    }
}

/// One line: who, when, what, and what came of it.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (client, invoked, returned) = (self.client, self.invoked, self.returned);
        write!(f, "[{invoked}, {returned}] client {client}: {:?}", self.sent)?;
        if let Some(key) = &self.key {
            write!(f, " under the key {key}")?;
        }
        match &self.outcome {
            Outcome::Unknown => write!(f, ", outcome unknown"),
            Outcome::Refused(code) => write!(f, ", refused: {code}"),
            Outcome::Declined => write!(f, ", declined"),
            Outcome::Acknowledged(answer) => {
                let word = if answer.replayed { "replayed" } else { "answered" };
                match answer.position {
                    Some(position) => write!(f, ", {word} at position {position}")?,
                    None => write!(f, ", {word} without a position")?,
                }
                write!(f, ": {}", answer.shown)
            }
        }
    }
}

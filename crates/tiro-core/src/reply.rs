//! What an accepted request is answered.

use crate::{Application, ApplicationId, Chat, Cursor, Message, ReadState};

/// The answer to an accepted request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What came of it.
    pub outcome: Outcome,
    /// The entry that it made (of a batch, that of the last message), or that the first request under its key made; `None` where
    /// none was made: a repeated delete, a restore. A marker that stays where it is: the end of the feed.
    pub cursor: Option<Cursor>,
    /// Whether an earlier request under the same key did the work.
    pub replayed: bool,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The application as the request made it.
    Application(Application),
    /// The chat as the request made it.
    Chat(Chat),
    /// The message as the request made it.
    Message(Message),
    /// More than one message was created; numbers rise by 1 from the first.
    Messages {
        /// The number of the first.
        first: u64,
        /// How many, at least 1.
        count: u64,
    },
    /// How far somebody has read now, by this request or before.
    Read(ReadState),
    /// The thing is deleted, by this request or before.
    Deleted,
    /// The chat that an import asked for.
    ImportedChat {
        /// Its number.
        chat: u64,
        /// Whether this request made it.
        created: bool,
    },
    /// Lines of an import.
    ImportedMessages {
        /// Stored now.
        created: u64,
        /// There before.
        unchanged: u64,
    },
    /// A restore began.
    RestoreBegun(ApplicationId),
    /// A step of a restore, or a repair, was taken.
    Done,
}

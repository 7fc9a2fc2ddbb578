//! Why a request is refused: the closed set of reasons that the domain knows.

use crate::{Cursor, Metadata};

/// What is wrong with one value that a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing but white space.
    Blank,
    /// Holds U+0000.
    Nul,
    /// More Unicode scalar values than allowed.
    TooManyChars {
        /// The most allowed.
        max: usize,
        /// What was sent.
        actual: usize,
    },
    /// More bytes of UTF-8 than allowed.
    TooManyBytes {
        /// The most allowed.
        max: usize,
        /// What was sent.
        actual: usize,
    },
    /// Not a JSON object.
    NotAnObject,
    /// Not JSON at all.
    NotJson,
    /// An object names one member twice.
    DuplicateMember(String),
    /// Nested deeper than [`crate::METADATA_DEPTH_MAX`].
    TooDeep,
    /// A string holds half of a surrogate pair.
    LoneSurrogate,
    /// Not 16 to 64 bytes of `A-Z a-z 0-9 - _`.
    NotAToken,
    /// Not 1 to 255 visible ASCII characters.
    NotAKey,
    /// More than the number of the last message.
    PastLast {
        /// That number; 0 if there is none.
        last: u64,
    },
}

/// The member of a thing that a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `metadata`.
    Metadata,
    /// `read`.
    Read,
}

/// Why the state of things refuses a request. A refused request changes nothing and binds no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// No application has this token.
    ApplicationNotFound,
    /// The application was deleted.
    ApplicationDeleted,
    /// The application has no chat of this number.
    ChatNotFound,
    /// The chat was deleted.
    ChatDeleted,
    /// The chat has no message of this number.
    MessageNotFound,
    /// The message was deleted.
    MessageDeleted,
    /// No operation of the application has this name.
    OperationNotFound,
    /// The token is or was in use.
    TokenTaken,
    /// `If-Match` named other versions than the present one.
    VersionMismatch {
        /// The version that the thing has.
        current: u64,
    },
    /// A cursor is of another history than the present one, or from the future: what it stood for was rewound or moved.
    HistoryChanged {
        /// The present end of the feed; what its reader knows has to be read afresh, and followed from there.
        now: Cursor,
    },
    /// The key is bound to another request.
    KeyReused,
    /// A line of an import: its key is bound to another line.
    LineChanged {
        /// Which line of the command, from 0.
        index: usize,
    },
    /// A value is right by itself, but not together with what is stored.
    Invalid {
        /// The member it is about.
        field: Field,
        /// What is wrong.
        fault: Fault,
    },
    /// A line of an application's export that cannot follow the lines before it.
    Unrestorable {
        /// Which entry of the command, from 0.
        index: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The application is not being restored (any more).
    NotRestoring,
}

impl Rejection {
    pub(crate) fn metadata(result: Result<Metadata, Fault>) -> Result<Metadata, Rejection> {
        result.map_err(|fault| Rejection::Invalid {
            field: Field::Metadata,
            fault,
        })
    }
}

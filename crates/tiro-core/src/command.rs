//! What clients want, checked for its own sake but not yet held against what is stored.

use std::sync::Arc;

use crate::{
    ApplicationId, Entry, Epoch, Fingerprint, IdempotencyKey, KeyBinding, KeyName, Limits, MessageContent,
    Metadata, Name, Namespace, ReaderName, Timestamp, Title, Token,
};

/// A command with the key under which it may be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is wanted.
    pub command: Command,
    /// The client's key and the fingerprint of the command, if it sent a key.
    pub key: Option<(IdempotencyKey, Fingerprint)>,
}

impl Request {
    /// A request without a key.
    #[must_use]
    pub fn new(command: Command) -> Request {
        Request { command, key: None }
    }

    /// A request under a key; the fingerprint is computed here.
    #[must_use]
    pub fn keyed(command: Command, key: IdempotencyKey) -> Request {
        let fingerprint = crate::fingerprint(&command);
        Request {
            command,
            key: Some((key, fingerprint)),
        }
    }

    /// The name under which its key is stored.
    #[must_use]
    pub fn key_name(&self) -> Option<KeyName> {
        let (key, _) = self.key.as_ref()?;
        let namespace = match self.command {
            Command::CreateApplication(_) => Namespace::Server,
            Command::ImportChat(_) | Command::ImportMessages { .. } => Namespace::Import,
            _ => Namespace::Application,
        };
        Some(KeyName {
            namespace,
            key: key.clone(),
        })
    }

    /// What is to be stored with the change that it makes.
    pub(crate) fn binding(&self, created_at: Option<Timestamp>) -> Option<Arc<KeyBinding>> {
        let (_, fingerprint) = self.key.as_ref()?;
        Some(Arc::new(KeyBinding {
            name: self.key_name()?,
            fingerprint: *fingerprint,
            created_at,
        }))
    }
}

/// The closed set of things that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A new application.
    CreateApplication(CreateApplication),
    /// Another name or metadata.
    UpdateApplication(UpdateApplication),
    /// An end to an application and all in it.
    DeleteApplication {
        /// Which.
        token: Token,
        /// Under which condition.
        if_match: IfMatch,
    },
    /// A new chat.
    CreateChat(CreateChat),
    /// Another title or metadata.
    UpdateChat(UpdateChat),
    /// An end to a chat and its messages.
    DeleteChat {
        /// In which application.
        token: Token,
        /// Which.
        chat: u64,
        /// Under which condition.
        if_match: IfMatch,
    },
    /// One new message.
    CreateMessage {
        /// In which application.
        token: Token,
        /// In which chat.
        chat: u64,
        /// What it says.
        content: Arc<MessageContent>,
    },
    /// New messages, all or none.
    CreateMessages {
        /// In which application.
        token: Token,
        /// In which chat.
        chat: u64,
        /// In order, 1 to [`Limits::batch_messages_max`].
        messages: Vec<Arc<MessageContent>>,
    },
    /// Another body or metadata.
    UpdateMessage(UpdateMessage),
    /// An end to a message.
    DeleteMessage {
        /// In which application.
        token: Token,
        /// In which chat.
        chat: u64,
        /// Which.
        number: u64,
        /// Under which condition.
        if_match: IfMatch,
    },
    /// A reader has read up to a message. Takes no key: it can be repeated, since a marker only rises.
    SetRead {
        /// In which application.
        token: Token,
        /// In which chat.
        chat: u64,
        /// Who.
        reader: ReaderName,
        /// The number of the last message read; 0 makes a marker before the first.
        read: u64,
    },
    /// The chat that a source of plain lines knows by a name: made the first time, found afterwards. Needs a key.
    ImportChat(ImportChat),
    /// Plain lines of one chat; those whose key is bound are there already and change nothing.
    ImportMessages {
        /// In which application.
        token: Token,
        /// In which chat.
        chat: u64,
        /// In order, 1 to [`Limits::batch_messages_max`].
        lines: Vec<ImportLine>,
    },
    /// The beginning of an exported application.
    BeginRestore {
        /// Its token, unused so far.
        token: Token,
        /// Its epoch.
        epoch: Epoch,
        /// The position of its last entry, at least 1.
        last_position: u64,
    },
    /// The next entries of the exported feed.
    RestoreEntries {
        /// What [`Command::BeginRestore`] answered.
        application: ApplicationId,
        /// In order.
        entries: Vec<Entry>,
    },
    /// The end of an exported application: it becomes visible.
    FinishRestore {
        /// What [`Command::BeginRestore`] answered.
        application: ApplicationId,
        /// The token it had.
        token: Token,
    },
    /// The restore is given up.
    AbandonRestore {
        /// What [`Command::BeginRestore`] answered.
        application: ApplicationId,
    },
    /// History was rewound: a new epoch for an application.
    RenewEpoch {
        /// Which.
        application: ApplicationId,
        /// The new one.
        epoch: Epoch,
    },
}

/// The token of an application to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewToken {
    /// Made at random for this request; not part of what was asked.
    Generated(Token),
    /// Asked for by the client.
    Chosen(Token),
}

impl NewToken {
    /// The token itself.
    #[must_use]
    pub fn token(&self) -> &Token {
        match self {
            NewToken::Generated(token) | NewToken::Chosen(token) => token,
        }
    }
}

/// See [`Command::CreateApplication`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateApplication {
    /// Its name in URLs.
    pub token: NewToken,
    /// Made at random for this request.
    pub epoch: Epoch,
    /// What people call it.
    pub name: Name,
    /// Attached by the client.
    pub metadata: Option<Metadata>,
}

/// See [`Command::UpdateApplication`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateApplication {
    /// Which.
    pub token: Token,
    /// Under which condition.
    pub if_match: IfMatch,
    /// Another name.
    pub name: Option<Name>,
    /// Other metadata.
    pub metadata: MetadataChange,
}

/// See [`Command::CreateChat`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateChat {
    /// In which application.
    pub token: Token,
    /// What people call it.
    pub title: Option<Title>,
    /// Attached by the client.
    pub metadata: Option<Metadata>,
}

/// See [`Command::UpdateChat`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateChat {
    /// In which application.
    pub token: Token,
    /// Which.
    pub chat: u64,
    /// Under which condition.
    pub if_match: IfMatch,
    /// Another title.
    pub title: Patch<Title>,
    /// Other metadata.
    pub metadata: MetadataChange,
}

/// See [`Command::UpdateMessage`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateMessage {
    /// In which application.
    pub token: Token,
    /// In which chat.
    pub chat: u64,
    /// Which.
    pub number: u64,
    /// Under which condition.
    pub if_match: IfMatch,
    /// Another body.
    pub body: Option<crate::Body>,
    /// Other metadata.
    pub metadata: MetadataChange,
}

/// See [`Command::ImportChat`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportChat {
    /// In which application.
    pub token: Token,
    /// Its title, if it has to be made.
    pub title: Option<Title>,
    /// Its `created_at`, if it has to be made.
    pub created_at: Option<Timestamp>,
}

/// One plain line of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportLine {
    /// What it says.
    pub content: Arc<MessageContent>,
    /// When it was said, if the line tells.
    pub created_at: Option<Timestamp>,
    /// Source, chat and ordinal of the line, in [`Namespace::Import`].
    pub key: Arc<KeyBinding>,
}

/// What a merge patch wants of a member that may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch<T> {
    /// Not named.
    Keep,
    /// `null`.
    Clear,
    /// A new value.
    Set(T),
}

/// What a merge patch wants of metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataChange {
    /// Not named.
    Keep,
    /// `null`.
    Clear,
    /// An object to merge (RFC 7396).
    Merge {
        /// The patch.
        patch: Metadata,
        /// The bound on the result.
        limits: Arc<Limits>,
    },
}

/// The condition of a write, from `If-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// None was given, or `*`: the thing only has to exist, which every write asks anyway.
    Any,
    /// The thing must have one of these versions; none matches an empty list.
    OneOf(Vec<u64>),
}

impl IfMatch {
    pub(crate) fn admits(&self, version: u64) -> bool {
        match self {
            IfMatch::Any => true,
            IfMatch::OneOf(versions) => versions.contains(&version),
        }
    }
}

//! What clients want, checked for its own sake but not yet held against what is stored.

use std::sync::Arc;

use crate::{
    ApplicationId, DELETED_BLOCK_NUMBERS, Entry, Epoch, Fingerprint, IdempotencyKey, KeyBinding, KeyName,
    Limits, MessageContent, Metadata, Name, Namespace, Timestamp, Title, Token,
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

/// How a request names its application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationNeed<'a> {
    /// By its public name.
    Token(&'a Token),
    /// By its number: restores and repairs.
    Id(ApplicationId),
}

/// One fact, besides its application, that a request needs to be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need<'a> {
    /// What a key is bound to.
    Key(&'a KeyName),
    /// A chat.
    Chat(u64),
    /// A message.
    Message {
        /// Its chat.
        chat: u64,
        /// Its number.
        number: u64,
    },
    /// How many numbers of a block were deleted.
    DeletedInBlock {
        /// The chat.
        chat: u64,
        /// The block, from 0.
        block: u64,
    },
}

/// The block of [`DELETED_BLOCK_NUMBERS`] that a message's number lies in; 0 names no message and lies in the first.
pub(crate) fn deleted_block(number: u64) -> u64 {
    number.saturating_sub(1) / DELETED_BLOCK_NUMBERS
}

impl Command {
    /// The application whose state it needs.
    #[must_use]
    pub fn application(&self) -> ApplicationNeed<'_> {
        match self {
            Command::CreateApplication(create) => ApplicationNeed::Token(create.token.token()),
            Command::UpdateApplication(update) => ApplicationNeed::Token(&update.token),
            Command::CreateChat(create) => ApplicationNeed::Token(&create.token),
            Command::UpdateChat(update) => ApplicationNeed::Token(&update.token),
            Command::UpdateMessage(update) => ApplicationNeed::Token(&update.token),
            Command::ImportChat(import) => ApplicationNeed::Token(&import.token),
            Command::DeleteApplication { token, .. }
            | Command::DeleteChat { token, .. }
            | Command::CreateMessage { token, .. }
            | Command::CreateMessages { token, .. }
            | Command::DeleteMessage { token, .. }
            | Command::ImportMessages { token, .. }
            | Command::BeginRestore { token, .. } => ApplicationNeed::Token(token),
            Command::RestoreEntries { application, .. }
            | Command::FinishRestore { application, .. }
            | Command::AbandonRestore { application }
            | Command::RenewEpoch { application, .. } => ApplicationNeed::Id(*application),
        }
    }

    /// A second application whose state it needs: the one that may hold the token of a finished restore.
    #[must_use]
    pub fn other_application(&self) -> Option<&Token> {
        match self {
            Command::FinishRestore { token, .. } => Some(token),
            _ => None,
        }
    }

    /// Names each further fact that it needs, save the request's own key ([`Request::key_name`]).
    ///
    /// # Errors
    /// The first error of `visit`.
    pub fn each_need<E>(&self, mut visit: impl FnMut(Need<'_>) -> Result<(), E>) -> Result<(), E> {
        match self {
            Command::UpdateChat(UpdateChat { chat, .. })
            | Command::DeleteChat { chat, .. }
            | Command::CreateMessage { chat, .. }
            | Command::CreateMessages { chat, .. } => visit(Need::Chat(*chat)),
            Command::UpdateMessage(UpdateMessage { chat, number, .. }) => {
                visit(Need::Chat(*chat))?;
                visit(Need::Message {
                    chat: *chat,
                    number: *number,
                })
            }
            Command::DeleteMessage { chat, number, .. } => {
                visit(Need::Chat(*chat))?;
                visit(Need::Message {
                    chat: *chat,
                    number: *number,
                })?;
                visit(Need::DeletedInBlock {
                    chat: *chat,
                    block: deleted_block(*number),
                })
            }
            Command::ImportMessages { chat, lines, .. } => {
                visit(Need::Chat(*chat))?;
                lines.iter().try_for_each(|line| visit(Need::Key(&line.key.name)))
            }
            Command::RestoreEntries { entries, .. } => entries
                .iter()
                .try_for_each(|entry| entry.change.each_need(&mut visit)),
            _ => Ok(()),
        }
    }
}

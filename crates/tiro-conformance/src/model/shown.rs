//! What of a thing the model predicts: all but the engine's clock, whose values only have to agree with each other.

use tiro_core::{Application, Chat, Entry, Highlight, Hit, Message, ReadState, Thing, Timestamp};

use super::expectation::Line;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownApplication {
    pub(crate) token: String,
    pub(crate) name: Option<String>,
    pub(crate) metadata: Option<String>,
    pub(crate) chats_count: u64,
    pub(crate) last_chat_number: u64,
    pub(crate) last_position: u64,
    pub(crate) deleted: bool,
    pub(crate) version: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownChat {
    pub(crate) number: u64,
    pub(crate) title: Option<String>,
    pub(crate) metadata: Option<String>,
    pub(crate) messages_count: u64,
    pub(crate) last_message_number: u64,
    pub(crate) deleted: bool,
    pub(crate) version: u64,
    pub(crate) activity_position: u64,
    pub(crate) change_position: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownMessage {
    pub(crate) number: u64,
    pub(crate) body: Option<String>,
    pub(crate) sender: Option<String>,
    pub(crate) metadata: Option<String>,
    /// What an import told; `None` if the engine's clock counts.
    pub(crate) told: Option<i64>,
    pub(crate) deleted: bool,
    pub(crate) version: u64,
    pub(crate) created_position: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownHit {
    pub(crate) token: String,
    pub(crate) chat: u64,
    pub(crate) message: ShownMessage,
    pub(crate) highlights: Vec<Highlight>,
}

impl ShownHit {
    pub(crate) fn of(hit: &Hit) -> ShownHit {
        ShownHit {
            token: hit.application.as_str().to_owned(),
            chat: hit.chat,
            message: ShownMessage::of(&hit.message),
            highlights: hit.highlights.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownRead {
    pub(crate) reader: String,
    pub(crate) chat: u64,
    pub(crate) read: u64,
    pub(crate) unread: u64,
    pub(crate) version: u64,
}

impl ShownRead {
    pub(crate) fn of(state: &ReadState) -> ShownRead {
        ShownRead {
            reader: state.reader.to_string(),
            chat: state.chat,
            read: state.read,
            unread: state.unread,
            version: state.version,
        }
    }
}

/// An entry of the feed, and the thing in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownEntry {
    pub(crate) position: u64,
    pub(crate) line: Line,
    pub(crate) thing: Option<ShownThing>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ShownThing {
    Application(ShownApplication),
    Chat(ShownChat),
    Message(ShownMessage),
    Reader(ShownRead),
}

impl ShownEntry {
    pub(crate) fn of(entry: &Entry) -> ShownEntry {
        ShownEntry {
            position: entry.change.position,
            line: Line::of(&entry.change),
            thing: entry.thing.as_ref().map(|thing| match thing {
                Thing::Application(application) => ShownThing::Application(ShownApplication::of(application)),
                Thing::Chat(chat) => ShownThing::Chat(ShownChat::of(chat)),
                Thing::Message(message) => ShownThing::Message(ShownMessage::of(message)),
                Thing::Reader(state) => ShownThing::Reader(ShownRead::of(state)),
            }),
        }
    }
}

/// What a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Application(ShownApplication),
    Chat(ShownChat),
    Message(ShownMessage),
    /// The tombstone of a message whose chat is gone: more than its number is not to be known any more.
    MessageOfDeletedChat {
        number: u64,
    },
    Messages {
        first: u64,
        count: u64,
    },
    Deleted,
    Read(ShownRead),
    ImportedChat {
        chat: u64,
        created: bool,
    },
    ImportedMessages {
        created: u64,
        unchanged: u64,
    },
}

impl ShownApplication {
    pub(crate) fn of(application: &Application) -> ShownApplication {
        let times = (
            application.created_at,
            application.updated_at,
            application.deleted_at,
        );
        check_times(times, application.version);
        ShownApplication {
            token: application.token.as_str().to_owned(),
            name: application.name.as_deref().map(str::to_owned),
            metadata: application
                .metadata
                .as_ref()
                .map(|metadata| metadata.as_str().to_owned()),
            chats_count: application.chats_count,
            last_chat_number: application.last_chat_number,
            last_position: application.last_position,
            deleted: application.deleted_at.is_some(),
            version: application.version,
        }
    }
}

impl ShownChat {
    pub(crate) fn of(chat: &Chat) -> ShownChat {
        check_times((chat.created_at, chat.updated_at, chat.deleted_at), chat.version);
        assert_eq!(chat.last_message_at.is_some(), chat.last_message_number > 0);
        ShownChat {
            number: chat.number,
            title: chat.title.as_deref().map(str::to_owned),
            metadata: chat
                .metadata
                .as_ref()
                .map(|metadata| metadata.as_str().to_owned()),
            messages_count: chat.messages_count,
            last_message_number: chat.last_message_number,
            deleted: chat.deleted_at.is_some(),
            version: chat.version,
            activity_position: chat.activity_position,
            change_position: chat.change_position,
        }
    }
}

impl ShownMessage {
    pub(crate) fn of(message: &Message) -> ShownMessage {
        check_times(
            (message.created_at, message.updated_at, message.deleted_at),
            message.version,
        );
        let content = message.content.as_ref();
        let metadata = content.and_then(|content| content.metadata.as_ref());
        let created_at = message.created_at.as_millis();
        ShownMessage {
            number: message.number,
            body: content.map(|content| content.body.to_string()),
            sender: content
                .and_then(|content| content.sender.as_deref())
                .map(str::to_owned),
            metadata: metadata.map(|metadata| metadata.as_str().to_owned()),
            told: (created_at <= super::wish::TOLD_MILLIS_MAX).then_some(created_at),
            deleted: message.deleted_at.is_some(),
            version: message.version,
            created_position: message.created_position,
        }
    }
}

/// A new thing was updated when it was created, a tombstone when it was deleted.
fn check_times((created, updated, deleted): (Timestamp, Timestamp, Option<Timestamp>), version: u64) {
    if version == 1 {
        assert_eq!((updated, deleted), (created, None));
    }
    if let Some(deleted) = deleted {
        assert_eq!(updated, deleted);
    }
}

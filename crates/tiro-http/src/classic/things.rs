//! From the core's things to those of classic clients.

use tiro_api::{ClassicApplication, ClassicChat, ClassicMessage, Time, WriteJson};
use tiro_core::{Application, Chat, Message, Timestamp};

use crate::problem::Problem;
use crate::wire;

/// A thing of a list.
pub(super) enum Thing {
    Application(Application),
    Chat(Chat),
    /// With the number of its chat.
    Message(u64, Message),
}

impl Thing {
    /// Whether it is not a tombstone.
    pub(super) fn is_live(&self) -> bool {
        match self {
            Thing::Application(application) => application.deleted_at.is_none(),
            Thing::Chat(chat) => chat.deleted_at.is_none(),
            Thing::Message(_, message) => message.deleted_at.is_none(),
        }
    }

    /// Appends it as JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), Problem> {
        let written = match self {
            Thing::Application(thing) => application(thing).write_json(out),
            Thing::Chat(thing) => chat(thing).write_json(out),
            Thing::Message(chat, thing) => message(*chat, thing).write_json(out),
        };
        written.map_err(|error| Problem::internal(format!("a thing cannot be written as JSON: {error}")))
    }
}

pub(super) fn application(thing: &Application) -> ClassicApplication<'_> {
    ClassicApplication::new(
        thing.token.as_str(),
        thing.name.as_deref(),
        thing.chats_count,
        times(thing.created_at, thing.updated_at),
    )
}

pub(super) fn chat(thing: &Chat) -> ClassicChat<'_> {
    ClassicChat::new(
        thing.number,
        thing.title.as_deref(),
        thing.messages_count,
        times(thing.created_at, thing.updated_at),
    )
}

pub(super) fn message(chat: u64, thing: &Message) -> ClassicMessage<'_> {
    ClassicMessage::new(
        chat,
        thing.number,
        body(thing),
        times(thing.created_at, thing.updated_at),
    )
}

/// The text of a message; `None` for a tombstone.
pub(super) fn body(thing: &Message) -> Option<&str> {
    thing.content.as_deref().map(|content| &*content.body)
}

fn times(created_at: Timestamp, updated_at: Timestamp) -> [Time; 2] {
    [wire::time(created_at), wire::time(updated_at)]
}

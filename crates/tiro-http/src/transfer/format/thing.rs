//! The things inside entries, both ways.
//!
//! What `/v1` does not show (numbers inside an engine, positions) is filled with what the line tells; a restore
//! derives it, and the counts, from the entries.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::value::RawValue;
use tiro_api::{LinesData, Time};
use tiro_core::{
    Application, ApplicationId, Body, Chat, Failure, Limits, Message, MessageContent, Metadata, Name,
    ReadState, Sender, Stage, Subject, Thing, Timestamp, Title,
};

use super::{Header, LineFault, fault};
use crate::wire;

/// What a line's thing is read with.
pub(super) struct Reader<'a> {
    pub(super) header: &'a Header,
    pub(super) application: ApplicationId,
    pub(super) position: u64,
    pub(super) version: u64,
    pub(super) limits: &'a Limits,
}

impl Reader<'_> {
    /// Reads `data`.
    ///
    /// # Errors
    /// Not the wire type that goes with the subject, or a value that is not allowed.
    pub(super) fn thing(&self, subject: &Subject, data: &RawValue) -> Result<Thing, LineFault> {
        let data = data.get().as_bytes();
        Ok(match subject {
            Subject::Application => Thing::Application(self.application(fault::decoded(data)?)?),
            Subject::Chat { .. } => Thing::Chat(self.chat(fault::decoded(data)?)?),
            Subject::Message { .. } => Thing::Message(self.message(fault::decoded(data)?)?),
            Subject::Reader { chat, reader } => {
                let wire: tiro_api::ReadState<'_> = fault::decoded(data)?;
                if (wire.chat, &*wire.reader) != (*chat, &**reader) {
                    return Err(LineFault::Contradiction(
                        "`reader` and `chat` are not those of the entry",
                    ));
                }
                Thing::Reader(ReadState {
                    reader: reader.clone(),
                    chat: *chat,
                    read: wire.read,
                    unread: wire.unread,
                    version: self.version,
                })
            }
        })
    }

    fn application(&self, wire: tiro_api::Application<'_>) -> Result<Application, LineFault> {
        if wire.token != self.header.token.as_str() {
            return Err(LineFault::Contradiction("`token` is not that of the header"));
        }
        let name = wire.name.map(|name| Name::new(&name, self.limits));
        let application = Application {
            id: self.application,
            token: self.header.token.clone(),
            epoch: self.header.epoch.clone(),
            stage: Stage::Ready,
            name: name.transpose().map_err(fault::of("name"))?,
            metadata: self.metadata(wire.metadata)?,
            chats_count: wire.chats_count,
            last_chat_number: 0,
            last_position: self.header.last_position,
            created_at: read_time(wire.created_at),
            updated_at: read_time(wire.updated_at),
            deleted_at: wire.deleted_at.map(read_time),
            version: wire.version,
        };
        let empty = application.name.is_none() && application.metadata.is_none();
        tombstone_is_empty(application.deleted_at, application.name.is_some(), empty)?;
        Ok(application)
    }

    fn chat(&self, wire: tiro_api::Chat<'_>) -> Result<Chat, LineFault> {
        let title = wire.title.map(|title| Title::new(&title, self.limits));
        let chat = Chat {
            number: wire.number,
            title: title.transpose().map_err(fault::of("title"))?,
            metadata: self.metadata(wire.metadata)?,
            messages_count: wire.messages_count,
            last_message_number: wire.last_message_number,
            last_message_at: wire.last_message_at.map(read_time),
            created_at: read_time(wire.created_at),
            updated_at: read_time(wire.updated_at),
            deleted_at: wire.deleted_at.map(read_time),
            version: wire.version,
            activity_position: self.position,
            change_position: self.position,
            markers_count: 0,
        };
        let empty = chat.title.is_none() && chat.metadata.is_none();
        tombstone_is_empty(chat.deleted_at, true, empty)?;
        Ok(chat)
    }

    fn message(&self, wire: tiro_api::Message<'_>) -> Result<Message, LineFault> {
        let deleted_at = wire.deleted_at.map(read_time);
        let sender = wire.sender.map(|sender| Sender::new(&sender, self.limits));
        let sender = sender.transpose().map_err(fault::of("sender"))?;
        let metadata = self.metadata(wire.metadata)?;
        let empty = wire.body.is_none() && sender.is_none() && metadata.is_none();
        tombstone_is_empty(deleted_at, wire.body.is_some(), empty)?;
        let body = wire.body.map(|body| Body::new(&body, self.limits));
        let content = body.transpose().map_err(fault::of("body"))?.map(|body| {
            Arc::new(MessageContent {
                body,
                sender,
                metadata,
            })
        });
        Ok(Message {
            number: wire.number,
            content,
            created_at: read_time(wire.created_at),
            updated_at: read_time(wire.updated_at),
            deleted_at,
            version: wire.version,
            created_position: self.position,
        })
    }

    fn metadata(&self, wire: Option<Cow<'_, RawValue>>) -> Result<Option<Metadata>, LineFault> {
        wire.map(|raw| Metadata::parse(raw.get(), self.limits))
            .transpose()
            .map_err(fault::of("metadata"))
    }
}

/// A tombstone has nothing of what it was, and what lives has its content.
fn tombstone_is_empty(
    deleted_at: Option<Timestamp>,
    has_content: bool,
    empty: bool,
) -> Result<(), LineFault> {
    match deleted_at {
        Some(_) if !empty => Err(LineFault::Contradiction(
            "`deleted_at` is set and yet there is content",
        )),
        None if !has_content => Err(LineFault::Contradiction(
            "the content is missing and yet `deleted_at` is not set",
        )),
        _ => Ok(()),
    }
}

fn read_time(time: Time) -> Timestamp {
    Timestamp::from_millis(time.as_millis())
}

/// The thing as `/v1` shows it.
///
/// # Errors
/// What is stored cannot be shown.
pub(super) fn written(thing: &Thing) -> Result<LinesData<'_>, Failure> {
    let written = match thing {
        Thing::Application(application) => wire::application(application).map(LinesData::Application),
        Thing::Chat(chat) => wire::chat(chat).map(LinesData::Chat),
        Thing::Message(message) => wire::message(message).map(LinesData::Message),
        Thing::Reader(state) => Ok(LinesData::Reader(wire::read_state(state))),
    };
    written.map_err(|problem| {
        Failure::Internal(
            problem
                .operator_text()
                .unwrap_or("a thing cannot be written")
                .into(),
        )
    })
}

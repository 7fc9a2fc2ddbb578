//! Messages: create one or a batch, update, delete.

use std::sync::Arc;

use super::{Decision, application::merged, chat, check_version, reader};
use crate::{
    Application, Chat, Event, Facts, IfMatch, Message, MessageContent, MessageCreated, Outcome, Rejection,
    Reply, Request, Timestamp, UpdateMessage,
};

pub(super) fn create(
    facts: &Facts,
    application: &Application,
    request: &Request,
    (number, content): (u64, &Arc<MessageContent>),
    now: Timestamp,
) -> Result<Decision, Rejection> {
    let chat = chat::live(facts, application, number)?;
    let (number, position) = (chat.last_message_number + 1, application.last_position + 1);
    let created = MessageCreated {
        content: content.clone(),
        created_at: None,
        key: request.binding(None),
    };
    let message = created.message(number, position, now);
    let events = created_events(facts, application, chat, vec![created], now);
    Ok(created_decision(
        application,
        position,
        events,
        Outcome::Message(message),
    ))
}

pub(super) fn create_batch(
    facts: &Facts,
    application: &Application,
    request: &Request,
    (number, messages): (u64, &Vec<Arc<MessageContent>>),
    now: Timestamp,
) -> Result<Decision, Rejection> {
    assert!(!messages.is_empty(), "an empty batch is no command");
    let chat = chat::live(facts, application, number)?;
    let first = chat.last_message_number + 1;
    let mut created: Vec<MessageCreated> = messages
        .iter()
        .map(|content| MessageCreated {
            content: content.clone(),
            created_at: None,
            key: None,
        })
        .collect();
    created[0].key = request.binding(None);
    let count = created.len() as u64;
    let events = created_events(facts, application, chat, created, now);
    Ok(created_decision(
        application,
        application.last_position + count,
        events,
        Outcome::Messages { first, count },
    ))
}

/// The events that append messages to a chat, at the end of the application's feed, and raise the markers of who sent
/// them.
pub(super) fn created_events(
    facts: &Facts,
    application: &Application,
    chat: &Chat,
    messages: Vec<MessageCreated>,
    now: Timestamp,
) -> Vec<Event> {
    let raised = reader::raised_by_sending(facts, application, chat, &messages, now);
    let created = Event::MessagesCreated {
        application: application.id,
        chat: chat.number,
        first_number: chat.last_message_number + 1,
        first_position: application.last_position + 1,
        at: now,
        messages,
    };
    let mut events = vec![created];
    events.extend(raised);
    events
}

/// The cursor is that of the last message, whichever markers follow: a replay knows no other.
fn created_decision(
    application: &Application,
    position: u64,
    events: Vec<Event>,
    outcome: Outcome,
) -> Decision {
    let reply = Reply {
        outcome,
        cursor: Some(application.cursor_at(position)),
        replayed: false,
    };
    Decision { events, reply }
}

fn live<'a>(
    facts: &'a Facts,
    application: &Application,
    chat: u64,
    number: u64,
) -> Result<&'a Message, Rejection> {
    chat::live(facts, application, chat)?;
    let message = facts
        .message(application.id, chat, number)
        .ok_or(Rejection::MessageNotFound)?;
    if message.deleted_at.is_some() {
        Err(Rejection::MessageDeleted)
    } else {
        Ok(message)
    }
}

pub(super) fn update(
    facts: &Facts,
    application: &Application,
    request: &Request,
    update: &UpdateMessage,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    let message = live(facts, application, update.chat, update.number)?;
    check_version(&update.if_match, message.version)?;
    let content = message.content.as_ref().expect("a live message has content");
    let mut changed = message.clone();
    changed.content = Some(Arc::new(MessageContent {
        body: update.body.clone().unwrap_or_else(|| content.body.clone()),
        sender: content.sender.clone(),
        metadata: merged(content.metadata.as_ref(), &update.metadata)?,
    }));
    changed.version += 1;
    changed.updated_at = now;
    let position = application.last_position + 1;
    let event = Event::MessageUpdated {
        application: application.id,
        chat: update.chat,
        position,
        at: now,
        message: changed.clone(),
        key: request.binding(Some(changed.created_at)),
    };
    Ok(Decision::one(
        application,
        position,
        event,
        Outcome::Message(changed),
    ))
}

pub(super) fn delete(
    facts: &Facts,
    application: &Application,
    request: &Request,
    (chat, number, if_match): (u64, u64, &IfMatch),
    now: Timestamp,
) -> Result<Decision, Rejection> {
    let message = match live(facts, application, chat, number) {
        Err(Rejection::MessageDeleted) => return Ok(super::application::deleted_before()),
        found => found?,
    };
    check_version(if_match, message.version)?;
    let tombstone = Message {
        content: None,
        updated_at: now,
        deleted_at: Some(now),
        version: message.version + 1,
        ..message.clone()
    };
    let position = application.last_position + 1;
    let event = Event::MessageDeleted {
        application: application.id,
        chat,
        position,
        at: now,
        message: tombstone,
        key: request.binding(None),
    };
    let reply = Reply {
        outcome: Outcome::Deleted,
        cursor: Some(application.cursor_at(position)),
        replayed: false,
    };
    Ok(Decision {
        events: vec![event],
        reply,
    })
}

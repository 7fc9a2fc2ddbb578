//! Chats: create, update, delete.

use super::{Decision, application::merged, check_version};
use crate::{
    Application, Chat, CreateChat, Event, Facts, IfMatch, Metadata, Outcome, Patch, Rejection, Request,
    Timestamp, Title, UpdateChat,
};

pub(super) fn create(
    application: &Application,
    request: &Request,
    create: &CreateChat,
    now: Timestamp,
) -> Decision {
    let chat = next(application, create.title.clone(), create.metadata.clone(), now);
    let position = chat.change_position;
    let event = Event::ChatCreated {
        application: application.id,
        chat: chat.clone(),
        at: now,
        key: request.binding(None),
    };
    Decision::one(application, position, event, Outcome::Chat(chat))
}

/// The chat that comes next in an application.
pub(super) fn next(
    application: &Application,
    title: Option<Title>,
    metadata: Option<Metadata>,
    created_at: Timestamp,
) -> Chat {
    new(
        application.last_chat_number + 1,
        application.last_position + 1,
        title,
        metadata,
        created_at,
    )
}

/// A chat as it is when its create takes `position`.
pub(super) fn new(
    number: u64,
    position: u64,
    title: Option<Title>,
    metadata: Option<Metadata>,
    created_at: Timestamp,
) -> Chat {
    Chat {
        number,
        title,
        metadata,
        messages_count: 0,
        last_message_number: 0,
        last_message_at: None,
        created_at,
        updated_at: created_at,
        deleted_at: None,
        version: 1,
        activity_position: position,
        change_position: position,
        markers_count: 0,
    }
}

/// The live chat of a number.
pub(super) fn live<'a>(
    facts: &'a Facts,
    application: &Application,
    number: u64,
) -> Result<&'a Chat, Rejection> {
    let chat = facts
        .chat(application.id, number)
        .ok_or(Rejection::ChatNotFound)?;
    if chat.deleted_at.is_some() {
        Err(Rejection::ChatDeleted)
    } else {
        Ok(chat)
    }
}

pub(super) fn update(
    facts: &Facts,
    application: &Application,
    request: &Request,
    update: &UpdateChat,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    let chat = live(facts, application, update.chat)?;
    check_version(&update.if_match, chat.version)?;
    let position = application.last_position + 1;
    let mut changed = chat.clone();
    match &update.title {
        Patch::Keep => {}
        Patch::Clear => changed.title = None,
        Patch::Set(title) => changed.title = Some(title.clone()),
    }
    changed.metadata = merged(chat.metadata.as_ref(), &update.metadata)?;
    changed.version += 1;
    changed.updated_at = now;
    changed.change_position = position;
    let event = Event::ChatUpdated {
        application: application.id,
        chat: changed.number,
        position,
        at: now,
        version: changed.version,
        title: changed.title.clone(),
        metadata: changed.metadata.clone(),
        key: request.binding(None),
    };
    Ok(Decision::one(
        application,
        position,
        event,
        Outcome::Chat(changed),
    ))
}

pub(super) fn delete(
    facts: &Facts,
    application: &Application,
    request: &Request,
    (number, if_match): (u64, &IfMatch),
    now: Timestamp,
) -> Result<Decision, Rejection> {
    let chat = facts
        .chat(application.id, number)
        .ok_or(Rejection::ChatNotFound)?;
    if chat.deleted_at.is_some() {
        return Ok(super::application::deleted_before());
    }
    check_version(if_match, chat.version)?;
    let position = application.last_position + 1;
    let event = Event::ChatDeleted {
        application: application.id,
        chat: number,
        position,
        at: now,
        version: chat.version + 1,
        key: request.binding(None),
    };
    Ok(Decision::one(application, position, event, Outcome::Deleted))
}

//! A request under a key that is bound already: the answer it got the first time.
//!
//! Creates are answered as they were created, from the identical request and the change; updates with the thing as
//! it is now, or its tombstone; deletes as deletes.

use std::sync::Arc;

use super::{Decision, chat};
use crate::{
    Application, BoundKey, Change, Chat, Command, CreateApplication, Facts, Message, MessageContent, Outcome,
    Rejection, Reply, Request, Stage, Subject, Timestamp,
};

/// The replay of a request inside a live application; `None` if its key is new or it has none.
pub(super) fn of(
    facts: &Facts,
    application: &Application,
    request: &Request,
) -> Result<Option<Decision>, Rejection> {
    let Some(change) = bound_change(facts, Some(application), request)? else {
        return Ok(None);
    };
    let outcome = outcome(facts, application, &request.command, change)?;
    let position = last_position(&request.command, change);
    Ok(Some(decision(application, position, outcome)))
}

/// The replay of a request that made an application.
pub(super) fn of_application(
    facts: &Facts,
    request: &Request,
    create: &CreateApplication,
) -> Result<Option<Decision>, Rejection> {
    let Some(bound) = bound(facts, None, request) else {
        return Ok(None);
    };
    let application = facts.application(bound.application);
    let Some(application) = application.filter(|application| application.deleted_at.is_none()) else {
        return Err(Rejection::ApplicationDeleted);
    };
    let Some(change) = bound_change(facts, None, request)? else {
        return Ok(None);
    };
    let original = Application {
        name: Some(create.name.clone()),
        metadata: create.metadata.clone(),
        stage: Stage::Ready,
        chats_count: 0,
        last_chat_number: 0,
        last_position: change.position,
        updated_at: application.created_at,
        version: 1,
        ..application.clone()
    };
    Ok(Some(decision(
        application,
        change.position,
        Outcome::Application(original),
    )))
}

fn decision(application: &Application, position: u64, outcome: Outcome) -> Decision {
    let cursor = Some(application.cursor_at(position));
    Decision {
        events: Vec::new(),
        reply: Reply {
            outcome,
            cursor,
            replayed: true,
        },
    }
}

fn bound<'a>(facts: &'a Facts, application: Option<&Application>, request: &Request) -> Option<&'a BoundKey> {
    facts.key(
        application.map(|application| application.id),
        &request.key_name()?,
    )
}

/// The change that the request's key is bound to.
fn bound_change<'a>(
    facts: &'a Facts,
    application: Option<&Application>,
    request: &Request,
) -> Result<Option<&'a Change>, Rejection> {
    let (Some(bound), Some((_, fingerprint))) = (bound(facts, application, request), &request.key) else {
        return Ok(None);
    };
    let change = bound
        .change
        .as_ref()
        .expect("the changes of a live application stay");
    let binding = change.key.as_ref().expect("a bound key stays with its change");
    if binding.fingerprint == *fingerprint {
        Ok(Some(change))
    } else {
        Err(Rejection::KeyReused)
    }
}

/// The last position that the first request took: its key sits on the first.
fn last_position(command: &Command, change: &Change) -> u64 {
    match command {
        Command::CreateMessages { messages, .. } => change.position + messages.len() as u64 - 1,
        _ => change.position,
    }
}

fn outcome(
    facts: &Facts,
    application: &Application,
    command: &Command,
    change: &Change,
) -> Result<Outcome, Rejection> {
    Ok(match (command, &change.subject) {
        (Command::CreateChat(create), &Subject::Chat { chat }) => {
            let (title, metadata) = (create.title.clone(), create.metadata.clone());
            Outcome::Chat(chat::new(chat, change.position, title, metadata, change.at))
        }
        (Command::CreateMessage { content, .. }, &Subject::Message { number, .. }) => {
            Outcome::Message(created(number, content, change))
        }
        (Command::CreateMessages { messages, .. }, &Subject::Message { number, .. }) => Outcome::Messages {
            first: number,
            count: messages.len() as u64,
        },
        (Command::UpdateApplication(_), _) => Outcome::Application(application.clone()),
        (Command::UpdateChat(_), &Subject::Chat { chat }) => Outcome::Chat(
            facts
                .chat(application.id, chat)
                .expect("a chat that was updated exists")
                .clone(),
        ),
        (Command::UpdateMessage(_), &Subject::Message { chat, number }) => {
            let chat = facts
                .chat(application.id, chat)
                .expect("a message that was updated has a chat");
            Outcome::Message(present(facts, application, chat, number, change))
        }
        (Command::ImportChat(_), &Subject::Chat { chat }) => {
            chat::live(facts, application, chat)?;
            Outcome::ImportedChat { chat, created: false }
        }
        _ => Outcome::Deleted,
    })
}

fn created(number: u64, content: &Arc<MessageContent>, change: &Change) -> Message {
    Message {
        number,
        content: Some(content.clone()),
        created_at: change.at,
        updated_at: change.at,
        deleted_at: None,
        version: 1,
        created_position: change.position,
    }
}

/// The message as it is now, or the tombstone it became with its chat, whose messages may be gone by now.
fn present(facts: &Facts, application: &Application, chat: &Chat, number: u64, change: &Change) -> Message {
    let Some(deleted_at) = chat.deleted_at else {
        return facts
            .message(application.id, chat.number, number)
            .expect("a message that was updated exists")
            .clone();
    };
    let created_at = change.key.as_ref().and_then(|binding| binding.created_at);
    Message {
        number,
        content: None,
        created_at: created_at.unwrap_or_else(|| Timestamp::min(change.at, deleted_at)),
        updated_at: deleted_at,
        deleted_at: Some(deleted_at),
        version: change.version,
        created_position: change.position,
    }
}

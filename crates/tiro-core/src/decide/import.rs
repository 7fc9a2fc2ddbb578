//! Plain lines: a chat is made the first time its source names it, a line the first time it is seen.

use super::{Decision, chat, message};
use crate::{
    Application, Event, Facts, ImportChat, ImportLine, MessageCreated, Outcome, Rejection, Reply, Request,
    Timestamp,
};

/// The chat is new: a known one was found by its key before.
pub(super) fn chat(
    application: &Application,
    request: &Request,
    import: &ImportChat,
    now: Timestamp,
) -> Decision {
    let created_at = import.created_at.unwrap_or(now);
    let chat = chat::next(application, import.title.clone(), None, created_at);
    let (number, position) = (chat.number, chat.change_position);
    let event = Event::ChatCreated {
        application: application.id,
        chat,
        at: now,
        key: request.binding(None),
    };
    Decision::one(
        application,
        position,
        event,
        Outcome::ImportedChat {
            chat: number,
            created: true,
        },
    )
}

pub(super) fn messages(
    facts: &Facts,
    application: &Application,
    number: u64,
    lines: &[ImportLine],
    now: Timestamp,
) -> Result<Decision, Rejection> {
    let chat = chat::live(facts, application, number)?;
    let mut created = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let bound = facts
            .key(Some(application.id), &line.key.name)
            .and_then(|bound| bound.change.as_ref());
        match bound.and_then(|change| change.key.as_ref()) {
            None => created.push(MessageCreated {
                content: line.content.clone(),
                created_at: line.created_at,
                key: Some(line.key.clone()),
            }),
            Some(binding) if binding.fingerprint == line.key.fingerprint => {}
            Some(_) => return Err(Rejection::LineChanged { index }),
        }
    }
    let count = created.len() as u64;
    let outcome = Outcome::ImportedMessages {
        created: count,
        unchanged: lines.len() as u64 - count,
    };
    let cursor = Some(application.cursor_at(application.last_position + count));
    let events: Vec<Event> = if created.is_empty() {
        Vec::new()
    } else {
        message::created_events(facts, application, chat, created, now)
    };
    Ok(Decision {
        events,
        reply: Reply {
            outcome,
            cursor,
            replayed: false,
        },
    })
}

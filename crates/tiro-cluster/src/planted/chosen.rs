//! What each bug does, where one line at its call site does not say it.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tiro_core::{Command, Decision, Event, Facts, IfMatch, Outcome, Request};

use super::Bug;

const VARIABLE: &str = "TIRO_PLANTED_BUG";
/// What happens now and then happens with one of so many.
const ONE_IN: u32 = 8;

static CHOSEN: OnceLock<Option<Bug>> = OnceLock::new();
static WAS_REFUSED: AtomicBool = AtomicBool::new(false);

/// Reads which bug is wanted; the error says which there are.
pub(crate) fn choose() -> Result<(), String> {
    let Some(name) = std::env::var_os(VARIABLE) else {
        return Ok(());
    };
    let known = Bug::NAMES.iter().find(|(known, _)| name == *known);
    let bug = known.map(|(_, bug)| *bug);
    if bug.is_none() && name != "none" {
        let names: Vec<&str> = Bug::NAMES.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        return Err(format!("{VARIABLE} is {name:?}; it is none, or one of {names}"));
    }
    tracing::warn!(?bug, "a bug is planted: this is for tests");
    CHOSEN.get_or_init(|| bug);
    Ok(())
}

pub(crate) fn is(bug: Bug) -> bool {
    CHOSEN.get() == Some(&Some(bug))
}

pub(crate) fn now_and_then(bug: Bug) -> bool {
    static ASKED: AtomicU32 = AtomicU32::new(1);
    is(bug) && ASKED.fetch_add(1, Ordering::Relaxed).is_multiple_of(ONE_IN)
}

/// The request without its condition.
pub(crate) fn request(request: &Request) -> Cow<'_, Request> {
    if !is(Bug::IgnoreCondition) {
        return Cow::Borrowed(request);
    }
    let mut request = request.clone();
    match &mut request.command {
        Command::UpdateMessage(update) => update.if_match = IfMatch::Any,
        Command::UpdateChat(update) => update.if_match = IfMatch::Any,
        _ => {}
    }
    Cow::Owned(request)
}

/// A request was refused: the next create misses the number that it took.
pub(crate) fn refused() {
    WAS_REFUSED.store(is(Bug::NumberOfRefused), Ordering::Relaxed);
}

/// Another decision than the one that was made. `facts` are those of before.
pub(crate) fn spoil(decision: &mut Decision, facts: &Facts) {
    let Decision { events, reply } = decision;
    for event in events {
        let id = event.application();
        match event {
            Event::MessagesCreated { first_number, .. } if WAS_REFUSED.swap(false, Ordering::Relaxed) => {
                *first_number += 1;
                match &mut reply.outcome {
                    Outcome::Message(message) => message.number += 1,
                    Outcome::Messages { first, .. } => *first += 1,
                    _ => {}
                }
            }
            Event::MessagesCreated { first_position, .. } if now_and_then(Bug::PositionFromClock) => {
                *first_position += 1;
                if let Some(cursor) = &mut reply.cursor {
                    cursor.position += 1;
                }
            }
            Event::MessagesCreated { messages, .. } if now_and_then(Bug::ForgetKey) => messages[0].key = None,
            Event::MessageUpdated { chat, message, .. } if now_and_then(Bug::LoseUpdate) => {
                let before = facts.message(id, *chat, message.number);
                message.content = before.and_then(|before| before.content.clone());
            }
            _ => {}
        }
    }
}

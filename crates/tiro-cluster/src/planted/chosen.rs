//! What each bug does, where one line at its call site does not say it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use tiro_conformance::{Planted, restore_content, without_condition};
use tiro_core::{Decision, Event, Facts, Outcome, Request};

use super::Bug;

static PLANTED: Planted<Bug> = Planted::new();
static WAS_REFUSED: AtomicBool = AtomicBool::new(false);

pub(crate) fn choose() -> Result<(), String> {
    PLANTED.choose()
}

pub(crate) fn is(bug: Bug) -> bool {
    PLANTED.is(bug)
}

pub(crate) fn now_and_then(bug: Bug) -> bool {
    PLANTED.now_and_then(bug)
}

pub(crate) fn request(request: &Request) -> Cow<'_, Request> {
    if is(Bug::IgnoreCondition) {
        without_condition(request)
    } else {
        Cow::Borrowed(request)
    }
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
                restore_content(message, facts, id, *chat);
            }
            _ => {}
        }
    }
}

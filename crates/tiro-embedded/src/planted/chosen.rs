//! What each bug does, where one line at its call site does not say it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tiro_conformance::{Planted, is_planting, restore_content, without_condition};
use tiro_core::{ApplicationId, Decision, Event, Facts, Message, Outcome, Request};

use super::Bug;
use super::forgetful::ForgetfulDisk;
use crate::disk::{Disk, RealDisk};

const GENERATION_AGE: Duration = Duration::from_millis(10);

static PLANTED: Planted<Bug> = Planted::new();
/// Publishes a batch that is durable and answered.
static HELD_BACK: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

pub(crate) fn choose() -> Result<(), String> {
    PLANTED.choose()
}

pub(crate) fn is(bug: Bug) -> bool {
    PLANTED.is(bug)
}

pub(crate) fn now_and_then(bug: Bug) -> bool {
    PLANTED.now_and_then(bug)
}

/// One that forgets what was not synced.
pub(crate) fn disk() -> Arc<dyn Disk> {
    if is_planting() {
        Arc::new(ForgetfulDisk::default())
    } else {
        Arc::new(RealDisk)
    }
}

/// A round of the follower every few batches, so that a short load meets many of them.
pub(crate) fn hurried(age: Duration) -> Duration {
    if PLANTED.is_chosen() { GENERATION_AGE } else { age }
}

pub(crate) fn request(request: &Request) -> Cow<'_, Request> {
    if is(Bug::IgnoreCondition) {
        without_condition(request)
    } else {
        Cow::Borrowed(request)
    }
}

/// Another decision than the one that was made. `facts` are those of before.
pub(crate) fn spoil(decision: &mut Decision, facts: &Facts) {
    let Decision { events, reply } = decision;
    if reply.replayed && is(Bug::ReplayDiffers) {
        renumber(&mut reply.outcome, |number| number + 1);
    }
    for event in events {
        let id = event.application();
        match event {
            Event::MessagesCreated { first_number, .. }
                if *first_number > 1 && now_and_then(Bug::NumberTwice) =>
            {
                *first_number -= 1;
                renumber(&mut reply.outcome, |number| number - 1);
            }
            Event::MessagesCreated { first_number, .. } if now_and_then(Bug::NumberHole) => {
                *first_number += 1;
                renumber(&mut reply.outcome, |number| number + 1);
            }
            Event::MessagesCreated { messages, .. } if now_and_then(Bug::ForgetKey) => messages[0].key = None,
            Event::MessagesCreated { messages, .. } if messages.len() > 1 && is(Bug::NeighboursNumber) => {
                let first = Arc::clone(&messages[0].content);
                messages[0].content = std::mem::replace(&mut messages[1].content, first);
            }
            Event::MessageUpdated { chat, message, .. } if now_and_then(Bug::LoseUpdate) => {
                restore_content(message, facts, id, *chat);
            }
            Event::MessageUpdated { message, .. } if now_and_then(Bug::RaiseVersionTwice) => {
                message.version += 1;
                if let Outcome::Message(answered) = &mut reply.outcome {
                    answered.version += 1;
                }
            }
            Event::MessageDeleted { chat, message, .. } if is(Bug::BodyOfDeleted) => {
                restore_content(message, facts, id, *chat);
            }
            _ => {}
        }
    }
}

fn renumber(outcome: &mut Outcome, other: impl FnOnce(u64) -> u64) {
    match outcome {
        Outcome::Message(message) => message.number = other(message.number),
        Outcome::Messages { first, .. } => *first = other(*first),
        _ => {}
    }
}

pub(crate) fn applies_twice(event: &Event) -> bool {
    matches!(event, Event::MessagesCreated { .. }) && now_and_then(Bug::ApplyTwice)
}

/// Whether a batch has been published, or will be, so that it is not to be published in its turn. `later` makes what
/// publishes it without what the writer goes on using.
pub(crate) fn publishes_otherwise<Publish: FnOnce() + Send + 'static>(
    later: impl FnOnce() -> Publish,
) -> bool {
    if is(Bug::StaleRead) {
        *HELD_BACK.lock() = Some(Box::new(later()));
        return true;
    }
    is(Bug::PublishBeforeSync)
}

/// Publishes what was held back: the next batch is decided on it.
pub(crate) fn publish_late() {
    let held_back = HELD_BACK.lock().take();
    if let Some(publish) = held_back {
        publish();
    }
}

/// The chats that count a message that was deleted, one for each.
pub(crate) fn miscounted(events: &[Event]) -> impl Iterator<Item = (ApplicationId, u64)> {
    let events = events.iter().filter(|_| is(Bug::CountAfterDelete));
    events.filter_map(|event| match event {
        Event::MessageDeleted {
            application, chat, ..
        } => Some((*application, *chat)),
        _ => None,
    })
}

pub(crate) fn shorten(messages: &mut Vec<Message>) {
    if now_and_then(Bug::ShortPage) {
        messages.pop();
    }
}

//! What each bug does, where one line at its call site does not say it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use tiro_core::{ApplicationId, Command, Decision, Event, Facts, IfMatch, Message, Outcome, Request};

use super::Bug;
use super::forgetful::ForgetfulDisk;
use crate::disk::{Disk, RealDisk};

const VARIABLE: &str = "TIRO_PLANTED_BUG";
/// What happens now and then happens with one of so many.
const ONE_IN: u32 = 8;

const GENERATION_AGE: Duration = Duration::from_millis(10);

static CHOSEN: OnceLock<Option<Bug>> = OnceLock::new();
/// Publishes a batch that is durable and answered.
static HELD_BACK: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

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
    tracing::warn!(
        ?bug,
        "a bug is planted, and what is not synced is forgotten: this is for tests"
    );
    CHOSEN.get_or_init(|| bug);
    Ok(())
}

pub(crate) fn disk() -> Arc<dyn Disk> {
    match std::env::var_os(VARIABLE) {
        Some(_) => Arc::new(ForgetfulDisk::default()),
        None => Arc::new(RealDisk),
    }
}

pub(crate) fn is(bug: Bug) -> bool {
    CHOSEN.get() == Some(&Some(bug))
}

pub(crate) fn now_and_then(bug: Bug) -> bool {
    static ASKED: AtomicU32 = AtomicU32::new(1);
    is(bug) && ASKED.fetch_add(1, Ordering::Relaxed).is_multiple_of(ONE_IN)
}

/// A round of the follower every few batches, so that a short load meets many of them.
pub(crate) fn hurried(age: Duration) -> Duration {
    match CHOSEN.get() {
        Some(_) => GENERATION_AGE,
        None => age,
    }
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
                message.content = content_before(facts, id, *chat, message.number);
            }
            Event::MessageUpdated { message, .. } if now_and_then(Bug::RaiseVersionTwice) => {
                message.version += 1;
                if let Outcome::Message(answered) = &mut reply.outcome {
                    answered.version += 1;
                }
            }
            Event::MessageDeleted { chat, message, .. } if is(Bug::BodyOfDeleted) => {
                message.content = content_before(facts, id, *chat, message.number);
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

fn content_before(
    facts: &Facts,
    id: ApplicationId,
    chat: u64,
    number: u64,
) -> Option<Arc<tiro_core::MessageContent>> {
    facts
        .message(id, chat, number)
        .and_then(|message| message.content.clone())
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
